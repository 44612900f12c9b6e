/** Why a batch of customers cannot be created beside what a store has. Pure; one pass over the batch. */
import type { ConflictReason, CustomerBatch, CustomerConflict, CustomerKind } from '../core/customers.ts';
import { isStoredAs, nameText } from './rows.ts';

/** What a store has of what a batch names. */
export interface StoredCustomers {
  /** The id by the name. */
  readonly users: ReadonlyMap<string, string>;
  /** Those of owners. */
  readonly userIds: ReadonlySet<string>;
  /** The settings by nameText. */
  readonly hosts: ReadonlyMap<string, string>;
  /** The id by the name, of those that are not revoked. */
  readonly tokens: ReadonlyMap<string, string>;
  /** The id by the SHA-256. */
  readonly secrets: ReadonlyMap<string, string>;
  /** By the id of a limited user. */
  readonly ownedHosts: ReadonlyMap<string, number>;
  readonly ownedTokens: ReadonlyMap<string, number>;
}

/** In the order of users, hosts, given hosts and tokens; at most one of each entry. */
export function findConflicts(batch: CustomerBatch, stored: StoredCustomers): readonly CustomerConflict[] {
  const conflicts: CustomerConflict[] = [];
  const userIds = new Set(batch.users.map(({ id }) => id));
  const isUser = (id: string) => userIds.has(id) || stored.userIds.has(id);
  const check = (kind: CustomerKind, index: number, whys: readonly (ConflictReason | false)[]) => {
    const why = whys.find((each) => each !== false);
    if (why !== undefined) conflicts.push({ kind, index, why });
  };
  /** Counts what each owner gets; true beyond the limit. */
  const counter = (kind: 'hosts' | 'tokens', owned: ReadonlyMap<string, number>) => {
    const counts = new Map(owned);
    return (ownerId: string | undefined): boolean => {
      const limit = ownerId === undefined ? undefined : batch.limits?.get(ownerId);
      if (ownerId === undefined || limit === undefined) return false;
      const count = (counts.get(ownerId) ?? 0) + 1;
      counts.set(ownerId, count);
      return count > limit[kind];
    };
  };
  const isTooManyHosts = counter('hosts', stored.ownedHosts);
  const isTooManyTokens = counter('tokens', stored.ownedTokens);
  const userNames = new Set<string>();
  for (const [index, { name }] of batch.users.entries()) {
    check('user', index, [(stored.users.has(name) || userNames.has(name)) && 'exists']);
    userNames.add(name);
  }
  const hostNames = new Set<string>();
  for (const [index, { ownerName, ownerId }] of batch.hosts.entries()) {
    const name = nameText(ownerName);
    check('host', index, [
      (stored.hosts.has(name) || hostNames.has(name)) && 'exists',
      ownerId !== undefined && !isUser(ownerId) && 'owner-unknown',
      isTooManyHosts(ownerId) && 'quota',
    ]);
    hostNames.add(name);
  }
  for (const [index, { before, after }] of (batch.given ?? []).entries()) {
    const name = nameText(after.ownerName);
    check('given', index, [
      hostNames.has(name) && 'exists',
      !isStoredAs(name, stored.hosts.get(name), before) && 'changed',
      after.ownerId !== undefined && !isUser(after.ownerId) && 'owner-unknown',
      isTooManyHosts(after.ownerId) && 'quota',
    ]);
    hostNames.add(name);
  }
  const tokenNames = new Set<string>();
  const secrets = new Set<string>();
  for (const [index, { name, sha256, owner }] of batch.tokens.entries()) {
    check('token', index, [
      (stored.tokens.has(name) || tokenNames.has(name)) && 'exists',
      (stored.secrets.has(sha256) || secrets.has(sha256)) && 'secret-taken',
      owner !== undefined && !isUser(owner.id) && 'owner-unknown',
      isTooManyTokens(owner?.id) && 'quota',
    ]);
    tokenNames.add(name);
    secrets.add(sha256);
  }
  return conflicts;
}

const STORED: ReadonlySet<ConflictReason> = new Set(['exists', 'changed', 'secret-taken']);

/** Is everything of the batch there because the call before, whose answer was lost, has created it? */
export function isCreated(
  { users, hosts, given = [], tokens }: CustomerBatch,
  conflicts: readonly CustomerConflict[],
  stored: StoredCustomers,
): boolean {
  return (
    conflicts.every(({ why }) => STORED.has(why)) &&
    users.length + tokens.length > 0 &&
    users.every(({ name, id }) => stored.users.get(name) === id) &&
    tokens.every(({ name, id }) => stored.tokens.get(name) === id) &&
    [...hosts, ...given.map(({ after }) => after)].every((host) => {
      const name = nameText(host.ownerName);
      return isStoredAs(name, stored.hosts.get(name), host);
    })
  );
}
