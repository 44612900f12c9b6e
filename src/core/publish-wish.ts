/**
 * One attempt to publish a wish: read, judge, and publish under prerequisites that state what was read, as live requests
 * do (update-addresses.ts). What was read is confirmed by the primary also where nothing is to be written: under a
 * wildcard the answer may be the wildcard's, and the name itself may have nothing.
 */
import { AppError } from './errors.ts';
import { planChange } from './plan-change.ts';
import type { PublishedAddresses } from './ports.ts';
import { judgeWish, type Wish } from './wishes.ts';
import type { Zone } from './zone.ts';

/** What came of it, and what was published before; `foreign`: somebody else has changed it, nothing was written. */
export interface WishResult {
  readonly kind: 'settled' | 'published' | 'foreign';
  /** Addresses of the wish's family, sorted. */
  readonly found: readonly string[];
}

/** How often what was read may turn out wrong before the attempt is given up. */
const MAX_ROUNDS = 4;

const NOTHING: PublishedAddresses = { A: { addresses: [], ttl: 0 }, AAAA: { addresses: [], ttl: 0 } };

/**
 * @param enforce write over what others have published since
 * @param deadlineMs of `performance.now()`
 * @throws AppError conflict where addresses at the name would not be seen, or others change it all the time; primary-*,
 *   publish-unknown
 */
export async function publishWish(zone: Zone, wish: Wish, enforce: boolean, deadlineMs: number): Promise<WishResult> {
  const { ownerName } = wish;
  let cname = false;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const read = await zone.publisher.read(ownerName, deadlineMs);
    if (read.kind === 'occluded') {
      throw new AppError('conflict', `Addresses at '${ownerName}' would not be seen: ${read.by}.`);
    }
    cname = read.kind === 'cname';
    if (read.kind === 'addresses') {
      const done = await attempt(zone, wish, read.published, enforce, deadlineMs);
      if (done !== undefined) return done;
    }
    // If a wildcard answers as it did when the wish was made, nobody has changed the name.
    const seen = read.kind === 'addresses' ? judgeWish(wish, read.published[wish.family].addresses) : 'foreign';
    const done = await attempt(zone, wish, NOTHING, enforce || seen !== 'foreign', deadlineMs);
    if (done !== undefined) return done;
  }
  throw new AppError(
    'conflict',
    cname ? `A CNAME record is at '${ownerName}'.` : `The records of '${ownerName}' were changed again and again.`,
  );
}

/** Undefined: it is not so that these addresses are published. */
async function attempt(
  zone: Zone,
  wish: Wish,
  published: PublishedAddresses,
  enforce: boolean,
  deadlineMs: number,
): Promise<WishResult | undefined> {
  const { ownerName, family, wanted, ttl } = wish;
  const found = published[family].addresses;
  const verdict = judgeWish(wish, found);
  const leave = verdict === 'foreign' && !enforce;
  const { change } = planChange({
    zone: zone.apex,
    ownerName,
    wanted: leave ? {} : { [family]: wanted },
    published,
    ttl,
    ttlIsExplicit: false,
  });
  if ((await zone.publisher.publish(change, deadlineMs)) === 'stale') return undefined;
  if (leave) return { kind: 'foreign', found };
  return { kind: verdict === 'settled' ? 'settled' : 'published', found };
}
