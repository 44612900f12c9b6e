/**
 * Which address or prefix of an interface the router script uses. The recordings under recorded/ are real output of
 * iproute2 6.1, BusyBox 1.35 and Linux's /proc/net/if_inet6 for one bridge with a public, a deprecated, a unique local, a
 * link-local and a private IPv4 address; flags that need a router advertisement were added in the programs' format.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { describeWith, findProgram } from '../support/require-server.ts';
import { makeRouter, RECORDED, ROUTER_PROGRAMS, type Router, SHELLS } from './router.ts';
import { SECRET, type StubServer, startStubServer } from './stub-server.ts';

const recorded = (name: string): string => readFileSync(join(RECORDED, name), 'utf8');
const interfaceWith = (...addresses: string[]): string =>
  `4: wan: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qlen 1000\n${addresses
    .map((line) => `    inet6 ${line} \n       valid_lft 7000sec preferred_lft 3400sec\n`)
    .join('')}`;

describeWith(ROUTER_PROGRAMS, 'the addresses that the router script uses', () => {
  let server: StubServer;
  let router: Router | undefined;
  beforeAll(async () => {
    server = await startStubServer();
  });
  afterAll(() => server?.close());
  afterEach(() => {
    router?.remove();
    server.seen.length = 0;
    server.replies.clear();
  });

  describe.each(SHELLS)('under %s', (shell) => {
    type Interfaces = Readonly<Record<string, string>>;
    const start = (
      sources: { ip?: Interfaces; addressTable?: string },
      config: Record<string, string> = {},
    ): Router => {
      const zone = { SERVER: server.url, SECRET, ZONE: 'dyndns.example.com' };
      router = makeRouter({ shell, transports: ['curl'], config: { ...zone, ...config }, ...sources });
      return router;
    };
    const sent = (): Readonly<Record<string, string>> => server.seen.at(-1)?.form ?? {};

    describe.each([
      { program: 'ip of iproute2', interfaces: { ip: { 'br-lan': recorded('iproute2.txt') } } },
      { program: 'ip of BusyBox', interfaces: { ip: { 'br-lan': recorded('busybox-ip.txt') } } },
      { program: 'the table of the kernel', interfaces: { addressTable: recorded('if-inet6.txt') } },
      { program: 'the table where ip fails', interfaces: { ip: {}, addressTable: recorded('if-inet6.txt') } },
    ])('with $program', ({ interfaces }) => {
      it('the public address is sent, and neither the local nor the deprecated one', async () => {
        const run = await start(interfaces).run(['-d', 'br-lan', '-6', 'home']);
        expect(run.stderr).toBe('');
        expect(['2001:db8:0:1f10::1', '2001:0db8:0000:1f10:0000:0000:0000:0001']).toContain(sent()['ipv6']);
        expect(sent()).not.toHaveProperty('ipv4');
      });

      it('-4 sends the address that the server sees and does not read the interface', async () => {
        const run = await start(interfaces).run(['-d', 'br-lan', '-4', 'home']);
        expect(run.code).toBe(0);
        expect(sent()['ipv4']).toBe('198.51.100.7');
        expect(sent()).not.toHaveProperty('ipv6');
        expect(run.calls).not.toContain('br-lan');
      });

      it('-p sends the prefix with the length of the interface', async () => {
        server.replies.set('/nic/update', { status: 200, text: 'good 2001:db8:0:1f10::10\n' });
        const run = await start(interfaces).run(['--prefix-only', '--device', 'br-lan', 'home']);
        expect(run.code).toBe(0);
        expect(sent()['ipv6prefix']).toBe('2001:db8:0:1f10::/60');
      });

      it('an interface that does not exist ends with 10', async () => {
        const run = await start(interfaces).run(['-d', 'br-guest', '-6', 'home']);
        expect(run.code).toBe(10);
        expect(run.stderr).toContain("'br-guest' has no global IPv6 address");
        expect(server.seen).toEqual([]);
      });
    });

    it.each([
      {
        order: 'a permanent one before a temporary one',
        lines: ['2001:db8::a/64 scope global temporary dynamic', '2001:db8::b/64 scope global dynamic'],
      },
      {
        order: 'a permanent one before a "secondary" one',
        lines: ['2001:db8::a/64 scope global secondary dynamic', '2001:db8::b/64 scope global'],
      },
      {
        order: 'a temporary one before a deprecated one',
        lines: ['2001:db8::a/64 scope global deprecated dynamic', '2001:db8::b/64 scope global temporary dynamic'],
      },
      {
        order: 'never a tentative one',
        lines: ['2001:db8::a/64 scope global tentative', '2001:db8::b/64 scope global'],
      },
      {
        order: 'never one whose duplicate was found',
        lines: ['2001:db8::a/64 scope global dadfailed', '2001:db8::b/64 scope global'],
      },
      {
        order: 'never one of another scope',
        lines: ['fe80::a/64 scope link', 'fec0::a/64 scope site', '2001:db8::b/128 scope global'],
      },
      { order: 'the first of equals', lines: ['2001:db8::b/64 scope global', '2001:db8::a/64 scope global'] },
      { order: 'the own one of a point-to-point link', lines: ['2001:db8::b peer 2001:db8::c/128 scope global'] },
    ])('the choice is $order', async ({ lines }) => {
      const run = await start({ ip: { wan: interfaceWith(...lines) } }).run(['-d', 'wan', '-6', 'home']);
      expect(run.code).toBe(0);
      expect(sent()['ipv6']).toBe('2001:db8::b');
    });

    it.each([
      { flags: '101', meaning: 'temporary' },
      { flags: '20', meaning: 'deprecated' },
      { flags: '40', meaning: 'tentative' },
      { flags: '08', meaning: 'a duplicate' },
      { flags: '44', meaning: 'optimistic' },
    ])("the kernel's flags $flags ($meaning) make way for an address without them", async ({ flags }) => {
      const addressTable = [
        `20010db800000000000000000000000a 04 40 00 ${flags.padStart(2)}      wan`,
        '20010db800000000000000000000000c 05 40 00 80      lan',
        'fe80000000000000000000000000000d 04 40 20 80      wan',
        '20010db800000000000000000000000b 04 40 00 80      wan',
      ].join('\n');
      const run = await start({ addressTable: `${addressTable}\n` }).run(['-d', 'wan', '-6', 'home']);
      expect(run.code).toBe(0);
      expect(sent()['ipv6']).toMatch(/:000b$/);
    });

    it('a unique local address is refused, unless ULA=yes', async () => {
      const ip = { lan: interfaceWith('fd12:3456:789a::1/60 scope global') };
      const refused = await start({ ip }).run(['-d', 'lan', '-6', 'home']);
      expect(refused.code).toBe(10);
      expect(server.seen).toEqual([]);
      router?.remove();
      const run = await start({ ip }, { ULA: 'yes' }).run(['-d', 'lan', '-6', 'home']);
      expect(run.code).toBe(0);
      expect(sent()['ipv6']).toBe('fd12:3456:789a::1');
    });

    it.each([
      { address: '2001:db8:aaaa:bbff:1:2:3:4/56', prefix: '2001:db8:aaaa:bb00::/56' },
      { address: '2001:db8:1:2:3:4:5:6/64', prefix: '2001:db8:1:2::/64' },
      { address: '2001:db8::1/64', prefix: '2001:db8:0:0::/64' },
      { address: '2001:db8:1:2::/63', prefix: '2001:db8:1:2::/63' },
      { address: '2001:db8:1:3::/63', prefix: '2001:db8:1:2::/63' },
      { address: '2001:db8:abcd:1::9/48', prefix: '2001:db8:abcd:0::/48' },
      { address: '2001:db8:a:b:c::/64', prefix: '2001:db8:a:b::/64' },
      { address: '2001:db8:abcd:1::9/44', prefix: '2001:db8:abc0:0::/44' },
    ])('the prefix of $address is $prefix', async ({ address, prefix }) => {
      server.replies.set('/nic/update', { status: 200, text: 'good 2001:db8::10\n' });
      const run = await start({ ip: { lan: interfaceWith(`${address} scope global`) } }).run([
        '-p',
        '-d',
        'lan',
        'home',
      ]);
      expect(run.code).toBe(0);
      expect(sent()['ipv6prefix']).toBe(prefix);
    });

    it('-p needs a prefix of 64 bits or fewer and ends with 10 without one', async () => {
      const run = await start({ ip: { wan: interfaceWith('2001:db8::b/128 scope global') } }).run([
        '-p',
        '-d',
        'wan',
        'x',
      ]);
      expect(run.code).toBe(10);
      expect(server.seen).toEqual([]);
    });

    it('if one family is missing, the other one is published, and the exit code reports it', async () => {
      const run = await start({ ip: { 'br-lan': interfaceWith('fe80::1/64 scope link') } }).run([
        '-d',
        'br-lan',
        'home',
      ]);
      expect(run.code).toBe(10);
      expect(sent()).toMatchObject({ ipv4: '198.51.100.7' });
      expect(sent()).not.toHaveProperty('ipv6');
      router?.remove();
      server.replies.set('/myip', { status: 200, text: '2001:db8::9\n' });
      const other = await start({ ip: { 'br-lan': recorded('iproute2.txt') } }).run(['-d', 'br-lan', 'home']);
      expect(other.code).toBe(10);
      expect(sent()).toMatchObject({ ipv6: '2001:db8:0:1f10::1' });
      expect(sent()).not.toHaveProperty('ipv4');
    });

    it('if the server is not reachable over IPv4, the IPv6 address is published and the exit code is 6', async () => {
      const device = start({ ip: { 'br-lan': recorded('iproute2.txt') } });
      const unreachable = `case " $* " in *" -4 "*) echo "curl: (7) no route" >&2; exit 7 ;; esac`;
      device.addProgram('curl', `${unreachable}\nexec ${findProgram('curl')} "$@"`);
      const run = await device.run(['-d', 'br-lan', 'home']);
      expect(run.stderr).toContain('over IPv4: curl: (7) no route');
      expect(run.stdout).toContain('AAAA None -> 2001:db8:0:1f10::1');
      expect(run.code).toBe(6);
      expect(sent()).not.toHaveProperty('ipv4');
    });

    it.each([
      '1.2.3',
      '1.2.3.4.5',
      '256.1.1.1',
      '01.2.3.4',
      '1.2.3.4x',
      '',
      '<html>1.2.3.4</html>',
      '1..2.3',
      '1.2.3.',
    ])('the answer "%s" of /myip is no IPv4 address and ends with 10', async (text) => {
      server.replies.set('/myip', { status: 200, text: `${text}\n` });
      const run = await start({}).run(['-4', 'home']);
      expect(run.code).toBe(10);
      expect(server.seen).toHaveLength(1);
    });
  });
});
