/** Files of keys: their names and modes, damage, interrupted writes. Owners: test/cli/zone-dnssec.test.ts. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { beforeEach, describe, expect, it } from 'vitest';
import { testDirectory } from '../../../test/support/test-directory.ts';
import { formatKeyFiles } from '../../dns/dnssec/key-file.ts';
import { SigningKey } from '../../dns/dnssec/signing-key.ts';
import { DomainName } from '../../dns/name.ts';
import { type ExportedKey, KeyStore, zoneFolder } from './key-store.ts';
import { KeyStoreError } from './key-store-error.ts';

const ZONE = DomainName.parse('Example.com.');
const NOW = Date.UTC(2026, 10, 23, 10, 15);

let directory: string;
let folder: string;
let warnings: string[];
const open = (makePrivateKey?: () => KeyObject) =>
  new KeyStore(join(directory, 'zones.db'), {
    now: () => NOW,
    onWarning: (text) => warnings.push(text),
    ...(makePrivateKey && { makePrivateKey }),
  });

beforeEach(() => {
  directory = testDirectory('keys');
  folder = join(directory, 'keys/example.com');
  warnings = [];
});

/** @returns its files, without their suffixes */
function makeKey(algorithm = 13): { tag: number; path: string; texts: ExportedKey } {
  const store = open();
  const tag = store.generate(ZONE, algorithm).key.keyTag;
  const texts = store.exportKey(ZONE, tag);
  return { tag, path: join(folder, texts.baseName), texts };
}

const tags = () =>
  open()
    .load(ZONE)
    .map(({ key }) => key.keyTag);

function errorOf(task: () => unknown): KeyStoreError {
  try {
    task();
  } catch (error) {
    if (error instanceof KeyStoreError) return error;
    throw error;
  }
  throw new Error('no error');
}

describe('the files of keys', () => {
  it('have the names and the format of BIND, mode 0600, and folders of mode 0700', () => {
    const { tag, path } = makeKey(13);
    const second = makeKey(15);
    expect(path).toBe(join(folder, `Kexample.com.+013+${String(tag).padStart(5, '0')}`));
    expect(second.path).toBe(join(folder, `Kexample.com.+015+${String(second.tag).padStart(5, '0')}`));
    const files = [path, second.path].flatMap((each) => [`${each}.key`, `${each}.private`]);
    expect(readdirSync(folder).map((file) => join(folder, file))).toEqual(files.sort());
    const mode = (file: string) => (statSync(file).mode & 0o777).toString(8);
    expect(files.map(mode)).toEqual(['600', '600', '600', '600']);
    expect([folder, join(directory, 'keys')].map(mode)).toEqual(['700', '700']);
    expect(readFileSync(`${path}.private`, 'utf8')).toMatch(
      /^Private-key-format: v1\.3\nAlgorithm: 13 \(ECDSAP256SHA256\)\nPrivateKey: .+=\nCreated: 20261123101500\n$/,
    );
  });

  it('are read again, sorted by key tag; a zone without a folder has none', () => {
    expect(open().load(ZONE)).toEqual([]);
    const made = [makeKey(), makeKey(15), makeKey()].map(({ tag }) => tag).sort((a, b) => a - b);
    expect(tags()).toEqual(made);
    expect(open().load(DomainName.parse('other.example'))).toEqual([]);
  });

  it('of one zone have different key tags', () => {
    const [first, second] = [makePrivateKey(), makePrivateKey()];
    const keys = [first, first, first, second];
    const store = open(() => keys.shift()!);
    expect(store.generate(ZONE, 13).key.keyTag).not.toBe(store.generate(ZONE, 13).key.keyTag);
    expect(keys).toEqual([]);
  });

  it('are in a folder that no name of a zone leads out of, and no two zones share one', () => {
    const names = ['.', 'a', 'A.b', '\\.\\.', '\\.\\./x', '\\@', 'a\\.b', '%2e', '%2E', '\\000', 'a~b', '\\195\\164'];
    const long = [`${'x'.repeat(63)}.${'\\255'.repeat(60)}`, `${'y'.repeat(63)}.${'\\255'.repeat(60)}`];
    const folders = [...names, ...long].map((name) => zoneFolder(DomainName.parse(name)));
    for (const each of folders) expect(each).toMatch(/^[@~%a-z0-9_-][%A-Za-z0-9_.-]{0,200}$/);
    expect(folders.slice(0, 5)).toEqual(['@', 'a', 'a.b', '%2E%2E', '%2E%2E%2Fx']);
    expect(new Set(folders.map((each) => each.toLowerCase())).size).toBe(folders.length - 1);
    expect(folders[7]).toBe(folders[8]);
  });

  it.each(['.', '\\.\\./\\.\\.x', `${'x'.repeat(63)}.${'\\255'.repeat(60)}`, `${`${'x'.repeat(61)}.`.repeat(4)}`])(
    'can be made, found and moved for the zone %s',
    (name) => {
      const apex = DomainName.parse(name);
      const store = open();
      const { key } = store.generate(apex, 13);
      expect(store.load(apex).map((each) => each.key.dnskey)).toEqual([key.dnskey]);
      expect(existsSync(store.remove(apex, key.keyTag))).toBe(true);
      expect(store.load(apex)).toEqual([]);
    },
  );
});

describe('import and export', () => {
  it('move a key from one server to another, with its times', () => {
    const { tag, texts } = makeKey();
    rmSync(folder, { recursive: true });
    const { key, times } = open().importKey(ZONE, texts.publicText, texts.privateText);
    expect([key.keyTag, times.Created]).toEqual([tag, NOW / 1000]);
    expect(open().exportKey(ZONE, tag)).toEqual(texts);
    expect(readdirSync(folder).length).toBe(2);
  });

  it('a key that is there is left as it is', () => {
    const { path, texts } = makeKey();
    const { ino } = statSync(`${path}.private`);
    open().importKey(ZONE, texts.publicText, texts.privateText);
    expect(statSync(`${path}.private`).ino).toBe(ino);
  });

  it('refuse a key of another zone, one with other flags, one that is damaged, and a second one with the same key tag', () => {
    const { privateText, publicText } = makeKey().texts;
    const refusal = (apex: string, text = publicText) =>
      errorOf(() => open().importKey(DomainName.parse(apex), text, privateText));
    expect(refusal('other.example')).toMatchObject({
      reason: 'refused',
      message: "The key is one of the zone 'Example.com.', not of 'other.example.'.",
    });
    const zoneKey = publicText.replace(' 257 ', ' 256 ');
    expect(refusal('example.com', zoneKey).message).toMatch(/^The flags of the key are 256, and must be 257/);
    expect(refusal('example.com', 'x').message).toBe('The public key is not one DNSKEY record.');

    // Octets swapped in pairs leave the key tag as it is: a key of its own is needed for a test, so it is searched.
    const { key, other } = keysOfOneTag();
    const store = open(() => key);
    store.generate(ZONE, 15);
    const files = formatKeyFiles({ key: new SigningKey(ZONE, other), times: {} });
    expect(errorOf(() => store.importKey(ZONE, files.publicText, files.privateText)).message).toMatch(
      /has another key with the key tag \d+\./,
    );
  });

  it('a key that is not there is an error, which lists those that are', () => {
    expect(errorOf(() => open().exportKey(ZONE, 1))).toMatchObject({
      reason: 'unknown',
      message: "The zone 'Example.com.' has no key with the key tag 1; it has none.",
    });
    const { tag } = makeKey();
    expect(errorOf(() => open().remove(ZONE, tag ^ 1)).message).toContain(`it has ${tag}.`);
  });
});

describe('a removed key', () => {
  it('is moved aside, and can be imported again', () => {
    const { tag, path, texts } = makeKey();
    const aside = open().remove(ZONE, tag);
    expect(aside).toBe(`${path}.private.removed-20261123T101500Z`);
    expect(tags()).toEqual([]);
    expect(readFileSync(aside, 'utf8')).toBe(texts.privateText);
    expect(readFileSync(aside.replace('.private.', '.key.'), 'utf8')).toBe(texts.publicText);
    open().importKey(ZONE, texts.publicText, texts.privateText);
    expect(tags()).toEqual([tag]);
  });
});

describe('an interrupted write', () => {
  it('of which no file has its name leaves no key, and its files go with the next one', () => {
    const { path, texts } = makeKey();
    for (const half of ['.key', '.private']) renameSync(path + half, `${path}${half}.new`);
    expect(tags()).toEqual([]);
    for (const cut of ['', texts.privateText.slice(0, 40)]) {
      writeFileSync(`${path}.private.new`, cut);
      expect(tags()).toEqual([]);
    }
    rmSync(`${path}.key.new`);
    expect(tags()).toEqual([]);
    const { tag } = makeKey();
    expect(tags()).toEqual([tag]);
    expect(readdirSync(folder).filter((file) => file.endsWith('.new'))).toEqual([]);
  });

  it.each(['.key', '.private'])('of which only %s has not its name is completed', (half) => {
    const { tag, path } = makeKey();
    renameSync(path + half, `${path}${half}.new`);
    expect(tags()).toEqual([tag]);
    expect(existsSync(path + half)).toBe(true);
  });

  it('of a removal is completed', () => {
    const { tag, path } = makeKey();
    const aside = open().remove(ZONE, tag);
    renameSync(aside.replace('.private.', '.key.'), `${path}.key`);
    expect(tags()).toEqual([]);
    expect(existsSync(aside.replace('.private.', '.key.'))).toBe(true);
  });

  it('does not take a key for removed that was imported again and then lost a file', () => {
    const { tag, path, texts } = makeKey();
    open().remove(ZONE, tag);
    open().importKey(ZONE, texts.publicText, texts.privateText);
    rmSync(`${path}.private`);
    expect(errorOf(tags).message).toContain(`'${path}.private' is missing`);
  });
});

describe('damage is an error that names the file, and makes no key', () => {
  /** The error of both ways to the keys; the folder stays as it is. */
  function damage(): KeyStoreError {
    const before = existsSync(folder) ? readdirSync(folder) : [];
    const error = errorOf(tags);
    expect(errorOf(() => open().generate(ZONE, 13)).message).toBe(error.message);
    expect(existsSync(folder) ? readdirSync(folder) : []).toEqual(before);
    expect(error.reason).toBe('files');
    return error;
  }

  it.each(['.key', '.private'])('%s is missing', (half) => {
    const { path } = makeKey();
    makeKey();
    rmSync(path + half);
    expect(damage().message).toMatch(
      new RegExp(
        `^The key file '${path.replaceAll('+', '\\+')}${half}' is missing\\. Put the files .* back from a backup\\.`,
      ),
    );
  });

  it('every cut and every changed character of the private key is noticed, and no error has a part of it', () => {
    const { path, texts } = makeKey();
    const secret = /PrivateKey: (.+)\n/.exec(texts.privateText)![1]!;
    const at = texts.privateText.indexOf(secret);
    const changed = (index: number) => {
      const before = texts.privateText[index]!;
      return `${texts.privateText.slice(0, index)}${before === 'A' ? 'B' : 'A'}${texts.privateText.slice(index + 1)}`;
    };
    const damaged = [
      ...Array.from({ length: at + secret.length }, (_, length) => texts.privateText.slice(0, length)),
      ...Array.from(secret, (_, index) => changed(at + index)),
      texts.privateText.replace(secret, secret.toUpperCase()),
    ];
    for (const text of damaged) {
      writeFileSync(`${path}.private`, text);
      const error = errorOf(tags);
      expect(error.message).toMatch(/^The key files '.+\.key' and '\.private' are damaged\. /);
      const shown = inspect(error);
      const end = Math.min(text.length, at + secret.length);
      for (let i = at; i + 8 <= end; i++) expect(shown).not.toContain(text.slice(i, i + 8));
    }
    damage();
  });

  it('the public key is cut or another one', () => {
    const { path, texts } = makeKey();
    const other = makeKey();
    for (const text of ['', texts.publicText.slice(0, -12), other.texts.publicText]) {
      writeFileSync(`${path}.key`, text);
      expect(damage().message).toContain(`'${path}.key' and '.private' are damaged`);
    }
  });

  it('files have the name of another key or zone', () => {
    const { path } = makeKey();
    for (const half of ['.key', '.private']) renameSync(path + half, join(folder, `Kother.example.+013+00001${half}`));
    expect(damage().message).toMatch(
      /has the key of other files\. Move it to '.+example\.com\/Kexample\.com\.\+013\+\d{5}\.key'/,
    );
    const foreign = join(directory, 'keys/other.example');
    renameSync(folder, foreign);
    expect(errorOf(() => open().load(DomainName.parse('other.example'))).message).toContain('the key of other files');
  });

  it('a file is a folder, or too long', () => {
    const { path } = makeKey();
    writeFileSync(`${path}.private`, 'x'.repeat(70_000));
    expect(damage().message).toContain('is too long for a key');
    rmSync(`${path}.private`);
    mkdirSync(`${path}.private`);
    expect(damage().message).toContain(`'${path}.private' is not a file.`);
  });

  it('a folder is a file, or a link to a folder that is not mounted', () => {
    writeFileSync(join(directory, 'keys'), '');
    expect(damage().message).toBe(`'${folder}' cannot be read: its folder is a file; move that file away.`);
    rmSync(join(directory, 'keys'));
    symlinkSync(join(directory, 'missing'), join(directory, 'keys'));
    expect(damage().message).toContain(`'${folder}' cannot be read: ENOENT`);
  });
});

describe('modes', () => {
  it('a private key that others can read gets the mode 600, with a warning', () => {
    const { tag, path } = makeKey();
    chmodSync(`${path}.private`, 0o644);
    expect(tags()).toEqual([tag]);
    expect(warnings).toEqual([
      `The mode of the private key '${path}.private' was 644, so that other users of this machine could read it. It is 600 now.`,
    ]);
    expect(tags()).toEqual([tag]);
    expect(warnings.length).toBe(1);
  });
});

function makePrivateKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}

/** Two keys of Ed25519 with one key tag, after some 300 attempts. */
function keysOfOneTag(): { key: KeyObject; other: KeyObject } {
  const made = new Map<number, KeyObject>();
  for (;;) {
    const { privateKey } = generateKeyPairSync('ed25519');
    const { keyTag } = new SigningKey(ZONE, privateKey);
    const key = made.get(keyTag);
    if (key !== undefined) return { key, other: privateKey };
    made.set(keyTag, privateKey);
  }
}
