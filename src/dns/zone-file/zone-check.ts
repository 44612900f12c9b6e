/**
 * Checks the records of a zone before it is served: one SOA and an NS at the apex (RFC 1035 §5.2), no data outside the
 * zone, no other data beside a CNAME (RFC 1034 §3.6.2, RFC 2181 §10.1), one TTL per RRset (RFC 2181 §5.2), no duplicate
 * records (RFC 2181 §5), RDATA that secondaries accept.
 *
 * Left out: missing glue, data below a zone cut or a DNAME, the targets of MX and SRV.
 */
import type { DomainName } from '../name.ts';
import { formatRRType, type ResourceRecord, RRType, SINGLE_TYPES } from '../rdata.ts';
import { rdataKey } from '../rdata-canonical.ts';
import { encodeRdata } from '../wire/rdata-codec.ts';
import { WireWriter } from '../wire/writer.ts';
import { findRecordFault, formatPlace } from './zone-file.ts';

export interface ZoneCheckOptions {
  readonly apex: DomainName;
  /** `whole-zone`: SOA and NS are required. `part`: an SOA is an error, as the server generates it. */
  readonly content: 'whole-zone' | 'part';
}

export interface ZoneCheck {
  /** In the order of the input, without duplicates, with one TTL per RRset. */
  readonly records: readonly ResourceRecord[];
  /** Each with advice; at most MAX_PROBLEMS. If there is one, the records must not be served. */
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
}

/** A record with its place in a zone file, if it comes from one. */
export type PlacedRecord = ResourceRecord & { readonly file?: string | undefined; readonly line?: number };

const MAX_PROBLEMS = 100;
/** Types that may coexist with a CNAME (RFC 4034 §2.5, §3, §4; 25 is KEY: RFC 3007 §3.1.2). */
const BESIDE_CNAME = new Set<number>([RRType.CNAME, RRType.RRSIG, RRType.NSEC, 25]);
/** Types of which a name has at most one record (SOA: RFC 1035 §6.1). */
const SINGLE = new Set<number>([...SINGLE_TYPES, RRType.SOA]);

/** An RRset, and a link to the next one of its name: saves memory in a zone of a million names with one record each. */
interface CheckedRRset {
  readonly type: number;
  /** Index of its first record in the accepted records. */
  readonly first: number;
  ttl: number;
  /** Undefined while it has only one record. */
  rdataKeys: Set<string> | undefined;
  readonly next: CheckedRRset | undefined;
}

function findType(rrset: CheckedRRset | undefined, type: number): CheckedRRset | undefined {
  let candidate = rrset;
  while (candidate !== undefined && candidate.type !== type) candidate = candidate.next;
  return candidate;
}

class ProblemList {
  readonly texts: string[] = [];

  add(text: string): void {
    if (this.texts.length < MAX_PROBLEMS) this.texts.push(text);
  }

  addAt({ file, line }: PlacedRecord, text: string): void {
    this.add(line === undefined ? text : `${formatPlace({ file, line })}: ${text}`);
  }
}

/** Checks records of class IN; removes duplicates and unifies the TTLs of an RRset with a warning. */
export function checkZoneRecords(input: Iterable<PlacedRecord>, { apex, content }: ZoneCheckOptions): ZoneCheck {
  const errors = new ProblemList();
  const warnings = new ProblemList();
  const records: PlacedRecord[] = [];
  const names = new Map<string, CheckedRRset>();
  const cnames: CheckedRRset[] = [];
  let ttlsDiffer = false;
  for (const record of input) {
    const { ownerName, type, ttl } = record;
    const what = (): string => `${formatRRType(type)} at ${ownerName}`;
    if (!ownerName.isAtOrBelow(apex)) {
      const advice = 'remove the record, or the final dot of a relative name';
      errors.addAt(record, `${ownerName} is not in the zone ${apex}: ${advice}`);
      continue;
    }
    if (type === RRType.SOA && (content === 'part' || !ownerName.equals(apex))) {
      const reason = content === 'part' ? 'the server generates the SOA record' : `the SOA record must be at ${apex}`;
      errors.addAt(record, `${reason}: remove the record at ${ownerName}`);
      continue;
    }
    const fault = findRecordFault(record);
    if (fault !== undefined) {
      errors.addAt(record, `${fault}: correct or remove the record at ${ownerName}`);
      continue;
    }
    const rrsets = names.get(ownerName.key);
    const rrset = findType(rrsets, type);
    if (rrset === undefined) {
      const newRRset = { type, first: records.length, ttl, rdataKeys: undefined, next: rrsets };
      names.set(ownerName.key, newRRset);
      if (type === RRType.CNAME) cnames.push(newRRset);
      records.push(record);
      continue;
    }
    const key = wireKey(record);
    rrset.rdataKeys ??= new Set([wireKey(records[rrset.first]!)]);
    if (rrset.rdataKeys.has(key)) {
      warnings.addAt(record, `${what()} is a duplicate and is ignored`);
      continue;
    }
    if (SINGLE.has(type)) {
      errors.addAt(record, `${what()} is not the only one, and a name has at most one: remove the others`);
      continue;
    }
    if (ttl !== rrset.ttl && type !== RRType.RRSIG) {
      const lowest = Math.min(ttl, rrset.ttl);
      warnings.addAt(record, `${what()} has the TTLs ${rrset.ttl} and ${ttl}: the lower one, ${lowest}, is used`);
      rrset.ttl = lowest;
      ttlsDiffer = true;
    }
    rrset.rdataKeys.add(key);
    records.push(record);
  }
  for (const cname of cnames) {
    let other = names.get(records[cname.first]!.ownerName.key);
    while (other !== undefined && BESIDE_CNAME.has(other.type)) other = other.next;
    if (other === undefined) continue;
    const record = records[Math.max(cname.first, other.first)]!;
    const text = `${record.ownerName} has CNAME and ${formatRRType(other.type)}, which cannot coexist: remove one of them`;
    errors.addAt(record, text);
  }
  if (content === 'whole-zone') checkApex(apex, records, names, errors, warnings);
  return { records: ttlsDiffer ? withOneTtl(records, names) : records, errors: errors.texts, warnings: warnings.texts };
}

function withOneTtl(records: readonly PlacedRecord[], names: ReadonlyMap<string, CheckedRRset>): PlacedRecord[] {
  return records.map((record) => {
    const ttl = findType(names.get(record.ownerName.key), record.type)?.ttl ?? record.ttl;
    return record.type === RRType.RRSIG || record.ttl === ttl ? record : { ...record, ttl };
  });
}

function checkApex(
  apex: DomainName,
  records: readonly PlacedRecord[],
  names: ReadonlyMap<string, CheckedRRset>,
  errors: ProblemList,
  warnings: ProblemList,
): void {
  const atApex = names.get(apex.key);
  if (findType(atApex, RRType.SOA) === undefined) errors.add(`the zone ${apex} has no SOA record`);
  if (findType(atApex, RRType.NS) === undefined) {
    errors.add(`the zone ${apex} has no NS record: add one for each of its nameservers`);
  }
  for (const record of records) {
    if (record.rdata.kind !== 'NS' || !record.ownerName.equals(apex)) continue;
    const { target } = record.rdata;
    const rrsets = names.get(target.key);
    if (!target.isAtOrBelow(apex) || findType(rrsets, RRType.A) || findType(rrsets, RRType.AAAA)) continue;
    warnings.addAt(record, `the nameserver ${target} has no address in the zone: add an A or AAAA record`);
  }
}

function wireKey({ type, rdata }: ResourceRecord): string {
  const writer = new WireWriter(64, false);
  encodeRdata(writer, rdata);
  return rdataKey(type, writer.finish().toString('latin1'));
}
