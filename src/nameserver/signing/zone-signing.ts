/**
 * One zone that is signed: its keys, the first signing, and the renewal of signatures.
 *
 * Signatures are renewed in the second half of their validity, in small commits that are spread over it; those in the last quarter, and
 * those that a clock that was set made wrong, at once.
 */
import type { SigningKey } from '../../dns/dnssec/signing-key.ts';
import type { DomainName } from '../../dns/name.ts';
import { TimeSlices } from '../admin/time-slices.ts';
import type { Committer } from '../journal/committer.ts';
import type { ZoneDraft } from '../zone/draft.ts';
import type { EmbeddedZone } from '../zone/embedded-zone.ts';
import { isSignerType } from '../zone/signer-types.ts';
import { type SigningPolicy, ZoneSigner } from './zone-signer.ts';

/** The option `dnssec` of a zone. */
export interface DnssecSettings {
  /** DNSSEC algorithm number. */
  readonly algorithm: number;
  readonly validityDays: number;
  readonly chain: 'nsec' | 'nsec3';
}

/** Where the keys are (key-store.ts). */
export interface SigningKeys {
  /** Empty: the zone has none. @throws Error for a key that cannot be read */
  load(apex: DomainName): Promise<readonly SigningKey[]>;
  generate(apex: DomainName, algorithm: number): Promise<SigningKey>;
}

export interface ZoneSigningOptions {
  readonly zone: EmbeddedZone;
  readonly settings: DnssecSettings;
  readonly keys: SigningKeys;
  readonly committer: Committer;
  /** Seconds since 1970. */
  readonly now: () => number;
  readonly onWarning: (text: string) => void;
}

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

export class ZoneSigning {
  readonly #options: ZoneSigningOptions;
  readonly #signer: ZoneSigner;
  #timer: NodeJS.Timeout | undefined;
  #renewing: Promise<void> | undefined;
  #isClosed = false;
  #earliestExpiration = 0;

  private constructor(options: ZoneSigningOptions, signer: ZoneSigner) {
    this.#options = options;
    this.#signer = signer;
  }

  /**
   * Signs the zone if it is not signed yet; else brings what its keys and the clock made wrong up to date.
   * @throws Error for keys that cannot be read, or that are missing although the zone is signed; what the committer throws
   */
  static async open(options: ZoneSigningOptions): Promise<ZoneSigning> {
    const { zone, settings, keys, now } = options;
    const { apex, published } = zone;
    let own = await keys.load(apex);
    if (own.length === 0) {
      if (published.isSigned) throw new MissingKeys(apex);
      own = [await keys.generate(apex, settings.algorithm)];
    }
    const policy: SigningPolicy = {
      keys: own,
      announced: own,
      chain: published.chain ?? settings.chain,
      validitySeconds: settings.validityDays * DAY_SECONDS,
      keyTtl: KEY_TTL_SECONDS,
      now,
    };
    const signer = new ZoneSigner(policy, published);
    const signing = new ZoneSigning(options, signer);
    zone.signer = signer;
    await signing.#change((draft) => {
      if (!draft.isSigned) dropSignerTypes(draft);
      signer.setKeys(draft);
    });
    await signing.#renew('now');
    signing.#watch();
    return signing;
  }

  /** Seconds since 1970: when the first signature expires. */
  get earliestExpiration(): number {
    return this.#earliestExpiration;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#renewing;
  }

  #change(edit: (draft: ZoneDraft) => void): Promise<void> {
    return this.#options.committer.change(this.#options.zone, edit);
  }

  /** Renews at intervals, and when the clock was set. */
  #watch(): void {
    const { now } = this.#options;
    let renewedMs = performance.now();
    let checkedMs = renewedMs;
    let checkedSeconds = now();
    this.#timer = setInterval(() => {
      const passedSeconds = (performance.now() - checkedMs) / 1000;
      const isClockSet = Math.abs(now() - checkedSeconds - passedSeconds) > CLOCK_SET_SECONDS;
      checkedMs = performance.now();
      checkedSeconds = now();
      if (!isClockSet && checkedMs - renewedMs < RENEWAL_MS) return;
      renewedMs = checkedMs;
      void this.renew();
    }, CLOCK_MS).unref();
  }

  /** Renews what is due now. Never throws. */
  renew(): Promise<void> {
    this.#renewing ??= this.#renew('soon')
      .catch((error: unknown) =>
        this.#options.onWarning(
          `Signatures of the zone ${this.#options.zone.apex} could not be renewed: ${error instanceof Error ? error.message : String(error)}`,
        ),
      )
      .finally(() => {
        this.#renewing = undefined;
      });
    return this.#renewing;
  }

  /** @param until `soon`: also a part of those that need not be renewed at once */
  async #renew(until: 'now' | 'soon'): Promise<void> {
    const { zone, settings, now } = this.#options;
    const slices = new TimeSlices();
    const urgent: string[] = [];
    const others: string[] = [];
    let earliestSeconds = Number.POSITIVE_INFINITY;
    let names = 0;
    for (const node of zone.published.nodes.values()) {
      const state = this.#signer.check(node);
      names += 1;
      if (state.due === 'now') urgent.push(node.key);
      else {
        earliestSeconds = Math.min(earliestSeconds, state.earliestSeconds);
        if (state.due === 'soon') others.push(node.key);
      }
      if (slices.over) await slices.next();
    }
    // All names within a quarter of the validity, which is what is left of it then.
    const runs = (settings.validityDays * DAY_SECONDS) / 4 / (RENEWAL_MS / 1000);
    const share = until === 'soon' ? others.slice(0, Math.max(RENEWAL_STEP, Math.ceil(names / runs))) : [];
    const due = [...urgent, ...share];
    for (let at = 0; at < due.length && !this.#isClosed; at += RENEWAL_STEP) {
      await this.#change((draft) => draft.renew(due.slice(at, at + RENEWAL_STEP)));
      await slices.next();
    }
    this.#earliestExpiration = now() + Math.min(earliestSeconds, settings.validityDays * DAY_SECONDS);
  }
}

/** The zone is signed, and its keys are not there: a change could not be signed. */
export class MissingKeys extends Error {
  constructor(apex: DomainName) {
    super(
      `the zone '${apex}' is signed, and its keys are missing: put them back from a backup, so that changes can be signed`,
    );
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
