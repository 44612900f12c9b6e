/** Tokens, hosts, users, keys and the audit list in memory. A token has its owner as the user is when it is read. */

import type { HostToken, ListedToken } from '../core/access/token.ts';
import type { TokenStore } from '../core/access/token-store.ts';
import type { CustomerStore } from '../core/customers.ts';
import type { HistoryStore } from '../core/history/history-store.ts';
import { type HostSettings, isLimited } from '../core/hosts/host.ts';
import { accessOf, mayChange } from '../core/hosts/host-access.ts';
import type { HostStore, ListedHost } from '../core/hosts/host-store.ts';
import type { Store } from '../core/store.ts';
import type { AuditEntry, AuditStore } from '../core/users/audit.ts';
import { type ListedKey, type ManagementKey, missingOwner, tokenOwner, type User } from '../core/users/user.ts';
import { MAX_REVOKED_KEYS, type UserStore } from '../core/users/user-store.ts';
import type { DomainName } from '../dns/name.ts';
import { findConflicts, isCreated, type StoredCustomers } from './customer-conflicts.ts';
import { byName, byTokenName, compareTexts, hostRow, nameText } from './rows.ts';
import { auditOf, auditRow } from './rows-users.ts';
import { withoutUser } from './without-user.ts';

interface Clients {
  readonly tokens: Map<string, HostToken>;
  /** By the id of the token or key: milliseconds since 1970. */
  readonly lastUses: Map<string, number>;
  /** By nameText. */
  readonly hosts: Map<string, HostSettings>;
  /** By id. */
  readonly users: Map<string, User>;
  readonly keys: Map<string, ManagementKey>;
  readonly history: HistoryStore;
}

export function memoryClients(
  history: HistoryStore,
): Pick<Store, 'tokens' | 'hosts' | 'users' | 'customers' | 'audit'> {
  const clients: Clients = {
    tokens: new Map(),
    lastUses: new Map(),
    hosts: new Map(),
    users: new Map(),
    keys: new Map(),
    history,
  };
  return {
    tokens: memoryTokenStore(clients),
    hosts: memoryHostStore(clients),
    users: memoryUserStore(clients),
    customers: memoryCustomerStore(clients),
    audit: memoryAuditStore(),
  };
}

const hasPart = (name: string, search: string | undefined) =>
  search === undefined || name.toLowerCase().includes(search.toLowerCase());

function memoryTokenStore({ tokens: bySha256, lastUses, users }: Clients): TokenStore {
  const valid = () => [...bySha256.values()].filter(({ revokedMs }) => revokedMs === undefined);
  const findByName = (name: string) => valid().find((token) => token.name === name);
  const owned = (token: HostToken): HostToken => {
    if (token.owner === undefined) return token;
    const user = users.get(token.owner.id);
    return { ...token, owner: user === undefined ? missingOwner(token.owner.id) : tokenOwner(user) };
  };
  const listed = (token: HostToken): ListedToken => {
    const lastUsedMs = lastUses.get(token.id);
    return lastUsedMs === undefined ? owned(token) : { ...owned(token), lastUsedMs };
  };
  const find = (sha256: string) => {
    const token = bySha256.get(sha256);
    return token && owned(token);
  };
  const countOwned = (ownerId: string) => valid().filter(({ owner }) => owner?.id === ownerId).length;
  return {
    findBySha256: find,
    findAllBySha256: (secrets) => secrets.map(find),
    cachedBySha256: find,
    async create(token, { maxOwned = Number.POSITIVE_INFINITY } = {}) {
      const { owner } = token;
      if (bySha256.has(token.sha256)) return bySha256.get(token.sha256)?.id === token.id ? 'created' : 'secret-taken';
      if (findByName(token.name) !== undefined) return 'name-taken';
      if (owner !== undefined && !users.has(owner.id)) return 'owner-unknown';
      if (owner !== undefined && countOwned(owner.id) >= maxOwned) return 'quota';
      bySha256.set(token.sha256, token);
      return 'created';
    },
    async get(name) {
      const token = findByName(name);
      return token && listed(token);
    },
    list: async () => [...bySha256.values()].map(listed).sort(byTokenName),
    async page({ limit, after, ownerId, search, revoked }) {
      const byPlace = (a: Pick<HostToken, 'name' | 'id'>, b: Pick<HostToken, 'name' | 'id'>) =>
        compareTexts(a.name, b.name) || compareTexts(a.id, b.id);
      const found = [...bySha256.values()]
        .filter(
          (token) =>
            (after === undefined || byPlace(token, after) > 0) &&
            (ownerId === undefined || (token.owner?.id ?? null) === ownerId) &&
            (revoked !== false || token.revokedMs === undefined) &&
            hasPart(token.name, search),
        )
        .sort(byPlace);
      const tokens = found.slice(0, limit).map(listed);
      const last = tokens.at(-1);
      return found.length > limit && last !== undefined
        ? { tokens, next: { name: last.name, id: last.id } }
        : { tokens };
    },
    countOwned: async (ownerId) => countOwned(ownerId),
    async othersName(ownerName, userId) {
      return valid().some(({ owner, hosts }) => owner?.id !== userId && hosts.some((name) => name.equals(ownerName)));
    },
    async revoke(name, nowMs) {
      const token = findByName(name);
      if (token === undefined) return 'unknown';
      bySha256.set(token.sha256, { ...token, revokedMs: nowMs });
      return 'revoked';
    },
    async rotate(name, sha256) {
      const token = findByName(name);
      if (token === undefined) return undefined;
      const rotated = { ...token, sha256 };
      bySha256.delete(token.sha256);
      bySha256.set(sha256, rotated);
      return owned(rotated);
    },
    countNamed: async (prefix) => valid().filter(({ name }) => name.startsWith(prefix)).length,
    async touchLastUsed(uses) {
      for (const { tokenId, lastUsedMs } of uses)
        lastUses.set(tokenId, Math.max(lastUsedMs, lastUses.get(tokenId) ?? 0));
    },
    async lastUses(tokenIds) {
      const wanted = new Set(tokenIds);
      return new Map([...lastUses].filter(([id]) => wanted.has(id)));
    },
  };
}

const isSame = (a: HostSettings | undefined, b: HostSettings | null) =>
  a === undefined || b === null ? a === undefined && b === null : hostRow(a).settings === hostRow(b).settings;

function memoryHostStore({ hosts, users, history }: Clients): HostStore {
  const owned = (userId: string, besides?: DomainName) =>
    [...hosts.values()].filter(
      ({ ownerId, ownerName }) => ownerId === userId && (besides === undefined || !ownerName.equals(besides)),
    ).length;
  return {
    async put(settings, { expected, maxOwned = Number.POSITIVE_INFINITY } = {}) {
      const { ownerName, ownerId } = settings;
      const key = nameText(ownerName);
      if (expected !== undefined && !isSame(hosts.get(key), expected)) return 'changed';
      if (ownerId !== undefined && !users.has(ownerId)) return 'owner-unknown';
      if (ownerId !== undefined && owned(ownerId, ownerName) >= maxOwned) return 'quota';
      hosts.set(key, settings);
      return 'put';
    },
    get: async (ownerName) => hosts.get(nameText(ownerName)),
    list: async () => [...hosts.values()].sort(byName),
    listLimited: async () => [...hosts.values()].filter(isLimited).sort(byName),
    async page({ limit, after, userId, access, search }) {
      const activities = new Map(
        (await history.activities()).map((activity) => [nameText(activity.ownerName), activity]),
      );
      const isVisible = (name: string) => {
        if (userId === undefined) return true;
        const granted = accessOf(hosts.get(name), userId);
        return granted !== undefined && (access === undefined || granted === access);
      };
      const names = [...new Set([...hosts.keys(), ...activities.keys()])]
        .filter(
          (name) =>
            (after === undefined || compareTexts(name, nameText(after)) > 0) &&
            hasPart(name, search) &&
            isVisible(name),
        )
        .sort(compareTexts);
      const page = names.slice(0, limit).map((name): ListedHost => {
        const [settings, activity] = [hosts.get(name), activities.get(name)];
        const ownerName = (settings ?? activity)!.ownerName;
        return { ownerName, ...(settings && { settings }), ...(activity && { activity }) };
      });
      const last = page.at(-1);
      return names.length > limit && last !== undefined ? { hosts: page, next: last.ownerName } : { hosts: page };
    },
    async hostsOf(userId) {
      const inOrder = [...hosts].sort(([a], [b]) => compareTexts(a, b));
      return inOrder.flatMap(([, settings]) => {
        const access = accessOf(settings, userId);
        return access === undefined ? [] : [{ ownerName: settings.ownerName, access }];
      });
    },
    countOwned: async (userId) => owned(userId),
    async remove(ownerName, expected) {
      const stored = hosts.get(nameText(ownerName));
      if (stored === undefined) return 'unknown';
      if (expected !== undefined && !isSame(stored, expected)) return 'changed';
      hosts.delete(nameText(ownerName));
      return 'removed';
    },
  };
}

function memoryUserStore({ users, keys, tokens, hosts, lastUses, history }: Clients): UserStore {
  const findByName = (name: string) => [...users.values()].find((user) => user.name === name);
  const found = (key: ManagementKey) => {
    const lastUsedMs = lastUses.get(key.id);
    const listed: ListedKey = lastUsedMs === undefined ? key : { ...key, lastUsedMs };
    return { key: listed, user: users.get(key.userId)! };
  };
  const isAdmin = ({ role, disabledMs }: User) => role === 'admin' && disabledMs === undefined;
  const isLastAdmin = (user: User) =>
    isAdmin(user) && ![...users.values()].some((other) => other.id !== user.id && isAdmin(other));
  const validKey = (userId: string, name: string) =>
    [...keys.values()].find((key) => key.userId === userId && key.name === name && key.revokedMs === undefined);
  return {
    async create(user) {
      const stored = findByName(user.name);
      if (stored !== undefined) return stored.id === user.id ? 'created' : 'name-taken';
      users.set(user.id, user);
      return 'created';
    },
    get: async (name) => findByName(name),
    async byName(names) {
      const wanted = new Set(names);
      return new Map(
        [...users.values()].flatMap((user) => (wanted.has(user.name) ? [[user.name, user] as const] : [])),
      );
    },
    byId: async (ids) => new Map(ids.flatMap((id) => (users.has(id) ? [[id, users.get(id)!] as const] : []))),
    async page(limit, after, search) {
      const all = [...users.values()]
        .filter(({ name }) => (after === undefined || compareTexts(name, after) > 0) && hasPart(name, search))
        .sort((a, b) => compareTexts(a.name, b.name));
      const page = all.slice(0, limit);
      const last = page.at(-1);
      return all.length > limit && last !== undefined ? { users: page, next: last.name } : { users: page };
    },
    async update(id, { role, quotas, disabledMs }, { keepAdmin = false } = {}) {
      const user = users.get(id);
      if (user === undefined) return undefined;
      const { disabledMs: before, ...rest } = user;
      const after = disabledMs === undefined ? before : (disabledMs ?? undefined);
      const changed: User = {
        ...rest,
        ...(role && { role }),
        ...(quotas && { quotas }),
        ...(after !== undefined && { disabledMs: after }),
      };
      if (keepAdmin && isLastAdmin(user) && !isAdmin(changed)) return 'last-admin';
      users.set(id, changed);
      return changed;
    },
    async remove(id, removal, nowMs, { keepAdmin = false } = {}) {
      const user = users.get(id);
      if (user === undefined) return undefined;
      if (keepAdmin && isLastAdmin(user)) return 'last-admin';
      const theirs = [...hosts].filter(([, settings]) => accessOf(settings, id) !== undefined);
      const changeable = new Set(theirs.filter(([, settings]) => mayChange(settings, id)).map(([name]) => name));
      for (const [name, settings] of theirs) {
        const isOwned = settings.ownerId === id;
        if (isOwned && removal.history === 'purge') await history.purge(settings.ownerName);
        if (isOwned && removal.hosts === 'remove') hosts.delete(name);
        else hosts.set(name, withoutUser(settings, id));
      }
      let [revoked, kept] = [0, 0];
      for (const { owner, ...token } of tokens.values()) {
        if (owner?.id !== id) continue;
        const ends = removal.tokens === 'revoke' || token.hosts.some((name) => !changeable.has(nameText(name)));
        if (token.revokedMs === undefined) [revoked, kept] = ends ? [revoked + 1, kept] : [revoked, kept + 1];
        tokens.set(token.sha256, ends && token.revokedMs === undefined ? { ...token, revokedMs: nowMs } : token);
      }
      for (const key of [...keys.values()]) if (key.userId === id) keys.delete(key.id);
      users.delete(id);
      return { hosts: theirs.map(([, { ownerName }]) => ownerName), revoked, kept };
    },
    async createKey(key) {
      const stored = keys.get(key.id);
      if (stored?.sha256 === key.sha256) return 'created';
      if (!users.has(key.userId)) return 'user-unknown';
      if (validKey(key.userId, key.name) !== undefined) return 'name-taken';
      keys.set(key.id, key);
      const revoked = [...keys.values()].filter(({ userId, revokedMs }) => userId === key.userId && revokedMs);
      revoked.sort((a, b) => (b.revokedMs ?? 0) - (a.revokedMs ?? 0) || compareTexts(a.id, b.id));
      for (const { id } of revoked.slice(MAX_REVOKED_KEYS)) keys.delete(id);
      return 'created';
    },
    async findKey(sha256) {
      const key = [...keys.values()].find((each) => each.sha256 === sha256);
      return key && found(key);
    },
    findKeys: async (ids) => ids.flatMap((id) => (keys.has(id) ? [found(keys.get(id)!)] : [])),
    async listKeys(userId) {
      return [...keys.values()]
        .filter((key) => key.userId === userId)
        .sort((a, b) => compareTexts(a.name, b.name) || a.createdMs - b.createdMs || compareTexts(a.id, b.id))
        .map((key) => found(key).key);
    },
    async revokeKey(userId, name, nowMs) {
      const key = validKey(userId, name);
      if (key === undefined) return 'unknown';
      keys.set(key.id, { ...key, revokedMs: nowMs });
      return 'revoked';
    },
  };
}

function memoryCustomerStore({ users, hosts, tokens }: Clients): CustomerStore {
  const count = (ids: readonly (string | undefined)[]) => {
    const counts = new Map<string, number>();
    for (const id of ids) if (id !== undefined) counts.set(id, (counts.get(id) ?? 0) + 1);
    return counts;
  };
  return {
    async create(batch) {
      const valid = [...tokens.values()].filter(({ revokedMs }) => revokedMs === undefined);
      const stored: StoredCustomers = {
        users: new Map([...users.values()].map(({ name, id }) => [name, id])),
        userIds: new Set(users.keys()),
        hosts: new Map([...hosts].map(([name, settings]) => [name, hostRow(settings).settings])),
        tokens: new Map(valid.map(({ name, id }) => [name, id])),
        secrets: new Map([...tokens.values()].map(({ sha256, id }) => [sha256, id])),
        ownedHosts: count([...hosts.values()].map(({ ownerId }) => ownerId)),
        ownedTokens: count(valid.map(({ owner }) => owner?.id)),
      };
      const conflicts = findConflicts(batch, stored);
      if (conflicts.length > 0) return isCreated(batch, conflicts, stored) ? { conflicts: [] } : { conflicts };
      for (const user of batch.users) users.set(user.id, user);
      for (const { after } of batch.given ?? []) hosts.set(nameText(after.ownerName), after);
      for (const host of batch.hosts) hosts.set(nameText(host.ownerName), host);
      for (const token of batch.tokens) tokens.set(token.sha256, token);
      return { conflicts: [] };
    },
  };
}

function memoryAuditStore(): AuditStore {
  const entries = new Map<string, AuditEntry>();
  return {
    async append(added) {
      for (const entry of added) if (!entries.has(entry.id)) entries.set(entry.id, auditOf(auditRow(entry)));
    },
    async read({ actor, operation, sinceMs }, limit, before) {
      return [...entries.values()]
        .filter(
          (entry) =>
            (before === undefined || entry.id < before) &&
            (actor === undefined || entry.actor === actor) &&
            (operation === undefined || entry.operation === operation) &&
            (sinceMs === undefined || entry.timeMs >= sinceMs),
        )
        .sort((a, b) => compareTexts(b.id, a.id))
        .slice(0, limit);
    },
    async prune(olderThanMs) {
      const old = [...entries.values()].filter(({ timeMs }) => timeMs < olderThanMs);
      for (const { id } of old) entries.delete(id);
      return old.length;
    },
  };
}
