/**
 * The recipes of docs/operating/acme.md, unchanged, with the real lego and certbot, our server with its own nameserver, and
 * pebble, which queries the records there; no part of the validation is skipped.
 */
import { createHash, X509Certificate } from 'node:crypto';
import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CERTBOT_PROGRAMS } from '../support/certbot.ts';
import { dig } from '../support/dig.ts';
import { type RunningDyndns, startDyndns } from '../support/dyndns.ts';
import { freePort } from '../support/free-port.ts';
import { LEGO_PROGRAMS } from '../support/lego.ts';
import { nsupdate } from '../support/nsupdate.ts';
import { PEBBLE_PROGRAMS, type Pebble, startPebble } from '../support/pebble.ts';
import { freshDirectory, writeInto } from '../support/primary-server.ts';
import { removeNow, runOrThrow, waitUntil } from '../support/process.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';
import { pageBlock } from './client-lab.ts';

const ZONE = 'dyndns.example.com';
/** A foreign zone whose challenges are delegated. Served here as well, because pebble queries only one server. */
const OTHER_ZONE = 'example.net';
const KEY = { name: 'operator.key', algorithm: 'hmac-sha256', secret: Buffer.alloc(32, 7).toString('base64') };
const PROGRAMS = [
  ...BIND_PROGRAMS,
  ...PEBBLE_PROGRAMS,
  ...LEGO_PROGRAMS,
  ...CERTBOT_PROGRAMS,
  { command: 'curl', debianPackage: 'curl' },
];

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const token = (name: string, host: string) => ({
  name,
  sha256: sha256(`secret of ${name}`),
  hosts: [host],
  types: ['TXT'],
});

describeWith(PROGRAMS, 'the recipes for certificates', () => {
  let server: RunningDyndns;
  let dns: { readonly host: string; readonly port: number };
  let pebble: Pebble;
  let directory: string;

  beforeAll(async () => {
    directory = freshDirectory('acme');
    dns = { host: '127.0.0.1', port: await freePort() };
    const zone = { nameserver: 'embedded', ns: [`ns1.${ZONE}`] };
    server = await startDyndns({
      secret: 'masterSecretOfTests',
      log_level: 20,
      store: 'sqlite:dyndns.db',
      dns: { listen: [`127.0.0.1:${dns.port}`] },
      protocols: { acme_dns: true },
      acme_dns: { zone: `challenges.${ZONE}`, register: ['127.0.0.1'] },
      zones: [
        { ...zone, name: ZONE, records: 'ns1 IN A 127.0.0.1\n' },
        {
          ...zone,
          name: OTHER_ZONE,
          tsig_key: KEY,
          records: `_acme-challenge.shop IN CNAME _acme-challenge.shop.${ZONE}.\n`,
        },
      ],
      tokens: [token('lego', `home.${ZONE}`), token('shop', `shop.${ZONE}`)],
    });
    pebble = await startPebble(dns);
  }, 30_000);

  afterAll(async () => {
    await pebble?.stop();
    await server?.stop();
    removeNow(directory);
  });

  const block = (words: string) =>
    pageBlock('../operating/acme.md', words)
      .replaceAll(`https://${ZONE}`, `http://127.0.0.1:${server.port}`)
      .replaceAll(/\/etc\/(lego|letsencrypt)/g, directory);
  const shell = (text: string, env: NodeJS.ProcessEnv = {}) =>
    runOrThrow('sh', ['-euc', text], { cwd: directory, timeoutMs: 80_000, env: { ...process.env, ...env } });
  const namesOf = (pem: string) => new X509Certificate(pem).subjectAltName?.split(', ').sort();
  const texts = async (name: string) => (await dig(dns, [name, 'TXT', '+norecurse'])).short;

  /** Runs the block with overrides of lego's defaults: authority, resolver, directory. */
  async function lego(words: string, tokenName: string, more = ''): Promise<string> {
    writeInto(directory, tokenName === 'lego' ? 'dyndns.token' : `${tokenName}.token`, `secret of ${tokenName}\n`);
    const path = join(directory, words.replaceAll(' ', '-') + more);
    const resolver = `--dns.resolvers 127.0.0.1:${dns.port} --dns.disable-cp`;
    const text = block(words).replace('lego --accept-tos', () => {
      return `lego --server ${pebble.directoryUrl} --path ${path} ${resolver} --accept-tos`;
    });
    await shell(text, { LEGO_CA_CERTIFICATES: pebble.caFile, HTTPREQ_MODE: more, HTTPREQ_POLLING_INTERVAL: '1' });
    const name = /--domains (\S+)/.exec(text)![1];
    return readFileSync(join(path, 'certificates', `${name}.crt`), 'utf8');
  }

  // Clients pause for seconds before they poll an order, so all orders run concurrently.
  it.concurrent('lego, httpreq in both modes: a name and its wildcard', { timeout: 90_000 }, async () => {
    for (const mode of ['', 'RAW']) {
      const pem = await lego('sh lego', 'lego', mode);
      expect(namesOf(pem)).toEqual([`DNS:*.home.${ZONE}`, `DNS:home.${ZONE}`]);
      expect(await texts(`_acme-challenge.home.${ZONE}`)).toEqual([]);
    }
    const said = (what: string) => server.log().filter(({ msg }) => msg.includes(`home.${ZONE}. TXT ${what}`));
    await waitUntil('the log to tell of all', () => said('added').length + said('removed').length >= 8);
    expect([said('added').length, said('removed').length]).toEqual([4, 4]);
  });

  it.concurrent('lego, httpreq, a challenge that a CNAME delegates to us', { timeout: 90_000 }, async () => {
    expect(namesOf(await lego('sh delegated', 'shop'))).toEqual([`DNS:shop.${OTHER_ZONE}`]);
    const lines = server.log().filter(({ msg }) => msg.includes(`_acme-challenge.shop.${ZONE}. TXT added`));
    expect(lines).toHaveLength(1);
    expect(await texts(`_acme-challenge.shop.${ZONE}`)).toEqual([]);
  });

  it.concurrent('certbot, acme-dns, a name and its wildcard that a CNAME delegates to us', {
    timeout: 90_000,
  }, async () => {
    await shell(block('sh register'));
    const account = JSON.parse(readFileSync(join(directory, 'acme-dns.json'), 'utf8')) as { fulldomain: string };
    chmodSync(writeInto(directory, 'acme-dns-hook', block('sh hook')), 0o700);
    const cname = `update add _acme-challenge.www.${OTHER_ZONE} 60 CNAME ${account.fulldomain}.`;
    expect((await nsupdate(dns, KEY, OTHER_ZONE, [cname])).code).toBe(0);
    const folders = ['config', 'work', 'logs'].map((name) => `--${name}-dir ${join(directory, name)}`).join(' ');
    const order = block('sh certbot').replace(
      'certbot certonly',
      `certbot certonly ${folders} --server ${pebble.directoryUrl}`,
    );
    await shell(order, { REQUESTS_CA_BUNDLE: pebble.caFile });
    const pem = readFileSync(join(directory, `config/live/www.${OTHER_ZONE}/cert.pem`), 'utf8');
    expect(namesOf(pem)).toEqual([`DNS:*.www.${OTHER_ZONE}`, `DNS:www.${OTHER_ZONE}`]);
    expect(await texts(account.fulldomain)).toHaveLength(2);
  });
});
