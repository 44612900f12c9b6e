/**
 * The real inadyn 2.10 with the file of docs/clients/inadyn.md against our server: HTTP/1.0 requests, IPv6 with escaped
 * colons, and the words that it takes for success, for a permanent error, and for an error to retry.
 */
import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { instructionsFor } from '../../src/core/devices/device.ts';
import { getDevice } from '../../src/core/devices/devices.ts';
import { CAN_OWN_HOSTS, INADYN_PROGRAMS, runInadyn, runInadynWithHosts, startInadyn } from '../support/inadyn.ts';
import { writeInto } from '../support/primary-server.ts';
import { startRelay } from '../support/relay.ts';
import { describeWith } from '../support/require-server.ts';
import {
  type ClientLab,
  HOME,
  LAB_PROGRAMS,
  NAS,
  ODD_TOKEN,
  openClientLab,
  PRIMARIES,
  pageBlock,
  settingsText,
  TOKEN,
  ZONE,
} from './client-lab.ts';

const [IPV4, IPV6] = ['203.0.113.45', '2001:db8:1:2:3:4:5:6'];
const FOREIGN = `foreign.${ZONE}`;

for (const primary of PRIMARIES) {
  describeWith([...LAB_PROGRAMS, ...INADYN_PROGRAMS], `inadyn 2.10 and ${primary}`, () => {
    let lab: ClientLab;
    beforeAll(async () => {
      lab = await openClientLab(primary);
      lab.front.clientAddress = IPV4;
    }, 30_000);
    beforeEach(() => lab.clear());
    afterAll(() => lab?.stop());

    /** The file of the page, optionally with replacements. */
    const write = (before = '', after = '') => {
      const page = pageBlock('inadyn.md', 'conf inadyn');
      expect(page).toContain(before);
      const text = lab
        .adapt(before === '' ? page : page.replaceAll(before, after))
        .replace(/"curl .*"/, `"echo ${IPV6}"`);
      return writeInto(lab.directory, 'inadyn.conf', `ca-trust-file = ${lab.front.caFile}\n${text}`);
    };
    const done = (name: string, address: string) => `Successful alias table update for ${name} => new IP# ${address}\n`;
    const updates = () => lab.front.requests.filter((request) => request.includes('/nic/update'));

    it('publishes both families, one request each, and takes nochg for success', async () => {
      const { code, stderr } = await runInadyn(write(), ['--force']);
      expect([code, stderr]).toEqual([0, expect.stringContaining(done(HOME, IPV4))]);
      expect(stderr).toContain(done(HOME, IPV6));
      expect([await lab.look(HOME, 'A'), await lab.look(HOME, 'AAAA')]).toEqual([[IPV4], [IPV6]]);
      expect(updates().map((request) => request.split('\r\n')[0])).toEqual([
        `GET /nic/update?hostname=${HOME}&myip=${IPV6.replaceAll(':', '%3a')} HTTP/1.0`,
        `GET /nic/update?hostname=${HOME}&myip=${IPV4} HTTP/1.0`,
      ]);
      const serial = await lab.serial();
      const again = await runInadyn(write(), ['--force']);
      expect([again.code, again.stderr]).toEqual([0, expect.stringContaining(done(HOME, IPV4))]);
      expect(lab.front.replies.at(-1)).toMatch(RegExp(`\r\n\r\nnochg ${IPV4}\n$`));
      expect(await lab.serial()).toBe(serial);
    });

    it('reads a secret of special characters from the file that --for prints', async () => {
      const text = settingsText(lab, 'inadyn', 'conf inadyn', ODD_TOKEN).replace(/"curl .*"/, `"echo ${IPV6}"`);
      const file = writeInto(lab.directory, 'odd.conf', `ca-trust-file = ${lab.front.caFile}\n${text}`);
      expect(await runInadyn(file, ['--force'])).toMatchObject({
        code: 0,
        stderr: expect.stringContaining(done(HOME, IPV4)),
      });
      expect([await lab.look(HOME, 'A'), await lab.look(HOME, 'AAAA')]).toEqual([[IPV4], [IPV6]]);
    });

    it('without TLS, as --for prints the file for a server of plain HTTP', async () => {
      const request = { server: `http://127.0.0.1:${lab.httpPort}`, host: HOME, tokenName: 'router1', secret: TOKEN };
      const [section] = instructionsFor(getDevice('inadyn'), request).sections;
      const text = section?.kind === 'text' ? section.text : '';
      const given = text
        .replace(/"curl .*"/, `"echo ${IPV6}"`)
        .replace(/checkip-server[\s\S]*?checkip-ssl.*/, `checkip-command = "echo ${IPV4}"`);
      const { code, stderr } = await runInadyn(writeInto(lab.directory, 'plain.conf', given), ['--force']);
      expect([code, stderr]).toEqual([0, expect.stringContaining(done(HOME, IPV4))]);
      expect([await lab.look(HOME, 'A'), await lab.look(HOME, 'AAAA')]).toEqual([[IPV4], [IPV6]]);
    });

    it('ends with a wrong token, and says why', async () => {
      const { code, stderr } = await runInadyn(write('TOKEN', 'WRONG'), ['--force']);
      expect([code, stderr]).toEqual([50, expect.stringContaining('[401 Unauthorized] badauth\n')]);
      expect(stderr).toMatch(/Error code 50: Authentication failure\n$/);
      expect(await lab.look(HOME, 'A')).toBe('NXDOMAIN');
    });

    it('publishes the name of the token and ends at a foreign one', async () => {
      const { code, stderr } = await runInadyn(write(`hostname = ${HOME}`, `hostname = { "${NAS}", "${FOREIGN}" }`), [
        '--force',
      ]);
      expect([code, stderr]).toEqual([48, expect.stringContaining(done(NAS, IPV4))]);
      expect(stderr).toContain('[200 OK] nohost\n');
      expect([await lab.look(NAS, 'A'), await lab.look(FOREIGN, 'A')]).toEqual([[IPV4], 'NXDOMAIN']);
    });

    it('as UniFi writes its path: the name follows from the user where `hostname=` arrives empty', async () => {
      const { code, stderr } = await runInadyn(
        write('"/nic/update?hostname=%h&myip=%i"', '"/\\\\/nic/update?myip=%i&hostname="'),
        ['--force'],
      );
      expect([code, stderr]).toEqual([0, expect.stringContaining(done(HOME, IPV4))]);
      expect(updates().at(-1)).toContain(`GET /%5c/nic/update?myip=${IPV4}&hostname= HTTP/1.0`);
      expect(await lab.look(HOME, 'A')).toEqual([IPV4]);
    });

    it.each([
      ['none', 'none', `&token=${TOKEN}`],
      [TOKEN, 'none', ''],
    ])('with user %s and password %s, and the token elsewhere', async (user, password, more) => {
      const page = lab
        .adapt(pageBlock('inadyn.md', 'conf inadyn'))
        .replace(/"curl .*"/, `"echo ${IPV6}"`)
        .replaceAll(/username = .*/g, `username = ${user}`)
        .replaceAll(/password = .*/g, `password = ${password}`)
        .replaceAll('myip=%i', `myip=%i${more}`);
      const file = writeInto(lab.directory, 'inadyn.conf', `ca-trust-file = ${lab.front.caFile}\n${page}`);
      const { code, stderr } = await runInadyn(file, ['--force']);
      expect([code, stderr]).toEqual([0, expect.stringContaining(done(HOME, IPV4))]);
      expect([await lab.look(HOME, 'A'), await lab.look(HOME, 'AAAA')]).toEqual([[IPV4], [IPV6]]);
    });

    it.skipIf(!CAN_OWN_HOSTS)('with its plugin for dyndns.org, whose name leads to us', async () => {
      const host = `127.77.${randomInt(256)}.${randomInt(1, 255)}`;
      const relay = await startRelay({ from: { host, port: 80 }, to: { host: '127.0.0.1', port: lab.httpPort } });
      try {
        const hosts = writeInto(lab.directory, 'hosts', `127.0.0.1 localhost\n${host} members.dyndns.org\n`);
        for (const [address, type] of [
          [IPV4, 'A'],
          [IPV6, 'AAAA'],
        ] as const) {
          const file = writeInto(
            lab.directory,
            'dyndns.conf',
            `allow-ipv6 = true
provider default@dyndns.org {
  ssl = false
  username = ${HOME}
  password = ${TOKEN}
  hostname = { ${HOME}, ${NAS} }
  checkip-command = "echo ${address}"
}
`,
          );
          const { code, stderr } = await runInadynWithHosts(file, hosts);
          expect([code, stderr]).toEqual([0, expect.stringContaining(done(HOME, address))]);
          for (const name of [HOME, NAS]) expect(await lab.look(name, type)).toEqual([address]);
        }
      } finally {
        await relay.close();
      }
    });

    it.skipIf(!CAN_OWN_HOSTS)('with its plugin for FreeDNS, whose name leads to us', async () => {
      const host = `127.78.${randomInt(256)}.${randomInt(1, 255)}`;
      const relay = await startRelay({ from: { host, port: 80 }, to: { host: '127.0.0.1', port: lab.httpPort } });
      try {
        const hosts = writeInto(lab.directory, 'hosts', `127.0.0.1 localhost\n${host} freedns.afraid.org\n`);
        const run = (password: string, address: string) => {
          const text = `allow-ipv6 = true
provider default@freedns.afraid.org {
  ssl = false
  username = router1
  password = ${password}
  hostname = { ${HOME}, ${NAS} }
  checkip-command = "echo ${address}"
}
`;
          return runInadynWithHosts(writeInto(lab.directory, 'freedns.conf', text), hosts);
        };
        // The second update changes nothing. The text of that reply is an error, but inadyn takes it for success.
        for (const [address, type] of [
          [IPV4, 'A'],
          [IPV4, 'A'],
          [IPV6, 'AAAA'],
        ] as const) {
          const { code, stderr } = await run(TOKEN, address);
          expect([code, stderr]).toEqual([0, expect.stringContaining(done(HOME, address))]);
          for (const name of [HOME, NAS]) expect(await lab.look(name, type)).toEqual([address]);
        }
        expect((await run('WRONG', '203.0.113.99')).stderr).not.toContain('Successful');
        expect(await lab.look(HOME, 'A')).toEqual([IPV4]);
      } finally {
        await relay.close();
      }
    });

    if (primary === 'BIND') {
      it('waits and tries again while BIND is away', async () => {
        const file = write();
        await lab.haltPrimary();
        const running = await startInadyn(file, 'Will retry again in 600 sec');
        try {
          expect(running.output()).toContain('[503 Service Unavailable] 911\n');
        } finally {
          await running.stop();
        }
      });
    }
  });
}
