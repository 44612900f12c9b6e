/**
 * What the records of a zone must keep before they are served: one SOA and an NS at the apex (RFC 1035 §5.2), nothing
 * outside of the zone, a CNAME alone at its name (RFC 1034 §3.6.2, RFC 2181 §10.1), one TTL for an RRset (RFC 2181 §5.2),
 * no record twice (§5).
 *
 * Left out: delegations without glue, data below a delegation or a DNAME, what MX and SRV point at.
 */
import type { DomainName } from '../name.ts';
import { formatRRType, type ResourceRecord, RRType } from '../rdata.ts';
import { rdataKey } from '../rdata-canonical.ts';
import { encodeRdata } from '../wire/rdata-codec.ts';
import { WireWriter } from '../wire/writer.ts';
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

/** The RRsets of a name are a list: most names have one, with one record, and a zone may have a million of them. */
interface CheckedRRset {
  readonly type: number;
  /** The place of its first record among the records that stay. */
  readonly first: number;
  ttl: number;
  /** Of all its records, as soon as there are two. */
  rdataKeys: Set<string> | undefined;
  readonly next: CheckedRRset | undefined;
}

function findType(rrset: CheckedRRset | undefined, type: number): CheckedRRset | undefined {
  let found = rrset;
  while (found !== undefined && found.type !== type) found = found.next;
  return found;
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

/** Checks records of class IN, and makes them regular where that loses nothing. */
export function checkZoneRecords(input: Iterable<PlacedRecord>, { apex, content }: ZoneCheckOptions): ZoneCheck {
  const errors = new ProblemList();
  const warnings = new ProblemList();
  const records: PlacedRecord[] = [];
  const names = new Map<string, CheckedRRset>();
  const withCname: CheckedRRset[] = [];
  let ttlsDiffer = false;
  for (const record of input) {
    const { ownerName, type, ttl } = record;
    const what = (): string => `${formatRRType(type)} at ${ownerName}`;
    if (!ownerName.isAtOrBelow(apex)) {
      const advice = 'remove the record, or end relative names without a dot';
      errors.addAt(record, `${ownerName} is not in the zone ${apex}: ${advice}`);
      continue;
    }
    if (type === RRType.SOA && (content === 'part' || !ownerName.equals(apex))) {
      const reason =
        content === 'part' ? 'the server writes the SOA record itself' : `the SOA record belongs to ${apex}`;
      errors.addAt(record, `${reason}: remove the record at ${ownerName}`);
      continue;
    }
    const rrsets = names.get(ownerName.key);
    const rrset = findType(rrsets, type);
    if (rrset === undefined) {
      const made = { type, first: records.length, ttl, rdataKeys: undefined, next: rrsets };
      names.set(ownerName.key, made);
      if (type === RRType.CNAME) withCname.push(made);
      records.push(record);
      continue;
    }
    const key = wireKey(record);
    rrset.rdataKeys ??= new Set([wireKey(records[rrset.first]!)]);
    if (rrset.rdataKeys.has(key)) {
      warnings.addAt(record, `${what()} is there twice: one is left out`);
      continue;
    }
    if (SINGLE.has(type)) {
      errors.addAt(record, `${what()}: there is another one, and a name has one at most: remove one of them`);
      continue;
    }
    if (ttl !== rrset.ttl && type !== RRType.RRSIG) {
      const lowest = Math.min(ttl, rrset.ttl);
      warnings.addAt(record, `${what()} has the TTLs ${rrset.ttl} and ${ttl}: all get the lower one, ${lowest}`);
      rrset.ttl = lowest;
      ttlsDiffer = true;
    }
    rrset.rdataKeys.add(key);
    records.push(record);
  }
  for (const cname of withCname) {
    let other = names.get(records[cname.first]!.ownerName.key);
    while (other !== undefined && BESIDE_CNAME.has(other.type)) other = other.next;
    if (other === undefined) continue;
    const record = records[Math.max(cname.first, other.first)]!;
    const text = `${record.ownerName} has a CNAME and ${formatRRType(other.type)}: a CNAME stands alone, remove one of them`;
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
