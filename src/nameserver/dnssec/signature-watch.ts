/**
 * Watches the signatures of one signed zone, so that none expires unnoticed. Its figures are taken in the hourly renewal, which reads
 * every name anyway: metrics and the status read them without a walk of their own.
 */
import type { SigningFigures } from '../../core/monitoring.ts';
import type { ChangeOfSignatures, SigningState } from '../../core/notices/notices.ts';
import type { DomainName } from '../../dns/name.ts';
import { timeText } from '../../dns/time-text.ts';
import { TimeSlices } from '../admin/time-slices.ts';
import { SignatureTally } from '../zone/signature-tally.ts';
import type { ZoneVersion } from '../zone/zone-version.ts';

/** What the renewal reports to. */
export interface RenewalReport {
  /**
   * @param tally of all signatures, after the renewal
   * @param failure why signatures that were due could not be renewed, a sentence; undefined: they were
   */
  renewed(tally: SignatureTally, failure: string | undefined): void;
}

export interface SignatureWatchOptions {
  readonly apex: DomainName;
  /** Seconds since 1970. */
  readonly now: () => number;
  /** What is wrong with the keys on disk, in sentences; undefined: nothing. */
  readonly keyProblem: () => string | undefined;
  /** Signatures that were made since the start. */
  readonly made: () => number;
  readonly onChange: (change: ChangeOfSignatures) => void;
}

const DAY_SECONDS = 86_400;
/** A signature is renewed at once when a quarter of its validity is left; the renewal runs every hour. */
const RENEWAL_SECONDS = 2 * 3_600;
/** Signatures that are not renewed are reported when less is left. */
const NOT_RENEWED_SECONDS = 3 * DAY_SECONDS;

export class SignatureWatch implements RenewalReport {
  readonly #options: SignatureWatchOptions;
  #validityDays = 0;
  #isConfigured = true;
  #tally: SignatureTally | undefined;
  #keyProblem: string | undefined;
  #failure: string | undefined;
  #failedRenewals = 0;
  #state: SigningState = 'ok';

  constructor(options: SignatureWatchOptions) {
    this.#options = options;
  }

  /** @param isConfigured whether the option `dnssec` is set */
  setValidity(days: number, isConfigured: boolean): void {
    this.#validityDays = days;
    this.#isConfigured = isConfigured;
  }

  renewed(tally: SignatureTally, failure?: string): void {
    this.#tally = tally;
    this.#failure = failure;
    if (failure !== undefined) this.#failedRenewals += 1;
    this.#check();
  }

  /** Counts the signatures of a zone that is not renewed. */
  async count(version: ZoneVersion): Promise<void> {
    const tally = new SignatureTally(this.#options.now());
    const slices = new TimeSlices();
    for (const node of version.nodes.values()) {
      tally.add(node);
      if (slices.over) await slices.next();
    }
    this.renewed(tally);
  }

  get figures(): SigningFigures {
    return {
      zone: this.#options.apex.toString(),
      signatures: this.#tally?.count ?? 0,
      expired: this.#tally?.expired ?? 0,
      firstExpiration: this.#tally?.firstExpiration,
      isKeyMissing: this.#keyProblem !== undefined,
      made: this.#options.made(),
      failedRenewals: this.#failedRenewals,
    };
  }

  /** What needs an operator, each in sentences; none: all is well. */
  get troubles(): readonly string[] {
    const { apex } = this.#options;
    const goesOn = `The zone '${apex}' goes on being signed, although its option dnssec is not set. Set 'dnssec: true' again.`;
    const failure = this.#failure && `Signatures could not be renewed: ${this.#failure.replace(/\.?$/, '.')}`;
    const all = [this.#expiry(), this.#keyProblem, failure, this.#isConfigured ? undefined : goesOn];
    return all.filter((text) => text !== undefined);
  }

  /** The most urgent state that needs an operator is reported once, when it begins, and so is its end. */
  #check(): void {
    const { apex, keyProblem, now, onChange } = this.#options;
    this.#keyProblem = keyProblem();
    const state = this.#stateNow();
    if (state === this.#state) return;
    this.#state = state;
    const first = this.#tally?.firstExpiration;
    const text =
      state === 'ok' ? `The signatures of the zone '${apex}' are renewed again.` : this.troubles.slice(0, 3).join(' ');
    const expiration = first === undefined ? {} : { firstExpirationMs: first * 1000 };
    onChange({ apex, state, text, timeMs: now() * 1000, ...expiration });
  }

  #stateNow(): SigningState {
    if (this.#left() < 0) return 'expired';
    if (this.#expiresSoon()) return 'expiring';
    return this.#keyProblem === undefined ? 'ok' : 'keys-missing';
  }

  /** Seconds until the first signature expires. */
  #left(): number {
    const first = this.#tally?.firstExpiration;
    return first === undefined ? Number.POSITIVE_INFINITY : first - this.#options.now();
  }

  #expiresSoon(): boolean {
    const quarter = (this.#validityDays * DAY_SECONDS) / 4 - RENEWAL_SECONDS;
    const isRenewed = this.#keyProblem === undefined && this.#failure === undefined;
    return this.#left() < (isRenewed ? quarter : Math.max(quarter, NOT_RENEWED_SECONDS));
  }

  #expiry(): string | undefined {
    const { apex } = this.#options;
    const { firstExpiration, expired, count } = this.#tally ?? {};
    if (firstExpiration === undefined || !this.#expiresSoon()) return undefined;
    const time = timeText(firstExpiration);
    return this.#left() < 0
      ? `${Math.max(1, expired!)} of ${count} signatures of the zone '${apex}' have expired, the first at ${time}: resolvers refuse these names.`
      : `Signatures of the zone '${apex}' expire soon, the first at ${time}. They should have been renewed.`;
  }
}
