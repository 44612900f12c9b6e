/**
 * What the core asks of a store: contracts, no code. Every implementation passes test/contract/store.ts.
 *
 * A promise that resolves without a word to the contrary means: on the disk, or committed. Every method throws AppError
 * store-unreachable when the store does not answer in time; whether a change was made is not known then, and making it
 * again is safe. A store that was away is used again by itself.
 */
import type { DomainName } from '../dns/name.ts';
import type { HostToken, ListedToken } from './access/token.ts';
import type { ErrorCode } from './errors.ts';
import type { HistoryEvent, HostActivity, PastAddresses } from './history/history.ts';
import type { HostSettings } from './hosts/host.ts';
import type { NewWish, Wish } from './pending/pending-update.ts';
import type { Family } from './zones/plan-change.ts';

export interface TokenUse {
  readonly tokenId: string;
  readonly lastUsedMs: number;
}

export interface TokenStore {
  /**
   * The token whose secret has this SHA-256 (hexadecimal, lower case), revoked and expired ones too: ask tokenState.
   * Answers without a promise what it knows already, which is never older than one second: a token is revoked everywhere
   * within that. A store that does not answer for longer gives store-unreachable, also for tokens that it answered before.
   */
  findBySha256(sha256: string): HostToken | undefined | Promise<HostToken | undefined>;

  /** Tokens that are not revoked have different names; no two tokens ever had the same secret. */
  create(token: HostToken): Promise<'created' | 'name-taken' | 'secret-taken'>;

  /** All tokens, revoked ones too, by name and then by age. */
  list(): Promise<readonly ListedToken[]>;

  /** Ends the token of this name. */
  revoke(name: string, nowMs: number): Promise<'revoked' | 'unknown'>;

  /** Gives the token of this name another secret; the old one ends. Undefined: there is no such token. */
  rotate(name: string, sha256: string): Promise<HostToken | undefined>;

  /** How many tokens that are not revoked have names that begin so. */
  countNamed(prefix: string): Promise<number>;

  /** Remembers uses, of which the latest counts. Tokens that are not in the store may be among them. */
  touchLastUsed(uses: readonly TokenUse[]): Promise<void>;

  /** Last uses by token, of those of these tokens that were used. */
  lastUses(tokenIds: readonly string[]): Promise<ReadonlyMap<string, number>>;
}

export interface HostStore {
  /** Sets all settings of a host. */
  put(settings: HostSettings): Promise<void>;
  get(ownerName: DomainName): Promise<HostSettings | undefined>;
  /** In canonical order of names (RFC 4034 §6.1). */
  list(): Promise<readonly HostSettings[]>;
  /** Those whose silence is limited (`silentAfterSeconds`, `leaseSeconds`): few of many, and found without a look at all. */
  listLimited(): Promise<readonly HostSettings[]>;
  /** Its history and its wishes stay. */
  remove(ownerName: DomainName): Promise<'removed' | 'unknown'>;
}

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

export interface WishStore {
  /** Keeps wishes, all or none, each with a new sequence number in place of the one for the same name and family. */
  put(...wishes: readonly NewWish[]): Promise<void>;

  get(ownerName: DomainName, family: Family): Promise<Wish | undefined>;

  /** By age, the oldest first. */
  list(): Promise<readonly Wish[]>;

  /** Those of one site, by age. */
  listSite(site: string): Promise<readonly Wish[]>;

  count(): Promise<number>;

  /**
   * Takes wishes whose next attempt is due: the most overdue first. Until `untilMs` nobody else is given them, so that
   * several processes never try the same one at once.
   */
  takeDue(nowMs: number, untilMs: number, limit: number): Promise<readonly Wish[]>;

  /** Puts off a wish after an attempt that failed, which is counted. Nothing happens when a newer one is in its place. */
  postpone(
    wish: Pick<Wish, 'ownerName' | 'family' | 'sequence'>,
    nextAttemptMs: number,
    lastError: ErrorCode,
  ): Promise<void>;

  /** Removes the wish for a name and family, with `sequence` only that one. */
  remove(ownerName: DomainName, family: Family, sequence?: number): Promise<'removed' | 'unknown'>;
}

/** A value that was written here, or may have been. */
export interface StoredText {
  readonly ownerName: DomainName;
  readonly text: string;
  /** Milliseconds since 1970, as every `…Ms` here. Different for the values of one name. */
  readonly addedMs: number;
  readonly removeAtMs: number;
}

export interface TextStore {
  /** Keeps a value, in place of the same one at the same name. */
  put(text: StoredText): Promise<void>;

  /** The values at a name, the oldest first. */
  at(ownerName: DomainName): Promise<readonly StoredText[]>;

  /**
   * Takes values that are to be removed by now, the most overdue first. They get `untilMs` as their time, so that nobody
   * else is given them until then.
   */
  takeDue(nowMs: number, untilMs: number, limit: number): Promise<readonly StoredText[]>;

  /** Forgets values at a name; those that are not kept are passed over. */
  remove(ownerName: DomainName, texts: readonly string[]): Promise<void>;
}

export interface Store {
  readonly tokens: TokenStore;
  readonly hosts: HostStore;
  readonly history: HistoryStore;
  readonly wishes: WishStore;
  readonly texts: TextStore;

  /** Resolves when the store answers. */
  ping(): Promise<void>;

  /** Copies the database, consistent while changes go on. Absent where the database has tools of its own for that. */
  backup?(toFile: string): Promise<void>;

  /** Finishes what was asked for. Further calls fail. */
  close(): Promise<void>;
}
