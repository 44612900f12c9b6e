/** The requests that the API answers, after their credential was checked. */
import type { RequestContext } from '../../core/access/request-context.ts';
import { changeRecords } from '../../core/records/change-records.ts';
import { findRecordZone, type RecordZone, readRecords, recordZones } from '../../core/records/read-records.ts';
import type { RecordScope } from '../../core/records/record-scope.ts';
import { isPrivate } from '../../core/zones/special-addresses.ts';
import { DomainName, NameError } from '../../dns/name.ts';
import { parseRRType } from '../../dns/rdata.ts';
import { ownerOfEdit, type ZoneEdit } from '../../dns/zone-change.ts';
import type { DoorReply, Services } from '../request/door.ts';
import { exportPieces, SERVER_DOCUMENT, zoneDocument, zonePieces } from './documents.ts';
import { errorReply, jsonReply } from './errors.ts';
import { readEdits } from './rrset-edits.ts';

/** A request with a valid key. */
export interface KeyRequest {
  /** Placeholders of the path, percent-decoded. */
  readonly path: Readonly<Record<string, string | undefined>>;
  readonly query: Readonly<Record<string, string | undefined>>;
  readonly scope: RecordScope;
  readonly context: RequestContext;
  readonly services: Services;
  /** @throws BodyError */
  readonly readBody: () => Promise<Buffer>;
}

/** A reply that may be too large for one text. */
export interface PiecesReply {
  readonly contentType: string;
  readonly detail: string;
  readonly pieces: AsyncGenerator<string, void, undefined>;
}

export type Answer = (request: KeyRequest) => DoorReply | PiecesReply | Promise<DoorReply | PiecesReply>;

const JSON_TYPE = 'application/json';

/** For what does not exist, and for what the key may not see. */
const NOT_FOUND = errorReply(404, 'Not Found');

export const showServers: Answer = () => jsonReply(200, [SERVER_DOCUMENT]);
export const showServer: Answer = ({ path }) => (isLocal(path) ? jsonReply(200, SERVER_DOCUMENT) : NOT_FOUND);
export const showConfig: Answer = ({ path }) => (isLocal(path) ? jsonReply(200, []) : NOT_FOUND);
export const notFound: Answer = () => NOT_FOUND;

export const listZones: Answer = ({ path, query, scope, services }) => {
  if (!isLocal(path)) return NOT_FOUND;
  const wanted = query['zone'];
  const apex = wanted === undefined ? undefined : readName(wanted);
  const zones = recordZones(services.zones, scope).filter((zone) => wanted === undefined || apex?.equals(zone.apex));
  return jsonReply(200, zones.map(zoneDocument));
};

/** Zones are made by the configuration of this server. */
export const refuseZones: Answer = () =>
  errorReply(403, 'Zones of this server are set by its configuration: this API changes their records only.');

export const showZone: Answer = (request) => {
  const zone = findZone(request);
  if (zone === undefined) return NOT_FOUND;
  const { query, services, scope } = request;
  if (isNo(query['rrsets'])) return jsonReply(200, zoneDocument(zone));
  const name = query['rrset_name'];
  const type = query['rrset_type'];
  const ownerName = name === undefined ? undefined : readName(name);
  const filter = { ownerName, type: type === undefined ? undefined : parseRRType(type) };
  const isNone = (name !== undefined && ownerName === undefined) || (type !== undefined && filter.type === undefined);
  const names = isNone ? nothing() : readRecords(services.zones, zone, zone.records.snapshot(), scope, filter);
  return { contentType: JSON_TYPE, detail: `records of ${zone.apex}`, pieces: zonePieces(zone, names) };
};

export const exportZone: Answer = (request) => {
  const zone = findZone(request);
  if (zone === undefined) return NOT_FOUND;
  const names = readRecords(request.services.zones, zone, zone.records.snapshot(), request.scope);
  return { contentType: 'text/plain', detail: `export of ${zone.apex}`, pieces: exportPieces(names) };
};

export const listCryptoKeys: Answer = (request) => (findZone(request) === undefined ? NOT_FOUND : jsonReply(200, []));

/** Secondaries are notified after each change. */
export const notifyZone: Answer = (request) =>
  findZone(request) === undefined ? NOT_FOUND : jsonReply(200, { result: 'Notification queued' });

export const changeZone: Answer = async (request) => {
  const zone = findZone(request);
  if (zone === undefined) return NOT_FOUND;
  const { services, scope, context } = request;
  const { zones, record, recordChanges } = services;
  const edits = await readEdits(await request.readBody());
  const { changed } = await changeRecords({ zone, scope, edits }, context, { zones, record, ...recordChanges });
  return {
    status: 204,
    body: '',
    outcome: changed.length > 0 ? 'updated' : 'unchanged',
    detail: describe(edits),
    isPrivate: edits.some(publishesPrivate),
  };
};

function publishesPrivate(edit: ZoneEdit): boolean {
  return 'rrset' in edit && edit.rrset.rdatas.some((rdata) => 'address' in rdata && isPrivate(rdata.address));
}

const MAX_NAMED = 5;

function describe(edits: readonly ZoneEdit[]): string {
  const names = [...new Set(edits.map((edit) => ownerOfEdit(edit).toString()))];
  return names.slice(0, MAX_NAMED).join(', ') + (names.length > MAX_NAMED ? ' and more' : '');
}

async function* nothing(): AsyncGenerator<never, void, undefined> {}

function isLocal(path: KeyRequest['path']): boolean {
  return path['server'] === 'localhost';
}

function isNo(value: string | undefined): boolean {
  return value !== undefined && /^(?:false|0|no)$/i.test(value);
}

function findZone({ path, services, scope }: KeyRequest): RecordZone | undefined {
  const apex = isLocal(path) ? readName(decodeId(path['zone'] ?? '')) : undefined;
  return apex && findRecordZone(services.zones, scope, apex);
}

/** The id of a zone: its name, with or without the final dot; `=2F` is the sign with that code. */
function decodeId(id: string): string {
  return id.replace(/=([0-9a-f]{2})/gi, (_all, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}

function readName(text: string): DomainName | undefined {
  try {
    return DomainName.parse(text);
  } catch (error) {
    if (error instanceof NameError) return undefined;
    throw error;
  }
}
