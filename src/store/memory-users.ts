/** Users, their keys, and batches of customers in memory. */

import type { CustomerStore } from '../core/customers.ts';
import { accessOf, mayChange } from '../core/hosts/host-access.ts';
import type { ListedKey, ManagementKey, User } from '../core/users/user.ts';
import { MAX_REVOKED_KEYS, type UserStore } from '../core/users/user-store.ts';
import { findConflicts, isCreated, type StoredCustomers } from './customer-conflicts.ts';
import { type Clients, hasPart } from './memory-clients.ts';
import { compareTexts, hostRow, nameText } from './rows.ts';
import { withoutUser } from './without-user.ts';

export function memoryUserStore({ users, keys, tokens, hosts, lastUses, history, forgetUser }: Clients): UserStore {
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
        const gainsPower = user.role === 'member' && token.hosts.some((name) => !changeable.has(nameText(name)));
        const ends = removal.tokens === 'revoke' || gainsPower;
        if (token.revokedMs === undefined) [revoked, kept] = ends ? [revoked + 1, kept] : [revoked, kept + 1];
        tokens.set(token.sha256, ends && token.revokedMs === undefined ? { ...token, revokedMs: nowMs } : token);
      }
      for (const key of [...keys.values()]) if (key.userId === id) keys.delete(key.id);
      forgetUser(id);
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

export function memoryCustomerStore({ users, hosts, tokens }: Clients): CustomerStore {
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
