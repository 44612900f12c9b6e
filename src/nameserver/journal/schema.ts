/**
 * The tables of the zone database, and the columns that later releases added.
 *
 * `zone.names` and `zone.names_sum` are the number of rows of names, unserved ones among them, and the sum of their checksums,
 * modulo 2^32. Triggers maintain them, so that a start notices rows that are missing or are older than the database: pages of an older copy, or a
 * write-ahead log that does not belong to it.
 */
import { type Database, openDatabase } from '../../sqlite/database.ts';
import { SqliteError } from '../../sqlite/sqlite-error.ts';

const TABLES = [
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

/** NULL, and 0 for `created`: written by a release without these columns. */
const COLUMNS = [
  // When the zone was added to the database, in ms since 1970: another database has another time.
  'ALTER TABLE zone ADD COLUMN created INTEGER NOT NULL DEFAULT 0',
  'ALTER TABLE zone ADD COLUMN folded_serial INTEGER',
  'ALTER TABLE zone ADD COLUMN crc INTEGER',
  'ALTER TABLE zone ADD COLUMN names INTEGER NOT NULL DEFAULT 0',
  'ALTER TABLE zone ADD COLUMN names_sum INTEGER NOT NULL DEFAULT 0',
  'ALTER TABLE node ADD COLUMN crc INTEGER NOT NULL DEFAULT 0',
  'ALTER TABLE unserved ADD COLUMN crc INTEGER NOT NULL DEFAULT 0',
  `UPDATE zone SET names = (SELECT count(*) FROM node WHERE node.zone = zone.id)
     + (SELECT count(*) FROM unserved WHERE unserved.zone = zone.id)`,
];

const TRIGGERS = ['node', 'unserved'].flatMap((table) => [
  `CREATE TRIGGER IF NOT EXISTS ${table}_added AFTER INSERT ON ${table} BEGIN
     UPDATE zone SET names = names + 1, names_sum = (names_sum + NEW.crc) & 4294967295 WHERE id = NEW.zone;
   END`,
  `CREATE TRIGGER IF NOT EXISTS ${table}_changed AFTER UPDATE ON ${table} BEGIN
     UPDATE zone SET names_sum = (names_sum + NEW.crc - OLD.crc) & 4294967295 WHERE id = NEW.zone;
   END`,
  `CREATE TRIGGER IF NOT EXISTS ${table}_removed AFTER DELETE ON ${table} BEGIN
     UPDATE zone SET names = names - 1, names_sum = (names_sum - OLD.crc) & 4294967295 WHERE id = OLD.zone;
   END`,
]);

/**
 * The number of this format, in PRAGMA user_version. Increase it where an older release must not write the database. Releases
 * before 1 neither wrote nor read it.
 */
const FORMAT = 1;

/**
 * Creates the tables, or adds the columns that an older release did not have.
 * @param version of dyndns, recorded with the format
 * @throws SqliteError
 */
export async function prepareSchema(file: string, version: string): Promise<void> {
  const database = await openDatabase(file);
  try {
    database.run('BEGIN IMMEDIATE');
    const format = Number(database.all('PRAGMA user_version')[0]?.['user_version']);
    if (format > FORMAT) throw newerFormat(database, format, version);
    if (format < FORMAT) {
      database.exec('CREATE TABLE IF NOT EXISTS release (format INTEGER PRIMARY KEY, version TEXT NOT NULL)');
      database.run('INSERT OR REPLACE INTO release VALUES (?, ?)', [BigInt(FORMAT), version]);
      database.exec(`PRAGMA user_version = ${FORMAT}`);
    }
    for (const sql of TABLES) database.exec(sql);
    if (!hasChecksums(database)) for (const sql of COLUMNS) database.exec(sql);
    for (const sql of TRIGGERS) database.exec(sql);
    database.run('COMMIT');
  } finally {
    database.close();
  }
}

function hasChecksums(database: Database): boolean {
  return database.all('PRAGMA table_info(node)').some(({ name }) => name === 'crc');
}

function newerFormat(database: Database, format: number, version: string): SqliteError {
  const writer = database.all('SELECT version FROM release WHERE format = ?', [BigInt(format)])[0]?.['version'];
  return new SqliteError(
    'other',
    `database ${database.file} was written by another version of dyndns: ${writer ?? 'a newer one'} (format ${format}), and this is ${version}. ` +
      `Install ${writer ?? 'the newer version'} again, or restore a backup that was made before the upgrade ('dyndns restore FILE')`,
  );
}
