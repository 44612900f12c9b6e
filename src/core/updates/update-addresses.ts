/**
 * Publishes a checked update of addresses, and reports what they were before.
 *
 * What is published is first believed (what was last seen there, else what the primary answers), then the change is
 * published under prerequisites that state this belief. The primary confirms belief and change in one atomic step, so
 * the old value that is reported is true even while others change the zone. docs/decisions/0001 has the reasons.
 */

import { type IpAddress, type IpPrefix, moveAddress } from '../../dns/address.ts';
import type { DomainName } from '../../dns/name.ts';
import { AppError, type ErrorCode } from '../errors.ts';
import { addressOf, FAMILIES, type Family } from '../zones/family.ts';
import { type ChangePlan, type FamilyPlan, planChange, type WantedAddresses } from '../zones/plan-change.ts';
import { type Beliefs, type NamesChange, publishNames } from '../zones/publish-change.ts';
import type { PublishedAddresses } from '../zones/publisher.ts';
import { isPrivate } from '../zones/special-addresses.ts';
import type { FailedUpdate, PendingUpdates } from './pending-updates.ts';
import { type CheckedUpdate, checkRules } from './prepare-update.ts';
import type { UpdateQueue } from './update-queue.ts';

/** The result of an update; `changed` and each family's before and after are confirmed by the primary. */
export type AddressUpdate = Pick<ChangePlan, 'A' | 'AAAA'> & {
  readonly ownerName: DomainName;
  /** Of the name or of a member. */
  readonly changed: boolean;
  readonly members: readonly { readonly ownerName: DomainName; readonly AAAA: FamilyPlan }[];
};

/** Whether a private address is published after an update, at the name or at a member. */
export function hasPrivateAddress({ A, AAAA, members }: AddressUpdate): boolean {
  return (
    A.after.some(isPrivate) || AAAA.after.some(isPrivate) || members.some((member) => member.AAAA.after.some(isPrivate))
  );
}

/** Waits for the turn of these names (turns.ts). Never rejects; no promise where there is nothing to wait for. */
export type Announce = (ownerNames: readonly DomainName[]) => Promise<void> | undefined;

export class UpdateAddresses {
  /** In whose order each update is published. */
  readonly queue: UpdateQueue;
  readonly #pending: PendingUpdates | undefined;
  readonly #announce: Announce | undefined;

  /**
   * @param pending gets the result of each update, within its order
   * @param announce called before an update of a client or an operator is published; absent: no other server has a part in it
   */
  constructor(queue: UpdateQueue, pending?: PendingUpdates, announce?: Announce) {
    this.queue = queue;
    this.#pending = pending;
    this.#announce = announce;
  }

  /**
   * Publishes an update. The caller is in the order of `namesOf(update)`, by the queue. An update of a client or an operator
   * that fails may become a pending update; one of the server does not.
   * @param changeRefused thrown instead of a change; an update that changes nothing is confirmed all the same
   * @throws AppError address-refused, conflict, contended, primary-*, publish-unknown, `changeRefused`
   */
  async publish(update: CheckedUpdate, deadlineMs: number, changeRefused?: AppError): Promise<AddressUpdate> {
    const { choice, origin, zone } = update;
    const isDryRun = choice.isDryRun === true;
    const change: NamesChange<AddressUpdate> = {
      zone,
      names: namesOf(update),
      deadlineMs,
      clock: this.queue.clock,
      mayRecall: choice.ttl === undefined,
      isDryRun,
      plan: (beliefs) => planUpdate(update, beliefs, changeRefused),
      beliefs: undefined,
    };
    const turn = this.#turnOf(change.names, update);
    if (turn !== undefined) await turn;
    try {
      const result = await publishNames(change);
      const settled = isDryRun ? undefined : this.#settled(update);
      if (settled !== undefined) await settled;
      return result;
    } catch (error) {
      if (!(error instanceof AppError) || this.#pending === undefined || isDryRun || origin === 'server') throw error;
      const outcome = await this.#pending.failed(failedUpdates(update, change.beliefs), error);
      throw outcome === 'saved' ? retriedError(error) : error;
    }
  }

  /** Where other servers may work on the names: a promise that ends when the update may be published. */
  #turnOf(names: readonly DomainName[], { origin, choice }: CheckedUpdate): Promise<void> | undefined {
    return choice.isDryRun === true || origin === 'server' ? undefined : this.#announce?.(names);
  }

  /**
   * Publishes several updates of one zone as one change: all of them, or none. If the zone refuses it, maybe because of one
   * of them, each is published alone. The caller is in the order of all their names, which are different.
   * @param updates not empty; all are dry runs, or none is
   * @returns in their order. Never rejects
   */
  async publishAll(
    updates: readonly CheckedUpdate[],
    deadlineMs: number,
    changeRefused?: AppError,
  ): Promise<readonly PromiseSettledResult<AddressUpdate>[]> {
    try {
      const results = await this.#publishTogether(updates, deadlineMs, changeRefused);
      return results.map((value) => ({ status: 'fulfilled', value }));
    } catch (error) {
      if (mayBeOfOne(error)) {
        return Promise.allSettled(updates.map((update) => this.publish(update, deadlineMs, changeRefused)));
      }
      return updates.map(() => ({ status: 'rejected', reason: error }));
    }
  }

  async #publishTogether(
    updates: readonly CheckedUpdate[],
    deadlineMs: number,
    changeRefused: AppError | undefined,
  ): Promise<readonly AddressUpdate[]> {
    const { zone, origin, choice } = updates[0]!;
    const isDryRun = choice.isDryRun === true;
    const change: NamesChange<readonly AddressUpdate[]> = {
      zone,
      names: updates.flatMap(namesOf),
      deadlineMs,
      clock: this.queue.clock,
      mayRecall: updates.every((update) => update.choice.ttl === undefined),
      isDryRun,
      plan: (beliefs) => {
        const planned = beliefsOf(updates, beliefs).map((own, index) =>
          planUpdate(updates[index]!, own, changeRefused),
        );
        return { plans: planned.flatMap(({ plans }) => plans), result: planned.map(({ result }) => result) };
      },
      beliefs: undefined,
    };
    const turn = this.#turnOf(change.names, updates[0]!);
    if (turn !== undefined) await turn;
    try {
      const results = await publishNames(change);
      if (!isDryRun) await Promise.all(updates.map((update) => this.#settled(update)));
      return results;
    } catch (error) {
      if (!(error instanceof AppError) || this.#pending === undefined || isDryRun || origin === 'server') throw error;
      if (mayBeOfOne(error)) throw error;
      const beliefs = change.beliefs && beliefsOf(updates, change.beliefs);
      const failed = updates.flatMap((update, index) => failedUpdates(update, beliefs?.[index]));
      const outcome = await this.#pending.failed(failed, error);
      throw outcome === 'saved' ? retriedError(error) : error;
    }
  }

  /** Older pending updates of these names and families have ended. No promise where there are none. */
  #settled(update: CheckedUpdate): Promise<unknown> | undefined {
    const { ownerName, members } = update;
    const pending = this.#pending;
    if (pending === undefined) return undefined;
    const own = pending.settled(ownerName, familiesOf(update));
    if (members.length === 0) return own;
    return Promise.all([own, ...members.map((member) => pending.settled(member.ownerName, ['AAAA']))]);
  }
}

/** Whether the zone may accept other updates than the one that this error is about. */
function mayBeOfOne(error: unknown): boolean {
  return error instanceof AppError && CODES_OF_ONE.has(error.code) && error.rcode !== 'SERVFAIL';
}

/** A primary may let a key change some names only. */
const CODES_OF_ONE: ReadonlySet<ErrorCode> = new Set([
  'conflict',
  'contended',
  'address-refused',
  'rate-limited',
  'primary-refused',
]);

/** What is believed of the names of each update. */
function beliefsOf(updates: readonly CheckedUpdate[], beliefs: Beliefs): readonly Beliefs[] {
  let next = 0;
  return updates.map(({ members }) => {
    const first = next;
    next += 1 + members.length;
    return beliefs.slice(first, next);
  });
}

/** The name of the update, then those of its members: the names whose order it joins. */
export function namesOf({ ownerName, members }: CheckedUpdate): readonly DomainName[] {
  return members.length === 0 ? [ownerName] : [ownerName, ...members.map((member) => member.ownerName)];
}

function familiesOf(update: CheckedUpdate): readonly Family[] {
  return FAMILIES.filter((family) => update.wanted[family] !== undefined || prefixFor(update, family) !== undefined);
}

function prefixFor({ prefix, prefix4 }: CheckedUpdate, family: Family): IpPrefix | undefined {
  return family === 'A' ? prefix4 : prefix;
}

/** The same failure, for a client that may want to know that it need not try again. */
function retriedError({ code, message, logText, rcode, cause }: AppError): AppError {
  const withNote = (text: string) =>
    `${text}${/[.?!]$/.test(text) ? '' : '.'} The update is kept and will be tried again.`;
  return new AppError(code, withNote(message), { cause, logText: withNote(logText), ...(rcode && { rcode }) });
}

/** @throws AppError `changeRefused`, address-refused, conflict */
function planUpdate(update: CheckedUpdate, beliefs: Beliefs, changeRefused: AppError | undefined) {
  const { zone, ownerName, ttl, choice, members } = update;
  const published = beliefs[0]!;
  const ttlIsExplicit = choice.ttl !== undefined;
  const wanted = resolvePrefixes(update, published);
  const own = planChange({ zone: zone.apex, ownerName, wanted, published, ttl, ttlIsExplicit });
  const others = members.length === 0 ? NO_PLANS : planMembers(update, beliefs);
  const changed = own.changed || others.some((plan) => plan.changed);
  if (changed && changeRefused !== undefined) throw changeRefused;
  const { A, AAAA } = own;
  const result: AddressUpdate = {
    ownerName,
    A,
    AAAA,
    changed,
    members: others.map((plan) => ({ ownerName: plan.change.ownerName, AAAA: plan.AAAA })),
  };
  return { plans: [own, ...others], result };
}

const NO_PLANS: readonly ChangePlan[] = [];

function planMembers({ zone, choice, members }: CheckedUpdate, beliefs: Beliefs): readonly ChangePlan[] {
  return members.map(({ ownerName, address, ttl }, index) => {
    const published = beliefs[index + 1]!;
    const wanted = { AAAA: [address] };
    return planChange({ zone: zone.apex, ownerName, wanted, published, ttl, ttlIsExplicit: choice.ttl !== undefined });
  });
}

/** What remains to be done of an update that failed: of the host, then of its members. */
function failedUpdates(update: CheckedUpdate, beliefs: Beliefs | undefined): FailedUpdate[] {
  const { ownerName, zone, ttl, members } = update;
  const before = (name: DomainName, index: number) => beliefs?.[index] ?? zone.publisher.recall(name);
  const published = before(ownerName, 0);
  return [
    { ownerName, wanted: wantedAfter(update, published), ttl, before: published },
    ...members.map((member, index) => ({
      ownerName: member.ownerName,
      wanted: { AAAA: [member.address] },
      ttl: member.ttl,
      before: before(member.ownerName, index + 1),
    })),
  ];
}

/** What a failed update wanted, as far as it is known without a further query. */
function wantedAfter(update: CheckedUpdate, published: PublishedAddresses | undefined): WantedAddresses {
  if (published === undefined) return update.wanted;
  try {
    return resolvePrefixes(update, published);
  } catch (error) {
    if (error instanceof AppError) return update.wanted;
    throw error;
  }
}

/** What is wanted, with the published addresses moved into the prefixes. @throws AppError address-refused, conflict */
function resolvePrefixes(update: CheckedUpdate, published: PublishedAddresses): WantedAddresses {
  let { wanted } = update;
  if (update.prefix === undefined && update.prefix4 === undefined) return wanted;
  for (const family of FAMILIES) {
    const prefix = prefixFor(update, family);
    if (prefix === undefined || wanted[family] !== undefined) continue;
    const moved = moveInto(update, prefix, family, published[family].addresses);
    if (moved !== undefined) wanted = { ...wanted, [family]: [moved] };
  }
  return wanted;
}

/** Undefined: no AAAA record is there. Prefixes of IPv6 are sent with every update, also of hosts without one. */
function moveInto(
  update: CheckedUpdate,
  prefix: IpPrefix,
  family: Family,
  [text, ...others]: readonly string[],
): IpAddress | undefined {
  const { ownerName } = update;
  if (others.length > 0) {
    throw new AppError('conflict', `'${ownerName}' has several ${family} records: a prefix moves one alone.`);
  }
  if (text === undefined) {
    if (family === 'AAAA') return undefined;
    throw new AppError('conflict', `'${ownerName}' has no A record that could move into the prefix.`);
  }
  const moved = moveAddress(prefix, addressOf(family, text));
  checkRules(update, moved);
  return moved;
}
