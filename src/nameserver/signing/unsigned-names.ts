/** The names of a signed version whose signatures are not those that they should have: an edit without the signer, or a recovery, left them. */

import { RRType } from '../../dns/rdata.ts';
import { cutAbove } from '../zone/occlusion.ts';
import { findRRset } from '../zone/zone-node.ts';
import type { ZoneVersion } from '../zone/zone-version.ts';
import { mapAuthoritative } from './name-signer.ts';

/** True if a signed version was written without its signer, which signs the SOA of each commit: by a recovery or a restore. */
export function lacksSigner({ isSigned, apexNode }: ZoneVersion): boolean {
  return isSigned && findRRset(apexNode, RRType.SOA)?.signatures === undefined;
}

/** Keys of names that have an RRset without signatures, or signatures where the zone has no authority. Yields for each name. */
export function* unsignedNames(version: ZoneVersion): Generator<string | undefined> {
  for (const node of version.nodes.values()) {
    let isMissing = false;
    const place = { isApex: node.key === version.apex.key, isCovered: cutAbove(version, node.key) !== undefined };
    const mapped = mapAuthoritative(node, place, (rrset) => {
      isMissing ||= rrset.signatures === undefined;
      return rrset;
    });
    yield isMissing || mapped !== node ? node.key : undefined;
  }
}
