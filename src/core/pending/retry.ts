/**
 * Publishes later what could not be published at once: tries wishes (wishes.ts) again until they are there, a newer
 * update took their place, or somebody else has changed the name.
 *
 * An attempt is in the same order per name as live updates, and looks there whether its wish is still the newest: it
 * never overtakes a newer update. While a primary does not answer, one attempt at a time asks for it; what else is due
 * there waits, and goes on with its first sign of life.
 */

import type { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import type { ZoneEdit } from '../../dns/zone-change.ts';
import { AppError } from '../errors.ts';
import type { NewHistoryEvent } from '../history/history.ts';
import { forEachInParallel } from '../parallel.ts';
import { PeriodicTask } from '../periodic-task.ts';
import type { Timers } from '../timers.ts';
import type { UnpublishedUpdate, UnpublishedUpdates } from '../updates/unpublished-updates.ts';
import type { UpdateQueue } from '../updates/update-queue.ts';
import { FAMILIES, type Family } from '../zones/family.ts';
import type { Zone, ZoneTable } from '../zones/zone.ts';
import { PendingLog } from './pending-log.ts';
import type { PendingStore } from './pending-store.ts';
import { keepsPending, LAST_RETRY_MS, type PendingUpdate, retryDelayMs } from './pending-update.ts';
import { type PendingResult, publishPending } from './publish-pending.ts';

export interface PendingRetryOptions {
  readonly store: PendingStore;
  /** True where other processes use the same store. */
  readonly shared: boolean;
  /** That of live updates. */
  readonly queue: UpdateQueue;
  readonly zones: () => ZoneTable;
  readonly reconcile: () => 'report' | 'enforce';
  /** For an update; an attempt takes half of it, so that a live update that waits behind it has time left. */
  readonly timeoutMs: () => number;
  /** Whether updates of a host are switched off meanwhile. */
  readonly isDisabled?: (ownerName: DomainName) => boolean | Promise<boolean>;
  readonly record?: (event: NewHistoryEvent) => void;
  readonly warn: (text: string) => void;
  readonly timers: Timers;
}

/** For an operator. */
export interface ListedPendingUpdate {
  readonly ownerName: string;
  readonly family: Family;
  /** Null: no address. */
  readonly wanted: string | null;
  readonly sinceMs: number;
  readonly attempts: number;
  readonly nextAttemptMs: number;
  readonly lastError: string | undefined;
}

/** Between two looks at what is due. */
const LOOK_MS = 1_000;
/** How long nobody else is given a wish that was taken; longer than an attempt and all that may wait before it. */
const LEASE_MS = LAST_RETRY_MS + 1_000;
const BATCH = 256;
const PARALLEL = 32;
/** Between two times at which wishes are tried that are not due. */
const HURRY_MS = 5_000;
const MAX_SUSPECTS = 10_000;
/** How old a wish may become that a primary refuses: it may do so while it starts, or its operator repairs it. */
const PATIENCE_MS = 3_600_000;

export class PendingRetry implements UnpublishedUpdates {
  readonly #options: PendingRetryOptions;
  readonly #records: PendingLog;
  /** Zones whose primary did not take the last attempt, by the key of their apex. */
  readonly #silent = new Map<string, { failures: number; untilMs: number }>();
  /** Shared stores: sequences of wishes where a foreign edit was seen once. */
  readonly #suspects = new Map<string, number>();
  readonly #looks: PeriodicTask;
  #hurriedMs = Number.NEGATIVE_INFINITY;
  /** All wishes are to be tried now, also those that are not due. */
  #hurry = false;

  constructor(options: PendingRetryOptions) {
    this.#options = options;
    this.#records = new PendingLog(options);
    this.#looks = new PeriodicTask({
      look: () => this.#look(),
      pauseMs: () => this.#pauseMs(),
      timers: options.timers,
    });
  }

  /** Takes up the wishes of the store, and from now on looks for them. */
  start(): void {
    this.#hurry = true;
    this.#looks.start();
  }

  /** Begins no more attempts; resolves when those under way have ended: soon, where connections are ended meanwhile. */
  close(): Promise<void> {
    return this.#looks.close();
  }

  failed(updates: readonly UnpublishedUpdate[], error: AppError): Promise<'kept' | 'not-kept'> {
    return this.#records.failed(updates, error);
  }

  settled(ownerName: DomainName, families: readonly Family[]): Promise<void> | undefined {
    if (this.#silent.size > 0) this.#answers(this.#options.zones().find(ownerName));
    return this.#records.settled(ownerName, families);
  }

  /** A DNS UPDATE was applied to an embedded zone: it takes the place of wishes for the addresses that it touched. */
  async updated(edits: readonly ZoneEdit[]): Promise<void> {
    if (!this.#records.mayExist) return;
    const touched = new Map<string, { ownerName: DomainName; families: Set<Family> }>();
    for (const edit of edits) {
      const ownerName = 'rrset' in edit ? edit.rrset.ownerName : edit.ownerName;
      const type = 'rrset' in edit ? edit.rrset.type : 'type' in edit ? edit.type : undefined;
      const of = FAMILIES.filter((family) => type === undefined || type === RRType[family]);
      if (of.length === 0) continue;
      const families = touched.get(ownerName.key)?.families ?? new Set();
      touched.set(ownerName.key, { ownerName, families: new Set([...families, ...of]) });
    }
    await Promise.all(
      [...touched.values()].map(({ ownerName, families }) => this.#records.settled(ownerName, [...families])),
    );
  }

  /** The oldest first. @throws AppError store-unreachable */
  async pending(): Promise<readonly ListedPendingUpdate[]> {
    const wishes = await this.#options.store.list();
    return wishes.map(({ ownerName, family, wanted, createdMs, attempts, nextAttemptMs, lastError }) => ({
      ownerName: ownerName.toString(),
      family,
      wanted,
      sinceMs: createdMs,
      attempts,
      nextAttemptMs,
      lastError,
    }));
  }

  /** Until the next look. */
  #pauseMs(): number {
    return this.#mayHurry() ? 0 : LOOK_MS;
  }

  #mayHurry(): boolean {
    const { shared, timers } = this.#options;
    return this.#hurry && !shared && timers.now() - this.#hurriedMs >= HURRY_MS;
  }

  /** Tries what is due. Never rejects: what the store does not answer waits for the next look. */
  async #look(): Promise<void> {
    const { store, shared, timers } = this.#options;
    if (!shared && !this.#records.mayExist) {
      this.#hurry = false;
      return;
    }
    try {
      const count = await this.#records.look();
      let dueMs = timers.now();
      if (this.#mayHurry()) {
        this.#hurry = false;
        this.#hurriedMs = dueMs;
        dueMs += LEASE_MS;
      }
      for (let left = count; left > 0 && !this.#looks.isClosed; left -= BATCH) {
        const untilMs = Math.max(timers.now() + LEASE_MS, dueMs + 1);
        const due = await store.takeDue(dueMs, untilMs, BATCH);
        await this.#tryAll(due);
        if (due.length < BATCH) break;
      }
    } catch (error) {
      this.#hurriedMs = timers.now();
      if (!(error instanceof AppError)) this.#options.warn(`Wishes could not be looked at: ${String(error)}`);
    }
  }

  async #tryAll(wishes: readonly PendingUpdate[]): Promise<void> {
    await forEachInParallel(groupsOf(wishes), PARALLEL, async (group) => {
      try {
        await this.#try(group);
      } catch (error) {
        // The store: the wishes are given out again when their time has come.
        if (!(error instanceof AppError)) this.#options.warn(`A wish could not be tried: ${String(error)}`);
      }
    });
  }

  /** @param group one wish, or some that belong to one site */
  async #try(group: readonly [PendingUpdate, ...PendingUpdate[]]): Promise<void> {
    const { store, zones, queue } = this.#options;
    const [first] = group;
    const zone = zones().find(first.ownerName);
    if (zone === undefined) {
      for (const wish of group) await this.#homeless(wish);
      return;
    }
    if (this.#isSilent(zone)) return;
    // Those of the site that are not due, or were given to another process.
    const wishes = first.site === undefined ? group : await store.listSite(first.site);
    const ofZone = wishes.filter(({ ownerName }) => zones().find(ownerName) === zone);
    const names = [...new Map(ofZone.map(({ ownerName }) => [ownerName.key, ownerName])).values()];
    await queue.runOwn(names, () => this.#tryInOrder(zone, ofZone));
  }

  /** Its zone is not configured here: any more, or for the moment. */
  async #homeless(wish: PendingUpdate): Promise<void> {
    if (this.#options.timers.now() - wish.createdMs < PATIENCE_MS) return;
    if (await this.#records.isCurrent(wish)) await this.#drop(wish, 'its zone is not configured any more');
  }

  /** True while nobody may ask the primary of a zone. */
  #isSilent({ apex }: Zone): boolean {
    return this.#options.timers.now() < (this.#silent.get(apex.key)?.untilMs ?? 0);
  }

  async #tryInOrder(zone: Zone, group: readonly PendingUpdate[]): Promise<void> {
    const { isDisabled, timers, timeoutMs, queue } = this.#options;
    const wishes: PendingUpdate[] = [];
    for (const wish of group) {
      if (!(await this.#records.isCurrent(wish))) continue;
      if (await isDisabled?.(wish.ownerName)) await this.#drop(wish, 'updates of this host are switched off');
      else wishes.push(wish);
    }
    if (wishes.length === 0 || this.#looks.isClosed || this.#isSilent(zone)) return;
    // This attempt asks for all.
    const silent = this.#silent.get(zone.apex.key);
    if (silent !== undefined) silent.untilMs = timers.now() + LAST_RETRY_MS;
    try {
      const deadlineMs = queue.clock() + timeoutMs() / 2;
      const results = await publishPending(zone, wishes, false, deadlineMs, queue.clock);
      this.#answers(zone);
      for (const result of results) {
        if (result.kind === 'foreign') await this.#foreign(zone, result, deadlineMs);
        else await this.#done(result);
      }
    } catch (error) {
      if (!(error instanceof AppError) || error.code === 'store-unreachable') throw error;
      const isOfOne = error.code === 'conflict' || error.code === 'contended';
      if (!isOfOne || wishes.length === 1) return this.#failedAgain(zone, wishes, error);
      // What is in the way of one holds up no other.
      for (const wish of wishes) await this.#tryInOrder(zone, [wish]);
    }
  }

  async #failedAgain(zone: Zone, wishes: readonly PendingUpdate[], error: AppError): Promise<void> {
    const { store, timers } = this.#options;
    const nowMs = timers.now();
    const isAway = keepsPending(error.code, error.rcode);
    if (this.#looks.isClosed) {
      for (const wish of wishes) await store.postpone(wish, nowMs, error.code);
      return;
    }
    if (isAway) {
      const failures = (this.#silent.get(zone.apex.key)?.failures ?? -1) + 1;
      this.#silent.set(zone.apex.key, { failures, untilMs: nowMs + retryDelayMs(failures) });
    } else this.#answers(zone);
    for (const wish of wishes) {
      const isHopeless = error.code === 'conflict' || nowMs - wish.createdMs > PATIENCE_MS;
      if (!isAway && isHopeless) await this.#drop(wish, error.logText, error);
      else await store.postpone(wish, nowMs + retryDelayMs(wish.attempts + 1), error.code);
    }
  }

  /** The primary of a zone has answered: what waits for it goes on. */
  #answers(zone: Zone | undefined): void {
    if (zone === undefined || !this.#silent.delete(zone.apex.key)) return;
    this.#hurry = true;
    this.#looks.pauseAnew();
  }

  /** Somebody else has changed the name: a person, or another process on behalf of a newer request. */
  async #foreign(zone: Zone, { wish, found }: PendingResult, deadlineMs: number): Promise<void> {
    const { shared, store, timers, reconcile, warn, queue } = this.#options;
    // A newer update that has just been published may be about to end this wish.
    if (!(await this.#records.isCurrent(wish))) return;
    if (shared && this.#suspects.get(placeOf(wish)) !== wish.sequence) {
      if (this.#suspects.size >= MAX_SUSPECTS) this.#suspects.clear();
      this.#suspects.set(placeOf(wish), wish.sequence);
      return store.postpone(wish, timers.now() + 2 * LOOK_MS, wish.lastError ?? 'publish-unknown');
    }
    this.#suspects.delete(placeOf(wish));
    const published = found.length === 0 ? 'none' : found.join(', ');
    const why = `somebody else has changed its ${wish.family} address meanwhile (now: ${published})`;
    if (reconcile() === 'report') return this.#drop(wish, why, new AppError('conflict', why));
    warn(`The wish for ${wish.ownerName} is published although ${why}.`);
    for (const result of await publishPending(zone, [wish], true, deadlineMs, queue.clock)) await this.#done(result);
  }

  async #done({ wish, kind, found }: PendingResult): Promise<void> {
    await this.#records.end(wish, wish.sequence);
    const after = wish.wanted === null ? [] : [wish.wanted];
    // A message that was given up may have arrived: then this is the first that is heard of the change.
    const before = kind === 'settled' ? wish.before?.[0] : found;
    if (before === undefined || before.join() === after.join()) return;
    this.#record(wish, { outcome: 'changed', [wish.family]: { before, after } });
  }

  async #drop(wish: PendingUpdate, why: string, error?: AppError): Promise<void> {
    await this.#records.end(wish, wish.sequence);
    const wanted = wish.wanted ?? 'no address';
    this.#options.warn(`The wish for ${wish.ownerName} (${wish.family}: ${wanted}) is dropped: ${why}.`);
    this.#record(wish, { outcome: 'refused', detail: why, ...(error && { code: error.code }) });
  }

  #record({ ownerName }: PendingUpdate, more: Pick<NewHistoryEvent, 'outcome'> & Partial<NewHistoryEvent>): void {
    const { record, timers } = this.#options;
    const who = { protocol: 'retry', actor: 'server', source: '', userAgent: '', origin: 'server' } as const;
    record?.({ ownerName, timeMs: timers.now(), ...who, ...more });
  }
}

/** Wishes of one site together, each other one alone. */
function groupsOf(wishes: readonly PendingUpdate[]): [PendingUpdate, ...PendingUpdate[]][] {
  const groups = new Map<string, [PendingUpdate, ...PendingUpdate[]]>();
  for (const wish of wishes) {
    const key = wish.site ?? placeOf(wish);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [wish]);
    else group.push(wish);
  }
  return [...groups.values()];
}

function placeOf({ ownerName, family }: PendingUpdate): string {
  return `${family}/${ownerName.key}`;
}
