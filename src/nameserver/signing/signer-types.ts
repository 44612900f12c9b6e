/** The types that a signed zone has from its signer alone: nobody else writes them. RRSIG is in no RRset (zone/signatures.ts). */
import { RRType } from '../../dns/rdata.ts';
import type { ZoneNode, ZoneRRset } from '../zone/zone-node.ts';

const SIGNER_TYPES: ReadonlySet<number> = new Set([
  ...[RRType.RRSIG, RRType.NSEC, RRType.NSEC3, RRType.NSEC3PARAM],
  ...[RRType.DNSKEY, RRType.CDS, RRType.CDNSKEY],
]);

export function isSignerType(type: number): boolean {
  return type >= RRType.RRSIG && SIGNER_TYPES.has(type);
}

/** The RRsets of a name that its signer did not make. */
export function ownRRsets({ rrsets }: Pick<ZoneNode, 'rrsets'>): readonly ZoneRRset[] {
  return rrsets.some(({ type }) => isSignerType(type)) ? rrsets.filter(({ type }) => !isSignerType(type)) : rrsets;
}
