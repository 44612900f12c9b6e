/**
 * Equality of RDATA: octet by octet, but names without case (RFC 2136 §1.1.1) in the types of RFC 4034 §6.2 and
 * RFC 3597 §7 (the table is in rdata-names.ts).
 *
 * A secondary must not see two records where this server sees one, or the reverse: the removal of one of two records that
 * are equal for it removes both. So a type is compared without case if any of BIND, Knot and NSD does so.
 *
 * RDATA is passed as a latin1 string of its uncompressed wire octets.
 */
import { lowerCaseText } from './name.ts';
import { RRType } from './rdata.ts';
import { nameLayout } from './rdata-names.ts';

/** Two RDATA of one type are equal if and only if their keys are. Types without names in their RDATA: `rdata` itself. */
export function rdataKey(type: number, rdata: string): string {
  // The usual types of a dynamic zone: nothing to look up.
  if (type === RRType.A || type === RRType.AAAA || type === RRType.TXT) return rdata;
  const layout = nameLayout(type, rdata);
  if (layout === undefined) return rdata;
  let start = layout.fixed;
  for (let i = 0; i < layout.strings; i++) start += rdata.charCodeAt(start) + 1;
  let end = start;
  for (let i = 0; i < layout.names; i++) end = nameEnd(rdata, end);
  // A name that is the whole RDATA is not copied twice.
  if (start === 0 && end >= rdata.length) return lowerCaseText(rdata);
  return rdata.slice(0, start) + lowerCaseText(rdata.slice(start, end)) + rdata.slice(end);
}

/** The offset after the name at `at`; truncated RDATA ends it, too. */
function nameEnd(rdata: string, at: number): number {
  let end = at;
  while (end < rdata.length && rdata.charCodeAt(end) !== 0) end += rdata.charCodeAt(end) + 1;
  return end + 1;
}
