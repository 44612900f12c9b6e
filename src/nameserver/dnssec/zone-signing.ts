/**
 * One zone that is signed: its keys, the first signing, and the renewal of signatures.
 *
 * Signatures are renewed in the third quarter of their validity, in small commits that are spread over it, or over a part of it; those in
 * the last quarter, and those that a clock that was set made wrong, at once.
 */
import { setTimeout } from 'node:timers/promises';
import { errorText } from '../../core/errors.ts';
import { DnssecAlgorithm } from '../../dns/dnssec/algorithms.ts';
import type { SigningKey } from '../../dns/dnssec/signing-key.ts';
import { TimeSlices } from '../admin/time-slices.ts';
import type { Committer } from '../journal/committer.ts';
import type { SignatureTimes } from '../signing/signed-table.ts';
import { removeSigning } from '../signing/unsign.ts';
import { lacksSigner, unsignedNames } from '../signing/unsigned-names.ts';
import { type SigningPolicy, urgentSeconds, ZoneSigner } from '../signing/zone-signer.ts';
import type { ZoneDraft } from '../zone/draft.ts';
import type { EmbeddedZone } from '../zone/embedded-zone.ts';
import { SignatureTally } from '../zone/signature-tally.ts';
import { readU32 } from '../zone/signatures.ts';
import { isSignerType } from '../zone/signer-types.ts';
import { allRRsets } from '../zone/zone-node.ts';
import type { ZoneVersion } from '../zone/zone-version.ts';
import { signWhileServed } from './first-signing.ts';
import type { RenewalReport } from './signature-watch.ts';
import type { SuccessorStore } from './successor.ts';
import { unsignWhileServed } from './unsigning.ts';

/** The option `dnssec` of a zone. */
export interface DnssecSettings {
  /** One of DnssecAlgorithm. */
  readonly algorithm: number;
  /** Of a signature, 2 to 365. */
  readonly validityDays: number;
  readonly chain: 'nsec' | 'nsec3';
}

export interface ZoneSigningOptions {
  readonly zone: EmbeddedZone;
  /** Undefined: the option is not set. A zone that is signed stays signed. */
  readonly settings: DnssecSettings | undefined;
  /** Those that sign; none: one is made. */
  readonly keys: readonly SigningKey[];
  /** See SigningPolicy. */
  readonly published?: readonly SigningKey[];
  /** See SigningPolicy. Undefined: no CDS, unless the zone is new. */
  readonly announced?: SigningPolicy['announced'];
  /** A rollover is in progress: its signatures are made after the start. */
  readonly isRolling?: boolean;
  /** TTL of DNSKEY, CDS, CDNSKEY and NSEC3PARAM, for tests. */
  readonly keyTtl?: number | undefined;
  /** It is on disk when this returns. @param algorithm one of DnssecAlgorithm */
  readonly generate: (algorithm: number) => SigningKey;
  readonly committer: Committer;
  /** For a large zone that gets or loses all signatures. Absent: it does in one commit. */
  readonly successors?: SuccessorStore;
  /** A zone that takes longer is not signed before it is served; absent: AT_ONCE_MS. */
  readonly atOnceMs?: number;
  /** See FirstSigningOptions. */
  readonly onProgress?: ((text: string) => void) | undefined;
  /** Seconds since 1970. */
  readonly now: () => number;
  readonly onWarning: (text: string) => void;
  readonly watch: RenewalReport;
}

/** For a zone that is signed without the option. */
export const GOES_ON: DnssecSettings = { algorithm: DnssecAlgorithm.ECDSAP256SHA256, validityDays: 30, chain: 'nsec3' };
const DAY_SECONDS = 86_400;
/** TTL of DNSKEY, CDS, CDNSKEY and NSEC3PARAM. */
const KEY_TTL_SECONDS = 3_600;
/** Interval of the renewal. */
const RENEWAL_MS = 3_600_000;
/** Interval in which the clock is compared with the time that passed. */
const CLOCK_MS = 30_000;
/** A clock that differs by more has been set. */
const CLOCK_SET_SECONDS = 60;
/** Names in one commit: their signatures take some 10 ms. */
const RENEWAL_STEP = 100;
const AT_ONCE_MS = 2_000;
/** Names, those of NSEC3 records among them, whose signatures are removed in one commit: it takes some 10 ms. */
const UNSIGNED_AT_ONCE = 2_000;
/** After a first signing that failed. */
const RETRY_MS = 60_000;

export class ZoneSigning {
  readonly #options: ZoneSigningOptions;
  readonly #signer: ZoneSigner;
  #settings: DnssecSettings;
  #timer: NodeJS.Timeout | undefined;
  #renewing: Promise<void> | undefined;
  #firstSigning: Promise<void> | undefined;
  readonly #abort = new AbortController();
  #isClosed = false;
  #greatestTtl = 0;

  private constructor(options: ZoneSigningOptions, settings: DnssecSettings, signer: ZoneSigner) {
    this.#options = options;
    this.#settings = settings;
    this.#signer = signer;
  }

  /**
   * Signs the zone if it is not signed yet; else brings what its keys and the clock made wrong up to date.
   * @throws what `generate` and the committer throw
   */
  static async open(options: ZoneSigningOptions): Promise<ZoneSigning> {
    const { zone, settings = GOES_ON, keys, generate, now } = options;
    const { published } = zone;
    const own = keys.length > 0 ? keys : [generate(settings.algorithm)];
    // A zone of nothing but its SOA is new: no resolver has unsigned data of it.
    const isNew = !published.isSigned && published.nodes.size === 1;
    const policy: SigningPolicy = {
      keys: own,
      published: options.published ?? own,
      announced: isNew ? own : options.announced,
      chain: published.chain ?? settings.chain,
      validitySeconds: settings.validityDays * DAY_SECONDS,
      keyTtl: options.keyTtl ?? KEY_TTL_SECONDS,
      now,
    };
    const signer = new ZoneSigner(policy, published);
    const signing = new ZoneSigning(options, settings, signer);
    const { successors, atOnceMs = AT_ONCE_MS } = options;
    if (successors !== undefined && !published.isSigned && signingMs(published, own) > atOnceMs) {
      signing.#firstSigning = signing.#signWhileServed(successors);
      signing.#watch();
      return signing;
    }
    const isLeftBehind = lacksSigner(published);
    zone.signer = signer;
    await signing.#change((draft) => {
      if (!draft.isSigned) dropSignerTypes(draft);
      else if (isLeftBehind) signer.rebuildChain(draft);
      signer.setKeys(draft);
    });
    if (isLeftBehind) await signing.#signUnsigned();
    // What is not urgent is renewed while the zone is served: in a large one it takes a while to find it. So is what a rollover adds.
    const isUrgent = signer.loaded === undefined || signing.#hasUrgent(signer.loaded);
    if (isUrgent && !options.isRolling) await signing.#renew('now');
    else void signing.renew();
    signing.#watch();
    return signing;
  }

  /** Signatures of the version that was loaded must be renewed before it is served. */
  #hasUrgent(loaded: SignatureTimes): boolean {
    const { apexNode, negativeTtl } = this.#options.zone.published;
    const isApexDue = this.#signer.dueAt(apexNode, true, negativeTtl) === 'now';
    const leastSeconds = urgentSeconds(this.#settings.validityDays * DAY_SECONDS);
    return isApexDue || loaded.lastInception > 0 || loaded.firstExpiration < leastSeconds;
  }

  /** Settings of a reload. Signatures that are there keep their expiration. */
  set settings(settings: DnssecSettings) {
    this.#settings = settings;
    this.#signer.policy = { ...this.#signer.policy, validitySeconds: settings.validityDays * DAY_SECONDS };
  }

  /** Signatures that were made since it was opened. */
  get made(): number {
    return this.#signer.made;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#abort.abort();
    await this.#firstSigning;
    await this.#renewing;
  }

  /** Resolves when the zone has its first signatures, or at `close`. */
  async whenSigned(): Promise<void> {
    await this.#firstSigning;
  }

  /** Never throws. */
  async #signWhileServed(successors: SuccessorStore): Promise<void> {
    const { zone, committer, onProgress = () => undefined, onWarning } = this.#options;
    const { signal } = this.#abort;
    while (!zone.published.isSigned && !signal.aborted) {
      try {
        await signWhileServed({ zone, signer: this.#signer, committer, successors, signal, onProgress });
      } catch (error) {
        if (signal.aborted) return;
        onWarning(
          `The zone ${zone.apex} could not be signed, and is served unsigned: ${errorText(error)} It is tried again in a minute.`,
        );
        await setTimeout(RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
    // The watch of signatures has its first figures of this.
    await this.renew();
  }

  #change(edit: (draft: ZoneDraft) => void): Promise<void> {
    return this.#options.committer.change(this.#options.zone, edit);
  }

  /** Renews at intervals, when the clock was set, and when the chain should have another TTL. */
  #watch(): void {
    const { now, zone } = this.#options;
    let renewedMs = performance.now();
    let checkedMs = renewedMs;
    let checkedSeconds = now();
    let { negativeTtl } = zone.published;
    this.#timer = setInterval(() => {
      const passedSeconds = (performance.now() - checkedMs) / 1000;
      const isClockSet = Math.abs(now() - checkedSeconds - passedSeconds) > CLOCK_SET_SECONDS;
      checkedMs = performance.now();
      checkedSeconds = now();
      const hasSameTtl = zone.published.negativeTtl === negativeTtl;
      negativeTtl = zone.published.negativeTtl;
      if (!isClockSet && hasSameTtl && checkedMs - renewedMs < RENEWAL_MS) return;
      renewedMs = checkedMs;
      void this.renew();
    }, CLOCK_MS).unref();
  }

  /** Renews what is due now. Never throws. */
  renew(): Promise<void> {
    this.#renewing ??= this.#renew('soon')
      .then(() => undefined)
      .catch((error: unknown) =>
        this.#options.onWarning(
          `Signatures of the zone ${this.#options.zone.apex} could not be renewed: ${errorText(error)}`,
        ),
      )
      .finally(() => {
        this.#renewing = undefined;
      });
    return this.#renewing;
  }

  get policy(): SigningPolicy {
    return this.#signer.policy;
  }

  /** The greatest TTL of the zone at the last renewal, in seconds. */
  get greatestTtl(): number {
    return this.#greatestTtl;
  }

  /** Other keys: publishes what follows at the apex. Signatures of the other names follow by `complete`. */
  async use(change: Partial<Pick<SigningPolicy, 'keys' | 'published' | 'announced'>>): Promise<void> {
    const before = this.#signer.policy;
    this.#signer.policy = { ...before, ...change };
    try {
      await this.#change((draft) => this.#signer.setKeys(draft));
    } catch (error) {
      this.#signer.policy = before;
      throw error;
    }
  }

  /**
   * Makes all signatures that are missing, and removes those of keys that do not sign.
   * @returns the number of names that were not signed as they should be
   * @throws what the committer throws; Error if the signing is closed meanwhile
   */
  async complete(): Promise<number> {
    while (this.#renewing !== undefined) await this.#renewing;
    let names = 0;
    const done = this.#renew('now').then((urgent) => {
      names = urgent;
    });
    this.#renewing = done
      .catch(() => undefined)
      .finally(() => {
        this.#renewing = undefined;
      });
    await done;
    if (this.#isClosed) throw new Error('the signing was closed');
    return names;
  }

  /**
   * Makes the zone an unsigned one, in one serial step, and closes. A large zone is served signed until then.
   * @throws what the store and the committer throw; Error if the signing is closed meanwhile
   */
  async unsign(): Promise<void> {
    const { zone, committer, successors, onProgress = () => undefined } = this.#options;
    while (this.#renewing !== undefined) await this.#renewing;
    if (successors === undefined || zone.published.nodes.size <= UNSIGNED_AT_ONCE) await this.#change(removeSigning);
    else {
      const { signal } = this.#abort;
      await unsignWhileServed({ zone, committer, successors, signal, onProgress }).catch((cause: unknown) => {
        throw signal.aborted ? new Error('the signing was closed', { cause }) : cause;
      });
    }
    await this.close();
    zone.signer = undefined;
  }

  /**
   * @param until `soon`: also a part of those that need not be renewed at once
   * @returns the number of names that had to be renewed at once
   */
  async #renew(until: 'now' | 'soon'): Promise<number> {
    const { zone, now, watch } = this.#options;
    const { nodes, isSigned, negativeTtl } = zone.published;
    if (!isSigned) return 0;
    const validitySeconds = this.#settings.validityDays * DAY_SECONDS;
    // Less two: the first and the last one may each be late by an interval.
    const runs = spreadSeconds(validitySeconds, soaExpire(zone.published)) / (RENEWAL_MS / 1000) - 2;
    const share = until === 'soon' ? Math.max(RENEWAL_STEP, Math.ceil(nodes.size / runs)) : 0;
    const slices = new TimeSlices();
    const urgent: string[] = [];
    const others: string[] = [];
    const tally = new SignatureTally(now());
    let greatestTtl = 0;
    for (const node of nodes.values()) {
      for (const { ttl } of allRRsets(node)) greatestTtl = Math.max(greatestTtl, ttl);
      const isApex = node.key === zone.apex.key;
      const due = this.#signer.dueAt(node, isApex, negativeTtl);
      if (due === 'now') urgent.push(node.key);
      else if (due === 'soon' && others.length < share) others.push(node.key);
      else if (!isApex) tally.add(node);
      if (slices.over) await slices.next();
    }
    const due = [...urgent, ...others];
    let failure: unknown;
    try {
      await this.#renewNames(due, slices);
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      // The apex has a new SOA after each commit.
      await addPublished(tally, zone, new Set([...due, zone.apex.key]), slices);
      watch.renewed(tally, failure === undefined ? undefined : errorText(failure));
    }
    this.#greatestTtl = greatestTtl;
    return urgent.length;
  }

  async #signUnsigned(): Promise<void> {
    const slices = new TimeSlices();
    const keys: string[] = [];
    for (const key of unsignedNames(this.#options.zone.published)) {
      if (key !== undefined) keys.push(key);
      if (slices.over) await slices.next();
    }
    await this.#renewNames(keys, slices);
  }

  async #renewNames(keys: readonly string[], slices: TimeSlices): Promise<void> {
    for (let at = 0; at < keys.length && !this.#isClosed; at += RENEWAL_STEP) {
      await this.#change((draft) => draft.renew(keys.slice(at, at + RENEWAL_STEP)));
      await slices.next();
    }
  }
}

/**
 * The time from half of the validity in which all names are renewed, at most until a quarter is left. A secondary that is cut off must not
 * serve signatures that have expired, so `expire` is left after it, or a day less than half of the validity.
 */
function spreadSeconds(validitySeconds: number, expire: number): number {
  const half = validitySeconds / 2;
  return half - Math.max(half / 2, Math.min(expire, half - DAY_SECONDS));
}

/** EXPIRE of the SOA record, in seconds (RFC 1035 §3.3.13). */
function soaExpire({ soa }: ZoneVersion): number {
  const [rdata = ''] = soa.rdatas;
  return readU32(rdata, rdata.length - 8);
}

/** Adds the signatures that names have now. */
async function addPublished(
  tally: SignatureTally,
  { published: { nodes } }: EmbeddedZone,
  keys: ReadonlySet<string>,
  slices: TimeSlices,
): Promise<void> {
  for (const key of keys) {
    const node = nodes.get(key);
    if (node !== undefined) tally.add(node);
    if (slices.over) await slices.next();
  }
}

/** Records that the signer makes from now on, of a time when the zone was not signed here. */
function dropSignerTypes(draft: ZoneDraft): void {
  for (const node of draft.nodes.values()) {
    if (!node.rrsets.some(({ type }) => isSignerType(type))) continue;
    draft.setRRsets(
      node,
      node.rrsets.filter(({ type }) => !isSignerType(type)),
    );
  }
}

/** Signatures of a measurement, after as many that are not measured. */
const MEASURED = 16;

/** About how long all signatures of a zone take: that of each name, and that of its record in the chain. */
function signingMs({ nodes, soa, apex }: ZoneVersion, keys: readonly SigningKey[]): number {
  const rrset = { ownerKey: apex.key, type: soa.type, ttl: soa.ttl, rdatas: soa.rdatas };
  let startMs = 0;
  for (let i = 0; i < 2 * MEASURED; i++) {
    if (i === MEASURED) startMs = performance.now();
    for (const key of keys) key.sign(rrset, { inception: 0, expiration: 1 });
  }
  return ((performance.now() - startMs) / MEASURED) * 2 * nodes.size;
}
