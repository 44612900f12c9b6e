/** `http.tls.acme` with a real pebble, which queries the zone's nameserver for the records. */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { formatCertificate, makeCertificate } from '../../src/acme/certificate.ts';
import { startBind } from '../support/bind.ts';
import { dig } from '../support/dig.ts';
import { type DyndnsConfig, type LogLine, type RunningDyndns, startDyndns } from '../support/dyndns.ts';
import { freePort } from '../support/free-port.ts';
import { ask } from '../support/http-client.ts';
import { connectTls, makeCertificateOf, shownCertificate } from '../support/own-certificate.ts';
import { PEBBLE_PROGRAMS, type Pebble, type PreparedPebble, preparePebble, startPebble } from '../support/pebble.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { removeNow, waitUntil } from '../support/process.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';

const ZONE = 'dyndns.example.com';
const OTHER_ZONE = 'lab.example.net';
const WAIT_MS = 25_000;
/** Warnings, but for the one that the names of these tests have no address. */
const isUnexpected = ({ level, msg }: LogLine) => level >= 30 && !msg.includes('which has no address');
/**
 * The option of Node.js that shortens timers of about a minute and more to half a second.
 * @param belowMs longer timers are not changed
 */
const shortPauses = (belowMs: number) =>
  `--import=data:text/javascript,${encodeURIComponent(
    `const { setTimeout: set } = globalThis; globalThis.setTimeout = (call, ms, ...more) => set(call, ms > 5e4 && ms < ${belowMs} ? 500 : ms, ...more);`,
  )}`;
/** Shortens the backoff after the first failure only. */
const SHORT_FIRST_PAUSE = shortPauses(70_000);
/** Shortens every backoff, however long the authority takes to start. */
const SHORT_PAUSES = shortPauses(Number.POSITIVE_INFINITY);

describeWith([...BIND_PROGRAMS, ...PEBBLE_PROGRAMS], 'a certificate of its own, through embedded zones', () => {
  let site: PreparedPebble;
  let pebble: Pebble;
  let root: string;
  let dns: { host: string; port: number };
  const running: RunningDyndns[] = [];
  const directories: string[] = [];

  beforeAll(async () => {
    dns = { host: '127.0.0.1', port: await freePort() };
    site = await preparePebble();
    await startAuthority();
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((server) => server.stop()));
    for (const directory of directories.splice(0)) removeNow(directory);
  });
  afterAll(async () => {
    await pebble?.stop();
    site?.remove();
  });

  async function startAuthority(): Promise<void> {
    pebble = await site.start(dns);
    root = await pebble.root();
  }

  /** The data directory of a server, with its certificate in `acme`. */
  function dataDirectory(): string {
    const directory = freshDirectory('certificate');
    directories.push(directory);
    return directory;
  }

  function config(directory: string, acme: object): DyndnsConfig {
    return {
      secret: 'masterSecretOfTests',
      http: {
        listen: ['https://127.0.0.1:0'],
        tls: { acme: { email: 'hostmaster@example.com', directory: site.directoryUrl, ...acme } },
      },
      metrics: { listen: '127.0.0.1:0' },
      dns: { listen: [`127.0.0.1:${dns.port}`], database: join(directory, 'zones.db') },
      zones: [
        {
          name: ZONE,
          nameserver: 'embedded',
          ns: [`ns1.${ZONE}`],
          records: `ns1 A 127.0.0.1\n_acme-challenge.moved CNAME proof\n_acme-challenge.taken TXT x\n`,
        },
        { name: OTHER_ZONE, nameserver: 'embedded', ns: [`ns1.${ZONE}`] },
      ],
    };
  }

  async function serve(directory: string, acme: object = {}, env: NodeJS.ProcessEnv = {}): Promise<RunningDyndns> {
    const server = await startDyndns(config(directory, acme), { env: { NODE_EXTRA_CA_CERTS: site.caFile, ...env } });
    running.push(server);
    return server;
  }

  async function metricOfEnd(server: RunningDyndns): Promise<number> {
    const port = Number(/metrics on http:\/\/.*:(\d+)/.exec(texts(server).join('\n'))?.[1]);
    const { body } = await ask({ port }, '/metrics');
    return Number(/^dyndns_certificate_end_timestamp_seconds (\S+)$/m.exec(body)?.[1]);
  }

  const texts = (server: RunningDyndns) => server.log().map(({ msg }) => msg);
  const isIssued = (server: RunningDyndns) =>
    texts(server).some((text) => text.includes('Installed a new certificate for'));
  const issued = (server: RunningDyndns) =>
    waitUntil(`a certificate\n${server.process.output()}${pebble.log()}`, () => isIssued(server), WAIT_MS);

  it('serves one for names and wildcards of its zones, uses it after a restart, and leaves no record in the zones', async () => {
    const names = [ZONE, `*.${ZONE}`, OTHER_ZONE, `*.lab.${OTHER_ZONE}`];
    const directory = dataDirectory();
    const server = await serve(directory, { names });
    await issued(server);
    const certificate = await shownCertificate(server.port, `home.${ZONE}`, [root]);
    expect(certificate.subjectAltName?.split(', ').sort()).toEqual(names.map((name) => `DNS:${name}`).sort());
    for (const name of [ZONE, OTHER_ZONE, `lab.${OTHER_ZONE}`]) {
      expect((await dig(dns, [`_acme-challenge.${name}`, 'TXT'])).short).toEqual([]);
    }
    const folder = join(directory, 'acme');
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(readdirSync(folder).sort()).toEqual(['account-key.pem', 'certificate.pem']);
    for (const file of readdirSync(folder)) expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600);
    expect(server.process.output()).not.toContain('PRIVATE KEY');

    await server.stop();
    const orders = pebble.log().split('\n').length;
    const again = await serve(directory, { names });
    expect((await shownCertificate(again.port, ZONE, [root])).serialNumber).toBe(certificate.serialNumber);
    await again.reload(config(directory, { names }));
    expect(pebble.log().split('\n').length).toBe(orders);
    expect(again.log().filter(isUnexpected)).toEqual([]);
  }, 60_000);

  it('serves an RSA certificate beside that of P-256, each to the clients that can use it', async () => {
    const directory = dataDirectory();
    const types = { names: [ZONE], key_types: ['ec', 'rsa'] };
    const server = await serve(directory, { names: [ZONE] });
    await issued(server);
    const ec = await shownCertificate(server.port, ZONE, [root]);
    await server.reload(config(directory, types));
    const hasRsa = () =>
      texts(server).some((text) => /Installed a new certificate for .* with an RSA key\./.test(text));
    await waitUntil(`an RSA certificate\n${server.process.output()}`, hasRsa, WAIT_MS);
    const onlyRsa = { sigalgs: 'RSA+SHA256:RSA-PSS+SHA256', maxVersion: 'TLSv1.2' as const };
    const shown = async (port: number) => {
      const [modern, old] = [
        await shownCertificate(port, ZONE, [root]),
        await shownCertificate(port, ZONE, [root], onlyRsa),
      ];
      expect([modern, old].map(({ publicKey }) => publicKey.asymmetricKeyType)).toEqual(['ec', 'rsa']);
      return [modern, old].map(({ serialNumber }) => serialNumber);
    };
    const serials = await shown(server.port);
    expect(serials[0]).toBe(ec.serialNumber);
    const folder = join(directory, 'acme');
    expect(readdirSync(folder).sort()).toEqual(['account-key.pem', 'certificate-rsa.pem', 'certificate.pem']);
    for (const file of readdirSync(folder)) expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600);
    expect((await dig(dns, [`_acme-challenge.${ZONE}`, 'TXT'])).short).toEqual([]);

    // A restart keeps both, and a reload without the option serves the first one alone.
    await server.stop();
    const again = await serve(directory, types);
    expect(await shown(again.port)).toEqual(serials);
    await again.reload(config(directory, { names: [ZONE] }));
    await expect(shownCertificate(again.port, ZONE, [root], onlyRsa)).rejects.toThrow();
    expect((await shownCertificate(again.port, ZONE, [root])).serialNumber).toBe(ec.serialNumber);
  }, 90_000);

  it('TLS 1.2 and 1.3 are spoken, and no older version', async () => {
    const server = await serve(dataDirectory(), { names: [ZONE] });
    await issued(server);
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      await shownCertificate(server.port, ZONE, [root], { minVersion: version, maxVersion: version });
    }
    for (const version of ['TLSv1', 'TLSv1.1'] as const) {
      const old = { minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' };
      await expect(shownCertificate(server.port, ZONE, [root], old)).rejects.toThrow();
    }
  }, 60_000);

  describe('with one that is about to expire', () => {
    let directory: string;
    let old: Awaited<ReturnType<typeof makeCertificateOf>>;
    beforeEach(async () => {
      directory = dataDirectory();
      old = await makeCertificateOf([ZONE], 80, 10);
      mkdirSync(join(directory, 'acme'));
      const text = formatCertificate(makeCertificate(old.key, old.chain, site.directoryUrl));
      writeFileSync(join(directory, 'acme/certificate.pem'), text);
    });

    it('gets a new one while no connection ever fails, and those that are open go on', async () => {
      const server = await serve(directory, { names: [ZONE] });
      const open = await connectTls(server.port, ZONE, [old.chain]);
      const replies: string[] = [];
      open.on('data', (octets: Buffer) => replies.push(octets.toString('latin1')));
      const seen = new Set<string>();
      while (seen.size < 2) {
        seen.add((await shownCertificate(server.port, ZONE, [old.chain, root])).issuer);
        expect(texts(server).filter((text) => text.includes('Could not get a new certificate'))).toEqual([]);
      }
      expect([...seen]).toEqual(['CN=made by a test', expect.stringContaining('Pebble Intermediate')]);
      open.write(`GET /myip HTTP/1.1\r\nHost: ${ZONE}\r\n\r\n`);
      await waitUntil('a reply on the old connection', () => replies.join('').includes('200 OK'));
      open.destroy();
    }, 60_000);

    it('serves the old one while a challenge fails or the authority is down, and retries by itself and at SIGHUP', async () => {
      await pebble.stop();
      const nowhere = { host: '127.0.0.1', port: await freePort() };
      pebble = await site.start(nowhere);
      const server = await serve(directory, { names: [ZONE] }, { NODE_OPTIONS: SHORT_FIRST_PAUSE });
      const failures = () => texts(server).filter((text) => text.includes('Could not get a new certificate'));
      const showsOld = async () => {
        expect((await shownCertificate(server.port, ZONE, [old.chain])).issuer).toBe('CN=made by a test');
      };
      await waitUntil('a failure', () => failures().length > 0, WAIT_MS);
      expect(failures()[0]).toMatch(
        /Could not get a new certificate for dyndns\.example\.com from https:\/\/localhost:\d+\/dir: The authority could not validate 'dyndns\.example\.com': .*\. The current one is valid for 9 days more\. The next attempt is in 1 min, or at SIGHUP\.$/,
      );
      await showsOld();
      expect((await dig(dns, [`_acme-challenge.${ZONE}`, 'TXT'])).short).toEqual([]);

      await pebble.stop();
      await waitUntil('one more', () => failures().some((text) => text.includes('ECONNREFUSED')), WAIT_MS);
      await showsOld();

      await startAuthority();
      // The third backoff is too long for a test.
      if (!isIssued(server)) server.process.signal('SIGHUP');
      await issued(server);
      expect((await shownCertificate(server.port, ZONE, [root])).issuer).toContain('Pebble');
    }, 90_000);
  });

  it('serves a self-signed one, with a warning, until the authority is up', async () => {
    await pebble.stop();
    const server = await serve(dataDirectory(), { names: [ZONE] }, { NODE_OPTIONS: SHORT_PAUSES });
    expect(texts(server)).toContain(
      `http.tls.acme: There is no certificate for ${ZONE} yet. Clients do not trust this server until there is one.`,
    );
    await expect(shownCertificate(server.port, ZONE, [root])).rejects.toMatchObject({
      code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
    });
    await waitUntil('a failure', () => texts(server).some((text) => text.includes('ECONNREFUSED')), WAIT_MS);
    expect(await metricOfEnd(server)).toBe(0);
    await startAuthority();
    await issued(server);
    const { validTo } = await shownCertificate(server.port, ZONE, [root]);
    expect(await metricOfEnd(server)).toBe(Date.parse(validTo) / 1000);
  }, 60_000);

  it('removes its records when it stops, and after a crash at the next start', async () => {
    const directory = dataDirectory();
    const acme = { names: [ZONE], propagation_seconds: 3600 };
    const values = async () => (await dig(dns, [`_acme-challenge.${ZONE}`, 'TXT'])).short;
    const published = () => waitUntil('a record', async () => (await values()).length > 0, WAIT_MS);
    const crashed = await serve(directory, acme);
    await published();
    const [left] = await values();
    await crashed.process.stop('SIGKILL');

    const next = await serve(directory, acme);
    await waitUntil('the record to go', async () => !(await values()).includes(left!), WAIT_MS);
    await published();
    await next.process.stop();
    // A server without http.tls.acme, which removes no records.
    const without = { ...(config(directory, {}) as object), http: { listen: ['127.0.0.1:0'] } };
    running.push(await startDyndns(without));
    expect(await values()).toEqual([]);
  }, 60_000);

  it('publishes nothing for an authority that wants to validate a name that was not requested', async () => {
    const liar = await startLiar();
    onTestFinished(async () => void (await liar.stop()));
    const server = await serve(dataDirectory(), { names: [ZONE], directory: liar.directoryUrl });
    await waitUntil(
      'a failure',
      () => texts(server).some((text) => text.includes('Could not get a new certificate')),
      WAIT_MS,
    );
    expect(texts(server).join('\n')).toContain(
      `The authority wants to validate 'victim.${ZONE}', which was not requested.`,
    );
    expect((await dig(dns, [`_acme-challenge.victim.${ZONE}`, 'TXT'])).short).toEqual([]);
  }, 60_000);

  /** A proxy in front of pebble that changes the name in its authorizations. */
  async function startLiar(): Promise<{ readonly directoryUrl: string; stop(): Promise<unknown> }> {
    const [cert, key] = [readFileSync(site.caFile), readFileSync(site.keyFile)];
    const target = new URL(site.directoryUrl);
    const front = createServer({ cert, key }, (incoming, outgoing) => {
      const { method, url, headers } = incoming;
      const sent = request({ host: target.hostname, port: target.port, ca: cert, path: url, method, headers });
      incoming.pipe(sent);
      sent.once('response', async (reply) => {
        const body = (await Readable.from(reply).toArray()).join('');
        const lie = body.replaceAll(/("value":\s*)"[^"]+"/g, `$1"victim.${ZONE}"`);
        const { 'content-length': _length, ...rest } = reply.headers;
        outgoing.writeHead(reply.statusCode!, rest).end(url?.startsWith('/authZ/') ? lie : body);
      });
    });
    await new Promise<void>((resolve) => front.listen({ host: '127.0.0.1', port: 0 }, resolve));
    const { port } = front.address() as AddressInfo;
    return {
      directoryUrl: `https://localhost:${port}${target.pathname}`,
      stop: () => {
        front.closeAllConnections();
        return new Promise((resolve) => front.close(resolve));
      },
    };
  }

  it('warns the operator that a static record is in the way', async () => {
    const server = await serve(dataDirectory(), { names: [`taken.${ZONE}`] });
    await waitUntil(
      'a failure',
      () => texts(server).some((text) => text.includes('Could not get a new certificate')),
      WAIT_MS,
    );
    expect(texts(server).join('\n')).toMatch(/_acme-challenge\.taken\..*configuration/);
  }, 60_000);
});

describeWith([...BIND_PROGRAMS, ...PEBBLE_PROGRAMS], 'a certificate of its own, through BIND', () => {
  const key = { name: ZONE, algorithm: 'hmac-sha512', secret: 'bm90IGEgc2VjcmV0LCBidXQgbG9uZyBlbm91Z2g=' };
  const stops: (() => Promise<unknown>)[] = [];
  afterAll(async () => {
    for (const stop of stops.splice(0).reverse()) await stop();
  });

  it('is issued for a name, its wildcard and behind a CNAME, and follows the configuration at SIGHUP', async () => {
    const records = '_acme-challenge.www CNAME proof.of\n';
    const bind = await startBind({ zones: [{ name: ZONE, records }], keys: [key] });
    stops.push(() => bind.stop());
    const pebble = await startPebble(bind);
    stops.push(() => pebble.stop());
    const root = await pebble.root();
    const folder = freshDirectory('bind-certificate');
    stops.push(async () => removeNow(folder));
    const config = (tls: object) => ({
      secret: 'masterSecretOfTests',
      http: { listen: ['https://127.0.0.1:0'], tls },
      zones: [{ name: ZONE, nameserver: bind.host, port: bind.port, tsig_key: key.secret }],
    });
    const acme = (names: readonly string[]) => ({
      acme: { names, directory: pebble.directoryUrl, folder, propagation_seconds: 0 },
    });
    const first = [ZONE, `*.${ZONE}`];
    const server = await startDyndns(config(acme(first)), { env: { NODE_EXTRA_CA_CERTS: pebble.caFile } });
    stops.push(() => server.stop());
    const issues = () => server.log().filter(({ msg }) => msg.includes('Installed a new certificate for')).length;
    const namesShown = async (ca: string) => {
      const { subjectAltName } = await shownCertificate(server.port, ZONE, [ca]);
      return subjectAltName?.replaceAll('DNS:', '').split(', ').sort();
    };
    await waitUntil('a certificate', () => issues() === 1, WAIT_MS);
    expect(await namesShown(root)).toEqual([...first].sort());

    const second = [ZONE, `www.${ZONE}`];
    await server.reload(config(acme(second)));
    await waitUntil('one for other names', () => issues() === 2, WAIT_MS);
    expect(await namesShown(root)).toEqual(second);
    for (const name of [`_acme-challenge.${ZONE}`, `proof.of.${ZONE}`]) {
      expect((await dig(bind, [name, 'TXT'])).short).toEqual([]);
    }

    const { key: privateKey, chain } = await makeCertificateOf([ZONE], 1, 30);
    const files = { certificate: join(folder, 'own.crt'), key: join(folder, 'own.key') };
    writeFileSync(files.certificate, chain);
    writeFileSync(files.key, privateKey, { mode: 0o600 });
    await server.reload(config(files));
    expect(await namesShown(chain)).toEqual([ZONE]);
    await server.reload(config(acme(second)));
    expect(await namesShown(root)).toEqual(second);
    expect(issues()).toBe(2);
    expect(
      server
        .log()
        .filter(isUnexpected)
        .map(({ msg }) => msg),
    ).toEqual([expect.stringContaining('There is no certificate for')]);
  }, 90_000);
});
