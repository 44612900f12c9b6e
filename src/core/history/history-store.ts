/** Contract: where events and the activity of hosts are stored. See core/store.ts for durability and errors. */
import type { DomainName } from '../../dns/name.ts';
import type { HistoryEvent, HostActivity, PastAddresses } from './history.ts';

export interface RepeatCount {
  readonly ownerName: DomainName;
  /** To be added; 0 moves `lastSeenMs` only. */
  readonly repeats: number;
  readonly lastSeenMs: number;
}

/** What is done once for each time that a host is silent. */
export type SilenceStep = 'told' | 'lease-ended';

export interface HistoryStore {
  /** Stores all events or none. An event that is there already (by its id) is passed over. */
  append(events: readonly HistoryEvent[]): Promise<void>;

  /** Adds to counters. After store-unreachable it is safe to call again, but repeats may count twice. */
  countRepeats(counts: readonly RepeatCount[]): Promise<void>;

  /** The newest events of a host, newest first. @param before only events with smaller ids: the next page */
  read(ownerName: DomainName, limit: number, before?: string): Promise<readonly HistoryEvent[]>;

  activity(ownerName: DomainName): Promise<HostActivity | undefined>;

  /** Of all hosts, in canonical order of names. */
  activities(): Promise<readonly HostActivity[]>;

  /** Of these hosts, as far as something is known of them, in any order. */
  activitiesOf(ownerNames: readonly DomainName[]): Promise<readonly HostActivity[]>;

  /**
   * What a host had at some time: what the last change up to then made of a family, else what the first change after it
   * found there.
   */
  stateAt(ownerName: DomainName, timeMs: number): Promise<PastAddresses>;

  /**
   * Takes note that a step was done for the silence that began with `lastSeenMs`. `first`: nobody had done it before for
   * this silence; of many callers at the same time, in whichever process, one is told so.
   */
  noteSilence(ownerName: DomainName, step: SilenceStep, lastSeenMs: number): Promise<'first' | 'known'>;

  /** The latest silence for which a step was noted, by its `lastSeenMs`. */
  notedSilence(ownerName: DomainName, step: SilenceStep): Promise<number | undefined>;

  /**
   * Takes note that updates can arrive now, and says since when they could without a pause: where the last note, of any
   * process, is older than `pauseMs`, since now.
   */
  noteWatch(nowMs: number, pauseMs: number): Promise<number>;

  /** Forgets all events and the activity of a host, and says how many events there were. */
  purge(ownerName: DomainName): Promise<number>;

  /** Forgets events of before that time, of all hosts, and says how many there were. */
  prune(olderThanMs: number): Promise<number>;
}
