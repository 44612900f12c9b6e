/**
 * Reads the rows of names of a zone without damage, many at a time: SQLite makes one text of them, and each is copied to the table
 * of the zone without being decoded. A million rows one by one take three times as long.
 *
 * Whatever is not as it should be ends this, and the rows are read one by one (stored-zone.ts), which names what is damaged.
 */
import type { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import type { Database, SqlRow } from '../../sqlite/database.ts';
import { SqliteError } from '../../sqlite/sqlite-error.ts';
import { lowerCase } from '../zone/name-hash.ts';
import { findRRsetAt, nodeEnd } from '../zone/node-octets.ts';
import { VersionBuilder } from '../zone/zone-load.ts';
import { isKnownFormat, nodeCrc } from './journal-codec.ts';

/** Rows that were read, and the sum of their checksums, of 32 bits. */
export interface RowCount {
  readonly rows: number;
  readonly sum: number;
}

/** Their text has a few hundred octets for each usual row, and a few hundred thousand for the largest. */
const ROWS_AT_ONCE = 200;
/** Of each row the octets of its key (2), of its content (4), the checksum (4), key, content. */
const HEADER_OCTETS = 10;
const ROWS = `SELECT count(*) AS rows, max(key) AS last,
  sum(typeof(key) = 'blob' AND typeof(content) = 'blob' AND typeof(crc) = 'integer') AS typed,
  group_concat(printf('%04x%08x%08x', length(key), length(content), crc) || hex(key) || hex(content), '') AS text
  FROM (SELECT key, content, crc FROM node WHERE zone = ? AND key > ? ORDER BY key LIMIT ${ROWS_AT_ONCE})`;

/**
 * @param row of the table `zone` @param others rows that the numbers in `row` count, too
 * @returns undefined where something is damaged, or missing
 */
export function readWholeNames(
  database: Database,
  apex: DomainName,
  row: SqlRow,
  others: RowCount,
): VersionBuilder | undefined {
  const names = new WholeNames(apex, Number(row['id']), others);
  try {
    let after: Uint8Array = Buffer.alloc(0);
    for (;;) {
      const [found] = database.all(ROWS, [Number(row['id']), after]);
      const rows = Number(found?.['rows']);
      if (rows === 0) break;
      const { last, text } = found!;
      if (Number(found!['typed']) !== rows || typeof text !== 'string' || !(last instanceof Uint8Array))
        return undefined;
      if (!names.add(Buffer.from(text, 'hex'), rows)) return undefined;
      after = last;
    }
  } catch (error) {
    // The other way meets it again, and knows what it means.
    if (error instanceof SqliteError) return undefined;
    throw error;
  }
  const { rows, sum } = names.counted;
  const isWhole = names.hasSoa && rows === Number(row['names']) && sum === Number(row['names_sum']);
  return isWhole ? names.builder : undefined;
}

class WholeNames {
  readonly builder: VersionBuilder;
  readonly #zone: number;
  readonly #apex: Buffer;
  #rows: number;
  #sum: number;
  hasSoa = false;

  constructor(apex: DomainName, zone: number, { rows, sum }: RowCount) {
    this.builder = new VersionBuilder(apex);
    this.#zone = zone;
    this.#apex = Buffer.from(apex.key, 'latin1');
    this.#rows = rows;
    this.#sum = sum;
  }

  get counted(): RowCount {
    return { rows: this.#rows, sum: this.#sum };
  }

  /** False where a row is damaged. */
  add(octets: Buffer, rows: number): boolean {
    let at = 0;
    for (let row = 0; row < rows; row++) {
      if (at + HEADER_OCTETS > octets.length) return false;
      const keyOctets = octets.readUInt16BE(at);
      const contentOctets = octets.readUInt32BE(at + 2);
      const crc = octets.readUInt32BE(at + 6);
      const key = at + HEADER_OCTETS;
      const content = key + keyOctets;
      at = content + contentOctets;
      if (at > octets.length || !this.#addRow(octets, key, content, at, crc)) return false;
    }
    return at === octets.length;
  }

  #addRow(octets: Buffer, key: number, content: number, end: number, crc: number): boolean {
    const row = octets.subarray(content, end);
    if (!isKnownFormat(row) || nodeEnd(row, 1) !== row.length || nodeCrc(this.#zone, row) !== crc) return false;
    const nameOctets = row[1]!;
    if (content - key !== nameOctets) return false;
    // The key is in lower case, as the database compares it.
    for (let i = 0; i < nameOctets; i++) if (lowerCase(row[2 + i]!) !== octets[key + i]) return false;
    if (nameOctets === this.#apex.length && this.#apex.equals(octets.subarray(key, content)))
      this.hasSoa = findRRsetAt(row, 1, RRType.SOA) >= 0;
    this.builder.addOctets(row, 1, row.length);
    this.#rows += 1;
    this.#sum = (this.#sum + crc) >>> 0;
    return true;
  }
}
