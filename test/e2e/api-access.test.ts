/**
 * Every operation of the table with every kind of credential: what the table allows is done, and everything else is refused with
 * the status that it says. A new operation is tested by being in the table.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OPERATIONS, type Operation, type OperationName } from '../../src/core/admin/operations.ts';
import { API_ZONE, type ApiLab, linkSecret, startApiLab } from '../support/api-lab.ts';
import { readEvents } from '../support/event-reader.ts';

let lab: ApiLab;
const keys: Record<string, string | undefined> = {};
let count = 0;

/** Wrong credentials are many here: each comes from another client. */
const BEHIND_PROXY = { listen: ['127.0.0.1:0'], trusted_proxies: ['127.0.0.1'] };
let clients = 0;
const nextClient = () => {
  clients += 1;
  return { 'X-Forwarded-For': `198.51.${100 + (clients >> 8)}.${clients & 255}` };
};

const USERS = ['admin', 'owner', 'changer', 'viewer', 'stranger'] as const;
/** Credentials that no operation accepts. */
const REFUSED = [
  'expired key',
  'revoked key',
  'disabled user',
  'host token',
  'master secret',
  'wrong key',
  'ended session',
  'session of a disabled user',
  'none',
] as const;
/** The same user by a management key, or by the session of a browser. */
const WAYS = ['key', 'session'] as const;
type Who = (typeof USERS)[number] | (typeof REFUSED)[number];
type Way = (typeof WAYS)[number];
const ROWS: readonly (readonly [Who, Way])[] = [
  ...USERS.flatMap((who) => WAYS.map((way) => [who, way] as const)),
  ...REFUSED.map((who) => [who, 'key'] as const),
];
const isUser = (who: Who) => (USERS as readonly string[]).includes(who);
/** Headers with the cookie of each user. */
const sessions: Record<string, Readonly<Record<string, string>>> = {};
const refusedSessions: typeof sessions = {};

beforeAll(async () => {
  lab = await startApiLab({ config: { store: 'sqlite:dyndns.db', admin: { enabled: true }, http: BEHIND_PROXY } });
  for (const name of USERS) keys[name] = await lab.user(name, name === 'admin' ? 'admin' : 'member');
  for (const name of USERS) await lab.operate('changeUser', { name, quotas: { hosts: 0, tokens: 0 } });
  for (const name of USERS) await lab.operate('addHost', { host: `own-${name}.${API_ZONE}`, owner: name });
  await lab.operate('createUser', { name: 'signer' });
  await lab.user('disabled');
  refusedSessions['session of a disabled user'] = await lab.signIn('disabled');
  keys['disabled user'] = (await lab.operate('createKey', { user: 'disabled', name: 'second' })).secret;
  await lab.operate('changeUser', { name: 'disabled', enabled: false });
  const old = await lab.operate('createKey', { user: 'admin', name: 'old', expires: '2020-01-01' });
  keys['expired key'] = old.secret;
  keys['revoked key'] = (await lab.operate('createKey', { user: 'admin', name: 'gone' })).secret;
  await lab.operate('revokeKey', { user: 'admin', name: 'gone' });
  refusedSessions['ended session'] = await lab.signIn('admin');
  const ended = await lab.operate('listSessions', { user: 'admin' });
  await lab.operate('endSession', { user: 'admin', id: ended.sessions[0]!.id });
  const token = await lab.operate('createToken', { name: 'router', hosts: [`*.${API_ZONE}`] });
  keys['host token'] = token.secret;
  keys['master secret'] = lab.server.secret;
  keys['wrong key'] = `dyn_${'a'.repeat(32)}`;
});
afterAll(() => lab?.stop());

interface Objects {
  readonly host: string;
  readonly token: string;
  readonly user: string;
}

/** A host and a token of the owner, shared with changer and viewer; a user whom no one needs. */
async function freshObjects(): Promise<Objects> {
  count += 1;
  const host = `h${count}.${API_ZONE}`;
  await lab.operate('addHost', { host, owner: 'owner' });
  await lab.operate('shareHost', { host, user: 'changer', access: 'change' });
  await lab.operate('shareHost', { host, user: 'viewer', access: 'view' });
  await lab.operate('addMember', { host, member: host, interfaceId: '::10' });
  const token = `t${count}`;
  await lab.operate('createToken', { name: token, hosts: [host], owner: 'owner' });
  const user = `u${count}`;
  await lab.operate('createUser', { name: user });
  await lab.operate('createKey', { user, name: 'key' });
  return { host, token, user };
}

let invited = 0;

/** A session of the user; a new one for what needs or ends one. */
async function sessionOf(who: Who, name: OperationName): Promise<Readonly<Record<string, string>>> {
  const isOwn = name === 'signOut' || name === 'changeMyPassword';
  if (isOwn || sessions[who] === undefined) sessions[who] = await lab.signIn(who);
  const headers = sessions[who]!;
  if (name === 'signOut') delete sessions[who];
  return headers;
}

/** The id of a new session of a user. */
async function sessionId(user: string): Promise<string> {
  await lab.signIn(user);
  return (await lab.operate('listSessions', { user })).sessions[0]!.id;
}

/** A valid input of each operation. */
const INPUTS: Readonly<Record<OperationName, (objects: Objects, who: Who) => object | Promise<object>>> = {
  status: () => ({}),
  health: () => ({}),
  reload: () => ({}),
  showConfig: () => ({}),
  check: () => ({}),
  listWebhooks: () => ({}),
  testWebhook: () => ({ webhook: 1 }),
  readAudit: () => ({ limit: 2 }),
  backup: () => ({ file: '/nowhere/x' }),
  showSignIn: () => ({}),
  signIn: async () => ({ link: linkSecret((await lab.operate('createLink', { user: 'signer' })).url) }),
  signOut: () => ({}),
  showInvitation: async () => ({ link: linkSecret((await lab.operate('createInvitation', {})).url) }),
  acceptInvitation: async () => {
    invited += 1;
    return { link: linkSecret((await lab.operate('createInvitation', {})).url), name: `invited${invited}` };
  },
  listInvitations: () => ({}),
  createInvitation: () => ({}),
  removeInvitation: async () => ({ id: (await lab.operate('createInvitation', {})).invitation.id }),
  createLink: ({ user }) => ({ user }),
  listMySessions: () => ({}),
  endMySession: async (_, who) => ({ id: await sessionId(isUser(who) ? who : 'signer') }),
  listSessions: ({ user }) => ({ user }),
  endSession: async ({ user }) => ({ user, id: await sessionId(user) }),
  changeMyPassword: () => ({ password: 'correct horse battery' }),
  startTotp: () => ({}),
  confirmTotp: async (_, who) => {
    if (!isUser(who)) return { code: '123456' };
    const headers = await lab.signIn(who);
    await lab.send('changeMyPassword', { password: 'correct horse battery' }, undefined, { headers });
    await lab.send('startTotp', {}, undefined, { headers });
    sessions[who] = headers;
    return { code: '123456' };
  },
  endTotp: () => ({ code: '123456' }),
  removeTotp: ({ user }) => ({ user }),
  showMe: () => ({}),
  listMyKeys: () => ({}),
  createMyKey: () => ({ name: `k${count}` }),
  revokeMyKey: async (_, who) => {
    if (!(USERS as readonly string[]).includes(who)) return { name: 'test' };
    await lab.operate('createKey', { user: who, name: `r${count}` });
    return { name: `r${count}` };
  },
  listUsers: () => ({}),
  createUser: () => ({ name: `new${count}` }),
  showUser: ({ user }) => ({ name: user }),
  changeUser: ({ user }) => ({ name: user, quotas: { hosts: 3 } }),
  removeUser: ({ user }) => ({ name: user, hosts: 'operator', tokens: 'revoke', history: 'keep' }),
  listKeys: ({ user }) => ({ user }),
  createKey: ({ user }) => ({ user, name: 'another' }),
  revokeKey: ({ user }) => ({ user, name: 'key' }),
  listTokens: () => ({}),
  createToken: ({ host }) => ({ name: `new${count}`, hosts: [host] }),
  createTokens: () => ({ tokens: [{ name: `b${count}`, hosts: [`b${count}.${API_ZONE}`] }] }),
  showToken: ({ token }) => ({ name: token }),
  checkToken: ({ token, host }) => ({ name: token, host, type: 'A' }),
  revokeToken: ({ token }) => ({ name: token }),
  rotateToken: ({ token }) => ({ name: token }),
  listHosts: () => ({ limit: 5 }),
  addHost: () => ({ host: `free${count}.${API_ZONE}` }),
  createHosts: () => ({ hosts: [{ host: `c${count}.${API_ZONE}` }] }),
  showHost: ({ host }) => ({ host }),
  replaceHost: ({ host }) => ({ host, ttl: 60 }),
  changeHost: ({ host }) => ({ host, ttl: 60 }),
  removeHost: ({ host }) => ({ host }),
  enableHost: ({ host }) => ({ host }),
  disableHost: ({ host }) => ({ host }),
  update: ({ host }) => ({ host, ips: ['192.0.2.1'] }),
  delete: ({ host }) => ({ host }),
  listMembers: ({ host }) => ({ host }),
  addMember: ({ host }) => ({ host, member: host, interfaceId: '::20' }),
  removeMember: ({ host }) => ({ host, member: host }),
  shareHost: ({ host }) => ({ host, user: 'stranger', access: 'view' }),
  unshareHost: ({ host }) => ({ host, user: 'viewer' }),
  instructions: ({ host }) => ({ host, client: 'curl' }),
  listOverview: () => ({ limit: 5 }),
  countHosts: () => ({}),
  showAnswers: ({ host }) => ({ host }),
  readTimeline: ({ host }) => ({ host, family: 'A' }),
  readHistory: ({ host }) => ({ host }),
  readAllHistory: () => ({}),
  purgeHistory: ({ host }) => ({ host }),
  stream: () => ({}),
  listZones: () => ({}),
  showZone: () => ({ zone: API_ZONE }),
  listSecondaries: () => ({ zone: API_ZONE }),
  examineZone: () => ({ zone: API_ZONE }),
  exportZone: () => ({ zone: API_ZONE }),
  importZone: () => ({ zone: API_ZONE, mode: 'merge', dry_run: '1' }),
  setSerial: async () => ({
    zone: API_ZONE,
    serial: (await lab.operate('showZone', { zone: API_ZONE })).serial + 1,
  }),
  recoverZone: () => ({ zone: API_ZONE }),
  discardUnserved: () => ({ zone: API_ZONE, name: `h1.${API_ZONE}` }),
  showDnssec: () => ({ zone: API_ZONE }),
  listZoneKeys: () => ({ zone: API_ZONE }),
  rollZoneKey: () => ({ zone: API_ZONE }),
  leaveDnssec: () => ({ zone: API_ZONE }),
  stayDnssec: () => ({ zone: API_ZONE }),
  exportZoneKey: () => ({ zone: API_ZONE, keyTag: 1 }),
  importZoneKey: () => ({ zone: API_ZONE, publicText: 'x', privateText: 'x' }),
  listRRsets: () => ({ zone: API_ZONE, limit: 5 }),
  changeRRsets: ({ host }) => ({
    zone: API_ZONE,
    changes: [{ name: host, type: 'TXT', action: 'replace', ttl: 60, records: ['"x"'] }],
  }),
};

/** Operations that cannot succeed here; the status of who may call them. */
const WHEN_ALLOWED: Partial<Record<OperationName, number>> = {
  // The configuration has no webhook, the zone is served and has nothing that is not.
  testWebhook: 404,
  recoverZone: 400,
  // The code is wrong; none of the users has a second factor in force.
  confirmTotp: 400,
  endTotp: 409,
  discardUnserved: 404,
};

/** What members get who may call an operation that limits itself. */
const BY_ITSELF: Partial<Record<OperationName, Partial<Record<Who, number>>>> = {
  // A token for a host that the member may not change; for the stranger it does not exist.
  createToken: { viewer: 404, stranger: 404 },
  changeRRsets: { viewer: 403, stranger: 403 },
};

/** A key may not do this, whoever it belongs to. */
const OF_SESSIONS: ReadonlySet<OperationName> = new Set([
  'signOut',
  'changeMyPassword',
  'startTotp',
  'confirmTotp',
  'endTotp',
]);

const RANKS = { view: 0, change: 1, own: 2 } as const;
const ACCESS: Partial<Record<Who, keyof typeof RANKS>> = { owner: 'own', changer: 'change', viewer: 'view' };

/** The status that the table demands. */
function expectedStatus(name: OperationName, operation: Operation, who: Who, way: Way): number {
  const { allowed, needs, creates } = operation;
  const done = WHEN_ALLOWED[name] ?? (creates === undefined ? 200 : 201);
  if (allowed === 'anyone') return done;
  if (!isUser(who)) return 401;
  if (allowed === 'operator') return 404;
  if (way === 'key' && OF_SESSIONS.has(name)) return 403;
  if (who === 'admin') return done;
  if (allowed === 'admin') return 403;
  const own = BY_ITSELF[name]?.[who];
  if (own !== undefined) return own;
  if (needs?.field === 'token') return who === 'owner' ? done : 404;
  if (needs?.field === 'host') {
    const access = ACCESS[who];
    if (access === undefined) return 404;
    return RANKS[access] >= RANKS[needs.access] ? done : 403;
  }
  return done;
}

const rows = Object.entries(OPERATIONS) as [OperationName, Operation][];

describe('who may call what', () => {
  it.each(rows)('%s', { timeout: 60_000 }, async (name, operation) => {
    const expected: Record<string, number> = {};
    const seen: Record<string, number> = {};
    // What no one changes is there for all.
    let objects = await freshObjects();
    for (const [who, way] of ROWS) {
      if (isUser(who) && operation.method !== 'GET') objects = await freshObjects();
      const input = await INPUTS[name](objects, who);
      const zoneFile = operation.body === 'zone file' ? { body: '; nothing\n' } : {};
      const row = `${who} by ${way}`;
      expected[row] = expectedStatus(name, operation, who, way);
      const headers = way === 'session' ? await sessionOf(who, name) : { ...lab.page, ...refusedSessions[who] };
      const key = way === 'session' ? undefined : keys[who];
      seen[row] = await statusOf(name, input, key, { ...zoneFile, headers });
    }
    expect(seen).toEqual(expected);
  });

  it('answers what a member may not see like what does not exist', async () => {
    const { host, token } = await freshObjects();
    const missing = `none.${API_ZONE}`;
    for (const name of ['showHost', 'changeHost', 'removeHost', 'readHistory', 'update'] as const) {
      const more = name === 'update' ? { ips: ['192.0.2.1'] } : {};
      const hidden = await lab.send(name, { host, ...more }, keys['stranger']);
      const absent = await lab.send(name, { host: missing, ...more }, keys['stranger']);
      expect(comparable(hidden.body, host)).toEqual(comparable(absent.body, missing));
      expect(hidden.status).toBe(404);
    }
    const hidden = await lab.send('showToken', { name: token }, keys['stranger']);
    const absent = await lab.send('showToken', { name: 'none' }, keys['stranger']);
    expect(comparable(hidden.body, token)).toEqual(comparable(absent.body, 'none'));
  });
});

/** A stream never ends: its header is enough. */
async function statusOf(
  name: OperationName,
  input: object,
  key: string | undefined,
  { headers: own, ...more }: { readonly headers: Readonly<Record<string, string>> },
): Promise<number> {
  const headers = { ...nextClient(), ...own };
  if (name !== 'stream') return (await lab.send(name, input, key, { ...more, headers })).status;
  const place = { port: lab.server.dyndns.port };
  const reader = await readEvents({
    ...place,
    path: '/v1/stream',
    headers: { ...headers, ...(key !== undefined && { Authorization: `Bearer ${key}` }) },
  });
  reader.close();
  return reader.status;
}

function comparable(body: string, name: string): object {
  const { requestId: _, ...problem } = JSON.parse(body) as Record<string, unknown>;
  return JSON.parse(JSON.stringify(problem).replaceAll(name, 'NAME')) as object;
}
