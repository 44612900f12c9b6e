/**
 * The end of a lease: the addresses of a host that was not heard of for too long are replaced by those of `fallback`, or
 * taken away, in the order in which updates of its name are published. There, too, is looked whether it has been heard of
 * meanwhile: a live update never loses against a lease.
 */

import { type IpAddress, parseIpAddress, parseIpPrefix } from '../../dns/address.ts';
import type { DomainName } from '../../dns/name.ts';
import { AppError } from '../errors.ts';
import type { AddressStep } from '../history/history.ts';
import type { HistoryStore } from '../history/history-store.ts';
import type { HostSettings } from '../hosts/host.ts';
import type { PendingStore } from '../pending/pending-store.ts';
import { OutdatedUpdate, type UpdateAddresses } from '../updates/update-addresses.ts';
import { FAMILIES, type Family, familyOf } from '../zones/family.ts';
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
  /** Steps are absent where nothing had to be changed. */
  | { readonly kind: 'ended'; readonly steps?: Readonly<Record<Family, AddressStep>> }
  /** The host was heard of, or an update of it waits to be published. */
  | { readonly kind: 'not-due' }
  | { readonly kind: 'failed'; readonly error: AppError };

export interface LeaseParts {
  readonly history: Pick<HistoryStore, 'activity' | 'stateAt'>;
  readonly pending: Pick<PendingStore, 'get'>;
  readonly flush: (ownerName: DomainName) => Promise<boolean>;
  readonly updates: Pick<UpdateAddresses, 'run'>;
  readonly timers: { now(): number };
}

/** For records of a fallback where neither host nor zone says a TTL. */
const FALLBACK_TTL = 60;

/** Never rejects with an AppError. */
export async function endLease(lease: EndedLease, parts: LeaseParts): Promise<LeaseOutcome> {
  const { zone, settings } = lease;
  const { ownerName, ttl } = settings;
  const wanted = { A: fallbackOf(settings, 'A'), AAAA: fallbackOf(settings, 'AAAA') };
  try {
    const { A, AAAA, changed } = await parts.updates.run({
      // Fallbacks are the operator's own word, which stands above rules for clients.
      zone: { ...zone, addresses: { ...zone.addresses, allow: [...zone.addresses.allow, ...prefixesOf(settings)] } },
      ownerName,
      wanted,
      fallbackTtl: FALLBACK_TTL,
      ...(ttl !== undefined && { hostTtl: ttl }),
      isStillDue: () => isStillDue(lease, parts),
    });
    if (changed) return { kind: 'ended', steps: { A: stepOf(A), AAAA: stepOf(AAAA) } };
    return lease.inDoubt ? await endedBefore(lease, wanted, parts) : { kind: 'ended' };
  } catch (error) {
    if (error instanceof OutdatedUpdate) return { kind: 'not-due' };
    if (!(error instanceof AppError)) throw error;
    // Whether the host was heard of is not known then.
    return error.code === 'store-unreachable' ? { kind: 'not-due' } : { kind: 'failed', error };
  }
}

/** Asked within the order of the name: an update that was published before this is in the store now. */
async function isStillDue({ settings, lastSeenMs }: EndedLease, parts: LeaseParts): Promise<boolean> {
  const { ownerName } = settings;
  await nextTurn();
  if (!(await parts.flush(ownerName))) return false;
  const activity = await parts.history.activity(ownerName);
  if (activity === undefined || activity.lastSeenMs > lastSeenMs) return false;
  for (const family of FAMILIES) if ((await parts.pending.get(ownerName, family)) !== undefined) return false;
  return true;
}

/** Whoever published before tells the history right after the order goes on: that has to come first. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** The attempt in doubt was applied: what was there before it only the history knows. */
async function endedBefore(
  { settings }: EndedLease,
  wanted: Readonly<Record<Family, IpAddress | null>>,
  { history, timers }: LeaseParts,
): Promise<LeaseOutcome> {
  const before = await history.stateAt(settings.ownerName, timers.now());
  const stepFor = (family: Family) => {
    const address = wanted[family];
    return { before: before[family] ?? [], after: address === null ? [] : [address.text] };
  };
  return { kind: 'ended', steps: { A: stepFor('A'), AAAA: stepFor('AAAA') } };
}

function fallbackOf({ fallback }: HostSettings, family: Family): IpAddress | null {
  const addresses = fallback.flatMap((text) => parseIpAddress(text) ?? []);
  return addresses.find((address) => familyOf(address) === family) ?? null;
}

function prefixesOf({ fallback }: HostSettings) {
  return fallback.flatMap((text) => parseIpPrefix(text) ?? []);
}

function stepOf({ before, after }: AddressStep): AddressStep {
  return { before, after };
}
