/**
 * Bootstrapping records (RFC 9615 §2): copies of a zone's CDS and CDNSKEY records below the names of its nameservers. A parent that has
 * no DS record of the zone yet can verify them with the chain of trust of the nameservers' zone.
 */
import { isDeleteRequest } from '../../dns/dnssec/delegation.ts';
import { lowerCaseText, MAX_NAME_OCTETS } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { cdsOf } from '../keys/missing-keys.ts';
import { cutAbove } from '../zone/occlusion.ts';
import { findRRset, type ZoneRRset } from '../zone/zone-node.ts';
import { isCut, isStrictlyBelow, parentKey, type ZoneVersion } from '../zone/zone-version.ts';

const FIRST_LABEL = '\x07_dsboot';
const LAST_LABEL = '\x07_signal';
/** Types of the copies. */
export const COPIED_TYPES: readonly number[] = [RRType.CDS, RRType.CDNSKEY];

/** A name that should have copies. */
export interface BootstrapName {
  /** As ZoneNode. */
  readonly key: string;
  readonly wireText: string;
}

/** True for a name of the form of RFC 9615 §2. */
export function isBootstrapKey(key: string): boolean {
  return key.startsWith(FIRST_LABEL) && key.includes(LAST_LABEL, FIRST_LABEL.length);
}

/** The CDS and CDNSKEY of a zone for its parent; none of a zone without, or of one that is leaving DNSSEC, which is not a bootstrap. */
export function copiesOf(zone: ZoneVersion): readonly ZoneRRset[] {
  const cds = cdsOf(zone);
  if (cds.length === 0 || cds.some(isDeleteRequest)) return [];
  return COPIED_TYPES.flatMap((type) => {
    const rrset = findRRset(zone.apexNode, type);
    return rrset === undefined ? [] : [{ type, ttl: rrset.ttl, rdatas: rrset.rdatas }];
  });
}

/**
 * The names for the copies of a zone, one for each nameserver outside of the zone. Left out: those that would be too long.
 */
export function bootstrapNames({ apex, apexNode }: ZoneVersion): readonly BootstrapName[] {
  const names: BootstrapName[] = [];
  for (const target of findRRset(apexNode, RRType.NS)?.rdatas ?? []) {
    const targetKey = lowerCaseText(target);
    // What is in the zone has no other chain of trust (RFC 9615 §3.4).
    if (targetKey === apex.key || isStrictlyBelow(targetKey, apex.key)) continue;
    const wireText = `${FIRST_LABEL}${apex.wireText.slice(0, -1)}${LAST_LABEL}${target}`;
    if (wireText.length <= MAX_NAME_OCTETS) names.push({ key: lowerCaseText(wireText), wireText });
  }
  return names;
}

/**
 * The zone of this server that has authority for a name.
 * @param find by `DomainName.key` of the apex
 * @returns undefined: none has, or it is not signed
 */
export function signedZoneFor<Zone extends { readonly published: ZoneVersion }>(
  key: string,
  find: (apexKey: string) => Zone | undefined,
): Zone | undefined {
  for (let above = key; above.length > 1; ) {
    above = parentKey(above);
    const zone = find(above);
    if (zone !== undefined) return hasAuthority(zone.published, key) && zone.published.isSigned ? zone : undefined;
  }
  return undefined;
}

function hasAuthority(zone: ZoneVersion, key: string): boolean {
  const node = zone.find(key);
  return (node === undefined || !isCut(node, zone.apex.key)) && cutAbove(zone, key) === undefined;
}
