/**
 * The router script's transfers: each shell with each program, TLS verified, the secret not exposed.
 * BusyBox wget is tested over plain HTTP, and must refuse https://, because it may skip the certificate check.
 */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { removeAtExit, removeNow } from '../support/process.ts';
import { describeWith } from '../support/require-server.ts';
import {
  makeRouter,
  ROUTER_PROGRAMS,
  type Router,
  type Run,
  SHELLS,
  TRANSPORTS,
  type TransportName,
} from './router.ts';
import { type Certificates, makeCertificates, SECRET, type StubServer, startStubServer } from './stub-server.ts';

const ZONE = 'dyndns.example.com';
const BR_LAN = `7: br-lan: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qlen 1000
    inet6 2001:db8:0:1f10::1/60 scope global dynamic noprefixroute
       valid_lft 7000sec preferred_lft 3400sec
    inet6 fe80::1/64 scope link
       valid_lft forever preferred_lft forever`;

function expectSecretUnseen(run: Run): void {
  const encoded = encodeURIComponent(SECRET);
  for (const text of [run.calls, run.environments, run.stdout, run.stderr]) {
    expect(text).not.toContain(SECRET);
    expect(text).not.toContain(encoded);
    expect(text).not.toContain('Top5ecretWord');
  }
}

describeWith(ROUTER_PROGRAMS, 'the transfers of the router script', () => {
  let directory: string;
  let good: Certificates;
  let tlsServer: StubServer;
  let plainServer: StubServer;
  let otherNameServer: StubServer;
  let router: Router | undefined;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'dyndns-certificates-'));
    removeAtExit(directory);
    good = makeCertificates(join(directory, 'good'), 'localhost');
    const otherName = makeCertificates(join(directory, 'other'), 'other.example.com');
    tlsServer = await startStubServer(good);
    otherNameServer = await startStubServer(otherName);
    plainServer = await startStubServer();
  });

  afterAll(async () => {
    await Promise.all([tlsServer, otherNameServer, plainServer].map((server) => server?.close()));
    removeNow(directory);
  });

  afterEach(() => {
    router?.remove();
    for (const server of [tlsServer, plainServer, otherNameServer]) {
      server.seen.length = 0;
      server.replies.clear();
    }
  });

  describe.each(SHELLS)('under %s', (shell) => {
    describe.each(TRANSPORTS)('with %s', (transport) => {
      const tls = transport !== 'BusyBox wget';
      const server = (): StubServer => (tls ? tlsServer : plainServer);
      const start = (config: Readonly<Record<string, string>> = {}): Router => {
        const authority: Record<string, string> = tls ? { CA_FILE: good.authority } : {};
        router = makeRouter({
          shell,
          transports: [transport],
          config: { SERVER: server().url, SECRET, ZONE, ...authority, ...config },
          ip: { 'br-lan': BR_LAN },
        });
        return router;
      };

      it.each([
        { line: '-S 5 -d br-lan -4 nrouter', name: 'nrouter' },
        { line: '-d br-lan -4 nuernberg', name: 'nuernberg' },
      ])(
        'the cron line "$line" publishes the address that the server sees, never that of the interface',
        async ({ line, name }) => {
          const device = start();
          device.addProgram('sleep', ':');
          const run = await device.run(line.split(' '));
          expect(run.stderr).toBe('');
          expect(run.stdout).toBe(
            `UPDATED: ${name}.${ZONE}. A None -> 198.51.100.7\nUNCHANGED: ${name}.${ZONE}. AAAA None\n`,
          );
          expect(run.code).toBe(0);
          expect(server().seen.map(({ method, path, query }) => `${method} ${path}${query}`)).toEqual([
            'GET /myip',
            'POST /update-by-query',
          ]);
          expect(server().seen[1]?.form).toEqual({
            secret: SECRET,
            zone_name: ZONE,
            record_name: name,
            ipv4: '198.51.100.7',
          });
          expect(run.calls.includes('sleep 5 ')).toBe(line.startsWith('-S 5'));
          expectSecretUnseen(run);
        },
      );

      it('both families and a TTL go into one request, and no file with the secret is left or readable by others', async () => {
        const run = await start().run(['-t', '120', '-d', 'br-lan', 'home']);
        expect(run.code).toBe(0);
        expect(server().seen[1]?.form).toEqual({
          ...{ secret: SECRET, zone_name: ZONE, record_name: 'home', ttl: '120' },
          ...{ ipv4: '198.51.100.7', ipv6: '2001:db8:0:1f10::1' },
        });
        expect(run.leftBehind).toEqual([]);
        const modes = run.files.trim().split('\n');
        expect(modes.filter((line) => !line.startsWith('600 '))).toEqual([]);
        expect(modes.some((line) => line.endsWith('/body'))).toBe(transport !== 'curl');
        expectSecretUnseen(run);
      });

      it('a refusal exits with 1 and prints the reason, without the secret, even if the server repeats it', async () => {
        server().replies.set('/update-by-query', { status: 456, text: `PARAMETER_ERROR: no '${SECRET}' here.\n` });
        const run = await start().run(['-d', 'br-lan', '-6', 'home']);
        expect(run.code).toBe(1);
        expect(run.stdout).toBe('');
        expect(run.stderr).toContain('HTTP 456');
        const showsBody = transport === 'curl' || transport === 'GNU wget';
        expect(run.stderr).toContain(showsBody ? "no '[secret]' here." : 'wrong secret');
        expectSecretUnseen(run);
      });

      it('a redirect is refused and reported', async () => {
        server().replies.set('/update-by-query', { status: 301, text: '', location: 'http://localhost:9/elsewhere' });
        const run = await start().run(['-d', 'br-lan', '-6', 'home']);
        // BusyBox wget always follows redirects; the port of the new address is closed.
        expect(run.code).toBe(transport === 'BusyBox wget' ? 6 : 1);
        if (transport !== 'BusyBox wget') expect(run.stderr).toContain('the server redirects');
        expect(run.stdout).toBe('');
        expectSecretUnseen(run);
      });

      it('a page that is not from a dyndns server exits with 1', async () => {
        server().replies.set('/update-by-query', { status: 200, text: '<html>Please log in</html>' });
        const run = await start().run(['-d', 'br-lan', '-6', 'home']);
        expect(run.code).toBe(1);
        expect(run.stderr).toContain('unexpected answer');
      });

      it('a closed port exits with 6', async () => {
        const run = await start({ SERVER: server().url.replace(/\d+$/, '1') }).run(['-4', 'home']);
        expect(run.code).toBe(6);
        expect(run.stderr).toMatch(/no answer from .*: .+/);
        expect(run.stderr).not.toContain('unknown reason');
        expectSecretUnseen(run);
      });

      it('an answer of the wrong family is not published', async () => {
        server().replies.set('/myip', { status: 200, text: '2001:db8::7\n' });
        const run = await start().run(['-4', 'home']);
        expect(run.code).toBe(10);
        expect(server().seen).toHaveLength(1);
      });

      it('-p sends the prefix of the interface to /nic/update', async () => {
        server().replies.set('/nic/update', { status: 200, text: 'good 2001:db8:0:1f10::1\n' });
        const run = await start().run(['-p', '-d', 'br-lan', 'home']);
        expect(run.stderr).toBe('');
        expect(run.code).toBe(0);
        expect(server().seen).toEqual([
          {
            ...{ method: 'POST', path: '/nic/update', query: '' },
            form: { secret: SECRET, hostname: `home.${ZONE}`, ipv6prefix: '2001:db8:0:1f10::/60' },
          },
        ]);
        expectSecretUnseen(run);
      });

      it('-p exits with 5 if the server has no /nic/update', async () => {
        const run = await start().run(['-p', '-d', 'br-lan', 'home']);
        expect(run.code).toBe(5);
        expect(run.stderr).toContain('does not accept prefixes');
      });

      it.each([
        { status: 200, text: 'good 198.51.100.7\n', code: 5 },
        { status: 200, text: 'good\n', code: 5 },
        { status: 200, text: 'nohost\n', code: 1 },
        { status: 200, text: 'nochg 2001:db8:0:1f10::1\n', code: 0 },
        { status: 401, text: 'badauth\n', code: 1 },
        { status: 503, text: '911\n', code: 1 },
      ])('-p ends with $code after $status "$text"', async ({ status, text, code }) => {
        server().replies.set('/nic/update', { status, text });
        const run = await start().run(['-p', '-d', 'br-lan', 'home']);
        expect(run.code).toBe(code);
        expect(run.stdout !== '').toBe(code === 0);
        expectSecretUnseen(run);
      });

      if (tls) {
        it('a certificate of an unknown CA exits with 7, and the secret is not sent', async () => {
          const run = await start({ CA_FILE: '', SERVER: tlsServer.url }).run(['-d', 'br-lan', '-6', 'home']);
          expect(run.code).toBe(7);
          expect(tlsServer.seen).toEqual([]);
          expectSecretUnseen(run);
        });

        it('a certificate for another name exits with 7, and the secret is not sent', async () => {
          const authority = join(directory, 'other', 'ca.pem');
          const device = start({ CA_FILE: authority, SERVER: otherNameServer.url });
          const run = await device.run(['-d', 'br-lan', '-6', 'home']);
          expect(run.code).toBe(7);
          expect(otherNameServer.seen).toEqual([]);
        });
      } else {
        it('https:// is refused with 11, since the certificate might go unchecked', async () => {
          const run = await start({ SERVER: tlsServer.url, CA_FILE: good.authority }).run(['-4', 'home']);
          expect(run.code).toBe(11);
          expect(run.stderr).toContain('may not check TLS certificates');
          expect(tlsServer.seen).toEqual([]);
        });
      }
    });

    it('a .curlrc and a .wgetrc that disable the check are ignored', async () => {
      const transports: TransportName[] = ['curl', 'GNU wget'];
      for (const transport of transports) {
        router = makeRouter({
          ...{ shell, transports: [transport], ip: { 'br-lan': BR_LAN } },
          config: { SERVER: tlsServer.url, SECRET, ZONE },
        });
        writeFileSync(join(router.directory, 'etc', '.curlrc'), 'insecure\n');
        writeFileSync(join(router.directory, 'etc', '.wgetrc'), 'check_certificate = off\n');
        const run = await router.run(['-d', 'br-lan', '-6', 'home']);
        expect(run.code).toBe(7);
        router.remove();
      }
      expect(tlsServer.seen).toEqual([]);
    });

    it.each(['SIGTERM', 'SIGINT', 'SIGHUP'])('%s during a transfer leaves no temporary file', async (signal) => {
      router = makeRouter({
        ...{ shell, transports: [], ip: { 'br-lan': BR_LAN } },
        config: { SERVER: plainServer.url, SECRET, ZONE },
      });
      router.addProgram(
        'wget',
        `[ "$1" != --version ] || { echo 'GNU Wget 1.21'; exit; }; kill -s ${signal.slice(3)} $PPID`,
      );
      const run = await router.run(['-d', 'br-lan', '-6', 'home']);
      expect(run.files).toContain('600 ');
      expect(run.code).toBe({ SIGHUP: 129, SIGINT: 130, SIGTERM: 143 }[signal]);
      expect(run.leftBehind).toEqual([]);
    });

    it('without a program for the transfer it exits with 11', async () => {
      router = makeRouter({ shell, transports: [], config: { SERVER: tlsServer.url, SECRET, ZONE } });
      const run = await router.run(['-4', 'home']);
      expect(run.code).toBe(11);
      expect(run.stderr).toContain('neither curl nor wget nor uclient-fetch');
    });

    it('an exported variable of the caller does not pass the secret to child processes', async () => {
      router = makeRouter({
        ...{ shell, transports: ['GNU wget'], ip: { 'br-lan': BR_LAN } },
        config: { SERVER: plainServer.url, SECRET, ZONE },
      });
      const exported = { SECRET: 'x', body: 'x', value: 'x', rest: 'x', secret_field: 'x', encoded: 'x', masked: 'x' };
      const run = await router.run(['-d', 'br-lan', '-6', 'home'], exported);
      expect(run.code).toBe(0);
      expectSecretUnseen(run);
    });
  });
});
