/**
 * Group commit: while one UPDATE is in flight, changes collect; the next message takes them all. A primary that is
 * limited by one fsync a message so takes many names a second. All changes in a queue are of one zone.
 *
 * When a shared message is refused it is split until the culprit stands alone: one bad change never fails its
 * neighbours. When its reply is lost, the primary is asked whether the outcome of each change is there.
 */
import { AppError } from '../core/errors.ts';
import type { PublishOutcome } from '../core/ports.ts';
import type { Prerequisite, ZoneChange } from '../dns/zone-change.ts';

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
/** Part of the time left that sending may take; the rest is for reading back. */
const SEND_SHARE = 0.6;

export class GroupCommit {
  readonly #send: SendUpdate;
  readonly #late: () => AppError;
  readonly #onBatch: (changes: number, outcome: string) => void;
  #queue: Item[] = [];
  #running = false;

  constructor(send: SendUpdate, late: () => AppError, onBatch: (changes: number, outcome: string) => void) {
    this.#send = send;
    this.#late = late;
    this.#onBatch = onBatch;
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
        if (batch.length > 0) await this.#commit(batch);
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
    const batch = new Map<string, Item>();
    const later: Item[] = [];
    for (const item of this.#queue) {
      const { key } = item.change.ownerName;
      if (batch.size >= MAX_CHANGES || batch.has(key)) later.push(item);
      else if (!this.#expired(item)) batch.set(key, item);
    }
    this.#queue = later;
    return [...batch.values()];
  }

  #expired(item: Item): boolean {
    if (item.deadlineMs > performance.now()) return false;
    item.reject(this.#late());
    return true;
  }

  async #commit(batch: readonly Item[]): Promise<void> {
    const now = performance.now();
    const deadlineMs = now + (earliest(batch) - now) * SEND_SHARE;
    const outcome = await this.#send(
      batch.map((item) => item.change),
      deadlineMs,
    );
    this.#onBatch(batch.length, outcome.kind);
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
        if (batch.length > 1) return this.#split(batch, (part) => this.#commit(part));
        if (outcome.kind === 'stale') batch[0]!.resolve('stale');
        else batch[0]!.reject(outcome.error);
    }
  }

  async #split(batch: readonly Item[], next: (part: readonly Item[]) => Promise<void>): Promise<void> {
    const middle = batch.length >> 1;
    for (const half of [batch.slice(0, middle), batch.slice(middle)]) {
      const part = half.filter((item) => !this.#expired(item));
      if (part.length > 0) await next(part);
    }
  }

  /**
   * Asks, by a message of prerequisites only, whether the outcome of each change is there. Where it is not, the change
   * is sent once more: its prerequisites see to it that it is never applied to anything but what it was made for.
   */
  async #settleLost(batch: readonly Item[], lost: AppError): Promise<void> {
    const outcome = await this.#send(
      batch.map((item) => confirmation(item.change)),
      earliest(batch),
    );
    this.#onBatch(batch.length, `lost, then ${outcome.kind}`);
    if (outcome.kind === 'published') {
      for (const item of batch) item.resolve('published');
    } else if (outcome.kind === 'stale' && batch.length > 1) {
      await this.#split(batch, (part) => this.#settleLost(part, lost));
    } else {
      for (const item of batch) {
        item.losses += 1;
        if (outcome.kind === 'stale' && item.losses < 3) this.#queue.push(item);
        else item.reject(item.change.edits.length === 0 && outcome.kind !== 'stale' ? noAnswer(lost) : lost);
      }
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

/** A change that writes nothing and whose prerequisites hold exactly when the given change has been applied. */
function confirmation(change: ZoneChange): ZoneChange {
  const edited = new Set<string>();
  const after: Prerequisite[] = [];
  const id = (ownerName: { key: string }, type: number) => `${type}/${ownerName.key}`;
  for (const edit of change.edits) {
    if (edit.kind === 'replace-rrset') {
      const { ownerName, type, rdatas } = edit.rrset;
      edited.add(id(ownerName, type));
      after.push({ kind: 'rrset-equals', ownerName, type, rdatas });
    } else if (edit.kind === 'delete-rrset') {
      edited.add(id(edit.ownerName, edit.type));
      after.push({ kind: 'rrset-absent', ownerName: edit.ownerName, type: edit.type });
    } else {
      throw new TypeError(`no confirmation for an edit of kind ${edit.kind}`);
    }
  }
  const kept = change.prerequisites.filter((prerequisite) => {
    return !('type' in prerequisite) || !edited.has(id(prerequisite.ownerName, prerequisite.type));
  });
  return { ...change, prerequisites: [...kept, ...after], edits: [] };
}
