/**
 * Limits on what a change may make of a name, so that answers, transfers and later changes stay cheap. What is larger already,
 * from an older release or from before a limit was lowered, is served; it may shrink, and not grow.
 */
import { formatRRType } from '../../dns/rdata.ts';
import { MAX_RDATA_OCTETS } from '../../dns/wire/rdata-check.ts';
import type { ZoneNames } from './occlusion.ts';
import { findRRset, type ZoneNode, type ZoneRRset } from './zone-node.ts';
import { nameOf, type ZoneVersion } from './zone-version.ts';

export interface ZoneLimits {
  readonly recordsPerRRset: number;
  readonly typesPerName: number;
}

/** Of a record with a compressed owner name, beside its RDATA (RFC 1035 §4.1.3, §4.1.4). */
const RECORD_OCTETS = 12;

/**
 * Octets of an RRset in a message, with a compressed owner name: the rest of 65,535 octets is for header, question, the whole
 * owner name, OPT and TSIG, so that a reply over TCP and a transfer can carry it.
 */
const MAX_RRSET_OCTETS = MAX_RDATA_OCTETS + RECORD_OCTETS;

/** Why a change may not be made: what is too large after it. @param keys of the names that the change edited */
export function overLimits(
  before: ZoneNames,
  after: ZoneNames,
  keys: Iterable<string>,
  limits: ZoneLimits,
): string | undefined {
  for (const key of keys) {
    const node = after.nodes.get(key);
    const earlier = before.nodes.get(key);
    if (node === undefined || node === earlier) continue;
    const why = overLimitsAt(earlier, node, limits);
    if (why !== undefined) return why;
  }
  return undefined;
}

function overLimitsAt(earlier: ZoneNode | undefined, node: ZoneNode, limits: ZoneLimits): string | undefined {
  const types = node.rrsets.length;
  if (types > limits.typesPerName && types > (earlier?.rrsets.length ?? 0)) {
    return `'${nameOf(node.wireText)}' would have ${types} types, more than limits.types_per_name (${limits.typesPerName})`;
  }
  for (const rrset of node.rrsets) {
    const { type, rdatas } = rrset;
    const size = sizeOf(rrset);
    if (rdatas.length <= limits.recordsPerRRset && size <= MAX_RRSET_OCTETS) continue;
    const present = earlier && findRRset(earlier, type);
    if (present === rrset) continue;
    const what = () => `the ${formatRRType(type)} RRset of '${nameOf(node.wireText)}'`;
    if (rdatas.length > limits.recordsPerRRset && rdatas.length >= (present?.rdatas.length ?? 0)) {
      return `${what()} would have ${rdatas.length} records, more than limits.records_per_rrset (${limits.recordsPerRRset})`;
    }
    if (size > MAX_RRSET_OCTETS && (present === undefined || size >= sizeOf(present))) {
      return `${what()} would have ${size} octets, more than one message can carry (${MAX_RRSET_OCTETS})`;
    }
  }
  return undefined;
}

function sizeOf({ rdatas }: ZoneRRset): number {
  let octets = 0;
  for (const rdata of rdatas) octets += RECORD_OCTETS + rdata.length;
  return octets;
}

/** Names in the warning. */
const MAX_NAMED = 10;

/** The warning for a zone that has more than the limits allow. */
export function describeTooLarge({ apex, nodes }: ZoneVersion, limits: ZoneLimits): string | undefined {
  const found: string[] = [];
  for (const node of nodes.values()) {
    if (found.length >= MAX_NAMED) break;
    if (node.rrsets.length > limits.typesPerName) {
      found.push(`'${nameOf(node.wireText)}' has ${node.rrsets.length} types`);
    }
    for (const rrset of node.rrsets) {
      if (rrset.rdatas.length <= limits.recordsPerRRset && sizeOf(rrset) <= MAX_RRSET_OCTETS) continue;
      found.push(
        `the ${formatRRType(rrset.type)} RRset of '${nameOf(node.wireText)}' has ${rrset.rdatas.length} records`,
      );
    }
  }
  if (found.length === 0) return undefined;
  return (
    `The zone ${apex} has more than limits.records_per_rrset and limits.types_per_name allow: ` +
    `${found.slice(0, MAX_NAMED).join('; ')}. It is served; what is too large can only shrink.`
  );
}
