/**
 * A primary's replies as AppErrors with advice: RCODEs of UPDATE and queries (RFC 2136 §2.2, §3), TSIG errors (RFC 8945
 * §5.2, §5.3), lost and missing replies.
 */
import { AppError } from '../core/errors.ts';
import { formatEndpoint } from '../dns/endpoint.ts';
import type { DomainName } from '../dns/name.ts';
import { type TsigError, TsigErrorCode } from '../dns/tsig.ts';
import type { TsigKey } from '../dns/tsig-key.ts';
import { formatRcode, Rcode } from '../dns/wire/message.ts';
import type { Endpoint, ExchangeError } from '../net/exchange.ts';

/** The primary, zone and key that messages name. */
export interface PrimaryContext {
  readonly zone: DomainName;
  readonly endpoint: Endpoint;
  readonly key: TsigKey;
}

/** The primary refused an UPDATE in a verified reply. @param rcode not one of a failed prerequisite */
export function updateRefused(context: PrimaryContext, rcode: number): AppError {
  const { zone, key } = context;
  const advice: Partial<Record<number, string>> = {
    [Rcode.REFUSED]: `let the key '${key.keyName}' change the zone '${zone}' there (BIND: allow-update or update-policy; Knot: acl with action update; PowerDNS: TSIG-ALLOW-DNSUPDATE and ALLOW-DNSUPDATE-FROM), and check that the zone is not frozen`,
    [Rcode.SERVFAIL]: `see the primary's log: often its journal or the zone's directory is not writable`,
    [Rcode.NOTAUTH]: `it is not the primary of '${zone}', or the zone is not loaded there`,
    [Rcode.NOTZONE]: `a name of the change is not in its zone '${zone}'`,
    [Rcode.NOTIMP]: 'it does not support DNS UPDATE; PowerDNS needs dnsupdate=yes',
    [Rcode.FORMERR]: 'it could not parse the message; please report this with the version of the nameserver',
  };
  return refused(context, 'the update', rcode, advice[rcode]);
}

/** The primary answered a query with an error. */
export function queryRefused(context: PrimaryContext, rcode: number): AppError {
  const { zone } = context;
  const advice: Partial<Record<number, string>> = {
    [Rcode.REFUSED]: `the zone '${zone}' is not served there, or this host may not query it; if its views select by key, set signed_reads: true`,
    [Rcode.SERVFAIL]: `the zone '${zone}' is configured there but not loaded: see the primary's log`,
    [Rcode.NOTAUTH]: `it is not authoritative for '${zone}'`,
  };
  return refused(context, 'a query', rcode, advice[rcode]);
}

/** An answer without AA that is not a referral: from a resolver or a forwarder. */
export function notAuthoritative(context: PrimaryContext): AppError {
  const text = `does not answer authoritatively for the zone '${context.zone}': 'nameserver' must be its primary, not a resolver.`;
  return new AppError('primary-refused', `The nameserver ${formatEndpoint(context.endpoint)} ${text}`);
}

function refused({ endpoint }: PrimaryContext, what: string, code: number, advice = "see the primary's log"): AppError {
  const rcode = formatRcode(code);
  const text = `The nameserver ${formatEndpoint(endpoint)} answered ${what} with ${rcode}: ${advice}.`;
  return new AppError('primary-refused', text, { rcode });
}

/** The signature of a reply was not verified, or the reply reports a TSIG error. */
export function keyRejected(context: PrimaryContext, error: TsigError, nowSeconds: number): AppError {
  const { endpoint, key } = context;
  const make = (text: string) =>
    new AppError('primary-key-rejected', `The nameserver ${formatEndpoint(endpoint)} ${text}.`, { cause: error });
  const { failure } = error;
  if (failure.side === 'theirs') {
    switch (failure.error) {
      case TsigErrorCode.BADKEY:
        return make(
          `does not know the key '${key.keyName}' with ${key.algorithm} (BADKEY): key name and algorithm must be the same on both sides; Knot also reports this if its acl does not allow the key to update`,
        );
      case TsigErrorCode.BADSIG:
        return make(`has a different secret for the key '${key.keyName}' (BADSIG): copy the secret again`);
      case TsigErrorCode.BADTIME:
        return make(badTime(failure.peerTime, nowSeconds));
      case TsigErrorCode.BADTRUNC:
        return make(`does not accept MACs as short as ${key.algorithm}'s (BADTRUNC)`);
      default:
        return make(`answered with the TSIG error ${failure.error}`);
    }
  }
  switch (failure.reason) {
    case 'unsigned':
      return error.rcode === Rcode.NOERROR
        ? make(`did not sign its reply: it may have ignored the key '${key.keyName}'`)
        : unsignedRefusal(context, error);
    case 'time':
      return make('signed its reply at a time that is too far from ours: set both clocks by NTP');
    case 'key':
      return make(`signed its reply with a key other than '${key.keyName}'`);
    case 'mac':
    case 'truncation':
      return make('sent a reply with a wrong signature, which was ignored');
  }
}

/**
 * An unsigned error is not authenticated, but the best available explanation. PowerDNS reports every problem of a key in
 * this way.
 */
function unsignedRefusal(context: PrimaryContext, error: TsigError): AppError {
  const { message } = updateRefused(context, error.rcode);
  const advice = `check that the name of the key, its secret and its algorithm (${context.key.algorithm}) are the same on both sides, and that both clocks are right`;
  const text = `${message} The reply is not signed, as happens when the key is not accepted: ${advice}.`;
  return new AppError('primary-refused', text, { cause: error });
}

function badTime(peerTime: number | undefined, nowSeconds: number): string {
  if (peerTime === undefined) return 'reports that the clocks differ too much (BADTIME): set both by NTP';
  const difference = nowSeconds - peerTime;
  const order = difference > 0 ? 'ahead of' : 'behind';
  return `reports that the clocks differ too much (BADTIME): ours is ${Math.abs(difference)} s ${order} its; set both by NTP`;
}

/** A query without a reply, or an UPDATE that could not be sent. */
export function unreachable(context: PrimaryContext, error: ExchangeError): AppError {
  const { endpoint, zone } = context;
  const advice =
    error.failure === 'garbage'
      ? `is a DNS server listening at that port?`
      : `is the primary of '${zone}' running there, and does a firewall let UDP and TCP through?`;
  return new AppError('primary-unreachable', `No answer: ${error.message}; ${advice} (${formatEndpoint(endpoint)})`, {
    cause: error,
  });
}

/** An UPDATE that was sent, without a verified reply or a confirmation. */
export function unknownOutcome(context: PrimaryContext, error: Error): AppError {
  const place = formatEndpoint(context.endpoint);
  const text = `The change was sent to the nameserver ${place}, which did not confirm it in time: it may have been applied.`;
  return new AppError('publish-unknown', `${text} Sending it again is safe.`, { cause: error });
}

/** A prerequisite failed in an UPDATE that was sent twice: possibly because the first copy was applied. */
export function staleOrApplied(context: PrimaryContext): AppError {
  return unknownOutcome(context, new Error('the reply may be to a copy of a message that was already applied'));
}
