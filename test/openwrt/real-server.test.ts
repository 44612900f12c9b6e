/**
 * The router script with our real server and a real BIND (its other tests use a stub server): both shells, curl and GNU
 * wget. A local reverse proxy sets the client's address in a header, as in production.
 */
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Lab, openLab, SECRET, updateTarget, ZONE } from '../e2e/lab.ts';
import type { RunningDyndns } from '../support/dyndns.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';
import { makeRouter, ROUTER_PROGRAMS, type Router, SHELLS } from './router.ts';

const BR_LAN = `7: br-lan: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qlen 1000
    inet6 2001:db8:0:1f10::1/60 scope global dynamic noprefixroute
       valid_lft 7000sec preferred_lft 3400sec`;

/** A reverse proxy that sets the client's address, as nginx does. */
async function startProxy(backendPort: number, clientAddress: () => string): Promise<{ server: Server; url: string }> {
  const server = createServer((incoming, outgoing) => {
    const headers = { ...incoming.headers, 'x-forwarded-for': clientAddress() };
    const { method, url } = incoming;
    const onward = request({ host: '127.0.0.1', port: backendPort, method, path: url, headers }, (reply) => {
      outgoing.writeHead(reply.statusCode ?? 502, reply.headers);
      reply.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

describeWith([...BIND_PROGRAMS, ...ROUTER_PROGRAMS], 'the router script and our server', () => {
  let lab: Lab;
  let server: RunningDyndns;
  let proxy: { server: Server; url: string };
  let router: Router | undefined;
  let clientAddress = '';

  beforeAll(async () => {
    lab = await openLab();
    server = await lab.serve({ http: { trusted_proxies: ['127.0.0.1'] } });
    proxy = await startProxy(server.port, () => clientAddress);
  }, 30_000);

  afterEach(() => {
    router?.remove();
    router = undefined;
  });

  afterAll(async () => {
    proxy?.server.closeAllConnections();
    proxy?.server.close();
    await lab?.stop();
  });

  for (const [shellIndex, shell] of SHELLS.entries()) {
    for (const [transportIndex, transport] of (['curl', 'GNU wget'] as const).entries()) {
      describe(`${shell}, ${transport}`, () => {
        const name = `router${shellIndex}${transportIndex}`;
        const fqdn = `${name}.${ZONE}`;
        const start = (config: Readonly<Record<string, string>> = {}): Router => {
          const settings = { SERVER: proxy.url, SECRET, ZONE, ...config };
          router = makeRouter({ shell, transports: [transport], config: settings, ip: { 'br-lan': BR_LAN } });
          router.addProgram('sleep', ':');
          return router;
        };

        it('the cron lines in use publish what the server sees, and say UNCHANGED the next time', async () => {
          clientAddress = '198.51.100.7';
          const first = await start().run(['-S', '5', '-d', 'br-lan', '-4', name]);
          expect([first.code, first.stderr]).toEqual([0, '']);
          expect(first.stdout).toBe(`UPDATED: ${fqdn}. A None -> 198.51.100.7\nUNCHANGED: ${fqdn}. AAAA None\n`);
          expect(await lab.look(fqdn, 'A')).toEqual(['198.51.100.7']);
          const serial = await lab.serial();
          const second = await router!.run(['-d', 'br-lan', '-4', name]);
          expect(second.stdout).toBe(`UNCHANGED: ${fqdn}. A 198.51.100.7\nUNCHANGED: ${fqdn}. AAAA None\n`);
          expect(await lab.serial()).toBe(serial);
        });

        it('both families and a TTL', async () => {
          clientAddress = '198.51.100.8';
          const run = await start().run(['-t', '120', '-d', 'br-lan', name]);
          expect([run.code, run.stderr]).toEqual([0, '']);
          expect(run.stdout).toContain(`UPDATED: ${fqdn}. AAAA None -> 2001:db8:0:1f10::1`);
          expect(await lab.look(fqdn, 'AAAA')).toEqual(['2001:db8:0:1f10::1']);
          expect(await lab.ttl(fqdn, 'A')).toBe(120);
        });

        it.each([
          [{ SECRET: 'WrongSecret1' }, 'PARAMETER_ERROR: You specified a wrong secret key.', ['-4']],
          [{ ZONE: 'nowhere.example' }, 'DNS_NAME_ERROR: Unknown zone "nowhere.example".', ['-4']],
          [{}, 'PARAMETER_ERROR: The TTL 2147483648 is not between 0 and 2147483647.', ['-t', '2147483648', '-4']],
        ])('%j is refused with 1 and the words of the server', async (config, text, args) => {
          clientAddress = '198.51.100.9';
          const serial = await lab.serial();
          const run = await start(config).run([...args, name]);
          expect(run.stderr).toContain(text);
          expect([run.code, run.stdout]).toEqual([1, '']);
          expect(await lab.serial()).toBe(serial);
        });

        it('-p moves the AAAA record of the host into the prefix, and is refused without an AAAA record', async () => {
          const moved = `prefix-${name}`;
          const none = await start().run(['-p', '-d', 'br-lan', moved]);
          expect([none.code, none.stdout]).toEqual([1, '']);
          expect(none.stderr).toContain('dnserr');
          await server.ask(updateTarget({ fqdn: `${moved}.${ZONE}`, ipv6: '2001:db8:9:f3::10' }));
          for (const word of ['good', 'nochg']) {
            const run = await router!.run(['-p', '-d', 'br-lan', moved]);
            expect([run.code, run.stderr]).toEqual([0, '']);
            expect(run.stdout).toBe(`${word} 2001:db8:0:1f13::10 (prefix 2001:db8:0:1f10::/60)\n`);
          }
          expect(await lab.look(`${moved}.${ZONE}`, 'AAAA')).toEqual(['2001:db8:0:1f13::10']);
        });
      });
    }
  }
});
