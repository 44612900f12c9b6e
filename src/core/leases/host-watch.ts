/**
 * Finds hosts that have been silent for longer than their settings allow: sends an alert (`silentAfterSeconds`) and removes
 * their addresses (`leaseSeconds`, lease.ts), each once for every silence.
 *
 * A host that was never seen is not silent. Time without a running server is not counted: afterwards every host has its whole
 * time again.
 */

import type { DomainName } from '../../dns/name.ts';
import { setBounded } from '../bounded-map.ts';
import { AppError, ERROR_CODES } from '../errors.ts';
import type { NewHistoryEvent } from '../history/history.ts';
import type { HistoryStore } from '../history/history-store.ts';
import { type HostSettings, isLimited } from '../hosts/host.ts';
import type { HostStore } from '../hosts/host-store.ts';
import { forEachInParallel } from '../parallel.ts';
import type { PendingStore } from '../pending/pending-store.ts';
import { PeriodicTask } from '../periodic-task.ts';
import type { Timers } from '../timers.ts';
import type { Turns } from '../updates/turns.ts';
import type { UpdateAddresses } from '../updates/update-addresses.ts';
import type { ZoneTable } from '../zones/zone.ts';
import { endLease, type LeaseOutcome, leaseEvent } from './lease.ts';

export interface HostWatchOptions {
  readonly history: HistoryStore;
  readonly hosts: Pick<HostStore, 'listLimited'>;
  readonly pending: Pick<PendingStore, 'get'>;
  /** Settings of the configuration: they take precedence over those of the store. */
  readonly configured: () => readonly HostSettings[];
  /** False while there is no history, so that it is not known when a host was seen. */
  readonly isOn: () => boolean;
  /** Writes the activity of a host to the store. False: it could not be written. */
  readonly flush: (ownerName: DomainName) => Promise<boolean>;
  readonly zones: () => ZoneTable;
  readonly updates: Pick<UpdateAddresses, 'queue' | 'publish'>;
  readonly record: (event: NewHistoryEvent) => void;
  readonly silent: (ownerName: DomainName, lastSeenMs: number, nowMs: number) => void;
  readonly warn: (text: string) => void;
  readonly timers: Timers;
  /** Undefined: no other server uses the store. */
  readonly turns?: Turns | undefined;
}

/** Between two checks; shorter where a host may be silent for less than four of them. */
const CHECK_MS = 60_000;
const SHORTEST_CHECK_MS = 1_000;
/** After this many missed checks, and at least SHORTEST_PAUSE_MS, the server is taken to have been down. */
const MISSED_CHECKS = 3;
const SHORTEST_PAUSE_MS = 30_000;
const PARALLEL = 8;
const MAX_CACHED = 100_000;

/** A host whose time is limited, and when it was last seen. */
interface WatchedHost {
  readonly settings: HostSettings;
  readonly lastSeenMs: number;
}

export class HostWatch {
  readonly #options: HostWatchOptions;
  /** Steps that were taken, by step and host: for which silence. Saves a query to the store at every check. */
  readonly #done = new Map<string, number>();
  /** Leases that could not be ended, by host: for which silence. */
  readonly #failed = new Map<string, { readonly lastSeenMs: number; inDoubt: boolean }>();
  readonly #checking: PeriodicTask;
  #pauseMs = CHECK_MS;

  constructor(options: HostWatchOptions) {
    this.#options = options;
    this.#checking = new PeriodicTask({
      run: () => this.#check(),
      pauseMs: () => this.#pauseMs,
      timers: options.timers,
    });
  }

  start(): void {
    this.#checking.start();
  }

  /** Starts nothing more; resolves when what is in flight has ended. */
  close(): Promise<void> {
    return this.#checking.close();
  }

  /** Never rejects: what the store did not answer waits for the next check. */
  async #check(): Promise<void> {
    try {
      await this.#checkHosts();
    } catch (error) {
      if (!(error instanceof AppError)) this.#options.warn(`Silent hosts could not be checked: ${String(error)}`);
    }
  }

  async #checkHosts(): Promise<void> {
    const { history, isOn, timers } = this.#options;
    if (!isOn()) return;
    const limited = await this.#limited();
    this.#pauseMs = pauseBetween([...limited.values()]);
    // Nothing is recorded then: the first host with a limit gets its whole time from there on.
    if (limited.size === 0) return;
    const sinceMs = await history.noteWatch(timers.now(), Math.max(SHORTEST_PAUSE_MS, MISSED_CHECKS * this.#pauseMs));
    const silent: WatchedHost[] = [];
    const names = [...limited.values()].map(({ ownerName }) => ownerName);
    for (const activity of await history.activitiesOf(names)) {
      const settings = limited.get(activity.ownerName.key);
      if (settings?.enabled) silent.push({ settings, lastSeenMs: activity.lastSeenMs });
    }
    const nowMs = timers.now();
    for (const host of silent) {
      const silentMs = nowMs - Math.max(host.lastSeenMs, sinceMs);
      const { silentAfterSeconds } = host.settings;
      if (silentAfterSeconds !== undefined && silentMs >= silentAfterSeconds * 1000) await this.#alert(host, nowMs);
    }
    await this.#endLeases(
      silent.filter(({ settings: { leaseSeconds }, lastSeenMs }) => {
        return leaseSeconds !== undefined && nowMs - Math.max(lastSeenMs, sinceMs) >= leaseSeconds * 1000;
      }),
    );
  }

  /** Settings of hosts with a limit, by the key of their names. */
  async #limited(): Promise<ReadonlyMap<string, HostSettings>> {
    const all = new Map(
      (await this.#options.hosts.listLimited()).map((settings) => [settings.ownerName.key, settings]),
    );
    for (const settings of this.#options.configured()) all.set(settings.ownerName.key, settings);
    for (const [key, settings] of all) if (!isLimited(settings)) all.delete(key);
    return all;
  }

  async #alert({ settings: { ownerName }, lastSeenMs }: WatchedHost, nowMs: number): Promise<void> {
    const { history, silent, warn, flush } = this.#options;
    if (this.#isDone('told', ownerName, lastSeenMs)) return;
    // It may have sent an update within the last second.
    if (!(await flush(ownerName)) || (await history.activity(ownerName))?.lastSeenMs !== lastSeenMs) return;
    const noted = await history.noteSilence(ownerName, 'told', lastSeenMs);
    this.#setDone('told', ownerName, lastSeenMs);
    if (noted === 'known') return;
    warn(`The host '${ownerName}' is silent: its last update came at ${new Date(lastSeenMs).toISOString()}.`);
    silent(ownerName, lastSeenMs, nowMs);
  }

  async #endLeases(hosts: readonly WatchedHost[]): Promise<void> {
    /** Keys of zones whose primary did not answer: one attempt at each check is enough. */
    const silentZones = new Set<string>();
    await forEachInParallel(hosts, PARALLEL, (host) => this.#endLease(host, silentZones));
  }

  async #endLease({ settings, lastSeenMs }: WatchedHost, silentZones: Set<string>): Promise<void> {
    const { ownerName } = settings;
    const { history, zones } = this.#options;
    const zone = zones().find(ownerName);
    if (this.#checking.isClosed || zone === undefined || silentZones.has(zone.apex.key)) return;
    if (this.#isDone('lease-ended', ownerName, lastSeenMs)) return;
    if (((await history.notedSilence(ownerName, 'lease-ended')) ?? 0) >= lastSeenMs) {
      return this.#setDone('lease-ended', ownerName, lastSeenMs);
    }
    const failed = this.#failed.get(ownerName.key);
    const inDoubt = failed?.lastSeenMs === lastSeenMs && failed.inDoubt;
    const outcome = await endLease({ zone, settings, lastSeenMs, inDoubt }, this.#options);
    switch (outcome.kind) {
      case 'not-due':
        return;
      case 'failed':
        // The server is closing its connections.
        if (this.#checking.isClosed) return;
        if (ERROR_CODES[outcome.error.code].pending === 'keep') silentZones.add(zone.apex.key);
        return this.#reportFailure(ownerName, lastSeenMs, outcome);
      case 'ended':
        this.#failed.delete(ownerName.key);
        this.#setDone('lease-ended', ownerName, lastSeenMs);
    }
  }

  /** Once for each silence; the lease is retried at every check. */
  #reportFailure(
    ownerName: DomainName,
    lastSeenMs: number,
    { error }: Extract<LeaseOutcome, { kind: 'failed' }>,
  ): void {
    const isInDoubt = ERROR_CODES[error.code].mayBeApplied;
    const reported = this.#failed.get(ownerName.key);
    if (reported?.lastSeenMs === lastSeenMs) {
      reported.inDoubt ||= isInDoubt;
      return;
    }
    setBounded(this.#failed, ownerName.key, { lastSeenMs, inDoubt: isInDoubt }, MAX_CACHED);
    this.#options.warn(
      `The lease of '${ownerName}' has ended, but its addresses could not be replaced: ${error.logText} The server will try again.`,
    );
    const event = leaseEvent(ownerName, this.#options.timers.now());
    this.#options.record({ ...event, outcome: 'failed', code: error.code, detail: error.logText });
  }

  #isDone(step: string, ownerName: DomainName, lastSeenMs: number): boolean {
    return (this.#done.get(`${step} ${ownerName.key}`) ?? Number.NEGATIVE_INFINITY) >= lastSeenMs;
  }

  #setDone(step: string, ownerName: DomainName, lastSeenMs: number): void {
    setBounded(this.#done, `${step} ${ownerName.key}`, lastSeenMs, MAX_CACHED);
  }
}

function pauseBetween(limited: readonly HostSettings[]): number {
  let shortest = Number.POSITIVE_INFINITY;
  for (const { silentAfterSeconds, leaseSeconds } of limited) {
    shortest = Math.min(shortest, silentAfterSeconds ?? shortest, leaseSeconds ?? shortest);
  }
  return Math.min(CHECK_MS, Math.max(SHORTEST_CHECK_MS, shortest * 250));
}
