/**
 * What a primary's reply to UPDATE or to a query means, and what to repair: RCODEs (RFC 2136 §2.2, §3) and TSIG errors
 * (RFC 8945 §5.2, §5.3) to AppError with advice.
 */
import { AppError } from '../core/errors.ts';
import { formatEndpoint } from '../dns/endpoint.ts';
import type { DomainName } from '../dns/name.ts';
import { type TsigError, TsigErrorCode, type TsigKey } from '../dns/tsig.ts';
import { formatRcode, Rcode } from '../dns/wire/message.ts';
import type { Endpoint, ExchangeError } from '../net/exchange.ts';

/** Whom we talk to about what: the words that every advice needs. */
export interface PrimaryContext {
  readonly zone: DomainName;
  readonly endpoint: Endpoint;
  readonly key: TsigKey;
}

/** An UPDATE that the primary refused under a verified signature. The prerequisite RCODEs are not for here. */
export function updateRefused(context: PrimaryContext, rcode: number): AppError {
  const { zone, key } = context;
  const advice: Partial<Record<number, string>> = {
    [Rcode.REFUSED]: `let the key '${key.keyName}' change the zone '${zone}' there (BIND: allow-update or update-policy; Knot: acl with action update; PowerDNS: TSIG-ALLOW-DNSUPDATE and ALLOW-DNSUPDATE-FROM), and see that the zone is not frozen`,
    [Rcode.SERVFAIL]: `see the primary's log: often its journal or the zone's directory is not writable for it`,
    [Rcode.NOTAUTH]: `it is not the primary of '${zone}', or the zone is not loaded there`,
    [Rcode.NOTZONE]: `a name of the change is not in its zone '${zone}'`,
    [Rcode.NOTIMP]: 'it does not take DNS UPDATE; PowerDNS needs dnsupdate=yes',
    [Rcode.FORMERR]: 'it could not read the message; please report this with the version of the nameserver',
  };
  return refused(context, 'the update', rcode, advice[rcode]);
}

/** A query that was answered with an error, or without authority. */
export function queryRefused(context: PrimaryContext, rcode: number): AppError {
  const { zone } = context;
  const advice: Partial<Record<number, string>> = {
    [Rcode.REFUSED]: `the zone '${zone}' is not there, or this host may not query it; where views answer by key, set signed_reads: true`,
    [Rcode.SERVFAIL]: `the zone '${zone}' is configured there but not loaded: see the primary's log`,
    [Rcode.NOTAUTH]: `it is not authoritative for '${zone}'`,
  };
  return refused(context, 'a query', rcode, advice[rcode]);
}

/** An answer without AA that is no referral: a resolver, or a server that forwards. */
export function notAuthoritative(context: PrimaryContext): AppError {
  const text = `does not answer with authority for the zone '${context.zone}': 'nameserver' must be its primary, not a resolver.`;
  return new AppError('primary-refused', `The nameserver ${formatEndpoint(context.endpoint)} ${text}`);
}

function refused({ endpoint }: PrimaryContext, what: string, code: number, advice = "see the primary's log"): AppError {
  const rcode = formatRcode(code);
  const text = `The nameserver ${formatEndpoint(endpoint)} answered ${what} with ${rcode}: ${advice}.`;
  return new AppError('primary-refused', text, { rcode });
}

/** A reply whose signature did not verify, or that reports a TSIG error. */
export function keyRejected(context: PrimaryContext, error: TsigError, nowSeconds: number): AppError {
  const { endpoint, key } = context;
  const make = (text: string) =>
    new AppError('primary-key-rejected', `The nameserver ${formatEndpoint(endpoint)} ${text}.`, { cause: error });
  const { failure } = error;
  if (failure.side === 'theirs') {
    switch (failure.error) {
      case TsigErrorCode.BADKEY:
        return make(
          `does not know the key '${key.keyName}' with ${key.algorithm} (BADKEY): key name and algorithm must be the same on both sides; Knot also says so where its acl does not let the key update`,
        );
      case TsigErrorCode.BADSIG:
        return make(`has another secret for the key '${key.keyName}' (BADSIG): copy the secret anew`);
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
      return make('signed its reply with a time that is too far from ours: set both clocks by NTP');
    case 'key':
      return make(`signed its reply with another key than '${key.keyName}'`);
    case 'mac':
    case 'truncation':
      return make('sent a reply whose signature is wrong; it was not believed');
  }
}

/**
 * An error without a signature cannot be trusted as a success, but it is the best explanation there is. PowerDNS has only
 * this one for whatever is wrong with a key.
 */
function unsignedRefusal(context: PrimaryContext, error: TsigError): AppError {
  const { message } = updateRefused(context, error.rcode);
  const advice = `see that the name of the key, its secret and its algorithm (${context.key.algorithm}) are the same on both sides, and that both clocks are right`;
  const text = `${message} The reply is not signed, as it is where the key is not accepted: ${advice}.`;
  return new AppError('primary-refused', text, { cause: error });
}

function badTime(peerTime: number | undefined, nowSeconds: number): string {
  if (peerTime === undefined) return 'says that our clock differs too much from its own (BADTIME): set both by NTP';
  const difference = nowSeconds - peerTime;
  const order = difference > 0 ? 'ahead of' : 'behind';
  return `says that the clocks differ too much (BADTIME): ours is ${Math.abs(difference)} s ${order} its; set both by NTP`;
}

/** No reply to a query, or to an UPDATE that was not sent. */
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

/** An UPDATE that was sent, and neither a reply nor a read-back told what came of it. */
export function unknownOutcome(context: PrimaryContext, error: Error): AppError {
  const place = formatEndpoint(context.endpoint);
  const text = `The change was sent to the nameserver ${place}, which did not confirm it in time: it may have been applied.`;
  return new AppError('publish-unknown', `${text} Sending it again is safe.`, { cause: error });
}

/** A prerequisite did not hold for a copy of an UPDATE that was sent twice: perhaps because the first one was applied. */
export function staleOrDone(context: PrimaryContext): AppError {
  return unknownOutcome(context, new Error('the reply may be to a copy of a message that had been applied'));
}
