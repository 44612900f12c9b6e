/** Converts between rows and the types of the core: users, management keys, the audit list. */
import type { AuditEntry } from '../core/users/audit.ts';
import type { Invitation, LinkKind, ListedSession, OneTimeLink, Session, SignInMethod } from '../core/users/sign-in.ts';
import type { ListedKey, ManagementKey, User, UserRole } from '../core/users/user.ts';
import { sanitize } from './rows.ts';
import type { AuditRow, LinkRow, ManagementKeyRow, SessionRow, UserRow } from './schema.ts';

export function userRow({ id, name, role, quotas, createdMs, disabledMs }: User): UserRow {
  return {
    id,
    name,
    role,
    max_hosts: quotas.hosts,
    max_tokens: quotas.tokens,
    changes_per_minute: quotas.changesPerMinute,
    created_ms: createdMs,
    disabled_ms: disabledMs ?? null,
  };
}

export function userOf(row: UserRow): User {
  return {
    id: row.id,
    name: row.name,
    role: row.role as UserRole,
    quotas: { hosts: row.max_hosts, tokens: row.max_tokens, changesPerMinute: row.changes_per_minute },
    createdMs: row.created_ms,
    ...(row.disabled_ms === null ? {} : { disabledMs: row.disabled_ms }),
  };
}

export function keyRow(key: ManagementKey): ManagementKeyRow {
  return {
    id: key.id,
    user_id: key.userId,
    name: key.name,
    sha256: key.sha256,
    created_ms: key.createdMs,
    expires: key.expires ?? null,
    max_unused_days: key.maxUnusedDays ?? null,
    revoked_ms: key.revokedMs ?? null,
  };
}

/** @param last_used_ms null: never */
export function keyOf(row: ManagementKeyRow & { readonly last_used_ms: number | null }): ListedKey {
  return {
    id: row.id,
    userId: row.user_id,
    name: row.name,
    sha256: row.sha256,
    createdMs: row.created_ms,
    ...(row.expires === null ? {} : { expires: row.expires }),
    ...(row.max_unused_days === null ? {} : { maxUnusedDays: row.max_unused_days }),
    ...(row.revoked_ms === null ? {} : { revokedMs: row.revoked_ms }),
    ...(row.last_used_ms === null ? {} : { lastUsedMs: row.last_used_ms }),
  };
}

export function sessionRow(session: Session): SessionRow {
  return {
    id: session.id,
    user_id: session.userId,
    sha256: session.sha256,
    created_ms: session.createdMs,
    ends_ms: session.endsMs,
    method: session.method,
    source: sanitize(session.source),
    user_agent: sanitize(session.userAgent),
  };
}

/** @param last_used_ms null: never */
export function sessionOf(row: SessionRow & { readonly last_used_ms: number | null }): ListedSession {
  return {
    id: row.id,
    userId: row.user_id,
    sha256: row.sha256,
    createdMs: row.created_ms,
    endsMs: row.ends_ms,
    method: row.method as SignInMethod,
    source: row.source,
    userAgent: row.user_agent,
    ...(row.last_used_ms === null ? {} : { lastUsedMs: row.last_used_ms }),
  };
}

export function linkRow(link: OneTimeLink): LinkRow {
  return {
    id: link.id,
    kind: link.kind,
    sha256: link.sha256,
    user_id: link.userId ?? null,
    invitation: link.invitation === undefined ? null : JSON.stringify(link.invitation),
    created_by: link.createdBy,
    created_ms: link.createdMs,
    ends_ms: link.endsMs,
  };
}

export function linkOf(row: LinkRow): OneTimeLink {
  return {
    id: row.id,
    kind: row.kind as LinkKind,
    sha256: row.sha256,
    ...(row.user_id === null ? {} : { userId: row.user_id }),
    ...(row.invitation === null ? {} : { invitation: JSON.parse(row.invitation) as Invitation }),
    createdBy: row.created_by,
    createdMs: row.created_ms,
    endsMs: row.ends_ms,
  };
}

/** What a query of keys or sessions also reads: the last use, and the user under names that they do not have. */
export const USER_OF_CREDENTIAL = [
  'token_uses.last_used_ms',
  'u.name as user_name',
  'u.role',
  'u.max_hosts',
  'u.max_tokens',
  'u.changes_per_minute',
  'u.created_ms as user_created_ms',
  'u.disabled_ms',
] as const;

export type UserOfCredentialRow = Omit<UserRow, 'id' | 'name' | 'created_ms'> & {
  readonly user_id: string;
  /** Null: never. */
  readonly last_used_ms: number | null;
  readonly user_name: string;
  readonly user_created_ms: number;
};

export function userOfCredential(row: UserOfCredentialRow): User {
  return userOf({ ...row, id: row.user_id, name: row.user_name, created_ms: row.user_created_ms });
}

export function auditRow(entry: AuditEntry): AuditRow {
  return {
    id: entry.id,
    time_ms: entry.timeMs,
    actor: sanitize(entry.actor),
    key_name: entry.key === undefined ? null : sanitize(entry.key),
    source: sanitize(entry.source),
    operation: sanitize(entry.operation),
    target: sanitize(entry.target),
    outcome: sanitize(entry.outcome),
  };
}

export function auditOf(row: AuditRow): AuditEntry {
  return {
    id: row.id,
    timeMs: row.time_ms,
    actor: row.actor,
    ...(row.key_name === null ? {} : { key: row.key_name }),
    source: row.source,
    operation: row.operation,
    target: row.target,
    outcome: row.outcome,
  };
}
