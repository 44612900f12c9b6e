/** The types that a signed zone has from its signer alone; others may not write them. RRSIG is in no RRset (signatures.ts). */
import { RRType } from '../../dns/rdata.ts';

const SIGNER_TYPES: ReadonlySet<number> = new Set([
  ...[RRType.RRSIG, RRType.NSEC, RRType.NSEC3, RRType.NSEC3PARAM],
  ...[RRType.DNSKEY, RRType.CDS, RRType.CDNSKEY],
]);

export function isSignerType(type: number): boolean {
  return type >= RRType.RRSIG && SIGNER_TYPES.has(type);
}

export function isChainType(type: number): boolean {
  return type === RRType.NSEC || type === RRType.NSEC3;
}
