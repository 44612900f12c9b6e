/** A zone that is read many rows at a time has the content of the version that was stored; with anything damaged it is not read. */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { seededRandom } from '../../../test/differential/random.ts';
import { requireBuiltSqlite } from '../../../test/support/built-sqlite.ts';
import { editedVersion } from '../../../test/support/edited-zone.ts';
import { testDirectory } from '../../../test/support/test-directory.ts';
import { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import type { ZoneEdit } from '../../dns/zone-change.ts';
import { openDatabase } from '../../sqlite/database.ts';
import type { ZoneNode } from '../zone/zone-node.ts';
import type { ZoneVersion } from '../zone/zone-version.ts';
import { Journal } from './journal.ts';
import { readWholeNames } from './whole-names.ts';

beforeAll(requireBuiltSqlite);

const APEX = 'dyn.example.com';
const apex = DomainName.parse(APEX);
const NAMES = 1_000;

/** Names of all depths and letter cases, delegations and DNAMEs, a name of the apex's length, and RRsets too large to be packed. */
function randomVersion(): ZoneVersion {
  const random = seededRandom(5);
  const edits = Array.from({ length: NAMES }, (_, i): ZoneEdit => {
    const label = random.pick([`h${i}`, `H${i}.Deep`, `x.y.z${i % 50}`, `a${i}.b.c.d`]);
    const ownerName = DomainName.parse(label, apex);
    const address = { kind: 'A', address: `192.0.2.${i % 256}` } as const;
    const target = { kind: 'unknown', octets: Buffer.from('\x02ns\x07example\x03net\x00', 'latin1') } as const;
    const large = Array.from({ length: 90 }, (_, n) => ({
      kind: 'unknown' as const,
      octets: Buffer.from(`\xff${'t'.repeat(253)}${String.fromCharCode(n, i & 0xff)}`, 'latin1'),
    }));
    const [type, rdatas] = random.pick([
      [RRType.A, [address]],
      [RRType.A, [address]],
      [RRType.NS, [target]],
      [RRType.DNAME, [target]],
      [RRType.TXT, i % 20 === 0 ? large : large.slice(0, 2)],
    ] as const);
    return { kind: 'add-to-rrset', rrset: { ownerName, type, ttl: random.below(0x7fff_ffff), rdatas } };
  });
  return editedVersion(APEX, { edits });
}

async function storedIn(file: string, version: ZoneVersion) {
  const journal = await Journal.open(file, { now: () => 0, onFault: (error) => expect(error).toBeUndefined() });
  await journal.create(version);
  await journal.close();
}

/** @param change a statement that is run before */
async function read(file: string, change?: string): Promise<ZoneVersion | undefined> {
  const database = await openDatabase(file);
  try {
    // Triggers count the rows: what is damaged is not what was written.
    for (const { name } of database.all("SELECT name FROM sqlite_master WHERE type = 'trigger'")) {
      if (change !== undefined) database.run(`DROP TRIGGER ${name}`);
    }
    database.exec('PRAGMA foreign_keys = OFF');
    if (change !== undefined) database.run(change);
    const [row] = database.all('SELECT * FROM zone');
    return readWholeNames(database, apex, row!, { rows: 0, sum: 0 })?.build(new Map());
  } finally {
    database.close();
  }
}

const sorted = (nodes: Iterable<ZoneNode>) => [...nodes].sort((a, b) => (a.key < b.key ? -1 : 1));

it('has each name, the empty non-terminals and the delegations', async () => {
  const file = join(testDirectory('whole-names'), 'zones.db');
  const version = randomVersion();
  await storedIn(file, version);
  const found = await read(file);
  expect(sorted(found!.nodes.values())).toEqual(sorted(version.nodes.values()));
  expect([found!.cuts, found!.nodes.size, found!.serial]).toEqual([version.cuts, version.nodes.size, version.serial]);
  expect(version.cuts).toBeGreaterThan(100);
});

it('is not read with a row that is damaged, missing or at a wrong place', async () => {
  const directory = testDirectory('whole-names-damaged');
  const file = join(directory, 'zones.db');
  await storedIn(file, randomVersion());
  const one = 'key = (SELECT key FROM node ORDER BY key LIMIT 1 OFFSET 333)';
  const next = '(SELECT content FROM node ORDER BY key LIMIT 1 OFFSET 334)';
  const changes = [
    `UPDATE node SET content = CAST(content AS TEXT) WHERE ${one}`,
    `UPDATE node SET content = substr(content, 1, length(content) - 1) WHERE ${one}`,
    `UPDATE node SET content = CAST(substr(content, 1, length(content) - 1) || x'fe' AS BLOB) WHERE ${one}`,
    `UPDATE node SET content = CAST(content || x'00' AS BLOB) WHERE ${one}`,
    `UPDATE node SET content = x'' WHERE ${one}`,
    `UPDATE node SET content = CAST(x'03' || substr(content, 2) AS BLOB) WHERE ${one}`,
    `UPDATE node SET content = ${next} WHERE ${one}`,
    `UPDATE node SET crc = crc + 1 WHERE ${one}`,
    `UPDATE node SET crc = CAST(crc AS TEXT) || 'x' WHERE ${one}`,
    `UPDATE node SET key = CAST(key || x'00' AS BLOB) WHERE ${one}`,
    `UPDATE node SET key = CAST(key AS TEXT) WHERE ${one}`,
    `UPDATE node SET key = 7 WHERE ${one}`,
    `UPDATE node SET zone = 2 WHERE ${one}`,
    `DELETE FROM node WHERE ${one}`,
    'DELETE FROM node',
    'UPDATE zone SET names = names + 1',
    'UPDATE zone SET names_sum = names_sum + 1',
  ];
  for (const [number, change] of changes.entries()) {
    const copy = join(directory, `${number}.db`);
    copyFileSync(file, copy);
    expect([change, await read(copy, change)]).toEqual([change, undefined]);
  }
  expect(await read(file)).toBeDefined();
});
