/**
 * When two RDATA are the same record: octet by octet, but names in the RDATA of old types without case
 * (RFC 2136 §1.1.1, RFC 4034 §6.2 with RFC 6840 §5.1). SVCB and HTTPS targets are compared without case, too.
 *
 * RDATA comes as its uncompressed wire octets in a string of one character per octet.
 */
import { RRType } from './rdata.ts';

/** A key that two RDATA of a type share exactly when they are the same; the text itself where no name is in it. */
export function rdataKey(type: number, rdata: string): string {
  switch (type) {
    case RRType.NS:
    case RRType.CNAME:
    case RRType.DNAME:
    case RRType.PTR:
      return lowerCase(rdata);
    case RRType.SOA: {
      const end = nameEnd(rdata, nameEnd(rdata, 0));
      return lowerCase(rdata.slice(0, end)) + rdata.slice(end);
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

/** With the name that begins at `start` in lower case. */
function lowerName(rdata: string, start: number): string {
  const end = nameEnd(rdata, start);
  return rdata.slice(0, start) + lowerCase(rdata.slice(start, end)) + rdata.slice(end);
}

/** Where the name that begins at `at` ends. RDATA that is cut short ends it, too. */
function nameEnd(rdata: string, at: number): number {
  let end = at;
  while (end < rdata.length && rdata.charCodeAt(end) !== 0) end += rdata.charCodeAt(end) + 1;
  return end + 1;
}

/** Length octets of labels are below 64 and stay as they are. */
function lowerCase(text: string): string {
  return /[A-Z]/.test(text) ? text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()) : text;
}
