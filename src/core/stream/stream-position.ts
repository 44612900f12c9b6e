/**
 * The ids of a stream as texts (`id:` and `Last-Event-ID`). That of an event is its id in the history. Where a client has seen
 * everything up to a time without an event of its own, it gets a mark: the time, `p`, and the number of a batch.
 */
import { firstIdOf } from '../history/history.ts';
import type { EventPosition } from '../history/history-store.ts';

export interface StreamId {
  /** Milliseconds since 1970, when it was made. */
  readonly timeMs: number;
  /** What it names: an event, or the position before a batch. */
  readonly names: { readonly kind: 'event'; readonly id: string } | { readonly kind: 'batch'; readonly batch: number };
}

const EVENT_ID = /^[0-9a-f]{12,64}$/;
const MARK = /^[0-9a-f]{12}p([0-9a-f]{1,13})$/;

/** The mark of a client that has seen every event before this batch. */
export function formatMark(timeMs: number, batch: number): string {
  return `${firstIdOf(timeMs)}p${batch.toString(16)}`;
}

/** Undefined: not an id of a stream. */
export function parseStreamId(text: string): StreamId | undefined {
  const mark = MARK.exec(text);
  if (mark === null && !EVENT_ID.test(text)) return undefined;
  const timeMs = Number.parseInt(text.slice(0, 12), 16);
  const batch = Number.parseInt(mark?.[1] ?? '', 16);
  return { timeMs, names: mark === null ? { kind: 'event', id: text } : { kind: 'batch', batch } };
}

/** Negative: `a` is before `b`. */
export function comparePositions(a: EventPosition, b: EventPosition): number {
  return a.batch - b.batch || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}
