/** Transcripts of tools that keep records as wanted: octodns, Terraform, Proxmox VE. */
import {
  done,
  fail,
  findRrset,
  HOME,
  PLAIN_ZONE,
  type PowerdnsTranscript,
  parseJson,
  quoted,
  type RrsetInfo,
  readZone,
  require2xx,
  requireSame,
  type Seen,
  type Step,
} from './reading.ts';
import { go, goJson, perl, python, pythonJson, type Reply, SERVER, ZONE, ZONE_NAME, ZONE_PATH } from './wire.ts';

// octodns-powerdns.

/** Its way to read TXT: without the outer quotes, strings joined, semicolons escaped. */
const octodnsText = (content: string) =>
  content
    .slice(1, -1)
    .replaceAll('" "', '')
    .replaceAll(/(^|[^\\]);/g, '$1\\;');

const LONG = 'x'.repeat(300);
const DKIM = 'v=DKIM1\\; k=rsa\\; p=MIGfMA0';

export function octodns(): PowerdnsTranscript {
  const userAgent = 'octodns/1.22.0 octodns-powerdns/1.2.0';
  const get = (path: string) => python('GET', `${SERVER}${path}`, { userAgent });
  const version: Step = {
    request: () => get(''),
    read: (reply) => {
      if (reply.status === 401) fail('PowerDNS unauthorized');
      require2xx(reply);
      const { version } = parseJson(reply.body) as { readonly version: string };
      const [major, minor] = version.split('.', 3).map((part) => {
        const number = part.split('-')[0]!;
        return /^\d+$/.test(number) ? Number(number) : fail(`ValueError: invalid literal for int(): '${number}'`);
      });
      if (major! < 4 || (major === 4 && minor! < 5)) fail(`${version}: too old for 404 and the word "primary"`);
      return {};
    },
  };
  const populate = (check: (seen: Seen) => void): Step => ({
    request: () => get(`/zones/${ZONE_NAME}`),
    read: (reply) => {
      require2xx(reply);
      const seen = readZone(reply.body, PLAIN_ZONE);
      for (const { name } of seen.zone.rrsets!) if (!name.endsWith(ZONE_NAME)) fail(`${name} is not in the zone`);
      check(seen);
      return seen;
    },
  });
  const apply = (rrsets: readonly object[], published: Step['published']): Step => ({
    request: () => python('PATCH', ZONE_PATH, { userAgent, body: pythonJson({ rrsets }), json: true }),
    read: done,
    published: published!,
  });
  const mod = (changetype: string, name: string, type: string, ...contents: readonly string[]) => ({
    name: `${name}.${ZONE_NAME}`,
    type,
    ttl: 300,
    changetype,
    records: contents.map((content) => ({ content, disabled: false })),
  });
  const wanted: readonly (readonly [string, string, ...string[]])[] = [
    ['alias.home', 'A', '192.0.2.1', '192.0.2.2'],
    ['home', 'AAAA', '2001:db8::1'],
    ['home', 'CAA', '0 issue "letsencrypt.org"'],
    ['home', 'MX', `10 mail.${ZONE_NAME}`, `20 mail2.${ZONE_NAME}`],
    ['home', 'SSHFP', '4 2 123456789abcdef67890123456789abcdef67890123456789abcdef123456789'],
    ['_sip._tcp.home', 'SRV', `10 20 5060 sip.${ZONE_NAME}`],
    ['home', 'TXT', quoted(DKIM), quoted(LONG)],
  ];
  const asWanted = (seen: Seen) => {
    for (const [name, type, ...contents] of wanted) {
      if (type !== 'TXT') requireSame(seen, name, type, 300, contents);
    }
    const texts = findRrset(seen, 'home', 'TXT')?.records.map(({ content }) => octodnsText(content));
    if (texts?.sort().join() !== [DKIM, LONG].sort().join()) fail(`it would change TXT again: ${texts}`);
  };
  const { rest, alias } = { rest: wanted.slice(1), alias: wanted[0]! };
  return {
    client: 'octodns-powerdns 1.2.0',
    sources: [['octodns/octodns-powerdns', 'octodns_powerdns/__init__.py', 'ef81f9923e37436255c6f5165c29d1346ccdcfae']],
    steps: [
      version,
      populate(() => {}),
      apply(
        wanted.map(([name, type, ...contents]) => mod('REPLACE', name, type, ...contents)),
        {
          'alias.home A': ['192.0.2.1', '192.0.2.2'],
          'home AAAA': ['2001:db8::1'],
          'home CAA': ['0 issue "letsencrypt.org"'],
          'home MX': [`10 mail.${ZONE_NAME}`, `20 mail2.${ZONE_NAME}`],
          'home SSHFP': ['4 2 123456789ABCDEF67890123456789ABCDEF67890123456789ABCDEF1 23456789'],
          '_sip._tcp.home SRV': [`10 20 5060 sip.${ZONE_NAME}`],
          'home TXT': [quoted(DKIM.replaceAll('\\;', ';')), `${quoted('x'.repeat(255))} ${quoted('x'.repeat(45))}`],
        },
      ),
      populate(asWanted),
      // DELETEs come first, so that a CNAME can replace addresses in one request.
      apply(
        [mod('DELETE', alias[0], 'A', '192.0.2.1', '192.0.2.2'), mod('REPLACE', alias[0], 'CNAME', `www.${ZONE_NAME}`)],
        { 'alias.home A': [], 'alias.home CNAME': [`www.${ZONE_NAME}`] },
      ),
      populate((seen) => requireSame(seen, 'alias.home', 'CNAME', 300, [`www.${ZONE_NAME}`])),
      apply(
        [
          mod('DELETE', alias[0], 'CNAME', `www.${ZONE_NAME}`),
          ...rest.map(([name, type, ...contents]) => mod('DELETE', name, type, ...contents)),
        ],
        { 'alias.home CNAME': [], 'home AAAA': [], 'home MX': [], 'home TXT': [], '_sip._tcp.home SRV': [] },
      ),
    ],
  };
}

// Terraform: pan-net/powerdns.

export function terraform(): PowerdnsTranscript {
  const send = (method: string, path: string, value?: object) =>
    go(method, path, {
      headers: ['Accept: application/json', ...(method === 'GET' ? [] : ['Content-Type: application/json'])],
      ...(value === undefined ? {} : { body: goJson(value) }),
    });
  const [name, type, ttl] = [`_sip._tcp.${HOME}`, 'SRV', 3600];
  const contents = [`10 60 5060 sip.${ZONE_NAME}`, `20 60 5060 sip2.${ZONE_NAME}`];
  const patch = (rrset: object, published: readonly string[]): Step => ({
    request: () => send('PATCH', ZONE_PATH, { rrsets: [rrset] }),
    read: (reply) => {
      require2xx(reply, 200, 204);
      return {};
    },
    published: { '_sip._tcp.home SRV': published },
  });
  const read = (check: (seen: Seen) => void): Step => ({
    request: () => send('GET', ZONE_PATH),
    // It does not look at the status: an error has no RRsets.
    read: ({ body }) => {
      const seen = readZone(body, PLAIN_ZONE);
      check(seen);
      return seen;
    },
  });
  return {
    client: 'Terraform, pan-net/powerdns 1.5.0',
    sources: [
      ['pan-net/terraform-provider-powerdns', 'powerdns/client.go', '94a95feb7745a4bdeb6d58dba9a39076e05de48b'],
      [
        'pan-net/terraform-provider-powerdns',
        'powerdns/resource_powerdns_record.go',
        'f14b9782561d93841a7dfb7d8a9758e8a48e251e',
      ],
    ],
    steps: [
      {
        request: () => send('GET', '/api/v1/servers'),
        read: ({ status }) => (status === 200 ? {} : fail('API version 0: it would use the paths of PowerDNS 3')),
      },
      {
        request: () => send('GET', SERVER),
        read: (reply) => {
          require2xx(reply, 200);
          const { version } = parseJson(reply.body) as { readonly version?: unknown };
          return typeof version === 'string' ? {} : fail('Unable to get server version');
        },
      },
      patch(
        {
          name,
          type,
          changetype: 'REPLACE',
          ttl,
          records: contents.map((content) => ({ name, type, content, ttl, disabled: false, 'set-ptr': false })),
        },
        contents,
      ),
      read((seen) => requireSame(seen, '_sip._tcp.home', type, ttl, contents)),
      patch({ name, type, changetype: 'DELETE', ttl: 0 }, []),
    ],
  };
}

// Proxmox VE: addresses of machines.

export function proxmox(): PowerdnsTranscript {
  const path = `${SERVER}/zones/${ZONE}`;
  const read = (reply: Reply): Seen => {
    require2xx(reply);
    return reply.body === '' ? {} : readZone(reply.body, PLAIN_ZONE);
  };
  const answersJson = (reply: Reply): Seen => {
    require2xx(reply);
    parseJson(reply.body);
    return {};
  };
  const zone: Step = { request: () => perl('GET', path), read };
  const patch = (
    build: (records: RrsetInfo['records']) => object,
    type: 'A' | 'AAAA',
    ...addresses: readonly string[]
  ): Step => ({
    request: (seen) => {
      const records = findRrset(seen, 'home', type)?.records ?? [];
      return perl('PATCH', path, { rrsets: [{ name: HOME, type, ...build(records) }] });
    },
    read,
    published: { [`home ${type}`]: addresses },
  });
  const add = (content: string, type: 'A' | 'AAAA', ...addresses: readonly string[]) =>
    patch(
      (records) => ({
        ttl: 14400,
        changetype: 'REPLACE',
        records: [...records, { content, disabled: false, name: HOME, type }],
      }),
      type,
      ...addresses,
    );
  const remove = (type: 'A' | 'AAAA') => patch(() => ({ changetype: 'DELETE', records: [] }), type);
  return {
    client: 'Proxmox VE 9',
    sources: [
      ['proxmox/pve-network', 'src/PVE/Network/SDN/Dns/PowerdnsPlugin.pm', 'd6ca483c5bde56367dde0a9715a55e0a3a1de4d9'],
      ['proxmox/pve-network', 'src/PVE/Network/SDN.pm', 'b129fc148ffb03c6b78152a966f82cc06e2d46e2'],
    ],
    steps: [
      { request: () => perl('GET', SERVER), read: answersJson },
      { request: () => perl('GET', `${path}?rrsets=false`), read },
      ...[zone, add('192.0.2.30', 'A', '192.0.2.30'), zone, add('192.0.2.31', 'A', '192.0.2.30', '192.0.2.31')],
      ...[zone, add('2001:db8::30', 'AAAA', '2001:db8::30')],
      zone,
      patch(
        (records) => ({
          ttl: 14400,
          changetype: 'REPLACE',
          records: records.filter(({ content }) => content !== '192.0.2.31'),
        }),
        'A',
        '192.0.2.30',
      ),
      ...[zone, remove('A'), zone, remove('AAAA')],
    ],
  };
}
