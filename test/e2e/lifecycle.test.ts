// The life of the server: reload, end, and primaries that are down, frozen or restarted. A real BIND behind, real signals.
import { readFileSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { makeCertificates } from '../openwrt/stub-server.ts';
import type { RunningDyndns } from '../support/dyndns.ts';
import { type Answer, ask } from '../support/http-client.ts';
import { waitUntil } from '../support/process.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';
import { type Lab, openLab, SECRET, updateTarget, ZONE } from './lab.ts';

const OPENSSL = { command: 'openssl', debianPackage: 'openssl' };

describeWith([...BIND_PROGRAMS, OPENSSL], 'the life of the server', () => {
  let lab: Lab;
  let count = 0;

  beforeAll(async () => {
    lab = await openLab();
  }, 30_000);

  afterAll(async () => {
    await lab?.stop();
  });

  const newName = () => `life${count++}.${ZONE}`;
  const update = (server: RunningDyndns, fqdn: string, ipv4: string) => server.ask(updateTarget({ fqdn, ipv4 }));

  /** Sends SIGTERM. @returns the ms until the process ended, and its exit code */
  async function end(server: RunningDyndns): Promise<{ ms: number; code: number | null }> {
    const startMs = performance.now();
    server.process.signal('SIGTERM');
    const code = await server.process.ended;
    return { ms: performance.now() - startMs, code };
  }

  describe('SIGHUP', () => {
    it('puts a valid new file in force at once: secret, zones, level of the log', async () => {
      const server = await lab.serve({ secret: 'OldSecret1' });
      const target = (secret: string) => `/update-by-path/${secret}/${newName()}/192.0.2.1`;
      expect((await server.ask(target('OldSecret1'))).status).toBe(200);
      expect((await server.ask(target('NewSecret2'))).status).toBe(456);
      const news = await server.reload(lab.config({ secret: 'NewSecret2' }));
      expect(news.map(({ msg }) => msg)).toContain('Configuration reloaded.');
      expect((await server.ask(target('OldSecret1'))).status).toBe(456);
      expect((await server.ask(target('NewSecret2'))).status).toBe(200);
      await server.reload(lab.config({ zones: [{ name: 'other.example.net', tsig_key: lab.key.secret }] }));
      expect((await server.ask(updateTarget({ fqdn: newName() }))).status).toBe(453);
      await server.stop();
    });

    it.each([
      [
        'an unknown key',
        (config: object) => ({ ...config, sekret: 'x' }),
        /dyndns\.yml:\d+:\d+: .*sekret.*nearest known key/,
      ],
      ['no YAML', () => 'zones: [', /dyndns\.yml:\d+:\d+/],
      [
        'a secret that is too short',
        (config: object) => ({ ...config, secret: 'short' }),
        /secret.*at least 8 characters/,
      ],
      ['nothing', () => '', /zones/],
    ])('a new file with %s leaves the old one in force, and the log has the reason', async (_what, change, why) => {
      const server = await lab.serve();
      const news = await server.reload(change(lab.config()) as Record<string, unknown> | string);
      const errors = news.filter(({ level }) => level >= 40).map(({ msg }) => msg);
      expect(errors.join('\n')).toMatch(why);
      expect(errors.at(-1)).toBe('Reload failed: the old configuration stays in force.');
      expect((await update(server, newName(), '192.0.2.1')).status).toBe(200);
      await server.stop();
    });

    it('reads the certificate again; if it cannot be read, nothing of the new file is in force', async () => {
      const server = await lab.serve();
      const { authority, certificate, key } = makeCertificates(join(server.directory, 'tls'), 'localhost');
      const tlsFile = (name: string) => ({ listen: ['https://127.0.0.1:0'], tls: { certificate: name, key } });
      const secure = await lab.serve({ http: tlsFile(certificate) });
      const ca = readFileSync(authority, 'utf8');
      const statusWith = (secret: string) =>
        ask({ port: secure.port, host: 'localhost' }, `/delete-by-path/${secret}/${newName()}`, { ca });
      expect((await statusWith(SECRET)).status).toBe(200);
      const bad = join(server.directory, 'bad.pem');
      writeFileSync(bad, 'no certificate');
      for (const file of [bad, join(server.directory, 'missing.pem')]) {
        const news = await secure.reload(lab.config({ secret: 'NewSecret2', http: tlsFile(file) }));
        expect(news.at(-1)?.msg).toBe('Reload failed: the old configuration stays in force.');
        expect(news.map(({ msg }) => msg).join('\n')).toContain('http.tls');
        expect((await statusWith('NewSecret2')).status).toBe(456);
        expect((await statusWith(SECRET)).status).toBe(200);
      }
      await secure.reload(lab.config({ secret: 'NewSecret2', http: tlsFile(certificate) }));
      expect((await statusWith('NewSecret2')).status).toBe(200);
      await Promise.all([server.stop(), secure.stop()]);
    });

    it('requests in flight end on the old configuration', async () => {
      const server = await lab.serve();
      await update(server, newName(), '192.0.2.1');
      lab.primary.freeze();
      try {
        const waiting = update(server, newName(), '192.0.2.2');
        await waitUntil('the request to be in flight', async () => (await server.ask('/')).status === 200);
        await server.reload(lab.config({ secret: 'NewSecret2' }));
        lab.primary.thaw();
        expect((await waiting).body).toContain('-> 192.0.2.2');
      } finally {
        lab.primary.thaw();
      }
      await server.stop();
    });
  });

  describe('SIGTERM', () => {
    const sockets: Socket[] = [];
    afterEach(() => {
      for (const socket of sockets.splice(0)) socket.destroy();
    });

    /** A connection on which nothing is sent, or only the beginning of a request. */
    async function open(server: RunningDyndns, text: string): Promise<void> {
      const socket = connect({ host: '127.0.0.1', port: server.port });
      sockets.push(socket);
      socket.on('error', () => undefined);
      await new Promise((resolve) => socket.once('connect', resolve));
      if (text !== '') socket.write(text);
    }

    it.each([
      ['that was never used', async () => undefined],
      [
        'with keep-alive connections',
        async (server: RunningDyndns) => {
          await Promise.all(Array.from({ length: 5 }, () => update(server, newName(), '192.0.2.1')));
        },
      ],
      ['with a connection that never sent anything', (server: RunningDyndns) => open(server, '')],
      ['with a request that was never finished', (server: RunningDyndns) => open(server, 'GET / HTTP/1.1\r\nHost')],
    ])('ends a server %s within half a second, with exit code 0', async (_what, prepare) => {
      const server = await lab.serve();
      await prepare(server);
      await server.ask('/');
      const { ms, code } = await end(server);
      expect(code).toBe(0);
      expect(ms).toBeLessThan(500);
      expect(server.log().at(-1)?.msg).toBe('SIGTERM: ending');
    });

    it('answers requests in flight, accepts no new ones, and then ends at once', async () => {
      const server = await lab.serve();
      const fqdn = newName();
      await update(server, fqdn, '192.0.2.1');
      lab.primary.freeze();
      try {
        const waiting = update(server, fqdn, '192.0.2.2');
        // The second of a name waits for the first.
        const second = update(server, fqdn, '192.0.2.3');
        await waitUntil('both to have arrived', async () => (await server.ask('/')).status === 200);
        server.process.signal('SIGTERM');
        await waitUntil('the listener to close', () =>
          server.ask('/', { headers: { Connection: 'close' } }).then(
            () => false,
            () => true,
          ),
        );
        lab.primary.thaw();
        expect((await waiting).body).toContain('192.0.2.1 -> 192.0.2.2');
        expect((await second).body).toContain('192.0.2.2 -> 192.0.2.3');
        const answeredMs = performance.now();
        expect(await server.process.ended).toBe(0);
        expect(performance.now() - answeredMs).toBeLessThan(500);
      } finally {
        lab.primary.thaw();
      }
    });
  });

  describe('a primary', () => {
    it('that is down at the start does no harm: the first update after it came up succeeds', async () => {
      await lab.primary.halt();
      const server = await lab.serve();
      const fqdn = newName();
      const down = await update(server, fqdn, '192.0.2.1');
      expect(down.status).toBe(512);
      expect(down.body).toMatch(
        /^DNS_SERVER_ERROR: No answer: cannot connect to 127\.0\.0\.1:\d+ \(ECONNREFUSED\); is the primary of 'dyn\.example\.com\.' running there/,
      );
      await lab.primary.restart();
      expect((await update(server, fqdn, '192.0.2.1')).body).toBe(
        `UPDATED: ${fqdn}. A None -> 192.0.2.1\nUNCHANGED: ${fqdn}. AAAA None\n`,
      );
      await server.stop();
    });

    it('that is frozen gets every one of 200 requests a 512 with advice within six seconds, and works again when it thaws', async () => {
      const server = await lab.serve();
      const names = Array.from({ length: 50 }, newName);
      await update(server, names[0]!, '192.0.2.1');
      let answers: Answer[];
      lab.primary.freeze();
      try {
        // Four requests for each name: the later ones wait for the first, too. Other routes are not held up.
        const waiting = names.flatMap((fqdn) => [1, 2, 3, 4].map((host) => update(server, fqdn, `198.51.100.${host}`)));
        expect((await server.ask('/myip')).ms).toBeLessThan(500);
        const check = server.ask('/check');
        const one = server.ask(`/delete-by-path/${SECRET}/${names[0]}`);
        answers = await Promise.all([...waiting, one]);
        expect((await check).status).toBe(457);
      } finally {
        lab.primary.thaw();
      }
      const slowest = Math.max(...answers.map(({ ms }) => ms));
      console.info(`frozen primary: ${answers.length} replies, the last after ${slowest.toFixed(0)} ms`);
      expect(slowest).toBeLessThan(6000);
      for (const { status, body } of answers) {
        expect(status).toBe(512);
        expect(body).toMatch(
          /^DNS_SERVER_ERROR: .*(may have been applied\. Sending it again is safe|Nothing was changed|is the primary of .* running there)/,
        );
      }
      const again = await Promise.all(names.map((fqdn) => update(server, fqdn, '198.51.100.99')));
      expect(again.map(({ status }) => status)).toEqual(names.map(() => 200));
      expect(await lab.look(names[7]!, 'A')).toEqual(['198.51.100.99']);
      await server.stop();
    }, 30_000);

    it('that is killed and restarted under load: every reported UPDATED is in the zone', async () => {
      const server = await lab.serve({ nameserver_timeout_seconds: 2 });
      const clients = Array.from({ length: 50 }, newName);
      const reported = new Map<string, string>();
      /** Sent after the last reported address, and not confirmed: may be in the zone. */
      const doubt = new Map<string, Set<string>>();
      const statuses = new Map<number, number>();
      const untrue: string[] = [];
      let running = true;
      const client = async (fqdn: string, index: number) => {
        for (let step = 1; running; step++) {
          const address = `10.${index}.${step >> 8}.${step & 255}`;
          const { status, body } = await update(server, fqdn, address);
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
          if (body.includes(`-> ${address}\n`)) {
            // The old value is the last reported one, unless one in doubt was applied since: this reveals a false UPDATED.
            const before = / A (\S+) -> /.exec(body)?.[1] ?? '';
            const possible = [reported.get(fqdn) ?? 'None', ...(doubt.get(fqdn) ?? [])];
            if (!possible.includes(before)) untrue.push(`${fqdn}: ${before} instead of ${possible}`);
            reported.set(fqdn, address);
            doubt.set(fqdn, new Set());
          } else doubt.set(fqdn, (doubt.get(fqdn) ?? new Set()).add(address));
        }
      };
      const clientsDone = Promise.all(clients.map(client));
      const count200 = () => statuses.get(200) ?? 0;
      try {
        for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
          const before = count200();
          await waitUntil('updates to be reported', () => count200() > before + 500);
          const refusedBefore = statuses.get(512) ?? 0;
          await lab.primary.halt(signal);
          await waitUntil('the outage to be reported', () => (statuses.get(512) ?? 0) > refusedBefore + 50);
          await lab.primary.restart();
        }
        const before = count200();
        await waitUntil('updates to be reported again', () => count200() > before + 500);
      } finally {
        running = false;
        await clientsDone;
      }
      expect(untrue).toEqual([]);
      expect([...statuses.keys()].sort()).toEqual([200, 512]);
      for (const fqdn of clients) {
        const [published = '', ...more] = await lab.look(fqdn, 'A');
        expect(more).toEqual([]);
        expect([reported.get(fqdn), ...(doubt.get(fqdn) ?? [])]).toContain(published);
        // And the server knows that address.
        expect((await update(server, fqdn, '192.0.2.1')).body).toContain(`A ${published} -> 192.0.2.1\n`);
      }
      await server.stop();
    }, 60_000);
  });
});
