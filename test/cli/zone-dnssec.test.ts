// `dyndns zone dnssec` and `dyndns zone key`: with a running server and without one, as an operator runs them; the DS is that of BIND.
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { requireBuiltSqlite } from '../support/built-sqlite.ts';
import { MAIN, runDyndns } from '../support/dyndns.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { type FinishedProgram, removeNow, runOrThrow, runProgram, startProcess } from '../support/process.ts';
import { describeWith } from '../support/require-server.ts';
import { keyStoreOf, signDatabase } from '../support/signed-database.ts';

const ZONE = 'dyn.example.com';
const UNSIGNED = 'plain.example.com';

beforeAll(requireBuiltSqlite);

let directory: string;
let config: string;
beforeEach(async () => {
  directory = freshDirectory('zone-dnssec');
  config = join(directory, 'dyndns.yml');
  const zones = [
    { name: ZONE, nameserver: 'embedded', ns: [`ns1.${ZONE}`], records: 'ns1 A 127.0.0.1\n', dnssec: true },
    { name: UNSIGNED, nameserver: 'embedded', ns: [`ns1.${ZONE}`] },
  ];
  const listen = ['127.0.0.1:0'];
  const options = { secret: 'masterSecretOfTests', dns: { listen, database: 'zones.db' }, http: { listen }, zones };
  writeFileSync(config, JSON.stringify({ ...options, control: 'unix:control.sock' }));
  expect((await run('zone', 'list')).code).toBe(0);
  await signDatabase(join(directory, 'zones.db'), ZONE);
});
afterEach(() => removeNow(directory));

const run = (...args: readonly string[]) => runDyndns(['-c', config, ...args], { cwd: directory });
const fileOf = (name: string) => join(directory, name);
const keyTag = () => keyStoreOf(fileOf('zones.db')).loadAll()[0]!.key.keyTag;

/** Runs the test with a server of the configuration and without one. */
function bothWays(title: string, test: () => Promise<void>): void {
  it(`${title}, without a server`, test);
  it(`${title}, with a running server`, async () => {
    const server = await startProcess({
      command: process.execPath,
      args: [MAIN, '-c', config, 'serve'],
      cwd: directory,
      ready: (output) => output.includes('admin commands at'),
    });
    try {
      await test();
    } finally {
      await server.stop();
    }
  });
}

describe('zone dnssec', () => {
  bothWays('prints keys, DS and the first expiration', async () => {
    const { code, stdout, stderr } = await run('zone', 'dnssec', ZONE);
    expect([code, stderr]).toEqual([0, '']);
    const tag = keyTag();
    expect(stdout).toMatch(
      new RegExp(
        `^dyn\\.example\\.com\\.  signed with NSEC3, serial \\d+\n  \\d+ signatures, the first expires 20\\d\\d-\\d\\d-\\d\\dT.*Z\n` +
          `Key ${tag}, algorithm 13 \\(ECDSAP256SHA256\\)\n  DS record for the parent:\n` +
          `    dyn\\.example\\.com\\. IN DS ${tag} 13 2 ([0-9A-F]{64})\n  The same for a form of a registrar:\n` +
          `    Key tag      ${tag}\n    Algorithm    13 \\(ECDSAP256SHA256\\)\n    Digest type  2 \\(SHA-256\\)\n    Digest       \\1\n` +
          `  DNSKEY record, for a registrar that makes the DS record itself:\n` +
          `    dyn\\.example\\.com\\. IN DNSKEY 257 3 13 (\\S+)\n    Flags        257\n    Protocol     3\n    Algorithm    13\n    Public key   \\2\n$`,
      ),
    );
    const json = JSON.parse((await run('zone', 'dnssec', ZONE, '--json')).stdout) as Record<string, unknown>;
    expect(json).toMatchObject({ zone: `${ZONE}.`, state: 'signed', chain: 'nsec3', keys: [{ keyTag: tag }] });
    const plain = await run('zone', 'dnssec', UNSIGNED);
    expect(plain.stdout).toMatch(
      /^plain\.example\.com\. {2}not signed, serial \d+\n {2}To sign it, set 'dnssec: true'/,
    );
    expect((await run('zone', 'dnssec', 'other.example')).stderr).toContain('is not an embedded zone of this server');
  });
});

describe('zone dnssec ZONE roll, leave, stay', () => {
  bothWays('begins a rollover, refuses a second one, and leaves', async () => {
    const old = keyTag();
    const rolled = await run('zone', 'dnssec', ZONE, 'roll', '--algorithm', 'ed25519');
    expect([rolled.code, rolled.stdout]).toEqual([
      0,
      expect.stringMatching(/\n {2}Change of the algorithm: .+\n {4}since 20.+Z/),
    ]);
    const keys = await run('zone', 'key', 'list', ZONE);
    expect(keys.stdout).toMatch(/15 \(ED25519\).*not used/);
    const again = await run('zone', 'dnssec', ZONE, 'roll');
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('A rollover is in progress: ')]);
    const forced = await run('zone', 'dnssec', ZONE, 'roll', '--force');
    expect([forced.code, forced.stderr]).toEqual([1, expect.stringContaining('waits for the parent, and none does')]);
    const left = JSON.parse((await run('zone', 'dnssec', ZONE, 'leave', '--json')).stdout) as Record<string, unknown>;
    expect(left).toMatchObject({ state: 'leaving' });
    expect((await run('zone', 'dnssec', ZONE, 'roll')).stderr).toContain('It is leaving DNSSEC');
    expect((await run('zone', 'dnssec', ZONE, 'leave', '--cancel')).stdout).toContain('signed with NSEC3');
    expect((await run('zone', 'dnssec', ZONE, 'stay')).stderr).toContain('It is not leaving DNSSEC');
    expect((await run('zone', 'dnssec', ZONE)).stdout).toMatch(new RegExp(`IN DS ${old} 13 2`));
  });

  it('leaves at once with --force, and a reload may then remove the option', async () => {
    const server = await startProcess({
      command: process.execPath,
      args: [MAIN, '-c', config, 'serve'],
      cwd: directory,
      ready: (output) => output.includes('admin commands at'),
    });
    try {
      const text = readFileSync(config, 'utf8');
      writeFileSync(config, text.replace(',"dnssec":true', ''));
      const refused = await run('reload');
      expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining(`zone dnssec ${ZONE}. leave`)]);
      const left = await run('zone', 'dnssec', ZONE, 'leave', '--force');
      expect([left.code, left.stdout]).toEqual([
        0,
        expect.stringContaining('remove that option before the next start'),
      ]);
      writeFileSync(config, text);
      expect((await run('reload')).code).toBe(0);
      expect((await run('zone', 'dnssec', ZONE)).stdout).toContain('not signed');
      writeFileSync(config, text.replace(',"dnssec":true', ''));
      expect((await run('reload')).code).toBe(0);
      expect((await run('zone', 'key', 'list', ZONE)).stdout).toContain('has no keys');
    } finally {
      await server.stop();
    }
    expect((await run('zone', 'dnssec', ZONE)).stdout).toContain('not signed');
  });

  it.each([
    [['show', '--force'], /--force is an option of 'roll' and 'leave'/],
    [['leave', '--algorithm', 'ed25519'], /--algorithm is an option of 'roll'/],
    [['roll', '--cancel'], /--cancel is an option of 'leave'/],
    [['roll', '--algorithm', 'rsasha256'], /Allowed choices are ecdsap256sha256, ed25519/],
  ])('refuses %s', async (args, expected) => {
    const { code, stderr } = await run('zone', 'dnssec', ZONE, ...args);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(expected);
  });
});

describe('zone key', () => {
  bothWays('lists, exports and imports keys', async () => {
    const tag = keyTag();
    const list = await run('zone', 'key', 'list', ZONE);
    expect(list.stdout).toMatch(
      new RegExp(`^KEY TAG  ALGORITHM +CREATED +USE\n${tag} +13 \\(ECDSAP256SHA256\\)  20.*Z  signs the zone\n$`),
    );
    mkdirSync(fileOf('out'));
    const exported = await run('zone', 'key', 'export', ZONE, String(tag), 'out', '--json');
    const files = JSON.parse(exported.stdout) as { public: string; private: string };
    const base = `K${ZONE}.+013+${String(tag).padStart(5, '0')}`;
    expect(files).toEqual({ public: `out/${base}.key`, private: `out/${base}.private` });
    for (const file of Object.values(files)) expect(statSync(fileOf(file)).mode & 0o777).toBe(0o600);
    const again = await run('zone', 'key', 'export', ZONE, String(tag), 'out');
    expect([again.code, again.stderr]).toEqual([
      1,
      expect.stringContaining(`The file 'out/${base}.key' exists already`),
    ]);

    // A lost key is put back, by either name of its files.
    rmSync(fileOf(`keys/${ZONE}`), { recursive: true });
    expect((await run('zone', 'key', 'list', ZONE)).stdout).toBe(`The zone '${ZONE}.' has no keys.\n`);
    expect((await run('zone', 'dnssec', ZONE)).stdout).toContain(
      `  PROBLEM: The zone '${ZONE}.' is signed with the key ${tag}`,
    );
    const imported = await run('zone', 'key', 'import', ZONE, files.private);
    expect([imported.code, imported.stdout]).toEqual([0, expect.stringContaining(`has the key ${tag}.`)]);
    expect(keyTag()).toBe(tag);
    expect((await run('zone', 'key', 'import', ZONE, files.public, '--json')).stdout).toContain(`"keyTag": ${tag}`);
  });

  it('errors name the file, and have nothing of a private key', async () => {
    const tag = keyTag();
    await run('zone', 'key', 'export', ZONE, String(tag));
    const base = `K${ZONE}.+013+${String(tag).padStart(5, '0')}`;
    const privateText = readFileSync(fileOf(`${base}.private`), 'utf8');
    const secret = /PrivateKey: (\S+)/.exec(privateText)![1]!;
    writeFileSync(fileOf(`${base}.private`), privateText.replace(secret, `A${secret}`));
    const results: readonly [FinishedProgram, RegExp][] = [
      [await run('zone', 'key', 'import', ZONE, base), /The field PrivateKey is not 32 octets in base64/],
      [await run('zone', 'key', 'import', UNSIGNED, base), /The field PrivateKey|one of the zone/],
      [await run('zone', 'key', 'import', ZONE, 'missing.key'), /'missing\.key' cannot be read \(ENOENT\)/],
      [await run('zone', 'key', 'export', ZONE, '70000'), /'70000' is not a key tag/],
      [await run('zone', 'key', 'export', ZONE, String(tag ^ 1)), new RegExp(`it has ${tag}\\.`)],
      [await run('zone', 'key', 'export', UNSIGNED, '1'), /it has none\./],
    ];
    for (const [{ code, stdout, stderr }, expected] of results) {
      expect(code).not.toBe(0);
      expect(stderr).toMatch(expected);
      expect(stdout + stderr).not.toContain(secret.slice(4, 16));
    }
    expect(readdirSync(fileOf(`keys/${ZONE}`)).length).toBe(2);
  });

  it.runIf(process.getuid?.() === 0 && !MAIN.startsWith('/root/'))(
    'a key of another user is an error with the command that helps, and no new key is made',
    async () => {
      const asNobody = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'] as const;
      for (const path of ['', ...readdirSync(directory)]) chownSync(join(directory, path), 65_534, 65_534);
      const folder = fileOf(`keys/${ZONE}`);
      for (const path of [fileOf('keys'), folder]) chmodSync(path, 0o700);
      const before = readdirSync(folder);
      const [command, ...args] = asNobody;
      const list = await runProgram(
        command,
        [...args, process.execPath, MAIN, '-c', config, 'zone', 'key', 'list', ZONE],
        {
          cwd: directory,
        },
      );
      expect(list.code).not.toBe(0);
      expect(list.stderr).toMatch(
        /cannot be read: \S+keys\S* belongs to root \(uid 0\), and this process runs as .+: run 'chown \S+ \S+' as root/,
      );
      expect(readdirSync(folder)).toEqual(before);
      expect(existsSync(fileOf('zones.db'))).toBe(true);
    },
  );
});

describeWith([{ command: 'dnssec-dsfromkey', debianPackage: 'bind9-utils' }], 'the DS of BIND', () => {
  it('is that of `zone dnssec`, from the files that `zone key export` writes', async () => {
    const tag = keyTag();
    await run('zone', 'key', 'export', ZONE, String(tag));
    const base = `K${ZONE}.+013+${String(tag).padStart(5, '0')}`;
    const ds = (await runOrThrow('dnssec-dsfromkey', ['-2', fileOf(`${base}.key`)])).trim();
    expect((await run('zone', 'dnssec', ZONE)).stdout).toContain(`    ${ds}\n`);
  });
});
