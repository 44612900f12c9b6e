/**
 * The main use-case: make the addresses of one owner name what a client wants, and say what they were.
 *
 * What is published is first believed (what was last seen there, else what the primary answers), then the change is
 * published under prerequisites that state this belief. The primary confirms belief and change in one atomic step, so
 * the old value that is reported is true even while others change the zone. docs/decisions/0001 has the reasons.
 */
import { type IpAddress, type IpPrefix, moveAddress, parseIpAddress } from '../dns/address.ts';
import type { DomainName } from '../dns/name.ts';
import { AppError } from './errors.ts';
import { NameOrder } from './name-order.ts';
import { type ChangePlan, FAMILIES, planChange, type WantedAddresses } from './plan-change.ts';
import { checkAddress } from './policy.ts';
import type { PublishedAddresses } from './ports.ts';
import type { UnpublishedUpdates } from './wish-keeper.ts';
import { checkOwnerName, chooseTtl, type Zone } from './zone.ts';

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
}

/** Thrown by `run` where `isStillDue` said no. */
export class OutdatedUpdate extends Error {}

/** What came of it; `changed` and each family's before and after are confirmed by the primary. */
export type AddressUpdate = Pick<ChangePlan, 'A' | 'AAAA' | 'changed'> & { readonly ownerName: DomainName };

export interface UpdateLimits {
  /** For reading, publishing and reading back of one request, in ms. */
  readonly timeoutMs: number;
  /** Requests that may wait at the same time. */
  readonly maxWaiting: number;
}

/** How often a belief that turned out wrong is replaced by a fresh one before giving up. */
const MAX_ROUNDS = 4;

const NOTHING_PUBLISHED: PublishedAddresses = { A: { addresses: [], ttl: 0 }, AAAA: { addresses: [], ttl: 0 } };

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
   * @throws AppError name-invalid, address-refused, request-malformed, rate-limited, conflict, primary-*, publish-unknown
   */
  async run(request: UpdateRequest): Promise<AddressUpdate> {
    const { zone, ownerName, wanted } = request;
    checkOwnerName(zone, ownerName);
    for (const family of FAMILIES) {
      const address = wanted[family];
      if (address) checkAddress(zone.addresses, parseIpAddress(address) as IpAddress);
    }
    const ttl = chooseTtl(zone, request.ttl, request.fallbackTtl, request.hostTtl);
    if (this.#waiting >= this.#limits.maxWaiting) {
      throw new AppError('rate-limited', 'The server is busy: too many requests wait for the primary.', {
        retryAfterSeconds: Math.ceil(this.#limits.timeoutMs / 1000),
      });
    }
    const deadlineMs = performance.now() + this.#limits.timeoutMs;
    this.#waiting += 1;
    try {
      return await this.order.run(ownerName, () => this.#settle(request, ttl, deadlineMs));
    } finally {
      this.#waiting -= 1;
    }
  }

  async #settle(request: UpdateRequest, ttl: number, deadlineMs: number): Promise<AddressUpdate> {
    const { ownerName, wanted, zone } = request;
    const belief: Belief = { published: undefined };
    if (request.isStillDue !== undefined && !(await request.isStillDue())) throw new OutdatedUpdate();
    try {
      const result = await settle(request, ttl, deadlineMs, belief);
      const families = FAMILIES.filter((family) => wanted[family] !== undefined);
      const told = this.#unpublished?.settled(ownerName, families);
      if (told !== undefined) await told;
      return result;
    } catch (error) {
      if (!(error instanceof AppError) || this.#unpublished === undefined || request.isStillDue) throw error;
      const before = belief.published ?? zone.publisher.recall(ownerName);
      const outcome = await this.#unpublished.failed({ ownerName, wanted, ttl, before }, error);
      throw outcome === 'kept' ? keptError(error) : error;
    }
  }
}

/** The same failure, for who may want to know that nothing is left to be done. */
function keptError({ code, message, logText, rcode, cause }: AppError): AppError {
  const told = (text: string) => `${text}${/[.?!]$/.test(text) ? '' : '.'} The update is kept and will be tried again.`;
  return new AppError(code, told(message), { cause, logText: told(logText), ...(rcode && { rcode }) });
}

/** What was last held to be published. */
interface Belief {
  published: PublishedAddresses | undefined;
}

/** Publishes the plan that rests on a belief; undefined if the belief was wrong. */
async function attempt(
  request: UpdateRequest,
  published: PublishedAddresses,
  ttl: number,
  deadlineMs: number,
): Promise<AddressUpdate | undefined> {
  const { zone, ownerName, ttl: requestedTtl, changeRefused } = request;
  const wanted = resolvePrefix(request, published);
  const ttlIsExplicit = requestedTtl !== undefined;
  const { change, A, AAAA, changed } = planChange({
    zone: zone.apex,
    ownerName,
    wanted,
    published,
    ttl,
    ttlIsExplicit,
  });
  if (changed && changeRefused !== undefined) throw changeRefused;
  const outcome = await zone.publisher.publish(change, deadlineMs);
  return outcome === 'published' ? { ownerName, A, AAAA, changed } : undefined;
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
  const moved = moveAddress(prefix, parseIpAddress(text) as IpAddress);
  checkAddress(zone.addresses, moved);
  checkMoved?.(moved);
  return { ...wanted, AAAA: moved.text };
}

async function settle(request: UpdateRequest, ttl: number, deadlineMs: number, belief: Belief): Promise<AddressUpdate> {
  const { ownerName } = request;
  const { publisher } = request.zone;
  if (performance.now() >= deadlineMs) throw lateError();
  // A TTL is not part of a prerequisite (RFC 2136 §2.4.2), so where it counts the primary is asked.
  const remembered = request.ttl === undefined ? publisher.recall(ownerName) : undefined;
  belief.published = remembered;
  const known = remembered && (await attempt(request, remembered, ttl, deadlineMs));
  if (known) return known;

  let cname = false;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    if (performance.now() >= deadlineMs) throw lateError();
    // What was believed before has turned out wrong.
    belief.published = undefined;
    const read = await publisher.read(ownerName, deadlineMs);
    if (read.kind === 'occluded') {
      throw new AppError('conflict', `Addresses at '${ownerName}' would not be seen: ${read.by}.`);
    }
    cname = read.kind === 'cname';
    if (read.kind === 'addresses') {
      belief.published = read.published;
      const done = await attempt(request, read.published, ttl, deadlineMs);
      if (done) return done;
      if (isNothing(read.published)) continue;
    }
    // The answer was not the name's own: a wildcard's, or the name was changed since. The first shows here.
    belief.published = NOTHING_PUBLISHED;
    const done = await attempt(request, NOTHING_PUBLISHED, ttl, deadlineMs);
    if (done) return done;
  }
  throw cname
    ? new AppError('conflict', `A CNAME record is at '${ownerName}': no address can be beside it (RFC 1034 §3.6.2).`)
    : new AppError(
        'conflict',
        `The records of '${ownerName}' were changed by others again and again; nothing was written.`,
      );
}

function isNothing({ A, AAAA }: PublishedAddresses): boolean {
  return A.addresses.length === 0 && AAAA.addresses.length === 0;
}

function lateError(): AppError {
  return new AppError('primary-unreachable', 'The primary did not answer in time. Nothing was changed.');
}
