/**
 * The positions of domain names in RDATA, for every type whose names are compared without case (RFC 4034 §6.2) or may be
 * compressed by a sender (RFC 3597 §4). SVCB and HTTPS are listed for the first reason only. Left out: A6 (historic,
 * RFC 6563), TSIG and other meta types.
 */

/** `fixed` octets, then `strings` character-strings, then `names` domain names; other fields may follow. */
export interface NameLayout {
  readonly fixed: number;
  readonly strings: number;
  readonly names: number;
}

const layout = (fixed: number, names = 1, strings = 0): NameLayout => ({ fixed, strings, names });

/** By type number, as it includes types without a structure in `rdata.ts`. */
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
  [24, layout(18)], // SIG
  [26, layout(2, 2)], // PX
  [30, layout(0)], // NXT
  [33, layout(6)], // SRV
  [35, layout(4, 1, 3)], // NAPTR
  [36, layout(2)], // KX
  [39, layout(0)], // DNAME
  [46, layout(18)], // RRSIG
  [47, layout(0)], // NSEC
  [64, layout(2)], // SVCB
  [65, layout(2)], // HTTPS
]);
