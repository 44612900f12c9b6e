/**
 * Sends a reader what it has missed, from the history, until it is as far as the feed. Bounded: a few at the same time, each a few
 * thousand events, and no faster than the client takes them.
 */
import type { EventPosition, HistoryStore } from '../history/history-store.ts';
import { TaskLimit } from '../parallel.ts';
import type { Timers } from '../timers.ts';
import type { EventFeed } from './event-feed.ts';
import { eventFrame, type ResyncReason } from './frames.ts';
import type { Reader, ReaderGroups } from './reader-groups.ts';
import { comparePositions, parseStreamId } from './stream-position.ts';

export type ReplayHistory = Pick<HistoryStore, 'newestPosition' | 'positionOf' | 'readAfter' | 'hasMoreAfter'>;

/** Events of all hosts since the last one that the client has. */
export const MAX_MISSED = 5_000;
export const MAX_AGE_MS = 86_400_000;
const PAGE = 500;
const MAX_AT_ONCE = 4;
/** Octets that the client has not taken: with more, the next page waits. */
const AHEAD_OCTETS = 65_536;
const WAIT_MS = 25;
/** For a client that takes a little at a time. */
const MAX_WAIT_MS = 30_000;

export class Replay {
  readonly #history: ReplayHistory;
  readonly #timers: Timers;
  readonly #groups: ReaderGroups;
  readonly #feed: Pick<EventFeed, 'head'>;
  readonly #send: (reader: Reader, octets: Uint8Array) => void;
  readonly #replays = new TaskLimit(MAX_AT_ONCE);

  constructor(
    { history, timers }: { readonly history: ReplayHistory; readonly timers: Timers },
    groups: ReaderGroups,
    feed: Pick<EventFeed, 'head'>,
    send: (reader: Reader, octets: Uint8Array) => void,
  ) {
    this.#history = history;
    this.#timers = timers;
    this.#groups = groups;
    this.#feed = feed;
    this.#send = send;
  }

  /**
   * Makes the reader live when it missed nothing, in the turn in which that is certain.
   * @returns why it must read everything again; undefined: it missed nothing
   * @throws AppError store-unreachable
   */
  run(reader: Reader, lastEventId: string): Promise<ResyncReason | undefined> {
    return this.#replays.run(async () => {
      const position = await this.#positionOf(lastEventId);
      if (typeof position === 'string') return position;
      if (await this.#history.hasMoreAfter(position, MAX_MISSED)) return 'too-many';
      return this.#sendAfter(position, reader);
    });
  }

  async #positionOf(lastEventId: string): Promise<EventPosition | 'unknown-id' | 'too-old'> {
    const id = parseStreamId(lastEventId);
    if (id === undefined) return 'unknown-id';
    if (this.#timers.now() - id.timeMs > MAX_AGE_MS) return 'too-old';
    if (id.names.kind === 'event') return (await this.#history.positionOf(id.names.id)) ?? 'unknown-id';
    const { batch } = id.names;
    // Another server may be ahead of the feed of this one.
    const isStored =
      batch <= (this.#feed.head?.batch ?? 0) + 1 || batch <= (await this.#history.newestPosition()).batch + 1;
    // Else it is of another database, or of one that was restored.
    return isStored ? { batch, id: '' } : 'unknown-id';
  }

  async #sendAfter(start: EventPosition, reader: Reader): Promise<ResyncReason | undefined> {
    let position = start;
    for (let sent = 0; sent <= 2 * MAX_MISSED; ) {
      const headBefore = this.#feed.head;
      const page = await this.#history.readAfter(position, PAGE);
      const events = page.map(({ event }) => event);
      const read = await this.#groups.read(reader.group, events);
      if (reader.isEnded || this.#feed.head === undefined) return undefined;
      const seen = events.filter((event) => this.#groups.maySee(reader.group, event.ownerName, read));
      if (seen.length > 0) this.#send(reader, Buffer.concat(seen.map(eventFrame)));
      const last = page.at(-1);
      if (last !== undefined) position = { batch: last.batch, id: last.event.id };
      // The page has every event up to there that is still stored.
      if (page.length < PAGE) position = later(position, headBefore);
      if (page.length < PAGE && comparePositions(position, this.#feed.head) >= 0) {
        reader.joined = position;
        reader.isLive = true;
        return undefined;
      }
      sent += page.length;
      await this.#untilTaken(reader);
      if (reader.isEnded || this.#feed.head === undefined) return undefined;
    }
    return 'too-many';
  }

  async #untilTaken(reader: Reader): Promise<void> {
    const untilMs = this.#timers.now() + MAX_WAIT_MS;
    while (!reader.isEnded && reader.sink.pendingOctets > AHEAD_OCTETS) {
      if (this.#timers.now() >= untilMs) {
        reader.sink.destroy();
        return;
      }
      await new Promise<void>((resolve) => void this.#timers.after(WAIT_MS, resolve));
    }
  }
}

function later(a: EventPosition, b: EventPosition | undefined): EventPosition {
  return b !== undefined && comparePositions(b, a) > 0 ? b : a;
}
