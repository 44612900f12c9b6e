/**
 * Converts between rows and the types of the core. A row that cannot be parsed is a defect, or another program wrote
 * it.
 */

import type { HostToken, ListedToken, TokenAddresses } from '../core/access/token.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { AddressStep, EventOutcome, HistoryEvent } from '../core/history/history.ts';
import { type HostMember, type HostSettings, isLimited } from '../core/hosts/host.ts';
import type { PendingUpdate } from '../core/pending/pending-update.ts';
import type { StoredText } from '../core/texts/text-store.ts';
import { type HostAccess, type HostShare, missingOwner, type TokenOwner, type UserRole } from '../core/users/user.ts';
import type { Family } from '../core/zones/family.ts';
import { formatIpPrefix, type IpPrefix, parseIpPrefix } from '../dns/address.ts';
import { DomainName } from '../dns/name.ts';
import type { EventRow, HostAccessRow, HostRow, PendingRow, TextRow, TokenRow } from './schema.ts';

/** Lower case: every spelling of a name has the same key. */
export function nameText(ownerName: DomainName): string {
  return ownerName.toString().toLowerCase();
}

export function nameOf(text: string): DomainName {
  return DomainName.parse(text);
}

function prefixesOf(texts: readonly string[]): IpPrefix[] {
  return texts.map((text) => {
    const prefix = parseIpPrefix(text);
    if (prefix === undefined) throw new TypeError(`The store contains '${text}', which is not a valid prefix.`);
    return prefix;
  });
}

/** Drops the fields that are undefined. */
export function present<Fields extends object>(fields: Fields): { [K in keyof Fields]: Exclude<Fields[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}

export function tokenRow(token: HostToken): TokenRow {
  const { id, name, sha256, addresses } = token;
  return {
    id,
    name,
    sha256,
    hosts: JSON.stringify(token.hosts.map(String)),
    types: JSON.stringify(token.types),
    addresses: JSON.stringify(typeof addresses === 'string' ? addresses : addresses.map(formatIpPrefix)),
    sources: token.sources === undefined ? null : JSON.stringify(token.sources.map(formatIpPrefix)),
    expires: token.expires ?? null,
    register: token.register ? 1 : null,
    max_unused_days: token.maxUnusedDays ?? null,
    created_ms: token.createdMs,
    revoked_ms: token.revokedMs ?? null,
    owner_id: token.owner?.id ?? null,
  };
}

/** A token with its owner; null where it has none, or where the user was removed. */
export interface OwnedTokenRow extends TokenRow {
  readonly owner_name: string | null;
  readonly owner_role: string | null;
  readonly owner_disabled_ms: number | null;
  readonly owner_changes: number | null;
}

function ownerOf(row: OwnedTokenRow & { readonly owner_id: string }): TokenOwner {
  const { owner_id: id, owner_name: name, owner_role, owner_disabled_ms, owner_changes } = row;
  if (name === null) return missingOwner(id);
  const role = owner_role as UserRole;
  const changesPerMinute = role === 'admin' ? 0 : (owner_changes ?? 0);
  return { id, name, role, isDisabled: owner_disabled_ms !== null, changesPerMinute };
}

export function tokenOf(row: OwnedTokenRow): HostToken {
  const addresses = JSON.parse(row.addresses) as 'any' | 'own' | string[];
  const token = {
    id: row.id,
    name: row.name,
    sha256: row.sha256,
    hosts: (JSON.parse(row.hosts) as string[]).map(nameOf),
    types: JSON.parse(row.types) as number[],
    addresses: (typeof addresses === 'string' ? addresses : prefixesOf(addresses)) satisfies TokenAddresses,
    createdMs: row.created_ms,
  };
  return {
    ...token,
    ...(row.sources === null ? {} : { sources: prefixesOf(JSON.parse(row.sources) as string[]) }),
    ...(row.expires === null ? {} : { expires: row.expires }),
    ...(row.register === 1 ? { register: true } : {}),
    ...(row.max_unused_days === null ? {} : { maxUnusedDays: row.max_unused_days }),
    ...(row.owner_id === null ? {} : { owner: ownerOf({ ...row, owner_id: row.owner_id }) }),
    ...(row.revoked_ms === null ? {} : { revokedMs: row.revoked_ms }),
  };
}

/** @param last_used_ms null: never */
export function listedTokenOf(row: OwnedTokenRow & { readonly last_used_ms: number | null }): ListedToken {
  const { last_used_ms: lastUsedMs } = row;
  return lastUsedMs === null ? tokenOf(row) : { ...tokenOf(row), lastUsedMs };
}

interface StoredSettings {
  readonly ttl?: number;
  readonly enabled: boolean;
  readonly allow: readonly string[];
  readonly deny: readonly string[];
  readonly silentAfterSeconds?: number;
  readonly leaseSeconds?: number;
  readonly fallback: readonly string[];
  readonly interfaceId?: string;
  readonly prefixLength?: number;
  readonly members: readonly { readonly name: string; readonly host: HostMember['host']; readonly subnet: number }[];
  readonly ownerId?: string;
  readonly shares?: readonly HostShare[];
}

export function hostRow(host: HostSettings): HostRow {
  const settings = present({
    ttl: host.ttl,
    enabled: host.enabled,
    allow: host.addresses.allow.map(formatIpPrefix),
    deny: host.addresses.deny.map(formatIpPrefix),
    silentAfterSeconds: host.silentAfterSeconds,
    leaseSeconds: host.leaseSeconds,
    fallback: host.fallback,
    interfaceId: host.interfaceId,
    prefixLength: host.prefixLength,
    members: host.members.map(({ ownerName, host: hostPart, subnet }) => ({
      name: nameText(ownerName),
      host: hostPart,
      subnet,
    })),
    ownerId: host.ownerId,
    shares: host.shares?.length ? host.shares.map(({ userId, access }) => ({ userId, access })) : undefined,
  });
  return { name: nameText(host.ownerName), settings: JSON.stringify(settings), is_limited: isLimited(host) ? 1 : 0 };
}

export function hostOf({ name, settings }: Pick<HostRow, 'name' | 'settings'>): HostSettings {
  const { allow, deny, members, ...rest } = JSON.parse(settings) as StoredSettings;
  return {
    ...rest,
    ownerName: nameOf(name),
    addresses: { allow: prefixesOf(allow), deny: prefixesOf(deny) },
    members: members.map((member) => ({
      ownerName: nameOf(member.name),
      host: member.host,
      subnet: member.subnet,
    })),
  };
}

/**
 * Are these the stored settings? Compares what the texts mean: an older version may have written the same in another way.
 * @param stored undefined: there are none @param expected null: there are none
 */
export function isStoredAs(name: string, stored: string | undefined, expected: HostSettings | null): boolean {
  if (stored === undefined || expected === null) return stored === undefined && expected === null;
  return hostRow(hostOf({ name, settings: stored })).settings === hostRow(expected).settings;
}

/** One row for each user who has access to the host. */
export function accessRows({ ownerName, ownerId, shares = [] }: HostSettings): HostAccessRow[] {
  const access = new Map<string, HostAccess>(shares.map((share) => [share.userId, share.access]));
  if (ownerId !== undefined) access.set(ownerId, 'own');
  const name = nameText(ownerName);
  return [...access].map(([user_id, each]) => ({ name, user_id, access: each }));
}

const listText = (addresses: readonly string[] | undefined) => addresses?.join(' ') ?? null;
const listOf = (text: string) => (text === '' ? [] : text.split(' '));

function stepOf(before: string | null, after: string | null): AddressStep | undefined {
  return before === null || after === null ? undefined : { before: listOf(before), after: listOf(after) };
}

const LONGEST_TEXT = 500;
/** NUL, and half of a surrogate pair. */
const UNSTORABLE = /\0|\p{Surrogate}/gu;

/**
 * Cleans text from a client: PostgreSQL refuses a NUL, and with it the whole batch of events; SQLite reads half of a surrogate pair in
 * JSON as three characters.
 */
export function sanitize(text: string): string {
  return text.slice(0, LONGEST_TEXT).replace(UNSTORABLE, '\ufffd');
}

export function eventRow(event: HistoryEvent): EventRow {
  return {
    id: event.id,
    name: nameText(event.ownerName),
    time_ms: event.timeMs,
    protocol: event.protocol,
    actor: sanitize(event.actor),
    source: sanitize(event.source),
    user_agent: sanitize(event.userAgent),
    outcome: event.outcome,
    a_before: listText(event.A?.before),
    a_after: listText(event.A?.after),
    aaaa_before: listText(event.AAAA?.before),
    aaaa_after: listText(event.AAAA?.after),
    code: event.code ?? null,
    detail: event.detail === undefined ? null : sanitize(event.detail),
    serial: event.serial ?? null,
  };
}

export function eventOf(row: EventRow): HistoryEvent {
  const optional = {
    A: stepOf(row.a_before, row.a_after),
    AAAA: stepOf(row.aaaa_before, row.aaaa_after),
    code: (row.code ?? undefined) as ErrorCode | undefined,
    detail: row.detail ?? undefined,
    serial: row.serial ?? undefined,
  };
  return {
    id: row.id,
    ownerName: nameOf(row.name),
    timeMs: row.time_ms,
    protocol: row.protocol,
    actor: row.actor,
    source: row.source,
    userAgent: row.user_agent,
    outcome: row.outcome as EventOutcome,
    ...(present(optional) as Pick<HistoryEvent, 'A' | 'AAAA' | 'code' | 'detail' | 'serial'>),
  };
}

export function pendingRow(update: PendingUpdate): PendingRow {
  return {
    name: nameText(update.ownerName),
    family: update.family,
    sequence: update.sequence,
    wanted: update.wanted.length === 0 ? null : update.wanted.join(','),
    ttl: update.ttl,
    before: update.before === undefined ? null : JSON.stringify(update.before),
    created_ms: update.createdMs,
    attempts: update.attempts,
    next_attempt_ms: update.nextAttemptMs,
    last_error: update.lastError ?? null,
    site: update.site ?? null,
  };
}

export function pendingOf(row: PendingRow): PendingUpdate {
  return {
    ownerName: nameOf(row.name),
    family: row.family as Family,
    sequence: row.sequence,
    wanted: row.wanted === null ? [] : row.wanted.split(','),
    ttl: row.ttl,
    before: row.before === null ? undefined : (JSON.parse(row.before) as string[][]),
    createdMs: row.created_ms,
    attempts: row.attempts,
    nextAttemptMs: row.next_attempt_ms,
    ...(row.last_error === null ? {} : { lastError: row.last_error as ErrorCode }),
    ...(row.site === null ? {} : { site: row.site }),
  };
}

export function textRow({ ownerName, text, addedMs, removeAtMs }: StoredText): TextRow {
  return { name: nameText(ownerName), text, added_ms: addedMs, remove_at_ms: removeAtMs };
}

export function textOf(row: TextRow): StoredText {
  return { ownerName: nameOf(row.name), text: row.text, addedMs: row.added_ms, removeAtMs: row.remove_at_ms };
}

/** Canonical order (RFC 4034 §6.1), independent of the collation of the database. */
export function byName(a: { readonly ownerName: DomainName }, b: { readonly ownerName: DomainName }): number {
  return DomainName.compare(a.ownerName, b.ownerName);
}

/** The order of `TokenStore.list`: by name, then by age. */
export function byTokenName(a: HostToken, b: HostToken): number {
  return compareTexts(a.name, b.name) || a.createdMs - b.createdMs || compareTexts(a.id, b.id);
}

/** By UTF-16 code unit, as `<` does; independent of the locale. */
export function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
