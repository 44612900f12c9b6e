import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parseIpPrefix } from '../../dns/address.ts';
import { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { openMemoryStore } from '../../store/memory.ts';
import { type HostToken, tokenSha256 } from '../access/token.ts';
import { AppError } from '../errors.ts';
import { eventId } from '../history/history.ts';
import { defaultHostSettings, type HostMember } from '../hosts/host.ts';
import { HostDirectory } from '../hosts/host-directory.ts';
import type { ReadOutcome } from '../zones/publisher.ts';
import type { AdminOptions } from './admin-options.ts';
import { type Administration, makeAdministration } from './administration.ts';
import { OPERATOR_CALLER } from './caller.ts';
import type { NewHost } from './host-admin.ts';
import type { NewToken } from './token-admin.ts';

const NOW = Date.parse('2026-11-23T10:00:00Z');
const name = (text: string) => DomainName.parse(text);
const HOME = name('home.dyn.example.com');
const SET = name('set.dyn.example.com');

const FILED: HostToken = {
  id: 'file-1',
  name: 'filed',
  sha256: tokenSha256('filed-secret'),
  hosts: [name('*.dyn.example.com')],
  types: [RRType.A],
  addresses: 'any',
  createdMs: 0,
};
const WANTED: NewToken = { name: 'router1', hosts: [HOME], types: [RRType.A, RRType.AAAA], addresses: 'any' };
const none = { addresses: [], ttl: 0 };
const published: ReadOutcome = {
  kind: 'addresses',
  published: { A: { addresses: ['192.0.2.1'], ttl: 60 }, AAAA: none },
};

function make(more: Partial<AdminOptions> = {}) {
  const store = openMemoryStore();
  const directory = new HostDirectory({
    configured: [],
    store: store.hosts,
    exclusive: true,
    nowMs: () => 0,
    after: () => () => {},
  });
  let counter = 0;
  const admin = makeAdministration({
    store,
    tokens: [FILED],
    hosts: [{ ...defaultHostSettings(SET), ttl: 9 }],
    zones: [
      { apex: name('dyn.example.com'), ttl: { min: 30, max: 3600 } },
      { apex: name('lab.dyn.example.com'), ttl: {} },
    ],
    directory,
    claim: async () => undefined,
    signIn: { sessionDays: 1, url: () => undefined },
    read: async () => published,
    now: () => NOW,
    random: (octets) => {
      counter += 1;
      return new Uint8Array(octets).fill(counter);
    },
    ...more,
  });
  return { admin: asOperator(admin), store, directory };
}

/** The administration as the operator uses it. */
function asOperator({ tokens, hosts, history }: Administration) {
  const caller = OPERATOR_CALLER;
  return {
    tokens: {
      listTokens: async () => (await tokens.listTokens({}, caller)).tokens,
      createToken: (wanted: NewToken) => tokens.createToken(wanted, undefined, caller),
      revokeToken: (token: string) => tokens.revokeToken(token),
      rotateToken: (token: string, freednsUser?: string) => tokens.rotateToken(token, freednsUser),
    },
    hosts: {
      addHost: (wanted: NewHost, replace: boolean) => hosts.addHost(wanted, undefined, replace, { caller }),
      addMember: (host: DomainName, member: HostMember) => hosts.addMember(host, member, { caller }),
      removeMember: (host: DomainName, member: DomainName) => hosts.removeMember(host, member, { caller }),
      enableHost: (host: DomainName, enabled: boolean) => hosts.enableHost(host, enabled, { caller }),
      removeHost: (host: DomainName) => hosts.removeHost(host, { caller }),
      listHosts: async () => (await hosts.listHosts({}, caller)).hosts,
      showHost: (host: DomainName) => hosts.showHost(host, caller),
      host: (host: DomainName) => hosts.host(host, caller),
    },
    history: {
      history: (host: DomainName, limit: number, before?: string) => history.history(host, limit, before),
      historyAt: async (host: DomainName, timeMs: number) => (await history.history(host, 1, undefined, timeMs)).past,
      purgeHistory: (host: DomainName) => history.purgeHistory(host),
      pending: () => history.pending(),
      pendingStatus: () => history.pendingStatus(),
    },
  };
}

const failure = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

describe('tokens', () => {
  it('that have ended because they were not used are shown as such, and by what they live', async () => {
    const DAY_MS = 86_400_000;
    const filed = { ...FILED, maxUnusedDays: 30 };
    const { admin, store } = make({ tokens: [filed] });
    const { admin: withUses } = make({ tokens: [filed], store, uses: store.tokens });
    const stored = (id: string, ageDays: number, more: Partial<HostToken> = {}) =>
      store.tokens.create({
        ...FILED,
        id,
        name: id,
        sha256: tokenSha256(id),
        createdMs: NOW - ageDays * DAY_MS,
        maxUnusedDays: 30,
        ...more,
      });
    await stored('young', 29);
    await stored('old', 30);
    await stored('old and used', 300);
    await stored('old and revoked', 300, { revokedMs: NOW });
    await stored('old and expired', 300, { expires: '2026-01-01' });
    await store.tokens.touchLastUsed([{ tokenId: 'old and used', lastUsedMs: NOW - DAY_MS }]);
    const states = async (tokens: ReturnType<typeof make>['admin']['tokens']) =>
      Object.fromEntries((await tokens.listTokens()).map(({ name: token, state }) => [token, state]));
    expect(await states(admin.tokens)).toEqual({
      filed: 'valid',
      young: 'valid',
      old: 'unused',
      'old and used': 'valid',
      'old and revoked': 'revoked',
      'old and expired': 'expired',
    });
    await store.tokens.touchLastUsed([{ tokenId: `first-seen ${FILED.id}`, lastUsedMs: NOW - 30 * DAY_MS }]);
    expect((await states(withUses.tokens))['filed']).toBe('unused');
    await store.tokens.touchLastUsed([{ tokenId: FILED.id, lastUsedMs: NOW - DAY_MS }]);
    expect((await states(withUses.tokens))['filed']).toBe('valid');
    const { tokens: covering } = await withUses.hosts.showHost(HOME);
    expect(covering.map(({ name: token }) => token)).toEqual(['filed', 'old and used', 'young']);
    expect((await withUses.tokens.rotateToken('old and used')).token).toMatchObject({ state: 'valid' });
    expect((await withUses.tokens.rotateToken('old')).token).toMatchObject({ state: 'unused' });
  });

  it('of the configuration are listed with their last use, where it is known', async () => {
    const { store } = make();
    await store.tokens.touchLastUsed([{ tokenId: FILED.id, lastUsedMs: NOW }]);
    const [used] = await make({ uses: store.tokens }).admin.tokens.listTokens();
    expect(used).toMatchObject({ name: 'filed', origin: 'configuration', lastUsed: new Date(NOW).toISOString() });
    for (const uses of [undefined, make().store.tokens]) {
      expect((await make({ uses }).admin.tokens.listTokens())[0]).not.toHaveProperty('lastUsed');
    }
  });

  it('a new one is in the store with the SHA-256 of its secret alone', async () => {
    const { admin, store } = make();
    const { token, secret, sha256 } = await admin.tokens.createToken({ ...WANTED, expires: '2027-12-31' });
    expect(sha256).toBe(tokenSha256(secret));
    expect(secret).toMatch(/^[a-z2-7]{32}$/);
    const stored = await store.tokens.findBySha256(sha256);
    expect(stored).toMatchObject({ name: 'router1', hosts: [HOME], expires: '2027-12-31', createdMs: NOW });
    expect(JSON.stringify(await store.tokens.list())).not.toContain(secret);
    expect(token).toEqual({
      name: 'router1',
      origin: 'store',
      hosts: ['home.dyn.example.com.'],
      types: ['A', 'AAAA'],
      addresses: 'any',
      expires: '2027-12-31',
      state: 'valid',
      created: '2026-11-23T10:00:00.000Z',
    });
  });

  it('one for FreeDNS is found by the hash of user and password, and not by the password', async () => {
    const { admin, store } = make();
    const { secret, sha256, freednsUser } = await admin.tokens.createToken({ ...WANTED, freednsUser: 'alice' });
    expect(freednsUser).toBe('alice');
    expect(secret).toMatch(/^[a-z2-7]{32}$/);
    const key = createHash('sha1').update(`alice|${secret}`).digest('hex');
    expect(sha256).toBe(tokenSha256(key));
    expect(await store.tokens.findBySha256(tokenSha256(secret))).toBeUndefined();
    expect(await store.tokens.findBySha256(tokenSha256(key))).toMatchObject({ name: 'router1', hosts: [HOME] });
    for (const text of [secret, key, 'alice']) expect(JSON.stringify(await store.tokens.list())).not.toContain(text);
  });

  it('no two have the same name, in the store or in the configuration', async () => {
    const { admin, store } = make();
    await admin.tokens.createToken(WANTED);
    await expect(admin.tokens.createToken(WANTED)).rejects.toEqual(failure('conflict', /already.*rotate.*revoke/));
    await expect(admin.tokens.createToken({ ...WANTED, name: 'filed' })).rejects.toEqual(
      failure('conflict', /'filed' is in the configuration file\. Choose another name/),
    );
    expect(await store.tokens.list()).toHaveLength(1);
  });

  it.each(['home.example.org', 'notdyn.example.com', '*.example.org', 'example.com'])(
    '%s is in no zone: the error names those that there are',
    async (host) => {
      const { admin, store } = make();
      await expect(admin.tokens.createToken({ ...WANTED, hosts: [HOME, name(host)] })).rejects.toEqual(
        failure('name-invalid', /is in no zone .*it has 'dyn\.example\.com\.', 'lab\.dyn\.example\.com\.'/),
      );
      expect(await store.tokens.list()).toEqual([]);
    },
  );

  it.each(['*.dyn.example.com', '*.example.com', '*.a.lab.dyn.example.com'])(
    'the pattern %s is for zones',
    async (host) => {
      await make().admin.tokens.createToken({ ...WANTED, hosts: [name(host)] });
    },
  );

  it('a rotated one has another secret and the same id; the old secret is unknown', async () => {
    const { admin, store } = make();
    const old = await admin.tokens.createToken(WANTED);
    const { secret, sha256, token } = await admin.tokens.rotateToken('router1');
    expect(secret).not.toBe(old.secret);
    expect(token.state).toBe('valid');
    expect(await store.tokens.findBySha256(old.sha256)).toBeUndefined();
    expect(await store.tokens.findBySha256(sha256)).toMatchObject({ name: 'router1' });
  });

  it('a revoked one is listed as revoked, and its name is free again', async () => {
    const { admin, store } = make();
    const { sha256 } = await admin.tokens.createToken(WANTED);
    expect(await admin.tokens.revokeToken('router1')).toMatchObject({
      state: 'revoked',
      revoked: '2026-11-23T10:00:00.000Z',
    });
    expect(await store.tokens.findBySha256(sha256)).toMatchObject({ revokedMs: NOW });
    await admin.tokens.createToken(WANTED);
    expect((await admin.tokens.listTokens()).map(({ name: of, state }) => `${of} ${state}`).sort()).toEqual([
      'filed valid',
      'router1 revoked',
      'router1 valid',
    ]);
  });

  it('of the configuration are changed there; others are unknown', async () => {
    const { admin } = make();
    await expect(admin.tokens.revokeToken('filed')).rejects.toEqual(failure('conflict', /Remove it there.*SIGHUP/));
    await expect(admin.tokens.rotateToken('filed')).rejects.toEqual(failure('conflict', /--print-only/));
    await expect(admin.tokens.revokeToken('nobody')).rejects.toEqual(failure('name-invalid', /no token 'nobody'/));
    await expect(admin.tokens.rotateToken('nobody')).rejects.toEqual(failure('name-invalid', /no token 'nobody'/));
  });

  it('a stored one with a name that came into the configuration later can be revoked', async () => {
    const { admin, store } = make();
    await store.tokens.create({ ...FILED, id: 'stored', sha256: tokenSha256('other') });
    expect(await admin.tokens.revokeToken('filed')).toMatchObject({ origin: 'store', state: 'revoked' });
  });
});

describe('hosts', () => {
  it('settings count for updates at once', async () => {
    const { admin, directory } = make();
    await directory.load();
    const addresses = { allow: [parseIpPrefix('192.0.2.0/24')!], deny: [] };
    expect(await admin.hosts.addHost({ ownerName: HOME, ttl: 60, addresses }, false)).toMatchObject({
      host: 'home.dyn.example.com.',
      origin: 'store',
      ttl: 60,
      allow: ['192.0.2.0/24'],
    });
    expect(await directory.find(HOME)).toMatchObject({ ttl: 60, enabled: true });
    await admin.hosts.enableHost(HOME, false);
    expect(await directory.find(HOME)).toMatchObject({ ttl: 60, enabled: false });
    await admin.hosts.removeHost(HOME);
    expect(await directory.find(HOME)).toBeUndefined();
  });

  const plain = { ownerName: HOME, addresses: { allow: [], deny: [] } };
  const prefix = parseIpPrefix('192.0.2.0/24')!;

  it.each([
    ['in no zone', { ...plain, ownerName: name('home.example.org') }, 'name-invalid', /it has 'dyn\.example\.com\.'/],
    ['with a TTL that the zone refuses', { ...plain, ttl: 29 }, 'request-malformed', /29 is less than ttl\.min \(30\)/],
    ['with one that is too long', { ...plain, ttl: 3601 }, 'request-malformed', /more than ttl\.max \(3600\)/],
    [
      'allowed and denied',
      { ...plain, addresses: { allow: [prefix], deny: [prefix] } },
      'request-malformed',
      /at once/,
    ],
    ['of the configuration', { ...plain, ownerName: SET }, 'conflict', /are in the configuration file/],
  ])('%s: refused', async (_, wanted, code, message) => {
    const { admin, store } = make();
    await expect(admin.hosts.addHost(wanted, true)).rejects.toEqual(failure(code, message));
    expect(await store.hosts.list()).toEqual([]);
  });

  it('the zone is the innermost one', async () => {
    await make().admin.hosts.addHost({ ...plain, ownerName: name('a.lab.dyn.example.com'), ttl: 1 }, false);
  });

  it('settings are not overwritten unasked', async () => {
    const { admin } = make();
    await admin.hosts.addHost({ ...plain, ttl: 60 }, false);
    await expect(admin.hosts.addHost(plain, false)).rejects.toEqual(failure('conflict', /--replace/));
    expect((await admin.hosts.addHost(plain, true)).ttl).toBeUndefined();
  });

  it('one without settings can be disabled, and none can be removed that is not there', async () => {
    const { admin } = make();
    expect(await admin.hosts.enableHost(HOME, false)).toMatchObject({ enabled: false, origin: 'store' });
    await expect(admin.hosts.enableHost(SET, false)).rejects.toEqual(failure('conflict', /configuration file/));
    await expect(admin.hosts.removeHost(name('x.dyn.example.com'))).rejects.toEqual(
      failure('name-invalid', /no settings/),
    );
  });

  it('shows addresses, pending updates, activity, and the valid tokens that cover it', async () => {
    const { admin, store } = make();
    await admin.tokens.createToken(WANTED);
    await admin.tokens.createToken({ ...WANTED, name: 'other', hosts: [name('other.dyn.example.com')] });
    await admin.tokens.createToken({ ...WANTED, name: 'old', expires: '2020-01-01' });
    await admin.tokens.createToken({ ...WANTED, name: 'gone' });
    await admin.tokens.revokeToken('gone');
    await store.history.countRepeats([{ ownerName: HOME, repeats: 3, lastSeenMs: NOW }]);
    const update = {
      family: 'A',
      wanted: ['192.0.2.9'],
      ttl: 60,
      before: [[]],
      createdMs: NOW,
      nextAttemptMs: NOW,
    } as const;
    await store.pending.put({ ...update, ownerName: HOME, lastError: 'primary-unreachable' });
    await store.pending.put({ ...update, ownerName: SET });
    expect(await admin.hosts.showHost(HOME)).toMatchObject({
      origin: 'none',
      published: { A: ['192.0.2.1'], AAAA: [] },
      lastSeen: '2026-11-23T10:00:00.000Z',
      repeats: 3,
      pending: [{ host: 'home.dyn.example.com.', wanted: '192.0.2.9', lastError: 'primary-unreachable' }],
      tokens: [
        { name: 'filed', origin: 'configuration', types: ['A'] },
        { name: 'router1', origin: 'store', types: ['A', 'AAAA'] },
      ],
    });
    expect(await admin.history.pending()).toMatchObject({ count: 2, oldest: [{ host: 'home.dyn.example.com.' }, {}] });
  });

  it('shows the rest where the primary does not answer', async () => {
    const read = () => Promise.reject(new AppError('primary-unreachable', 'no answer'));
    const shown = await make({ read }).admin.hosts.showHost(HOME);
    expect(shown).toMatchObject({ publishedProblem: 'no answer', tokens: [{ name: 'filed' }] });
    expect(shown.published).toBeUndefined();
  });

  it('lists those with settings and those that were heard of, each once, in canonical order', async () => {
    const { admin, store } = make();
    await admin.hosts.addHost({ ...plain, ownerName: name('b.dyn.example.com') }, false);
    await store.hosts.put(defaultHostSettings(SET));
    const heard = ['a', 'b', 'set'].map((label) => name(`${label}.dyn.example.com`));
    await store.history.countRepeats(heard.map((ownerName) => ({ ownerName, repeats: 1, lastSeenMs: NOW })));
    expect((await admin.hosts.listHosts()).map(({ host, origin, repeats }) => `${host} ${origin} ${repeats}`)).toEqual([
      'a.dyn.example.com. none 1',
      'b.dyn.example.com. store 1',
      'set.dyn.example.com. configuration 1',
    ]);
  });
});

describe('the history', () => {
  it('is read after buffered events are written; by pages; at a time; and is deleted', async () => {
    let flushed = 0;
    const { admin, store } = make({
      flush: async () => {
        flushed += 1;
      },
    });
    const base = { ownerName: HOME, protocol: 'dyndns2', actor: 'router1', source: '', userAgent: '' };
    const events = [1, 2, 3].map((step) => ({
      ...base,
      id: eventId(NOW + step, step, new Uint8Array(10)),
      timeMs: NOW + step,
      outcome: 'changed' as const,
      A: { before: step === 1 ? [] : [`192.0.2.${step - 1}`], after: [`192.0.2.${step}`] },
    }));
    await store.history.append(events);
    const first = await admin.history.history(HOME, 2);
    expect(first).toMatchObject({
      more: true,
      events: [{ A: { after: ['192.0.2.3'] } }, { A: { after: ['192.0.2.2'] } }],
    });
    expect(first.events[0]?.time).toBe('2026-11-23T10:00:00.003Z');
    const second = await admin.history.history(HOME, 2, first.events.at(-1)?.id);
    expect(second).toMatchObject({ more: false, events: [{ A: { after: ['192.0.2.1'] } }] });
    expect(await admin.history.historyAt(HOME, NOW + 2)).toEqual({
      time: '2026-11-23T10:00:00.002Z',
      A: ['192.0.2.2'],
    });
    expect(await admin.history.purgeHistory(HOME)).toBe(3);
    expect((await admin.history.history(HOME, 2)).events).toEqual([]);
    expect(flushed).toBe(5);
  });
});

describe('without a store', () => {
  it('shows what the configuration has, and says what to set for the rest', async () => {
    const { admin } = make({ store: undefined });
    expect((await admin.tokens.listTokens()).map((token) => token.name)).toEqual(['filed']);
    expect((await admin.hosts.listHosts()).map(({ host }) => host)).toEqual(['set.dyn.example.com.']);
    expect(await admin.history.pending()).toEqual({ count: 0, oldest: [] });
    const noStore = failure('conflict', /set 'store: sqlite:/);
    for (const call of [
      admin.tokens.createToken(WANTED),
      admin.tokens.revokeToken('x'),
      admin.tokens.rotateToken('x'),
      admin.hosts.enableHost(HOME, false),
      admin.hosts.removeHost(HOME),
      admin.history.history(HOME, 1),
      admin.history.historyAt(HOME, 0),
      admin.history.purgeHistory(HOME),
    ]) {
      await expect(call).rejects.toEqual(noStore);
    }
  });
});
