/** The real ddclient 3.10 with its protocols for DuckDNS and freemyip, and the files of docs/clients/ddclient.md. */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { describeDdclient, runDdclient } from '../support/ddclient.ts';
import { writeInto } from '../support/primary-server.ts';
import {
  type ClientLab,
  curlEnvironment,
  HOME,
  LAB_PROGRAMS,
  NAS,
  openClientLab,
  pageBlock,
  ZONE,
} from './client-lab.ts';

const [IPV4, IPV6] = ['203.0.113.45', '2001:db8:1:2:3:4:5:6'];
const FOREIGN = `foreign.${ZONE}`;

describeDdclient([310, 310], LAB_PROGRAMS, 'ddclient 3.10', () => {
  let lab: ClientLab;
  beforeAll(async () => {
    lab = await openClientLab('BIND');
  }, 30_000);
  beforeEach(() => lab.clear());
  afterAll(() => lab?.stop());

  /** Runs ddclient with a file of the page, optionally with one line replaced. */
  const run = (protocol: 'duckdns' | 'freemyip', address: string, line?: readonly [string, string], force = true) => {
    const page = pageBlock('ddclient.md', `conf ${protocol}`);
    const [before, after] = line ?? ['', ''];
    expect(page).toContain(before);
    const text = lab.adapt(page.replace(before, after)).replace('/var/cache/ddclient', lab.directory);
    lab.front.clientAddress = address;
    const file = writeInto(lab.directory, `${protocol}.conf`, text);
    return runDdclient(file, { caFile: lab.front.caFile, env: curlEnvironment(lab), force });
  };
  const success = (name: string, address: string) => `SUCCESS:  updating ${name}: good: IP address set to ${address}\n`;

  for (const protocol of ['duckdns', 'freemyip'] as const) {
    it(`${protocol}: publishes an address of either family, and the same again`, async () => {
      for (const address of [IPV4, IPV6, IPV6]) {
        const { code, stdout, stderr } = await run(protocol, address);
        expect([code, stdout, stderr]).toEqual([0, success(HOME, address), '']);
      }
      expect([await lab.look(HOME, 'A'), await lab.look(HOME, 'AAAA')]).toEqual([[IPV4], [IPV6]]);
    });

    it(`${protocol}: fails with a wrong token, and of several names for the foreign one alone`, async () => {
      const word = protocol === 'duckdns' ? 'KO' : 'ERROR';
      const failed = (name: string) => `FAILED:   updating ${name}: Server said: '${word}'\n`;
      expect((await run(protocol, IPV4, ['TOKEN', 'WRONG'])).stderr).toBe(failed(HOME));
      expect(await lab.look(HOME, 'A')).toBe('NXDOMAIN');
      const { stdout, stderr } = await run(protocol, IPV4, [`\n${HOME}\n`, `\n${HOME},${FOREIGN},${NAS}\n`]);
      expect([stdout, stderr]).toEqual([success(HOME, IPV4) + success(NAS, IPV4), failed(FOREIGN)]);
      expect([await lab.look(NAS, 'A'), await lab.look(FOREIGN, 'A')]).toEqual([[IPV4], 'NXDOMAIN']);
    });
  }

  it('says nothing where the nameserver is away, and tries again after five minutes', async () => {
    await lab.haltPrimary();
    const before = lab.front.replies.length;
    const cache = ['ddclient.cache', 'trouble.cache'] as const;
    expect(await run('duckdns', IPV4, cache)).toEqual({ code: 0, stdout: '', stderr: '' });
    const replies = lab.front.replies.slice(before).join('');
    expect(replies).toContain('HTTP/1.1 503 ');
    expect(replies).toMatch(/\r\n\r\nKO$/);
    const again = await run('duckdns', IPV4, cache, false);
    expect(again.stdout).toBe('');
    expect(again.stderr).toMatch(/last attempt on .* failed\.\n.*Wait at least 5 minutes/);
  });
});
