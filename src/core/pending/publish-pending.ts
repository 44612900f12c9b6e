/**
 * One attempt to publish pending updates of one zone in one step: read, judge, and publish under prerequisites that state
 * what was read, as live requests do (update-addresses.ts). The primary confirms what was read even where nothing is
 * written: under a wildcard the answer may be the wildcard's while the name itself has no data.
 */
import type { DomainName } from '../../dns/name.ts';
import type { Clock } from '../timers.ts';
import { addressOf, type Family } from '../zones/family.ts';
import { planChange, type WantedAddresses } from '../zones/plan-change.ts';
import { publishNames } from '../zones/publish-change.ts';
import type { PublishedAddresses } from '../zones/publisher.ts';
import type { Zone } from '../zones/zone.ts';
import { judgePending, type PendingUpdate } from './pending-update.ts';

/** The result for one pending update. `foreign`: someone else has changed the name, and nothing was written. */
export interface PendingResult {
  readonly pending: PendingUpdate;
  readonly kind: 'settled' | 'published' | 'foreign';
  /** The addresses of its family that were published before, sorted. */
  readonly found: readonly string[];
}

/**
 * @param updates not empty, one for a name and family
 * @param enforce write over what others have published since
 * @param deadlineMs of `clock`
 * @throws AppError conflict where addresses at a name would not be seen; contended where others change it all the time;
 *   primary-*, publish-unknown
 */
export async function publishPending(
  zone: Zone,
  updates: readonly PendingUpdate[],
  enforce: boolean,
  deadlineMs: number,
  clock: Clock,
): Promise<readonly PendingResult[]> {
  const byName = new Map<string, { ownerName: DomainName; updates: PendingUpdate[] }>();
  for (const update of updates) {
    const place = byName.get(update.ownerName.key);
    if (place === undefined) byName.set(update.ownerName.key, { ownerName: update.ownerName, updates: [update] });
    else place.updates.push(update);
  }
  const places = [...byName.values()];
  return publishNames({
    zone,
    names: places.map(({ ownerName }) => ownerName),
    deadlineMs,
    clock,
    mayRecall: false,
    plan: (beliefs, seen) => {
      const planned = places.map((place, index) => {
        const published = beliefs[index]!;
        const results = place.updates.map((pending) => judge(pending, published, seen[index]!, enforce));
        const wanted = wantedOf(results);
        const { ttl, ownerName } = place.updates[0]!;
        const input = { zone: zone.apex, ownerName, wanted, published, ttl, ttlIsExplicit: false };
        return { plan: planChange(input), results };
      });
      return { plans: planned.map(({ plan }) => plan), result: planned.flatMap(({ results }) => results) };
    },
  });
}

/** What is to be published for one name: nothing that someone else has changed. */
function wantedOf(results: readonly PendingResult[]): WantedAddresses {
  const wanted: { -readonly [F in Family]?: WantedAddresses[F] } = {};
  for (const { pending, kind } of results) {
    if (kind === 'foreign') continue;
    wanted[pending.family] = pending.wanted.map((text) => addressOf(pending.family, text));
  }
  return wanted;
}

/** If a wildcard answers as it did when the update was saved, no one has changed the name. */
function judge(
  pending: PendingUpdate,
  published: PublishedAddresses,
  seen: PublishedAddresses,
  enforce: boolean,
): PendingResult {
  const found = published[pending.family].addresses;
  const verdict = judgePending(pending, found);
  if (verdict === 'settled') return { pending, kind: 'settled', found };
  const isForeign = verdict === 'foreign' && judgePending(pending, seen[pending.family].addresses) === 'foreign';
  return { pending, kind: isForeign && !enforce ? 'foreign' : 'published', found };
}
