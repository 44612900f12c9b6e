/**
 * The cases of the original's own test suite, as requests to a server with its configuration: two zones, TSIG keys with the
 * names of the zones, a secret of eight digits. Names and addresses are the original's, but for IPv6 addresses, which lie in
 * 2001:db8::/32 here.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { VERSION } from '../../src/server/version.ts';
import { startBind } from '../support/bind.ts';
import { dig } from '../support/dig.ts';
import { type RunningDyndns, startDyndns } from '../support/dyndns.ts';
import type { PrimaryServer } from '../support/primary-server.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';
import { makeKey } from './lab.ts';

const ZONES = ['dyndns1.dev', 'dyndns2.dev'];
const NAME = 'test.dyndns1.dev';
const OLD6 = '2001:db8:1::2';
const NEW6 = '2001:db8:1::3';

describeWith(BIND_PROGRAMS, "the original's own test suite", () => {
  let primary: PrimaryServer;
  let server: RunningDyndns;

  beforeAll(async () => {
    const keys = ZONES.map((zone) => makeKey(zone));
    primary = await startBind({ zones: ZONES.map((name) => ({ name, keys: [name] })), keys });
    server = await startDyndns({
      secret: '12345678',
      nameserver: '127.0.0.1',
      port: primary.port,
      check: 'open',
      limits: { refused_per_minute_per_source: 0 },
      zones: keys.map(({ name, secret }) => ({ name, tsig_key: secret })),
    });
  }, 30_000);

  afterAll(async () => {
    await server?.stop();
    await primary?.stop();
  });

  const get = async (target: string) => {
    const { status, body } = await server.ask(target);
    return [status, body];
  };
  const byPath = (rest: string) => get(`/update-by-path/12345678/${NAME}${rest}`);
  const byQuery = (query: string) =>
    get(`/update-by-query?secret=12345678&record_name=test&zone_name=dyndns1.dev${query === '' ? '' : `&${query}`}`);
  const read = async (type: string) => (await dig(primary, [NAME, type, '+norecurse'])).short[0];
  const remove = () => get(`/delete-by-path/12345678/${NAME}`);
  const lines = (a: string, aaaa: string) => {
    const line = (type: string, text: string) =>
      `${text.includes('->') ? 'UPDATED' : 'UNCHANGED'}: ${NAME}. ${type} ${text}\n`;
    return [200, line('A', a) + line('AAAA', aaaa)];
  };

  beforeEach(async () => {
    await remove();
  });

  describe.each([
    ['by path', byPath, ['/1.2.3.5', `/${NEW6}`, `/1.2.3.5/${NEW6}`], ['/1.2.3.4', `/${OLD6}`]],
    [
      'by query',
      byQuery,
      ['ipv4=1.2.3.5', `ipv6=${NEW6}`, `ipv4=1.2.3.5&ipv6=${NEW6}`],
      ['ip_1=1.2.3.4', `ip_2=${OLD6}`],
    ],
    [
      'by query, either family',
      byQuery,
      ['ip_1=1.2.3.5', `ip_1=${NEW6}`, `ip_1=1.2.3.5&ip_2=${NEW6}`],
      ['ip_2=1.2.3.4', `ipv6=${OLD6}`],
    ],
  ] as const)('updates %s', (_name, update, [v4, v6, both], [old4, old6]) => {
    it('IPv4', async () => {
      await update(old4);
      expect(await update(v4)).toEqual(lines('1.2.3.4 -> 1.2.3.5', 'None'));
      expect([await read('A'), await read('AAAA')]).toEqual(['1.2.3.5', undefined]);
    });

    it('IPv6', async () => {
      await update(old6);
      expect(await update(v6)).toEqual(lines('None', `${OLD6} -> ${NEW6}`));
      expect([await read('A'), await read('AAAA')]).toEqual([undefined, NEW6]);
    });

    it('both', async () => {
      await update(old4);
      await update(old6);
      expect(await update(both)).toEqual(lines('1.2.3.4 -> 1.2.3.5', `${OLD6} -> ${NEW6}`));
      expect([await read('A'), await read('AAAA')]).toEqual(['1.2.3.5', NEW6]);
      expect(await update(both)).toEqual(lines('1.2.3.5', NEW6));
    });
  });

  it('takes a TTL', async () => {
    await byQuery('ipv4=1.2.3.5&ttl=123');
    expect((await dig(primary, [NAME, 'A', '+norecurse'])).answers[0]?.ttl).toBe(123);
  });

  it.each([
    [
      '/update-by-path/wrong-secret/test.example.com/1.2.3.4',
      456,
      'PARAMETER_ERROR: You specified a wrong secret key.',
    ],
    [
      '/update-by-path/12345678/test.wrong-domain.de/1.2.3.4',
      453,
      "DNS_NAME_ERROR: The fully qualified domain name 'test.wrong-domain.de.' could not be split into a record and a zone name.",
    ],
    [`/update-by-path/12345678/${NAME}/1.2.3`, 454, "IP_ADDRESS_ERROR: Invalid IP address '1.2.3'."],
  ])('refuses %s', async (target, status, line) => {
    expect(await get(target)).toEqual([status, `${line}\n`]);
    expect([await read('A'), await read('AAAA')]).toEqual([undefined, undefined]);
  });

  it.each([
    ['unknown=unknown', 456, 'PARAMETER_ERROR: extra_forbidden: Extra inputs are not permitted (unknown).'],
    ['ipv4=1.2.3.4.5', 454, "IP_ADDRESS_ERROR: Invalid IP address '1.2.3.4.5'."],
    ['ipv4=test', 454, "IP_ADDRESS_ERROR: Invalid IP address 'test'."],
    ['ipv6=test', 454, "IP_ADDRESS_ERROR: Invalid IP address 'test'."],
    ['ipv4=1::2', 454, 'IP_ADDRESS_ERROR: IP version "4" does not match.'],
    ['ipv6=1.2.3.4', 454, 'IP_ADDRESS_ERROR: IP version "6" does not match.'],
    [
      'ip_1=1.2.3.4&ip_2=1.2.3.5',
      454,
      'IP_ADDRESS_ERROR: The attribute "ipv4" is already set and has the value "1.2.3.4".',
    ],
    ['ip_1=1::2&ip_2=1::3', 454, 'IP_ADDRESS_ERROR: The attribute "ipv6" is already set and has the value "1::2".'],
  ])('refuses the query %s', async (query, status, line) => {
    expect(await byQuery(query)).toEqual([status, `${line}\n`]);
    expect([await read('A'), await read('AAAA')]).toEqual([undefined, undefined]);
  });

  it('deletes', async () => {
    await byPath(`/1.2.3.4/${OLD6}`);
    expect(await get(`/delete-by-path/12345678/${NAME}.`)).toEqual([
      200,
      `UPDATED: The A and AAAA records of the domain name '${NAME}.' were deleted.\n`,
    ]);
    expect([await read('A'), await read('AAAA')]).toEqual([undefined, undefined]);
  });

  it('has a page with the version, and a check of all zones', async () => {
    expect(await get('/')).toEqual([200, `dyndns v${VERSION}\n`]);
    const [status, body] = await get('/check');
    expect(status).toBe(200);
    for (const zone of ZONES) expect(body).toContain(`could be updated on the zone '${zone}.'`);
  });
});
