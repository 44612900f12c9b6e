// The keys of signed zones in `dyndns backup` and `dyndns restore`: with a server and without one, lost, damaged, without the file of keys.
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { requireBuiltSqlite } from '../support/built-sqlite.ts';
import { runDyndns, startDyndns } from '../support/dyndns.ts';
import { freshDirectory, writeInto } from '../support/primary-server.ts';
import { removeNow } from '../support/process.ts';
import { keyStoreOf, signDatabase } from '../support/signed-database.ts';

const ZONE = 'dyn.example.com';

beforeAll(requireBuiltSqlite);

let directory: string;
let database: string;
let keysFolder: string;
let config: string;
let secret: string;
beforeEach(async () => {
  directory = freshDirectory('backup-keys');
  database = join(directory, 'zones.db');
  keysFolder = join(directory, 'keys', ZONE);
  const zone = `{name: ${ZONE}, nameserver: embedded, ns: [ns1.${ZONE}], records: "ns1 A 127.0.0.1\\n", dnssec: true}`;
  const listen = "['127.0.0.1:0']";
  config = writeInto(
    directory,
    'own.yml',
    `secret: masterSecretOfTests\ndns: {listen: ${listen}, database: zones.db}\nhttp: {listen: ${listen}}\nzones: [${zone}]\n`,
  );
  expect((await run('zone', 'list')).code).toBe(0);
  await signDatabase(database, ZONE);
  secret = keyStoreOf(database).loadAll()[0]!.key.privateKey.export({ format: 'jwk' }).d!;
});
afterEach(() => removeNow(directory));

const run = (...args: readonly string[]) => runDyndns(['-c', config, ...args], { cwd: directory });

/** Name and content of each file of the zone's keys. */
const keyFiles = () =>
  Object.fromEntries(readdirSync(keysFolder).map((name) => [name, readFileSync(join(keysFolder, name), 'utf8')]));

async function backUp(): Promise<string> {
  const file = join(directory, 'copy.db');
  const { code, stdout, stderr } = await run('backup', file);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toContain(`2. keys of signed zones: ${join(directory, 'keys')} -> ${file}.keys\n`);
  return file;
}

it('have mode 0600 in the backup, and come back to an empty machine with mode 0600', async () => {
  const file = await backUp();
  expect(statSync(`${file}.keys`).mode & 0o777).toBe(0o600);
  const before = keyFiles();
  for (const name of readdirSync(directory)) {
    if (name.startsWith('zones.db') || name === 'keys') rmSync(join(directory, name), { recursive: true });
  }
  const { code, stdout, stderr } = await run('restore', file);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(new RegExp(`^${file}\\.keys -> ${join(directory, 'keys')}\n${file} -> `));
  expect(stdout).not.toContain('Warning');
  expect(keyFiles()).toEqual(before);
  for (const name of readdirSync(keysFolder)) expect(statSync(join(keysFolder, name)).mode & 0o777).toBe(0o600);
});

it('are copied by a running server, next to its database, and moved by the command', async () => {
  const server = await startDyndns({
    secret: 'masterSecretOfTests',
    dns: { listen: ['127.0.0.1:0'], database },
    zones: [{ name: ZONE, nameserver: 'embedded', ns: [`ns1.${ZONE}`], records: 'ns1 A 127.0.0.1\n', dnssec: true }],
  });
  try {
    const file = join(directory, 'copy.db');
    const { code, stderr } = await runDyndns(['-c', server.configFile, 'backup', file]);
    expect([code, stderr]).toEqual([0, '']);
    expect(readFileSync(`${file}.keys`, 'utf8')).toMatch(/^dyndns keys 1 [0-9a-f]{64}\n/);
    expect(statSync(`${file}.keys`).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory).filter((name) => name.includes('.backup-'))).toEqual([]);
  } finally {
    await server.stop();
  }
});

it('without the file of keys the restore says that the zone cannot be served signed', async () => {
  const file = await backUp();
  rmSync(`${file}.keys`);
  rmSync(join(directory, 'keys'), { recursive: true });
  const { code, stdout } = await run('restore', file);
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^Warning: The zone 'dyn\.example\.com\.' is signed with the key \d+, which is not in '.+\/keys'\./m,
  );
  const { warnings } = JSON.parse((await run('restore', file, '--json')).stdout) as { warnings: readonly string[] };
  expect(warnings.length).toBe(1);
});

it('damaged keys are moved aside by a restore', async () => {
  const file = await backUp();
  const before = keyFiles();
  const [damaged] = Object.keys(before).filter((name) => name.endsWith('.private'));
  writeFileSync(join(keysFolder, damaged!), 'Private-key-format: v1.3\n');
  const { code, stdout } = await run('restore', file);
  expect(code).toBe(0);
  const aside = /keys \(the one before is kept as (\S+)\)/.exec(stdout)![1]!;
  expect(readFileSync(join(aside, damaged!), 'utf8')).toBe('Private-key-format: v1.3\n');
  expect(keyFiles()).toEqual(before);
});

it('a damaged file of keys restores nothing, and no message has a part of a key', async () => {
  const file = await backUp();
  const text = readFileSync(`${file}.keys`, 'utf8');
  const before = readFileSync(database);
  for (const damaged of ['', text.slice(0, -20), text.replace(/"private": "(.{60})./, '"private": "$1x')]) {
    writeFileSync(`${file}.keys`, damaged);
    const { code, stdout, stderr } = await run('restore', file);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain(`The backup '${file}.keys' of the keys is damaged. Choose an older one.`);
    expect(stderr).not.toContain(Buffer.from(secret, 'base64url').toString('base64').slice(0, 12));
  }
  expect(readFileSync(database).equals(before)).toBe(true);
  expect(readdirSync(directory).filter((name) => /replaced|restor/.test(name))).toEqual([]);
});

it('a key that cannot be read fails the backup, and leaves the one before', async () => {
  const file = await backUp();
  const before = readFileSync(`${file}.keys`, 'utf8');
  const [name] = readdirSync(keysFolder).filter((each) => each.endsWith('.key'));
  rmSync(join(keysFolder, name!));
  const { code, stderr } = await run('backup', file);
  expect(code).toBe(1);
  expect(stderr).toContain(`The key file '${join(keysFolder, name!)}' is missing.`);
  expect(readFileSync(`${file}.keys`, 'utf8')).toBe(before);
  expect(existsSync(join(directory, 'keys'))).toBe(true);
  expect(() => keyStoreOf(database).loadAll()).toThrow();
});
