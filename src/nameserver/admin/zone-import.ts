/**
 * Import of a zone file: reads the file, and plans for each name the difference between the file and the zone. Reading runs
 * in time slices. DNSSEC records are left out: the signer of a zone makes its own.
 */

import type { ZoneImportReport } from '../../core/admin/zone-admin.ts';
import { AppError } from '../../core/errors.ts';
import type { DomainName } from '../../dns/name.ts';
import { formatRRType, RRType, SINGLE_TYPES } from '../../dns/rdata.ts';
import { rdataKey } from '../../dns/rdata-canonical.ts';
import { serialIsLater } from '../../dns/serial.ts';
import {
  findRecordFault,
  formatPlace,
  ZoneFileError,
  type ZoneFileRecord,
  zoneFileRecords,
} from '../../dns/zone-file/zone-file.ts';
import type { ZoneDraft } from '../zone/draft.ts';
import { isSameRRset } from '../zone/rrset-members.ts';
import { isSignerType } from '../zone/signer-types.ts';
import type { ZoneNode, ZoneRRset } from '../zone/zone-node.ts';
import { nameOf, rdataText, soaSerial } from '../zone/zone-version.ts';
import type { TimeSlices } from './time-slices.ts';

/** The RRsets of the file at one name. */
export interface ImportedName {
  /** `DomainName.key` and `DomainName.wireText`. */
  readonly key: string;
  readonly wireText: string;
  readonly rrsets: readonly ZoneRRset[];
}

export interface ImportedZone {
  readonly names: ReadonlyMap<string, ImportedName>;
  /** The serial of the file's SOA. */
  readonly serial: number | undefined;
  /** The records that are skipped. */
  readonly tally: ImportTally;
}

/** Skipped RRsets that the report lists. */
const MAX_LISTED = 20;

/** A private type of BIND for its signing state. */
const BIND_SIGNING_STATE = 65_534;

/** Counts RRsets for the report. */
export class ImportTally {
  added = 0;
  changed = 0;
  unchanged = 0;
  removed = 0;
  skippedCount = 0;
  readonly skipped: string[] = [];

  skip(type: number, ownerName: string, why: string): void {
    this.skippedCount += 1;
    if (this.skipped.length < MAX_LISTED) this.skipped.push(`${formatRRType(type)} of '${ownerName}': ${why}`);
  }

  add(other: ImportTally): void {
    this.added += other.added;
    this.changed += other.changed;
    this.unchanged += other.unchanged;
    this.removed += other.removed;
    this.skippedCount += other.skippedCount;
    this.skipped.push(...other.skipped.slice(0, MAX_LISTED - this.skipped.length));
  }

  report(serial: number): ZoneImportReport {
    const { added, changed, unchanged, removed, skipped, skippedCount } = this;
    return { added, changed, unchanged, removed, skipped, skippedCount, serial };
  }
}

/** Reads a whole zone file. @throws AppError request-malformed with the line and advice */
export async function readImportedZone(text: string, apex: DomainName, slices: TimeSlices): Promise<ImportedZone> {
  const tally = new ImportTally();
  const names = new Map<string, NameBuilder>();
  let serial: number | undefined;
  let lastSigned: string | undefined;
  try {
    for (const record of zoneFileRecords(text, { origin: apex })) {
      const { ownerName, type } = record;
      const { key } = ownerName;
      if (!ownerName.isAtOrBelow(apex)) throw outOfZone(record, apex);
      if (type === RRType.SOA) {
        if (key === apex.key && record.rdata.kind === 'SOA') serial ??= record.rdata.serial;
      } else if (isSignerType(type) || type === BIND_SIGNING_STATE) {
        if (lastSigned !== `${type} ${key}`) {
          tally.skip(
            type,
            ownerName.toString(),
            'DNSSEC records are not imported: dyndns signs zones itself (option dnssec)',
          );
        }
        lastSigned = `${type} ${key}`;
      } else {
        const fault = findRecordFault(record);
        if (fault !== undefined) throw new ZoneFileError(record.file, record.line, fault);
        let name = names.get(key);
        if (name === undefined) {
          name = new NameBuilder(ownerName);
          names.set(key, name);
        }
        name.add(record);
      }
      if (slices.over) await slices.next();
    }
  } catch (error) {
    if (error instanceof ZoneFileError) throw new AppError('request-malformed', error.message, { cause: error });
    throw error;
  }
  return { names, serial, tally };
}

function outOfZone(record: ZoneFileRecord, apex: DomainName): AppError {
  const text = `${formatPlace(record)}: '${record.ownerName}' is not in the zone '${apex}'.`;
  return new AppError('request-malformed', text);
}

/** Searches in more RRsets or records than this use an index, so that reading a file is linear. */
const FEW = 8;

interface RRsetBuilder {
  readonly type: number;
  ttl: number;
  readonly rdatas: string[];
  keys: Set<string> | undefined;
}

/** Collects the records of one name. */
class NameBuilder implements ImportedName {
  readonly key: string;
  readonly wireText: string;
  readonly rrsets: RRsetBuilder[] = [];
  #byType: Map<number, RRsetBuilder> | undefined;

  constructor({ key, wireText }: DomainName) {
    this.key = key;
    this.wireText = wireText;
  }

  /** If the TTLs of an RRset differ, the lowest is used (RFC 2181 §5.2). */
  add({ type, ttl, rdata }: ZoneFileRecord): void {
    const member = rdataText(rdata);
    const rrset = this.#find(type);
    if (rrset === undefined) {
      const added = { type, ttl, rdatas: [member], keys: undefined };
      this.rrsets.push(added);
      this.#byType?.set(type, added);
      return;
    }
    if (!hasMember(rrset, member)) {
      rrset.rdatas.push(member);
      rrset.keys?.add(rdataKey(type, member));
    }
    rrset.ttl = Math.min(ttl, rrset.ttl);
  }

  #find(type: number): RRsetBuilder | undefined {
    if (this.rrsets.length <= FEW) return this.rrsets.find((rrset) => rrset.type === type);
    this.#byType ??= new Map(this.rrsets.map((rrset) => [rrset.type, rrset]));
    return this.#byType.get(type);
  }
}

function hasMember(rrset: RRsetBuilder, member: string): boolean {
  const { type, rdatas } = rrset;
  const key = rdataKey(type, member);
  if (rdatas.length <= FEW) return rdatas.some((rdata) => rdataKey(type, rdata) === key);
  rrset.keys ??= new Set(rdatas.map((rdata) => rdataKey(type, rdata)));
  return rrset.keys.has(key);
}

/**
 * The RRsets to set at a name; one without members is to be deleted.
 * @param statics types that the configuration sets at the name
 */
export function planName(
  imported: ImportedName,
  node: ZoneNode | undefined,
  statics: ReadonlySet<number> | undefined,
  { replace, tally }: { readonly replace: boolean; readonly tally: ImportTally },
): readonly ZoneRRset[] {
  const edits: ZoneRRset[] = [];
  const present = new Map((node?.rrsets ?? []).map((rrset) => [rrset.type, rrset]));
  if (replace) {
    const inFile = new Set(imported.rrsets.map(({ type }) => type));
    for (const { type } of node?.rrsets ?? []) {
      if (type === RRType.SOA || statics?.has(type) || inFile.has(type)) continue;
      edits.push({ type, ttl: 0, rdatas: [] });
      present.delete(type);
      tally.removed += 1;
    }
  }
  for (const rrset of imported.rrsets) {
    const { type } = rrset;
    const skip = (why: string) => tally.skip(type, nameOf(imported.wireText).toString(), why);
    const current = present.get(type);
    if (statics?.has(type)) {
      if (current !== undefined && isSameRRset(current, rrset)) tally.unchanged += 1;
      else skip('set by the configuration');
    } else if (type === RRType.CNAME ? present.size > (current === undefined ? 0 : 1) : present.has(RRType.CNAME)) {
      skip('a CNAME and other data cannot be at the same name');
    } else if (SINGLE_TYPES.has(type) && rrset.rdatas.length > 1) {
      skip('a name can have only one record of this type');
    } else if (current !== undefined && isSameRRset(current, rrset)) {
      tally.unchanged += 1;
    } else {
      if (current === undefined) tally.added += 1;
      else tally.changed += 1;
      present.set(type, rrset);
      edits.push({ type, ttl: rrset.ttl, rdatas: rrset.rdatas });
    }
  }
  return edits;
}

/** Sets a serial later than the file's: secondaries of the former primary transfer the zone only for a later serial. */
export function takeSerial(draft: ZoneDraft, serial: number): void {
  const soa = draft.findRRset(draft.apex.key, RRType.SOA)!;
  if (!serialIsLater(serial, soaSerial(soa.rdatas[0]!))) return;
  draft.setSerial((serial + 1) >>> 0);
}
