/**
 * The open streams of this server: who may open one, what each gets, and when it ends.
 *
 * An event is turned into octets once, and looked at once for all readers. A reader that does not take what it gets is disconnected:
 * the server never waits for one. While no stream is open, nothing runs.
 */
import type { DomainName } from '../../dns/name.ts';
import { AppError } from '../errors.ts';
import type { HistoryEvent } from '../history/history.ts';
import type { EventPosition, RepeatCount } from '../history/history-store.ts';
import type { CheckedCredential, CredentialChecker } from '../users/credential.ts';
import { EventFeed, type EventFeedOptions, type FeedListener } from './event-feed.ts';
import { eventFrame, GREETING, heartbeatFrame, type ResyncReason, rateFrame, resyncFrame } from './frames.ts';
import type { StreamCaller, StreamSink } from './reader.ts';
import { type Reader, ReaderGroups, type StreamHosts } from './reader-groups.ts';
import { Replay, type ReplayHistory } from './replay.ts';
import { comparePositions, formatMark } from './stream-position.ts';

export interface EventStreamsOptions extends Omit<EventFeedOptions, 'history'> {
  readonly history: EventFeedOptions['history'] & ReplayHistory;
  /** False: `history_days` is 0, and nothing can be replayed. */
  readonly isRecorded: () => boolean;
  /** Those of the configuration in force. */
  readonly hosts: () => StreamHosts;
  /** Those of the configuration in force. */
  readonly credentials: () => CredentialChecker;
}

export interface StreamRequest {
  readonly caller: StreamCaller;
  /** Hosts whose events are sent however many there are; see MAX_WATCHED. */
  readonly watched: readonly DomainName[];
  /** The id of the last event that the client has; undefined: it wants what happens from now on. */
  readonly lastEventId: string | undefined;
}

export const MAX_STREAMS = 1_000;
export const MAX_STREAMS_OF_USER = 20;
export const MAX_WATCHED = 50;
/** Octets that a client has not taken. One with more is disconnected. */
export const MAX_PENDING_OCTETS = 262_144;
const TICK_MS = 1_000;
const NO_USERS: Awaited<ReturnType<CredentialChecker['usersOf']>> = new Map();
const HEARTBEAT_TICKS = 10;
/** Between two checks of the credentials; with the query of one, a stream ends within a second. */
const CHECK_MS = 500;
/** Streams end when their credentials could not be checked for so long. */
const UNCHECKED_MS = 5_000;

export class EventStreams {
  readonly #options: EventStreamsOptions;
  readonly #feed: EventFeed;
  readonly #groups: ReaderGroups;
  readonly #replay: Replay;
  readonly #readers = new Set<Reader>();
  /** Readers that wait for the feed to start. */
  #joining: (() => void)[] = [];
  #isStarted = false;
  #ticks = 0;
  #cancelTick: (() => void) | undefined;
  #cancelCheck: (() => void) | undefined;
  #checkedMs = 0;
  #isClosed = false;

  constructor(options: EventStreamsOptions) {
    this.#options = options;
    this.#feed = new EventFeed(options);
    this.#groups = new ReaderGroups(options.hosts);
    this.#replay = new Replay(options, this.#groups, this.#feed, (reader, octets) => this.#send(reader, octets));
  }

  /** The number of open streams. */
  get size(): number {
    return this.#readers.size;
  }

  /** @throws AppError rate-limited: there are too many, in total or of this user */
  checkLimits(caller: StreamCaller): void {
    if (this.#isClosed) throw tooMany('The server is shutting down.', 1);
    if (this.#readers.size >= MAX_STREAMS) throw tooMany('Too many streams are open.', 10);
    const userId = userIdOf(caller);
    let open = 0;
    for (const reader of this.#readers) if (userIdOf(reader.caller) === userId) open += 1;
    if (open >= MAX_STREAMS_OF_USER) {
      throw tooMany(`A user can have ${MAX_STREAMS_OF_USER} open streams. Close one first.`, 10);
    }
  }

  /**
   * Opens a stream. It ends by itself when its key does.
   * @param sink gets octets of `text/event-stream`
   * @returns to be called when the client is gone
   * @throws AppError rate-limited, as checkLimits
   */
  open({ caller, watched, lastEventId }: StreamRequest, sink: StreamSink): () => void {
    this.checkLimits(caller);
    const reader: Reader = {
      caller,
      sink,
      watched: new Set(watched.map(({ key }) => key)),
      openedTick: this.#ticks,
      group: this.#groups.groupOf(caller),
      isLive: false,
      joined: undefined,
      isEnded: false,
      due: [],
    };
    this.#readers.add(reader);
    this.#groups.add(reader);
    if (this.#readers.size === 1) this.#start();
    this.#send(reader, GREETING);
    const join = () => void this.#join(reader, lastEventId);
    if (this.#isStarted) join();
    else this.#joining.push(join);
    return () => this.#remove(reader);
  }

  /** Ends all streams; no more are opened. */
  close(): void {
    this.#isClosed = true;
    for (const reader of this.#readers) this.#end(reader);
  }

  #start(): void {
    const listener: FeedListener = {
      prepare: (events) => this.#groups.prepare(events),
      events: (batch, events) => this.#sendEvents(batch, events),
      gap: () => this.#resync('overload'),
      repeated: (counts) => this.#countRepeats(counts),
    };
    this.#feed.start(listener, () => {
      this.#isStarted = true;
      for (const join of this.#joining.splice(0)) join();
    });
    this.#checkedMs = this.#options.timers.now();
    this.#tickLater();
    this.#checkLater();
  }

  #stop(): void {
    this.#cancelTick?.();
    this.#cancelCheck?.();
    this.#feed.stop();
    this.#isStarted = false;
    this.#joining = [];
  }

  /** Sends what the reader has missed; then it is live. Never rejects. */
  async #join(reader: Reader, lastEventId: string | undefined): Promise<void> {
    if (reader.isEnded) return;
    let reason: ResyncReason | undefined;
    try {
      if (lastEventId === undefined) reader.isLive = true;
      else if (!this.#options.isRecorded()) reason = 'history-off';
      else reason = await this.#replay.run(reader, lastEventId);
    } catch (error) {
      if (error instanceof AppError) reason = 'store-unreachable';
      else {
        this.#options.onFault(error);
        this.#drop(reader);
      }
    }
    if (reader.isEnded) return;
    reader.isLive = true;
    if (reason !== undefined) {
      reader.joined = undefined;
      this.#send(reader, resyncFrame(reason, this.#mark(reader)));
    } else if (lastEventId === undefined) this.#send(reader, heartbeatFrame(this.#mark(reader)));
  }

  #sendEvents(batch: number, events: readonly HistoryEvent[]): void {
    this.#groups.note(events);
    const frames: Buffer[] = [];
    const octetsOf = (indexes: readonly number[]) =>
      Buffer.concat(indexes.map((index) => (frames[index] ??= eventFrame(events[index]!))));
    for (const group of this.#groups) {
      const octets = group.due.length > 0 ? octetsOf(group.due) : undefined;
      for (const reader of group.readers) {
        const due = octets === undefined ? reader.due : group.due;
        if (due.length > 0 && reader.isLive) {
          const missed = reader.joined === undefined ? due : after(reader.joined, batch, events, due);
          if (missed.length > 0) {
            this.#send(reader, missed === group.due && octets !== undefined ? octets : octetsOf(missed));
          }
        }
        if (reader.due.length > 0) reader.due = [];
      }
      if (group.due.length > 0) group.due = [];
      group.lastSeen = -1;
    }
  }

  #countRepeats(counts: readonly RepeatCount[]): void {
    for (const { ownerName, repeats } of counts) if (repeats > 0) this.#groups.noteRepeats(ownerName, repeats);
  }

  #resync(reason: ResyncReason): void {
    for (const reader of this.#readers) {
      if (!reader.isLive) continue;
      reader.joined = undefined;
      this.#send(reader, resyncFrame(reason, this.#mark(reader)));
    }
  }

  #tickLater(): void {
    this.#cancelTick = this.#options.timers.after(TICK_MS, () => {
      this.#tick();
      if (this.#readers.size > 0) this.#tickLater();
    });
  }

  #tick(): void {
    this.#ticks += 1;
    const nowMs = this.#options.timers.now();
    const mark = this.#markOfFeed();
    for (const group of [...this.#groups]) {
      const counts = group.endSecond();
      if (counts === undefined) continue;
      const marked = rateFrame(nowMs, counts, group.sent, mark);
      for (const reader of group.readers) {
        if (!reader.isLive) continue;
        const isMarked = this.#mark(reader) !== undefined;
        this.#send(reader, isMarked ? marked : rateFrame(nowMs, counts, group.sent, undefined));
      }
    }
    for (const reader of this.#readers) {
      const isDue = (this.#ticks - reader.openedTick) % HEARTBEAT_TICKS === 0;
      if (isDue) this.#send(reader, heartbeatFrame(reader.isLive ? this.#mark(reader) : undefined));
    }
  }

  /** A reader that is ahead of the feed keeps the id of its last event. */
  #mark(reader: Reader): string | undefined {
    const { head } = this.#feed;
    if (reader.joined !== undefined && head !== undefined && comparePositions(reader.joined, head) <= 0) {
      reader.joined = undefined;
    }
    return reader.joined === undefined ? this.#markOfFeed() : undefined;
  }

  #markOfFeed(): string | undefined {
    const { head, isComplete } = this.#feed;
    if (head === undefined || !isComplete || !this.#options.isRecorded()) return undefined;
    return formatMark(this.#options.timers.now(), head.batch + 1);
  }

  /** In place of one that waits: a check that is in flight may end after a stop and a new start. */
  #checkLater(): void {
    this.#cancelCheck?.();
    this.#cancelCheck = this.#options.timers.after(CHECK_MS, () => {
      void this.#checkCredentials().finally(() => {
        if (this.#readers.size > 0) this.#checkLater();
      });
    });
  }

  /** Never rejects. */
  async #checkCredentials(): Promise<void> {
    const { credentials, timers, onFault } = this.#options;
    const startedMs = timers.now();
    const checked = new Map<string, CheckedCredential>();
    for (const { caller } of this.#readers) {
      if (caller.kind === 'user') checked.set(caller.credential.id, caller.credential);
    }
    try {
      const users = checked.size === 0 ? NO_USERS : await credentials().usersOf([...checked.values()]);
      this.#checkedMs = startedMs;
      for (const reader of this.#readers) {
        const { caller } = reader;
        if (caller.kind !== 'user' || !checked.has(caller.credential.id)) continue;
        const user = users.get(caller.credential.id);
        if (user === undefined) this.#end(reader);
        else this.#regroup(reader, this.#groups.groupOf({ ...caller, user }));
      }
    } catch (error) {
      if (!(error instanceof AppError)) onFault(error);
      if (timers.now() - this.#checkedMs < UNCHECKED_MS) return;
      for (const reader of this.#readers) if (reader.caller.kind === 'user') this.#end(reader);
    }
  }

  /** The role of a user may have changed. */
  #regroup(reader: Reader, group: Reader['group']): void {
    if (group === reader.group) return;
    this.#groups.remove(reader);
    reader.group = group;
    this.#groups.add(reader);
  }

  #send(reader: Reader, octets: Uint8Array): void {
    if (reader.isEnded) return;
    if (reader.sink.pendingOctets > MAX_PENDING_OCTETS) this.#drop(reader);
    else reader.sink.write(octets);
  }

  #drop(reader: Reader): void {
    this.#remove(reader);
    reader.sink.destroy();
  }

  #end(reader: Reader): void {
    this.#remove(reader);
    reader.sink.end();
  }

  #remove(reader: Reader): void {
    reader.isEnded = true;
    reader.isLive = false;
    if (!this.#readers.delete(reader)) return;
    this.#groups.remove(reader);
    if (this.#readers.size === 0) this.#stop();
  }
}

function tooMany(text: string, retryAfterSeconds: number): AppError {
  return new AppError('rate-limited', text, { retryAfterSeconds });
}

function userIdOf(caller: StreamCaller): string | undefined {
  return caller.kind === 'user' ? caller.user.id : undefined;
}

/** Those of these events that are after a position. */
function after(
  position: EventPosition,
  batch: number,
  events: readonly HistoryEvent[],
  indexes: readonly number[],
): readonly number[] {
  if (batch > position.batch) return indexes;
  return indexes.filter((index) => comparePositions({ batch, id: events[index]!.id }, position) > 0);
}
