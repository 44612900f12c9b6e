// Files: which one counts, who may read it, secrets in files of their own. Real files in a temporary directory.
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RemotePrimary } from './config.ts';
import { emptyCredential, findConfigFile, hiddenConfigFile, loadConfig } from './load.ts';
import { ConfigError } from './problem.ts';
import { renderConfig } from './show.ts';

const FILE = `secret: 'abcdefgh'
nameserver: 127.0.0.1
zones: [{name: a.example, tsig_key: tPyvZA==}]
`;

let root: string;
let cwd: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'dyndns-config-'));
  cwd = join(root, 'home');
  mkdirSync(cwd);
  mkdirSync(join(root, 'etc'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(path: string, text = FILE, mode = 0o600): string {
  const file = join(root, path);
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}

const find = (flag?: string, variable?: string) =>
  findConfigFile({ flag, environment: { dyndns_CONFIG_FILE: variable }, cwd, root });

describe('the search', () => {
  test('takes --config, then dyndns_CONFIG_FILE, then ./.dyndns.yml, then /etc/dyndns.yml', () => {
    const system = write('etc/dyndns.yml');
    expect(find()).toBe(system);
    const own = write('home/.dyndns.yml');
    expect(find()).toBe(own);
    const named = write('b.yml');
    expect(find(undefined, named)).toBe(named);
    write('home/a.yml');
    expect(find('a.yml', named)).toBe(join(cwd, 'a.yml'));
  });
  test('does not fall through where a named file is missing', () => {
    write('etc/dyndns.yml');
    expect(() => find('none.yml')).toThrow("The configuration file 'none.yml' (set by --config) does not exist.");
    expect(() => find(undefined, '/none.yml')).toThrow(
      "The configuration file '/none.yml' (set by dyndns_CONFIG_FILE) does not exist. Create it in a browser: dyndns setup. Or here: dyndns init --file /none.yml",
    );
    expect(() => find('')).toThrow(ConfigError);
  });
  test('takes an empty variable as not set', () => {
    const system = write('etc/dyndns.yml');
    expect(find(undefined, '')).toBe(system);
  });
  test('says where it looked when there is none', () => {
    expect(() => find()).toThrow(
      `No configuration file was found: neither ${cwd}/.dyndns.yml nor ${root}/etc/dyndns.yml exists. Set one with --config or dyndns_CONFIG_FILE.`,
    );
  });
});

test('the file of the current directory hides the one of the system', () => {
  const hidden = (flag?: string) => hiddenConfigFile({ flag, environment: {}, cwd, root });
  const system = write('etc/dyndns.yml');
  expect(hidden()).toBeUndefined();
  write('home/.dyndns.yml');
  expect(hidden()).toBe(system);
  expect(hidden('a.yml')).toBeUndefined();
});

/** The command that closes a file which the user of the test made. */
function closing(file: string): unknown {
  return process.getuid?.() === 0 ? `chown root:${GROUP} ${file} && chmod 640 ${file}` : `chmod 600 ${file}`;
}
const GROUP = /^dyndns:/m.test(readFileSync('/etc/group', 'utf8')) ? 'dyndns' : 'www-data';

describe('reading', () => {
  test('a file that is missing, a directory, or not UTF-8 says so', () => {
    expect(() => loadConfig(join(root, 'none'), {})).toThrow('cannot be read: it does not exist.');
    expect(() => loadConfig(cwd, {})).toThrow('cannot be read: it is a directory.');
    const file = write('x.yml');
    writeFileSync(file, Buffer.from([0x61, 0x3a, 0x20, 0xff]));
    expect(() => loadConfig(file, {})).toThrow('cannot be read: it is not UTF-8.');
  });
  test('warns when others can read the secrets in it', () => {
    const file = write('x.yml', FILE, 0o644);
    expect(loadConfig(file, {}).config.warnings).toEqual([
      `The file ${file} has secrets and every user of this machine can read it. Close it: ${closing(file)}`,
    ]);
    chmodSync(file, 0o640);
    expect(loadConfig(file, {}).config.warnings).toEqual([]);
  });
  test('warns when others can read or replace files with secrets and keys', () => {
    const paths = {
      s: write('s', 'abcdefgh\n'),
      k: write('k', 'tPyvZA=='),
      hook: write('hook', 'a secret of a webhook'),
    };
    const key = write('key.pem', 'not read here');
    const text = `http: {listen: ['https://[::1]:1'], tls: {certificate: c.pem, key: key.pem}}
webhooks: [{url: https://example.com/, secret: {file: hook}}]
${FILE.replace("'abcdefgh'", '{file: s}').replace('tPyvZA==', '{file: k}')}`;
    const file = write('x.yml', text, 0o644);
    const warnings = () => loadConfig(file, {}).config.warnings;
    expect(warnings()).toEqual([]);
    for (const mode of [0o604, 0o644, 0o602, 0o666]) {
      for (const [path, what] of [
        ...Object.values(paths).map((path) => [path, 'a secret'] as const),
        [key, 'the private key of HTTPS'] as const,
      ]) {
        chmodSync(path, mode);
        expect(warnings()).toEqual([
          `The file ${path} has ${what} and every user of this machine can ${(mode & 0o002) === 0 ? 'read' : 'read or replace'} it. Close it: ${closing(path)}`,
        ]);
        chmodSync(path, 0o640);
      }
    }
    expect(warnings()).toEqual([]);
    const other = write('other', 'abcdefghi', 0o644);
    const expected = [expect.stringContaining(`The file ${other} has a secret`)];
    expect(loadConfig(write('y.yml', FILE, 0o600), { DYNDNS_SECRET_FILE: 'other' }).config.warnings).toEqual(expected);
  });
  test('does not warn when the secrets are elsewhere', () => {
    write('s', 'abcdefgh\n');
    write('k', 'tPyvZA==');
    const text = FILE.replace("'abcdefgh'", '{file: s}').replace('tPyvZA==', '{file: k}');
    expect(loadConfig(write('x.yml', text, 0o644), {}).config.warnings).toEqual([]);
  });
});

describe('secrets in files', () => {
  test('are relative to the configuration file and lose one line break', () => {
    write('s', 'abcdefghi\r\n');
    write('k', 'tPyvZA==\n');
    const text = FILE.replace("'abcdefgh'", '{file: s}').replace('tPyvZA==', '{secret: {file: ./k}}');
    const { config } = loadConfig(write('x.yml', text), {});
    expect(config.secret?.reveal()).toBe('abcdefghi');
    expect((config.zones[0]!.primary as RemotePrimary).tsigKey.secret.reveal()).toHaveLength(4);
  });
  test('that cannot be read name the option and the path', () => {
    const file = write('x.yml', FILE.replace("'abcdefgh'", '{file: none}'));
    expect(() => loadConfig(file, {})).toThrow(
      `${file}:1:1: secret: the file '${root}/none' cannot be read: it does not exist.`,
    );
  });
  test('are left out of the configuration of a command where they are credentials of the service', () => {
    const credential = '/run/credentials/dyndns.service/none';
    const text = FILE.replace("'abcdefgh'", `{file: ${credential}}`).replace('tPyvZA==', `{file: ${credential}}`);
    const file = write('x.yml', text);
    const reason = 'it does not exist; systemd makes it when it starts the service';
    expect(() => loadConfig(file, {})).toThrow(`secret: the file '${credential}' cannot be read: ${reason}.`);
    const { config, settings } = loadConfig(file, {}, { secretsOptional: true });
    expect(config.unreadFiles).toEqual(
      ['secret', 'zones[0].tsig_key'].map((option) => ({ option, file: credential, reason })),
    );
    expect(config.warnings).toEqual([]);
    expect(renderConfig(settings)).toContain("secret: '[secret]'");
    const { tsigKey } = config.zones[0]!.primary as RemotePrimary;
    expect(() => tsigKey.secret.reveal()).toThrow(
      `zones[0].tsig_key: the file '${credential}' cannot be read: ${reason}.`,
    );
  });
  test.each([
    ['store: {file: F}', 'store'],
    ['webhooks: [{url: {file: F}, secret: {file: F}}]', 'webhooks[0].url'],
    ['tokens: [{name: t, sha256: {file: F}, hosts: [a.a.example]}]', 'tokens[0].sha256'],
  ])('of a command are left out in %s too', (line, option) => {
    const text = `${line.replaceAll('F', '$CREDENTIALS_DIRECTORY/f')}\n${FILE}`;
    const { config, settings } = loadConfig(write('x.yml', text), {}, { secretsOptional: true });
    expect(config.unreadFiles?.[0]).toMatchObject({ option, file: '/run/credentials/$CREDENTIALS_DIRECTORY/f' });
    expect(renderConfig(settings)).not.toContain('undefined');
  });
  test('of a command must exist if they are not credentials', () => {
    const file = write('x.yml', FILE.replace("'abcdefgh'", '{file: none}'));
    expect(() => loadConfig(file, {}, { secretsOptional: true })).toThrow('it does not exist.');
  });
  test('with a wrong content name the path and not the content', () => {
    write('s', 'wrong-secret');
    const file = write('x.yml', FILE.replace("'abcdefgh'", '{file: s}'));
    expect(() => loadConfig(file, {})).toThrow(
      `${file}:1:1: secret: must be at least 8 characters, only A-Z, a-z and 0-9 (in the file 's').`,
    );
  });
  test('that is empty is named, with the missing file of a systemd unit', () => {
    write('s', '\n');
    const file = write('x.yml', FILE.replace("'abcdefgh'", '{file: s}'));
    expect(() => loadConfig(file, {})).toThrow(`secret: the file '${root}/s' is empty. It must be`);
    expect(emptyCredential('/run/credentials/dyndns@a.service/store')).toContain(
      "LoadCredential=store in the unit is missing or empty. Create it ('systemctl cat dyndns@a.service'",
    );
  });

  test("may lie in systemd's directory of credentials", () => {
    write('etc/secret', 'fromsystemd');
    for (const name of ['$CREDENTIALS_DIRECTORY', '$' + '{CREDENTIALS_DIRECTORY}']) {
      const file = write('x.yml', FILE.replace("'abcdefgh'", `{file: '${name}/secret'}`));
      const { config } = loadConfig(file, { CREDENTIALS_DIRECTORY: join(root, 'etc') });
      expect(config.secret?.reveal()).toBe('fromsystemd');
      expect(() => loadConfig(file, {})).toThrow('which is not set; systemd sets it for units with LoadCredential=');
    }
    const tls = `http: {listen: ['https://[::1]:1'], tls: {certificate: c, key: $CREDENTIALS_DIRECTORY/key}}\n${FILE}`;
    const { config } = loadConfig(write('x.yml', tls), { CREDENTIALS_DIRECTORY: '/run/c' });
    expect(config.http.tls).toEqual({ certificate: join(root, 'c'), key: '/run/c/key' });
  });
  test('may be named by the environment', () => {
    write('s', 'fromoutside');
    const file = write('x.yml');
    expect(loadConfig(file, { DYNDNS_SECRET_FILE: 's' }).config.secret?.reveal()).toBe('fromoutside');
    expect(() => loadConfig(file, { DYNDNS_SECRET_FILE: 's', DYNDNS_SECRET: 'abcdefgh' })).toThrow(
      'environment variable DYNDNS_SECRET_FILE: secret: DYNDNS_SECRET is set too; unset one of the two.',
    );
  });
});
