/**
 * The events of the history, live and in the order of their positions, for one listener and only while there is one.
 *
 * Where this process alone writes the store, they come from the recorder after each write. Where several servers share it, all come
 * from the store, those of this server too: only its order is the same at each of them, so that a client can go on at another one.
 */
import { AppError } from '../errors.ts';
import type { HistoryEvent } from '../history/history.ts';
import type { HistoryRecorder } from '../history/history-recorder.ts';
import type { EventPosition, HistoryStore, PlacedEvent, RepeatCount } from '../history/history-store.ts';
import type { Timers } from '../timers.ts';
import { comparePositions } from './stream-position.ts';

export interface FeedListener {
  /** Reads what `events` needs; undefined where it has it. @throws AppError store-unreachable: the events come again */
  prepare(events: readonly HistoryEvent[]): Promise<void> | undefined;
  /** Events of one batch, by id. The next ones may be of the same batch. */
  events(batch: number, events: readonly HistoryEvent[]): void;
  /** Events may have been left out, or come twice. */
  gap(): void;
  repeated(counts: readonly RepeatCount[]): void;
}

export interface EventFeedOptions {
  readonly history: Pick<HistoryStore, 'newestPosition' | 'positionOf' | 'readAfter'>;
  readonly recorder: Pick<HistoryRecorder, 'listener'>;
  /** Other processes write to the store, too. */
  readonly isShared: boolean;
  readonly timers: Timers;
  /** Called with a defect, which ends nothing. */
  readonly onFault: (error: unknown) => void;
}

const POLL_MS = 300;
/** After a start that failed. */
const RETRY_MS = 1_000;
const PAGE = 1_000;
/** Events of other servers that are read in a second; beyond that some are left out. */
const MAX_READ_PER_SECOND = 10_000;
/** Writes that wait for their position. */
const MAX_WAITING = 50;

export class EventFeed {
  readonly #options: EventFeedOptions;
  #run: FeedRun | undefined;

  constructor(options: EventFeedOptions) {
    this.#options = options;
  }

  /** The position of the last event that the listener got, or of the newest one at the start; undefined: not known yet. */
  get head(): EventPosition | undefined {
    return this.#run?.head;
  }

  /** Whether the listener has every event of the batch of `head`. */
  get isComplete(): boolean {
    return this.#run?.isComplete ?? false;
  }

  /** @param onStarted called when `head` is known, which takes as long as the store does not answer */
  start(listener: FeedListener, onStarted: () => void): void {
    const run = new FeedRun(this.#options, listener, onStarted);
    this.#run = run;
    this.#options.recorder.listener = {
      stored: (events) => run.stored(events),
      uncertain: () => run.uncertain(),
      repeated: (counts) => listener.repeated(counts),
    };
    void run.start();
  }

  stop(): void {
    this.#options.recorder.listener = undefined;
    this.#run?.stop();
    this.#run = undefined;
  }
}

/** From a start to a stop: what is in flight then is dropped with it. */
class FeedRun {
  readonly #options: EventFeedOptions;
  readonly #listener: FeedListener;
  readonly #onStarted: () => void;
  head: EventPosition | undefined;
  isComplete = true;
  #isStopped = false;
  #cancel: (() => void) | undefined;
  /** One write of this process, or one poll, after the other. */
  #queue: Promise<void> = Promise.resolve();
  #waiting = 0;
  #isUncertain = false;
  #isPolling = false;
  /** Something was stored since the poll in flight began. */
  #isPollDue = false;
  #secondMs = 0;
  #readInSecond = 0;

  constructor(options: EventFeedOptions, listener: FeedListener, onStarted: () => void) {
    this.#options = options;
    this.#listener = listener;
    this.#onStarted = onStarted;
  }

  async start(): Promise<void> {
    const started = this.#enter(async () => {
      this.head ??= await this.#options.history.newestPosition();
    });
    await started;
    if (this.#isStopped) return;
    if (this.head === undefined) {
      this.#later(RETRY_MS, () => void this.start());
      return;
    }
    this.#onStarted();
    if (this.#options.isShared) this.#poll();
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel?.();
  }

  stored(events: readonly HistoryEvent[]): void {
    if (this.#options.isShared) this.#poll();
    else if (this.#waiting >= MAX_WAITING) this.#isUncertain = true;
    else void this.#enter(() => this.#deliverWritten(events));
  }

  uncertain(): void {
    this.#isUncertain = true;
  }

  /** Resolves after the work, which may fail where the store does not answer. */
  #enter(work: () => Promise<void>): Promise<void> {
    this.#waiting += 1;
    this.#queue = this.#queue.then(async () => {
      this.#waiting -= 1;
      try {
        if (!this.#isStopped) await work();
      } catch (error) {
        this.#isUncertain = true;
        if (!(error instanceof AppError)) this.#options.onFault(error);
      }
    });
    return this.#queue;
  }

  async #deliverWritten(written: readonly HistoryEvent[]): Promise<void> {
    const isSorted = written.every(({ id }, at) => at === 0 || written[at - 1]!.id < id);
    const events = isSorted ? written : [...written].sort((a, b) => (a.id < b.id ? -1 : 1));
    const position = await this.#options.history.positionOf(events.at(-1)!.id);
    const preparing = this.#listener.prepare(events);
    if (preparing !== undefined) await preparing;
    if (this.#isStopped) return;
    if (position === undefined || this.#isUncertain) {
      this.#isUncertain = false;
      await this.#skip();
    } else this.#deliver(position.batch, events);
  }

  /** Synchronous: a client that joins sees the events and the new head, or neither. */
  #deliver(batch: number, events: readonly HistoryEvent[]): void {
    const head = { batch, id: events.at(-1)!.id };
    if (this.head !== undefined && comparePositions(head, this.head) <= 0) return;
    this.head = head;
    this.#listener.events(batch, events);
  }

  /** Goes on with the newest event. */
  async #skip(): Promise<void> {
    const newest = await this.#options.history.newestPosition();
    if (this.#isStopped) return;
    this.head = newest;
    this.isComplete = true;
    this.#listener.gap();
  }

  #poll(): void {
    this.#isPollDue = true;
    if (this.#isPolling || this.head === undefined) return;
    this.#isPolling = true;
    this.#isPollDue = false;
    this.#cancel?.();
    void this.#enter(() => this.#readAll()).finally(() => {
      this.#isPolling = false;
      if (this.#isPollDue) this.#poll();
      else this.#later(POLL_MS, () => this.#poll());
    });
  }

  async #readAll(): Promise<void> {
    for (;;) {
      const page = await this.#options.history.readAfter(this.head!, PAGE);
      if (page.length > 0) await this.#listener.prepare(page.map(({ event }) => event));
      if (this.#isStopped) return;
      this.isComplete = page.length < PAGE;
      for (const [batch, events] of byBatch(page)) this.#deliver(batch, events);
      if (this.isComplete) return;
      if (this.#isTooMuch(page.length)) {
        await this.#skip();
        return;
      }
    }
  }

  #isTooMuch(events: number): boolean {
    const nowMs = this.#options.timers.now();
    if (Math.abs(nowMs - this.#secondMs) >= 1_000) {
      this.#secondMs = nowMs;
      this.#readInSecond = 0;
    }
    this.#readInSecond += events;
    return this.#readInSecond > MAX_READ_PER_SECOND;
  }

  #later(delayMs: number, call: () => void): void {
    if (!this.#isStopped) this.#cancel = this.#options.timers.after(delayMs, call);
  }
}

function byBatch(page: readonly PlacedEvent[]): readonly (readonly [number, readonly HistoryEvent[]])[] {
  const batches: [number, HistoryEvent[]][] = [];
  for (const { batch, event } of page) {
    const last = batches.at(-1);
    if (last !== undefined && last[0] === batch) last[1].push(event);
    else batches.push([batch, [event]]);
  }
  return batches;
}
