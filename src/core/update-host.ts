/**
 * The use-case behind every door for addresses: may this credential do it, do the host's settings and the limits let it;
 * then the change itself (update-addresses.ts), and its event in the history.
 */
import { type IpAddress, parseIpAddress } from '../dns/address.ts';
import type { DomainName } from '../dns/name.ts';
import { RRType } from '../dns/rdata.ts';
import { authorizeName } from './authorize.ts';
import { AppError, type ErrorCode } from './errors.ts';
import type { NewHistoryEvent } from './history.ts';
import type { HostSettings } from './host.ts';
import { type MinuteLimiter, sourceKey } from './minute-limits.ts';
import { FAMILIES } from './plan-change.ts';
import { checkAddress } from './policy.ts';
import { actorName } from './principal.ts';
import type { RequestContext } from './request-context.ts';
import { checkTokenAddress } from './token.ts';
import type { AddressUpdate, UpdateAddresses, UpdateRequest } from './update-addresses.ts';

export interface HostSettingsSource {
  /** Without a promise where they are known; undefined: none. @throws AppError store-unreachable */
  find(ownerName: DomainName): HostSettings | undefined | Promise<HostSettings | undefined>;
}

/** Takes events for later; never throws, never makes anybody wait. */
export interface UpdateRecorder {
  record(event: NewHistoryEvent): void;
  /** An update that changed nothing. */
  repeat(ownerName: DomainName, timeMs: number): void;
}

export interface UpdateHostOptions {
  readonly updates: UpdateAddresses;
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
  'address-refused',
  'request-malformed',
]);
const FAILURES = new Set<ErrorCode>([
  'primary-refused',
  'primary-key-rejected',
  'primary-unreachable',
  'publish-unknown',
]);

export class UpdateHost {
  readonly #options: UpdateHostOptions;

  constructor(options: UpdateHostOptions) {
    this.#options = options;
  }

  /**
   * Checks everything, then changes the addresses of one name.
   * @throws AppError not-permitted, host-disabled, and what UpdateAddresses.run throws
   */
  async run(request: UpdateRequest, context: RequestContext): Promise<AddressUpdate> {
    const { ownerName, wanted, prefix } = request;
    const { principal } = context;
    const moves = prefix !== undefined;
    const families = FAMILIES.filter((family) => wanted[family] !== undefined || (moves && family === 'AAAA'));
    let settings: HostSettings | undefined;
    try {
      for (const family of families) authorizeName(principal, ownerName, [RRType[family]]);
      const found = this.#options.hosts?.find(ownerName);
      settings = found instanceof Promise ? await found : found;
      const result = await this.#options.updates.run(this.#checked(request, settings, context));
      this.#succeeded(result, context);
      this.#options.onOutcome?.(context.protocol, result.changed ? 'changed' : 'unchanged');
      return result;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      this.#failed(ownerName, context, error);
      const told = this.#putOff(error, context) ?? error;
      this.#options.onOutcome?.(context.protocol, told.code);
      throw told;
    }
  }

  /** What takes the place of a refusal for a source that gets too many of them. */
  #putOff({ code }: AppError, { caller }: RequestContext): AppError | undefined {
    const { refusals } = this.#options;
    if (refusals === undefined || !REFUSALS.has(code)) return undefined;
    const source = sourceKey(caller);
    const retryAfterSeconds = refusals.retryAfterSeconds(source);
    refusals.count(source);
    if (retryAfterSeconds === undefined) return undefined;
    return new AppError('rate-limited', 'Too many refused requests in the last minute.', { retryAfterSeconds });
  }

  /** The request with the host's settings in it. @throws AppError */
  #checked(request: UpdateRequest, settings: HostSettings | undefined, context: RequestContext): UpdateRequest {
    const { ownerName, wanted, zone } = request;
    const { principal, caller } = context;
    const ofToken = principal.kind === 'token' ? principal.token : undefined;
    if (settings?.enabled === false) throw new AppError('host-disabled', `Updates of '${ownerName}' are switched off.`);
    for (const family of FAMILIES) {
      const text = wanted[family];
      if (!text) continue;
      const address = parseIpAddress(text) as IpAddress;
      if (ofToken !== undefined) checkTokenAddress(ofToken, address, caller);
      if (settings !== undefined && hasRules(settings)) checkAddress(joined(settings, request), address);
    }
    const retryAfter = ofToken && this.#options.changes?.retryAfterSeconds(ofToken.id);
    return {
      ...request,
      ...(ofToken === undefined || request.prefix === undefined
        ? {}
        : { checkMoved: (address) => checkTokenAddress(ofToken, address, caller) }),
      // The host's rules were looked at together with the zone's.
      ...(settings !== undefined && hasRules(settings)
        ? { zone: { ...zone, addresses: joined(settings, request) } }
        : {}),
      ...(settings?.ttl === undefined ? {} : { hostTtl: settings.ttl }),
      ...(retryAfter === undefined ? {} : { changeRefused: tooManyChanges(retryAfter) }),
    };
  }

  #succeeded(result: AddressUpdate, context: RequestContext): void {
    const { recorder, changes, now } = this.#options;
    const { ownerName, A, AAAA, changed } = result;
    if (changed && context.principal.kind === 'token') changes?.count(context.principal.token.id);
    // What the operator types says nothing of the client.
    if (!changed && context.protocol === 'cli') return;
    if (!changed) recorder?.repeat(ownerName, now());
    else {
      const steps = { A: { before: A.before, after: A.after }, AAAA: { before: AAAA.before, after: AAAA.after } };
      recorder?.record({ ...this.#event(ownerName, context), outcome: 'changed', ...steps });
    }
  }

  #failed(ownerName: DomainName, context: RequestContext, error: AppError): void {
    const { code } = error;
    const outcome = FAILURES.has(code) ? 'failed' : TOLD_REFUSALS.has(code) ? 'refused' : undefined;
    if (outcome === undefined) return;
    this.#options.recorder?.record({ ...this.#event(ownerName, context), outcome, code, detail: error.logText });
  }

  #event(ownerName: DomainName, { principal, caller, protocol, userAgent }: RequestContext) {
    return {
      ownerName,
      timeMs: this.#options.now(),
      protocol,
      actor: actorName(principal),
      source: caller?.text ?? '',
      userAgent,
    };
  }
}

function hasRules({ addresses }: HostSettings): boolean {
  return addresses.allow.length > 0 || addresses.deny.length > 0;
}

/** Host and zone together: the longest prefix of either decides. */
function joined({ addresses }: HostSettings, { zone }: UpdateRequest) {
  return {
    allow: [...addresses.allow, ...zone.addresses.allow],
    deny: [...addresses.deny, ...zone.addresses.deny],
  };
}

function tooManyChanges(retryAfterSeconds: number): AppError {
  return new AppError('rate-limited', 'This token has made too many changes in the last minute.', {
    retryAfterSeconds,
  });
}
