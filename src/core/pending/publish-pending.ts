/**
 * One attempt to publish wishes of one zone in one step: read, judge, and publish under prerequisites that state what was
 * read, as live requests do (update-addresses.ts). What was read is confirmed by the primary also where nothing is to be
 * written: under a wildcard the answer may be the wildcard's, and the name itself may have nothing.
 */
import type { DomainName } from '../../dns/name.ts';
import type { Clock } from '../timers.ts';
import { addressOf, type Family } from '../zones/family.ts';
import { planChange, type WantedAddresses } from '../zones/plan-change.ts';
import { publishNames } from '../zones/publish-change.ts';
import type { PublishedAddresses } from '../zones/publisher.ts';
import type { Zone } from '../zones/zone.ts';
import { judgePending, type PendingUpdate } from './pending-update.ts';

/** What came of a wish, and what was published before; `foreign`: somebody else has changed it, nothing was written. */
export interface PendingResult {
  readonly wish: PendingUpdate;
  readonly kind: 'settled' | 'published' | 'foreign';
  /** Addresses of the wish's family, sorted. */
  readonly found: readonly string[];
}

/**
 * @param wishes not empty, one for a name and family
 * @param enforce write over what others have published since
 * @param deadlineMs of `clock`
 * @throws AppError conflict where addresses at a name would not be seen; contended where others change it all the time;
 *   primary-*, publish-unknown
 */
export async function publishPending(
  zone: Zone,
  wishes: readonly PendingUpdate[],
  enforce: boolean,
  deadlineMs: number,
  clock: Clock,
): Promise<readonly PendingResult[]> {
  const byName = new Map<string, { ownerName: DomainName; wishes: PendingUpdate[] }>();
  for (const wish of wishes) {
    const known = byName.get(wish.ownerName.key);
    if (known === undefined) byName.set(wish.ownerName.key, { ownerName: wish.ownerName, wishes: [wish] });
    else known.wishes.push(wish);
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
        const results = place.wishes.map((wish) => judge(wish, published, seen[index]!, enforce));
        const wanted: { -readonly [F in Family]?: WantedAddresses[F] } = {};
        for (const { wish, kind } of results)
          if (kind !== 'foreign')
            wanted[wish.family] = wish.wanted === null ? null : addressOf(wish.family, wish.wanted);
        const ttl = place.wishes[0]!.ttl;
        const { ownerName } = place;
        const input = { zone: zone.apex, ownerName, wanted, published, ttl, ttlIsExplicit: false };
        return { plan: planChange(input), results };
      });
      return { plans: planned.map(({ plan }) => plan), result: planned.flatMap(({ results }) => results) };
    },
  });
}

/** If a wildcard answers as it did when the wish was made, nobody has changed the name. */
function judge(
  wish: PendingUpdate,
  published: PublishedAddresses,
  seen: PublishedAddresses,
  enforce: boolean,
): PendingResult {
  const found = published[wish.family].addresses;
  const verdict = judgePending(wish, found);
  if (verdict === 'settled') return { wish, kind: 'settled', found };
  const isForeign = verdict === 'foreign' && judgePending(wish, seen[wish.family].addresses) === 'foreign';
  return { wish, kind: isForeign && !enforce ? 'foreign' : 'published', found };
}
