/**
 * Keeps the bootstrapping records (bootstrap-names.ts) in the signed zones of this server: there from the first CDS of a zone until its
 * parent has a DS record (RFC 9615 §4.1, §5). They are compared at intervals, so that edits of NS records, keys and configuration
 * need not report themselves.
 */
import { errorText } from '../../core/errors.ts';
import type { ParentZone } from '../../core/zones/parent-zone.ts';
import type { DomainName } from '../../dns/name.ts';
import { TimeSlices } from '../admin/time-slices.ts';
import type { Committer } from '../journal/committer.ts';
import type { EmbeddedZone } from '../zone/embedded-zone.ts';
import { sameData } from '../zone/same-rrset.ts';
import { findRRset, type ZoneNode, type ZoneRRset } from '../zone/zone-node.ts';
import {
  type BootstrapName,
  bootstrapNames,
  COPIED_TYPES,
  copiesOf,
  isBootstrapKey,
  signedZoneFor,
} from './bootstrap-names.ts';
import { DelegationWatch } from './delegation-watch.ts';
import { PACE, type ProcedurePace } from './key-pace.ts';

export interface BootstrapOptions {
  /** Those that are served, by `DomainName.key` of the apex. */
  readonly zones: () => ReadonlyMap<string, EmbeddedZone>;
  readonly committer: Pick<Committer, 'change'>;
  /** Undefined: it is not known which zones have a DS record, and all have copies. */
  readonly parent: ParentZone | undefined;
  readonly pace?: ProcedurePace | undefined;
  readonly monotonicMs: () => number;
  readonly onWarning: (text: string) => void;
}

/** The copies at a name; none: they are to go. */
interface Copies {
  readonly name: BootstrapName;
  readonly rrsets: readonly ZoneRRset[];
}

/** Names in one commit: their signatures take some 10 ms. */
const STEP = 100;

export class BootstrapRecords {
  readonly #options: BootstrapOptions;
  readonly #delegations: DelegationWatch | undefined;
  /** Keys of the names that have, or had, copies. */
  readonly #known = new WeakMap<EmbeddedZone, Set<string>>();
  #timer: NodeJS.Timeout | undefined;
  #turn: Promise<void> = Promise.resolve();
  #isWaiting = false;
  #isClosed = false;
  #failure: string | undefined;

  constructor(options: BootstrapOptions) {
    this.#options = options;
    const { parent, pace = PACE, monotonicMs } = options;
    this.#delegations = parent && new DelegationWatch({ parent, pace, monotonicMs });
  }

  /** Compares, now and at intervals. */
  start(): void {
    if (this.#timer !== undefined || this.#isClosed) return;
    this.#timer = setInterval(() => void this.update(), (this.#options.pace ?? PACE).tickMs).unref();
    void this.update();
  }

  /** Ends after the commit in progress. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    await this.#turn;
  }

  /** Resolves when the copies are those of the zones as they are now. Never throws. */
  update(): Promise<void> {
    // One that has not begun sees what the caller wants to be seen.
    if (!this.#isWaiting) {
      this.#isWaiting = true;
      this.#turn = this.#turn.then(() => this.#update());
    }
    return this.#turn;
  }

  async #update(): Promise<void> {
    this.#isWaiting = false;
    if (this.#isClosed) return;
    try {
      const copied = await this.#copy();
      if (await this.#delegations?.poll(copied)) await this.#copy();
      this.#failure = undefined;
    } catch (error) {
      const text = errorText(error);
      if (this.#failure !== text && !this.#isClosed)
        this.#options.onWarning(`Bootstrapping records (RFC 9615) could not be written; it is tried again: ${text}`);
      this.#failure = text;
    }
  }

  /** @returns the zones whose records are copied, or would be without a DS record at their parent */
  async #copy(): Promise<readonly DomainName[]> {
    const zones = this.#options.zones();
    const slices = new TimeSlices();
    const wanted = new Map<EmbeddedZone, Map<string, Copies>>();
    const copied: DomainName[] = [];
    for (const { apex, published } of zones.values()) {
      if (slices.over) await slices.next();
      if (!published.isSigned) continue;
      const rrsets = copiesOf(published);
      const names = rrsets.length === 0 ? [] : bootstrapNames(published);
      const hasDs = this.#delegations === undefined ? false : this.#delegations.hasDs(apex);
      let isCopied = false;
      for (const name of names) {
        const host = signedZoneFor(name.key, (key) => zones.get(key));
        if (host === undefined) continue;
        isCopied = true;
        // Not known yet: what is there stays.
        if (hasDs ?? !hasCopies(host.published.find(name.key))) continue;
        const ofHost = wanted.get(host) ?? new Map<string, Copies>();
        wanted.set(host, ofHost.set(name.key, { name, rrsets }));
      }
      if (isCopied) copied.push(apex);
    }
    for (const zone of zones.values()) {
      if (zone.published.isSigned && zone.refusal === undefined) await this.#write(zone, wanted.get(zone) ?? new Map());
    }
    return copied;
  }

  async #write(zone: EmbeddedZone, wanted: ReadonlyMap<string, Copies>): Promise<void> {
    const known = await this.#knownIn(zone);
    const changes: Copies[] = [];
    for (const copies of wanted.values()) {
      if (!hasThese(zone.published.find(copies.name.key), copies.rrsets)) changes.push(copies);
      known.add(copies.name.key);
    }
    for (const key of known) {
      const node = wanted.has(key) ? undefined : zone.published.find(key);
      if (hasCopies(node)) changes.push({ name: node!, rrsets: [] });
    }
    for (let at = 0; at < changes.length && !this.#isClosed; at += STEP) {
      const step = changes.slice(at, at + STEP);
      await this.#options.committer.change(zone, (draft) => {
        if (!draft.isSigned) return;
        for (const { name, rrsets } of step) {
          for (const type of COPIED_TYPES) {
            draft.setSignerRRset(name, rrsets.find((rrset) => rrset.type === type) ?? { type, ttl: 0, rdatas: [] });
          }
        }
      });
    }
    for (const key of known) if (!wanted.has(key)) known.delete(key);
  }

  /** Looks at all names for the first time: those of before the start are found only in this way. */
  async #knownIn(zone: EmbeddedZone): Promise<Set<string>> {
    const known = this.#known.get(zone) ?? new Set<string>();
    if (this.#known.has(zone)) return known;
    const slices = new TimeSlices();
    for (const { key } of zone.published.nodes.values()) {
      if (isBootstrapKey(key)) known.add(key);
      if (slices.over) await slices.next();
    }
    this.#known.set(zone, known);
    return known;
  }
}

function hasCopies(node: ZoneNode | undefined): boolean {
  return node?.signerRRsets?.some(({ type }) => COPIED_TYPES.includes(type)) ?? false;
}

function hasThese(node: ZoneNode | undefined, rrsets: readonly ZoneRRset[]): boolean {
  return COPIED_TYPES.every((type) => {
    const wanted = rrsets.find((rrset) => rrset.type === type);
    const present = node && findRRset(node, type);
    return wanted === undefined || present === undefined ? wanted === present : sameData(present, wanted);
  });
}
