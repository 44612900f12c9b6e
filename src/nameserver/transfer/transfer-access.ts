/**
 * Decides whether a request for a zone transfer is served: checks its form (RFC 5936 §2.1, RFC 1995 §3) and the permission
 * of its sender. Pure: the caller has found the zone and verified the signature.
 */
import { addressOctets, type IpPrefix, parseIpAddress, prefixContains } from '../../dns/address.ts';
import type { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { type Message, Rcode } from '../../dns/wire/message.ts';

/** Who may transfer a zone. */
export interface TransferAccess {
  /** A secondary with a `keyName` must sign with that key; for the others the address is sufficient. */
  readonly secondaries: readonly {
    /** Canonical IP text. */
    readonly address: string;
    readonly keyName?: DomainName;
  }[];
  /** Networks whose addresses may transfer: like `secondaries`, of which nothing else is known. */
  readonly prefixes?: readonly { readonly prefix: IpPrefix; readonly keyName?: DomainName }[];
  /** Keys that permit a transfer from any address. */
  readonly keyNames: readonly DomainName[];
}

export type TransferQuery = { readonly kind: 'axfr' } | { readonly kind: 'ixfr'; readonly serial: number };

export interface TransferClaim {
  readonly message: Message;
  readonly overUdp: boolean;
  /** Undefined: this server is not the primary of the zone. */
  readonly access: TransferAccess | undefined;
  /** Source address, canonical IP text. */
  readonly address: string;
  /** The key of the verified signature; undefined for an unsigned request. */
  readonly keyName: DomainName | undefined;
}

export type TransferRuling =
  | { readonly kind: 'serve'; readonly query: TransferQuery }
  | { readonly kind: 'refuse'; readonly rcode: number };

/**
 * Refuses with FORMERR if the request is malformed, NOTAUTH if this server is not the primary, REFUSED if the sender has no
 * permission (RFC 5936 §2.2.1). AXFR over UDP is undefined (RFC 5936 §4.2); like BIND, it gives FORMERR.
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
  const isSigned = (entry: { readonly keyName?: DomainName }) =>
    entry.keyName === undefined || (keyName !== undefined && entry.keyName.equals(keyName));
  if (access.secondaries.some((secondary) => secondary.address === address && isSigned(secondary))) return true;
  const prefixes = access.prefixes?.filter(isSigned) ?? [];
  const source = prefixes.length === 0 ? undefined : parseIpAddress(address);
  if (source === undefined) return false;
  const octets = addressOctets(source);
  return prefixes.some(({ prefix }) => prefixContains(prefix, octets));
}

/** Undefined if the request is malformed. IXFR has the client's SOA in the authority section (RFC 1995 §3). */
function readTransferQuery({ questions, answers, authority }: Message): TransferQuery | undefined {
  const [question] = questions;
  if (question === undefined || questions.length !== 1 || answers.length !== 0) return undefined;
  if (question.qtype === RRType.AXFR) return authority.length === 0 ? { kind: 'axfr' } : undefined;
  const [soa] = authority;
  if (question.qtype !== RRType.IXFR || authority.length !== 1 || soa?.rdata.kind !== 'SOA') return undefined;
  return soa.ownerName.equals(question.qname) ? { kind: 'ixfr', serial: soa.rdata.serial } : undefined;
}
