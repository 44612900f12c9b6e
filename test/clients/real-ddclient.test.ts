/** The real ddclient 3.10 with the files of docs/clients/ddclient.md, one for each family, against our server. */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { describeDdclient, runDdclient } from '../support/ddclient.ts';
import { writeInto } from '../support/primary-server.ts';
import {
  type ClientLab,
  curlEnvironment,
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

const CURL = { command: 'curl', debianPackage: 'curl' };
const [IPV4, IPV6] = ['203.0.113.45', '2001:db8:1:2:3:4:5:6'];
const FOREIGN = `foreign.${ZONE}`;

for (const primary of PRIMARIES) {
  describeDdclient([310, 310], [...LAB_PROGRAMS, CURL], `ddclient 3.10 and ${primary}`, () => {
    let lab: ClientLab;
    beforeAll(async () => {
      lab = await openClientLab(primary);
    }, 30_000);
    beforeEach(() => lab.clear());
    afterAll(() => lab?.stop());

    /** Runs ddclient with a file of the page, optionally with one line replaced. */
    const run = (family: 'ipv4' | 'ipv6', line?: readonly [string, string], force = true) => {
      const page = pageBlock('ddclient.md', `conf ${family}`);
      const [before, after] = line ?? ['', ''];
      expect(page).toContain(before);
      const text = lab
        .adapt(page.replace(before, after))
        .replace('/var/cache/ddclient', lab.directory)
        // The front sets the client address, so the machine does not need an IPv6 loopback address.
        .replace('curl -6', 'curl');
      lab.front.clientAddress = family === 'ipv4' ? IPV4 : IPV6;
      const file = writeInto(lab.directory, `${family}.conf`, text);
      return runDdclient(file, { caFile: lab.front.caFile, env: curlEnvironment(lab), force });
    };

    it('publishes each family with its file, and keeps the other one', async () => {
      const first = await run('ipv4');
      expect(first.stdout).toBe(`SUCCESS:  updating ${HOME}: good: IP address set to ${IPV4}\n`);
      expect(await lab.look(HOME, 'A')).toEqual([IPV4]);
      const second = await run('ipv6');
      expect(second.stdout).toBe(`SUCCESS:  updating ${HOME}: good: IP address set to ${IPV6}\n`);
      expect([first.code, first.stderr, second.code, second.stderr]).toEqual([0, '', 0, '']);
      expect([await lab.look(HOME, 'A'), await lab.look(HOME, 'AAAA')]).toEqual([[IPV4], [IPV6]]);
    });

    it('reads a secret of special characters from the file that --for prints', async () => {
      lab.front.clientAddress = IPV4;
      const text = settingsText(lab, 'ddclient', 'conf ipv4', ODD_TOKEN).replace('/var/cache/ddclient', lab.directory);
      const file = writeInto(lab.directory, 'odd.conf', text.replace('ddclient.cache', 'odd.cache'));
      const { stdout, stderr } = await runDdclient(file, { caFile: lab.front.caFile, env: curlEnvironment(lab) });
      expect([stdout, stderr]).toEqual([`SUCCESS:  updating ${HOME}: good: IP address set to ${IPV4}\n`, '']);
      expect(await lab.look(HOME, 'A')).toEqual([IPV4]);
    });

    it('reads nochg the second time, and sends nothing while its cache is fresh', async () => {
      await run('ipv4');
      const serial = await lab.serial();
      const { code, stderr } = await run('ipv4');
      expect([code, stderr]).toEqual([0, expect.stringMatching(`^WARNING:  updating ${HOME}: nochg: `)]);
      expect(await lab.serial()).toBe(serial);
      const before = lab.front.requests.length;
      expect(await run('ipv4', undefined, false)).toEqual({ code: 0, stdout: '', stderr: '' });
      expect(lab.front.requests.slice(before)).toEqual([expect.stringMatching(/^GET \/myip /)]);
    });

    it('fails with a wrong token, and says why', async () => {
      const { code, stderr } = await run('ipv4', ['TOKEN', 'WRONG']);
      expect([code, stderr.split('\n')[0]]).toEqual([
        1,
        `FAILED:   updating ${HOME}: authorization failed (HTTP/1.1 401 Unauthorized`,
      ]);
      expect(await lab.look(HOME, 'A')).toBe('NXDOMAIN');
    });

    it('of several names gets a line for each: those of the token and a foreign one', async () => {
      const { code, stdout, stderr } = await run('ipv4', [`\n${HOME}\n`, `\n${HOME},${FOREIGN},${NAS}\n`]);
      expect(code).toBe(1);
      const good = (name: string) => `SUCCESS:  updating ${name}: good: IP address set to ${IPV4}\n`;
      expect(stdout).toBe(good(HOME) + good(NAS));
      expect(stderr).toMatch(RegExp(`^FAILED:   updating ${FOREIGN}: nohost: .*\n$`));
      const published = [HOME, NAS, FOREIGN].map((name) => lab.look(name, 'A'));
      expect(await Promise.all(published)).toEqual([[IPV4], [IPV4], 'NXDOMAIN']);
    });

    /** Runs ddclient with another protocol; these always use TLS. */
    const runAs = (protocol: string, more: string, password = TOKEN, hosts = HOME) => {
      const cache = `cache=${lab.directory}/${protocol}.cache`;
      const server = `server=127.0.0.1:${lab.front.port}`;
      const text = `ssl=yes\n${cache}\n${more}\nprotocol=${protocol}\n${server}\nlogin=router1\npassword='${password}'\n${hosts}\n`;
      return runDdclient(writeInto(lab.directory, `${protocol}.conf`, text), { caFile: lab.front.caFile });
    };

    it('speaks its protocol dyndns1, and shows our title where it fails', async () => {
      const first = await runAs('dyndns1', `use=ip, ip=${IPV4}`);
      expect([first.stdout, first.stderr]).toEqual([
        `SUCCESS:  updating ${HOME}: NOERROR: IP address set to ${IPV4} (Changed)\n`,
        '',
      ]);
      expect(await lab.look(HOME, 'A')).toEqual([IPV4]);
      const again = await runAs('dyndns1', `use=ip, ip=${IPV4}`);
      expect(again.stdout).toBe(`SUCCESS:  updating ${HOME}: NOERROR: IP address set to ${IPV4} (Unchanged)\n`);
      const foreign = await runAs('dyndns1', `use=ip, ip=${IPV4}`, TOKEN, FOREIGN);
      expect(foreign.stderr).toContain(`FAILED:   updating ${FOREIGN}: No such host\n`);
      const wrong = await runAs('dyndns1', `use=ip, ip=${IPV4}`, 'WRONG');
      expect(wrong.stderr).toContain(`FAILED:   updating ${HOME}: authorization failed (HTTP/1.1 401 Unauthorized`);
    });

    it('speaks its protocol noip, with one request for several hosts', async () => {
      const { stdout, stderr } = await runAs('noip', `use=ip, ip=${IPV4}`, TOKEN, `${HOME},${FOREIGN},${NAS}`);
      expect(stdout).toBe(
        [HOME, NAS].map((name) => `SUCCESS:  updating ${name}: good: IP address set to ${IPV4}\n`).join(''),
      );
      expect(stderr).toMatch(RegExp(`^FAILED:   updating ${FOREIGN}: nohost: `));
      expect([await lab.look(HOME, 'A'), await lab.look(NAS, 'A'), await lab.look(FOREIGN, 'A')]).toEqual([
        [IPV4],
        [IPV4],
        'NXDOMAIN',
      ]);
    });

    it('speaks its protocol freedns: the list, then the URL of the host, each family with its own record', async () => {
      const both = `use=no\nusev4=ipv4, ipv4=${IPV4}\nusev6=ipv6, ipv6=${IPV6}`;
      const before = lab.front.requests.length;
      const first = await runAs('freedns', both, TOKEN, `${HOME},${NAS}`);
      const good = (name: string) =>
        [IPV4, IPV6].map((ip, index) => `SUCCESS:  updating ${name}: good: IPv${index * 2 + 4} address set to ${ip}\n`);
      expect([first.code, first.stderr]).toEqual([0, '']);
      expect(first.stdout.split('\n').sort()).toEqual(
        [...good(HOME), ...good(NAS), ''].map((line) => line.trim()).sort(),
      );
      for (const name of [HOME, NAS]) {
        expect([await lab.look(name, 'A'), await lab.look(name, 'AAAA')]).toEqual([[IPV4], [IPV6]]);
      }
      const sent = lab.front.requests.slice(before).map((request) => request.split(' ')[1]!);
      expect(sent.filter((target) => target.startsWith('/api/?action=getdyndns&v=2&sha='))).toHaveLength(1);
      expect(sent.filter((target) => target.startsWith('/dynamic/update.php?'))).toHaveLength(4);
      const serial = await lab.serial();
      const again = await runAs('freedns', both);
      expect(again.stdout).toContain(
        `SUCCESS:  updating ${HOME}: update not necessary, 'A' record already set to ${IPV4}\n`,
      );
      expect(await lab.serial()).toBe(serial);
      const foreign = await runAs('freedns', both, TOKEN, FOREIGN);
      expect(foreign.stderr).toContain(`FAILED:   updating ${FOREIGN}: Cannot set IPv4`);
      const wrong = await runAs('freedns', both, 'WRONG');
      expect(wrong.stderr).toContain(`FAILED:   updating ${HOME}: failed to get record list from `);
    });

    it('reads a reply without TLS, on a plain socket of its own', async () => {
      const text = pageBlock('ddclient.md', 'conf ipv4')
        .replace('ssl=yes', 'ssl=no')
        .replace(/^use=.*$/m, `use=ip, ip=${IPV4}`)
        .replace(/^cache=.*$/m, `cache=${lab.directory}/plain.cache`)
        .replace(/^server=.*$/m, `server=127.0.0.1:${lab.httpPort}`);
      const run = await runDdclient(writeInto(lab.directory, 'plain.conf', text), { caFile: lab.front.caFile });
      expect([run.stdout, run.stderr]).toEqual([`SUCCESS:  updating ${HOME}: good: IP address set to ${IPV4}\n`, '']);
      expect(await lab.look(HOME, 'A')).toEqual([IPV4]);
    });
  });
}
