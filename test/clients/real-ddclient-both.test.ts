/**
 * The real ddclient 3.11 or 4, if it is installed, with the file of docs/clients/ddclient.md for both families. The IPv6
 * address is given, because the machine of a test may have none.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { describeDdclient, runDdclient, versionOf } from '../support/ddclient.ts';
import { writeInto } from '../support/primary-server.ts';
import {
  type ClientLab,
  curlEnvironment,
  HOME,
  LAB_PROGRAMS,
  ODD_TOKEN,
  openClientLab,
  pageBlock,
  settingsText,
  TOKEN,
  ZONE,
} from './client-lab.ts';

const [IPV4, IPV6] = ['203.0.113.45', '2001:db8:1:2:3:4:5:6'];
const WEBV6 = `usev6=webv6, webv6=https://${ZONE}/myip`;
const CURL = { command: 'curl', debianPackage: 'curl' };

describeDdclient([311, 499], [...LAB_PROGRAMS, CURL], 'ddclient 3.11 and 4', () => {
  let lab: ClientLab;
  beforeAll(async () => {
    lab = await openClientLab('the embedded nameserver');
    lab.front.clientAddress = IPV4;
  }, 30_000);
  beforeEach(() => lab.clear());
  afterAll(() => lab?.stop());

  /** Both streams: version 4 writes all messages to the standard error. */
  const run = async (change: readonly [string | RegExp, string] = ['', '']) => {
    const page = pageBlock('ddclient.md', 'conf both-3.11');
    expect(page).toContain(WEBV6);
    const text = page.replace(WEBV6, `usev6=ipv6, ipv6=${IPV6}`).replace(...change);
    const file = writeInto(lab.directory, 'both.conf', `cache=${lab.directory}/both.cache\n${text}`);
    const { stdout, stderr } = await runDdclient(file, { caFile: lab.front.caFile, env: curlEnvironment(lab) });
    return stdout + stderr;
  };

  it('publishes both families with one request, and reads nochg the second time', async () => {
    const printed = await run();
    expect(printed).toContain(`IPv4 address set to ${IPV4}`);
    expect(printed).toContain(`IPv6 address set to ${IPV6}`);
    expect([await lab.look(HOME, 'A'), await lab.look(HOME, 'AAAA')]).toEqual([[IPV4], [IPV6]]);
    expect(lab.front.requests.filter((request) => request.includes('/nic/update?'))).toHaveLength(1);
    expect(await run()).toContain('nochg: ');
  });

  it('reads a secret of special characters from the file that --for prints', async () => {
    const text = settingsText(lab, 'ddclient', 'conf both-3.11', ODD_TOKEN);
    const given = text.replace(/^usev6=.*$/m, `usev6=ipv6, ipv6=${IPV6}`);
    const file = writeInto(lab.directory, 'odd.conf', `cache=${lab.directory}/odd.cache\n${given}`);
    await runDdclient(file, { caFile: lab.front.caFile, env: curlEnvironment(lab) });
    expect([await lab.look(HOME, 'A'), await lab.look(HOME, 'AAAA')]).toEqual([[IPV4], [IPV6]]);
  });

  it('fails with a wrong token and with a foreign name, and says why', async () => {
    expect(await run([TOKEN, 'WRONG'])).toMatch(/^FAILED: .*\b401 Unauthorized/m);
    expect(await run([/^home\..*$/m, `foreign.${ZONE}`])).toMatch(/^FAILED: .*\bnohost: /m);
    expect(await lab.look(HOME, 'A')).toBe('NXDOMAIN');
  });
});

describe('the version of a ddclient', () => {
  it.each([
    ["our $VERSION = version->declare('v3.10.0');", 310],
    ["our $VERSION = version->declare('3.11.2');", 311],
    ["our $VERSION = version->declare('v4.0.1.0_902');", 400],
    ['no version', undefined],
  ])('%s', (line, version) => expect(versionOf(`use version 0.77; ${line}\n`)).toBe(version));
});
