/**
 * What every update of a host has in common, of addresses or TXT values, by whichever protocol: the host's settings, the
 * limits of tokens and sources, and its place in the history and in the counters.
 */

import type { DomainName } from '../../dns/name.ts';
import { unknownName } from '../access/authorize.ts';
import { actorName, ownerOfPrincipal, type Principal } from '../access/principal.ts';
import { MinuteLimiter, sourceKey } from '../access/rate-limits.ts';
import type { RequestContext } from '../access/request-context.ts';
import { AppError, ERROR_CODES, type ErrorCode } from '../errors.ts';
import type { NewHistoryEvent, UpdateRecorder } from '../history/history.ts';
import type { HostSettings, HostSettingsSource } from '../hosts/host.ts';
import { ownerMayChange } from '../hosts/host-access.ts';
import type { Zone } from '../zones/zone.ts';

export interface UpdateRecordOptions {
  readonly hosts?: HostSettingsSource | undefined;
  readonly recorder?: UpdateRecorder | undefined;
  /** Changes by the id of the token. An update that changes nothing is never throttled. */
  readonly changes?: MinuteLimiter | undefined;
  /** Refusals by the address of the source: above the limit they are answered with rate-limited instead. */
  readonly refusals?: MinuteLimiter | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Called for each event that is not recorded because there are too many; for counting. */
  readonly onUnrecorded?: () => void;
  /** Called once for each update of a name; for counting. */
  readonly onOutcome?: (protocol: string, outcome: 'changed' | 'unchanged' | ErrorCode) => void;
}

/**
 * Events of a minute that are no changes: an update that is refused or fails costs its client nothing, so that it could
 * fill the history. Changes are limited by `changes`, and by the size of the history.
 */
const MAX_EVENTS_OF_HOST = 60;
const MAX_EVENTS_OF_ACTOR = 300;
const MAX_NAMES_OF_TOKEN = 20;
const LAST_OF_MINUTE = 'further ones of this minute are not recorded';

export class UpdateRecord {
  readonly #options: UpdateRecordOptions;
  /** By host and actor. */
  readonly #eventsOfHost: MinuteLimiter;
  /** By actor. */
  readonly #eventsOfActor: MinuteLimiter;

  /** Names outside of its scope, by the id of the token. */
  readonly #namesOfToken: MinuteLimiter;

  /** Changes by the id of the owner, each with the limit of that user. */
  readonly #changesOfOwner: MinuteLimiter;

  constructor(options: UpdateRecordOptions) {
    this.#options = options;
    this.#changesOfOwner = new MinuteLimiter(0, options.now);
    this.#namesOfToken = new MinuteLimiter(MAX_NAMES_OF_TOKEN, options.now);
    this.#eventsOfHost = new MinuteLimiter(MAX_EVENTS_OF_HOST, options.now);
    this.#eventsOfActor = new MinuteLimiter(MAX_EVENTS_OF_ACTOR, options.now);
  }

  /**
   * The settings of a host that the credential may change: it is enabled, and a token has no owner, or one who may change it. Both
   * are looked up at each request, so that the end of a share or of ownership is effective like that of a token.
   * @param refusedName the name in the request, if it is not that of the host
   * @throws AppError not-permitted, as for a name out of scope; host-disabled, store-unreachable
   */
  settings(
    ownerName: DomainName,
    { principal }: Pick<RequestContext, 'principal'>,
    zone: Zone,
    refusedName = ownerName,
  ): HostSettings | undefined | Promise<HostSettings | undefined> {
    const found = this.#options.hosts?.find(ownerName);
    return found instanceof Promise
      ? found.then((settings) => checkUsable(settings, principal, zone, refusedName))
      : checkUsable(found, principal, zone, refusedName);
  }

  /** The settings of a host, whether it is enabled or not. @throws AppError store-unreachable */
  anySettings(ownerName: DomainName): HostSettings | undefined | Promise<HostSettings | undefined> {
    return this.#options.hosts?.find(ownerName);
  }

  /** The error to throw instead of a change where the token, or all of its owner, have made too many; undefined: it may go on. */
  changeRefused({ principal }: RequestContext): AppError | undefined {
    if (principal.kind === 'token') {
      const ofToken = this.#options.changes?.retryAfterSeconds(principal.token.id);
      if (ofToken !== undefined) {
        const message = 'This token has made too many changes in the last minute.';
        return new AppError('rate-limited', message, { retryAfterSeconds: ofToken });
      }
    }
    const owner = ownerOfPrincipal(principal);
    if (owner === undefined) return undefined;
    const ofOwner = this.#changesOfOwner.retryAfterSeconds(owner.id, owner.changesPerMinute);
    if (ofOwner === undefined) return undefined;
    const message = `The user '${owner.name}' has made too many changes in the last minute, with all tokens together.`;
    return new AppError('rate-limited', message, { retryAfterSeconds: ofOwner });
  }

  /** Counts an update that succeeded: once, whatever members it has. */
  succeeded({ principal, protocol }: RequestContext, changed: boolean): void {
    if (changed) {
      if (principal.kind === 'token') this.#options.changes?.count(principal.token.id);
      const owner = ownerOfPrincipal(principal);
      if (owner !== undefined) this.#changesOfOwner.count(owner.id, owner.changesPerMinute);
    }
    this.#options.onOutcome?.(protocol, changed ? 'changed' : 'unchanged');
  }

  /** Counts an update that failed, and records the failure if it says something of the host. Other errors are ignored. */
  failed(ownerName: DomainName, context: RequestContext, error: unknown): void {
    if (!(error instanceof AppError)) return;
    const { code, logText } = error;
    const outcome = ERROR_CODES[code].history;
    const isThrottled = this.#throttled(error, context) !== undefined;
    if (outcome !== 'not recorded') {
      // A source above its limit of refusals leaves no more traces: its reply says to wait.
      if (isThrottled) this.#options.onUnrecorded?.();
      else this.#recordLimited(ownerName, context, outcome, { code, detail: logText });
    }
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
    this.#recordLimited(ownerName, context, 'refused', { detail });
  }

  /** Records an update that changed nothing of a name, if it shows that the client is there. */
  unchanged(ownerName: DomainName, { origin }: RequestContext): void {
    if (origin === 'client') this.#options.recorder?.repeat(ownerName, this.#options.now());
  }

  /**
   * Counts a refusal for its source. Called once for each error that goes into a reply, where the reply is made.
   * @returns the error to reply with: this one, or rate-limited for a source that has got too many
   */
  refuse(error: AppError, context: RequestContext | Pick<RequestContext, 'caller' | 'peer'>): AppError {
    if (!ERROR_CODES[error.code].isRefusal) return error;
    const throttled = this.#throttled(error, context);
    if (throttled === undefined && 'principal' in context) this.#outOfScope(error, context);
    this.#options.refusals?.count(sourceKey(context.caller ?? context.peer));
    return throttled ?? error;
  }

  /** Records a name that is not in the scope of the token. Few of them: a token could fill the history with names. */
  #outOfScope({ code, refusedName, logText }: AppError, context: RequestContext): void {
    if (refusedName === undefined || context.principal.kind !== 'token') return;
    const { id } = context.principal.token;
    if (this.#namesOfToken.isFull(id)) {
      this.#options.onUnrecorded?.();
      return;
    }
    this.#namesOfToken.count(id);
    this.#recordLimited(refusedName, context, 'refused', { code, detail: logText });
  }

  #throttled({ code }: AppError, { caller, peer }: Pick<RequestContext, 'caller' | 'peer'>): AppError | undefined {
    const { refusals } = this.#options;
    if (refusals === undefined || !ERROR_CODES[code].isRefusal) return undefined;
    const retryAfterSeconds = refusals.retryAfterSeconds(sourceKey(caller ?? peer));
    if (retryAfterSeconds === undefined) return undefined;
    return new AppError('rate-limited', 'Too many refused requests in the last minute.', { retryAfterSeconds });
  }

  #recordLimited(
    ownerName: DomainName,
    context: RequestContext,
    outcome: 'refused' | 'failed',
    facts: { readonly detail: string; readonly code?: ErrorCode },
  ): void {
    if (this.#options.recorder === undefined) return;
    const { principal, caller } = context;
    // Clients of the master secret have nothing in common.
    const actor = principal.kind === 'token' ? principal.token.id : `${principal.kind} ${sourceKey(caller)}`;
    const ofHost = `${ownerName.key} ${actor}`;
    const isTooMany = () => this.#eventsOfHost.isFull(ofHost) || this.#eventsOfActor.isFull(actor);
    if (isTooMany()) {
      this.#options.onUnrecorded?.();
      return;
    }
    this.#eventsOfHost.count(ofHost);
    this.#eventsOfActor.count(actor);
    const { detail } = facts;
    this.#record(
      ownerName,
      context,
      outcome,
      isTooMany() ? { ...facts, detail: `${detail} (${LAST_OF_MINUTE})` } : facts,
    );
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

function checkUsable(
  settings: HostSettings | undefined,
  principal: Principal,
  zone: Zone,
  refusedName: DomainName,
): HostSettings | undefined {
  // First: who may not change a host does not learn whether it is enabled.
  if (!ownerMayChange(settings, ownerOfPrincipal(principal))) {
    throw unknownName(refusedName, principal, zone);
  }
  if (settings?.enabled !== false) return settings;
  throw new AppError('host-disabled', `Updates of '${settings.ownerName}' are switched off.`);
}
