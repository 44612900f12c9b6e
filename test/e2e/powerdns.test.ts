/**
 * The API that is compatible with that of PowerDNS, on a real embedded zone: what a key sees and changes is the scope of its token,
 * a request is one step of the serial or nothing, and the rules of the zone hold as at every other door.
 */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dig } from '../support/dig.ts';
import { runDyndns } from '../support/dyndns.ts';
import { type EmbeddedServer, startEmbedded } from '../support/embedded-server.ts';
import { type Answer, type AskOptions, ask } from '../support/http-client.ts';
import { describeWith } from '../support/require-server.ts';

const ZONE = 'dyn.example.com';
const ZONES = '/api/v1/servers/localhost/zones';
const DIG = [{ command: 'dig', debianPackage: 'bind9-dnsutils' }];
const TYPES = ['A', 'AAAA', 'TXT', 'CNAME', 'MX', 'SRV', 'CAA', 'PTR', 'TLSA', 'SSHFP', 'HTTPS', 'SVCB'];
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const at = (label: string) => (label === '@' ? ZONE : `${label}.${ZONE}`);

/** Tokens by their secret: labels of hosts, then types. */
const TOKENS: Readonly<Record<string, readonly [readonly string[], readonly string[], Record<string, unknown>?]>> = {
  home: [['home', 'own', 'disabled', '_sip._tcp.home', '_443._tcp.home'], TYPES],
  acme: [['home'], ['TXT']],
  pattern: [['*'], TYPES],
  apex: [['@', '_dmarc', 'mail', 'www'], TYPES],
  mine: [['mine'], ['A', 'AAAA'], { addresses: 'own' }],
  elsewhere: [['home'], ['A'], { sources: ['192.0.2.0/24'] }],
  nothing: [['x.sub'], ['A']],
  slow: [
    ['slow', 'slower'],
    ['A', 'TXT'],
  ],
};

interface RRsetText {
  readonly name: string;
  readonly type: string;
  readonly ttl?: number | string;
  readonly changetype: string;
  readonly records?: unknown;
  readonly comments?: unknown;
}

const replace = (label: string, type: string, contents: readonly string[], ttl: number = 300): RRsetText => ({
  name: `${at(label)}.`,
  type,
  ttl,
  changetype: 'REPLACE',
  records: contents.map((content) => ({ content, disabled: false })),
});
const remove = (label: string, type: string): RRsetText => ({ name: `${at(label)}.`, type, changetype: 'DELETE' });

describeWith(DIG, 'the PowerDNS-compatible API', () => {
  let server: EmbeddedServer;

  beforeAll(async () => {
    server = await startEmbedded({
      zone: ZONE,
      records: 'www IN A 192.0.2.80\nmail IN A 192.0.2.81\n_static IN TXT "set"\n',
      zoneOptions: {
        reserved: ['reserved'],
        ttl: { min: 60, max: 3600 },
        addresses: { deny: ['203.0.113.0/24'] },
      },
      config: {
        store: 'sqlite:dyndns.db',
        admin: { enabled: true, powerdns_api: true },
        limits: { refused_per_minute_per_source: 0 },
        http: { listen: ['127.0.0.1:0'], trusted_proxies: ['127.0.0.1'] },
        hosts: [
          { name: at('disabled'), enabled: false },
          { name: at('own'), addresses: { deny: ['198.51.100.0/24'] } },
        ],
        tokens: Object.entries(TOKENS).map(([secret, [hosts, types, more]]) => ({
          name: secret,
          sha256: sha256(secret),
          hosts: hosts.map(at),
          types,
          ...more,
        })),
      },
    });
  }, 30_000);

  afterAll(() => server?.stop());

  const api = (path: string, key: string | undefined, options: AskOptions = {}): Promise<Answer> =>
    ask({ port: server.dyndns.port }, path, {
      ...options,
      headers: { 'X-Forwarded-For': '198.51.100.7', ...(key && { 'X-API-Key': key }), ...options.headers },
    });
  const patch = (key: string, ...rrsets: readonly RRsetText[]) =>
    api(`${ZONES}/${ZONE}.`, key, { method: 'PATCH', body: JSON.stringify({ rrsets }) });
  const errorOf = ({ body }: Answer): string => JSON.parse(body).error;
  const serial = async () => (await dig(server, [ZONE, 'SOA', '+norecurse'])).short[0]?.split(' ')[2];
  const look = async (label: string, type: string) =>
    [...(await dig(server, [at(label), type, '+norecurse'])).short].sort();
  const shownTo = async (key: string, query = '') => {
    const { status, body } = await api(`${ZONES}/${ZONE}.${query}`, key);
    expect(status).toBe(200);
    const { rrsets } = JSON.parse(body) as { rrsets: { name: string; type: string; records: { content: string }[] }[] };
    return rrsets
      .flatMap(({ name, type, records }) => records.map(({ content }) => `${name} ${type} ${content}`))
      .sort();
  };

  describe('its key', () => {
    it.each([
      ['a wrong one', 'wrong', 401],
      ['none', undefined, 401],
      ['the master secret', 'masterSecretOfTests', 401],
      ['one from an address that it does not allow', 'elsewhere', 401],
      ['a token', 'home', 200],
    ])('%s', async (_what, key, status) => {
      for (const path of ['/api/v1/servers', `${ZONES}/${ZONE}.`, `${ZONES}/${ZONE}./notify`, '/api/v1/servers/x/y']) {
        const method = path.endsWith('notify') ? 'PUT' : 'GET';
        const reply = await api(path, key, { method });
        expect([path, reply.status]).toEqual([path, path.endsWith('/y') && status === 200 ? 404 : status]);
        if (status === 401) expect(errorOf(reply)).toMatch(/^Unauthorized/);
      }
    });

    it('is checked before the body is read', async () => {
      const body = '{'.repeat(1_000_000);
      const reply = await api(`${ZONES}/${ZONE}.`, 'wrong', { method: 'PATCH', body });
      expect(reply.status).toBe(401);
    });

    it('is refused in a request of a page of another web site, where that would change something', async () => {
      const headers = { 'Sec-Fetch-Site': 'cross-site' };
      const body = JSON.stringify({ rrsets: [replace('home', 'A', ['192.0.2.66'])] });
      const before = await serial();
      expect((await api(`${ZONES}/${ZONE}.`, 'home', { method: 'PATCH', body, headers })).status).toBe(403);
      expect((await api(`${ZONES}/${ZONE}.`, 'home', { headers })).status).toBe(200);
      expect(await serial()).toBe(before);
    });
  });

  describe('documents', () => {
    it('the server, whose version is at least 4.2', async () => {
      expect(JSON.parse((await api('/api', 'home')).body)).toEqual([{ url: '/api/v1', version: 1 }]);
      for (const path of ['/api/v1/servers/localhost', '/api/v1/servers/localhost/']) {
        const { id, version } = JSON.parse((await api(path, 'home')).body);
        expect([id, Number.parseFloat(version) >= 4.2]).toEqual(['localhost', true]);
      }
      expect(JSON.parse((await api('/api/v1/servers', 'home')).body)).toHaveLength(1);
      expect(JSON.parse((await api('/api/v1/servers/localhost/config', 'home')).body)).toEqual([]);
      expect((await api('/api/v1/servers/other', 'home')).status).toBe(404);
      expect((await api('/api', 'wrong')).status).toBe(401);
    });

    it.each([`${ZONE}.`, ZONE, `${ZONE}/`, ZONE.toUpperCase(), 'dyn=2Eexample.com.', 'dyn%2Eexample.com.'])(
      'the zone by the id %s',
      async (id) => {
        const reply = await api(`${ZONES}/${id}?rrsets=false`, 'home');
        const zone = JSON.parse(reply.body);
        expect([reply.status, zone.id, zone.name, zone.rrsets]).toEqual([200, `${ZONE}.`, `${ZONE}.`, undefined]);
        expect(String(zone.serial)).toBe(await serial());
      },
    );

    it.each([
      'other.example.com.',
      'example.com.',
      'sub.dyn.example.com.',
      '..',
      '=2F',
      '=5Fx.',
      '%00',
      'x'.repeat(300),
    ])('no zone by the id %s', async (id) => {
      for (const [method, path] of [
        ['GET', ''],
        ['PATCH', ''],
        ['PUT', '/notify'],
        ['GET', '/export'],
        ['GET', '/cryptokeys'],
      ] as const) {
        expect((await api(`${ZONES}/${id}${path}`, 'home', { method, body: '{"rrsets":[]}' })).status).toBe(404);
      }
    });

    it('the list of zones, filtered by name', async () => {
      const list = async (key: string, query = '') =>
        (JSON.parse((await api(`${ZONES}${query}`, key)).body) as { name: string }[]).map(({ name }) => name);
      expect(await list('home')).toEqual([`${ZONE}.`]);
      expect(await list('home', `?zone=${ZONE}.&dnssec=false`)).toEqual([`${ZONE}.`]);
      expect(await list('home', '?zone=other.example.')).toEqual([]);
      expect(await list('home', '?zone=..')).toEqual([]);
    });

    it('no DNSSEC keys, notify that is always done, and zones that only the configuration makes', async () => {
      const zone = `${ZONES}/${ZONE}.`;
      expect(JSON.parse((await api(`${zone}/cryptokeys`, 'home')).body)).toEqual([]);
      expect((await api(`${zone}/notify`, 'home', { method: 'PUT' })).status).toBe(200);
      for (const [method, path] of [
        ['POST', ZONES],
        ['PUT', zone],
        ['DELETE', zone],
      ] as const) {
        const reply = await api(path, 'home', { method, body: '{}' });
        expect([reply.status, errorOf(reply)]).toEqual([403, expect.stringContaining('configuration')]);
      }
      const wrong = await api(zone, 'home', { method: 'POST', body: '{}' });
      expect([wrong.status, wrong.headers.allow]).toEqual([405, 'GET, PATCH, PUT, DELETE, OPTIONS']);
    });
  });

  describe('what a key sees', () => {
    beforeAll(async () => {
      const rrsets = [
        replace('home', 'A', ['192.0.2.1']),
        replace('home', 'TXT', ['"text of home"']),
        replace('_acme-challenge.home', 'TXT', ['"proof"']),
        replace('elsewhere', 'A', ['192.0.2.2']),
      ];
      expect((await patch('pattern', ...rrsets)).status).toBe(204);
    });

    it('is its names and types, and the challenges of its names', async () => {
      expect(await shownTo('home')).toEqual([
        `_acme-challenge.home.${ZONE}. TXT "proof"`,
        `home.${ZONE}. A 192.0.2.1`,
        `home.${ZONE}. TXT "text of home"`,
      ]);
      expect(await shownTo('acme')).toEqual([`_acme-challenge.home.${ZONE}. TXT "proof"`]);
      expect(await shownTo('nothing')).toEqual([]);
    });

    it('of a pattern: every name below, static ones too, and never SOA and NS', async () => {
      const shown = await shownTo('pattern');
      expect(shown).toContain(`www.${ZONE}. A 192.0.2.80`);
      expect(shown).toContain(`elsewhere.${ZONE}. A 192.0.2.2`);
      expect(shown.filter((line) => / (SOA|NS) /.test(line))).toEqual([]);
    });

    it.each([
      [`?rrset_name=home.${ZONE}.&rrset_type=A`, 1],
      [`?rrset_name=HOME.${ZONE}.`, 2],
      [`?rrset_name=elsewhere.${ZONE}.`, 0],
      ['?rrset_name=home.other.example.', 0],
      ['?rrset_name=..', 0],
      ['?rrset_type=NONSENSE', 0],
      ['?rrset_type=TXT', 2],
    ])('filtered by %s', async (query, count) => {
      expect(await shownTo('home', query)).toHaveLength(count);
    });

    it('the same as a zone file', async () => {
      const { body, headers } = await api(`${ZONES}/${ZONE}./export`, 'acme');
      expect(headers['content-type']).toBe('text/plain');
      expect(body).toBe(`_acme-challenge.home.${ZONE}.\t300\tIN\tTXT\t"proof"\n`);
    });
  });

  describe('a PATCH', () => {
    it('of 200 RRsets is one step of the serial', async () => {
      const before = Number(await serial());
      const rrsets = Array.from({ length: 200 }, (_, index) => replace(`n${index}`, 'A', ['192.0.2.9']));
      expect((await patch('pattern', ...rrsets)).status).toBe(204);
      expect(Number(await serial())).toBe(before + 1);
      expect(await look('n199', 'A')).toEqual(['192.0.2.9']);
    });

    it('that changes nothing makes no step of the serial, and is not limited', async () => {
      const before = await serial();
      for (let count = 0; count < 5; count += 1) {
        expect((await patch('home', replace('home', 'A', ['192.0.2.1']))).status).toBe(204);
      }
      expect(await serial()).toBe(before);
    });

    it('answers 204 without a body, whatever its Content-Type', async () => {
      for (const type of [
        undefined,
        'text/plain',
        'application/x-www-form-urlencoded',
        'nonsense',
        'multipart/form-data',
      ]) {
        const reply = await api(`${ZONES}/${ZONE}.`, 'pattern', {
          method: 'PATCH',
          body: JSON.stringify({ rrsets: [replace('typed', 'A', ['192.0.2.1'])] }),
          headers: type === undefined ? {} : { 'Content-Type': type },
        });
        expect([type, reply.status, reply.body]).toEqual([type, 204, '']);
      }
    });

    it('REPLACE, EXTEND, PRUNE and DELETE', async () => {
      const change = (changetype: string, content: string): RRsetText => ({
        ...replace('grown', 'TXT', [content]),
        changetype,
      });
      const steps: readonly [RRsetText[], readonly string[]][] = [
        [[replace('grown', 'TXT', ['"a"', '"b"'])], ['"a"', '"b"']],
        [[change('EXTEND', '"c"')], ['"a"', '"b"', '"c"']],
        [[change('EXTEND', '"c"')], ['"a"', '"b"', '"c"']],
        [[change('PRUNE', '"a"')], ['"b"', '"c"']],
        [[change('prune', '"none"')], ['"b"', '"c"']],
        [[remove('grown', 'TXT'), replace('grown', 'TXT', ['"d"'])], ['"d"']],
        [[replace('grown', 'TXT', [])], []],
        [[replace('grown', 'TXT', ['"e"'])], ['"e"']],
        [[{ ...remove('grown', 'TXT'), comments: [{ content: 'x' }] }], []],
        [[remove('grown', 'TXT')], []],
      ];
      for (const [rrsets, expected] of steps) {
        const reply = await patch('pattern', ...rrsets);
        expect([reply.status, reply.body, await look('grown', 'TXT')]).toEqual([204, '', expected]);
      }
    });

    it.each([
      ['A', '192.0.2.1', 'home', '192.0.2.1'],
      ['AAAA', '2001:DB8::1', 'home', '2001:db8::1'],
      ['TXT', '"one" "two"', 'home', '"one" "two"'],
      ['TXT', `"${'x'.repeat(300)}"`, 'home', `"${'x'.repeat(255)}" "${'x'.repeat(45)}"`],
      ['MX', '10 mail.example.net.', 'home', '10 mail.example.net.'],
      ['SRV', '1 2 5060 sip.example.net.', '_sip._tcp.home', '1 2 5060 sip.example.net.'],
      ['CAA', '0 issue "letsencrypt.org"', 'home', '0 issue "letsencrypt.org"'],
      ['PTR', 'a.example.net.', 'home', 'a.example.net.'],
      ['TLSA', `3 1 1 ${'ab'.repeat(32)}`, '_443._tcp.home', expect.stringMatching(/^3 1 1 /)],
      ['SSHFP', `4 2 ${'cd'.repeat(32)}`, 'home', expect.stringMatching(/^4 2 /)],
      ['HTTPS', '1 . alpn=h2', 'home', '1 . alpn="h2"'],
      ['SVCB', '1 svc.example.net. port=8443', 'home', '1 svc.example.net. port=8443'],
      ['CNAME', 'a.example.net.', 'own', 'a.example.net.'],
    ])('%s %s', async (type, content, label, expected) => {
      const set = await patch('pattern', replace(label, type, [content]));
      expect([set.status, set.body]).toEqual([204, '']);
      expect(await look(label, type)).toEqual([expected]);
      const shown = await shownTo('pattern', `?rrset_name=${at(label)}.&rrset_type=${type}`);
      expect(shown).toHaveLength(1);
      expect((await patch('pattern', remove(label, type))).status).toBe(204);
      expect(await look(label, type)).toEqual([]);
    });
  });

  /** What is wrong, the key, the RRset, the status, and words of the reply. */
  const REFUSED: readonly (readonly [string, string, RRsetText, number, RegExp])[] = [
    ['a name out of scope', 'home', replace('other', 'A', ['192.0.2.1']), 403, /may not change/],
    ['a name out of scope that exists', 'home', replace('elsewhere', 'A', ['192.0.2.1']), 403, /may not change/],
    ['the deletion of a name out of scope', 'home', remove('elsewhere', 'A'), 403, /may not change/],
    ['a name below one in scope', 'home', replace('x.home', 'A', ['192.0.2.1']), 403, /may not change/],
    ['a type out of scope', 'acme', replace('home', 'A', ['192.0.2.1']), 403, /may not change/],
    [
      'TXT beside the challenge, of a key for TXT alone',
      'acme',
      replace('home', 'TXT', ['"x"']),
      403,
      /may not change/,
    ],
    ['NS, which no token has', 'home', replace('home', 'NS', ['ns.example.net.']), 403, /may not change/],
    ['DS', 'pattern', replace('home', 'DS', [`1 8 2 ${'ab'.repeat(32)}`]), 403, /may not change/],
    ['SOA', 'apex', remove('@', 'SOA'), 403, /may not change/],
    ['DNAME', 'pattern', replace('home', 'DNAME', ['example.net.']), 403, /may not change/],
    [
      'a name in no zone',
      'pattern',
      { ...replace('x', 'A', ['192.0.2.1']), name: 'home.example.net.' },
      422,
      /out of zone/,
    ],
    ['a static RRset', 'pattern', replace('www', 'A', ['192.0.2.1']), 422, /set by the configuration/],
    ['the deletion of a static RRset', 'pattern', remove('www', 'A'), 422, /set by the configuration/],
    ['a static TXT', 'pattern', replace('_static', 'TXT', ['"x"']), 422, /set by the configuration/],
    ['another type at a static name, by a pattern', 'pattern', replace('www', 'HTTPS', ['1 .']), 403, /by a pattern/],
    [
      'a service of a static name, by a pattern',
      'pattern',
      replace('_25._tcp.mail', 'TLSA', [`3 1 1 ${'ab'.repeat(32)}`]),
      403,
      /by a pattern/,
    ],
    [
      'a service of the zone, by a pattern',
      'pattern',
      replace('_sip._tcp', 'SRV', ['1 2 3 x.example.']),
      403,
      /by a pattern/,
    ],
    [
      'the challenge of a static name, by a pattern',
      'pattern',
      replace('_acme-challenge.www', 'TXT', ['"x"']),
      403,
      /by a pattern/,
    ],
    [
      'the challenge of the zone, by a pattern',
      'pattern',
      replace('_acme-challenge', 'TXT', ['"x"']),
      403,
      /by a pattern/,
    ],
    ['a CNAME in its place', 'pattern', replace('_acme-challenge.www', 'CNAME', ['x.example.']), 403, /by a pattern/],
    ['a reserved name', 'pattern', replace('reserved', 'A', ['192.0.2.1']), 422, /is reserved/],
    ['its challenge', 'pattern', replace('_acme-challenge.reserved', 'TXT', ['"x"']), 403, /is reserved/],
    ['its service', 'pattern', replace('_x._tcp.reserved', 'SRV', ['1 2 3 x.example.']), 422, /is reserved/],
    ['the apex', 'apex', replace('@', 'A', ['192.0.2.1']), 422, /'apex: true'/],
    ['TXT at the apex', 'apex', replace('@', 'TXT', ['"v=spf1 -all"']), 422, /'apex: true'/],
    ['MX at the apex', 'apex', replace('@', 'MX', ['10 x.example.']), 422, /'apex: true'/],
    ['a wildcard', 'pattern', replace('*.lab', 'A', ['192.0.2.1']), 422, /'wildcard: true'/],
    ['an address at a name with _', 'pattern', replace('_x', 'A', ['192.0.2.1']), 422, /not a host name/],
    ['a low TTL', 'home', replace('home', 'A', ['192.0.2.7'], 59), 422, /between 60 and 3600/],
    ['a high TTL of another type', 'home', replace('home', 'MX', ['10 x.example.'], 3601), 422, /between 60 and 3600/],
    [
      'an address that the zone refuses',
      'home',
      replace('home', 'A', ['203.0.113.1']),
      422,
      /refused by this zone's rules/,
    ],
    ['an address that no zone publishes', 'home', replace('home', 'A', ['127.0.0.1']), 422, /is not published/],
    ['an address that the host refuses', 'home', replace('own', 'A', ['198.51.100.1']), 422, /refused/],
    ['an address that is not its own', 'mine', replace('mine', 'A', ['192.0.2.1']), 422, /own address/],
    ['a host that is switched off', 'home', replace('disabled', 'MX', ['10 x.example.']), 403, /switched off/],
    ['the challenge of one', 'home', replace('_acme-challenge.disabled', 'TXT', ['"x"']), 403, /switched off/],
    [
      'a CNAME beside data',
      'pattern',
      replace('elsewhere', 'CNAME', ['x.example.']),
      422,
      /Conflicts with pre-existing RRset/,
    ],
    ['two CNAMEs', 'home', replace('own', 'CNAME', ['x.example.', 'y.example.']), 422, /more than one record/],
    ['ALIAS', 'home', replace('home', 'ALIAS', ['x.example.']), 422, /unknown type given \(ALIAS .*A and AAAA/],
    ['an unknown type', 'home', replace('home', 'XYZ', ['x']), 422, /unknown type given/],
    ['a query type', 'home', replace('home', 'ANY', ['x']), 422, /unknown type given/],
    ['a relative name', 'home', { ...replace('home', 'A', ['192.0.2.1']), name: 'home' }, 422, /not canonical/],
    ['a broken name', 'home', { ...replace('home', 'A', ['192.0.2.1']), name: 'a..b.' }, 422, /Unable to parse/],
    ['a name that is not ASCII', 'pattern', replace('hö', 'A', ['192.0.2.1']), 422, /unsupported characters/],
    ['a name with a dot in a label', 'pattern', replace('a\\.b', 'A', ['192.0.2.1']), 422, /unsupported characters/],
    ['a relative name in the content', 'home', replace('home', 'MX', ['10 mail']), 422, /relative/],
    ['a text without quotes', 'home', replace('home', 'TXT', ['plain']), 422, /quoted/],
    ['a wrong address', 'home', replace('home', 'A', ['192.0.2.256']), 422, /Parsing record content/],
    ['an IPv6 address of an A record', 'home', replace('home', 'A', ['2001:db8::1']), 422, /Parsing record content/],
    ['a digest of a wrong length', 'home', replace('_443._tcp.home', 'TLSA', ['3 1 1 abcd']), 422, /TLSA/],
    ['an SSHFP of a wrong length', 'home', replace('home', 'SSHFP', ['4 2 abcd']), 422, /SSHFP/],
    ['HTTPS with a wrong parameter', 'home', replace('home', 'HTTPS', ['1 . port=x']), 422, /HTTPS/],
    ['HTTPS with alpn in a bad order', 'home', replace('home', 'HTTPS', ['1 . mandatory=alpn']), 422, /HTTPS/],
    ['a CAA without quotes around two words', 'home', replace('home', 'CAA', ['0 issue a b']), 422, /CAA/],
    ['SRV with three fields', 'home', replace('_sip._tcp.home', 'SRV', ['1 2 x.example.']), 422, /SRV/],
    ['content with a line feed', 'home', replace('home', 'A', ['192.0.2.1\n192.0.2.2']), 422, /control character/],
    [
      'no changetype',
      'home',
      { ...replace('home', 'A', ['192.0.2.1']), changetype: '' },
      422,
      /Changetype not understood/,
    ],
    ['no TTL', 'home', { ...replace('home', 'A', ['192.0.2.1']), ttl: 'x' }, 422, /'ttl'/],
    ['a TTL that is no integer', 'home', { ...replace('home', 'A', ['192.0.2.1']), ttl: 60.5 }, 422, /'ttl'/],
    [
      'a disabled record',
      'home',
      { ...replace('home', 'A', []), records: [{ content: '192.0.2.1', disabled: true }] },
      422,
      /disabled/,
    ],
    ['the same record twice', 'home', replace('home', 'A', ['192.0.2.1', '192.0.2.1']), 422, /Duplicate record/],
    [
      'records that are no list',
      'home',
      { ...replace('home', 'A', []), records: { content: '192.0.2.1' } },
      422,
      /not a list/,
    ],
  ];

  it.each(REFUSED)('refuses %s, and everything else of the request', async (_what, key, rrset, status, words) => {
    const before = await serial();
    const allowed = replace(key === 'apex' ? '_dmarc' : key === 'mine' ? 'mine' : '_acme-challenge.home', 'TXT', [
      '"with it"',
    ]);
    const alone = await patch(key, rrset);
    expect([alone.status, errorOf(alone)]).toEqual([status, expect.stringMatching(words)]);
    if (key === 'home' || key === 'acme' || key === 'pattern') {
      const first = await patch(key, allowed, rrset);
      const last = await patch(key, rrset, allowed);
      expect([first.status, last.status]).toEqual([status, status]);
    }
    expect(await serial()).toBe(before);
  });

  it('allows at the apex what the token names literally, beside apex records', async () => {
    expect((await patch('apex', replace('_dmarc', 'TXT', ['"v=DMARC1"']))).status).toBe(204);
    expect((await patch('apex', replace('www', 'HTTPS', ['1 . alpn=h2']))).status).toBe(204);
    expect(await look('www', 'HTTPS')).toEqual(['1 . alpn="h2"']);
  });

  it('publishes the own address of a token that may publish no other', async () => {
    expect((await patch('mine', replace('mine', 'A', ['198.51.100.7']))).status).toBe(204);
    expect(await look('mine', 'A')).toEqual(['198.51.100.7']);
  });

  describe('a body', () => {
    const send = (body: string, key = 'home') => api(`${ZONES}/${ZONE}.`, key, { method: 'PATCH', body });
    const whole = JSON.stringify({ rrsets: [replace('home', 'A', ['192.0.2.44'])] });

    it.each([
      ['that is no JSON', '{', 400],
      ['that is empty', '', 400],
      ['with a name twice', '{"rrsets":[],"rrsets":[]}', 400],
      ['with a name twice, one of them escaped', '{"rrsets":[],"\\u0072rsets":[]}', 400],
      ['with a name twice in a record', whole.replace('"disabled":false', '"disabled":true,"disabled":false'), 400],
      ['that is nested too deeply', `{"rrsets":${'['.repeat(5000)}${']'.repeat(5000)}}`, 400],
      ['with the RRsets in the prototype', `{"__proto__":${whole}}`, 422],
      ['that is a list', `[${whole}]`, 422],
      ['without rrsets', '{}', 422],
      ['with rrsets that are no list', '{"rrsets":{"length":1}}', 422],
      ['with an RRset that is a text', '{"rrsets":["x"]}', 422],
      ['with more RRsets than one request may have', `{"rrsets":[${'0,'.repeat(5000)}0]}`, 422],
    ])('%s', async (_what, body, status) => {
      const before = await serial();
      const reply = await send(body);
      expect([reply.status, typeof errorOf(reply)]).toEqual([status, 'string']);
      expect(await serial()).toBe(before);
    });

    it('of 2 MiB is read, and a larger one is refused', async () => {
      const padded = (octets: number) => whole + ' '.repeat(octets - whole.length);
      expect((await send(padded(2 * 1024 * 1024), 'pattern')).status).toBe(204);
      const before = await serial();
      const reply = await send(padded(2 * 1024 * 1024 + 1).replace('.44', '.45'), 'pattern');
      expect([reply.status, errorOf(reply)]).toEqual([413, expect.stringContaining('2097152')]);
      expect(await serial()).toBe(before);
    });

    it('whose end does not come changes nothing, and the server goes on', async () => {
      const before = await serial();
      const headers = { 'Content-Length': String(whole.length + 10) };
      await expect(
        Promise.race([
          api(`${ZONES}/${ZONE}.`, 'pattern', { method: 'PATCH', body: whole, headers }),
          new Promise((_, reject) => setTimeout(() => reject(new Error('waits')), 300)),
        ]),
      ).rejects.toThrow('waits');
      expect(await serial()).toBe(before);
      expect((await api(ZONES, 'home')).status).toBe(200);
    });
  });

  it('leaves the paths of update clients below /api to them', async () => {
    const auth = { Authorization: `Basic ${Buffer.from('x:pattern').toString('base64')}` };
    const reply = await api(`/api/v1/update?hostname=${at('client')}&myip=192.0.2.5`, undefined, { headers: auth });
    expect(reply.body).toMatch(/^good/);
    const dynv6 = await api(`/api/update?hostname=${at('client')}&token=pattern&ipv4=192.0.2.6`, undefined);
    expect([dynv6.status, dynv6.body]).toEqual([200, 'addresses updated']);
    expect((await api('/api/?action=getdyndns', 'home')).body).not.toContain('version');
  });
});

describeWith(DIG, 'changes by the PowerDNS-compatible API', () => {
  it('count towards the limit of the token, and are in the history', async () => {
    const server = await startEmbedded({
      zone: ZONE,
      config: {
        store: 'sqlite:dyndns.db',
        admin: { enabled: true, powerdns_api: true },
        limits: { changes_per_minute_per_token: 2 },
        tokens: [{ name: 'slow', sha256: sha256('slow'), hosts: [at('slow'), at('slower')], types: ['A', 'MX'] }],
      },
    });
    const patch = (...rrsets: readonly RRsetText[]) =>
      ask({ port: server.dyndns.port }, `${ZONES}/${ZONE}.`, {
        method: 'PATCH',
        headers: { 'X-API-Key': 'slow' },
        body: JSON.stringify({ rrsets }),
      });
    const look = async (label: string) => (await dig(server, [at(label), 'A', '+norecurse'])).short;
    try {
      expect((await patch(replace('slow', 'A', ['192.0.2.1']))).status).toBe(204);
      expect((await patch(replace('slow', 'A', ['192.0.2.2']), replace('slow', 'MX', ['1 a.example.']))).status).toBe(
        204,
      );
      const third = await patch(replace('slow', 'A', ['192.0.2.3']), replace('slower', 'A', ['192.0.2.3']));
      expect(third.status).toBe(429);
      expect(Number(third.headers['retry-after'])).toBeGreaterThan(0);
      expect([await look('slow'), await look('slower')]).toEqual([['192.0.2.2'], []]);
      // What is so already is confirmed.
      expect((await patch(replace('slow', 'A', ['192.0.2.2']))).status).toBe(204);
      const { stdout } = await runDyndns(['--config', server.dyndns.configFile, 'history', at('slow'), '--json']);
      const { events } = JSON.parse(stdout) as { events: Record<string, unknown>[] };
      const changed = events.filter(({ outcome }) => outcome === 'changed');
      expect(changed).toHaveLength(2);
      expect(changed[0]).toMatchObject({
        protocol: 'powerdns',
        actor: 'slow',
        source: '127.0.0.1',
        detail: 'MX',
        A: { before: ['192.0.2.1'], after: ['192.0.2.2'] },
      });
      expect(events.filter(({ code }) => code === 'rate-limited')).toHaveLength(1);
    } finally {
      await server.stop();
    }
  });
});

describeWith(DIG, 'without admin.powerdns_api', () => {
  it('there is no such API', async () => {
    const server = await startEmbedded({
      zone: ZONE,
      config: { store: 'sqlite:dyndns.db', admin: { enabled: true } },
    });
    try {
      const headers = { 'X-API-Key': server.secret };
      for (const path of ['/api', '/api/v1/servers', `${ZONES}/${ZONE}.`]) {
        expect((await ask({ port: server.dyndns.port }, path, { headers })).status).toBe(404);
      }
    } finally {
      await server.stop();
    }
  });
});
