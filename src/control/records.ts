/** The records of embedded zones, as operations of the administration read and change them: for everyone, what they may. */
import { type AdminCaller, asMember, type CallContext, identified } from '../core/admin/caller.ts';
import { readCursor, writeCursor } from '../core/admin/cursor.ts';
import type { NormalInput, Result } from '../core/admin/operations.ts';
import { AppError, invalidField } from '../core/errors.ts';
import type { HostGrant } from '../core/hosts/host-store.ts';
import { changeRecords, type RecordChangeParts } from '../core/records/change-records.ts';
import { findRecordZone, type RecordZone, readRecordPage } from '../core/records/read-records.ts';
import { hostsScope, operatorScope, type RecordScope } from '../core/records/record-scope.ts';
import type { FilePlace } from '../core/zones/zone.ts';
import type { NameFilter } from '../core/zones/zone-records.ts';
import { DomainName, NameError } from '../dns/name.ts';
import { formatRdata } from '../dns/presentation/rdata-text.ts';
import { readRecordText } from '../dns/presentation/record-text.ts';
import { PresentationError } from '../dns/presentation/text-tokens.ts';
import { formatRRType, type Rdata } from '../dns/rdata.ts';
import type { RRset } from '../dns/rrset.ts';
import type { ZoneEdit } from '../dns/zone-change.ts';
import { ReadingTurns } from '../http/request/reading-turns.ts';
import { readType } from './domain-values.ts';
import { recordDifferences } from './record-differences.ts';
import { contextOf } from './request-context.ts';

export interface RecordParts extends RecordChangeParts {
  /** The hosts that a member sees. @throws AppError store-unreachable */
  readonly grantsOf: (userId: string) => Promise<readonly HostGrant[]>;
}

const MAX_LISTED = 500;
/** Of one change: a person reads no more. */
const MAX_DIFFERENCES = 500;
/** Seconds, of a new RRset in a zone without a default. */
const DEFAULT_TTL = 300;

/** @throws AppError name-invalid: no embedded zone in which the caller has something; InputError */
export async function listRRsets(
  { zone: _, name, type, search, limit = MAX_LISTED, cursor }: NormalInput<'listRRsets'>,
  apex: DomainName,
  caller: AdminCaller,
  parts: RecordParts,
): Promise<Result<'listRRsets'>> {
  const scope = await scopeOf(caller, parts);
  const zone = requireZone(parts, scope, apex);
  const snapshot = zone.records.snapshot();
  const place = readCursor(cursor, 1)?.[0];
  const after = place === undefined ? undefined : readName(place, '/cursor');
  const wanted = name === undefined ? undefined : readName(name, '/name');
  const hasText = nameFilter(search ?? '');
  const filter = {
    type: type === undefined ? undefined : readType(type),
    ...(wanted && { isWanted: (key: string) => key === wanted.key }),
    ...(!wanted && search !== undefined && { isWanted: hasText }),
  };
  const page = await readRecordPage(parts.zones, zone, snapshot, scope, filter, limit, after);
  const rrsets = page.names.flatMap(({ ownerName, rrsets: own }) =>
    own.map((rrset) => ({
      name: ownerName.toString(),
      type: formatRRType(rrset.type),
      ttl: rrset.ttl,
      records: rrset.rdatas.map((rdata) => formatRdata(rrset.type, rdata)),
      ...(rrset.isStatic && { static: true, ...placeOf(zone, ownerName, rrset.type) }),
    })),
  );
  return { serial: snapshot.serial, rrsets, ...(page.next && { next: writeCursor([page.next.toString()]) }) };
}

/** @throws AppError as changeRecords; InputError */
export async function changeRRsets(
  { changes, dry_run = false }: NormalInput<'changeRRsets'>,
  apex: DomainName,
  { caller, ifMatch }: CallContext,
  parts: RecordParts,
): Promise<Result<'changeRRsets'>> {
  const scope = await scopeOf(caller, parts);
  const zone = requireZone(parts, scope, apex);
  const edits: ZoneEdit[] = [];
  const turns = new ReadingTurns();
  for (const [index, change] of changes.entries()) {
    edits.push(readChange(change, `/changes/${index}`, zone));
    await turns.take(1 + (change.records?.length ?? 0));
  }
  const { serial, changed } = await changeRecords(
    { zone, scope, edits, serial: serialOf(ifMatch), isDryRun: dry_run },
    contextOf(caller),
    parts,
  );
  return { serial, changed: changed.length > 0, ...(dry_run && { differences: differencesOf(edits, zone) }) };
}

type Differences = NonNullable<Result<'changeRRsets'>['differences']>;

function differencesOf(edits: readonly ZoneEdit[], { records }: RecordZone): Differences {
  const snapshot = records.snapshot();
  const differences = recordDifferences(edits, (ownerName, rrType) =>
    snapshot.find(ownerName)?.rrsets.find((rrset) => rrset.type === rrType),
  );
  return differences.slice(0, MAX_DIFFERENCES).map(({ ownerName, type, before, after }) => ({
    name: ownerName.toString(),
    type: formatRRType(type),
    ...(before && { before: rrsetView(before) }),
    ...(after && { after: rrsetView(after) }),
  }));
}

async function scopeOf(anyCaller: AdminCaller, { grantsOf }: RecordParts): Promise<RecordScope> {
  const caller = identified(anyCaller);
  const member = asMember(caller);
  if (member === undefined) {
    return operatorScope(caller.kind === 'operator' ? 'the operator' : `the admin '${caller.user.name}'`);
  }
  const grants = await grantsOf(member.user.id);
  const changed = grants.filter(({ access }) => access !== 'view').map(({ ownerName }) => ownerName);
  return hostsScope(
    `the member '${member.user.name}'`,
    grants.map(({ ownerName }) => ownerName),
    changed,
  );
}

function rrsetView({ type, ttl, rdatas }: RRset) {
  return { ttl, records: rdatas.map((rdata) => formatRdata(type, rdata)) };
}

function placeOf({ staticPlace }: RecordZone, ownerName: DomainName, type: number): { place?: FilePlace } {
  const place = staticPlace?.(ownerName, type);
  return place === undefined ? {} : { place };
}

/** Names with a text in them. Few of many have it, so that the others are not converted. */
function nameFilter(search: string): NameFilter {
  const text = search.toLowerCase();
  // A key has the length of a label where the text has a dot, and other characters as octets.
  const parts = text.split(/[^a-z0-9-]/).sort((one, other) => other.length - one.length);
  const longest = parts[0] ?? '';
  return (key) => key.includes(longest) && DomainName.ofWire(Buffer.from(key, 'latin1')).toString().includes(text);
}

/** Also where the caller has nothing in the zone. */
function requireZone({ zones }: RecordParts, scope: RecordScope, apex: DomainName): RecordZone {
  const zone = findRecordZone(zones, scope, apex);
  if (zone !== undefined) return zone;
  throw new AppError('name-invalid', `There is no embedded zone '${apex}'.`);
}

type Change = NormalInput<'changeRRsets'>['changes'][number];

function readChange({ name, type, action, ttl, records }: Change, place: string, zone: RecordZone): ZoneEdit {
  const ownerName = readName(name, `${place}/name`);
  const rrType = readType(type, `${place}/type`);
  if (action === 'delete') {
    if (records !== undefined) throw invalidField(`${place}/records`, "'records' is not for 'delete'.");
    return { kind: 'delete-rrset', ownerName, type: rrType };
  }
  if (records === undefined || records.length === 0) {
    throw invalidField(`${place}/records`, `'${action}' needs 'records'; 'delete' removes the RRset.`);
  }
  const rdatas = records.map((record, index) => readRecord(rrType, record, `${place}/records/${index}`));
  if (action === 'remove') return { kind: 'delete-from-rrset', ownerName, type: rrType, rdatas };
  const there = zone.records
    .snapshot()
    .find(ownerName)
    ?.rrsets.find((rrset) => rrset.type === rrType);
  const rrset = { ownerName, type: rrType, ttl: ttl ?? there?.ttl ?? zone.ttl.default ?? DEFAULT_TTL, rdatas };
  return { kind: action === 'replace' ? 'replace-rrset' : 'add-to-rrset', rrset };
}

function readRecord(type: number, text: string, pointer: string): Rdata {
  try {
    return readRecordText(type, text);
  } catch (error) {
    if (!(error instanceof PresentationError || error instanceof NameError)) throw error;
    throw invalidField(pointer, `This is not the RDATA of ${formatRRType(type)}: ${error.message}`);
  }
}

function readName(text: string, pointer: string): DomainName {
  try {
    return DomainName.parse(text);
  } catch (error) {
    if (!(error instanceof NameError)) throw error;
    throw invalidField(pointer, `This is not a domain name: ${error.message}`);
  }
}

/** Of If-Match; a text that is no serial never matches. */
function serialOf(ifMatch: readonly string[] | undefined): number | undefined {
  if (ifMatch === undefined) return undefined;
  const [tag = ''] = ifMatch;
  return /^\d{1,10}$/.test(tag) ? Number(tag) : -1;
}
