/**
 * The exact HTTP API of the original: every route, reply line, error line and status that its clients test for, and the
 * framing of replies, which old routers depend on. In front of a real BIND; nothing is stubbed.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { VERSION } from '../../src/server/version.ts';
import type { RunningDyndns } from '../support/dyndns.ts';
import { type Answer, exchangeRaw, form, parseRaw } from '../support/http-client.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';
import { type Lab, openLab, SECRET, updateTarget, ZONE } from './lab.ts';

describeWith(BIND_PROGRAMS, "the original's HTTP API", () => {
  let lab: Lab;
  let server: RunningDyndns;
  let count = 0;
  /** A host name that no other test uses. */
  let fqdn: string;

  beforeAll(async () => {
    lab = await openLab();
    server = await lab.serve({ check: 'open' });
  }, 30_000);

  afterAll(async () => {
    await lab?.stop();
  });

  beforeEach(() => {
    count += 1;
    fqdn = `host${count}.${ZONE}`;
  });

  const statusAndBody = ({ status, body }: Answer) => [status, body];
  const lines = (a: string, aaaa: string, name = fqdn) => [
    200,
    `${a.includes('->') ? 'UPDATED' : 'UNCHANGED'}: ${name}. A ${a}\n${aaaa.includes('->') ? 'UPDATED' : 'UNCHANGED'}: ${name}. AAAA ${aaaa}\n`,
  ];
  const get = async (target: string) => statusAndBody(await server.ask(target));
  const byPath = (...parts: string[]) =>
    `/update-by-path/${[SECRET, fqdn, ...parts].map(encodeURIComponent).join('/')}`;
  const byQuery = (parameters: Readonly<Record<string, string>>) => updateTarget(parameters);

  describe('routes and reply lines', () => {
    it('/ tells the version', async () => {
      expect(await get('/')).toEqual([200, `dyndns v${VERSION}\n`]);
    });

    it('/check tells one line for each zone', async () => {
      const [status, body] = await get('/check');
      expect(body).toMatch(
        /^INFO: The update check passed: A TXT record '[^' ]+' with the content '[0-9a-f]{8}' could be updated on the zone 'dyn\.example\.com\.'\.\n$/,
      );
      expect(status).toBe(200);
    });

    it("/update-by-path/<secret>/<fqdn> takes the caller's own address", async () => {
      const local = await lab.serve({
        zones: [{ name: ZONE, tsig_key: lab.key.secret, addresses: { allow: ['127.0.0.1'] } }],
      });
      expect(statusAndBody(await local.ask(byPath()))).toEqual(lines('None -> 127.0.0.1', 'None'));
      expect(statusAndBody(await local.ask(byQuery({ fqdn })))).toEqual(lines('127.0.0.1', 'None'));
      await local.stop();
    });

    it('/update-by-path with one and with two addresses, of either family first', async () => {
      expect(await get(byPath('192.0.2.1'))).toEqual(lines('None -> 192.0.2.1', 'None'));
      expect(await get(byPath('2001:db8::1'))).toEqual(lines('192.0.2.1', 'None -> 2001:db8::1'));
      expect(await get(byPath('2001:db8::2', '192.0.2.2'))).toEqual(
        lines('192.0.2.1 -> 192.0.2.2', '2001:db8::1 -> 2001:db8::2'),
      );
      expect(await get(byPath('192.0.2.2', '2001:db8::3'))).toEqual(lines('192.0.2.2', '2001:db8::2 -> 2001:db8::3'));
      expect(await get(byPath('192.0.2.2', '2001:db8::3'))).toEqual(lines('192.0.2.2', '2001:db8::3'));
    });

    it('/update-by-query with fqdn, or with zone_name and record_name', async () => {
      expect(await get(byQuery({ fqdn, ip_1: '192.0.2.1', ip_2: '2001:db8::1' }))).toEqual(
        lines('None -> 192.0.2.1', 'None -> 2001:db8::1'),
      );
      const parts = { zone_name: ZONE, record_name: fqdn.split('.')[0]! };
      expect(await get(byQuery({ ...parts, ipv4: '192.0.2.2', ipv6: '2001:db8::2' }))).toEqual(
        lines('192.0.2.1 -> 192.0.2.2', '2001:db8::1 -> 2001:db8::2'),
      );
      expect(await get(byQuery({ ...parts, zone_name: `${ZONE}.`, ip_1: '2001:db8::3', ip_2: '192.0.2.3' }))).toEqual(
        lines('192.0.2.2 -> 192.0.2.3', '2001:db8::2 -> 2001:db8::3'),
      );
      expect(await get(byQuery({ fqdn: `${fqdn}.`, ip_1: '192.0.2.3' }))).toEqual(lines('192.0.2.3', '2001:db8::3'));
    });

    it('a record_name that ends in the zone is the whole name; final dots are dropped, in any case', async () => {
      const label = fqdn.split('.')[0]!;
      const zones = [ZONE, `${ZONE}.`, ZONE.toUpperCase(), `${ZONE.toUpperCase()}.`];
      const records = [label, `${label}.`, fqdn, `${fqdn}.`, fqdn.toUpperCase(), `${label}.${ZONE.toUpperCase()}.`];
      let old = 'None';
      for (const zone_name of zones) {
        for (const record_name of records) {
          const next = old === '192.0.2.1' ? '192.0.2.2' : '192.0.2.1';
          const [status, body] = await get(byQuery({ zone_name, record_name, ipv4: next }));
          expect([status, String(body).toLowerCase()], `${record_name} in ${zone_name}`).toEqual([
            200,
            String(lines(`${old} -> ${next}`, 'None')[1]).toLowerCase(),
          ]);
          old = next;
        }
      }
      expect(await lab.look(fqdn, 'A')).toEqual([old]);
      // Only at the boundary of a label.
      const inside = `${label}.evil${ZONE}`;
      expect(await get(byQuery({ zone_name: ZONE, record_name: inside, ipv4: '192.0.2.1' }))).toEqual(
        lines('None -> 192.0.2.1', 'None', `${inside}.${ZONE}`),
      );
      expect((await get(byQuery({ zone_name: ZONE, record_name: ZONE, ipv4: '192.0.2.1' })))[1]).toContain('own name');
    });

    it('fqdn with one of the other two counts', async () => {
      expect(await get(byQuery({ fqdn, zone_name: 'other.test', ip_1: '192.0.2.1' }))).toEqual(
        lines('None -> 192.0.2.1', 'None'),
      );
      expect(await get(byQuery({ fqdn, record_name: 'a..b', ip_1: '192.0.2.2' }))).toEqual(
        lines('192.0.2.1 -> 192.0.2.2', 'None'),
      );
      expect(await get(byQuery({ fqdn, zone_name: ZONE, record_name: '', ip_1: '192.0.2.2' }))).toEqual(
        lines('192.0.2.2', 'None'),
      );
    });

    it("without an address that is not empty, the caller's", async () => {
      const behind = await lab.serve({ http: { trusted_proxies: ['127.0.0.1'] } });
      const from = async (address: string, parameters: Readonly<Record<string, string>>) =>
        statusAndBody(await behind.ask(byQuery({ fqdn, ...parameters }), { headers: { 'X-Forwarded-For': address } }));
      expect(await from('192.0.2.1', { ipv4: '' })).toEqual(lines('None -> 192.0.2.1', 'None'));
      expect(await from('192.0.2.2', { ipv4: '', ipv6: '' })).toEqual(lines('192.0.2.1 -> 192.0.2.2', 'None'));
      expect(await from('2001:db8::1', { ip_1: '', ip_2: '', ipv4: '', ipv6: '' })).toEqual(
        lines('192.0.2.2', 'None -> 2001:db8::1'),
      );
      expect(await from('192.0.2.9', { ip_1: '', ipv6: '2001:db8::1' })).toEqual(lines('192.0.2.2', '2001:db8::1'));
      await behind.stop();
    });

    it('numbers may look like those that the original reads', async () => {
      for (const [text, seconds] of [
        ['60.0', 60],
        ['1_000', 1000],
        ['+5', 5],
        [' 70 ', 70],
        ['0080', 80],
        ['90.', 90],
        ['1_0.00', 10],
        [`${'0'.repeat(20)}7`, 7],
      ] as const) {
        await get(byQuery({ fqdn, ipv4: '192.0.2.1', ttl: text }));
        expect(await lab.ttl(fqdn, 'A'), text).toBe(seconds);
      }
      expect(await get(byQuery({ fqdn, ipv4: '192.0.2.1', ttl: '' }))).toEqual(lines('192.0.2.1', 'None'));
      expect(await lab.ttl(fqdn, 'A')).toBe(7);
    });

    it('prints IPv6 in its canonical form, and two spellings are one address', async () => {
      expect(await get(byPath('2001:DB8:0:0::1'))).toEqual(lines('None', 'None -> 2001:db8::1'));
      expect(await get(byPath('2001:0db8:0000:0000:0000:0000:0000:0001'))).toEqual(lines('None', '2001:db8::1'));
    });

    it('writes the TTL that is given, else 300; only an explicit other TTL is a change by itself', async () => {
      const ttl = () => lab.ttl(fqdn, 'A');
      await get(byQuery({ fqdn, ipv4: '192.0.2.1' }));
      expect(await ttl()).toBe(300);
      expect(await get(byQuery({ fqdn, ipv4: '192.0.2.1', ttl: '60' }))).toEqual(
        lines('192.0.2.1 -> 192.0.2.1', 'None'),
      );
      expect(await ttl()).toBe(60);
      expect(await get(byQuery({ fqdn, ipv4: '192.0.2.1', ttl: '60' }))).toEqual(lines('192.0.2.1', 'None'));
      expect(await get(byQuery({ fqdn, ipv4: '192.0.2.1' }))).toEqual(lines('192.0.2.1', 'None'));
      expect(await ttl()).toBe(60);
    });

    it('/delete-by-path removes A and AAAA', async () => {
      const target = `/delete-by-path/${SECRET}/${fqdn}`;
      await get(byPath('192.0.2.1', '2001:db8::1'));
      expect(await get(target)).toEqual([
        200,
        `UPDATED: The A and AAAA records of the domain name '${fqdn}.' were deleted.\n`,
      ]);
      expect([await lab.look(fqdn, 'A'), await lab.look(fqdn, 'AAAA')]).toEqual([[], []]);
      const serial = await lab.serial();
      expect(await get(target)).toEqual([
        200,
        `UNCHANGED: The deletion of the domain name '${fqdn}.' was not executed because there were no A or AAAA records.\n`,
      ]);
      expect(await lab.serial()).toBe(serial);
    });

    it('/myip and /ip tell the address of the caller', async () => {
      expect([await get('/myip'), await get('/ip')]).toEqual([
        [200, '127.0.0.1\n'],
        [200, '127.0.0.1\n'],
      ]);
    });
  });

  describe('errors', () => {
    const s = `secret=${SECRET}`;
    const z = 'fqdn=home.dyn.example.com';
    const long = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(62 - 17)}.dyn.example.com`;
    const wrongSecret = 'PARAMETER_ERROR: You specified a wrong secret key.';
    const CASES: readonly (readonly [target: string, status: number, line: string | RegExp])[] = [
      ['/update-by-path/wrongsecret/home.dyn.example.com/192.0.2.1', 456, wrongSecret],
      ['/update-by-path/wrongsecret/home.nowhere.example/1.2.3', 456, wrongSecret],
      ['/delete-by-path/wrongsecret/home.nowhere.example', 456, wrongSecret],
      ['/update-by-query?secret=wrongsecret&fqdn=home.nowhere.example', 456, wrongSecret],
      [`/update-by-query?secret=wrongsecret&unknown=1&${z}`, 456, wrongSecret],
      ['/update-by-query?secret=', 456, wrongSecret],
      ['/update-by-query', 456, 'PARAMETER_ERROR: missing: Field required (secret).'],
      [`/update-by-query?${z}`, 456, 'PARAMETER_ERROR: missing: Field required (secret).'],
      [
        `/update-by-query?${s}&${z}&nonsense=unknown`,
        456,
        'PARAMETER_ERROR: extra_forbidden: Extra inputs are not permitted (unknown).',
      ],
      [
        `/update-by-query?${s}&${z}&ipv4=192.0.2.1&ttl=abc`,
        456,
        'PARAMETER_ERROR: int_parsing: Input should be a valid integer, unable to parse string as an integer (abc).',
      ],
      [
        `/update-by-query?${s}&${z}&ipv4=192.0.2.1&ttl=2147483648`,
        456,
        /^PARAMETER_ERROR: The TTL 2147483648 is not between 0 and 2147483647\.$/,
      ],
      [`/update-by-query?${s}`, 453, 'DNS_NAME_ERROR: Value "fqdn" is required.'],
      [`/update-by-query?${s}&fqdn=`, 453, 'DNS_NAME_ERROR: Value "fqdn" is required.'],
      [`/update-by-query?${s}&zone_name=dyn.example.com`, 453, 'DNS_NAME_ERROR: Value "fqdn" is required.'],
      [`/update-by-query?${s}&record_name=home`, 453, 'DNS_NAME_ERROR: Value "fqdn" is required.'],
      [
        `/update-by-query?${s}&${z}&zone_name=dyn.example.com&record_name=home`,
        453,
        'DNS_NAME_ERROR: Specify "fqdn" or "zone_name" and "record_name".',
      ],
      [
        `/update-by-path/${SECRET}/test.wrong-domain.de/192.0.2.1`,
        453,
        "DNS_NAME_ERROR: The fully qualified domain name 'test.wrong-domain.de.' could not be split into a record and a zone name.",
      ],
      [
        `/delete-by-path/${SECRET}/test.wrong-domain.de`,
        453,
        "DNS_NAME_ERROR: The fully qualified domain name 'test.wrong-domain.de.' could not be split into a record and a zone name.",
      ],
      [`/update-by-query?${s}&zone_name=test.org&record_name=home`, 453, 'DNS_NAME_ERROR: Unknown zone "test.org".'],
      [
        `/update-by-path/${SECRET}/www.ex%20mple.com/192.0.2.1`,
        453,
        "DNS_NAME_ERROR: The label 'ex mple' of the DNS name 'www.ex mple.com' is invalid.",
      ],
      [
        `/update-by-path/${SECRET}/www.%E2%80%8D%E0%A5%8D.com/192.0.2.1`,
        453,
        /^DNS_NAME_ERROR: The label '.*' of the DNS name 'www\..*' is invalid\.$/,
      ],
      [
        `/update-by-path/${SECRET}/www.example.777/192.0.2.1`,
        453,
        "DNS_NAME_ERROR: The TLD '777' of the DNS name 'www.example.777' must be not purely numeric.",
      ],
      [
        `/update-by-path/${SECRET}/${long}x/192.0.2.1`,
        453,
        /^DNS_NAME_ERROR: .*(longer than 255 octets|longer than 63 octets)/,
      ],
      [
        `/update-by-path/${SECRET}/a..dyn.example.com/192.0.2.1`,
        453,
        /^DNS_NAME_ERROR: The DNS name 'a\.\.dyn\.example\.com' has an empty label\.$/,
      ],
      [`/update-by-path/${SECRET}/home.dyn.example.com/1.2.3`, 454, "IP_ADDRESS_ERROR: Invalid IP address '1.2.3'."],
      [
        `/update-by-path/${SECRET}/home.dyn.example.com/010.1.1.1`,
        454,
        "IP_ADDRESS_ERROR: Invalid IP address '010.1.1.1'.",
      ],
      [
        `/update-by-path/${SECRET}/home.dyn.example.com/192.0.2.1/not-an-address`,
        454,
        "IP_ADDRESS_ERROR: Invalid IP address 'not-an-address'.",
      ],
      [`/update-by-query?${s}&${z}&ipv4=2001:db8::1`, 454, 'IP_ADDRESS_ERROR: IP version "4" does not match.'],
      [`/update-by-query?${s}&${z}&ipv6=192.0.2.1`, 454, 'IP_ADDRESS_ERROR: IP version "6" does not match.'],
      [
        `/update-by-path/${SECRET}/home.dyn.example.com/1.2.3.4/1.2.3.5`,
        454,
        'IP_ADDRESS_ERROR: The attribute "ipv4" is already set and has the value "1.2.3.4".',
      ],
      [
        `/update-by-path/${SECRET}/home.dyn.example.com/2001:db8::1/2001:db8::2`,
        454,
        'IP_ADDRESS_ERROR: The attribute "ipv6" is already set and has the value "2001:db8::1".',
      ],
      [
        `/update-by-query?${s}&${z}&ip_1=1.2.3.4&ipv4=1.2.3.5`,
        454,
        'IP_ADDRESS_ERROR: The attribute "ipv4" is already set and has the value "1.2.3.5".',
      ],
      [
        `/update-by-query?${s}&${z}&ip_1=192.0.2.1&ip_2=2001:db8::1&ipv6=2001:DB8::2`,
        454,
        'IP_ADDRESS_ERROR: The attribute "ipv6" is already set and has the value "2001:db8::2".',
      ],
      [`/update-by-query?${s}&${z}&ipv4=test`, 454, "IP_ADDRESS_ERROR: Invalid IP address 'test'."],
      [`/update-by-query?${s}&${z}&ipv4=1.2.3.4.5`, 454, "IP_ADDRESS_ERROR: Invalid IP address '1.2.3.4.5'."],
      [
        `/update-by-query?${s}&${z}&ip_1=1.2.3.4,1.2.3.5`,
        454,
        "IP_ADDRESS_ERROR: Invalid IP address '1.2.3.4,1.2.3.5'.",
      ],
      // Whether a zone exists is not told by an invalid name in it.
      [
        `/update-by-query?${s}&zone_name=dyn.example.com&record_name=a..b`,
        453,
        "DNS_NAME_ERROR: The DNS name 'a..b.dyn.example.com' has an empty label.",
      ],
      [
        `/update-by-query?${s}&zone_name=other.test.&record_name=a..b.`,
        453,
        "DNS_NAME_ERROR: The DNS name 'a..b.other.test' has an empty label.",
      ],
      ...['+-1', '1__0', '_1', '1_', '5.5', '1e3', '0x10', '1 0', '.0', '--1', '\u0661'].map(
        (ttl) =>
          [
            `/update-by-query?${s}&${z}&ipv4=192.0.2.1&ttl=${encodeURIComponent(ttl)}`,
            456,
            `PARAMETER_ERROR: int_parsing: Input should be a valid integer, unable to parse string as an integer (${ttl}).`,
          ] as const,
      ),
      [
        `/update-by-query?${s}&${z}&ipv4=192.0.2.1&ttl=-1`,
        456,
        'PARAMETER_ERROR: The TTL -1 is not between 0 and 2147483647.',
      ],
      [
        `/update-by-query?${s}&${z}&ipv4=192.0.2.1&ttl=${'9'.repeat(4000)}`,
        456,
        `PARAMETER_ERROR: The TTL ${'9'.repeat(20)}… is not between 0 and 2147483647.`,
      ],
      ['/nowhere', 404, 'ERROR: Not found.'],
      ['/%', 400, /^ERROR: The request is malformed/],
      ['/update-by-path/%zz/home.dyn.example.com', 400, /^ERROR: The request is malformed/],
      [`/update-by-path/${SECRET}/%E4.dyn.example.com/192.0.2.1`, 400, /^ERROR: The request is malformed/],
    ];

    it.each(CASES)('%s', async (target, status, line) => {
      // Each request has its own source, so that no budget for wrong credentials is empty.
      const behind = guarded;
      const serial = await lab.serial();
      const answer = await behind.ask(target, { headers: { 'X-Forwarded-For': `192.0.2.${(count % 250) + 1}` } });
      if (typeof line === 'string') expect(answer.body).toBe(`${line}\n`);
      else expect(answer.body.slice(0, -1)).toMatch(line);
      expect(answer.status).toBe(status);
      expect(await lab.serial()).toBe(serial);
    });

    let guarded: RunningDyndns;
    beforeAll(async () => {
      guarded = await lab.serve({ http: { trusted_proxies: ['127.0.0.1'] } });
    });

    it('one line each, whatever the request puts into it', async () => {
      for (const [name, value] of [
        ['fqdn', 'a\nUPDATED: b'],
        ['ip_1', '1.2.3.4\r\nUPDATED: x'],
        ['ttl', '1\n2'],
        ['zone_name', 'x\ny'],
        ['other', 'x\u0000\u001b[31m\ny'],
      ]) {
        const parameters = name === 'fqdn' || name === 'zone_name' ? { record_name: 'a' } : { fqdn };
        const { body } = await server.ask(byQuery({ ...(name === 'fqdn' ? {} : parameters), [name!]: value! }));
        expect(body).toMatch(/^[A-Z_]+: \P{Cc}*\n$/u);
      }
    });
  });

  describe('how requests may look', () => {
    it('percent-encoded segments, doubled slashes, a backslash, a final slash, the absolute form', async () => {
      await get(byPath('2001:db8::1'));
      const expected = lines('None', '2001:db8::1');
      const encoded = Buffer.from(fqdn).reduce((text, octet) => `${text}%${octet.toString(16).padStart(2, '0')}`, '');
      for (const target of [
        `/update-by-path/${SECRET}/${encoded}/2001%3adb8%3A%3a1`,
        `//update-by-path//${SECRET}/${fqdn}/2001:db8::1`,
        `/update-by-path/${SECRET}/${fqdn}/2001:db8::1/`,
        `/\\/update-by-path/${SECRET}/${fqdn}/2001:db8::1`,
        `http://anything.example/update-by-path/${SECRET}/${fqdn}/2001:db8::1`,
        `//update-by-query/?secret=${SECRET}&fqdn=${fqdn}&ipv6=2001%3Adb8%3A%3A1`,
        `/update-by-path/${SECRET}/${fqdn}/2001:db8::1?`,
      ]) {
        const raw = await exchangeRaw(server.port, `GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
        expect([parseRaw(raw).status, parseRaw(raw).body], target).toEqual(expected);
      }
    });

    it('a name of 253 characters is taken', async () => {
      const room = 253 - ZONE.length - 1 - 64 * 3;
      const name = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${`d${count}`.padEnd(room, 'd')}.${ZONE}`;
      expect(name).toHaveLength(253);
      expect(await get(`/update-by-path/${SECRET}/${name}/192.0.2.1`)).toEqual(
        lines('None -> 192.0.2.1', 'None', name),
      );
      expect(await lab.look(name, 'A')).toEqual(['192.0.2.1']);
    });

    it('of repeated parameters the first counts, in the query and then in a body', async () => {
      expect(await get(`${byQuery({ fqdn })}&ipv4=192.0.2.1&ipv4=192.0.2.2&ipv4=`)).toEqual(
        lines('None -> 192.0.2.1', 'None'),
      );
      expect(
        await get(`${byQuery({ fqdn })}&ip_1=192.0.2.2&ip_1=192.0.2.3&ttl=60&ttl=x&secret=wrong&fqdn=a..b`),
      ).toEqual(lines('192.0.2.1 -> 192.0.2.2', 'None'));
      expect(await lab.ttl(fqdn, 'A')).toBe(60);
      const post = await server.ask(`${byQuery({ fqdn })}&ipv4=192.0.2.4`, form({ ipv4: '192.0.2.5', fqdn: 'a..b' }));
      expect(statusAndBody(post)).toEqual(lines('192.0.2.2 -> 192.0.2.4', 'None'));
      // Not in another spelling: the original knows one.
      expect((await get(`${byQuery({ fqdn })}&IPv4=192.0.2.9`))[1]).toContain('extra_forbidden');
      expect(await get(`${byQuery({ fqdn, ipv4: '192.0.2.4' })}&x=first&x=second`)).toEqual([
        456,
        'PARAMETER_ERROR: extra_forbidden: Extra inputs are not permitted (first).\n',
      ]);
    });

    it('empty parameters count as absent', async () => {
      const empty = { ip_2: '', ipv6: '', ttl: '', zone_name: '', record_name: '' };
      expect(await get(byQuery({ fqdn, ip_1: '192.0.2.1', ...empty }))).toEqual(lines('None -> 192.0.2.1', 'None'));
    });

    it('POST with a form, which may be chunked and joined with the query', async () => {
      expect(
        statusAndBody(await server.ask('/update-by-query', form({ secret: SECRET, fqdn, ipv4: '192.0.2.1' }))),
      ).toEqual(lines('None -> 192.0.2.1', 'None'));
      expect(
        statusAndBody(await server.ask(`/update-by-query?fqdn=${fqdn}`, form({ secret: SECRET, ipv4: '192.0.2.2' }))),
      ).toEqual(lines('192.0.2.1 -> 192.0.2.2', 'None'));
      const body = `secret=${SECRET}&fqdn=${fqdn}&ipv4=192.0.2.3`;
      const chunks = [body.slice(0, 20), body.slice(20)].map((part) => `${part.length.toString(16)}\r\n${part}\r\n`);
      const head = 'POST /update-by-query HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n';
      const type = 'Content-Type: application/x-www-form-urlencoded\r\n\r\n';
      const reply = parseRaw(await exchangeRaw(server.port, `${head}${type}${chunks.join('')}0\r\n\r\n`));
      expect([reply.status, reply.body]).toEqual(lines('192.0.2.2 -> 192.0.2.3', 'None'));
    });

    it('POST without a body, and with an empty form, takes the query', async () => {
      const target = byQuery({ fqdn, ipv4: '192.0.2.1' });
      expect(statusAndBody(await server.ask(target, { method: 'POST' }))).toEqual(lines('None -> 192.0.2.1', 'None'));
      expect(statusAndBody(await server.ask(target, form({})))).toEqual(lines('192.0.2.1', 'None'));
    });

    it('a body that is too large is 413, and one that is neither a form nor JSON 400', async () => {
      const serial = await lab.serial();
      const large = await server.ask(
        '/update-by-query',
        form({ secret: SECRET, fqdn, ipv4: '192.0.2.1', ttl: '1'.repeat(70_000) }),
      );
      expect(statusAndBody(large)).toEqual([413, 'ERROR: The body is larger than 65536 octets.\n']);
      for (const type of ['application/json', 'text/plain', 'multipart/mixed; boundary=x', 'nonsense']) {
        const answer = await server.ask('/update-by-query', {
          ...form({ secret: SECRET, fqdn, ipv4: '192.0.2.1' }),
          headers: { 'Content-Type': type },
        });
        expect(statusAndBody(answer), type).toEqual([400, 'PARAMETER_ERROR: The body is not valid JSON.\n']);
      }
      expect(await lab.serial()).toBe(serial);
    });

    it('HEAD and OPTIONS change nothing on any route', async () => {
      await get(byPath('192.0.2.1'));
      const serial = await lab.serial();
      const targets = [
        '/',
        '/check',
        '/myip',
        '/ip',
        byPath(),
        byPath('192.0.2.9'),
        byPath('192.0.2.9', '2001:db8::9'),
      ];
      targets.push(byQuery({ fqdn, ipv4: '192.0.2.9' }), `/delete-by-path/${SECRET}/${fqdn}`);
      const fresh = await lab.serve();
      for (const target of targets) {
        const safe = ['/', '/myip', '/ip'].includes(target);
        const head = await fresh.ask(target, { method: 'HEAD' });
        expect([head.status, head.body], target).toEqual([safe ? 200 : 405, '']);
        const options = await fresh.ask(target, { method: 'OPTIONS' });
        expect(options.status, target).toBe(204);
        expect(options.headers.allow?.split(', ')).toContain('GET');
      }
      await fresh.stop();
      expect(await lab.serial()).toBe(serial);
      expect(await lab.look(fqdn, 'A')).toEqual(['192.0.2.1']);
    });
  });

  describe('on the wire', () => {
    const raw = async (text: string | Uint8Array) => parseRaw(await exchangeRaw(server.port, text));

    it('a client that ends its side after the request gets its reply all the same', async () => {
      const request = `GET ${byPath('192.0.2.1')} HTTP/1.0\r\n\r\n`;
      const { status, body } = parseRaw(await exchangeRaw(server.port, request, false, true));
      expect([status, body]).toEqual(lines('None -> 192.0.2.1', 'None'));
    });

    it('HTTP/1.0, and HTTP/1.1 without a Host header, get a reply with Content-Length, then the connection ends', async () => {
      const target = byPath('192.0.2.1');
      const first = await raw(`GET ${target} HTTP/1.0\r\n\r\n`);
      expect([first.status, first.body]).toEqual(lines('None -> 192.0.2.1', 'None'));
      const second = await raw(`GET ${target} HTTP/1.1\r\nConnection: close\r\n\r\n`);
      expect([second.status, second.body]).toEqual(lines('192.0.2.1', 'None'));
      for (const { head, body } of [first, second]) expect(head).toContain(`\r\ncontent-length: ${body.length}`);
    });

    it('every reply has a Content-Length, none is chunked, none has an address in a header', async () => {
      const targets = [
        '/',
        '/check',
        '/myip',
        byPath('192.0.2.1'),
        byPath('1.2.3'),
        '/nowhere',
        '/%',
        byQuery({ fqdn }),
      ];
      for (const target of targets) {
        for (const method of ['GET', 'HEAD', 'POST', 'PUT']) {
          const { head, body } = await raw(`${method} ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
          const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1]);
          expect(method === 'HEAD' ? 0 : length, `${method} ${target}`).toBe(Buffer.byteLength(body, 'latin1'));
          expect(length).toBeGreaterThanOrEqual(0);
          expect(head).not.toMatch(/transfer-encoding/i);
          expect(head).not.toMatch(/\d+\.\d+\.\d+\.\d+/);
        }
      }
    });

    it('both Content-Length and Transfer-Encoding are 400, the connection is closed, and nothing is changed', async () => {
      const serial = await lab.serial();
      const smuggled = `GET ${byPath('192.0.2.66')} HTTP/1.1\r\nHost: x\r\n\r\n`;
      const form_ = 'Content-Type: application/x-www-form-urlencoded\r\n';
      for (const framing of [
        'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n',
        'Transfer-Encoding: chunked\r\nContent-Length: 5\r\n',
      ]) {
        const reply = await exchangeRaw(
          server.port,
          `POST /update-by-query HTTP/1.1\r\nHost: x\r\n${form_}${framing}\r\n0\r\n\r\n${smuggled}`,
        );
        expect(parseRaw(reply).status).toBe(400);
        expect(reply.match(/HTTP\/1\.1/g)).toHaveLength(1);
        expect(parseRaw(reply).head).toMatch(/connection: close/i);
      }
      expect(await lab.serial()).toBe(serial);
    });

    it('requests that are pipelined are answered in their order', async () => {
      const requests = ['/myip', byPath('192.0.2.1'), '/nowhere'].map(
        (target) => `GET ${target} HTTP/1.1\r\nHost: x\r\n${target === '/nowhere' ? 'Connection: close\r\n' : ''}\r\n`,
      );
      const reply = await exchangeRaw(server.port, requests.join(''));
      expect(reply.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 404']);
    });

    it.each([
      ['garbage', 'garbage\r\n\r\n'],
      ['a TLS hello', Buffer.from('16030100c8010000c40303', 'hex')],
      ['nothing but line ends', '\r\n\r\n\r\nx'],
      ['bare line feeds', 'GET / HTTP/1.1\nHost: x\n\n'],
      ['a raw space in the target', 'GET /update by query HTTP/1.1\r\nHost: x\r\n\r\n'],
      ['a raw UTF-8 letter in a header name', 'GET / HTTP/1.1\r\nH\xc3\xb6st: x\r\n\r\n'],
      ['two different lengths', 'POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx'],
      ['a negative length', 'POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n'],
      [
        'a wrong chunk size',
        'POST /update-by-query HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
      ],
    ])('%s is 400 in plain text and closed', async (_what, octets) => {
      const { status, head, body } = await raw(octets);
      expect([status, body]).toEqual([400, 'ERROR: The request is malformed.\n']);
      expect(head).toMatch(/content-type: text\/plain; charset=utf-8\r\n/i);
      expect(head).toMatch(/nosniff/i);
      expect(head).toMatch(/connection: close/i);
    });

    it('a header part that is too large is 431', async () => {
      expect((await raw(`GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`)).status).toBe(431);
      expect((await raw(`GET / HTTP/1.1\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`)).status).toBe(431);
    });

    it('lenient: true takes bare line feeds', async () => {
      const lenient = await lab.serve({ http: { lenient: true } });
      const reply = parseRaw(await exchangeRaw(lenient.port, 'GET /myip HTTP/1.1\nHost: x\nConnection: close\n\n'));
      expect([reply.status, reply.body]).toEqual([200, '127.0.0.1\n']);
      await lenient.stop();
    });
  });

  describe('malformed requests', () => {
    // Segments that are valid alone and wrong together; never the right secret with a valid name and address.
    const name = fc.constantFrom(
      'home.dyn.example.com',
      'home.dyn.example.com',
      'home.dyn.example.com',
      'dyn.example.com',
      'x.example.org',
      'a..b',
      '*',
      '',
      '%',
      '%ff',
      'ä',
      '.',
      'a'.repeat(300),
    );
    const secret = fc.constantFrom(SECRET, encodeURIComponent(SECRET), 'wrongsecret', '', '%00', '%2F');
    const badAddress = fc.constantFrom(
      '1.2.3',
      '300.1.1.1',
      'fe80::1%25eth0',
      ':::',
      '',
      'x',
      '127.0.0.1',
      '0.0.0.0',
      '%',
      '1.2.3.4/24',
    );
    const text = fc
      .string({ unit: 'binary', maxLength: 40 })
      .map((value) => encodeURIComponent(value.replace(/\p{Cs}/gu, '?')));
    const parameter = fc.constantFrom(
      'secret',
      'fqdn',
      'ip_1',
      'ip_2',
      'ipv4',
      'ipv6',
      'ttl',
      'zone_name',
      'record_name',
      '__proto__',
      'constructor',
      'x[]',
      '',
    );
    const pair = fc.tuple(parameter, fc.oneof(text, name, badAddress)).map(([key, value]) => `${key}=${value}`);
    const query = fc
      .tuple(secret, fc.array(pair, { maxLength: 6 }))
      .map(([s, pairs]) => [`secret=${s}`, 'fqdn=home.dyn.example.com', 'ip_1=1.2.3', ...pairs].join('&'));
    const target = fc.oneof(
      fc
        .tuple(fc.constantFrom('update-by-path', 'delete-by-path'), secret, text)
        .map((parts) => `/${parts.join('/')}/x/y`),
      fc
        .tuple(secret, name, badAddress)
        .map((parts) => `/update-by-path/${parts.map(encodeURI).join('/')}/1.2.3.4/1.2.3.5`),
      query.map((value) => `/update-by-query?${value}`),
      fc.array(text, { maxLength: 5 }).map((parts) => `/${parts.join('/')}`),
      fc.constantFrom(
        '*',
        '/',
        '//',
        '?',
        '/?',
        '/%2e%2e/',
        '/update-by-query?%',
        '/update-by-query?=&&==',
        'http://x',
        'x:y',
      ),
    );
    const method = fc.constantFrom(
      'GET',
      'GET',
      'GET',
      'POST',
      'PUT',
      'HEAD',
      'OPTIONS',
      'DELETE',
      'PATCH',
      'TRACE',
      'PROPFIND',
      'FOO',
    );
    const header = fc.constantFrom(
      '',
      'Authorization: Bearer\r\n',
      'Authorization: Basic ::\r\n',
      'Expect: x\r\n',
      'Content-Length: 0\r\n',
      'Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\na=b',
      'Content-Type: ;;\r\n',
      'Upgrade: websocket\r\nConnection: upgrade\r\n',
      'Range: bytes=0-1\r\n',
      'Transfer-Encoding: gzip\r\n',
      'X-Forwarded-For: ,,\r\n',
      'Cookie: a=b\r\n',
    );
    const request = fc.tuple(method, target, header).map(([m, t, h]) => `${m} ${t} HTTP/1.1\r\nHost: x\r\n${h}\r\n`);

    it('2,000 generated ones get a defined reply, never 500, and write nothing', async () => {
      const seen = new Map<number, number>();
      // Wrong secrets come from many sources, or the budget of one would be empty.
      const behind = await lab.serve({
        http: { trusted_proxies: ['127.0.0.1'] },
        zones: [{ name: ZONE, tsig_key: lab.key.secret }],
      });
      const serial = await lab.serial();
      const requests = fc.sample(request, { numRuns: 2000, seed: 2136 });
      const wrong: string[] = [];
      const one = async (text: string, index: number) => {
        const source = `X-Forwarded-For: 198.51.${(index >> 8) & 255}.${index & 255}\r\n`;
        const reply = await exchangeRaw(behind.port, text.replace('Host: x\r\n', `Host: x\r\n${source}`), true);
        const { status, head, body: rest } = parseRaw(reply);
        // A second reply may follow: 400, because the rest of the body is not a request.
        const body = rest.slice(0, Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0));
        seen.set(status, (seen.get(status) ?? 0) + 1);
        const isHead = text.startsWith('HEAD ');
        const defined = (status >= 200 && status < 500) || status === 512 || status === 503;
        const line = isHead || status === 204 || /^(([A-Z_]+: [^\n]*|dyndns v\S+|[0-9.]+)\n)+$/.test(body);
        if (!defined || !line || /transfer-encoding/i.test(head)) wrong.push(`${text} -> ${reply}`);
      };
      for (let at = 0; at < requests.length; at += 16) {
        await Promise.all(requests.slice(at, at + 16).map((text, index) => one(text, at + index)));
      }
      expect(wrong).toEqual([]);
      expect([...seen.keys()].sort()).toEqual(expect.arrayContaining([200, 400, 404, 405, 453, 454, 456]));
      expect(await lab.serial()).toBe(serial);
      expect((await behind.ask('/')).status).toBe(200);
      await behind.stop();
    }, 60_000);
  });
});
