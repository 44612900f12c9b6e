/** Damaged, mixed and older rows of the zone database: what a start notices, and what it can still read. */
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { requireBuiltSqlite } from '../../../test/support/built-sqlite.ts';
import { testDirectory } from '../../../test/support/test-directory.ts';
import { zoneRecords } from '../../../test/support/zone-records.ts';
import { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { openDatabase } from '../../sqlite/database.ts';
import { markerFile, readMarker } from '../../sqlite/marker.ts';
import { recoveredVersion } from '../withheld.ts';
import type { ZoneDraft } from '../zone/draft.ts';
import type { EmbeddedZone } from '../zone/embedded-zone.ts';
import { newVersion, replaceStatics, type StaticContent } from '../zone/static-records.ts';
import { Committer } from './committer.ts';
import { Journal } from './journal.ts';
import { knownZoneOf } from './known-serials.ts';
import { describeWithheld } from './withheld-zone.ts';

beforeAll(requireBuiltSqlite);

const apex = DomainName.parse('dyn.example.com');
const content: StaticContent = {
  apex,
  ns: [DomainName.parse('ns1.example.net')],
  nsTtl: 3600,
  soa: { refresh: 3600, retry: 600, expire: 1_209_600, minimum: 60, ttl: 60 },
  contact: DomainName.parse('hostmaster.example.com'),
  records: [],
};

let file: string;
let warnings: string[];
beforeEach(() => {
  file = join(testDirectory('journal-damage'), 'zones.db');
  warnings = [];
});

const open = () =>
  Journal.open(file, {
    now: () => 1_790_000_000_000,
    onFault: (error) => {
      throw error;
    },
    onWarning: (text) => warnings.push(text),
  });

const setHost = (label: string, last: number) => (draft: ZoneDraft) => {
  draft.setRRset(DomainName.parse(label, apex), {
    type: RRType.A,
    ttl: 60,
    rdatas: [String.fromCharCode(192, 0, 2, last)],
  });
};

interface Opened {
  readonly journal: Journal;
  readonly zone: EmbeddedZone;
  readonly committer: Committer;
}

async function openZone(): Promise<Opened> {
  const journal = await open();
  const [loaded] = await journal.load([apex]);
  const zone = loaded ?? (await journal.create(newVersion(content, 100)));
  const committer = new Committer({ log: journal });
  await committer.change(zone, (draft) => replaceStatics(draft, content));
  return { journal, zone, committer };
}

/** Five hosts in rows of names, and three commits after them. */
async function fill(): Promise<string[]> {
  const { journal, zone, committer } = await openZone();
  for (let i = 1; i <= 5; i++) await committer.change(zone, setHost(`h${i}`, i));
  await journal.fold();
  for (let i = 6; i <= 8; i++) await committer.change(zone, setHost(`h${i}`, i));
  const records = zoneRecords(zone.published);
  await journal.close();
  return records;
}

async function run(...statements: readonly string[]): Promise<void> {
  const database = await openDatabase(file);
  for (const sql of statements) database.exec(sql);
  database.close();
}

/** What a start says of the zone; undefined if it serves it. */
async function problem(): Promise<string | undefined> {
  const journal = await open();
  await journal.load([apex]);
  const withheld = journal.withheld.get(apex.key);
  await journal.close();
  return withheld && describeWithheld(withheld);
}

/** Recovers the zone, and returns its hosts at the next start, which must serve it. */
async function recover(): Promise<string[]> {
  const journal = await open();
  await journal.load([apex]);
  const withheld = journal.withheld.get(apex.key)!;
  const version = recoveredVersion(withheld, content, undefined, 0);
  await journal.recover(withheld, version);
  await journal.close();
  const again = await open();
  const [zone] = await again.load([apex]);
  await again.close();
  expect(zone?.published.serial).toBe(version.serial);
  expect(version.serial).toBe(109 + 10_000);
  return zoneRecords(zone!.published).filter((record) => record.startsWith('h'));
}

const hosts = (...numbers: number[]) =>
  numbers.map((i) => `h${i}.dyn.example.com. 60 1 c00002${i.toString(16).padStart(2, '0')}`);

const ONE_NAME = "WHERE instr(key, CAST('h2' AS BLOB)) > 0";

describe('a damaged database', () => {
  for (const [title, damage, message, left] of [
    [
      'an octet of a name',
      `UPDATE node SET content = content || x'00' ${ONE_NAME}`,
      /The name 'h2\.dyn\.example\.com\.' is damaged/,
      [1, 3, 4, 5, 6, 7, 8],
    ],
    [
      'another type in the column of a name',
      `UPDATE node SET content = 'text' ${ONE_NAME}`,
      /The name 'h2\./,
      [1, 3, 4, 5, 6, 7, 8],
    ],
    ['the checksum of a name', `UPDATE node SET crc = crc + 1 ${ONE_NAME}`, /The name 'h2\./, [1, 3, 4, 5, 6, 7, 8]],
    [
      'a missing name',
      `DROP TRIGGER node_removed; DELETE FROM node ${ONE_NAME}`,
      /There are \d+ rows of names instead of \d+/,
      [1, 3, 4, 5, 6, 7, 8],
    ],
    [
      'a name at the place of another',
      `DROP TRIGGER node_removed; DELETE FROM node WHERE instr(key, CAST('h3' AS BLOB)) > 0; UPDATE node SET key = CAST(replace(key, 'h2', 'h3') AS BLOB) ${ONE_NAME}`,
      /The name .*h3/,
      [1, 4, 5, 6, 7, 8],
    ],
    [
      'an octet of a commit',
      "UPDATE journal SET changes = changes || x'00' WHERE serial = 108",
      /The commit from the serial 107 to 108 is damaged/,
      [1, 2, 3, 4, 5, 6, 8],
    ],
    [
      'a commit of another serial',
      'UPDATE journal SET serial = 208 WHERE serial = 108',
      /The commit from the serial 107 to 208 is damaged/,
      undefined,
    ],
    [
      'a missing commit',
      'DELETE FROM journal WHERE serial = 108',
      /The commits between the serials 107 and 108 are missing/,
      [1, 2, 3, 4, 5, 6, 8],
    ],
    [
      'the list of static records',
      "UPDATE zone SET statics = statics || x'00'",
      /The list of static records is damaged/,
      [1, 2, 3, 4, 5, 6, 7, 8],
    ],
    [
      'the number of the last commit in the rows of names',
      'UPDATE zone SET folded = folded + 2',
      /The row of the zone is damaged/,
      undefined,
    ],
    [
      'the apex in the row of the zone',
      "UPDATE zone SET apex = x'00'",
      /The row of the zone is damaged/,
      [1, 2, 3, 4, 5, 6, 7, 8],
    ],
    [
      'the SOA',
      "UPDATE node SET content = content || x'00' WHERE instr(key, CAST('h' AS BLOB)) = 0",
      /The name 'dyn\.example\.com\.' is damaged/,
      [1, 2, 3, 4, 5, 6, 7, 8],
    ],
  ] as const) {
    it(`${title}: is named, and what is readable can be recovered`, async () => {
      await fill();
      expect(await problem()).toBeUndefined();
      await run(damage);
      expect(await problem()).toMatch(message);
      const recovered = await recover();
      if (left !== undefined) expect(recovered).toEqual(hosts(...left));
    });
  }

  it('pages of an older copy under newer ones are noticed, though each row is valid', async () => {
    await fill();
    const older = `${file}.older`;
    copyFileSync(file, older);
    const { journal, zone, committer } = await openZone();
    await committer.change(zone, setHost('h2', 99));
    await journal.fold();
    await journal.close();
    const database = await openDatabase(file);
    database.exec(`ATTACH '${older}' AS older; DROP TRIGGER node_changed`);
    database.exec(
      `UPDATE node SET (content, crc) = (SELECT content, crc FROM older.node AS o WHERE o.key = node.key) ${ONE_NAME}`,
    );
    database.close();
    expect(await problem()).toMatch(/Some rows of names are not those that were written last/);
  });

  it('that could not be read again is not recovered', async () => {
    await fill();
    const database = await openDatabase(file);
    const [root] = database.all("SELECT rootpage FROM sqlite_schema WHERE name = 'unserved'");
    database.close();
    const octets = readFileSync(file);
    octets.fill(0, (Number(root!['rootpage']) - 1) * 4096, Number(root!['rootpage']) * 4096);
    writeFileSync(file, octets);
    expect(await problem()).toMatch(/Rows of names cannot be read/);
    const journal = await open();
    await journal.load([apex]);
    const withheld = journal.withheld.get(apex.key)!;
    const version = recoveredVersion(withheld, content, undefined, 0);
    await expect(journal.recover(withheld, version)).rejects.toMatchObject({ reason: 'corrupt' });
    expect(journal.withheld.has(apex.key)).toBe(true);
    await journal.close();
  });

  it('a damaged commit that only IXFR reads is not sent: the secondary gets the zone as a whole', async () => {
    await fill();
    await run("UPDATE journal SET changes = changes || x'00' WHERE serial = 103");
    const { journal, zone } = await openZone();
    expect(await journal.findDiffs(zone, 101, 1000)).toBeUndefined();
    expect(await journal.findDiffs(zone, 104, 1000)).toHaveLength(5);
    expect(warnings.join()).toMatch(/journal of the zone 'dyn\.example\.com\.' is damaged after the serial 102/);
    await journal.close();
  });
});

describe('a database of an older release', () => {
  /** As release 3.0.0-alpha.1 made it: no checksums, format 1. */
  async function makeOld(): Promise<void> {
    const records = await fill();
    expect(records.length).toBeGreaterThan(8);
    const database = await openDatabase(file);
    for (const table of ['node', 'unserved']) {
      for (const when of ['added', 'changed', 'removed']) database.exec(`DROP TRIGGER ${table}_${when}`);
    }
    database.exec("UPDATE node SET content = CAST(x'01' || substr(content, 2) AS BLOB)");
    for (const [table, column] of [
      ['journal', 'changes'],
      ['zone', 'statics'],
    ]) {
      database.exec(
        `UPDATE ${table} SET ${column} = CAST(x'01' || substr(${column}, 2, length(${column}) - 5) AS BLOB)`,
      );
    }
    for (const column of ['created', 'folded_serial', 'crc', 'names', 'names_sum'])
      database.exec(`ALTER TABLE zone DROP COLUMN ${column}`);
    database.exec('ALTER TABLE node DROP COLUMN crc');
    database.exec('DROP TABLE unserved');
    database.close();
    rmSync(markerFile(file));
  }

  it('is loaded as it is and gets its marker; rows get checksums when they are written', async () => {
    const records = await fill();
    rmSync(file);
    rmSync(markerFile(file));
    await makeOld();
    const { journal, zone, committer } = await openZone();
    expect(zoneRecords(zone.published)).toEqual(records);
    expect(warnings).toEqual([]);
    const marker = readMarker(markerFile(file));
    expect(knownZoneOf(marker.kind === 'read' ? marker.entries.get(apex.key) : undefined)).toEqual({
      serial: 109,
      created: 0,
    });
    await committer.change(zone, setHost('h2', 77));
    await journal.fold();
    await journal.close();
    const database = await openDatabase(file);
    const formats = database.all(
      'SELECT hex(substr(content, 1, 1)) AS format, crc > 0 AS checked FROM node ORDER BY key',
    );
    database.close();
    expect(formats).toContainEqual({ format: '02', checked: 1 });
    expect(formats).toContainEqual({ format: '01', checked: 0 });
    expect(await problem()).toBeUndefined();
  });
});
