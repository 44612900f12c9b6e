/**
 * What every update of a host has in common, of addresses or TXT values, by whichever protocol: the host's settings, the
 * limits of tokens and sources, and its place in the history and in the counters.
 */

import type { DomainName } from '../../dns/name.ts';
import { actorName } from '../access/principal.ts';
import { type MinuteLimiter, sourceKey } from '../access/rate-limits.ts';
import type { RequestContext } from '../access/request-context.ts';
import { AppError, ERROR_CODES, type ErrorCode } from '../errors.ts';
import type { NewHistoryEvent, UpdateRecorder } from '../history/history.ts';
import type { HostSettings, HostSettingsSource } from '../hosts/host.ts';

export interface UpdateRecordOptions {
  readonly hosts?: HostSettingsSource | undefined;
  readonly recorder?: UpdateRecorder | undefined;
  /** Changes by the id of the token. An update that changes nothing is never throttled. */
  readonly changes?: MinuteLimiter | undefined;
  /** Refusals by the address of the source: above the limit they are answered with rate-limited instead. */
  readonly refusals?: MinuteLimiter | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Called once for each update of a name; for counting. */
  readonly onOutcome?: (protocol: string, outcome: 'changed' | 'unchanged' | ErrorCode) => void;
}

export class UpdateRecord {
  readonly #options: UpdateRecordOptions;

  constructor(options: UpdateRecordOptions) {
    this.#options = options;
  }

  /** The settings of a host. @throws AppError host-disabled, store-unreachable */
  settings(ownerName: DomainName): HostSettings | undefined | Promise<HostSettings | undefined> {
    const found = this.#options.hosts?.find(ownerName);
    return found instanceof Promise ? found.then(checkEnabled) : checkEnabled(found);
  }

  /** The settings of a host, whether it is enabled or not. @throws AppError store-unreachable */
  anySettings(ownerName: DomainName): HostSettings | undefined | Promise<HostSettings | undefined> {
    return this.#options.hosts?.find(ownerName);
  }

  /** The error to throw instead of a change where the token has made too many; undefined where it may go on. */
  changeRefused({ principal }: RequestContext): AppError | undefined {
    if (principal.kind !== 'token') return undefined;
    const retryAfterSeconds = this.#options.changes?.retryAfterSeconds(principal.token.id);
    if (retryAfterSeconds === undefined) return undefined;
    return new AppError('rate-limited', 'This token has made too many changes in the last minute.', {
      retryAfterSeconds,
    });
  }

  /** Counts an update that succeeded: once, whatever members it has. */
  succeeded({ principal, protocol }: RequestContext, changed: boolean): void {
    if (changed && principal.kind === 'token') this.#options.changes?.count(principal.token.id);
    this.#options.onOutcome?.(protocol, changed ? 'changed' : 'unchanged');
  }

  /** Counts an update that failed, and records the failure if it says something of the host. Other errors are ignored. */
  failed(ownerName: DomainName, context: RequestContext, error: unknown): void {
    if (!(error instanceof AppError)) return;
    const { code, logText } = error;
    const outcome = ERROR_CODES[code].history;
    if (outcome !== 'not recorded') this.#record(ownerName, context, outcome, { code, detail: logText });
    const isThrottled = this.#throttled(error, context) !== undefined;
    this.#options.onOutcome?.(context.protocol, isThrottled ? 'rate-limited' : code);
  }

  /** Records a change of one name. */
  changed(
    ownerName: DomainName,
    context: RequestContext,
    facts: Partial<Pick<NewHistoryEvent, 'A' | 'AAAA' | 'detail'>>,
  ): void {
    this.#record(ownerName, context, 'changed', facts);
  }

  /** Records that a name was left out of a change. */
  leftOut(ownerName: DomainName, context: RequestContext, detail: string): void {
    this.#record(ownerName, context, 'refused', { detail });
  }

  /** Records an update that changed nothing of a name, if it shows that the client is there. */
  unchanged(ownerName: DomainName, { origin }: RequestContext): void {
    if (origin === 'client') this.#options.recorder?.repeat(ownerName, this.#options.now());
  }

  /**
   * Counts a refusal for its source. Called once for each error that goes into a reply, where the reply is made.
   * @returns the error to reply with: this one, or rate-limited for a source that has got too many
   */
  refuse(error: AppError, context: Pick<RequestContext, 'caller' | 'peer'>): AppError {
    if (!ERROR_CODES[error.code].isRefusal) return error;
    const throttled = this.#throttled(error, context);
    this.#options.refusals?.count(sourceKey(context.caller ?? context.peer));
    return throttled ?? error;
  }

  #throttled({ code }: AppError, { caller, peer }: Pick<RequestContext, 'caller' | 'peer'>): AppError | undefined {
    const { refusals } = this.#options;
    if (refusals === undefined || !ERROR_CODES[code].isRefusal) return undefined;
    const retryAfterSeconds = refusals.retryAfterSeconds(sourceKey(caller ?? peer));
    if (retryAfterSeconds === undefined) return undefined;
    return new AppError('rate-limited', 'Too many refused requests in the last minute.', { retryAfterSeconds });
  }

  #record(
    ownerName: DomainName,
    { principal, caller, protocol, userAgent, origin }: RequestContext,
    outcome: NewHistoryEvent['outcome'],
    facts: Partial<Pick<NewHistoryEvent, 'A' | 'AAAA' | 'detail' | 'code'>>,
  ): void {
    this.#options.recorder?.record({
      ownerName,
      timeMs: this.#options.now(),
      protocol,
      actor: actorName(principal),
      source: caller?.text ?? '',
      userAgent,
      origin,
      outcome,
      ...facts,
    });
  }
}

function checkEnabled(settings: HostSettings | undefined): HostSettings | undefined {
  if (settings?.enabled !== false) return settings;
  throw new AppError('host-disabled', `Updates of '${settings.ownerName}' are switched off.`);
}
