/**
 * The zones on disk, in SQLite: one row for each name and one for each commit.
 *
 * A commit only appends to the journal, so that its cost does not depend on the size of the zone. The rows of names are
 * updated later, in quiet moments (`fold`); a start reads them and replays the commits since then. Old commits are
 * retained for IXFR (RFC 1995).
 */
import type { DomainName } from '../../dns/name.ts';
import { openDatabase } from '../../sqlite/database.ts';
import { SqliteWorker, type SqlStatement } from '../../sqlite/worker.ts';
import { EmbeddedZone } from '../zone/embedded-zone.ts';
import { buildVersion, replay } from '../zone/zone-load.ts';
import type { ZoneDiff, ZoneNode, ZoneVersion } from '../zone/zone-version.ts';
import type { Commit, CommitLog } from './committer.ts';
import { decodeDiff, decodeNode, decodeStatics, encodeDiff, encodeNode, encodeStatics } from './journal-codec.ts';

const SCHEMA = [
  `CREATE TABLE IF NOT EXISTS zone (
     id INTEGER PRIMARY KEY,
     apex BLOB NOT NULL UNIQUE,
     folded INTEGER NOT NULL,
     statics BLOB NOT NULL
   )`,
  `CREATE TABLE IF NOT EXISTS node (
     zone INTEGER NOT NULL REFERENCES zone,
     key BLOB NOT NULL,
     content BLOB NOT NULL,
     PRIMARY KEY (zone, key)
   ) WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS journal (
     number INTEGER PRIMARY KEY,
     zone INTEGER NOT NULL REFERENCES zone,
     serial_before INTEGER NOT NULL,
     serial INTEGER NOT NULL,
     time INTEGER NOT NULL,
     changes BLOB NOT NULL
   )`,
  'CREATE INDEX IF NOT EXISTS journal_of_zone ON journal (zone, serial_before)',
  // Dynamic RRsets that collide with static ones: names as in 'node'.
  `CREATE TABLE IF NOT EXISTS unserved (
     zone INTEGER NOT NULL REFERENCES zone,
     key BLOB NOT NULL,
     content BLOB NOT NULL,
     PRIMARY KEY (zone, key)
   ) WITHOUT ROWID`,
];

const ADD_ZONE = 'INSERT INTO zone (id, apex, folded, statics) VALUES (?, ?, ?, ?)';
const ADD_COMMIT = 'INSERT INTO journal (number, zone, serial_before, serial, time, changes) VALUES (?, ?, ?, ?, ?, ?)';
const SET_STATICS = 'UPDATE zone SET statics = ? WHERE id = ?';
const SET_FOLDED = 'UPDATE zone SET folded = ? WHERE id = ?';
const SET_NODE =
  'INSERT INTO node (zone, key, content) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET content = excluded.content';
const DELETE_NODE = 'DELETE FROM node WHERE zone = ? AND key = ?';
const SET_UNSERVED =
  'INSERT INTO unserved (zone, key, content) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET content = excluded.content';
const DELETE_UNSERVED = 'DELETE FROM unserved WHERE zone = ? AND key = ?';
const PRUNE = 'DELETE FROM journal WHERE zone = ? AND number <= ? AND (time < ? OR number <= ?)';
const FIND_SERIAL = 'SELECT max(number) AS number FROM journal WHERE zone = ? AND serial_before = ?';
const OCTETS_FROM = 'SELECT sum(length(changes)) AS octets FROM journal WHERE zone = ? AND number >= ?';
const COMMITS_FROM =
  'SELECT serial_before, serial, changes FROM journal WHERE zone = ? AND number >= ? ORDER BY number';

/** Names in one transaction of a fold. A commit waits for at most one such transaction. */
const FOLD_STEP = 200;
/** Above this number of unfolded names a fold starts at once and does not pause. */
const MAX_UNFOLDED = 300_000;
/**
 * Pauses between two steps of a fold, longer while commits arrive. A step in a large zone dirties a page for each name,
 * and the checkpoint that copies these pages from the write-ahead log delays commits.
 */
const PAUSE_MS = 50;
const BUSY_PAUSE_MS = 250;
/** A zone without a commit for this long is quiet. */
const QUIET_MS = 1000;
/** Upper estimate of the size of a record, for counting the records of commits without decoding them. */
const MAX_RECORD_OCTETS = 400;
/** Commits are retained for IXFR for this time and up to this number. */
const JOURNAL_DAYS_MS = 86_400_000;
const JOURNAL_COMMITS = 100_000;

export interface JournalOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Called when a fold failed. Nothing is lost: the next fold writes the same names. */
  readonly onFault: (error: unknown) => void;
}

export class Journal implements CommitLog {
  readonly file: string;
  readonly #worker: SqliteWorker;
  readonly #options: JournalOptions;
  readonly #zones = new Set<EmbeddedZone>();
  #lastZone = 0;
  #lastCommit = 0;
  #folding: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #lastAppendMs = 0;
  #closed = false;

  private constructor(file: string, worker: SqliteWorker, options: JournalOptions) {
    this.file = file;
    this.#worker = worker;
    this.#options = options;
  }

  /** Opens the database, and creates it if it does not exist. @throws SqliteError */
  static async open(file: string, options: JournalOptions): Promise<Journal> {
    return new Journal(file, await SqliteWorker.open(file, SCHEMA), options);
  }

  /**
   * Loads those of the given zones that are in the database. Call it once, before the first commit.
   * @throws SqliteError, WireError if the content is damaged
   */
  async load(apexes: readonly DomainName[]): Promise<EmbeddedZone[]> {
    const database = await openDatabase(this.file, { readOnly: true });
    try {
      const byKey = new Map(apexes.map((apex) => [apex.key, apex]));
      const [numbers] = database.all(
        'SELECT (SELECT max(id) FROM zone) AS zone, (SELECT max(number) FROM journal) AS commits',
      );
      this.#lastZone = Number(numbers?.zone ?? 0);
      this.#lastCommit = Number(numbers?.commits ?? 0);
      const zones: EmbeddedZone[] = [];
      for (const { id, apex: octets, folded: foldedTo, statics } of database.all('SELECT * FROM zone')) {
        const apex = byKey.get(Buffer.from(octets as Uint8Array).toString('latin1'));
        if (apex === undefined) continue;
        this.#lastCommit = Math.max(this.#lastCommit, Number(foldedTo));
        const nodes = function* (): Generator<ZoneNode> {
          const rows = database.iterate('SELECT content FROM node WHERE zone = ?', [id as number]);
          for (const [content] of rows) yield decodeNode(content as Uint8Array);
        };
        const diffs = function* (): Generator<ZoneDiff> {
          const rows = database.iterate(
            'SELECT serial_before, serial, changes FROM journal WHERE zone = ? AND number > ? ORDER BY number',
            [id as number, foldedTo as number],
          );
          for (const [before, serial, changes] of rows) {
            yield decodeDiff(changes as Uint8Array, Number(before), Number(serial));
          }
        };
        const aside = database.all('SELECT content FROM unserved WHERE zone = ?', [id as number]);
        const unserved = new Map(
          aside.map(({ content }) => decodeNode(content as Uint8Array)).map((node) => [node.key, node]),
        );
        const folded = buildVersion(apex, nodes(), decodeStatics(statics as Uint8Array), unserved);
        const { version, keys } = replay(folded, diffs());
        const zone = new EmbeddedZone(Number(id), version, this.#lastCommit);
        for (const key of keys) zone.unfolded.add(key);
        zones.push(zone);
        this.#zones.add(zone);
      }
      if (zones.some((zone) => zone.unfolded.size > 0)) this.#foldWhenQuiet();
      return zones;
    } finally {
      database.close();
    }
  }

  /** Adds a new zone to the database. @throws SqliteError */
  async create(version: ZoneVersion): Promise<EmbeddedZone> {
    const zone = new EmbeddedZone(++this.#lastZone, version, this.#lastCommit);
    const apex = Buffer.from(version.apex.key, 'latin1');
    const statements: SqlStatement[] = [
      { sql: ADD_ZONE, params: [zone.id, apex, this.#lastCommit, encodeStatics(version.statics)] },
    ];
    for (const node of version.nodes.values()) statements.push(writeNode(zone.id, node.key, node));
    await this.#worker.transaction(statements);
    this.#zones.add(zone);
    return zone;
  }

  /** @throws SqliteError; then none of the commits is on disk */
  async append(commits: readonly Commit[]): Promise<void> {
    const time = this.#options.now();
    const statements: SqlStatement[] = [];
    let unfolded = 0;
    for (const { zone, diff, version } of commits) {
      this.#lastCommit += 1;
      zone.pendingCommit = this.#lastCommit;
      unfolded = Math.max(unfolded, zone.unfolded.size);
      const { serialBefore, serial } = diff;
      statements.push({
        sql: ADD_COMMIT,
        params: [this.#lastCommit, zone.id, serialBefore, serial, time, encodeDiff(diff)],
      });
      if (version.statics !== zone.published.statics) {
        statements.push({ sql: SET_STATICS, params: [encodeStatics(version.statics), zone.id] });
      }
      if (version.unserved !== zone.published.unserved) statements.push(...writeUnserved(zone, version));
    }
    this.#lastAppendMs = performance.now();
    await this.#worker.transaction(statements);
    if (unfolded > MAX_UNFOLDED) void this.fold();
    else this.#foldWhenQuiet();
  }

  /**
   * The commits from a serial up to the newest on disk, oldest first; undefined if the serial is not in the journal, or
   * if they certainly have more than `maxRecords` records.
   * @throws SqliteError
   */
  async findDiffs(zone: EmbeddedZone, serial: number, maxRecords: number): Promise<readonly ZoneDiff[] | undefined> {
    const [found] = await this.#worker.all(FIND_SERIAL, [zone.id, serial]);
    if (found === undefined || found.number === null) return undefined;
    const [size] = await this.#worker.all(OCTETS_FROM, [zone.id, found.number as number]);
    if (Number(size?.octets) > maxRecords * MAX_RECORD_OCTETS) return undefined;
    const rows = await this.#worker.all(COMMITS_FROM, [zone.id, found.number as number]);
    return rows.map((row) => decodeDiff(row.changes as Uint8Array, Number(row.serial_before), Number(row.serial)));
  }

  /** Writes a consistent copy of the database. @throws SqliteError */
  async backup(toFile: string): Promise<void> {
    await this.#worker.backup(toFile);
  }

  /**
   * Updates the rows of names and deletes old commits. Only one fold runs at a time; it never throws.
   * @param hurry do not pause: nothing else uses the database
   */
  fold(hurry = false): Promise<void> {
    this.#folding ??= this.#foldAll(hurry)
      .catch(this.#options.onFault)
      .finally(() => {
        this.#folding = undefined;
      });
    return this.#folding;
  }

  /** Interrupts a fold and closes the database. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#folding;
    await this.#worker.close();
  }

  #foldWhenQuiet(): void {
    if (this.#timer !== undefined || this.#closed) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (performance.now() - this.#lastAppendMs < QUIET_MS) this.#foldWhenQuiet();
      else void this.fold();
    }, QUIET_MS).unref();
  }

  async #pause(): Promise<void> {
    const isBusy = performance.now() - this.#lastAppendMs < QUIET_MS;
    await new Promise<void>((resolve) => setTimeout(resolve, isBusy ? BUSY_PAUSE_MS : PAUSE_MS));
  }

  async #foldAll(hurry: boolean): Promise<void> {
    for (const zone of this.#zones) {
      if (zone.unfolded.size === 0) continue;
      const keys = [...zone.unfolded];
      const upTo = zone.publishedCommit;
      const version = zone.published;
      zone.unfolded.clear();
      try {
        for (let at = 0; at < keys.length; at += FOLD_STEP) {
          const isLate = zone.unfolded.size + keys.length - at > MAX_UNFOLDED;
          if (at > 0 && !hurry && !isLate) await this.#pause();
          if (this.#closed) throw new FoldInterrupted();
          const step = keys.slice(at, at + FOLD_STEP);
          await this.#worker.transaction(step.map((key) => writeNode(zone.id, key, version.find(key))));
        }
        const oldest = this.#options.now() - JOURNAL_DAYS_MS;
        await this.#worker.transaction([
          { sql: SET_FOLDED, params: [upTo, zone.id] },
          { sql: PRUNE, params: [zone.id, upTo, oldest, upTo - JOURNAL_COMMITS] },
        ]);
      } catch (error) {
        for (const key of keys) zone.unfolded.add(key);
        if (error instanceof FoldInterrupted) return;
        throw error;
      }
    }
  }
}

/** The server is stopping; the next start replays the rest. */
class FoldInterrupted extends Error {}

function* writeUnserved({ id, published }: EmbeddedZone, { unserved }: ZoneVersion): Generator<SqlStatement> {
  for (const key of published.unserved.keys()) {
    if (!unserved.has(key)) yield { sql: DELETE_UNSERVED, params: [id, Buffer.from(key, 'latin1')] };
  }
  for (const [key, node] of unserved) {
    if (published.unserved.get(key) === node) continue;
    yield { sql: SET_UNSERVED, params: [id, Buffer.from(key, 'latin1'), encodeNode(node)] };
  }
}

function writeNode(zone: number, key: string, node: ZoneNode | undefined): SqlStatement {
  const octets = Buffer.from(key, 'latin1');
  if (node === undefined || node.rrsets.length === 0) return { sql: DELETE_NODE, params: [zone, octets] };
  return { sql: SET_NODE, params: [zone, octets, encodeNode(node)] };
}
