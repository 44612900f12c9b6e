/**
 * The real ddupdate against our server: with the plugin of docs/clients/ddupdate.md, and with its packaged plugin
 * no-ip.com, whose requests reach us as a proxy (targets in absolute form). Its library, urllib, sends the token only after
 * a 401.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { DDUPDATE_PROGRAMS, runDdupdate } from '../support/ddupdate.ts';
import { describeWith } from '../support/require-server.ts';
import {
  type ClientLab,
  HOME,
  LAB_PROGRAMS,
  ODD_TOKEN,
  openClientLab,
  PRIMARIES,
  pageBlock,
  settingsText,
  TOKEN,
  ZONE,
} from './client-lab.ts';

const PAGE = 'ddupdate.md';
const FOREIGN = `foreign.${ZONE}`;

for (const primary of PRIMARIES) {
  describeWith([...LAB_PROGRAMS, ...DDUPDATE_PROGRAMS], `ddupdate and ${primary}`, () => {
    let lab: ClientLab;
    beforeAll(async () => {
      lab = await openClientLab(primary);
      lab.front.clientAddress = '203.0.113.45';
    }, 30_000);
    beforeEach(() => lab.clear());
    afterAll(() => lab?.stop());

    const run = (args: readonly string[], token = TOKEN) => {
      const home = {
        plugin: pageBlock(PAGE, 'python plugin'),
        conf: lab.adapt(pageBlock(PAGE, 'ini conf')),
        netrc: pageBlock(PAGE, 'netrc netrc').replace(`machine ${ZONE}`, 'machine 127.0.0.1').replace(TOKEN, token),
      };
      return runDdupdate(join(lab.directory), home, args, { SSL_CERT_FILE: lab.front.caFile });
    };

    it('publishes the address that it comes from, after the challenge, and then changes nothing', async () => {
      const { code, stderr } = await run(['--force']);
      expect([code, stderr]).toEqual([0, expect.stringMatching(/INFO - Update OK\n$/)]);
      expect(await lab.look(HOME, 'A')).toEqual(['203.0.113.45']);
      const authorized = lab.front.requests.slice(-2).map((request) => request.includes('Authorization: Basic '));
      expect(authorized).toEqual([false, true]);
      const serial = await lab.serial();
      const again = await run(['--force']);
      expect([again.code, again.stderr]).toEqual([0, expect.stringContaining('Update OK')]);
      expect(lab.front.replies.at(-1)).toMatch(/\r\n\r\nnochg 203\.0\.113\.45\n$/);
      expect(await lab.serial()).toBe(serial);
    });

    it('reads a secret of special characters from the file that --for prints', async () => {
      const home = {
        plugin: settingsText(lab, 'ddupdate', 'python plugin', ODD_TOKEN),
        conf: settingsText(lab, 'ddupdate', 'ini conf', ODD_TOKEN),
        netrc: settingsText(lab, 'ddupdate', 'netrc netrc', ODD_TOKEN),
      };
      const { code, stderr } = await runDdupdate(lab.directory, home, ['--force'], { SSL_CERT_FILE: lab.front.caFile });
      expect([code, stderr]).toEqual([0, expect.stringContaining('Update OK')]);
      expect(await lab.look(HOME, 'A')).toEqual(['203.0.113.45']);
    });

    it('publishes both families that it finds itself', async () => {
      const found = ['-a', 'ip-from-command', '-O', 'cmd=echo 203.0.113.46 2001:db8:1:2:3:4:5:6'];
      expect((await run(['--force', ...found])).code).toBe(0);
      expect([await lab.look(HOME, 'A'), await lab.look(HOME, 'AAAA')]).toEqual([
        ['203.0.113.46'],
        ['2001:db8:1:2:3:4:5:6'],
      ]);
    });

    it('fails with a wrong token, and with a foreign name', async () => {
      const wrong = await run(['--force'], 'WRONG');
      expect([wrong.code, wrong.stderr]).toEqual([4, expect.stringContaining('HTTP Error 401')]);
      const foreign = await run(['--force', '-H', FOREIGN]);
      expect([foreign.code, foreign.stderr]).toEqual([4, expect.stringContaining('The server says nohost')]);
      expect([await lab.look(HOME, 'A'), await lab.look(FOREIGN, 'A')]).toEqual(['NXDOMAIN', 'NXDOMAIN']);
    });

    it('with its packaged plugin for No-IP', async () => {
      const conf = `[update]\nservice-plugin = no-ip.com\nhostname = ${HOME}\n`;
      const netrc = `machine dynupdate.no-ip.com login ${HOME} password ${TOKEN}\n`;
      const address = ['-a', 'ip-from-command', '-O', 'cmd=echo 203.0.113.48'];
      const proxy = { http_proxy: `http://127.0.0.1:${lab.httpPort}` };
      const { code, stderr } = await runDdupdate(lab.directory, { conf, netrc }, ['--force', ...address], proxy);
      expect([code, stderr]).toEqual([0, expect.stringContaining('Update OK')]);
      expect(await lab.look(HOME, 'A')).toEqual(['203.0.113.48']);
    });
  });
}
