/**
 * What every change of a host passes, whatever it changes and through whichever door: the host's settings, the limits,
 * and afterwards its place in the history and in the counts.
 */

import type { DomainName } from '../../dns/name.ts';
import { actorName } from '../access/principal.ts';
import { type MinuteLimiter, sourceKey } from '../access/rate-limits.ts';
import type { RequestContext } from '../access/request-context.ts';
import { AppError, type ErrorCode } from '../errors.ts';
import type { NewHistoryEvent, UpdateRecorder } from '../history/history.ts';
import type { HostSettings, HostSettingsSource } from '../hosts/host.ts';

export interface HostGateOptions {
  readonly hosts?: HostSettingsSource | undefined;
  readonly recorder?: UpdateRecorder | undefined;
  /** Changes by the id of the token. What changes nothing is never put off. */
  readonly changes?: MinuteLimiter | undefined;
  /** Refusals by the address of the source: beyond the limit they are put off instead of being explained. */
  readonly refusals?: MinuteLimiter | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Called once for each update of a name; for counting. */
  readonly onOutcome?: (protocol: string, outcome: 'changed' | 'unchanged' | ErrorCode) => void;
}

/** Refusals that say something of the host, and so belong into its history. Who may not see it leaves no trace there. */
const TOLD_REFUSALS = new Set<ErrorCode>(['host-disabled', 'address-refused', 'conflict', 'rate-limited']);
/** Faults of the request, not ours. */
const REFUSALS = new Set<ErrorCode>([
  'name-invalid',
  'not-permitted',
  'host-disabled',
  'address-invalid',
  'address-refused',
  'request-malformed',
]);
const FAILURES = new Set<ErrorCode>([
  'contended',
  'primary-refused',
  'primary-key-rejected',
  'primary-unreachable',
  'publish-unknown',
]);

export class HostGate {
  readonly #options: HostGateOptions;
  /** Errors that have been counted, and what was told in their place. */
  readonly #counted = new WeakMap<AppError, AppError>();

  constructor(options: HostGateOptions) {
    this.#options = options;
  }

  /**
   * Runs one change of a host. What comes of it is counted, a failure is also recorded; a change is recorded by `changed`.
   * @throws AppError what the change throws, or rate-limited in its place
   */
  async run<Result extends { readonly changed: boolean }>(
    ownerName: DomainName,
    context: RequestContext,
    change: () => Promise<Result>,
  ): Promise<Result> {
    const { onOutcome } = this.#options;
    try {
      const result = await change();
      onOutcome?.(context.protocol, result.changed ? 'changed' : 'unchanged');
      return result;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      this.#failed(ownerName, context, error);
      const told = this.refused(error, context);
      onOutcome?.(context.protocol, told.code);
      throw told;
    }
  }

  /** The settings of a host. @throws AppError host-disabled, store-unreachable */
  settings(ownerName: DomainName): HostSettings | undefined | Promise<HostSettings | undefined> {
    const found = this.#options.hosts?.find(ownerName);
    return found instanceof Promise ? found.then((settings) => checkEnabled(settings)) : checkEnabled(found);
  }

  /** The settings of a host, whether it is enabled or not. @throws AppError store-unreachable */
  anySettings(ownerName: DomainName): HostSettings | undefined | Promise<HostSettings | undefined> {
    return this.#options.hosts?.find(ownerName);
  }

  /** What is thrown in place of a change where the token has made too many; undefined: it may go on. */
  changeRefused({ principal }: RequestContext): AppError | undefined {
    if (principal.kind !== 'token') return undefined;
    const retryAfterSeconds = this.#options.changes?.retryAfterSeconds(principal.token.id);
    if (retryAfterSeconds === undefined) return undefined;
    return new AppError('rate-limited', 'This token has made too many changes in the last minute.', {
      retryAfterSeconds,
    });
  }

  /** Counts a change for its token. */
  countChange({ principal }: RequestContext): void {
    if (principal.kind === 'token') this.#options.changes?.count(principal.token.id);
  }

  /** Puts a change of one name into the history. */
  changed(
    ownerName: DomainName,
    context: RequestContext,
    what: Partial<Pick<NewHistoryEvent, 'A' | 'AAAA' | 'detail'>>,
  ): void {
    this.#record(ownerName, context, 'changed', what);
  }

  /** Something of a change was left out, and why. */
  leftOut(ownerName: DomainName, context: RequestContext, detail: string): void {
    this.#record(ownerName, context, 'refused', { detail });
  }

  /** An update that changed nothing. */
  unchanged(ownerName: DomainName): void {
    this.#options.recorder?.repeat(ownerName, this.#options.now());
  }

  /**
   * Counts a refusal for its source, once for each error, also one that no host was found for. What comes back is to be
   * told: the error, or another one for a source that gets too many.
   */
  refused(error: AppError, { caller }: Pick<RequestContext, 'caller'>): AppError {
    const { refusals } = this.#options;
    if (refusals === undefined || !REFUSALS.has(error.code)) return error;
    const counted = this.#counted.get(error);
    if (counted !== undefined) return counted;
    const source = sourceKey(caller);
    const retryAfterSeconds = refusals.retryAfterSeconds(source);
    refusals.count(source);
    const told =
      retryAfterSeconds === undefined
        ? error
        : new AppError('rate-limited', 'Too many refused requests in the last minute.', { retryAfterSeconds });
    this.#counted.set(error, told);
    return told;
  }

  #failed(ownerName: DomainName, context: RequestContext, error: AppError): void {
    const { code } = error;
    const outcome = FAILURES.has(code) ? 'failed' : TOLD_REFUSALS.has(code) ? 'refused' : undefined;
    if (outcome === undefined) return;
    this.#record(ownerName, context, outcome, { code, detail: error.logText });
  }

  #record(
    ownerName: DomainName,
    { principal, caller, protocol, userAgent }: RequestContext,
    outcome: NewHistoryEvent['outcome'],
    what: Partial<Pick<NewHistoryEvent, 'A' | 'AAAA' | 'detail' | 'code'>>,
  ): void {
    this.#options.recorder?.record({
      ownerName,
      timeMs: this.#options.now(),
      protocol,
      actor: actorName(principal),
      source: caller?.text ?? '',
      userAgent,
      outcome,
      ...what,
    });
  }
}

function checkEnabled(settings: HostSettings | undefined): HostSettings | undefined {
  if (settings?.enabled !== false) return settings;
  throw new AppError('host-disabled', `Updates of '${settings.ownerName}' are switched off.`);
}
