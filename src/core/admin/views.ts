/**
 * Tokens, hosts, events and wishes as an operator is told of them: plain values that go through JSON unchanged, with
 * names and times as text. No secret is in them, but for that of a token that was just made.
 */
import { formatIpPrefix, type IpPrefix } from '../../dns/address.ts';
import type { DomainName } from '../../dns/name.ts';
import { formatRRType } from '../../dns/rdata.ts';
import { type HostToken, type ListedToken, tokenState } from '../access/token.ts';
import type { HistoryEvent, NewHistoryEvent } from '../history/history.ts';
import type { HostSettings } from '../hosts/host.ts';
import type { PendingUpdate } from '../pending/pending-update.ts';

/** Where something is set. `none`: a host that was only heard of. */
export type Origin = 'configuration' | 'store';

export interface TokenView {
  readonly name: string;
  readonly origin: Origin;
  /** Owner names and patterns, with the final dot. */
  readonly hosts: readonly string[];
  readonly types: readonly string[];
  readonly addresses: 'any' | 'own' | readonly string[];
  /** Prefixes that its requests may come from; absent: anywhere. */
  readonly sources?: readonly string[];
  /** The last day, `YYYY-MM-DD` in UTC. */
  readonly expires?: string;
  readonly state: 'valid' | 'expired' | 'revoked';
  /** ISO 8601 in UTC, as all times here. */
  readonly created?: string;
  readonly revoked?: string;
  readonly lastUsed?: string;
}

export interface NewTokenView {
  readonly token: TokenView;
  /** Told this once. */
  readonly secret: string;
  readonly sha256: string;
  /** The secret is the password of this user of FreeDNS version 1. */
  readonly freednsUser?: string;
}

export interface PendingUpdateView {
  readonly host: string;
  readonly family: 'A' | 'AAAA';
  /** Null: no address. */
  readonly wanted: string | null;
  readonly since: string;
  readonly attempts: number;
  readonly nextAttempt: string;
  /** Why it could not be published: a code of docs/errors.md. */
  readonly lastError?: string;
}

/** The oldest of many. */
export interface PendingView {
  readonly count: number;
  readonly oldest: readonly PendingUpdateView[];
}

export interface HostView {
  readonly host: string;
  readonly origin: Origin | 'none';
  readonly enabled: boolean;
  /** Seconds. */
  readonly ttl?: number;
  readonly allow: readonly string[];
  readonly deny: readonly string[];
  readonly members: readonly MemberView[];
  /** Absent: never told, never taken away. */
  readonly silentAfterSeconds?: number;
  readonly leaseSeconds?: number;
  readonly fallback?: readonly string[];
  /** The last update that was accepted. */
  readonly lastSeen?: string;
  /** Updates that changed nothing. */
  readonly repeats?: number;
}

export interface MemberView {
  readonly name: string;
  /** One of these two: its interface identifier, or what that is made from. */
  readonly interfaceId?: string;
  readonly mac?: string;
  readonly subnet: number;
}

export interface HostDetails extends HostView {
  /** As the primary answers now. */
  readonly published?: { readonly A: readonly string[]; readonly AAAA: readonly string[] };
  /** Why that is not known. */
  readonly publishedProblem?: string;
  readonly pending: readonly PendingUpdateView[];
  /** Valid tokens that may change it. */
  readonly tokens: readonly { readonly name: string; readonly origin: Origin; readonly types: readonly string[] }[];
}

export interface EventView extends Omit<NewHistoryEvent, 'ownerName' | 'timeMs' | 'origin'> {
  readonly id: string;
  readonly time: string;
}

export interface HistoryView {
  readonly host: string;
  /** Newest first. */
  readonly events: readonly EventView[];
  /** There are older ones: `--before` the id of the last one shows them. */
  readonly more: boolean;
  readonly lastSeen?: string;
  readonly repeats?: number;
}

/** A family of which nothing is known is absent. */
export interface PastView {
  readonly host: string;
  readonly time: string;
  readonly A?: readonly string[];
  readonly AAAA?: readonly string[];
}

export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

export function newTokenView(
  token: TokenView,
  sha256: string,
  secret: string,
  freednsUser: string | undefined,
): NewTokenView {
  return { token, secret, sha256, ...(freednsUser !== undefined && { freednsUser }) };
}

export function tokenView(token: HostToken | ListedToken, origin: Origin, nowMs: number): TokenView {
  const { name, hosts, types, addresses, sources, expires, createdMs, revokedMs } = token;
  const lastUsedMs = 'lastUsedMs' in token ? token.lastUsedMs : undefined;
  return {
    name,
    origin,
    hosts: hosts.map(String),
    types: types.map(formatRRType),
    addresses: typeof addresses === 'string' ? addresses : addresses.map(formatIpPrefix),
    ...(sources !== undefined && { sources: sources.map(formatIpPrefix) }),
    ...(expires !== undefined && { expires }),
    state: tokenState(token, nowMs),
    ...(origin === 'store' && { created: isoTime(createdMs) }),
    ...(revokedMs !== undefined && { revoked: isoTime(revokedMs) }),
    ...(lastUsedMs !== undefined && { lastUsed: isoTime(lastUsedMs) }),
  };
}

export function pendingUpdateView({
  ownerName,
  family,
  wanted,
  createdMs,
  attempts,
  nextAttemptMs,
  lastError,
}: PendingUpdate): PendingUpdateView {
  return {
    host: ownerName.toString(),
    family,
    wanted,
    since: isoTime(createdMs),
    attempts,
    nextAttempt: isoTime(nextAttemptMs),
    ...(lastError !== undefined && { lastError }),
  };
}

/** @param activity when and how often it was heard of */
export function hostView(
  ownerName: DomainName,
  settings: HostSettings | undefined,
  origin: HostView['origin'],
  activity: { readonly repeats: number; readonly lastSeenMs: number } | undefined,
): HostView {
  const prefixes = (list: readonly IpPrefix[] = []) => list.map(formatIpPrefix);
  return {
    host: ownerName.toString(),
    origin,
    enabled: settings?.enabled ?? true,
    ...(settings?.ttl !== undefined && { ttl: settings.ttl }),
    allow: prefixes(settings?.addresses.allow),
    deny: prefixes(settings?.addresses.deny),
    members: (settings?.members ?? []).map(({ ownerName: name, host, subnet }) => ({
      name: name.toString(),
      ...(host.kind === 'mac' ? { mac: host.text } : { interfaceId: host.text }),
      subnet,
    })),
    ...(settings?.silentAfterSeconds !== undefined && { silentAfterSeconds: settings.silentAfterSeconds }),
    ...(settings?.leaseSeconds !== undefined && {
      leaseSeconds: settings.leaseSeconds,
      fallback: settings.fallback,
    }),
    ...(activity && { lastSeen: isoTime(activity.lastSeenMs), repeats: activity.repeats }),
  };
}

export function eventView({ ownerName: _host, timeMs, ...event }: HistoryEvent): EventView {
  return { ...event, time: isoTime(timeMs) };
}
