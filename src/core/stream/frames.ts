/**
 * What a stream sends, as octets of `text/event-stream` (HTML Living Standard §9.2). JSON has no line breaks of its own, so that
 * each object is one `data:` line.
 */
import type { HostEventView } from '../admin/history-operations.ts';
import { eventView } from '../admin/views.ts';
import type { HistoryEvent } from '../history/history.ts';

/** Updates of a second, as far as the reader may see the hosts. */
export interface RateCounts {
  readonly changed: number;
  readonly refused: number;
  readonly failed: number;
  /** Updates that changed nothing, at this server. */
  readonly unchanged: number;
}

/** `all` events are sent, or because there are many only those of `watched` hosts. */
export type SentEvents = 'all' | 'watched';

/** Why a client must read what it shows again: events may be missing, or come twice. */
export type ResyncReason =
  | 'history-off'
  | 'unknown-id'
  | 'too-old'
  | 'too-many'
  | 'store-unreachable'
  /** This server could not follow. */
  | 'overload';

/** For how long a client waits before it connects again, in ms. */
const RETRY_MS = 3_000;

export const GREETING: Buffer = Buffer.from(`retry: ${RETRY_MS}\n\n`);

/** The same octets for a live event and for the stored one. @param event its `origin` is not stored, and not sent */
export function eventFrame({ origin: _, ...event }: HistoryEvent & { readonly origin?: unknown }): Buffer {
  const view: HostEventView = { host: event.ownerName.toString().toLowerCase(), ...eventView(event) };
  return frame('history', event.id, view);
}

/** @param mark undefined: the client keeps the id that it has; so below */
export function rateFrame(timeMs: number, counts: RateCounts, events: SentEvents, mark: string | undefined): Buffer {
  return frame('rate', mark, { time: new Date(timeMs).toISOString(), ...counts, events });
}

export function resyncFrame(reason: ResyncReason, mark: string | undefined): Buffer {
  return frame('resync', mark, { reason });
}

/** Without an event: the client notes the id. */
export function heartbeatFrame(mark: string | undefined): Buffer {
  return Buffer.from(`: heartbeat\n${idLine(mark)}\n`);
}

function frame(name: string, id: string | undefined, data: object): Buffer {
  return Buffer.from(`${idLine(id)}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
}

function idLine(id: string | undefined): string {
  return id === undefined ? '' : `id: ${id}\n`;
}
