/**
 * Group commit for one zone: while an UPDATE is in flight, changes are queued, and the next message has all of them. This
 * multiplies the throughput of a primary that needs an fsync per message.
 *
 * One bad change never fails the others. After a failed prerequisite the primary is asked for the names of all changes: those
 * that rest on something else are returned as stale, with the answers, and the others are sent again, together with what is planned
 * anew meanwhile. A message that is refused for a reason which the answers do not explain is split until the faulty change is
 * alone. After a lost reply, prerequisites query the primary for whether each change was applied.
 *
 * Where other servers change the zone too, each has only a share of the changes. Then a message waits a few milliseconds for more of
 * them, as fewer and larger messages cost everyone less, and a second one may be in flight: primaries such as Knot take several at
 * once (docs/decisions/0023).
 */
import { AppError } from '../core/errors.ts';
import type { Clock } from '../core/timers.ts';
import type { PublishedAddresses, PublishOutcome } from '../core/zones/publisher.ts';
import { changedNames, type Prerequisite, type ZoneChange, type ZoneEdit } from '../dns/zone-change.ts';
import { type Explanation, holdsByAnswer, sameRdatas } from './explain-stale.ts';

/** The outcome of one UPDATE message. */
export type MessageOutcome =
  | { readonly kind: 'published' }
  /** A prerequisite failed. The RCODE does not say of which change (RFC 2136 §3.2.5). */
  | { readonly kind: 'stale' }
  /** Refused, possibly because of a single change. */
  | { readonly kind: 'refused'; readonly error: AppError }
  /** Failed for a reason that is independent of its changes: the key, the zone, the connection. */
  | { readonly kind: 'failed'; readonly error: AppError }
  /** Sent, but without a verified reply. */
  | { readonly kind: 'lost'; readonly error: AppError }
  /** Does not fit into one message. */
  | { readonly kind: 'too-large'; readonly error: AppError };

/** Sends one UPDATE message with these changes. Never throws. */
export type SendUpdate = (changes: readonly ZoneChange[], deadlineMs: number) => Promise<MessageOutcome>;

export interface GroupCommitOptions {
  readonly send: SendUpdate;
  /** Explains a failed prerequisite of a message with these changes, for each of them. Never rejects. */
  readonly explain: (changes: readonly ZoneChange[], deadlineMs: number) => Promise<readonly Explanation[]>;
  readonly makeTimeoutError: () => AppError;
  readonly onBatch: (changes: number, outcome: string, durationMs: number) => void;
  /** Whether other servers are changing the zone. */
  readonly isShared?: () => boolean;
  readonly clock?: Clock;
}

interface QueuedChange {
  readonly change: ZoneChange;
  readonly deadlineMs: number;
  readonly resolve: (outcome: PublishOutcome) => void;
  readonly reject: (error: AppError) => void;
  losses: number;
  /** Messages that were refused because of others in them. */
  refusals: number;
}

/** Changes per message. Their clients are answered together. */
const MAX_CHANGES = 200;
/** Lost replies after which a change fails. */
const MAX_LOSSES = 3;
/** Share of the remaining time for the UPDATE; the rest is for confirming a lost one. */
const SEND_SHARE = 0.6;
/** Messages in flight in a shared zone: one may wait at the primary for those of other servers. */
const MAX_IN_FLIGHT = 2;
/** How long a message waits for more changes in a shared zone at most; less if the last one took less. */
const MAX_GATHER_MS = 5;
/** With each message: how soon larger ones before it are forgotten. */
const USUAL_SIZE_DECAY = 0.99;

export class GroupCommit {
  readonly #options: GroupCommitOptions;
  readonly #clock: Clock;
  #queue: QueuedChange[] = [];
  readonly #namesInFlight = new Set<string>();
  /** Messages. */
  #inFlight = 0;
  #isScheduled = false;
  /** While a message waits for more changes. */
  #gatherTimer: NodeJS.Timeout | undefined;
  /** Changes of the largest messages lately. */
  #usualSize = 0;
  /** When the next message need not wait any longer. */
  #gatherUntilMs = 0;
  /** The time that the last message took. */
  #lastMs = 0;

  constructor(options: GroupCommitOptions) {
    this.#options = options;
    this.#clock = options.clock ?? (() => performance.now());
  }

  submit(change: ZoneChange, deadlineMs: number): Promise<PublishOutcome> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ change, deadlineMs, resolve, reject, losses: 0, refusals: 0 });
      if (this.#queue.length === 1) this.#gather();
      // More than usual are not to be expected.
      if (this.#queue.length >= this.#usualSize) this.#endGathering();
      this.#schedule();
    });
  }

  /** Returns a queued change of this name to its caller if it rests on something else than what another server has published since. */
  refute(nameKey: string, published: PublishedAddresses): void {
    const read = { kind: 'addresses', published } as const;
    this.#queue = this.#queue.filter(({ change, resolve }) => {
      if (change.ownerName.key !== nameKey || change.otherNames !== undefined) return true;
      if (holdsByAnswer(read, change.ownerName, change)) return true;
      resolve({ kind: 'stale', reads: [read] });
      return false;
    });
  }

  /** Sends the next message when its time has come. */
  #schedule(): void {
    if (this.#isScheduled || this.#queue.length === 0 || !this.#maySend()) return;
    this.#isScheduled = true;
    const send = () => {
      this.#isScheduled = false;
      this.#gatherTimer = undefined;
      if (this.#maySend()) void this.#sendNext();
    };
    const gatherMs = this.#gatherUntilMs - this.#clock();
    // Changes of the same turn of the event loop share the message.
    if (gatherMs > 0) this.#gatherTimer = setTimeout(send, gatherMs);
    else setImmediate(send);
  }

  #maySend(): boolean {
    return this.#inFlight === 0 || (this.#inFlight < MAX_IN_FLIGHT && this.#isShared());
  }

  async #sendNext(): Promise<void> {
    const batch = this.#nextBatch();
    if (batch.length === 0) return;
    const names = batch.flatMap(({ change }) => changedNames(change).map(({ key }) => key));
    for (const name of names) this.#namesInFlight.add(name);
    this.#inFlight += 1;
    try {
      await this.#commit(batch);
    } catch (cause) {
      const error = new AppError('internal', 'A change could not be encoded as an UPDATE message.', { cause });
      for (const item of batch) item.reject(error);
    }
    for (const name of names) this.#namesInFlight.delete(name);
    this.#inFlight -= 1;
    this.#schedule();
  }

  #isShared(): boolean {
    return this.#options.isShared?.() === true;
  }

  /** Clients that have just been answered, or moved here from another server together, ask again within a few milliseconds. */
  #gather(): void {
    if (!this.#isShared()) return;
    this.#gatherUntilMs = this.#clock() + Math.min(this.#lastMs, MAX_GATHER_MS);
  }

  #endGathering(): void {
    this.#gatherUntilMs = 0;
    if (this.#gatherTimer === undefined) return;
    clearTimeout(this.#gatherTimer);
    this.#gatherTimer = undefined;
    this.#isScheduled = false;
  }

  /**
   * Takes the changes of the next message from the queue, one per name: all prerequisites are checked before the first
   * edit (RFC 2136 §3.2), so those of two changes of one name would both hold. No name is in two messages in flight.
   */
  #nextBatch(): QueuedChange[] {
    const batch: QueuedChange[] = [];
    const later: QueuedChange[] = [];
    const names = new Set<string>(this.#namesInFlight);
    for (const item of this.#queue) {
      const keys = changedNames(item.change).map(({ key }) => key);
      if (batch.length >= MAX_CHANGES || keys.some((key) => names.has(key))) later.push(item);
      else if (this.#expired(item)) continue;
      else batch.push(item);
      // Also the names of postponed changes: a later change of the same name must not overtake them.
      for (const key of keys) names.add(key);
    }
    this.#queue = later;
    return batch;
  }

  /** Rejects a change that is past its deadline. */
  #expired(item: QueuedChange): boolean {
    if (item.deadlineMs > this.#clock()) return false;
    item.reject(this.#options.makeTimeoutError());
    return true;
  }

  async #commit(batch: readonly QueuedChange[]): Promise<void> {
    if (batch.length === 0) return;
    const now = this.#clock();
    const deadlineMs = now + (earliestDeadline(batch) - now) * SEND_SHARE;
    const outcome = await this.#options.send(
      batch.map((item) => item.change),
      deadlineMs,
    );
    const durationMs = this.#clock() - now;
    this.#options.onBatch(batch.length, outcome.kind, durationMs);
    switch (outcome.kind) {
      case 'published':
        this.#lastMs = durationMs;
        this.#usualSize = Math.max(batch.length, this.#usualSize * USUAL_SIZE_DECAY);
        this.#gather();
        for (const item of batch) item.resolve('published');
        return;
      case 'failed':
        for (const item of batch) item.reject(outcome.error);
        return;
      case 'lost':
        return this.#confirmLost(batch, outcome.error);
      case 'stale':
        if (batch.length > 1) return this.#settleStale(batch);
        batch[0]!.resolve('stale');
        return;
      case 'refused':
      case 'too-large':
        if (batch.length > 1) return this.#commitHalves(batch);
        batch[0]!.reject(outcome.error);
    }
  }

  #commitHalves(batch: readonly QueuedChange[]): Promise<void> {
    return this.#split(batch, (half) => this.#commit(half.filter((item) => !this.#expired(item))));
  }

  /** Finds the stale changes of a refused message by asking for all of its names; the others are sent again. */
  async #settleStale(batch: readonly QueuedChange[]): Promise<void> {
    const explanations = await this.#options.explain(
      batch.map(({ change }) => change),
      earliestDeadline(batch),
    );
    const others: QueuedChange[] = [];
    for (const [index, item] of batch.entries()) {
      const explanation = explanations[index]!;
      if (explanation === 'as-believed') others.push(item);
      else item.resolve(explanation);
    }
    if (others.length === batch.length) return this.#commitHalves(batch);
    const again = others.filter((item) => !this.#expired(item));
    if (again.some((item) => item.refusals > 0)) {
      // Without those that are planned anew, which may be stale again: a name that others change all the time delays no one else.
      return this.#commit(again);
    }
    for (const item of again) item.refusals += 1;
    this.#queue.unshift(...again);
    // What is planned anew joins them.
    await new Promise((resolve) => setImmediate(resolve));
  }

  async #split(batch: readonly QueuedChange[], run: (half: readonly QueuedChange[]) => Promise<void>): Promise<void> {
    const middle = batch.length >> 1;
    for (const half of [batch.slice(0, middle), batch.slice(middle)]) await run(half);
  }

  /**
   * Finds out by a message of prerequisites whether the changes were applied. A change that was not is queued again: its
   * own prerequisites prevent that it overwrites data which it was not planned for.
   */
  async #confirmLost(lostBatch: readonly QueuedChange[], lost: AppError): Promise<void> {
    const batch: QueuedChange[] = [];
    const confirmations: ZoneChange[] = [];
    for (const item of lostBatch) {
      const confirmation = confirmationOf(item.change);
      if (confirmation === undefined || item.losses >= MAX_LOSSES || item.deadlineMs <= this.#clock()) {
        item.reject(lossError(item, lost));
      } else {
        item.losses += 1;
        batch.push(item);
        confirmations.push(confirmation);
      }
    }
    if (batch.length === 0) return;
    const startMs = this.#clock();
    const outcome = await this.#options.send(confirmations, earliestDeadline(batch));
    this.#options.onBatch(batch.length, `lost, then ${outcome.kind}`, this.#clock() - startMs);
    if (outcome.kind === 'published') {
      for (const item of batch) item.resolve('published');
    } else if (outcome.kind === 'stale' && batch.length > 1) {
      for (const item of batch) item.losses -= 1;
      await this.#split(batch, (half) => this.#confirmLost(half, lost));
    } else if (outcome.kind === 'stale') {
      if (batch[0]!.change.edits.length === 0) batch[0]!.resolve('stale');
      else this.#queue.push(batch[0]!);
    } else if (outcome.kind === 'lost') {
      // Only the change with the earliest deadline may have timed out.
      await this.#confirmLost(batch, lost);
    } else {
      for (const item of batch) item.reject(lossError(item, lost));
    }
  }
}

function earliestDeadline(batch: readonly QueuedChange[]): number {
  return batch.reduce((least, item) => Math.min(least, item.deadlineMs), Number.POSITIVE_INFINITY);
}

/** A change without edits, which only checks prerequisites, cannot have been applied. */
function lossError({ change }: QueuedChange, lost: AppError): AppError {
  if (change.edits.length > 0) return lost;
  return new AppError('primary-unreachable', 'The primary did not answer in time. Nothing was changed.', {
    cause: lost.cause,
  });
}

/**
 * A change whose prerequisites hold if and only if the given one was applied; undefined if there is none. It has no edits,
 * except of RRsets that may differ only in their TTL: prerequisites do not compare TTLs (RFC 2136 §2.4.2), and writing
 * such an RRset twice is harmless.
 */
function confirmationOf(change: ZoneChange): ZoneChange | undefined {
  const edited = new Set<string>();
  const after: Prerequisite[] = [];
  const edits: ZoneEdit[] = [];
  const id = (ownerName: { key: string }, type: number) => `${type}/${ownerName.key}`;
  for (const edit of change.edits) {
    if (edit.kind === 'replace-rrset') {
      const { ownerName, type, rdatas } = edit.rrset;
      edited.add(id(ownerName, type));
      after.push({ kind: 'rrset-equals', ownerName, type, rdatas });
      const before = change.prerequisites.find((prerequisite) => {
        return 'type' in prerequisite && prerequisite.type === type && prerequisite.ownerName.equals(ownerName);
      });
      const isKnown = before?.kind === 'rrset-absent' || before?.kind === 'rrset-equals';
      if (!isKnown || (before.kind === 'rrset-equals' && sameRdatas(before.rdatas, rdatas))) edits.push(edit);
    } else if (edit.kind === 'delete-rrset') {
      edited.add(id(edit.ownerName, edit.type));
      after.push({ kind: 'rrset-absent', ownerName: edit.ownerName, type: edit.type });
    } else {
      return undefined;
    }
  }
  const unaffected = change.prerequisites.filter((prerequisite) => {
    return !('type' in prerequisite) || !edited.has(id(prerequisite.ownerName, prerequisite.type));
  });
  return { ...change, prerequisites: [...unaffected, ...after], edits };
}
