/**
 * What the records of a zone must keep before they are served: one SOA and an NS at the apex (RFC 1035 §5.2), nothing
 * outside of the zone, a CNAME alone at its name (RFC 1034 §3.6.2, RFC 2181 §10.1), one TTL for an RRset (RFC 2181 §5.2),
 * no record twice (§5).
 *
 * Left out: delegations without glue, data below a delegation or a DNAME, what MX and SRV point at.
 */
import type { DomainName } from './name.ts';
import { formatRRType, type ResourceRecord, RRType } from './rdata.ts';
import { rdataKey } from './rdata-canonical.ts';
import { encodeRdata } from './wire/rdata-codec.ts';
import { WireWriter } from './wire/writer.ts';
import { formatPlace } from './zone-file.ts';

export interface ZoneCheckOptions {
  readonly apex: DomainName;
  /** `whole-zone`: SOA and NS must be there. `part`: an SOA must not be, as someone else writes it. */
  readonly content: 'whole-zone' | 'part';
}

export interface ZoneCheck {
  /** Without records that were there twice, each RRset with one TTL, in the order in which they came. */
  readonly records: readonly ResourceRecord[];
  /** Texts that say what to do; with one of them the records must not be served. MAX_PROBLEMS at most. */
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
}

/** A record that a zone file was read into tells where it stood. */
export type PlacedRecord = ResourceRecord & { readonly file?: string | undefined; readonly line?: number };

const MAX_PROBLEMS = 100;
/** What may stand beside a CNAME (RFC 4034 §2.5, §3, §4; KEY: RFC 3007 §3.1.2). */
const BESIDE_CNAME = new Set<number>([RRType.CNAME, RRType.RRSIG, RRType.NSEC, 25]);
/** Types of which a name has one record (DNAME: RFC 6672 §2.4). */
const SINGLE = new Set<number>([RRType.CNAME, RRType.DNAME, RRType.SOA]);

interface CheckedRRset {
  readonly indexes: number[];
  readonly rdataKeys: Set<string>;
  ttl: number;
}

/** Checks records of class IN, and makes them regular where that loses nothing. */
export function checkZoneRecords(input: Iterable<PlacedRecord>, { apex, content }: ZoneCheckOptions): ZoneCheck {
  const errors: string[] = [];
  const warnings: string[] = [];
  const report = (list: string[], record: PlacedRecord | undefined, text: string): void => {
    if (list.length >= MAX_PROBLEMS) return;
    list.push(record?.line === undefined ? text : `${formatPlace({ file: record.file, line: record.line })}: ${text}`);
  };
  const records: PlacedRecord[] = [];
  const names = new Map<string, Map<number, CheckedRRset>>();
  for (const record of input) {
    const { ownerName, type, ttl } = record;
    const what = `${formatRRType(type)} at ${ownerName}`;
    if (!ownerName.isAtOrBelow(apex)) {
      report(
        errors,
        record,
        `${ownerName} is not in the zone ${apex}: remove the record, or end relative names without a dot`,
      );
      continue;
    }
    if (type === RRType.SOA && (content === 'part' || !ownerName.equals(apex))) {
      const reason =
        content === 'part' ? 'the server writes the SOA record itself' : `the SOA record belongs to ${apex}`;
      report(errors, record, `${reason}: remove the record at ${ownerName}`);
      continue;
    }
    const types = names.get(ownerName.key) ?? new Map<number, CheckedRRset>();
    names.set(ownerName.key, types);
    const rrset = types.get(type) ?? { indexes: [], rdataKeys: new Set(), ttl };
    types.set(type, rrset);
    const key = wireKey(record);
    if (rrset.rdataKeys.has(key)) {
      report(warnings, record, `${what} is there twice: one is left out`);
      continue;
    }
    if (rrset.rdataKeys.size > 0 && SINGLE.has(type)) {
      report(errors, record, `${what}: there is another one, and a name has one at most: remove one of them`);
      continue;
    }
    if (ttl !== rrset.ttl && type !== RRType.RRSIG) {
      const lowest = Math.min(ttl, rrset.ttl);
      report(warnings, record, `${what} has the TTLs ${rrset.ttl} and ${ttl}: all get the lower one, ${lowest}`);
      rrset.ttl = lowest;
    }
    rrset.rdataKeys.add(key);
    rrset.indexes.push(records.length);
    records.push(record);
  }
  for (const types of names.values()) {
    const cname = types.get(RRType.CNAME);
    const other = cname && [...types.keys()].find((type) => !BESIDE_CNAME.has(type));
    if (other !== undefined) {
      const record = records[Math.max(cname!.indexes[0]!, types.get(other)!.indexes[0]!)]!;
      const text = `${record.ownerName} has a CNAME and ${formatRRType(other)}: a CNAME stands alone, remove one of them`;
      report(errors, record, text);
    }
    for (const [type, { indexes, ttl }] of types) {
      if (type === RRType.RRSIG) continue;
      for (const index of indexes) if (records[index]!.ttl !== ttl) records[index] = { ...records[index]!, ttl };
    }
  }
  if (content === 'whole-zone') {
    const atApex = names.get(apex.key);
    if (!atApex?.has(RRType.SOA)) report(errors, undefined, `the zone ${apex} has no SOA record`);
    if (!atApex?.has(RRType.NS)) {
      report(errors, undefined, `the zone ${apex} has no NS record: add one for each of its nameservers`);
    }
    for (const index of atApex?.get(RRType.NS)?.indexes ?? []) {
      const record = records[index]!;
      if (record.rdata.kind !== 'NS' || !record.rdata.target.isAtOrBelow(apex)) continue;
      const { target } = record.rdata;
      const types = names.get(target.key);
      if (types?.has(RRType.A) || types?.has(RRType.AAAA)) continue;
      report(warnings, record, `the nameserver ${target} has no address in the zone: add an A or AAAA record`);
    }
  }
  return { records, errors, warnings };
}

function wireKey({ type, rdata }: ResourceRecord): string {
  const writer = new WireWriter(64, false);
  encodeRdata(writer, rdata);
  return rdataKey(type, writer.finish().toString('latin1'));
}
