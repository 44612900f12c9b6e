/**
 * The main use-case: make the addresses of one owner name what a client wants, and say what they were.
 *
 * What is published is first believed (what was last seen there, else what the primary answers), then the change is
 * published under prerequisites that state this belief. The primary confirms belief and change in one atomic step, so
 * the old value that is reported is true even while others change the zone. docs/decisions/0001 has the reasons.
 */

import { type IpAddress, type IpPrefix, moveAddress } from '../../dns/address.ts';
import type { DomainName } from '../../dns/name.ts';
import { AppError } from '../errors.ts';
import type { MemberMove } from '../hosts/site.ts';
import { checkAddress } from '../zones/address-policy.ts';
import { addressOf, FAMILIES } from '../zones/family.ts';
import { type ChangePlan, type FamilyPlan, planChange, type WantedAddresses } from '../zones/plan-change.ts';
import { type Beliefs, publishNames } from '../zones/publish-change.ts';
import type { PublishedAddresses } from '../zones/publisher.ts';
import { checkOwnerName, chooseTtl, type Zone } from '../zones/zone.ts';
import type { UnpublishedUpdate, UnpublishedUpdates } from './unpublished-updates.ts';
import { NameOrder } from './update-queue.ts';

export interface UpdateRequest {
  readonly zone: Zone;
  readonly ownerName: DomainName;
  readonly wanted: WantedAddresses;
  /**
   * Where `wanted` says nothing of AAAA: the one that is published moves into this prefix and keeps its other bits. Where
   * none is published, none comes of it.
   */
  readonly prefix?: IpPrefix | undefined;
  /** One more rule for the address that comes of the prefix. @throws AppError address-refused */
  readonly checkMoved?: (address: IpAddress) => void;
  /** Seconds; absent: the zone's default, else `fallbackTtl`. */
  readonly ttl?: number;
  readonly fallbackTtl: number;
  /** Seconds, of the host: before the zone's default. */
  readonly hostTtl?: number;
  /**
   * Of an update that nobody asked for: whether it is still to be done, asked in the order of its name before anything is
   * read. What fails of it is not kept. @throws AppError
   */
  readonly isStillDue?: () => Promise<boolean>;
  /** Thrown instead of a change; what is unchanged is confirmed all the same. */
  readonly changeRefused?: AppError;
  /** Other names of the zone that change in the same step (site.ts). */
  readonly members?: readonly MemberMove[];
  /** Say what would change, and change nothing. */
  readonly isDryRun?: boolean;
}

/** Thrown by `run` where `isStillDue` said no. */
export class OutdatedUpdate extends Error {}

/** What came of it; `changed` and each family's before and after are confirmed by the primary. */
export type AddressUpdate = Pick<ChangePlan, 'A' | 'AAAA'> & {
  readonly ownerName: DomainName;
  /** Of the name or of a member. */
  readonly changed: boolean;
  readonly members: readonly { readonly ownerName: DomainName; readonly AAAA: FamilyPlan }[];
};

export interface UpdateLimits {
  /** For reading, publishing and reading back of one request, in ms. */
  readonly timeoutMs: number;
  /** Requests that may wait at the same time. */
  readonly maxWaiting: number;
}

export class UpdateAddresses {
  /** In which accepted updates of a name are published; what publishes on its own has to keep to it. */
  readonly order = new NameOrder();
  #limits: UpdateLimits;
  #unpublished: UnpublishedUpdates | undefined;
  #waiting = 0;

  constructor(limits: UpdateLimits) {
    this.#limits = limits;
  }

  set limits(limits: UpdateLimits) {
    this.#limits = limits;
  }

  /** Who is told what came of each update, within its order. */
  set unpublished(unpublished: UnpublishedUpdates | undefined) {
    this.#unpublished = unpublished;
  }

  /** Requests under way. */
  get waiting(): number {
    return this.#waiting;
  }

  /**
   * All input is checked before anything is sent.
   * @throws AppError name-invalid, address-refused, request-malformed, rate-limited, conflict, contended, primary-*,
   *   publish-unknown
   */
  async run(request: UpdateRequest): Promise<AddressUpdate> {
    const ttl = this.check(request);
    const names = namesOf(request);
    return this.within(names, (deadlineMs) => this.#settle(request, names, ttl, deadlineMs));
  }

  /**
   * What can be said of a request without the primary.
   * @returns the TTL that its records get, in seconds
   * @throws AppError name-invalid, address-refused, request-malformed
   */
  check({ zone, ownerName, wanted, ttl, fallbackTtl, hostTtl, members = [] }: UpdateRequest): number {
    checkOwnerName(zone, ownerName);
    for (const family of FAMILIES) {
      const address = wanted[family];
      if (address) checkAddress(zone.addresses, address);
    }
    for (const member of members) {
      checkOwnerName(zone, member.ownerName);
      checkAddress(zone.addresses, member.address);
    }
    return chooseTtl(zone, ttl, fallbackTtl, hostTtl);
  }

  /**
   * Runs a task in the order of its names, within the limits.
   * @throws AppError rate-limited, and what the task throws
   */
  async within<T>(names: readonly DomainName[], task: (deadlineMs: number) => Promise<T>): Promise<T> {
    if (this.#waiting >= this.#limits.maxWaiting) {
      throw new AppError('rate-limited', 'The server is busy: too many requests wait for the primary.', {
        retryAfterSeconds: Math.ceil(this.#limits.timeoutMs / 1000),
      });
    }
    const deadlineMs = performance.now() + this.#limits.timeoutMs;
    this.#waiting += 1;
    try {
      const run = () => task(deadlineMs);
      return await (names.length === 1 ? this.order.run(names[0]!, run) : this.order.runAll(names, run));
    } finally {
      this.#waiting -= 1;
    }
  }

  async #settle(
    request: UpdateRequest,
    names: readonly DomainName[],
    ttl: number,
    deadlineMs: number,
  ): Promise<AddressUpdate> {
    const { ownerName, wanted, prefix, zone, members = [], isDryRun } = request;
    let beliefs: Beliefs | undefined;
    if (request.isStillDue !== undefined && !(await request.isStillDue())) throw new OutdatedUpdate();
    try {
      const result = await publishNames({
        zone,
        names,
        deadlineMs,
        mayRecall: request.ttl === undefined,
        plan: (believed) => planUpdate(request, believed, ttl),
        onBelief: (believed) => {
          beliefs = believed;
        },
        ...(isDryRun && { isDryRun }),
      });
      if (isDryRun) return result;
      const families = FAMILIES.filter(
        (family) => wanted[family] !== undefined || (prefix !== undefined && family === 'AAAA'),
      );
      const told = this.#unpublished?.settled(ownerName, families);
      if (told !== undefined) await told;
      if (members.length > 0) {
        await Promise.all(members.map((member) => this.#unpublished?.settled(member.ownerName, ['AAAA'])));
      }
      return result;
    } catch (error) {
      const isOurs = isDryRun || request.isStillDue !== undefined;
      if (!(error instanceof AppError) || this.#unpublished === undefined || isOurs) throw error;
      const outcome = await this.#unpublished.failed(unpublishedUpdates(request, beliefs, ttl), error);
      throw outcome === 'kept' ? keptError(error) : error;
    }
  }
}

/** The name of the request, then those of its members. */
function namesOf({ ownerName, members }: UpdateRequest): readonly DomainName[] {
  return members === undefined ? [ownerName] : [ownerName, ...members.map((member) => member.ownerName)];
}

/** The same failure, for who may want to know that nothing is left to be done. */
function keptError({ code, message, logText, rcode, cause }: AppError): AppError {
  const told = (text: string) => `${text}${/[.?!]$/.test(text) ? '' : '.'} The update is kept and will be tried again.`;
  return new AppError(code, told(message), { cause, logText: told(logText), ...(rcode && { rcode }) });
}

/** @throws AppError what stands in place of a change, address-refused, conflict */
function planUpdate(request: UpdateRequest, beliefs: Beliefs, ttl: number) {
  const { zone, ownerName, ttl: requestedTtl, changeRefused, members } = request;
  const published = beliefs[0]!;
  const ttlIsExplicit = requestedTtl !== undefined;
  const wanted = resolvePrefix(request, published);
  const own = planChange({ zone: zone.apex, ownerName, wanted, published, ttl, ttlIsExplicit });
  const others = members === undefined ? [] : planMembers(request, members, beliefs);
  const changed = own.changed || others.some((plan) => plan.changed);
  if (changed && changeRefused !== undefined) throw changeRefused;
  const { A, AAAA } = own;
  const result: AddressUpdate = {
    ownerName,
    A,
    AAAA,
    changed,
    members: others.map(({ change, AAAA: ofMember }) => ({ ownerName: change.ownerName, AAAA: ofMember })),
  };
  return { plans: [own, ...others], result };
}

function planMembers({ zone, ttl }: UpdateRequest, members: readonly MemberMove[], beliefs: Beliefs): ChangePlan[] {
  return members.map((member, index) => {
    const { ownerName, address } = member;
    const published = beliefs[index + 1]!;
    const place = { zone: zone.apex, ownerName, wanted: { AAAA: address }, published };
    return planChange({ ...place, ttl: ttl ?? member.ttl, ttlIsExplicit: ttl !== undefined });
  });
}

/** What is left to be done of an update that failed: of the host, then of its members. */
function unpublishedUpdates(request: UpdateRequest, beliefs: Beliefs | undefined, ttl: number): UnpublishedUpdate[] {
  const { ownerName, zone, members = [] } = request;
  const before = (name: DomainName, index: number) => beliefs?.[index] ?? zone.publisher.recall(name);
  const published = before(ownerName, 0);
  const wanted = published === undefined ? request.wanted : resolvePrefix(request, published);
  return [
    { ownerName, wanted, ttl, before: published },
    ...members.map((member, index) => ({
      ownerName: member.ownerName,
      wanted: { AAAA: member.address },
      ttl: request.ttl ?? member.ttl,
      before: before(member.ownerName, index + 1),
    })),
  ];
}

/** What is wanted, with the address that comes of a prefix. @throws AppError address-refused, conflict */
function resolvePrefix(
  { zone, ownerName, wanted, prefix, checkMoved }: UpdateRequest,
  published: PublishedAddresses,
): WantedAddresses {
  const [text, ...others] = published.AAAA.addresses;
  if (prefix === undefined || wanted.AAAA !== undefined || text === undefined) return wanted;
  if (others.length > 0) {
    throw new AppError('conflict', `'${ownerName}' has several AAAA records: a prefix moves one alone.`);
  }
  const moved = moveAddress(prefix, addressOf('AAAA', text));
  checkAddress(zone.addresses, moved);
  checkMoved?.(moved);
  return { ...wanted, AAAA: moved };
}
