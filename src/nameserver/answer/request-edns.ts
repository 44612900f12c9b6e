/**
 * What the OPT record of a request says (RFC 6891 §6.1), for both ways of reading a message: from its octets (query.ts) and
 * decoded (`requestEdns`). Options that the nameserver does not know are ignored (RFC 6891 §6.1.2).
 *
 * An object literal, not a class: V8 makes one faster than the fields of a class, and there is one for each query.
 */
import { RRType } from '../../dns/rdata.ts';
import { EdnsOption, findEdns, isMalformedOption, UDP_PAYLOAD_OCTETS } from '../../dns/wire/edns.ts';
import { type Message, Rcode } from '../../dns/wire/message.ts';

/** An OPT record without options (RFC 6891 §6.1.2). */
export const OPT_OCTETS = 11;
/** The message size that every UDP client accepts (RFC 1035 §4.2.1). */
export const PLAIN_UDP_OCTETS = 512;

export interface RequestEdns {
  readonly udpPayloadSize: number;
  readonly version: number;
  /** The DO flag (RFC 3225 §3). */
  readonly dnssecOk: boolean;
  /** The client requests NSID (RFC 5001 §2.1). */
  nsid: boolean;
  /** It requests EXPIRE (RFC 7314 §2). */
  expire: boolean;
  /** It requests the idle time of TCP (RFC 7828 §3.2). */
  keepalive: boolean;
  /** The octets of the COOKIE option (RFC 7873 §4). */
  cookie: Uint8Array | undefined;
  /** True if an option breaks its format: FORMERR. */
  malformed: boolean;
}

/** An OPT record without options; `readOption` adds them. */
export function emptyRequestEdns(udpPayloadSize: number, version: number, dnssecOk: boolean): RequestEdns {
  return {
    udpPayloadSize,
    version,
    dnssecOk,
    nsid: false,
    expire: false,
    keepalive: false,
    cookie: undefined,
    malformed: false,
  };
}

/** Reads the option whose data `octets` hold from `start` to `end`. */
export function readOption(edns: RequestEdns, code: number, octets: Uint8Array, start: number, end: number): void {
  if (code === EdnsOption.COOKIE) {
    // Of several COOKIE options the first one is used, and the others are ignored (RFC 7873 §5.2).
    if (edns.cookie !== undefined) return;
    edns.cookie = octets.subarray(start, end);
  } else if (code === EdnsOption.NSID) edns.nsid = true;
  else if (code === EdnsOption.EXPIRE) edns.expire = true;
  else if (code === EdnsOption.TCP_KEEPALIVE) edns.keepalive = true;
  if (isMalformedOption(code, octets, start, end)) edns.malformed = true;
}

/** BADVERS comes first (RFC 6891 §6.1.3): the options of another version may mean something else. */
export function ednsRcode({ version, malformed }: RequestEdns): number {
  if (version !== 0) return Rcode.BADVERS;
  return malformed ? Rcode.FORMERR : Rcode.NOERROR;
}

/** The largest reply in a datagram. A size below 512 is treated as 512 (RFC 6891 §6.2.5). */
export function udpLimit(edns: Pick<RequestEdns, 'udpPayloadSize'> | undefined): number {
  return edns === undefined ? PLAIN_UDP_OCTETS : udpLimitOf(edns.udpPayloadSize);
}

/** @param payloadSize that of the OPT record */
export function udpLimitOf(payloadSize: number): number {
  return Math.min(Math.max(payloadSize, PLAIN_UDP_OCTETS), UDP_PAYLOAD_OCTETS);
}

/** The same of a decoded message; undefined if it has no OPT record. */
export function requestEdns(message: Message): RequestEdns | undefined {
  const found = findEdns(message);
  if (found === undefined) return undefined;
  const edns = emptyRequestEdns(found.udpPayloadSize, found.version, found.dnssecOk);
  for (const { code, octets } of found.options) readOption(edns, code, octets, 0, octets.length);
  return edns;
}

/** In the octets of a query: EDNS version 0 without options. @param at offset of the record */
export function isPlainOpt(query: Uint8Array, at: number): boolean {
  if (query[at] !== 0 || query[at + 1] !== 0 || query[at + 2] !== RRType.OPT) return false;
  return query[at + 6] === 0 && query[at + 9] === 0 && query[at + 10] === 0;
}

/** The DO flag (RFC 3225 §3) in the octets of a query. @param at offset of the OPT record */
export function isDnssecOk(query: Uint8Array, at: number): boolean {
  return (query[at + 7]! & 0x80) !== 0;
}

/** The OPT record of a reply without options (RFC 6891 §6.1.2). */
export function writePlainOpt(reply: Uint8Array, at: number, dnssecOk: boolean): void {
  reply[at] = 0;
  reply[at + 1] = 0;
  reply[at + 2] = RRType.OPT;
  reply[at + 3] = UDP_PAYLOAD_OCTETS >> 8;
  reply[at + 4] = UDP_PAYLOAD_OCTETS & 0xff;
  reply[at + 5] = 0;
  reply[at + 6] = 0;
  reply[at + 7] = dnssecOk ? 0x80 : 0;
  reply[at + 8] = 0;
  reply[at + 9] = 0;
  reply[at + 10] = 0;
}
