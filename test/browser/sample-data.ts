/**
 * A server with a household and a small provider, as replies of the API: fixed, with a fixed time, so that pictures of the screens are
 * the same at each run. The types are those of the API.
 */
import type { BrowserContext } from 'playwright-core';
import { instructionsFor } from '../../src/core/devices/device.ts';
import { getDevice } from '../../src/core/devices/devices.ts';
import type { Operations } from '../../web/src/api-types.ts';

type Key = keyof Operations & string;
export type Replies = { readonly [K in Key]?: Operations[K]['result'] | ((url: URL) => Operations[K]['result']) };

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
  'GET /v1/sign-in': { ways: ['link', 'password'], hasUsers: true },
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

/** Answers requests of the API with the replies, and stops the clock at NOW. What has no reply is 404. @param more called for each */
export async function useSampleData(context: BrowserContext, more: () => Replies = () => ({})): Promise<void> {
  await context.clock.setFixedTime(NOW);
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

function fits(key: string, method: string, path: string): boolean {
  const [wanted, pattern = ''] = key.split(' ');
  const expression = pattern.replace(/[.:]/g, '\\$&').replace(/\{\w+\}/g, '[^/]+');
  return wanted === method && new RegExp(`^${expression}$`).test(path);
}
