/**
 * Group commit: while one UPDATE is in flight, changes collect; the next message takes them all. A primary that is
 * limited by one fsync a message so takes many names a second. All changes in a queue are of one zone.
 *
 * When a shared message is refused it is split until the culprit stands alone: one bad change never fails its
 * neighbours. When its reply is lost, the primary is asked whether the outcome of each change is there.
 */
import { AppError } from '../core/errors.ts';
import type { Clock } from '../core/timers.ts';
import type { PublishOutcome } from '../core/zones/publisher.ts';
import type { Rdata } from '../dns/rdata.ts';
import { changedNames, type Prerequisite, type ZoneChange, type ZoneEdit } from '../dns/zone-change.ts';

/** What one UPDATE message came to. */
export type MessageOutcome =
  | { readonly kind: 'published' }
  /** A prerequisite did not hold: RFC 2136 §3.2.5 says of which kind, not whose. */
  | { readonly kind: 'stale' }
  /** Refused because of something that may be in one of its changes. */
  | { readonly kind: 'refused'; readonly error: AppError }
  /** Refused for a reason that no change has a part in: the key, the zone, no connection. */
  | { readonly kind: 'failed'; readonly error: AppError }
  /** Sent, and no verified reply came. */
  | { readonly kind: 'lost'; readonly error: AppError }
  /** Does not fit into one message. */
  | { readonly kind: 'too-large'; readonly error: AppError };

/** Sends one UPDATE message with these changes. Never throws. */
export type SendUpdate = (changes: readonly ZoneChange[], deadlineMs: number) => Promise<MessageOutcome>;

interface Item {
  readonly change: ZoneChange;
  readonly deadlineMs: number;
  readonly resolve: (outcome: PublishOutcome) => void;
  readonly reject: (error: AppError) => void;
  losses: number;
}

/** Changes in one message at most; their answers leave together. */
const MAX_CHANGES = 200;
/** How often a change may get no reply before it is given up. */
const MAX_LOSSES = 3;
/** Part of the time left that sending may take; the rest is for reading back. */
const SEND_SHARE = 0.6;

export class GroupCommit {
  readonly #send: SendUpdate;
  readonly #late: () => AppError;
  readonly #onBatch: (changes: number, outcome: string, durationMs: number) => void;
  readonly #clock: Clock;
  #queue: Item[] = [];
  #running = false;

  constructor(
    send: SendUpdate,
    late: () => AppError,
    onBatch: (changes: number, outcome: string, durationMs: number) => void,
    clock: Clock = () => performance.now(),
  ) {
    this.#send = send;
    this.#late = late;
    this.#onBatch = onBatch;
    this.#clock = clock;
  }

  submit(change: ZoneChange, deadlineMs: number): Promise<PublishOutcome> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ change, deadlineMs, resolve, reject, losses: 0 });
      if (this.#running) return;
      this.#running = true;
      // What came in the same turn of the event loop shares the first message.
      setImmediate(() => void this.#drain());
    });
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#take();
      try {
        await this.#commit(batch);
      } catch (cause) {
        const error = new AppError('internal', 'A change could not be made into a message.', { cause });
        for (const item of batch) item.reject(error);
      }
    }
    this.#running = false;
  }

  /**
   * What goes into the next message. All prerequisites are checked before the first edit (RFC 2136 §3.2), so two changes
   * of one name would both hold in one message: the second waits for the next.
   */
  #take(): Item[] {
    const batch: Item[] = [];
    const later: Item[] = [];
    const names = new Set<string>();
    for (const item of this.#queue) {
      const keys = changedNames(item.change).map(({ key }) => key);
      if (batch.length >= MAX_CHANGES || keys.some((key) => names.has(key))) later.push(item);
      else if (this.#expired(item)) continue;
      else batch.push(item);
      // What waits holds its names, too: a later change of one of them must not overtake it.
      for (const key of keys) names.add(key);
    }
    this.#queue = later;
    return batch;
  }

  #expired(item: Item): boolean {
    if (item.deadlineMs > this.#clock()) return false;
    item.reject(this.#late());
    return true;
  }

  async #commit(batch: readonly Item[]): Promise<void> {
    if (batch.length === 0) return;
    const now = this.#clock();
    const deadlineMs = now + (earliest(batch) - now) * SEND_SHARE;
    const outcome = await this.#send(
      batch.map((item) => item.change),
      deadlineMs,
    );
    this.#onBatch(batch.length, outcome.kind, this.#clock() - now);
    switch (outcome.kind) {
      case 'published':
        for (const item of batch) item.resolve('published');
        return;
      case 'failed':
        for (const item of batch) item.reject(outcome.error);
        return;
      case 'lost':
        return this.#settleLost(batch, outcome.error);
      case 'stale':
      case 'refused':
      case 'too-large':
        if (batch.length > 1) {
          return this.#split(batch, (part) => this.#commit(part.filter((item) => !this.#expired(item))));
        }
        if (outcome.kind === 'stale') batch[0]!.resolve('stale');
        else batch[0]!.reject(outcome.error);
    }
  }

  async #split(batch: readonly Item[], next: (part: readonly Item[]) => Promise<void>): Promise<void> {
    const middle = batch.length >> 1;
    for (const half of [batch.slice(0, middle), batch.slice(middle)]) await next(half);
  }

  /**
   * Asks, by a message of prerequisites, whether the outcome of each change is there. Where it is not, the change is sent
   * once more: its prerequisites see to it that it is never applied to anything but what it was made for.
   */
  async #settleLost(lostBatch: readonly Item[], lost: AppError): Promise<void> {
    const batch: Item[] = [];
    const questions: ZoneChange[] = [];
    for (const item of lostBatch) {
      const question = confirmation(item.change);
      if (question === undefined || item.losses >= MAX_LOSSES || item.deadlineMs <= this.#clock()) {
        item.reject(item.change.edits.length === 0 ? noAnswer(lost) : lost);
      } else {
        item.losses += 1;
        batch.push(item);
        questions.push(question);
      }
    }
    if (batch.length === 0) return;
    const startMs = this.#clock();
    const outcome = await this.#send(questions, earliest(batch));
    this.#onBatch(batch.length, `lost, then ${outcome.kind}`, this.#clock() - startMs);
    if (outcome.kind === 'published') {
      for (const item of batch) item.resolve('published');
    } else if (outcome.kind === 'stale' && batch.length > 1) {
      for (const item of batch) item.losses -= 1;
      await this.#split(batch, (part) => this.#settleLost(part, lost));
    } else if (outcome.kind === 'stale') {
      if (batch[0]!.change.edits.length === 0) batch[0]!.resolve('stale');
      else this.#queue.push(batch[0]!);
    } else if (outcome.kind === 'lost') {
      // The time of one may be over while others have some left.
      await this.#settleLost(batch, lost);
    } else {
      for (const item of batch) item.reject(item.change.edits.length === 0 ? noAnswer(lost) : lost);
    }
  }
}

function earliest(batch: readonly Item[]): number {
  return batch.reduce((least, item) => Math.min(least, item.deadlineMs), Number.POSITIVE_INFINITY);
}

/** A change that only asked cannot have been applied. */
function noAnswer(lost: AppError): AppError {
  return new AppError('primary-unreachable', 'The primary did not answer in time. Nothing was changed.', {
    cause: lost.cause,
  });
}

/**
 * A change whose prerequisites hold exactly when the given one has been applied; undefined where none can say so. It
 * writes nothing, except what only differs in its TTL: of that a prerequisite says nothing (RFC 2136 §2.4.2), and writing
 * it twice does no harm.
 */
function confirmation(change: ZoneChange): ZoneChange | undefined {
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
      const told = before?.kind === 'rrset-absent' || before?.kind === 'rrset-equals';
      if (!told || (before.kind === 'rrset-equals' && sameRdatas(before.rdatas, rdatas))) edits.push(edit);
    } else if (edit.kind === 'delete-rrset') {
      edited.add(id(edit.ownerName, edit.type));
      after.push({ kind: 'rrset-absent', ownerName: edit.ownerName, type: edit.type });
    } else {
      return undefined;
    }
  }
  const kept = change.prerequisites.filter((prerequisite) => {
    return !('type' in prerequisite) || !edited.has(id(prerequisite.ownerName, prerequisite.type));
  });
  return { ...change, prerequisites: [...kept, ...after], edits };
}

function sameRdatas(left: readonly Rdata[], right: readonly Rdata[]): boolean {
  const text = (rdatas: readonly Rdata[]) =>
    rdatas
      .map((rdata) => JSON.stringify(rdata))
      .sort()
      .join();
  return text(left) === text(right);
}
