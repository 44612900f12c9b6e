/**
 * Whether a secondary can apply diffs (RFC 1995 §4). If not, it gets AXFR in their place, so that removing a record that no
 * secondary accepts heals a zone whose journal still has the record.
 *
 * Diffs of the journal are older than the rules for new records. Two things stop a secondary: RDATA that it refuses
 * (dns/wire/rdata-check.ts), and a record that is added or removed twice because this server once told two members apart
 * that are equal for the secondary (dns/rdata-canonical.ts).
 */

import { lowerCaseText } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { rdataKey } from '../../dns/rdata-canonical.ts';
import { hasNames } from '../../dns/rdata-names.ts';
import { isSendable } from '../../dns/wire/rdata-check.ts';
import { findRRset, type ZoneRecord } from '../zone/zone-node.ts';
import type { ZoneDiff, ZoneVersion } from '../zone/zone-version.ts';

/** Results by diff: recent ones are sent to every secondary, and sent again together with newer ones. */
const CHECKED = new WeakMap<ZoneDiff, boolean>();

/** @param chain diffs without a gap that end at `version`. Linear in their records */
export function canApplyDiffs(chain: readonly ZoneDiff[], version: ZoneVersion): boolean {
  return chain.every(hasSendableRdata) && addsAndRemovesOnce(chain, version);
}

function hasSendableRdata(diff: ZoneDiff): boolean {
  const known = CHECKED.get(diff);
  if (known !== undefined) return known;
  const sendable = ({ type, rdata }: ZoneRecord): boolean => isSendable(type, rdata);
  const result = diff.removed.every(sendable) && diff.added.every(sendable);
  CHECKED.set(diff, result);
  return result;
}

/** The records of an owner name and type that have names in their RDATA: by key, whether the last diff with it added it. */
interface ComparedRRset {
  readonly ownerKey: string;
  readonly type: number;
  readonly isAdded: Map<string, boolean>;
}

function addsAndRemovesOnce(chain: readonly ZoneDiff[], version: ZoneVersion): boolean {
  const rrsets = new Map<string, ComparedRRset>();
  // The signer makes each signature once, and signatures are not compared by their names.
  const isCompared = (type: number, isSigned: boolean): boolean =>
    type !== RRType.SOA && hasNames(type) && !(isSigned && type === RRType.RRSIG);
  const apply = (records: readonly ZoneRecord[], adds: boolean, isSigned: boolean): boolean =>
    records.every(({ wireText, type, rdata }) => {
      if (!isCompared(type, isSigned)) return true;
      const ownerKey = lowerCaseText(wireText);
      const id = `${type} ${ownerKey}`;
      const rrset = rrsets.get(id) ?? { ownerKey, type, isAdded: new Map<string, boolean>() };
      rrsets.set(id, rrset);
      const key = rdataKey(type, rdata);
      if (rrset.isAdded.get(key) === adds) return false;
      rrset.isAdded.set(key, adds);
      return true;
    });
  const isInTurns = ({ removed, added, isSigned = false }: ZoneDiff): boolean =>
    apply(removed, false, isSigned) && apply(added, true, isSigned);
  if (!chain.every(isInTurns)) return false;
  return [...rrsets.values()].every((rrset) => agreesWith(rrset, version));
}

/** What the diffs leave of the RRset is what the version has of it. */
function agreesWith({ ownerKey, type, isAdded }: ComparedRRset, version: ZoneVersion): boolean {
  const node = version.find(ownerKey);
  const rdatas = (node && findRRset(node, type))?.rdatas ?? [];
  const present = new Set(rdatas.map((rdata) => rdataKey(type, rdata)));
  return [...isAdded].every(([key, added]) => present.has(key) === added);
}
