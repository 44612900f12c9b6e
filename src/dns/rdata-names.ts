/**
 * Where RDATA has domain names: the one table for equality (rdata-canonical.ts), for compression in received messages
 * (RFC 3597 §4), and for other callers that need them. HIP, AMTRELAY, DSYNC and TALINK are left out: every server compares
 * them octet by octet. So are meta types, TSIG among them.
 */

/** `fixed` octets, then `strings` character-strings, then `names` domain names; other fields may follow. */
export interface NameLayout {
  readonly fixed: number;
  readonly strings: number;
  readonly names: number;
  /** Whether a received name may be compressed. */
  readonly compressed: boolean;
}

const layout = (fixed: number, names = 1, strings = 0): NameLayout => ({ fixed, strings, names, compressed: true });
const uncompressed = (fixed: number): NameLayout => ({ fixed, strings: 0, names: 1, compressed: false });

/**
 * By type number, as it includes types without a structure in `rdata.ts`. A6 and IPSECKEY, whose layout depends on the
 * RDATA, are in `nameLayout` alone.
 *
 * The types of RFC 4034 §6.2 and RFC 3597 §7, and four more that a secondary compares without case: NSAP-PTR (BIND), LP,
 * SVCB and HTTPS (NSD). RFC 6840 §5.1 takes NSEC off the list for signatures; here it does no harm.
 */
export const NAME_LAYOUTS: ReadonlyMap<number, NameLayout> = new Map([
  [2, layout(0)], // NS
  [3, layout(0)], // MD
  [4, layout(0)], // MF
  [5, layout(0)], // CNAME
  [6, layout(0, 2)], // SOA
  [7, layout(0)], // MB
  [8, layout(0)], // MG
  [9, layout(0)], // MR
  [12, layout(0)], // PTR
  [14, layout(0, 2)], // MINFO
  [15, layout(2)], // MX
  [17, layout(0, 2)], // RP
  [18, layout(2)], // AFSDB
  [21, layout(2)], // RT
  [23, uncompressed(0)], // NSAP-PTR
  [24, layout(18)], // SIG
  [26, layout(2, 2)], // PX
  [30, layout(0)], // NXT
  [33, layout(6)], // SRV
  [35, layout(4, 1, 3)], // NAPTR
  [36, layout(2)], // KX
  [39, uncompressed(0)], // DNAME
  [46, uncompressed(18)], // RRSIG
  [47, uncompressed(0)], // NSEC
  [64, uncompressed(2)], // SVCB
  [65, uncompressed(2)], // HTTPS
  [107, uncompressed(2)], // LP
]);

/**
 * Types with names that keep their case in the canonical form of a signed record. The list of RFC 4034 §6.2 does not have them, except
 * NSEC, which RFC 6840 §5.1 removes from it.
 */
export const CASE_IS_SIGNED: ReadonlySet<number> = new Set([
  23, // NSAP-PTR
  45, // IPSECKEY
  47, // NSEC
  64, // SVCB
  65, // HTTPS
  107, // LP
]);

const A6 = 38;
const IPSECKEY = 45;
/** The gateway of IPSECKEY is a name (RFC 4025 §2.3). */
const GATEWAY_NAME = 3;

/** True if RDATA of the type may have a name that is compared without case. */
export function hasNames(type: number): boolean {
  return NAME_LAYOUTS.has(type) || type === A6 || type === IPSECKEY;
}

/** The layout of this RDATA; undefined if it has no names. @param rdata wire octets as a latin1 string */
export function nameLayout(type: number, rdata: string): NameLayout | undefined {
  if (type === A6) {
    // RFC 2874 §3.1: a prefix length, the address without the prefix, and a name unless the prefix is empty.
    const prefix = rdata.charCodeAt(0);
    return prefix > 0 && prefix <= 128 ? uncompressed(1 + 16 - (prefix >> 3)) : undefined;
  }
  if (type === IPSECKEY) return rdata.charCodeAt(1) === GATEWAY_NAME ? uncompressed(3) : undefined;
  return NAME_LAYOUTS.get(type);
}
