/**
 * A server with a household and a small provider, as replies of the API: fixed, with a fixed time, so that pictures of the screens are
 * the same at each run. The types are those of the API.
 */
import type { BrowserContext } from 'playwright-core';
import { instructionsFor } from '../../src/core/devices/device.ts';
import { getDevice } from '../../src/core/devices/devices.ts';
import type { Operations } from '../../web/src/api-types.ts';
import type { SetupOperations, SetupState } from '../../web/src/setup-types.ts';

type Calls = Operations & SetupOperations;
type Key = keyof Calls & string;
export type Replies = { readonly [K in Key]?: Calls[K]['result'] | ((url: URL) => Calls[K]['result']) };

export const NOW = Date.parse('2026-12-02T10:30:00Z');

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A time so many seconds before NOW. */
export const ago = (seconds: number) => new Date(NOW - seconds * 1000).toISOString();

/** The same numbers each time, which look as if they were not. */
function sample(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

function days(seed: number, share: number, most: number): number[] {
  const next = sample(seed);
  return Array.from({ length: 90 }, () => (next() < share ? 1 + Math.floor(next() * most) : 0));
}

type OverviewHost = Operations['GET /v1/overview']['result']['hosts'][number];
const host = (name: string, more: Partial<OverviewHost>): OverviewHost => ({
  host: `${name}.dyn.example.com`,
  origin: 'store',
  enabled: true,
  state: 'fresh',
  members: 0,
  changes: days(1, 0, 0),
  faults: days(1, 0, 0),
  ...more,
});

const HOSTS: readonly OverviewHost[] = [
  host('home', {
    A: { addresses: ['203.0.113.77'], since: ago(9 * HOUR) },
    AAAA: { addresses: ['2001:db8:5a:1200::1'], since: ago(9 * HOUR) },
    lastSeen: ago(6 * MINUTE),
    lastChange: ago(9 * HOUR),
    changes: days(7, 0.9, 2),
    faults: days(71, 0.02, 2),
    members: 3,
    owner: 'anna',
  }),
  host('cabin', {
    state: 'silent',
    since: ago(3 * DAY + 2 * HOUR),
    A: { addresses: ['198.51.100.23'], since: ago(12 * DAY) },
    lastSeen: ago(3 * DAY + 2 * HOUR),
    lastChange: ago(12 * DAY),
    changes: days(11, 0.16, 3),
    faults: days(13, 0.05, 4),
    owner: 'anna',
  }),
  host('nas', {
    AAAA: { addresses: ['2001:db8:5a:1200:211:32ff:fe6a:1b2c'], since: ago(9 * HOUR) },
    lastSeen: ago(21 * MINUTE),
    lastChange: ago(9 * HOUR),
    changes: days(17, 0.7, 2),
    owner: 'anna',
  }),
  host('office', {
    A: { addresses: ['192.0.2.140'], since: ago(40 * DAY) },
    AAAA: { addresses: ['2001:db8:77::8'], since: ago(2 * DAY) },
    lastSeen: ago(3 * MINUTE),
    lastChange: ago(2 * DAY),
    changes: days(23, 0.08, 2),
    fault: {
      id: '1',
      time: ago(MINUTE),
      outcome: 'refused',
      text: 'The token may not change this name.',
      actor: 'old-router',
      source: '192.0.2.140',
    },
    faults: days(29, 0.1, 8),
    owner: 'club',
  }),
  host('printer', { state: 'never', owner: 'club' }),
  host('camera', {
    state: 'disabled',
    enabled: false,
    A: { addresses: ['203.0.113.9'], since: ago(63 * DAY) },
    lastSeen: ago(20 * DAY),
    lastChange: ago(63 * DAY),
    changes: days(31, 0.05, 1),
    owner: 'club',
  }),
];

const USER = { name: 'anna', role: 'admin', enabled: true, quotas: {}, created: ago(200 * DAY) } as const;

export const REPLIES: { -readonly [K in keyof Replies]: Replies[K] } = {
  'GET /v1/sign-in': { ways: ['link', 'password'], signedIn: true, hasUsers: true },
  'GET /v1/me': { user: USER, claims: [], hasPassword: true, hasTotp: true, recoveryCodes: 7 },
  'GET /v1/overview': (url) => {
    const state = url.searchParams.get('state');
    const search = url.searchParams.get('search') ?? '';
    const hosts = HOSTS.filter((one) => one.host.includes(search) && (state === null || one.state === state));
    return { days: { first: '2026-09-04', last: '2026-12-02' }, hosts };
  },
  'GET /v1/overview/counts': {
    total: 6,
    states: { waiting: 0, silent: 1, 'lease-ended': 0, disabled: 1, never: 1, fresh: 3 },
  },
  'GET /v1/status': {
    version: '3.0.0',
    pid: 812,
    uptimeSeconds: 41 * DAY,
    http: ['https://dyndns.example.com'],
    dns: ['192.0.2.53:53'],
    configFile: '/etc/dyndns/dyndns.yml',
    certificate: { names: ['dyndns.example.com'], ends: new Date(NOW + 55 * DAY * 1000).toISOString() },
    embedded: [
      {
        zone: 'dyn.example.com.',
        serial: 2026120214,
        names: 6,
        secondaries: [
          { endpoint: '198.51.100.53:53', state: 'up-to-date', text: 'is up to date', serial: 2026120214 },
          { endpoint: '[2001:db8:53::2]:53', state: 'behind', text: 'is behind by 2 changes', serial: 2026120212 },
        ],
      },
    ],
    remote: [],
    webhooks: [],
    pending: { count: 0, oldest: [] },
  },
};

const token = (name: string, more: Partial<Operations['GET /v1/tokens/{name}']['result']>) =>
  ({
    name,
    origin: 'store',
    hosts: [`${name.split('-')[0]}.dyn.example.com`],
    types: ['A', 'AAAA'],
    addresses: 'any',
    state: 'valid',
    owner: 'anna',
    created: ago(100 * DAY),
    ...more,
  }) as const;

const TOKENS = [
  token('cabin-mikrotik', { lastUsed: ago(3 * DAY + 2 * HOUR), addresses: 'own' }),
  token('home-fritzbox', { lastUsed: ago(6 * MINUTE) }),
  token('lab', {
    hosts: ['*.lab.dyn.example.com'],
    types: ['A', 'AAAA', 'TXT'],
    maxUnusedDays: 90,
    lastUsed: ago(2 * DAY),
  }),
  token('nas-acme', {
    types: ['TXT'],
    expires: '2027-06-30',
    sources: ['2001:db8:5a:1200::/64'],
    lastUsed: ago(20 * DAY),
  }),
  token('old-router', { state: 'revoked', revoked: ago(40 * DAY), lastUsed: ago(41 * DAY) }),
];

const event = (
  seconds: number,
  name: string,
  more: Partial<Operations['GET /v1/history']['result']['events'][number]>,
) =>
  ({
    id: String(1e12 - seconds),
    host: `${name}.dyn.example.com`,
    time: ago(seconds),
    protocol: 'dyndns2',
    actor: `${name}-router`,
    source: '203.0.113.77',
    userAgent: '',
    outcome: 'changed',
    ...more,
  }) as const;

const EVENTS = [
  event(20, 'home', {
    actor: 'home-fritzbox',
    A: { before: ['203.0.113.18'], after: ['203.0.113.77'] },
    AAAA: { before: ['2001:db8:5a:1100::1'], after: ['2001:db8:5a:1200::1'] },
  }),
  event(64, 'office', { outcome: 'refused', code: 'not-permitted', actor: 'old-router', source: '192.0.2.140' }),
  event(340, 'nas', {
    AAAA: { before: [], after: ['2001:db8:5a:1200:211:32ff:fe6a:1b2c'] },
    source: '2001:db8:5a:1200::2',
  }),
  event(2_400, 'cabin', { outcome: 'failed', code: 'primary-unreachable', source: '198.51.100.23' }),
  event(9_000, 'office', { A: { before: ['192.0.2.139'], after: ['192.0.2.140'] }, source: '192.0.2.140' }),
];

const session = (id: string, userAgent: string, seconds: number, isCurrent: boolean) =>
  ({
    id,
    created: ago(9 * DAY),
    lastUsed: ago(seconds),
    expires: new Date(NOW + 21 * DAY * 1000).toISOString(),
    method: 'password',
    source: '2001:db8:5a:1200::7',
    userAgent,
    isCurrent,
  }) as const;

const audit = (seconds: number, user: string, operation: string, target: string, outcome: string) => ({
  id: String(1e12 - seconds),
  time: ago(seconds),
  user,
  source: user === 'operator' ? '' : '203.0.113.77',
  operation,
  target,
  outcome,
});

const option = (path: string, value: string, line: number | undefined) => ({
  path,
  value,
  origin:
    line === undefined
      ? { kind: 'default' as const, text: 'default' }
      : { kind: 'file' as const, text: `/etc/dyndns/dyndns.yml:${line}`, file: '/etc/dyndns/dyndns.yml', line },
});

Object.assign(REPLIES, {
  'GET /v1/tokens': { tokens: TOKENS },
  'GET /v1/tokens/{name}': token('home-fritzbox', {}),
  'GET /v1/me/keys': {
    keys: [{ name: 'backup script', state: 'valid', created: ago(70 * DAY), lastUsed: ago(5 * HOUR) }],
  },
  'GET /v1/users': {
    users: [
      { ...USER, hosts: 3, tokens: 4 },
      {
        name: 'club',
        role: 'member',
        enabled: true,
        quotas: { hosts: 20, tokens: 50 },
        created: ago(90 * DAY),
        hosts: 3,
        tokens: 2,
      },
      {
        name: 'guest',
        role: 'member',
        enabled: false,
        quotas: { hosts: 1 },
        created: ago(30 * DAY),
        hosts: 0,
        tokens: 0,
      },
    ],
  },
  'GET /v1/invitations': {
    invitations: [
      {
        id: 'i1',
        role: 'member',
        name: 'bruno',
        created: ago(DAY),
        expires: new Date(NOW + 6 * DAY * 1000).toISOString(),
        createdBy: 'anna',
      },
    ],
  },
  'GET /v1/me/sessions': {
    sessions: [
      session('s1', 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 60, true),
      session(
        's2',
        'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Mobile Safari/604.1',
        2 * DAY,
        false,
      ),
    ],
  },
  'GET /v1/audit': {
    entries: [
      audit(60, 'anna', 'signIn', 'anna', 'done'),
      audit(6 * HOUR, 'club', 'rotateToken', 'office-opnsense', 'done'),
      audit(9 * HOUR, 'operator', 'createUser', 'guest', 'done'),
      audit(DAY, 'club', 'addHost', 'printer.dyn.example.com', 'done'),
      audit(2 * DAY, 'guest', 'addHost', 'home.dyn.example.com', 'not-permitted'),
    ],
  },
  'GET /v1/config': {
    file: '/etc/dyndns/dyndns.yml',
    options: [
      option('admin.enabled', 'true', 12),
      option('admin.url', 'https://dyndns.example.com', 13),
      option('admin.audit_days', '365', undefined),
      option('history_days', '365', undefined),
      option('http.listen', '[unix:/run/dyndns/http.sock]', 4),
      option('store', 'sqlite:/var/lib/dyndns/store.db', 2),
      option('secret', '[secret]', 1),
      option('zones[0].name', 'dyn.example.com', 20),
      option('zones[0].ttl.default', '60', undefined),
    ],
  },
  'GET /v1/webhooks': {
    webhooks: [
      { webhook: '1 (hooks.example.com)', waiting: 0 },
      { webhook: '2 (chat.example.net)', waiting: 3, problem: 'It answered with status 503.' },
    ],
  },
  'GET /v1/history': { events: EVENTS, more: false },
  'POST /v1/tokens': {
    token: token('home-fritzbox', {}),
    secret: 'k7m2q9x4hs8w3vtd6r5jz1pbnc0fgye2',
    sha256: '0'.repeat(64),
  },
  'GET /v1/hosts/{host}': {
    host: 'home.dyn.example.com',
    origin: 'store',
    enabled: true,
    allow: [],
    deny: [],
    members: [],
    pending: [],
    tokens: [{ name: 'home-fritzbox', origin: 'store', types: ['A', 'AAAA'] }],
    published: { A: ['203.0.113.77'], AAAA: ['2001:db8:5a:1200::1'] },
    lastSeen: ago(6 * MINUTE),
  },
  'GET /v1/hosts/{host}/instructions': instructionsFor(getDevice('fritzbox'), {
    server: 'https://dyndns.example.com',
    host: 'home.dyn.example.com',
    tokenName: 'home-fritzbox',
  }),
} satisfies Replies);

/** Spans of a line that changes its address once a day or so, newest first. */
function spans(family: 'A' | 'AAAA'): Operations['GET /v1/hosts/{host}/timeline']['result']['spans'] {
  const next = sample(family === 'A' ? 5 : 9);
  const all: Operations['GET /v1/hosts/{host}/timeline']['result']['spans'][number][] = [];
  let until: number | undefined;
  let seconds = 9 * HOUR;
  for (let index = 0; seconds < 100 * DAY; index += 1) {
    const from = seconds;
    const isGap = index % 13 === 12;
    all.push({
      id: `${family}${index}`,
      addresses: isGap
        ? []
        : [family === 'A' ? `203.0.113.${77 + index}` : `2001:db8:5a:${(0x1200 + 0x100 * index).toString(16)}::1`],
      from: ago(from),
      ...(until !== undefined && { until: ago(until) }),
      seconds: from - (until ?? 0),
      protocol: isGap ? 'lease' : 'dyndns2',
      actor: isGap ? 'server' : 'home-fritzbox',
      source: isGap ? '' : '203.0.113.77',
    });
    until = from;
    seconds += Math.round((0.3 + next() * (index % 5 === 0 ? 9 : 2)) * DAY);
  }
  return all;
}

const HOME = {
  host: 'home.dyn.example.com',
  origin: 'store',
  enabled: true,
  allow: [],
  deny: [],
  members: [
    { name: 'home.dyn.example.com', interfaceId: '::1', subnet: 0 },
    { name: 'nas.dyn.example.com', mac: '00:11:32:6a:1b:2c', subnet: 0 },
    { name: 'camera.dyn.example.com', interfaceId: '::c0', subnet: 2 },
    { name: 'printer.dyn.example.com', interfaceId: '::50', subnet: 0 },
  ],
  pending: [],
  tokens: [
    { name: 'home-fritzbox', origin: 'store', types: ['A', 'AAAA'] },
    { name: 'home-acme', origin: 'configuration', types: ['TXT'] },
  ],
  published: { A: ['203.0.113.77'], AAAA: ['2001:db8:5a:1200::1'] },
  lastSeen: ago(6 * MINUTE),
  silentAfterSeconds: 24 * HOUR,
  prefixLength: 56,
  owner: 'anna',
  shares: [{ user: 'ben', access: 'view' }],
  revision: 'r1',
} as const satisfies Operations['GET /v1/hosts/{host}']['result'];

const moved = (before: string, after: string) => ({ before: [before], after: [after], changed: before !== after });

/** A dry run of the move into this prefix. */
export function previewOf(prefix: string): Operations['POST /v1/hosts/{host}/addresses']['result'] {
  const to = prefix.replace(/00::\/56$/, '');
  const place = (end: string) => moved(`2001:db8:5a:12${end}`, `${to}${end}`);
  return {
    host: 'home.dyn.example.com.',
    changed: false,
    text: '',
    preview: {
      A: { before: ['203.0.113.77'], after: ['203.0.113.77'], changed: false },
      AAAA: place('00::1'),
      members: [
        { host: 'nas.dyn.example.com.', ...place('00:211:32ff:fe6a:1b2c') },
        { host: 'camera.dyn.example.com.', ...place('02::c0') },
      ],
      left: [{ host: 'printer.dyn.example.com.', why: 'its updates are switched off' }],
    },
  };
}

const ZONE = 'dyn.example.com.';
const SERIAL = 2026120214;

/** The screens of a name, of its devices, and of zones. */
export const NAME_REPLIES = {
  'GET /v1/hosts/{host}': HOME,
  'GET /v1/hosts/{host}/answers': {
    host: 'home.dyn.example.com.',
    time: ago(0),
    zone: ZONE,
    zoneKind: 'embedded',
    wanted: { A: ['203.0.113.77'], AAAA: ['2001:db8:5a:1200::1'] },
    source: 'history',
    servers: [
      {
        server: 'this server',
        role: 'this-server',
        A: { addresses: ['203.0.113.77'], ttl: 60 },
        AAAA: { addresses: ['2001:db8:5a:1200::1'], ttl: 60 },
        serial: SERIAL,
        agrees: true,
        milliseconds: 0,
      },
      {
        server: '198.51.100.53:53',
        role: 'secondary',
        A: { addresses: ['203.0.113.77'], ttl: 60 },
        AAAA: { addresses: ['2001:db8:5a:1200::1'], ttl: 60 },
        serial: SERIAL,
        agrees: true,
        milliseconds: 21,
      },
      {
        server: '[2001:db8:53::2]:53',
        role: 'secondary',
        A: { addresses: ['203.0.113.18'], ttl: 60 },
        AAAA: { addresses: ['2001:db8:5a:1100::1'], ttl: 60 },
        serial: SERIAL - 2,
        agrees: false,
        milliseconds: 34,
      },
      {
        server: '192.0.2.99:53',
        role: 'nameserver',
        name: 'ns3.example.net.',
        problem: 'No answer within 3 seconds.',
      },
    ],
  },
  'GET /v1/hosts/{host}/timeline': (url) => {
    const family = url.searchParams.get('family') === 'AAAA' ? 'AAAA' : 'A';
    return { host: 'home.dyn.example.com.', family, spans: spans(family) };
  },
  'GET /v1/hosts/{host}/history': {
    host: 'home.dyn.example.com.',
    events: [
      { ...EVENTS[0]!, time: ago(9 * HOUR) },
      {
        ...EVENTS[1]!,
        time: ago(2 * DAY),
        actor: 'old-router',
        code: 'address-refused',
        detail: "The address '192.168.1.4' is private.",
      },
      { ...EVENTS[3]!, time: ago(5 * DAY), actor: 'home-fritzbox' },
    ].map(({ host: _host, ...one }) => one),
    more: false,
  },
  'POST /v1/hosts/{host}/addresses': previewOf('2001:db8:77:3400::/56'),
  'GET /v1/zones': {
    zones: [
      {
        zone: ZONE,
        serial: SERIAL,
        names: 1204,
        secondaries: [
          {
            endpoint: '198.51.100.53:53',
            state: 'up-to-date',
            text: 'is up to date',
            stateSeconds: 9 * HOUR,
            serial: SERIAL,
            answerSeconds: 4,
            transfer: { kind: 'IXFR', serial: SERIAL, seconds: 9 * HOUR },
          },
          {
            endpoint: '[2001:db8:53::2]:53',
            state: 'behind',
            text: 'is behind by 2 changes',
            stateSeconds: 40,
            serial: SERIAL - 2,
            behindSeconds: 40,
            answerSeconds: 6,
            transfer: { kind: 'AXFR', serial: SERIAL - 2, seconds: 2 * DAY },
          },
        ],
      },
    ],
    remote: [{ zone: 'lab.example.com.', primary: '192.0.2.10:53' }],
  },
  'GET /v1/zones/{zone}/dnssec': {
    zone: ZONE,
    state: 'signed',
    serial: SERIAL,
    chain: 'nsec3',
    signatures: {
      count: 3_618,
      earliestExpiration: '2026-12-19T04:12:00Z',
      latestExpiration: '2027-01-01T10:28:00Z',
      expired: 0,
    },
    keys: [
      {
        keyTag: 47133,
        algorithm: 13,
        mnemonic: 'ECDSAP256SHA256',
        dnskey: {
          flags: 257,
          protocol: 3,
          algorithm: 13,
          publicKey: 'mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ==',
          record: 'dyn.example.com. IN DNSKEY 257 3 13 mdsswUyr3DPW…',
        },
        ds: {
          keyTag: 47133,
          algorithm: 13,
          digestType: 2,
          digest: '6B3F2C1E9AD04B7753E0F18A2D5C64BB90E3A7F14C8D2069B5E1F3A7C0D94E52',
          record: 'dyn.example.com. IN DS 47133 13 2 6B3F2C1E9AD04B7753E0F18A2D5C64BB90E3A7F14C8D2069B5E1F3A7C0D94E52',
        },
      },
    ],
  },
  'GET /v1/zones/{zone}/rrsets': {
    serial: SERIAL,
    rrsets: [
      {
        name: ZONE,
        type: 'SOA',
        ttl: 3600,
        static: true,
        records: ['ns1.example.com. hostmaster.example.com. 2026120214 3600 600 604800 60'],
      },
      { name: ZONE, type: 'NS', ttl: 3600, static: true, records: ['ns1.example.com.', 'ns2.example.net.'] },
      {
        name: `www.${ZONE}`,
        type: 'CNAME',
        ttl: 3600,
        static: true,
        records: ['home.dyn.example.com.'],
        place: { file: '/etc/dyndns/dyndns.yml', line: 41 },
      },
      { name: `cabin.${ZONE}`, type: 'A', ttl: 60, records: ['198.51.100.23'] },
      { name: `home.${ZONE}`, type: 'A', ttl: 60, records: ['203.0.113.77'] },
      { name: `home.${ZONE}`, type: 'AAAA', ttl: 60, records: ['2001:db8:5a:1200::1'] },
      {
        name: `_acme-challenge.home.${ZONE}`,
        type: 'TXT',
        ttl: 60,
        records: ['"evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"'],
      },
      { name: `nas.${ZONE}`, type: 'AAAA', ttl: 60, records: ['2001:db8:5a:1200:211:32ff:fe6a:1b2c'] },
    ],
    next: 'x',
  },
  'POST /v1/zones/{zone}/changes': {
    serial: SERIAL,
    changed: true,
    differences: [
      {
        name: `home.${ZONE}`,
        type: 'A',
        before: { ttl: 60, records: ['203.0.113.77'] },
        after: { ttl: 60, records: ['203.0.113.80', '203.0.113.81'] },
      },
    ],
  },
  'GET /v1/zones/{zone}/doctor': {
    findings: [
      { check: 'primary', status: 'ok', text: 'This server answers for dyn.example.com over UDP and TCP.' },
      {
        check: 'delegation',
        status: 'problem',
        text: 'The parent zone example.com does not delegate dyn.example.com to ns2.example.net.',
        advice: 'Add this to the zone example.com:\n  dyn.example.com. 3600 IN NS ns2.example.net.',
      },
      {
        check: 'secondaries',
        status: 'warning',
        text: 'The secondary [2001:db8:53::2]:53 is behind by 2 changes.',
        advice: 'Look at its log: it may refuse NOTIFY from this address.',
      },
      { check: 'outside', status: 'not checked', text: 'No address of this machine is public.' },
    ],
  },
} satisfies Replies;

/** Nobody is signed in. */
export const SIGNED_OUT = {
  'GET /v1/sign-in': {
    ways: ['link', 'password', 'oidc'],
    signedIn: false,
    hasUsers: true,
    oidcTitle: 'Example login',
  },
} satisfies Replies;

/** The wizard of `dyndns setup`, with what was answered so far. */
export function setupReplies(answers: Pick<SetupState, 'administrator' | 'zone'>): Replies {
  const listen = { http: 'https', names: ['ns1.dyn.example.com'] } as const;
  const file = '/etc/dyndns/dyndns.yml';
  return {
    'GET /v1/sign-in': { ways: [], signedIn: true, hasUsers: false, setup: true },
    'GET /v1/setup': {
      version: '3.0.0',
      file,
      listenIsFixed: false,
      addresses: ['192.0.2.1', '2001:db8::1'],
      listen,
      ...answers,
    },
    'POST /v1/setup/checks': {
      findings: [
        { group: 'ports', status: 'ok', text: 'DNS can use 192.0.2.1:53.' },
        {
          group: 'delegation',
          status: 'problem',
          text: 'The parent example.com has no NS records for dyn.example.com yet.',
          advice:
            'Enter them where you administer example.com:\n  dyn.example.com. IN NS ns1.dyn.example.com.\n  ns1.dyn.example.com. IN A 192.0.2.1',
        },
        { group: 'outside', status: 'ok', text: 'The address 192.0.2.1 is public.' },
      ],
    },
  };
}

export const SETUP_ADMINISTRATOR = { name: 'anna' };
export const SETUP_ZONE: NonNullable<SetupState['zone']> = {
  kind: 'embedded',
  zone: 'dyn.example.com',
  ns: ['ns1.dyn.example.com'],
  addresses: ['192.0.2.1', '2001:db8::1'],
  parent: {
    name: 'example.com',
    isAtRegistrar: false,
    lines: [
      'dyn.example.com. IN NS ns1.dyn.example.com.',
      'ns1.dyn.example.com. IN A 192.0.2.1',
      'ns1.dyn.example.com. IN AAAA 2001:db8::1',
    ],
  },
};

/** Answers requests of the API with the replies, and stops the clock at NOW. What has no reply is 404. @param more called for each */
export async function useSampleData(context: BrowserContext, more: () => Replies = () => ({})): Promise<void> {
  await context.clock.setFixedTime(NOW);
  await context.addInitScript(openQuietStream);
  await context.route(/\/v1\//, async (route) => {
    const request = route.request();
    const url = new URL(request.url());
    const replies: Replies = { ...REPLIES, ...more() };
    const key = Object.keys(replies).find((one) => fits(one, request.method(), url.pathname)) as Key | undefined;
    const reply = key === undefined ? undefined : replies[key];
    if (reply === undefined) {
      await route.fulfill({ status: 404, json: { title: `${request.method()} ${url.pathname}`, status: 404 } });
      return;
    }
    await route.fulfill({ json: typeof reply === 'function' ? reply(url) : reply });
  });
}

/** In the page: a stream that stays open and has no events. Replies of Playwright end, and the page would connect again. */
function openQuietStream(): void {
  class Stream extends EventTarget {
    readonly readyState = 1;
    constructor() {
      super();
      setTimeout(() => this.dispatchEvent(new Event('open')));
    }
    close(): void {}
  }
  Object.assign(window, { EventSource: Stream });
}

function fits(key: string, method: string, path: string): boolean {
  const [wanted, pattern = ''] = key.split(' ');
  const expression = pattern.replace(/[.:]/g, '\\$&').replace(/\{\w+\}/g, '[^/]+');
  return wanted === method && new RegExp(`^${expression}$`).test(path);
}
