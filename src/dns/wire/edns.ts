/**
 * EDNS(0): the fields of an OPT record (RFC 6891 §6.1), and which options of a request are malformed. Unknown options are
 * preserved.
 */
import { DomainName } from '../name.ts';
import { type NumberedOctets, type ResourceRecord, RRType } from '../rdata.ts';
import type { Message } from './message.ts';

/** Option codes: those that the nameserver answers, and those whose format it checks. */
export const EdnsOption = {
  /** RFC 5001. */
  NSID: 3,
  /** RFC 7871. */
  CLIENT_SUBNET: 8,
  /** RFC 7314. */
  EXPIRE: 9,
  /** RFC 7873. */
  COOKIE: 10,
  /** RFC 7828. */
  TCP_KEEPALIVE: 11,
  /** RFC 8145. */
  KEY_TAG: 14,
  /** RFC 8914. */
  EXTENDED_ERROR: 15,
  /** Two octets, registered with IANA for draft-bellis-dnsop-edns-tags, like the next. */
  CLIENT_TAG: 16,
  SERVER_TAG: 17,
} as const;

/** Largest UDP payload that is not fragmented on typical paths (RFC 9715 §3.2). */
export const UDP_PAYLOAD_OCTETS = 1232;

export interface Edns {
  /** Octets of the largest UDP message that the sender accepts. */
  readonly udpPayloadSize: number;
  /** The upper eight bits of the 12-bit RCODE. */
  readonly extendedRcode: number;
  readonly version: number;
  /** DO (RFC 3225). */
  readonly dnssecOk: boolean;
  readonly options: readonly NumberedOctets[];
}

/** The content of the OPT record; undefined if the message has none. */
export function findEdns(message: Message): Edns | undefined {
  const record = message.additional.find((candidate) => candidate.type === RRType.OPT);
  if (record?.rdata.kind !== 'OPT') return undefined;
  return {
    udpPayloadSize: record.class,
    extendedRcode: record.ttl >>> 24,
    version: (record.ttl >>> 16) & 0xff,
    dnssecOk: (record.ttl & 0x8000) !== 0,
    options: record.rdata.options,
  };
}

/** An OPT record; omitted fields are 0, false or empty, the payload size UDP_PAYLOAD_OCTETS. */
export function ednsRecord(edns: Partial<Edns>): ResourceRecord {
  const ttl = ((edns.extendedRcode ?? 0) << 24) | ((edns.version ?? 0) << 16) | (edns.dnssecOk ? 0x8000 : 0);
  return {
    ownerName: DomainName.root,
    type: RRType.OPT,
    class: edns.udpPayloadSize ?? UDP_PAYLOAD_OCTETS,
    ttl: ttl >>> 0,
    rdata: { kind: 'OPT', options: edns.options ?? [] },
  };
}

/** The 12-bit RCODE: header and EDNS combined (RFC 6891 §6.1.3). */
export function fullRcode(message: Message): number {
  return ((findEdns(message)?.extendedRcode ?? 0) << 4) | message.rcode;
}

/**
 * True if an option of a request breaks the format of its RFC, which makes the request a FORMERR. Options without a row are
 * well-formed in any length: NSID and padding (RFC 5001 §2.1, RFC 7830 §3: the content is ignored), TCP_KEEPALIVE (RFC 7828
 * does not let a server refuse it), unknown ones.
 * @param octets holds the data of the option from `start` to `end`
 */
export function isMalformedOption(code: number, octets: Uint8Array, start: number, end: number): boolean {
  const length = end - start;
  switch (code) {
    case EdnsOption.CLIENT_SUBNET:
      return isMalformedSubnet(octets, start, end);
    case EdnsOption.EXPIRE:
      // Empty in a query (RFC 7314 §2), 4 octets in a reply; BIND takes both in a query.
      return length !== 0 && length !== 4;
    case EdnsOption.COOKIE:
      // A client cookie of 8 octets, alone or with a server cookie of 8 to 32 (RFC 7873 §4, §5.2.2).
      return length !== 8 && (length < 16 || length > 40);
    case EdnsOption.KEY_TAG:
      // A list of 16-bit numbers, at least one (RFC 8145 §4.1).
      return length === 0 || length % 2 === 1;
    case EdnsOption.EXTENDED_ERROR:
      // A code of 16 bits and a text (RFC 8914 §2).
      return length < 2;
    case EdnsOption.CLIENT_TAG:
    case EdnsOption.SERVER_TAG:
      return length !== 2;
    default:
      return false;
  }
}

/** Bits of an address of a FAMILY; FAMILY 0 has no address, and others are not defined (RFC 7871 §6). */
const FAMILY_BITS = [0, 32, 128];

/**
 * RFC 7871 §6: FAMILY, SOURCE PREFIX-LENGTH, SCOPE PREFIX-LENGTH (0 in a query), and the octets of the address that the
 * source prefix needs, with zeros after the prefix.
 */
function isMalformedSubnet(octets: Uint8Array, start: number, end: number): boolean {
  if (end - start < 4) return true;
  const bits = FAMILY_BITS[(octets[start]! << 8) | octets[start + 1]!];
  const source = octets[start + 2]!;
  const scope = octets[start + 3]!;
  if (bits === undefined || source > bits || scope !== 0) return true;
  if (end - start - 4 !== (source + 7) >> 3) return true;
  return source % 8 !== 0 && (octets[end - 1]! & (0xff >> (source % 8))) !== 0;
}
