/**
 * Reads one zone from the database, and checks it: each row by its checksum, the rows of names together by their number and
 * sum, and the commits since then as a chain of serials. What is damaged is named and left out.
 */
import { errorText } from '../../core/errors.ts';
import { type DomainName, lowerCaseText } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import type { Database, SqlRow, SqlValue } from '../../sqlite/database.ts';
import { SqliteError } from '../../sqlite/sqlite-error.ts';
import { replay, VersionBuilder } from '../zone/zone-load.ts';
import { findRRset, type ZoneNode } from '../zone/zone-node.ts';
import { nameOf, rdataText, type StaticRRsets, type ZoneDiff, type ZoneVersion } from '../zone/zone-version.ts';
import { decodeDiff, decodeNode, decodeStatics, nodeCrc, zoneCrc } from './journal-codec.ts';
import { type RowCount, readWholeNames } from './whole-names.ts';

export interface StoredZone {
  readonly id: number;
  readonly apex: DomainName;
  /** When it was added to the database, in ms since 1970; 0: by a release that did not record it. */
  readonly created: number;
  /** What is readable. If the SOA is not, one with serial 0 takes its place. */
  readonly version: ZoneVersion;
  /** As in the rows of names, before the commits. */
  readonly folded: ZoneVersion;
  /** Keys of names whose rows are older than `version`. */
  readonly unfolded: readonly string[];
  /** Undefined if neither SOA nor commits are readable. */
  readonly serial: number | undefined;
  readonly damage: Damage;
}

/** What is damaged, for the operator. */
export class Damage {
  /** Full sentences; the first ones. */
  readonly sentences: string[] = [];
  count = 0;
  /** Keys of rows of names that are not readable. */
  readonly lostRows: Uint8Array[] = [];
  /** Which RRsets are static is not known. */
  lostStatics = false;

  add(sentence: string): void {
    this.count += 1;
    if (this.sentences.length < MAX_SENTENCES) this.sentences.push(sentence);
  }

  toString(): string {
    const more = this.count - this.sentences.length;
    return `${this.sentences.join(' ')}${more > 0 ? ` And ${more} more.` : ''}`;
  }
}

const MAX_SENTENCES = 5;

const NODES = 'SELECT key, content, crc FROM node WHERE zone = ?';
const UNSERVED = 'SELECT key, content, crc FROM unserved WHERE zone = ?';
const COMMITS =
  'SELECT number, serial_before, serial, changes FROM journal WHERE zone = ? AND number > ? ORDER BY number';

/** @param row a row of the table `zone` that belongs to this apex @throws SqliteError if the disk fails */
export function readStoredZone(database: Database, apex: DomainName, row: SqlRow): StoredZone {
  const damage = new Damage();
  const id = Number(row['id']);
  checkZoneRow(row, apex, damage);
  const statics = readStatics(row, damage);
  const { folded, hasSoa } = readFolded(database, apex, row, statics, damage);
  const foldedSerial = hasSoa ? folded.serial : undefined;
  const commits = new CommitReader(database, id, damage);
  const expected = row['folded_serial'] === null ? undefined : Number(row['folded_serial']);
  const { version, unfolded } = applyCommits(folded, commits.read(Number(row['folded']), expected), damage);
  if (commits.serial === undefined && expected !== undefined && foldedSerial !== expected) {
    damage.add(`The rows of names have the serial ${foldedSerial ?? 'of no SOA'} instead of ${expected}.`);
  }
  const serial = commits.serial ?? foldedSerial;
  if (serial === undefined) damage.add('The SOA record is missing.');
  return { id, apex, created: Number(row['created']), version, folded, unfolded, serial, damage };
}

/** The version in the rows of names. */
function readFolded(database: Database, apex: DomainName, row: SqlRow, statics: StaticRRsets, damage: Damage) {
  const nodes = new NodeReader(database, Number(row['id']), apex, damage);
  const unserved = nodes.readUnserved();
  const whole = readWholeNames(database, apex, row, nodes.counted);
  if (whole !== undefined) return { folded: whole.build(statics, unserved), hasSoa: true };
  const builder = new VersionBuilder(apex);
  for (const node of nodes.read()) builder.add(node);
  nodes.checkSum(row);
  return { folded: builder.build(statics, unserved), hasSoa: nodes.hasSoa };
}

/** True if the row, or one that an older release wrote, has the right checksum. */
export function isWholeZoneRow(row: SqlRow): boolean {
  if (row['crc'] === null) return row['created'] === 0;
  return row['apex'] instanceof Uint8Array && row['crc'] === zoneCrc(zoneColumns(row, apexKeyOf(row)));
}

/** `DomainName.key` of the apex; empty if it is not readable. */
export function apexKeyOf({ apex }: SqlRow): string {
  return apex instanceof Uint8Array ? Buffer.from(apex).toString('latin1') : '';
}

function zoneColumns(row: SqlRow, apexKey: string) {
  return {
    id: Number(row['id']),
    apexKey,
    created: Number(row['created']),
    folded: Number(row['folded']),
    foldedSerial: Number(row['folded_serial']),
  };
}

function checkZoneRow(row: SqlRow, apex: DomainName, damage: Damage): void {
  if (isWholeZoneRow(row) && apexKeyOf(row) === apex.key) return;
  damage.add('The row of the zone is damaged.');
}

function readStatics({ id, statics }: SqlRow, damage: Damage): StaticRRsets {
  try {
    return decodeStatics(blob(statics), Number(id));
  } catch {
    damage.lostStatics = true;
    damage.add('The list of static records is damaged.');
    return new Map();
  }
}

/** Calls that read rows: an error of the disk ends the start, damaged pages end the rows. */
function* rowsOf(
  database: Database,
  sql: string,
  params: readonly SqlValue[],
  onDamage: (why: string) => void,
): Generator<readonly SqlValue[]> {
  try {
    yield* database.iterate(sql, params);
  } catch (error) {
    if (error instanceof SqliteError && (error.reason === 'corrupt' || error.reason === 'other')) {
      onDamage(error.message);
    } else throw error;
  }
}

class NodeReader {
  readonly #database: Database;
  readonly #zone: number;
  readonly #apex: DomainName;
  readonly #damage: Damage;
  #rows = 0;
  #sum = 0;
  #lostBefore = 0;
  hasSoa = false;

  constructor(database: Database, zone: number, apex: DomainName, damage: Damage) {
    this.#database = database;
    this.#zone = zone;
    this.#apex = apex;
    this.#damage = damage;
  }

  /** The number of rows so far, and the sum of their checksums. */
  get counted(): RowCount {
    return { rows: this.#rows, sum: this.#sum };
  }

  /** Data that is kept and not served. */
  readUnserved(): Map<string, ZoneNode> {
    this.#lostBefore = this.#damage.count;
    return new Map([...this.#rowsOf(UNSERVED)].map((node) => [node.key, node]));
  }

  *#rowsOf(sql: string): Generator<ZoneNode> {
    const unreadable = (why: string) => this.#damage.add(`Rows of names cannot be read: ${why}.`);
    for (const [key, content, crc] of rowsOf(this.#database, sql, [this.#zone], unreadable)) {
      this.#rows += 1;
      this.#sum = (this.#sum + Number(crc)) >>> 0;
      const node = this.#decode(key, content, crc);
      if (node !== undefined) yield node;
    }
  }

  /** The names that are readable, and an apex with an SOA. */
  *read(): Generator<ZoneNode> {
    for (const node of this.#rowsOf(NODES)) {
      if (node.key !== this.#apex.key) yield node;
      else {
        this.hasSoa = findRRset(node, RRType.SOA) !== undefined;
        yield this.hasSoa ? node : { ...node, rrsets: [...node.rrsets, placeholderSoa(this.#apex)] };
      }
    }
    const { key, wireText } = this.#apex;
    if (!this.hasSoa) yield { key, wireText, rrsets: [placeholderSoa(this.#apex)], children: 0 };
  }

  #decode(key: SqlValue | undefined, content: SqlValue | undefined, crc: SqlValue | undefined): ZoneNode | undefined {
    try {
      const octets = blob(content);
      const node = decodeNode(octets);
      if (nodeCrc(this.#zone, octets) === Number(crc) && node.key === latin1(key)) return node;
    } catch {
      // Not decodable: damaged.
    }
    this.#damage.add(`The name ${shownName(key)} is damaged.`);
    if (key instanceof Uint8Array) this.#damage.lostRows.push(key);
    return undefined;
  }

  /** Reports rows that are missing as a whole, or are older than the database says. */
  checkSum({ names, names_sum: sum }: SqlRow): void {
    if (this.#rows === Number(names) && this.#sum === Number(sum)) return;
    if (this.#rows !== Number(names)) {
      this.#damage.add(`There are ${this.#rows} rows of names instead of ${Number(names)}.`);
    } else if (this.#damage.count === this.#lostBefore) {
      this.#damage.add('Some rows of names are not those that were written last.');
    }
  }
}

class CommitReader {
  readonly #database: Database;
  readonly #zone: number;
  readonly #damage: Damage;
  /** That of the last commit; undefined if there is none. */
  serial: number | undefined;

  constructor(database: Database, zone: number, damage: Damage) {
    this.#database = database;
    this.#zone = zone;
    this.#damage = damage;
  }

  /** The commits after a number that are readable. @param expected the serial before the first one, if that is known */
  *read(after: number, expected: number | undefined): Generator<ZoneDiff> {
    let next = expected;
    const unreadable = (why: string) => this.#damage.add(`Commits cannot be read: ${why}.`);
    for (const row of rowsOf(this.#database, COMMITS, [this.#zone, after], unreadable)) {
      const [number, serialBefore, serial] = row.map(Number) as [number, number, number];
      if (next !== undefined && serialBefore !== next) {
        this.#damage.add(`The commits between the serials ${next} and ${serialBefore} are missing.`);
      }
      next = serial;
      try {
        const diff = decodeDiff(blob(row[3]), { zone: this.#zone, number, serialBefore, serial });
        this.serial = serial;
        yield diff;
      } catch {
        this.#damage.add(`The commit from the serial ${serialBefore} to ${serial} is damaged.`);
      }
    }
  }
}

/** Rows without checksums may hold names that belong to no zone, which the replay cannot place. */
function applyCommits(folded: ZoneVersion, diffs: Iterable<ZoneDiff>, damage: Damage) {
  try {
    const { version, keys } = replay(folded, diffs);
    return { version, unfolded: keys };
  } catch (error) {
    if (error instanceof SqliteError) throw error;
    damage.add(`The commits cannot be applied: ${errorText(error)}.`);
    return { version: folded, unfolded: [] };
  }
}

/** For a zone whose SOA is lost. A recovery sets its fields and its serial. */
function placeholderSoa(apex: DomainName) {
  const times = { refresh: 0, retry: 0, expire: 0, minimum: 0 };
  const rdata = rdataText({ kind: 'SOA', mname: apex, rname: apex, serial: 0, ...times });
  return { type: RRType.SOA, ttl: 0, rdatas: [rdata] };
}

/** @throws TypeError */
function blob(value: SqlValue | undefined): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new TypeError('not a BLOB');
}

function latin1(key: SqlValue | undefined): string | undefined {
  return key instanceof Uint8Array ? Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1') : undefined;
}

/** The name of a row whose content is not readable; its key may be damaged, too. */
function shownName(key: SqlValue | undefined): string {
  const text = latin1(key);
  if (text === undefined) return '(unreadable)';
  try {
    return `'${nameOf(lowerCaseText(text))}'`;
  } catch {
    return `with the key ${Buffer.from(text, 'latin1').toString('hex')}`;
  }
}
