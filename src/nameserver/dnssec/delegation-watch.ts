/** Which zones have a DS record at their parent: queried seldom, because bootstrapping records alone depend on it. */
import type { ParentReport, ParentZone } from '../../core/zones/parent-zone.ts';
import type { DomainName } from '../../dns/name.ts';
import type { ProcedurePace } from './key-pace.ts';

export interface DelegationWatchOptions {
  readonly parent: ParentZone;
  readonly pace: ProcedurePace;
  /** Milliseconds that a clock that is set does not change. */
  readonly monotonicMs: () => number;
}

interface Delegation {
  readonly sinceMs: number;
  atMs: number;
  hasDs: boolean;
}

const DAY_MS = 86_400_000;
/** The interval of the queries is this part of the wait. */
const POLL_PART = 12;
/** Zones that are queried at once. */
const AT_ONCE = 8;

export class DelegationWatch {
  readonly #options: DelegationWatchOptions;
  /** By `DomainName.key` of the apex. */
  readonly #delegations = new Map<string, Delegation>();

  constructor(options: DelegationWatchOptions) {
    this.#options = options;
  }

  /** Undefined: not known yet. */
  hasDs({ key }: DomainName): boolean | undefined {
    return this.#delegations.get(key)?.hasDs;
  }

  /** Queries the parents of those that are due, and forgets all others. @returns whether something is different now */
  async poll(zones: readonly DomainName[]): Promise<boolean> {
    const keys = new Set(zones.map(({ key }) => key));
    for (const key of this.#delegations.keys()) if (!keys.has(key)) this.#delegations.delete(key);
    const due = zones.filter((zone) => this.#isDue(zone));
    let isChanged = false;
    for (let at = 0; at < due.length; at += AT_ONCE) {
      const changes = await Promise.all(due.slice(at, at + AT_ONCE).map((zone) => this.#query(zone)));
      isChanged ||= changes.includes(true);
    }
    return isChanged;
  }

  #isDue({ key }: DomainName): boolean {
    const { pace, monotonicMs } = this.#options;
    const known = this.#delegations.get(key);
    if (known === undefined) return true;
    const wait = monotonicMs() - known.sinceMs;
    const interval = known.hasDs ? DAY_MS : Math.min(DAY_MS, Math.max(pace.pollSeconds * 1000, wait / POLL_PART));
    return monotonicMs() - known.atMs >= interval;
  }

  async #query(zone: DomainName): Promise<boolean> {
    const { parent, monotonicMs } = this.#options;
    const hasDs = showsDs(await parent.readDs(zone));
    const atMs = monotonicMs();
    const known = this.#delegations.get(zone.key);
    const isChanged = known?.hasDs !== hasDs;
    this.#delegations.set(zone.key, { sinceMs: isChanged ? atMs : known!.sinceMs, atMs, hasDs });
    return isChanged;
  }
}

/** Each nameserver of the parent has one. */
function showsDs(report: ParentReport): boolean {
  return report.kind === 'asked' && report.servers.every(({ ds }) => ds.length > 0);
}
