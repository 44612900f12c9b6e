/**
 * Contents of records in requests of the PowerDNS API, on our server and on a real PowerDNS: clients compare what they read
 * with what they want as texts, so a content that PowerDNS returns unchanged must be unchanged here, too.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { tokenSha256 } from '../../src/core/access/token.ts';
import { type EmbeddedServer, startEmbedded } from '../support/embedded-server.ts';
import { type Answer, ask } from '../support/http-client.ts';
import { describeWith, POWERDNS_PROGRAMS } from '../support/require-server.ts';
import { POWERDNS_KEY, type PowerdnsApi, startPowerdnsApi } from './powerdns/real-api.ts';
import { ZONE, ZONE_NAME, ZONE_PATH } from './powerdns/wire.ts';

const TYPES = ['A', 'AAAA', 'TXT', 'CNAME', 'MX', 'SRV', 'CAA', 'SSHFP', 'TLSA', 'HTTPS', 'SVCB', 'PTR'];
const DIGEST = '123456789abcdef67890123456789abcdef67890123456789abcdef123456789';

/** Both return them as they were sent. */
const SAME: readonly (readonly [type: string, content: string])[] = [
  ['A', '192.0.2.1'],
  ['AAAA', '2001:db8::1'],
  ['AAAA', '2001:db8:0:1:1:1:1:1'],
  ['TXT', '"a"'],
  ['TXT', '""'],
  ['TXT', '"a" "b"'],
  ['TXT', '"a  b"'],
  ['TXT', '"a;b"'],
  ['TXT', '"a\\"b\\\\c"'],
  ['TXT', '"a\\010b\\195\\169\\127"'],
  ['TXT', '"(a) \'b\' @"'],
  ['TXT', `"${'x'.repeat(255)}" "${'x'.repeat(255)}"`],
  ['CNAME', `www.${ZONE_NAME}`],
  ['CNAME', 'a_b.example.'],
  ['MX', `10 mail.${ZONE_NAME}`],
  ['MX', '0 .'],
  ['SRV', `10 20 5060 sip.${ZONE_NAME}`],
  ['SRV', '0 0 0 .'],
  ['CAA', '0 issue "letsencrypt.org"'],
  ['CAA', '128 issuewild ";"'],
  ['CAA', '0 iodef "mailto:hostmaster@example.com"'],
  ['CAA', '0 issue "ca.example; policy=ev"'],
  ['SSHFP', `4 2 ${DIGEST}`],
  ['TLSA', `3 1 1 ${DIGEST}`],
  ['HTTPS', '1 .'],
  ['HTTPS', '0 www.example.'],
  ['HTTPS', '1 . alpn=h3,h2 no-default-alpn port=8443 ipv4hint=192.0.2.1 ipv6hint=2001:db8::1'],
  ['HTTPS', '1 . mandatory=alpn alpn=h2'],
  ['HTTPS', '1 . key65280="abc"'],
  ['SVCB', '1 foo.example. alpn=h2'],
  ['PTR', `host.${ZONE_NAME}`],
];

/** PowerDNS stores texts, we store octets: two ways to write the same octets become one. */
const OTHER: readonly (readonly [type: string, content: string, ours: string])[] = [
  ['TXT', '"a\\;b"', '"a;b"'],
  ['TXT', '"\\100"', '"d"'],
  ['TXT', '"é"', '"\\195\\169"'],
  ['TXT', `"${'x'.repeat(256)}"`, `"${'x'.repeat(255)}" "x"`],
  ['HTTPS', '1 . ech="AEX+DQA="', '1 . ech=AEX+DQA='],
];

/** Both refuse them. */
const MALFORMED: readonly (readonly [type: string, content: string])[] = [
  ['A', '192.0.2'],
  ['A', '192.0.2.256'],
  ['A', ''],
  ['AAAA', '192.0.2.1'],
  ['AAAA', '2001:db8:::1'],
  ['TXT', 'a'],
  ['TXT', '"a'],
  ['TXT', '"a"b"'],
  ['CNAME', 'www'],
  ['CNAME', ''],
  ['MX', 'mail.example.'],
  ['MX', '70000 mail.example.'],
  ['MX', '10 mail'],
  ['SRV', '10 20 5060'],
  ['CAA', '0 issue'],
  ['SSHFP', '4 2'],
  ['TLSA', '3 1 1 xyz'],
  ['HTTPS', '1'],
  ['HTTPS', '1 . port=https'],
];

describeWith(POWERDNS_PROGRAMS, 'contents of records', () => {
  let powerdns: PowerdnsApi;
  let server: EmbeddedServer;

  beforeAll(async () => {
    powerdns = await startPowerdnsApi('');
    server = await startEmbedded({
      zone: ZONE,
      config: {
        store: 'sqlite:dyndns.db',
        admin: { enabled: true, powerdns_api: true },
        tokens: [{ name: 'all', sha256: tokenSha256(POWERDNS_KEY), hosts: [`*.test.${ZONE}`], types: TYPES }],
      },
    });
  }, 30_000);

  afterAll(async () => {
    await Promise.all([server?.stop(), powerdns?.stop()]);
  });

  const headers = { 'X-API-Key': POWERDNS_KEY };
  const places = () => ({ PowerDNS: powerdns.httpPort, dyndns: server.dyndns.port });
  const patch = (port: number, records: readonly (readonly [name: string, type: string, content: string])[]) => {
    const rrsets = records.map(([name, type, content]) => {
      return {
        name: `${name}.test.${ZONE_NAME}`,
        type,
        ttl: 300,
        changetype: 'REPLACE',
        records: [{ content, disabled: false }],
      };
    });
    return ask({ port }, ZONE_PATH, { method: 'PATCH', headers, body: JSON.stringify({ rrsets }) });
  };
  /** Contents by name, below `test`. */
  async function contents(port: number): Promise<ReadonlyMap<string, string>> {
    const { body } = await ask({ port }, ZONE_PATH, { headers });
    const { rrsets } = JSON.parse(body) as {
      readonly rrsets: readonly { readonly name: string; readonly records: readonly { readonly content: string }[] }[];
    };
    return new Map(rrsets.map(({ name, records }) => [name.split('.')[0]!, records[0]!.content]));
  }

  it('what PowerDNS returns as it was sent is returned as it was sent', async () => {
    for (const [title, port] of Object.entries(places())) {
      const reply = await patch(
        port,
        SAME.map(([type, content], at) => [`same${at}`, type, content]),
      );
      expect([title, reply.status, reply.body]).toEqual([title, 204, '']);
      const found = await contents(port);
      expect([title, SAME.map((_, at) => found.get(`same${at}`))]).toEqual([title, SAME.map(([, content]) => content)]);
    }
  });

  it('other ways to write the same octets are accepted, and returned in one way', async () => {
    for (const [title, port] of Object.entries(places())) {
      const reply = await patch(
        port,
        OTHER.map(([type, content], at) => [`other${at}`, type, content]),
      );
      expect([title, reply.status, reply.body]).toEqual([title, 204, '']);
      const found = await contents(port);
      const expected = OTHER.map(([, content, ours]) => (title === 'dyndns' ? ours : content));
      expect([title, OTHER.map((_, at) => found.get(`other${at}`))]).toEqual([title, expected]);
    }
  });

  it('what PowerDNS refuses as malformed is refused, with a sentence', async () => {
    const all: (readonly [string, string, Answer])[] = [];
    for (const [title, port] of Object.entries(places())) {
      for (const [at, [type, content]] of MALFORMED.entries()) {
        all.push([title, `${type} ${content}`, await patch(port, [[`bad${at}`, type, content]])]);
      }
    }
    for (const [title, record, { status, body }] of all) {
      expect([title, record, status]).toEqual([title, record, 422]);
      expect(JSON.parse(body)).toEqual({ error: expect.stringMatching(/./) });
    }
  });

  it('a record that is disabled, or not clearly enabled, is refused, and so is one with a PTR to be made', async () => {
    const port = server.dyndns.port;
    const send = (fields: object) => {
      const record = { content: '192.0.2.1', ...fields };
      const rrsets = [
        { name: `flags.test.${ZONE_NAME}`, type: 'A', ttl: 300, changetype: 'REPLACE', records: [record] },
      ];
      return ask({ port }, ZONE_PATH, { method: 'PATCH', headers, body: JSON.stringify({ rrsets }) });
    };
    for (const name of ['disabled', 'set-ptr']) {
      for (const value of [true, 'true', 'no', 1, 0, {}]) {
        const { status, body } = await send({ [name]: value });
        expect([name, value, status]).toEqual([name, value, 422]);
        expect(body).toContain(name);
      }
    }
    expect((await contents(port)).has('flags')).toBe(false);
    expect((await send({ disabled: false, 'set-ptr': false })).status).toBe(204);
    expect((await send({ disabled: null, 'set-ptr': null })).status).toBe(204);
  });
});
