/**
 * The zones on disk, in SQLite: one row for each name and one for each commit.
 *
 * A commit only appends to the journal, so that its cost does not depend on the size of the zone. The rows of names are
 * updated later, in quiet moments (`fold`); a start reads them and replays the commits since then. Old commits are
 * retained for IXFR (RFC 1995). Each commit also writes its serial to the marker beside the database (known-serials.ts), by
 * which a start notices that the database has lost some.
 */
import type { DomainName } from '../../dns/name.ts';
import { type Database, openDatabase, type SqlRow } from '../../sqlite/database.ts';
import { SqliteError } from '../../sqlite/sqlite-error.ts';
import { SqliteWorker, type SqlStatement } from '../../sqlite/worker.ts';
import { EmbeddedZone } from '../zone/embedded-zone.ts';
import { hashOfKey } from '../zone/name-hash.ts';
import type { PackedNodes } from '../zone/packed-nodes.ts';
import type { ZoneDiff, ZoneVersion } from '../zone/zone-version.ts';
import type { Commit, CommitLog } from './committer.ts';
import { decodeDiff, encodeDiff, encodeNode, encodeStatics, rowOfOctets, zoneCrc } from './journal-codec.ts';
import { KnownSerials, type KnownSerialsOptions, type KnownZone, markOf } from './known-serials.ts';
import {
  addNodes,
  deleteSomeNames,
  HAS_NAMES,
  LEFTOVERS,
  leftoverStatements,
  newZoneStatements,
  replaceStatements,
  rewriteSteps,
  successorRow,
  takeOverStatements,
  writeNode,
  writeUnserved,
} from './recovery.ts';
import { prepareSchema } from './schema.ts';
import { apexKeyOf, isWholeZoneRow, readStoredZone, type StoredZone } from './stored-zone.ts';
import { judgeZone, type WithheldZone } from './withheld-zone.ts';

const ADD_COMMIT = 'INSERT INTO journal (number, zone, serial_before, serial, time, changes) VALUES (?, ?, ?, ?, ?, ?)';
const SET_STATICS = 'UPDATE zone SET statics = ? WHERE id = ?';
const SET_FOLDED = 'UPDATE zone SET folded = ?, folded_serial = ?, crc = ? WHERE id = ?';
const PRUNE = 'DELETE FROM journal WHERE zone = ? AND number <= ? AND (time < ? OR number <= ?)';
const FIND_SERIAL = 'SELECT max(number) AS number FROM journal WHERE zone = ? AND serial_before = ?';
const OCTETS_FROM = 'SELECT sum(length(changes)) AS octets FROM journal WHERE zone = ? AND number >= ?';
const COMMITS_FROM =
  'SELECT number, serial_before, serial, changes FROM journal WHERE zone = ? AND number >= ? ORDER BY number';
/** Reads every table that a start reads. Damage of their pages is an error of SQLite. */
const IS_READABLE = `SELECT names = rows AND names_sum = sum & 4294967295 AS is_readable
  FROM zone, (SELECT count(*) AS rows, ifnull(sum(crc), 0) AS sum
    FROM (SELECT zone, crc FROM node UNION ALL SELECT zone, crc FROM unserved) WHERE zone = ?1),
    (SELECT count(*) FROM journal WHERE zone = ?1 AND number > 0)
  WHERE id = ?1`;
const HAS_NAME = 'SELECT 1 AS found FROM node WHERE zone = ? AND key = ?';

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

export interface JournalOptions extends KnownSerialsOptions {
  /** Of dyndns; recorded in a new database. */
  readonly version?: string | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Called when a fold failed. Nothing is lost: the next fold writes the same names. */
  readonly onFault: (error: unknown) => void;
  /** A full sentence about damage, or about the marker. */
  readonly onWarning?: (text: string) => void;
  /** The thread that writes died: no commit will succeed any more. */
  readonly onDeath?: (error: SqliteError) => void;
}

export class Journal implements CommitLog {
  readonly file: string;
  readonly #worker: SqliteWorker;
  readonly #options: JournalOptions;
  readonly #known: KnownSerials;
  readonly #zones = new Set<EmbeddedZone>();
  readonly #withheld = new Map<string, WithheldZone>();
  #lastZone = 0;
  #lastCommit = 0;
  #folding: Promise<void> | undefined;
  #discarding: Promise<void> | undefined;
  /** Ids of successors that are being made. */
  readonly #successors = new Set<number>();
  #timer: NodeJS.Timeout | undefined;
  #lastAppendMs = 0;
  #closed = false;

  private constructor(file: string, known: KnownSerials, options: JournalOptions, worker: SqliteWorker) {
    this.file = file;
    this.#known = known;
    this.#options = options;
    this.#worker = worker;
  }

  /**
   * Opens the database, and creates it if it does not exist.
   * @param file its canonical path (lock.ts) @throws SqliteError
   */
  static async open(file: string, options: JournalOptions): Promise<Journal> {
    const known = new KnownSerials(file, options);
    await prepareSchema(file, options.version ?? 'unknown');
    const worker = await SqliteWorker.open(file, [], {
      marker: known.markerFile,
      ...(options.onDeath && { onDeath: options.onDeath }),
      onCheckpoint: () => known.copy(),
      onMarkerProblem: (problem) => known.warnOfWriting(problem),
    });
    return new Journal(file, known, options, worker);
  }

  /** The zones that `load` found damaged or behind what is known, by key of the apex. They are not served. */
  get withheld(): ReadonlyMap<string, WithheldZone> {
    return this.#withheld;
  }

  /**
   * Loads those of the given zones that are in the database and may be served; the others that are known are `withheld`.
   * @throws SqliteError
   */
  async load(apexes: readonly DomainName[]): Promise<EmbeddedZone[]> {
    const stored = new Map((await this.read(apexes)).map((zone) => [zone.apex.key, zone]));
    const zones: EmbeddedZone[] = [];
    for (const apex of apexes) {
      const zone = stored.get(apex.key);
      const withheld = judgeZone(apex, zone, this.#known.factsOf(apex));
      if (withheld !== undefined) this.#withheld.set(apex.key, withheld);
      else if (zone !== undefined) zones.push(this.#serve(zone));
    }
    if (zones.some((zone) => zone.unfolded.size > 0)) this.#foldWhenQuiet();
    await this.#worker.transaction([], this.#known.marksOfLoaded(zones.map(({ apex }) => apex)));
    void this.#discardLeftovers();
    return zones;
  }

  /** Reads and checks those of the given zones that are in the database. @throws SqliteError */
  async read(apexes: readonly DomainName[]): Promise<StoredZone[]> {
    const database = await openDatabase(this.file, { readOnly: true });
    try {
      const rows = database.all('SELECT * FROM zone');
      this.#readNumbers(database, rows);
      return apexes.flatMap((apex) => {
        const row = findZoneRow(database, rows, apex);
        return row === undefined ? [] : [readStoredZone(database, apex, row)];
      });
    } finally {
      database.close();
    }
  }

  #readNumbers(database: Database, rows: readonly SqlRow[]): void {
    const [last] = database.all('SELECT max(number) AS number FROM journal');
    for (const { id, folded } of rows) {
      this.#lastZone = Math.max(this.#lastZone, Number(id));
      this.#lastCommit = Math.max(this.#lastCommit, Number(folded) || 0);
    }
    this.#lastCommit = Math.max(this.#lastCommit, Number(last?.number ?? 0));
  }

  #serve({ id, version, unfolded, created }: StoredZone): EmbeddedZone {
    const zone = new EmbeddedZone(id, version, this.#lastCommit);
    for (const key of unfolded) zone.unfolded.add(key);
    return this.#adopt(zone, { serial: version.serial, created });
  }

  /** Adds a new zone to the database. @throws SqliteError */
  async create(version: ZoneVersion): Promise<EmbeddedZone> {
    const id = ++this.#lastZone;
    const known = { serial: version.serial, created: this.#options.now() };
    const statements = newZoneStatements(version, { id, created: known.created, lastCommit: this.#lastCommit });
    await this.#worker.transaction(statements, [markOf(version.apex.key, known)]);
    return this.#adopt(new EmbeddedZone(id, version, this.#lastCommit), known);
  }

  /**
   * Makes what is there of a withheld zone, as it is in `version`, the content of the database, and forgets its commits: a
   * secondary transfers the zone as a whole.
   * @throws SqliteError, also if the database is damaged in such a way that a start could not read what was written
   */
  async recover(withheld: WithheldZone, version: ZoneVersion): Promise<EmbeddedZone> {
    const { stored } = withheld;
    const isWhole = stored !== undefined && stored.damage.count === 0;
    const id = isWhole ? stored.id : ++this.#lastZone;
    const created = withheld.created ?? this.#options.now();
    const known = { serial: version.serial, created };
    const target = { id, created, lastCommit: this.#lastCommit };
    const marks = [markOf(version.apex.key, known)];
    if (isWhole) await this.#worker.transaction(replaceStatements(stored, version, target), marks);
    else if (stored === undefined) {
      await this.#worker.transaction(newZoneStatements(version, target));
      await this.#checkReadable(id);
      await this.#worker.transaction([], marks);
    } else {
      for (const step of rewriteSteps(stored, version, target)) await this.#worker.transaction(step);
      await this.#checkReadable(id);
      await this.#worker.transaction([], marks);
      // Where damage prevents that, the rows stay.
      await this.#worker.transaction(leftoverStatements(stored)).catch(() => undefined);
    }
    this.#withheld.delete(version.apex.key);
    return this.#adopt(new EmbeddedZone(id, version, this.#lastCommit), known);
  }

  /** In the thread, so that a large zone does not hold up queries of others. @throws SqliteError */
  async #checkReadable(zone: number): Promise<void> {
    const [row] = await this.#worker.all(IS_READABLE, [zone]);
    if (row?.['is_readable'] === 1) return;
    throw new SqliteError('corrupt', `database ${this.file}: what was written of the zone cannot be read again`);
  }

  #adopt(zone: EmbeddedZone, known: KnownZone): EmbeddedZone {
    this.#zones.add(zone);
    this.#known.add(zone.apex, known);
    return zone;
  }

  /** @throws SqliteError; then none of the commits is on disk */
  async append(commits: readonly Commit[]): Promise<void> {
    const time = this.#options.now();
    const statements: SqlStatement[] = [];
    const marks = [];
    let unfolded = 0;
    for (const { zone, diff, version, keys, successor } of commits) {
      const number = ++this.#lastCommit;
      zone.pendingCommit = number;
      if (successor !== undefined) {
        const target = { id: successor, created: this.#known.createdOf(zone.apex), lastCommit: number };
        statements.push(...takeOverStatements(zone.id, version, keys, target));
        marks.push(this.#known.markOf(zone.apex, diff.serial));
        continue;
      }
      unfolded = Math.max(unfolded, zone.unfolded.size);
      const { serialBefore, serial } = diff;
      const changes = encodeDiff(diff, { zone: zone.id, number, serialBefore, serial });
      statements.push({ sql: ADD_COMMIT, params: [number, zone.id, serialBefore, serial, time, changes] });
      if (version.statics !== zone.published.statics) {
        statements.push({ sql: SET_STATICS, params: [encodeStatics(version.statics, zone.id), zone.id] });
      }
      if (version.unserved !== zone.published.unserved) {
        statements.push(...writeUnserved(zone.id, zone.published, version));
      }
      marks.push(this.#known.markOf(zone.apex, serial));
    }
    this.#lastAppendMs = performance.now();
    await this.#worker.transaction(statements, marks);
    for (const { zone, diff, successor } of commits) {
      this.#known.committed(zone.apex, diff.serial);
      if (successor !== undefined) this.dropSuccessor(successor);
    }
    if (unfolded > MAX_UNFOLDED) void this.fold();
    else this.#foldWhenQuiet();
  }

  /**
   * Adds a zone that no start reads, for content that takes the place of another one's (EmbeddedZone.successor).
   * @param version of the zone that will be replaced @returns its id @throws SqliteError
   */
  async createSuccessor(version: ZoneVersion): Promise<number> {
    const id = ++this.#lastZone;
    this.#successors.add(id);
    const created = this.#known.createdOf(version.apex);
    await this.#worker.transaction([successorRow(version, { id, created, lastCommit: this.#lastCommit })]);
    return id;
  }

  /** Writes names of a successor as they are in its published version. @throws SqliteError */
  async writeNames({ id, published }: EmbeddedZone, keys: readonly string[]): Promise<void> {
    await this.#worker.transaction(keys.map((key) => writeNode(id, key, published.find(key))));
  }

  /** Writes names of a successor as a table has them; one without records has no row. @throws SqliteError */
  async writeTable(id: number, table: PackedNodes, keys: readonly string[]): Promise<void> {
    const rows: [string, Uint8Array][] = [];
    for (const key of keys) {
      const octets = table.octetsOf(key);
      const content = octets === undefined ? largeRow(table, key) : rowOfOctets(octets);
      if (content !== undefined) rows.push([key, content]);
    }
    if (rows.length > 0) await this.#worker.transaction([addNodes(id, rows)]);
  }

  /** It is in force, or will not be. Its rows, or those that it replaced, are deleted later. */
  dropSuccessor(id: number): void {
    this.#successors.delete(id);
    void this.#discardLeftovers();
  }

  /** Resolves when no rows are left that are not read any more, or at `close`. */
  async leftoversDiscarded(): Promise<void> {
    await this.#discarding;
  }

  /** Deletes rows that are not read any more, in small transactions. Never throws. */
  #discardLeftovers(): Promise<void> {
    this.#discarding = (this.#discarding ?? Promise.resolve())
      .then(() => this.#discard())
      .catch((error: unknown) => {
        // The rows take space only.
        if (!this.#closed) this.#options.onFault(error);
      });
    return this.#discarding;
  }

  async #discard(): Promise<void> {
    for (const row of await this.#worker.all(LEFTOVERS)) {
      const id = Number(row['id']);
      if (this.#successors.has(id)) continue;
      while ((await this.#worker.all(HAS_NAMES, [id])).length > 0) {
        await this.#worker.transaction([deleteSomeNames(id)]);
        await this.#pause();
        if (this.#closed) return;
      }
      await this.#worker.transaction(leftoverStatements({ id }));
    }
  }

  /**
   * The commits from a serial up to the newest on disk, oldest first; undefined if the serial is not in the journal, if
   * they certainly have more than `maxRecords` records, or if one is damaged: the zone is then transferred as a whole.
   * @throws SqliteError
   */
  async findDiffs(zone: EmbeddedZone, serial: number, maxRecords: number): Promise<readonly ZoneDiff[] | undefined> {
    const { id } = zone;
    const [found] = await this.#worker.all(FIND_SERIAL, [id, serial]);
    if (found === undefined || found.number === null) return undefined;
    const [size] = await this.#worker.all(OCTETS_FROM, [id, found.number as number]);
    if (Number(size?.octets) > maxRecords * MAX_RECORD_OCTETS) return undefined;
    const rows = await this.#worker.all(COMMITS_FROM, [id, found.number as number]);
    // Its successor has no commits of before.
    return zone.id === id ? this.#chainOf(zone, serial, rows) : undefined;
  }

  #chainOf(zone: EmbeddedZone, from: number, rows: readonly SqlRow[]): readonly ZoneDiff[] | undefined {
    let last = from;
    try {
      return rows.map((row) => {
        const [number, serialBefore, serial] = [row['number'], row['serial_before'], row['serial']].map(Number) as [
          number,
          number,
          number,
        ];
        if (serialBefore !== last) throw new RangeError('a commit is missing');
        const diff = decodeDiff(row['changes'] as Uint8Array, { zone: zone.id, number, serialBefore, serial });
        last = serial;
        return diff;
      });
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#options.onWarning?.(
        `The journal of the zone '${zone.apex}' is damaged after the serial ${last}: secondaries with older serials get the zone as a whole.`,
      );
      return undefined;
    }
  }

  /** Writes a consistent copy of the database. @throws SqliteError */
  async backup(toFile: string): Promise<void> {
    await this.#worker.backup(toFile);
  }

  /**
   * Updates the rows of names and deletes old commits. Only one fold runs at a time; it never throws.
   * @param hurry do not pause: nothing else uses the database. What was committed during a fold in progress is folded after it.
   */
  fold(hurry = false): Promise<void> {
    if (hurry && this.#folding !== undefined) return this.#folding.then(() => this.fold(true));
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
    await this.#discarding;
    await this.#worker.close();
    await this.#known.close();
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
      const { id } = zone;
      const keys = [...zone.unfolded];
      const upTo = zone.publishedCommit;
      const version = zone.published;
      zone.unfolded.clear();
      try {
        for (let at = 0; at < keys.length; at += FOLD_STEP) {
          const isLate = zone.unfolded.size + keys.length - at > MAX_UNFOLDED;
          if (at > 0 && !hurry && !isLate) await this.#pause();
          if (this.#closed) throw new FoldInterrupted();
          // A successor has the rows of its names.
          if (zone.id !== id) break;
          const step = keys.slice(at, at + FOLD_STEP);
          await this.#worker.transaction(step.map((key) => writeNode(id, key, version.find(key))));
        }
        if (zone.id !== id) continue;
        const oldest = this.#options.now() - JOURNAL_DAYS_MS;
        const crc = zoneCrc({
          id,
          apexKey: zone.apex.key,
          created: this.#known.createdOf(zone.apex),
          folded: upTo,
          foldedSerial: version.serial,
        });
        await this.#worker.transaction([
          { sql: SET_FOLDED, params: [upTo, version.serial, crc, id] },
          { sql: PRUNE, params: [id, upTo, oldest, upTo - JOURNAL_COMMITS] },
        ]);
      } catch (error) {
        if (zone.id === id) for (const key of keys) zone.unfolded.add(key);
        if (error instanceof FoldInterrupted) return;
        throw error;
      }
    }
  }
}

/** Of a name that the table keeps as an object. */
function largeRow(table: PackedNodes, key: string): Uint8Array | undefined {
  const node = table.get(key, hashOfKey(key));
  return node && encodeNode(node);
}

/** The server is stopping; the next start replays the rest. */
class FoldInterrupted extends Error {}

/** The row of a zone: that with its apex, else a damaged one whose names have the zone's apex. */
function findZoneRow(database: Database, rows: readonly SqlRow[], apex: DomainName): SqlRow | undefined {
  const own = rows.find((row) => apexKeyOf(row) === apex.key);
  if (own !== undefined) return own;
  const key = Buffer.from(apex.key, 'latin1');
  return rows.find((row) => {
    return !isWholeZoneRow(row) && database.all(HAS_NAME, [Number(row['id']), key]).length > 0;
  });
}
