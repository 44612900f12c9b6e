/**
 * The readers of streams by what they may see: all admins are one group, and the streams of each member one. An event is looked up
 * once, whatever the number of readers: its host names the users who may see it.
 */
import type { DomainName } from '../../dns/name.ts';
import type { HistoryEvent } from '../history/history.ts';
import type { EventPosition } from '../history/history-store.ts';
import type { HostSettings, HostSettingsSource } from '../hosts/host.ts';
import { accessOf } from '../hosts/host-access.ts';
import type { RateCounts, SentEvents } from './frames.ts';
import type { StreamCaller, StreamSink } from './reader.ts';

/** Events of a second, of one group: above it only those of watched hosts are sent. */
export const MANY_EVENTS = 100;
/** All events are sent again after so many seconds with less than half of it. */
const QUIET_SECONDS = 3;

/** An open stream. */
export interface Reader {
  readonly caller: StreamCaller;
  readonly sink: StreamSink;
  /** Keys of the names whose events are always sent. */
  readonly watched: ReadonlySet<string>;
  /** The tick in which it was opened: its heartbeats count from it. */
  readonly openedTick: number;
  group: ReaderGroup;
  /** Gets live events. Before that, those that it has missed. */
  isLive: boolean;
  /** It has the events up to here from the history; undefined: as far as the feed. */
  joined: EventPosition | undefined;
  isEnded: boolean;
  /** Indexes of events of the batch that is being sent, of watched hosts. */
  due: number[];
}

export class ReaderGroup {
  /** The id of the member; undefined: the readers see all hosts. */
  readonly userId: string | undefined;
  readonly readers = new Set<Reader>();
  sent: SentEvents = 'all';
  /** Indexes of the events of the batch that is being sent, while all are sent. */
  due: number[] = [];
  /** The index of the last event of the batch that the group may see. */
  lastSeen = -1;
  #counts = newCounts();
  #events = 0;
  #quietSeconds = 0;
  #wasReported = false;

  constructor(userId: string | undefined) {
    this.userId = userId;
  }

  sees({ outcome }: HistoryEvent, index: number): void {
    this.#counts[outcome] += 1;
    this.#events += 1;
    this.lastSeen = index;
    if (this.sent === 'watched') return;
    if (this.#events <= MANY_EVENTS) this.due.push(index);
    else {
      this.sent = 'watched';
      this.#quietSeconds = 0;
      this.due = [];
    }
  }

  seesRepeats(repeats: number): void {
    this.#counts.unchanged += repeats;
  }

  /** The end of a second. @returns what to report; undefined: nothing happened, and that was reported */
  endSecond(): RateCounts | undefined {
    const counts = this.#counts;
    const wasSent = this.sent;
    this.#quietSeconds = this.#events * 2 < MANY_EVENTS ? this.#quietSeconds + 1 : 0;
    if (this.#quietSeconds >= QUIET_SECONDS) this.sent = 'all';
    const isActive = this.#events + counts.unchanged > 0;
    const isReported = isActive || this.#wasReported || this.sent !== wasSent;
    this.#wasReported = isActive;
    this.#counts = newCounts();
    this.#events = 0;
    return isReported ? counts : undefined;
  }
}

function newCounts() {
  return { changed: 0, refused: 0, failed: 0, unchanged: 0 };
}

/** Settings of hosts, with those that were read lately. */
export interface StreamHosts extends HostSettingsSource {
  /** `peek` knows every host. */
  readonly isComplete: boolean;
  /** What is cached, without a query. Undefined: nothing is. */
  peek(ownerName: DomainName): { readonly settings: HostSettings | undefined } | undefined;
}

/** By the key of the name. */
export type ReadSettings = ReadonlyMap<string, HostSettings | undefined>;

const NOT_READ: ReadSettings = new Map();
const NO_GROUPS: readonly ReaderGroup[] = [];

export class ReaderGroups {
  readonly #hosts: () => StreamHosts;
  /** Those who see all hosts; undefined: there are none. */
  #all: ReaderGroup | undefined;
  /** By the id of the user. */
  readonly #members = new Map<string, ReaderGroup>();
  /** By the key of a name. */
  readonly #watchers = new Map<string, Set<Reader>>();
  /** Settings that were read for the events that are sent next, by the key of the name. */
  #prepared: ReadSettings = NOT_READ;

  /** @param hosts those of the configuration in force */
  constructor(hosts: () => StreamHosts) {
    this.#hosts = hosts;
  }

  *[Symbol.iterator](): Iterator<ReaderGroup> {
    if (this.#all !== undefined) yield this.#all;
    yield* this.#members.values();
  }

  groupOf(caller: StreamCaller): ReaderGroup {
    if (caller.kind === 'operator' || caller.user.role === 'admin') return this.#all ?? new ReaderGroup(undefined);
    return this.#members.get(caller.user.id) ?? new ReaderGroup(caller.user.id);
  }

  add(reader: Reader): void {
    const { group } = reader;
    group.readers.add(reader);
    if (group.userId === undefined) this.#all = group;
    else this.#members.set(group.userId, group);
    for (const key of reader.watched) {
      const watchers = this.#watchers.get(key) ?? new Set();
      this.#watchers.set(key, watchers.add(reader));
    }
  }

  remove(reader: Reader): void {
    const { group } = reader;
    group.readers.delete(reader);
    if (group.readers.size === 0) {
      if (group.userId === undefined) this.#all = undefined;
      else this.#members.delete(group.userId);
    }
    for (const key of reader.watched) {
      const watchers = this.#watchers.get(key);
      if (watchers?.delete(reader) === true && watchers.size === 0) this.#watchers.delete(key);
    }
  }

  /** Reads the settings of hosts that are not cached, for `note`. @throws AppError store-unreachable */
  prepare(events: readonly HistoryEvent[]): Promise<void> | undefined {
    this.#prepared = NOT_READ;
    if (this.#members.size === 0) return undefined;
    const read = this.#read(events);
    return read?.then((settings) => {
      this.#prepared = settings;
    });
  }

  /** The same, for `maySee`. */
  async read({ userId }: ReaderGroup, events: readonly HistoryEvent[]): Promise<ReadSettings> {
    return (userId === undefined ? undefined : await this.#read(events)) ?? NOT_READ;
  }

  #read(events: readonly HistoryEvent[]): Promise<ReadSettings> | undefined {
    const hosts = this.#hosts();
    if (hosts.isComplete) return undefined;
    const missing = new Map<string, Promise<HostSettings | undefined>>();
    for (const { ownerName } of events) {
      if (missing.has(ownerName.key)) continue;
      const found = hosts.find(ownerName);
      if (found instanceof Promise) missing.set(ownerName.key, found);
    }
    if (missing.size === 0) return undefined;
    const keys = [...missing.keys()];
    return Promise.all(missing.values()).then((settings) => new Map(settings.map((each, at) => [keys[at]!, each])));
  }

  /** Notes each event of a batch for the groups and readers that may see it. */
  note(events: readonly HistoryEvent[]): void {
    const all = this.#all;
    for (let index = 0; index < events.length; index += 1) {
      const event = events[index]!;
      all?.sees(event, index);
      if (this.#members.size > 0) {
        for (const group of this.#membersWith(event.ownerName)) group.sees(event, index);
      }
      const watchers = this.#watchers.size === 0 ? undefined : this.#watchers.get(event.ownerName.key);
      if (watchers === undefined) continue;
      for (const reader of watchers) if (reader.group.lastSeen === index) reader.due.push(index);
    }
  }

  noteRepeats(ownerName: DomainName, repeats: number): void {
    this.#all?.seesRepeats(repeats);
    if (this.#members.size === 0) return;
    for (const group of this.#membersWith(ownerName)) group.seesRepeats(repeats);
  }

  /** Whether a group may see a host now. @param read by `read`, for an event of this host */
  maySee({ userId }: ReaderGroup, ownerName: DomainName, read: ReadSettings): boolean {
    return userId === undefined || accessOf(this.#settingsOf(ownerName, read), userId) !== undefined;
  }

  /** The cache is newer than what was read, and may have lost it. */
  #settingsOf(ownerName: DomainName, read: ReadSettings): HostSettings | undefined {
    const cached = this.#hosts().peek(ownerName);
    return cached === undefined ? read.get(ownerName.key) : cached.settings;
  }

  #membersWith(ownerName: DomainName): readonly ReaderGroup[] {
    const settings = this.#settingsOf(ownerName, this.#prepared);
    if (settings === undefined) return NO_GROUPS;
    const { ownerId, shares = [] } = settings;
    const owner = ownerId === undefined ? undefined : this.#members.get(ownerId);
    if (shares.length === 0) return owner === undefined ? NO_GROUPS : [owner];
    const groups = new Set(owner === undefined ? NO_GROUPS : [owner]);
    for (const { userId } of shares) {
      const group = this.#members.get(userId);
      if (group !== undefined && accessOf(settings, userId) !== undefined) groups.add(group);
    }
    return [...groups];
  }
}
