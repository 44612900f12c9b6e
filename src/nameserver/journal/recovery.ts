/** The statements that write a zone as a whole: a new one, or what is left of a damaged one. */
import type { SqlStatement } from '../../sqlite/worker.ts';
import { sameNodes } from '../zone/same-rrset.ts';
import { allRRsets, type ZoneNode } from '../zone/zone-node.ts';
import type { ZoneVersion } from '../zone/zone-version.ts';
import { encodeNode, encodeStatics, nodeCrc, zoneCrc } from './journal-codec.ts';
import type { StoredZone } from './stored-zone.ts';

const ADD_ZONE =
  'INSERT INTO zone (id, apex, folded, statics, created, folded_serial, crc) VALUES (?, ?, ?, ?, ?, ?, ?)';
const REPLACE_ZONE =
  'UPDATE zone SET apex = ?, folded = ?, statics = ?, created = ?, folded_serial = ?, crc = ? WHERE id = ?';
const setRow = (table: 'node' | 'unserved') =>
  `INSERT INTO ${table} (zone, key, content, crc) VALUES (?, ?, ?, ?) ` +
  'ON CONFLICT DO UPDATE SET content = excluded.content, crc = excluded.crc';
const SET_NODE = setRow('node');
const SET_UNSERVED = setRow('unserved');
const DELETE_NODE = 'DELETE FROM node WHERE zone = ? AND key = ?';
const DELETE_ONE_UNSERVED = 'DELETE FROM unserved WHERE zone = ? AND key = ?';
const DELETE_UNSERVED = 'DELETE FROM unserved WHERE zone = ?';
const DELETE_COMMITS = 'DELETE FROM journal WHERE zone = ?';
const DELETE_NAMES = 'DELETE FROM node WHERE zone = ?';
const ADD_NODES = `INSERT INTO node (zone, key, content, crc)
  SELECT ?1, unhex(value ->> 0), unhex(value ->> 1), value ->> 2 FROM json_each(?2) WHERE true
  ON CONFLICT DO UPDATE SET content = excluded.content, crc = excluded.crc`;
const DELETE_SOME_NAMES =
  'DELETE FROM node WHERE zone = ?1 AND key IN (SELECT key FROM node WHERE zone = ?1 ORDER BY key LIMIT 500)';
const SET_APEX = 'UPDATE zone SET apex = ? WHERE id = ?';
/** In place of an apex, with the id. No apex begins like this: it would be a label of more than 63 octets. */
const UNFINISHED = 'unfinished ';
const REPLACED = 'replaced ';

/** Where and as what the zone is written. */
export interface ZoneTarget {
  /** Primary key. */
  readonly id: number;
  readonly created: number;
  /** The newest commit of the database. */
  readonly lastCommit: number;
}

/** The row of one name as it is in a version. */
export function writeNode(zone: number, key: string, node: ZoneNode | undefined): SqlStatement {
  const octets = Buffer.from(key, 'latin1');
  if (node === undefined || allRRsets(node).length === 0) return { sql: DELETE_NODE, params: [zone, octets] };
  const content = encodeNode(node);
  return { sql: SET_NODE, params: [zone, octets, content, nodeCrc(zone, content)] };
}

/** Rows of many names in one statement, as one text: thousands of parameters take longer on the way to the thread of the database. */
export function addNodes(zone: number, rows: Iterable<readonly [key: string, content: Uint8Array]>): SqlStatement {
  const texts: string[] = [];
  for (const [key, content] of rows) {
    const hex = Buffer.from(content.buffer, content.byteOffset, content.length).toString('hex');
    texts.push(`["${Buffer.from(key, 'latin1').toString('hex')}","${hex}",${nodeCrc(zone, content)}]`);
  }
  return { sql: ADD_NODES, params: [zone, `[${texts.join()}]`] };
}

/** The rows of data that is not served, where they differ between two versions. */
export function writeUnserved(
  zone: number,
  before: Pick<ZoneVersion, 'unserved'>,
  { unserved }: Pick<ZoneVersion, 'unserved'>,
): SqlStatement[] {
  const statements: SqlStatement[] = [];
  for (const key of before.unserved.keys()) {
    if (!unserved.has(key)) statements.push({ sql: DELETE_ONE_UNSERVED, params: [zone, Buffer.from(key, 'latin1')] });
  }
  for (const [key, node] of unserved) {
    if (before.unserved.get(key) !== node) statements.push(setUnserved(zone, key, node));
  }
  return statements;
}

function setUnserved(zone: number, key: string, node: ZoneNode): SqlStatement {
  const content = encodeNode(node);
  return { sql: SET_UNSERVED, params: [zone, Buffer.from(key, 'latin1'), content, nodeCrc(zone, content)] };
}

export function newZoneStatements(version: ZoneVersion, target: ZoneTarget): SqlStatement[] {
  const statements = [addZone(version, target, apexOctets(version))];
  for (const node of version.nodes.values()) statements.push(writeNode(target.id, node.key, node));
  for (const [key, node] of version.unserved) statements.push(setUnserved(target.id, key, node));
  return statements;
}

function addZone(version: ZoneVersion, target: ZoneTarget, apex: Buffer): SqlStatement {
  const { id, created, lastCommit } = target;
  const statics = encodeStatics(version.statics, id);
  return {
    sql: ADD_ZONE,
    params: [id, apex, lastCommit, statics, created, version.serial, rowCrc(version, target)],
  };
}

/** For a zone that lacks commits, but has no damaged row: its rows become those of the version. */
export function replaceStatements(
  { folded, version: found }: StoredZone,
  version: ZoneVersion,
  target: ZoneTarget,
): SqlStatement[] {
  const { id } = target;
  const statements: SqlStatement[] = [{ sql: DELETE_COMMITS, params: [id] }, ...writeUnserved(id, found, version)];
  for (const { key } of folded.nodes.values()) {
    if (!version.nodes.has(key)) statements.push(writeNode(id, key, undefined));
  }
  for (const node of version.nodes.values()) {
    const stored = folded.find(node.key);
    const isStored = stored?.wireText === node.wireText && sameNodes(stored, node);
    if (!isStored) statements.push(writeNode(id, node.key, node));
  }
  statements.push(replaceRow(version, target));
  return statements;
}

/** Names in one transaction. */
const STEP = 5_000;

/**
 * For a zone with damaged rows, which cannot be trusted to be found again and deleted: the version is written beside them, as
 * a zone of another id, and takes their place in the last transaction.
 */
export function* rewriteSteps(old: StoredZone, version: ZoneVersion, target: ZoneTarget): Generator<SqlStatement[]> {
  let step = [addZone(version, target, Buffer.from(`${UNFINISHED}${target.id}`))];
  for (const node of version.nodes.values()) {
    step.push(writeNode(target.id, node.key, node));
    if (step.length < STEP) continue;
    yield step;
    step = [];
  }
  for (const [key, node] of version.unserved) step.push(setUnserved(target.id, key, node));
  step.push({ sql: SET_APEX, params: [Buffer.from(`${REPLACED}${old.id}`), old.id] });
  step.push({ sql: SET_APEX, params: [apexOctets(version), target.id] });
  yield step;
}

/** For a zone whose content is made apart from it: its row, which no start reads. Names are added later. */
export function successorRow(version: ZoneVersion, target: ZoneTarget): SqlStatement {
  return addZone(version, target, Buffer.from(`${UNFINISHED}${target.id}`));
}

/**
 * The row of such a zone takes the place of another one.
 * @param keys of the names whose rows are not those of the version yet @param target of the new row
 */
export function takeOverStatements(
  oldId: number,
  version: ZoneVersion,
  keys: readonly string[],
  target: ZoneTarget,
): SqlStatement[] {
  const { id } = target;
  const statements = keys.map((key) => writeNode(id, key, version.find(key)));
  for (const [key, node] of version.unserved) statements.push(setUnserved(id, key, node));
  statements.push({ sql: SET_APEX, params: [Buffer.from(`${REPLACED}${oldId}`), oldId] });
  statements.push(replaceRow(version, target));
  return statements;
}

function replaceRow(version: ZoneVersion, target: ZoneTarget): SqlStatement {
  const { id, created, lastCommit } = target;
  const statics = encodeStatics(version.statics, id);
  const params = [apexOctets(version), lastCommit, statics, created, version.serial, rowCrc(version, target), id];
  return { sql: REPLACE_ZONE, params };
}

/** Zones of which nothing is read any more, in the column `id`. */
export const LEFTOVERS = `SELECT id FROM zone WHERE CAST(apex AS TEXT) LIKE '${UNFINISHED}%' OR CAST(apex AS TEXT) LIKE '${REPLACED}%'`;
export const HAS_NAMES = 'SELECT 1 FROM node WHERE zone = ? LIMIT 1';

/** Deletes some of the names of a zone. */
export function deleteSomeNames(id: number): SqlStatement {
  return { sql: DELETE_SOME_NAMES, params: [id] };
}

/** Deletes what a rewritten zone left behind. It takes space only: the rows are never read again. */
export function leftoverStatements({ id }: Pick<StoredZone, 'id'>): SqlStatement[] {
  return [DELETE_NAMES, DELETE_UNSERVED, DELETE_COMMITS, 'DELETE FROM zone WHERE id = ?'].map((sql) => ({
    sql,
    params: [id],
  }));
}

function apexOctets({ apex }: ZoneVersion): Buffer {
  return Buffer.from(apex.key, 'latin1');
}

function rowCrc({ apex, serial }: ZoneVersion, { id, created, lastCommit }: ZoneTarget): number {
  return zoneCrc({ id, apexKey: apex.key, created, folded: lastCommit, foldedSerial: serial });
}
