/**
 * The end of a lease: the addresses of a host that has been silent for too long are replaced by those of `fallback`, or
 * removed, in the order of the updates of its name. Whether the host is still silent is checked within that order: a live
 * update never loses against a lease. Where servers share the store, the order is that of turns.ts.
 */

import { parseIpAddress, parseIpPrefix } from '../../dns/address.ts';
import type { DomainName } from '../../dns/name.ts';
import { MASTER } from '../access/principal.ts';
import { AppError } from '../errors.ts';
import { type AddressStep, LEASE_PROTOCOL, type NewHistoryEvent } from '../history/history.ts';
import type { HistoryStore } from '../history/history-store.ts';
import type { HostSettings } from '../hosts/host.ts';
import type { PendingStore } from '../pending/pending-store.ts';
import { type CheckedUpdate, prepareUpdate } from '../updates/prepare-update.ts';
import { inTurn, type Turn, type Turns } from '../updates/turns.ts';
import { namesOf, type UpdateAddresses } from '../updates/update-addresses.ts';
import { stepOf } from '../updates/update-host.ts';
import { FAMILIES, type Family } from '../zones/family.ts';
import { sortedTexts, type WantedAddresses } from '../zones/plan-change.ts';
import type { Zone } from '../zones/zone.ts';

export interface EndedLease {
  readonly zone: Zone;
  readonly settings: HostSettings;
  /** When the silence began. */
  readonly lastSeenMs: number;
  /** An earlier attempt may have been applied although no reply came. */
  readonly inDoubt: boolean;
}

export type LeaseOutcome =
  | { readonly kind: 'ended' }
  /** The host has sent an update, or has a pending one. */
  | { readonly kind: 'not-due' }
  | { readonly kind: 'failed'; readonly error: AppError };

export interface LeaseParts {
  readonly history: Pick<HistoryStore, 'activity' | 'stateAt' | 'noteSilence' | 'notedSilence'>;
  readonly pending: Pick<PendingStore, 'get'>;
  readonly flush: (ownerName: DomainName) => Promise<boolean>;
  readonly updates: Pick<UpdateAddresses, 'queue' | 'publish'>;
  readonly record: (event: NewHistoryEvent) => void;
  readonly timers: { now(): number };
  /** Undefined: no other server uses the store. */
  readonly turns?: Turns | undefined;
}

/** For records of a fallback where neither host nor zone has a TTL. */
const FALLBACK_TTL = 60;

/** Never rejects with an AppError. A change is recorded before the next update of the name starts. */
export async function endLease(lease: EndedLease, parts: LeaseParts): Promise<LeaseOutcome> {
  const { ownerName } = lease.settings;
  try {
    const update = removal(lease);
    const names = namesOf(update);
    return await parts.updates.queue.run(names, async (deadlineMs) => {
      const outcome = await inTurn(parts.turns, names, async (turn) => {
        if (!(await isStillDue(lease, turn, parts))) return { kind: 'not-due' } as const;
        await replaceAddresses(lease, update, turn?.deadlineMs ?? deadlineMs, parts);
        // Within the turn: no other server ends this lease once more.
        await parts.history.noteSilence(ownerName, 'lease-ended', lease.lastSeenMs);
        return { kind: 'ended' } as const;
      });
      return outcome === 'taken' ? { kind: 'not-due' } : outcome;
    });
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    // Whether the host is still silent is not known then.
    return error.code === 'store-unreachable' ? { kind: 'not-due' } : { kind: 'failed', error };
  }
}

/** @throws AppError */
async function replaceAddresses(
  lease: EndedLease,
  update: CheckedUpdate,
  deadlineMs: number,
  parts: LeaseParts,
): Promise<void> {
  const { ownerName } = lease.settings;
  const { A, AAAA, changed } = await parts.updates.publish(update, deadlineMs);
  const steps = changed
    ? { A: stepOf(A), AAAA: stepOf(AAAA) }
    : lease.inDoubt
      ? await stepsOfDoubt(ownerName, update.wanted, parts)
      : undefined;
  if (steps === undefined) return;
  parts.record({ ...leaseEvent(ownerName, parts.timers.now()), outcome: 'changed', ...steps });
}

/** The update that ends a lease. @throws AppError */
function removal({ zone, settings }: EndedLease): CheckedUpdate {
  const { ownerName, ttl, fallback } = settings;
  const addresses = fallback.flatMap((text) => parseIpAddress(text) ?? []);
  const wanted = {
    A: addresses.filter(({ family }) => family === 4),
    AAAA: addresses.filter(({ family }) => family === 6),
  };
  // Fallbacks are set by the operator: they take precedence over the rules for clients.
  const allowed = { allow: fallback.flatMap((text) => parseIpPrefix(text) ?? []), deny: [] };
  const rules = { policies: [zone.addresses, allowed], hostTtl: ttl, fallbackTtl: FALLBACK_TTL };
  return prepareUpdate({ zone, ownerName, families: FAMILIES }, SERVER, { wanted }, rules);
}

const SERVER = { principal: MASTER, caller: undefined, origin: 'server' } as const;

/**
 * Called within the order of the name: every update that was published before is in the history. One by another server is there
 * as well, unless that server has ended within a second: then the store knows that it was announced.
 */
async function isStillDue(
  { settings, lastSeenMs }: EndedLease,
  turn: Turn | undefined,
  parts: LeaseParts,
): Promise<boolean> {
  const { ownerName, leaseSeconds } = settings;
  if (!(await parts.flush(ownerName))) return false;
  const activity = await parts.history.activity(ownerName);
  if (activity === undefined || activity.lastSeenMs > lastSeenMs) return false;
  const announcedMs = turn?.announcedMs.get(ownerName.key);
  if (announcedMs !== undefined && announcedMs < (leaseSeconds ?? 0) * 1000) return false;
  if (((await parts.history.notedSilence(ownerName, 'lease-ended')) ?? 0) >= lastSeenMs) return false;
  for (const family of FAMILIES) if ((await parts.pending.get(ownerName, family)) !== undefined) return false;
  return true;
}

/** An earlier attempt without a reply was applied: only the history has the addresses before it. */
async function stepsOfDoubt(ownerName: DomainName, wanted: WantedAddresses, { history, timers }: LeaseParts) {
  const before = await history.stateAt(ownerName, timers.now());
  const step = (family: Family): AddressStep => {
    return { before: before[family] ?? [], after: sortedTexts(wanted[family] ?? []) };
  };
  return { A: step('A'), AAAA: step('AAAA') };
}

export function leaseEvent(ownerName: DomainName, timeMs: number) {
  const who = { protocol: LEASE_PROTOCOL, actor: 'server', source: '', userAgent: '', origin: 'server' } as const;
  return { ownerName, timeMs, ...who };
}
