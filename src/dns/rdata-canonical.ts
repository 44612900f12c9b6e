/**
 * Equality of RDATA: octet by octet, but names in the RDATA of the types of RFC 4034 §6.2 (as corrected by RFC 6840 §5.1)
 * without case (RFC 2136 §1.1.1), and so the targets of SVCB and HTTPS.
 *
 * RDATA is passed as a latin1 string of its uncompressed wire octets.
 */
import { lowerCaseText } from './name.ts';
import { RRType } from './rdata.ts';

/** Two RDATA of one type are equal if and only if their keys are. Types without names in their RDATA: `rdata` itself. */
export function rdataKey(type: number, rdata: string): string {
  switch (type) {
    case RRType.NS:
    case RRType.CNAME:
    case RRType.DNAME:
    case RRType.PTR:
      return lowerCaseText(rdata);
    case RRType.SOA: {
      const end = nameEnd(rdata, nameEnd(rdata, 0));
      return lowerCaseText(rdata.slice(0, end)) + rdata.slice(end);
    }
    case RRType.MX:
    case RRType.SVCB:
    case RRType.HTTPS:
      return lowerName(rdata, 2);
    case RRType.SRV:
      return lowerName(rdata, 6);
    case RRType.NAPTR: {
      let at = 4;
      for (let i = 0; i < 3; i++) at += rdata.charCodeAt(at) + 1;
      return lowerName(rdata, at);
    }
    case RRType.RRSIG:
      return lowerName(rdata, 18);
    case RRType.NSEC:
      return lowerName(rdata, 0);
    default:
      return rdata;
  }
}

/** `rdata` with the name at `start` in lower case. */
function lowerName(rdata: string, start: number): string {
  const end = nameEnd(rdata, start);
  return rdata.slice(0, start) + lowerCaseText(rdata.slice(start, end)) + rdata.slice(end);
}

/** The offset after the name at `at`; truncated RDATA ends it, too. */
function nameEnd(rdata: string, at: number): number {
  let end = at;
  while (end < rdata.length && rdata.charCodeAt(end) !== 0) end += rdata.charCodeAt(end) + 1;
  return end + 1;
}
