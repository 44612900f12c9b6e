/**
 * Retries pending updates until they are published, a newer update replaces them, or someone else has changed the name.
 *
 * An attempt runs in the same order per name as live updates, and checks there whether its pending update is still the
 * newest: it never overtakes a newer update. While a primary is silent, one attempt at a time tries it
 * (primary-backoff.ts); all others of its zone are retried with its first answer.
 */

import type { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { ownerOfEdit, type ZoneEdit } from '../../dns/zone-change.ts';
import { setBounded } from '../bounded-map.ts';
import { AppError } from '../errors.ts';
import type { NewHistoryEvent } from '../history/history.ts';
import { forEachInParallel } from '../parallel.ts';
import { PeriodicTask } from '../periodic-task.ts';
import type { Timers } from '../timers.ts';
import type { FailedUpdate, PendingUpdates } from '../updates/pending-updates.ts';
import { inTurn, type Turns } from '../updates/turns.ts';
import type { UpdateQueue } from '../updates/update-queue.ts';
import { FAMILIES, type Family } from '../zones/family.ts';
import type { Zone, ZoneTable } from '../zones/zone.ts';
import { PendingLog } from './pending-log.ts';
import type { PendingStore } from './pending-store.ts';
import { LAST_RETRY_MS, type PendingUpdate, pendingAfter, retryDelayMs } from './pending-update.ts';
import { PrimaryBackoff } from './primary-backoff.ts';
import { type PendingResult, publishPending } from './publish-pending.ts';

export interface PendingRetryOptions {
  readonly store: PendingStore;
  /** True where other processes use the same store. */
  readonly shared: boolean;
  /** That of live updates. */
  readonly queue: UpdateQueue;
  readonly zones: () => ZoneTable;
  readonly reconcile: () => 'report' | 'enforce';
  /** Of an update; an attempt takes half of it, so that a live update that waits behind it has time left. */
  readonly timeoutMs: () => number;
  /** Whether updates of a host have been switched off meanwhile. */
  readonly isDisabled?: (ownerName: DomainName) => boolean | Promise<boolean>;
  readonly record?: (event: NewHistoryEvent) => void;
  readonly warn: (text: string) => void;
  readonly timers: Timers;
  /** Undefined: no other server uses the store. */
  readonly turns?: Turns | undefined;
}

const POLL_MS = 1_000;
/** How long no other process gets a pending update that was taken; longer than an attempt and all that may precede it. */
const LEASE_MS = LAST_RETRY_MS + 1_000;
const BATCH = 256;
const PARALLEL = 32;
/** Between two polls that also take what is not due. */
const HURRY_MS = 5_000;
const MAX_SUSPECTS = 10_000;
/** Age up to which a refusal by the primary is retried: it may be starting, or its operator is about to repair it. */
const PATIENCE_MS = 3_600_000;

export class PendingRetry implements PendingUpdates {
  readonly #options: PendingRetryOptions;
  readonly #log: PendingLog;
  readonly #backoff: PrimaryBackoff;
  /** Shared stores: sequence numbers of pending updates where a foreign edit was seen once. */
  readonly #suspects = new Map<string, number>();
  readonly #polling: PeriodicTask;
  #hurriedMs = Number.NEGATIVE_INFINITY;
  /** The next poll takes all, also those that are not due. */
  #hurry = false;

  constructor(options: PendingRetryOptions) {
    this.#options = options;
    this.#log = new PendingLog(options);
    this.#backoff = new PrimaryBackoff(() => options.timers.now());
    this.#polling = new PeriodicTask({
      run: () => this.#poll(),
      pauseMs: () => (this.#mayHurry() ? 0 : POLL_MS),
      timers: options.timers,
    });
  }

  /** Retries all pending updates of the store, and polls it from now on. */
  start(): void {
    this.#hurry = true;
    this.#polling.start();
  }

  /** Starts no more attempts; resolves when those in flight have ended: soon, where connections are closed meanwhile. */
  close(): Promise<void> {
    return this.#polling.close();
  }

  failed(updates: readonly FailedUpdate[], error: AppError): Promise<'saved' | 'not-saved'> {
    return this.#log.failed(updates, error);
  }

  settled(ownerName: DomainName, families: readonly Family[]): Promise<void> | undefined {
    if (this.#backoff.isAnySilent) this.#answered(this.#options.zones().find(ownerName));
    return this.#log.settled(ownerName, families);
  }

  /** A DNS UPDATE was applied to an embedded zone: it replaces pending updates of the address families that it touched. */
  async updated(edits: readonly ZoneEdit[]): Promise<void> {
    if (!this.#log.mayExist) return;
    const touched = new Map<string, { ownerName: DomainName; families: Set<Family> }>();
    for (const edit of edits) {
      const ownerName = ownerOfEdit(edit);
      const type = 'rrset' in edit ? edit.rrset.type : 'type' in edit ? edit.type : undefined;
      const of = FAMILIES.filter((family) => type === undefined || type === RRType[family]);
      if (of.length === 0) continue;
      const families = touched.get(ownerName.key)?.families ?? new Set();
      touched.set(ownerName.key, { ownerName, families: new Set([...families, ...of]) });
    }
    await Promise.all(
      [...touched.values()].map(({ ownerName, families }) => this.#log.settled(ownerName, [...families])),
    );
  }

  /** False: no update is pending, as far as this server has heard within the last second. */
  get mayExist(): boolean {
    return this.#log.mayExist;
  }

  #mayHurry(): boolean {
    const { shared, timers } = this.#options;
    return this.#hurry && !shared && timers.now() - this.#hurriedMs >= HURRY_MS;
  }

  /** Retries what is due. Never rejects: what the store does not answer waits for the next poll. */
  async #poll(): Promise<void> {
    const { store, shared, timers } = this.#options;
    if (!shared && !this.#log.mayExist) {
      this.#hurry = false;
      return;
    }
    try {
      const count = await this.#log.synchronize();
      let dueMs = timers.now();
      if (this.#mayHurry()) {
        this.#hurry = false;
        this.#hurriedMs = dueMs;
        dueMs += LEASE_MS;
      }
      for (let left = count; left > 0 && !this.#polling.isClosed; left -= BATCH) {
        const untilMs = Math.max(timers.now() + LEASE_MS, dueMs + 1);
        const due = await store.takeDue(dueMs, untilMs, BATCH);
        await this.#retryAll(due);
        if (due.length < BATCH) break;
      }
    } catch (error) {
      this.#hurriedMs = timers.now();
      if (!(error instanceof AppError)) this.#options.warn(`Pending updates could not be read: ${String(error)}`);
    }
  }

  async #retryAll(due: readonly PendingUpdate[]): Promise<void> {
    await forEachInParallel(groupsOf(due), PARALLEL, async (group) => {
      try {
        await this.#retry(group);
      } catch (error) {
        // The store: it gives them out again when the lease has ended.
        if (!(error instanceof AppError)) this.#options.warn(`A pending update could not be retried: ${String(error)}`);
      }
    });
  }

  /** @param group one pending update, or some that belong to one site */
  async #retry(group: readonly [PendingUpdate, ...PendingUpdate[]]): Promise<void> {
    const { store, zones, queue, turns, timers, timeoutMs } = this.#options;
    const [first] = group;
    const zone = zones().find(first.ownerName);
    if (zone === undefined) {
      for (const pending of group) await this.#withoutZone(pending);
      return;
    }
    if (this.#backoff.mustWait(zone)) return;
    // Some of the site may not be due, or were taken by another process.
    const updates = first.site === undefined ? group : await store.listSite(first.site);
    const ofZone = updates.filter(({ ownerName }) => zones().find(ownerName) === zone);
    const names = [...new Map(ofZone.map(({ ownerName }) => [ownerName.key, ownerName])).values()];
    await queue.runOwn(names, async () => {
      const outcome = await inTurn(turns, names, () => this.#retryInOrder(zone, ofZone));
      if (outcome !== 'taken') return;
      // A live update of one of the names may be in flight at another server; it is over soon, and may end these.
      for (const pending of ofZone) {
        await store.postpone(pending, timers.now() + timeoutMs(), pending.lastError ?? 'contended');
      }
    });
  }

  /** Its zone is not configured: any more, or for the moment. */
  async #withoutZone(pending: PendingUpdate): Promise<void> {
    if (this.#options.timers.now() - pending.createdMs < PATIENCE_MS) return;
    if (await this.#log.isCurrent(pending)) await this.#drop(pending, 'its zone is not configured any more');
  }

  async #retryInOrder(zone: Zone, group: readonly PendingUpdate[]): Promise<void> {
    const { isDisabled, timeoutMs, queue } = this.#options;
    const updates: PendingUpdate[] = [];
    for (const pending of group) {
      if (!(await this.#log.isCurrent(pending))) continue;
      if (await isDisabled?.(pending.ownerName)) await this.#drop(pending, 'updates of this host are switched off');
      else updates.push(pending);
    }
    if (updates.length === 0 || this.#polling.isClosed || this.#backoff.mustWait(zone)) return;
    this.#backoff.starts(zone);
    try {
      const deadlineMs = queue.clock() + timeoutMs() / 2;
      const results = await publishPending(zone, updates, false, deadlineMs, queue.clock);
      this.#answered(zone);
      for (const result of results) {
        if (result.kind === 'foreign') await this.#foreign(zone, result, deadlineMs);
        else await this.#done(result);
      }
    } catch (error) {
      if (!(error instanceof AppError) || error.code === 'store-unreachable') throw error;
      const isOfOne = error.code === 'conflict' || error.code === 'contended';
      if (!isOfOne || updates.length === 1) return this.#failedAgain(zone, updates, error);
      // The primary has answered. A conflict at one name must not hold up the others.
      this.#answered(zone);
      for (const pending of updates) await this.#retryInOrder(zone, [pending]);
    }
  }

  async #failedAgain(zone: Zone, updates: readonly PendingUpdate[], error: AppError): Promise<void> {
    const { store, timers } = this.#options;
    const nowMs = timers.now();
    if (this.#polling.isClosed) {
      for (const pending of updates) await store.postpone(pending, nowMs, error.code);
      return;
    }
    const isSilent = pendingAfter(error) === 'keep';
    if (isSilent) this.#backoff.failed(zone);
    else this.#answered(zone);
    for (const pending of updates) {
      const isHopeless = error.code === 'conflict' || nowMs - pending.createdMs > PATIENCE_MS;
      if (!isSilent && isHopeless) await this.#drop(pending, error.logText, error);
      else await store.postpone(pending, nowMs + retryDelayMs(pending.attempts + 1), error.code);
    }
  }

  /** The primary of a zone has answered: what waits for it is retried. */
  #answered(zone: Zone | undefined): void {
    if (zone === undefined || !this.#backoff.answered(zone)) return;
    this.#hurry = true;
    this.#polling.restartPause();
  }

  /** Someone else has changed the name: a person, or another process for a newer request. */
  async #foreign(zone: Zone, { pending, found }: PendingResult, deadlineMs: number): Promise<void> {
    const { shared, store, timers, reconcile, warn, queue } = this.#options;
    // A newer update that has just been published may be about to end this one.
    if (!(await this.#log.isCurrent(pending))) return;
    if (shared && this.#suspects.get(placeOf(pending)) !== pending.sequence) {
      setBounded(this.#suspects, placeOf(pending), pending.sequence, MAX_SUSPECTS);
      return store.postpone(pending, timers.now() + 2 * POLL_MS, pending.lastError ?? 'publish-unknown');
    }
    this.#suspects.delete(placeOf(pending));
    const published = found.length === 0 ? 'none' : found.join(', ');
    const why = `somebody else has changed its ${pending.family} address meanwhile (now: ${published})`;
    if (reconcile() === 'report') return this.#drop(pending, why, new AppError('conflict', why));
    warn(`The pending update of ${pending.ownerName} is published although ${why}.`);
    const results = await publishPending(zone, [pending], true, deadlineMs, queue.clock);
    for (const result of results) await this.#done(result);
  }

  async #done({ pending, kind, found }: PendingResult): Promise<void> {
    await this.#log.end(pending, pending.sequence);
    const after = pending.wanted;
    // A message that was given up may have arrived: then no event of the change was recorded yet.
    const before = kind === 'settled' ? pending.before?.[0] : found;
    if (before === undefined || before.join() === after.join()) return;
    this.#record(pending, { outcome: 'changed', [pending.family]: { before, after } });
  }

  async #drop(pending: PendingUpdate, why: string, error?: AppError): Promise<void> {
    await this.#log.end(pending, pending.sequence);
    const { ownerName, family, wanted } = pending;
    this.#options.warn(
      `The pending update of ${ownerName} (${family}: ${wanted.join(', ') || 'no address'}) is dropped: ${why}.`,
    );
    this.#record(pending, { outcome: 'refused', detail: why, ...(error && { code: error.code }) });
  }

  #record({ ownerName }: PendingUpdate, facts: Pick<NewHistoryEvent, 'outcome'> & Partial<NewHistoryEvent>): void {
    const { record, timers } = this.#options;
    const who = { protocol: 'retry', actor: 'server', source: '', userAgent: '', origin: 'server' } as const;
    record?.({ ownerName, timeMs: timers.now(), ...who, ...facts });
  }
}

/** Pending updates of one site together, each other one alone. */
function groupsOf(updates: readonly PendingUpdate[]): [PendingUpdate, ...PendingUpdate[]][] {
  const groups = new Map<string, [PendingUpdate, ...PendingUpdate[]]>();
  for (const pending of updates) {
    const key = pending.site ?? placeOf(pending);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [pending]);
    else group.push(pending);
  }
  return [...groups.values()];
}

function placeOf({ ownerName, family }: PendingUpdate): string {
  return `${family}/${ownerName.key}`;
}
