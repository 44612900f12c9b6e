/** Tokens, hosts and the audit list in memory. A token has its owner as the user is when it is read. */

import type { HostToken, ListedToken } from '../core/access/token.ts';
import type { TokenStore } from '../core/access/token-store.ts';
import type { HistoryStore } from '../core/history/history-store.ts';
import { type HostSettings, isLimited } from '../core/hosts/host.ts';
import { accessOf } from '../core/hosts/host-access.ts';
import type { HostStore, ListedHost } from '../core/hosts/host-store.ts';
import type { AuditEntry, AuditStore } from '../core/users/audit.ts';
import { type ManagementKey, missingOwner, tokenOwner, type User } from '../core/users/user.ts';
import type { DomainName } from '../dns/name.ts';
import { byName, byTokenName, compareTexts, hostRow, nameText } from './rows.ts';
import { auditOf, auditRow } from './rows-users.ts';

/** What these stores share. */
export interface Clients {
  readonly tokens: Map<string, HostToken>;
  /** By the id of the token or key: milliseconds since 1970. */
  readonly lastUses: Map<string, number>;
  /** By nameText. */
  readonly hosts: Map<string, HostSettings>;
  /** By id. */
  readonly users: Map<string, User>;
  readonly keys: Map<string, ManagementKey>;
  /** Deletes what belongs to a removed user alone. */
  readonly forgetUser: (userId: string) => void;
  readonly history: HistoryStore;
}

export const hasPart = (name: string, search: string | undefined) =>
  search === undefined || name.toLowerCase().includes(search.toLowerCase());

export function memoryTokenStore({ tokens: bySha256, lastUses, users }: Clients): TokenStore {
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

export function memoryHostStore({ hosts, users, history }: Clients): HostStore {
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

export function memoryAuditStore(): AuditStore {
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
    async prune(olderThanMs, maxEntries) {
      const newestFirst = [...entries.values()].sort((a, b) => compareTexts(b.id, a.id));
      const old = newestFirst.filter(({ timeMs }, index) => timeMs < olderThanMs || index >= maxEntries);
      for (const { id } of old) entries.delete(id);
      return old.length;
    },
  };
}
