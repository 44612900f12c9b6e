/**
 * The end of a lease: the addresses of a host that was not heard of for too long are replaced by those of `fallback`, or
 * taken away, in the order in which updates of its name are published. There, too, is looked whether it has been heard of
 * meanwhile: a live update never loses against a lease.
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
import { namesOf, type UpdateAddresses } from '../updates/update-addresses.ts';
import { stepOf } from '../updates/update-host.ts';
import { FAMILIES, type Family } from '../zones/family.ts';
import type { WantedAddresses } from '../zones/plan-change.ts';
import type { Zone } from '../zones/zone.ts';

export interface EndedLease {
  readonly zone: Zone;
  readonly settings: HostSettings;
  /** The last update of the silence that this is about. */
  readonly lastSeenMs: number;
  /** An earlier attempt may have been applied although no reply came. */
  readonly inDoubt: boolean;
}

export type LeaseOutcome =
  | { readonly kind: 'ended' }
  /** The host was heard of, or an update of it waits to be published. */
  | { readonly kind: 'not-due' }
  | { readonly kind: 'failed'; readonly error: AppError };

export interface LeaseParts {
  readonly history: Pick<HistoryStore, 'activity' | 'stateAt'>;
  readonly pending: Pick<PendingStore, 'get'>;
  readonly flush: (ownerName: DomainName) => Promise<boolean>;
  readonly updates: Pick<UpdateAddresses, 'queue' | 'publish'>;
  readonly record: (event: NewHistoryEvent) => void;
  readonly timers: { now(): number };
}

/** For records of a fallback where neither host nor zone has a TTL. */
const FALLBACK_TTL = 60;

/** Never rejects with an AppError. A change is recorded before the next update of the name starts. */
export async function endLease(lease: EndedLease, parts: LeaseParts): Promise<LeaseOutcome> {
  const { updates, record, timers } = parts;
  const { ownerName } = lease.settings;
  try {
    const update = removal(lease);
    return await updates.queue.run(namesOf(update), async (deadlineMs) => {
      if (!(await isStillDue(lease, parts))) return { kind: 'not-due' };
      const { A, AAAA, changed } = await updates.publish(update, deadlineMs);
      const steps = changed
        ? { A: stepOf(A), AAAA: stepOf(AAAA) }
        : lease.inDoubt
          ? await stepsOfDoubt(ownerName, update.wanted, parts)
          : undefined;
      if (steps !== undefined) record({ ...leaseEvent(ownerName, timers.now()), outcome: 'changed', ...steps });
      return { kind: 'ended' };
    });
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    // Whether the host was heard of is not known then.
    return error.code === 'store-unreachable' ? { kind: 'not-due' } : { kind: 'failed', error };
  }
}

/** The update that ends a lease. @throws AppError */
function removal({ zone, settings }: EndedLease): CheckedUpdate {
  const { ownerName, ttl, fallback } = settings;
  const addresses = fallback.flatMap((text) => parseIpAddress(text) ?? []);
  const wanted = {
    A: addresses.find(({ family }) => family === 4) ?? null,
    AAAA: addresses.find(({ family }) => family === 6) ?? null,
  };
  // Fallbacks are the operator's own word, which stands above rules for clients.
  const allowed = { allow: fallback.flatMap((text) => parseIpPrefix(text) ?? []), deny: [] };
  const rules = { policies: [zone.addresses, allowed], hostTtl: ttl, fallbackTtl: FALLBACK_TTL };
  return prepareUpdate({ zone, ownerName, families: FAMILIES }, SERVER, { wanted }, rules);
}

const SERVER = { principal: MASTER, caller: undefined, origin: 'server' } as const;

/** Asked within the order of the name: the history has every update that was published before this one. */
async function isStillDue({ settings, lastSeenMs }: EndedLease, parts: LeaseParts): Promise<boolean> {
  const { ownerName } = settings;
  if (!(await parts.flush(ownerName))) return false;
  const activity = await parts.history.activity(ownerName);
  if (activity === undefined || activity.lastSeenMs > lastSeenMs) return false;
  for (const family of FAMILIES) if ((await parts.pending.get(ownerName, family)) !== undefined) return false;
  return true;
}

/** An earlier attempt without a reply was applied: what was there before it, only the history knows. */
async function stepsOfDoubt(ownerName: DomainName, wanted: WantedAddresses, { history, timers }: LeaseParts) {
  const before = await history.stateAt(ownerName, timers.now());
  const step = (family: Family): AddressStep => {
    const address = wanted[family];
    return { before: before[family] ?? [], after: address ? [address.text] : [] };
  };
  return { A: step('A'), AAAA: step('AAAA') };
}

export function leaseEvent(ownerName: DomainName, timeMs: number) {
  const who = { protocol: LEASE_PROTOCOL, actor: 'server', source: '', userAgent: '', origin: 'server' } as const;
  return { ownerName, timeMs, ...who };
}
