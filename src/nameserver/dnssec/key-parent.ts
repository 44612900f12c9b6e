/** The reports of the parent that a change of keys waits for: when it is queried again, and what is missing there. */
import type { ParentReport, ParentZone } from '../../core/zones/parent-zone.ts';
import type { KeyPair } from '../../dns/dnssec/key-file.ts';
import type { DomainName } from '../../dns/name.ts';
import { isDsAmong, mayBeDsOf } from '../keys/key-roles.ts';
import type { ProcedurePace } from './key-pace.ts';
import type { Waits } from './key-waits.ts';

export interface ParentWatchOptions {
  readonly apex: DomainName;
  readonly parent: ParentZone | undefined;
  readonly pace: ProcedurePace;
  /** Seconds since 1970. */
  readonly now: () => number;
  readonly waits: Waits;
  readonly onReport: () => void;
}

/** A report, and when its queries began and ended, in seconds since 1970. */
export interface SeenParent {
  readonly report: ParentReport;
  readonly startedAt: number;
  readonly at: number;
}

/** The interval of the queries is this part of the wait. */
const POLL_PART = 12;

export class ParentWatch {
  readonly #options: ParentWatchOptions;
  #seen: SeenParent | undefined;
  #isPolling = false;
  /** The greatest TTL of a DS that is to go, in seconds. */
  #dsTtl: number | undefined;

  constructor(options: ParentWatchOptions) {
    this.#options = options;
  }

  /**
   * The last report; queries the parent again when that is due.
   * @param since when the wait began
   * @param until a report is due after that time, too
   */
  poll(since: number, until: number | undefined): SeenParent | undefined {
    const { pace, now, waits } = this.#options;
    const seen = this.#seen;
    const interval = Math.min(pace.slowestPollSeconds, Math.max(pace.pollSeconds, (now() - since) / POLL_PART));
    const isDue =
      seen === undefined ||
      Math.abs(now() - seen.at) >= interval ||
      (until !== undefined && waits.isOver(until) && seen.startedAt <= until);
    if (isDue) this.#query();
    return seen;
  }

  #query(): void {
    const { parent, apex, now, onReport } = this.#options;
    if (this.#isPolling || parent === undefined) return;
    this.#isPolling = true;
    const startedAt = now();
    void parent.readDs(apex).then((report) => {
      this.#isPolling = false;
      this.#seen = { report, startedAt, at: now() };
      onReport();
    });
  }

  forget(): void {
    this.#seen = undefined;
    this.#dsTtl = undefined;
  }

  /** How long caches may have a DS that was there, in seconds; one that was not seen had that of the others, or a long one. */
  oldDsTtl(report: ParentReport): number {
    const ttls = report.kind === 'unknown' ? [] : report.servers.map(({ ttl }) => ttl);
    return this.#dsTtl ?? Math.max(this.#options.pace.unseenDsTtl, ...ttls);
  }

  /** @returns a sentence; undefined: each nameserver has the new DS, and not the old one */
  whyNotSwapped(report: ParentReport, next: readonly KeyPair[], old: readonly KeyPair[]): string | undefined {
    if (report.kind === 'unknown') return `it could not be checked: ${report.reason}.`;
    const { apex } = this.#options;
    let why: string | undefined;
    for (const { place, ds, ttl, problem } of report.servers) {
      const hasOld = old.some(({ key }) => mayBeDsOf(apex, ds, key));
      if (hasOld) this.#noteTtl(ttl);
      if (problem !== undefined) why ??= `${place} ${problem}.`;
      else if (hasOld) why ??= `${place} has that of the old key.`;
      else if (!next.every(({ key }) => isDsAmong(apex, ds, key))) why ??= `${place} does not have it.`;
    }
    return why;
  }

  /** @returns a sentence; undefined: no nameserver has a DS */
  whyNotDeleted(report: ParentReport): string | undefined {
    if (report.kind === 'unknown') return `it could not be checked: ${report.reason}.`;
    let why: string | undefined;
    for (const { place, ds, ttl, problem } of report.servers) {
      if (ds.length > 0) this.#noteTtl(ttl);
      if (problem !== undefined) why ??= `${place} ${problem}.`;
      else if (ds.length > 0) why ??= `${place} has one.`;
    }
    return why;
  }

  #noteTtl(ttl: number): void {
    this.#dsTtl = Math.max(this.#dsTtl ?? 0, ttl);
  }
}
