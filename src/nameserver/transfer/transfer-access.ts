/**
 * Whether a request for a zone transfer is one that is served: its form (RFC 5936 §2.1, RFC 1995 §3) and who sends it.
 *
 * Pure: the service has found the zone and checked the signature. Left out: address prefixes; a transfer is for single
 * secondaries or for the holders of a key.
 */
import type { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { type Message, Rcode } from '../../dns/wire/message.ts';

/** Who may transfer a zone. */
export interface TransferAccess {
  /** Those with a `keyName` have to sign with it, for the others the address is enough. */
  readonly secondaries: readonly {
    /** Canonical IP text. */
    readonly address: string;
    readonly keyName?: DomainName;
  }[];
  /** Keys whose holders may transfer from anywhere. */
  readonly keyNames: readonly DomainName[];
}

/** What is asked for. */
export type TransferQuery = { readonly kind: 'axfr' } | { readonly kind: 'ixfr'; readonly serial: number };

export interface TransferClaim {
  readonly message: Message;
  readonly overUdp: boolean;
  /** Undefined: this server is not the primary of the zone. */
  readonly access: TransferAccess | undefined;
  /** Where it comes from, canonical IP text. */
  readonly address: string;
  /** The key by which the request's signature was verified. */
  readonly keyName: DomainName | undefined;
}

export type TransferRuling =
  | { readonly kind: 'serve'; readonly query: TransferQuery }
  | { readonly kind: 'refuse'; readonly rcode: number };

/**
 * FORMERR for a request that is none, NOTAUTH for a zone of others, REFUSED for those who may not (RFC 5936 §2.2.1).
 * AXFR over UDP is FORMERR: RFC 5936 §4.2 leaves it undefined, and BIND answers so.
 */
export function judgeTransfer({ message, overUdp, access, address, keyName }: TransferClaim): TransferRuling {
  const query = readTransferQuery(message);
  if (query === undefined || (query.kind === 'axfr' && overUdp)) return { kind: 'refuse', rcode: Rcode.FORMERR };
  if (access === undefined) return { kind: 'refuse', rcode: Rcode.NOTAUTH };
  if (!mayTransfer(access, address, keyName)) return { kind: 'refuse', rcode: Rcode.REFUSED };
  return { kind: 'serve', query };
}

export function mayTransfer(access: TransferAccess, address: string, keyName: DomainName | undefined): boolean {
  if (keyName !== undefined && access.keyNames.some((name) => name.equals(keyName))) return true;
  return access.secondaries.some((secondary) => {
    if (secondary.address !== address) return false;
    return secondary.keyName === undefined || (keyName !== undefined && secondary.keyName.equals(keyName));
  });
}

/** Undefined if the message has not the form of a transfer request; IXFR has the client's SOA in the authority section. */
function readTransferQuery({ questions, answers, authority }: Message): TransferQuery | undefined {
  const [question] = questions;
  if (question === undefined || questions.length !== 1 || answers.length !== 0) return undefined;
  if (question.qtype === RRType.AXFR) return authority.length === 0 ? { kind: 'axfr' } : undefined;
  const [soa] = authority;
  if (question.qtype !== RRType.IXFR || authority.length !== 1 || soa?.rdata.kind !== 'SOA') return undefined;
  return soa.ownerName.equals(question.qname) ? { kind: 'ixfr', serial: soa.rdata.serial } : undefined;
}
