/**
 * Tokens, hosts, events and pending updates as an operator sees them: plain values that go through JSON unchanged, with
 * names and times as text. Only a new token holds a secret.
 */
import { hash } from 'node:crypto';
import { formatIpPrefix } from '../../dns/address.ts';
import type { DomainName } from '../../dns/name.ts';
import { formatRRType } from '../../dns/rdata.ts';
import { type ListedToken, tokenState, unusedEndMs } from '../access/token.ts';
import { lastKnownMs } from '../access/unused-tokens.ts';
import type { HistoryEvent } from '../history/history.ts';
import type { HostSettings } from '../hosts/host.ts';
import { accessOf } from '../hosts/host-access.ts';
import type { PendingUpdate } from '../pending/pending-update.ts';
import type { LeftOutMember } from '../updates/prepare-update.ts';
import type { AddressUpdate } from '../updates/update-addresses.ts';
import { isPrivate } from '../zones/special-addresses.ts';
import { type AdminCaller, asMember } from './caller.ts';
import type { EventView } from './history-operations.ts';
import type { HostView, PendingUpdateView, PreviewView } from './host-operations.ts';
import type { NewTokenView, TokenView } from './token-operations.ts';

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

export function tokenView(token: ListedToken, origin: TokenView['origin'], nowMs: number): TokenView {
  const { name, hosts, types, addresses, sources, expires, register, maxUnusedDays, createdMs, revokedMs } = token;
  const { lastUsedMs } = token;
  return {
    name,
    origin,
    hosts: hosts.map(String),
    types: types.map(formatRRType),
    addresses: typeof addresses === 'string' ? addresses : addresses.map(formatIpPrefix),
    ...(token.owner !== undefined && { owner: token.owner.name }),
    ...(sources !== undefined && { sources: sources.map(formatIpPrefix) }),
    ...(expires !== undefined && { expires }),
    ...(register === true && { register }),
    ...(maxUnusedDays !== undefined && { maxUnusedDays }),
    state: listedState(token, nowMs),
    ...(origin === 'store' && { created: isoTime(createdMs) }),
    ...(revokedMs !== undefined && { revoked: isoTime(revokedMs) }),
    ...(lastUsedMs !== undefined && { lastUsed: isoTime(lastUsedMs) }),
  };
}

type ListedCredential = Pick<
  ListedToken,
  'expires' | 'revokedMs' | 'maxUnusedDays' | 'createdMs' | 'lastUsedMs' | 'firstSeenMs'
>;

/** The state of a token or key, with the end by `maxUnusedDays` as far as its last use is known. */
export function listedState(token: ListedCredential, nowMs: number): TokenView['state'] {
  const state = tokenState(token, nowMs);
  const lastMs = lastKnownMs(token.createdMs, token.lastUsedMs, token.firstSeenMs);
  const endMs = lastMs === 0 ? undefined : unusedEndMs(token, lastMs);
  return state === 'valid' && endMs !== undefined && nowMs >= endMs ? 'unused' : state;
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
    wanted: wanted.length === 0 ? null : wanted.join(','),
    since: isoTime(createdMs),
    attempts,
    nextAttempt: isoTime(nextAttemptMs),
    ...(lastError !== undefined && { lastError }),
  };
}

/** Changes with the settings of a host: its entity tag. @param settings undefined: it has none */
export function revisionOf(settings: HostSettings | undefined): string {
  if (settings === undefined) return 'none';
  const { ownerName, addresses, members, ...others } = settings;
  const { allow, deny, members: shownMembers } = settingsView({ addresses, members });
  // In one order, whatever the order of the fields is.
  const fields = Object.entries(others).sort(([a], [b]) => (a < b ? -1 : 1));
  return hash('sha256', JSON.stringify([ownerName.key, fields, allow, deny, shownMembers]), 'base64url').slice(0, 22);
}

function settingsView({ addresses, members }: Pick<HostSettings, 'addresses' | 'members'>) {
  return {
    allow: addresses.allow.map(formatIpPrefix),
    deny: addresses.deny.map(formatIpPrefix),
    members: members.map(({ ownerName: name, host, subnet }) => ({
      name: name.toString(),
      ...(host.kind === 'mac' ? { mac: host.text } : { interfaceId: host.text }),
      subnet,
    })),
  };
}

/** For whom a host is shown. */
export interface HostViewer {
  /** Of users, by id: owners and those with a share. */
  readonly names: ReadonlyMap<string, string>;
  readonly caller: AdminCaller;
}

/** @param activity undefined: the host was never updated */
export function hostView(
  ownerName: DomainName,
  settings: HostSettings | undefined,
  origin: HostView['origin'],
  activity: { readonly repeats: number; readonly lastSeenMs: number } | undefined,
  viewer?: HostViewer,
): HostView {
  return {
    host: ownerName.toString(),
    origin,
    enabled: settings?.enabled ?? true,
    ...(settings?.ttl !== undefined && { ttl: settings.ttl }),
    ...settingsView(settings ?? NO_SETTINGS),
    ...(settings?.silentAfterSeconds !== undefined && { silentAfterSeconds: settings.silentAfterSeconds }),
    ...(settings?.leaseSeconds !== undefined && {
      leaseSeconds: settings.leaseSeconds,
      fallback: settings.fallback,
    }),
    ...(settings?.interfaceId !== undefined && { interfaceId: settings.interfaceId }),
    ...(settings?.prefixLength !== undefined && { prefixLength: settings.prefixLength }),
    ...(activity && { lastSeen: isoTime(activity.lastSeenMs), repeats: activity.repeats }),
    ...(viewer && ownershipView(settings, viewer)),
    revision: revisionOf(settings),
  };
}

const NO_SETTINGS: Pick<HostSettings, 'addresses' | 'members'> = { addresses: { allow: [], deny: [] }, members: [] };

function ownershipView(
  settings: HostSettings | undefined,
  { names, caller }: HostViewer,
): Pick<HostView, 'owner' | 'shares' | 'access'> {
  const owner = settings?.ownerId && names.get(settings.ownerId);
  const member = asMember(caller);
  const access = member && accessOf(settings, member.user.id);
  const shares = (settings?.shares ?? []).flatMap(({ userId, access: granted }) => {
    const user = names.get(userId);
    return user === undefined ? [] : [{ user, access: granted }];
  });
  // Who else sees a host is for its owner.
  const isShown = shares.length > 0 && (access === undefined || access === 'own');
  return { ...(owner && { owner }), ...(isShown && { shares }), ...(access && { access }) };
}

/** What a dry run would change. */
export function previewView({
  result,
  leftOut,
}: {
  readonly result: AddressUpdate;
  readonly leftOut: readonly LeftOutMember[];
}): PreviewView {
  return {
    A: result.A,
    AAAA: result.AAAA,
    members: result.members.map(({ ownerName, AAAA }) => ({ host: ownerName.toString(), ...AAAA })),
    left: leftOut.map(({ ownerName, why }) => ({ host: ownerName.toString(), why })),
  };
}

/** When each secondary first served an event; undefined: not yet. */
export type ServedBy = readonly { readonly secondary: string; readonly timeMs: number | undefined }[];

export function eventView({ ownerName: _host, timeMs, ...event }: HistoryEvent, served?: ServedBy): EventView {
  const published = [...(event.A?.after ?? []), ...(event.AAAA?.after ?? [])];
  return {
    ...event,
    time: isoTime(timeMs),
    ...(published.some(isPrivate) && { private: true }),
    ...(served && {
      secondaries: served.map(({ secondary, timeMs: servedMs }) => ({
        secondary,
        ...(servedMs !== undefined && { seconds: Math.max(0, servedMs - timeMs) / 1000 }),
      })),
    }),
  };
}
