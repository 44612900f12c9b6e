/** Contract: where events and the activity of hosts are stored. See core/store.ts for durability and errors. */
import type { DomainName } from '../../dns/name.ts';
import type { TimeStore } from '../believed-clock.ts';
import type { Family } from '../zones/family.ts';
import type { Receipt } from '../zones/secondaries.ts';
import type { EventOutcome, EventReceipt, HistoryEvent, HostActivity, PastAddresses } from './history.ts';

export interface RepeatCount {
  readonly ownerName: DomainName;
  /** To be added; 0 moves `lastSeenMs` only. */
  readonly repeats: number;
  readonly lastSeenMs: number;
}

/** An action that is taken once for each silence of a host. */
export type SilenceStep = 'told' | 'lease-ended';

export interface HistorySize {
  /** Events that are stored now. */
  readonly stored: number;
  readonly deleted: number;
}

/** Which events of all hosts; every event without a field. */
export interface EventFilter {
  readonly outcome?: EventOutcome | undefined;
  /** The name of a token or key. */
  readonly actor?: string | undefined;
  /** The address of a client, canonical text. */
  readonly source?: string | undefined;
  /** Milliseconds since 1970: events at this time or later. */
  readonly sinceMs?: number | undefined;
  /** Only events of these hosts; none: no event. */
  readonly hosts?: readonly DomainName[] | undefined;
}

/**
 * Where an event is in the order in which all readers get events: that of the transactions that stored them, which become
 * visible in the order of their numbers, and within one that of the ids. Ids alone do not have it: another server may
 * store an event with a smaller id later.
 */
export interface EventPosition {
  /** The number of the transaction; 0 is before all of them. */
  readonly batch: number;
  /** The id of the event; empty: before all events of the batch. */
  readonly id: string;
}

export interface PlacedEvent {
  readonly batch: number;
  readonly event: HistoryEvent;
}

export interface HistoryStore extends TimeStore {
  /** Stores all events or none. Ignores an event whose id is stored already. */
  append(events: readonly HistoryEvent[]): Promise<void>;

  /**
   * Adds to counters. After store-unreachable it is safe to call again, but repeats may count twice. `lastSeenMs` does not go
   * back, unless the stored one is more than a day later: then it was written by a wrong clock.
   */
  countRepeats(counts: readonly RepeatCount[]): Promise<void>;

  /** The newest events of a host, newest first. @param before only events with smaller ids: the next page */
  read(ownerName: DomainName, limit: number, before?: string): Promise<readonly HistoryEvent[]>;

  /** The newest events of all hosts, newest first. @param before as of `read` */
  readAll(filter: EventFilter, limit: number, before?: string): Promise<readonly HistoryEvent[]>;

  /**
   * The newest changes of a host that gave a family other addresses than it had, newest first. @param before as of `read`
   */
  readMoves(ownerName: DomainName, family: Family, limit: number, before?: string): Promise<readonly HistoryEvent[]>;

  /** The position of the newest event. */
  newestPosition(): Promise<EventPosition>;

  /** Undefined: no such event, or a version that did not record it has stored the event. */
  positionOf(eventId: string): Promise<EventPosition | undefined>;

  /** The next events after a position, in order. An event that is not among them is never inserted before one that is. */
  readAfter(position: EventPosition, limit: number): Promise<readonly PlacedEvent[]>;

  /** Whether more events than this number are after a position. */
  hasMoreAfter(position: EventPosition, events: number): Promise<boolean>;

  /**
   * Stores receipts: they belong to a zone, a serial and a secondary, not to an event. After store-unreachable it is safe to
   * call again; a receipt may then be stored twice.
   */
  appendReceipts(receipts: readonly Receipt[]): Promise<void>;

  /**
   * When secondaries served the events of a host: for each event with a serial and each of these secondaries that was asked at
   * that time. The comparison of serials is that of RFC 1982 §3.2. In any order.
   * @param events of one host and zone
   * @param zone the apex, with the final dot
   */
  receipts(
    events: readonly HistoryEvent[],
    zone: string,
    secondaries: readonly string[],
  ): Promise<readonly EventReceipt[]>;

  activity(ownerName: DomainName): Promise<HostActivity | undefined>;

  /** Of all hosts, in canonical order of names. */
  activities(): Promise<readonly HostActivity[]>;

  /** Of those of these hosts that have any, in any order. */
  activitiesOf(ownerNames: readonly DomainName[]): Promise<readonly HostActivity[]>;

  /**
   * The addresses of a host at some time: for each family the result of the last change up to then, else what the first
   * change after it replaced.
   */
  stateAt(ownerName: DomainName, timeMs: number): Promise<PastAddresses>;

  /**
   * Records that a step was taken for the silence that began at `lastSeenMs`. Of all callers in all processes, one gets
   * `first` for the same silence.
   */
  noteSilence(ownerName: DomainName, step: SilenceStep, lastSeenMs: number): Promise<'first' | 'known'>;

  /** The `lastSeenMs` of the latest silence for which a step was recorded. */
  notedSilence(ownerName: DomainName, step: SilenceStep): Promise<number | undefined>;

  /**
   * Records that updates can arrive now. @returns since when they could without a pause; now, if the last record of any
   * process is older than `pauseMs`, or if it was written by a clock that was ahead
   */
  noteWatch(nowMs: number, pauseMs: number): Promise<number>;

  /** Deletes all events and the activity of a host. @returns the number of events */
  purge(ownerName: DomainName): Promise<number>;

  /** Deletes events of all hosts that are older. @returns their number */
  prune(olderThanMs: number): Promise<number>;

  /** Deletes receipts that are older, and the oldest ones beyond `maxReceipts`. @returns their number */
  pruneReceipts(olderThanMs: number, maxReceipts: number): Promise<number>;

  /**
   * One step towards at most `maxEvents` of all hosts: deletes some of the oldest events of the hosts with the most. Does not
   * read all events. To be called again while it returns `deleted` above 0; several processes may do so at once.
   */
  trim(maxEvents: number): Promise<HistorySize>;
}
