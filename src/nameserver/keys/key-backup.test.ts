/** Keys in a backup: what it has, damage, and how they come back. `dyndns backup` and `restore`: test/cli/backup-keys.test.ts. */
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { newSigningKey, signedZone } from '../../../test/support/signed-zone.ts';
import { testDirectory } from '../../../test/support/test-directory.ts';
import { DomainName } from '../../dns/name.ts';
import { backUpKeys, readableKeys, readKeyBackup } from './key-backup.ts';
import { KeyStore } from './key-store.ts';
import { KeyStoreError } from './key-store-error.ts';
import { describeMissingKeys, dnskeysOf } from './missing-keys.ts';

const [A, B] = [DomainName.parse('a.example'), DomainName.parse('b.example')];
const NOW = Date.UTC(2026, 10, 23, 10, 15);

let directory: string;
let file: string;
const open = (folder = directory) =>
  new KeyStore(join(folder, 'zones.db'), { now: () => NOW, onWarning: () => undefined });
const tags = (store: KeyStore, apex: DomainName) => store.load(apex).map(({ key }) => key.keyTag);

beforeEach(() => {
  directory = testDirectory('keys');
  file = join(directory, 'copy.keys');
});

/** One key of A, two of B, and a backup of them. */
function backedUp(): KeyStore {
  const store = open();
  for (const apex of [A, B]) store.generate(apex, 13);
  store.generate(B, 15);
  expect(backUpKeys(store, file)).toBe(true);
  return store;
}

describe('a backup of keys', () => {
  it('has the keys of all zones, mode 0600, and is not there where no key was ever made', () => {
    expect(backUpKeys(open(), file)).toBe(false);
    expect(existsSync(file)).toBe(false);
    backedUp();
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readKeyBackup(file).map(({ key }) => [key.zone.toString(), key.dnskey.algorithm])).toEqual(
      expect.arrayContaining([
        ['a.example.', 13],
        ['b.example.', 13],
        ['b.example.', 15],
      ]),
    );
    expect(readdirSync(directory).filter((name) => name.includes('partial'))).toEqual([]);
  });

  it('has no key that was moved aside, and replaces an older one', () => {
    const store = backedUp();
    for (const { key } of store.loadAll()) store.remove(key.zone, key.keyTag);
    expect(backUpKeys(store, file)).toBe(true);
    expect(readKeyBackup(file)).toEqual([]);
  });

  it('has a key that a rollover removed while the zones were copied', () => {
    const store = backedUp();
    const before = readableKeys(store);
    const [removed] = store.load(B);
    store.remove(B, removed!.key.keyTag);
    store.generate(A, 15);
    expect(backUpKeys(store, file, before)).toBe(true);
    const tagsOf = (pairs: typeof before) => pairs.map(({ key }) => `${key.zone} ${key.keyTag}`).sort();
    expect(tagsOf(readKeyBackup(file))).toEqual(tagsOf([...store.loadAll(), removed!]));
    expect(readKeyBackup(file)).toHaveLength(4);
  });

  it('is not written without a key that cannot be read; the older one stays', () => {
    const store = backedUp();
    const before = readFileSync(file, 'utf8');
    const [half] = readdirSync(join(directory, 'keys/b.example'));
    rmSync(join(directory, 'keys/b.example', half!));
    expect(() => backUpKeys(store, file)).toThrow(KeyStoreError);
    expect(readFileSync(file, 'utf8')).toBe(before);
  });

  it('every cut and every changed octet is noticed, and the error has nothing of the keys', () => {
    backedUp();
    const text = readFileSync(file, 'utf8');
    const damaged = [
      ...Array.from({ length: text.length - 1 }, (_, length) => text.slice(0, length)),
      ...Array.from(
        text,
        (character, at) => `${text.slice(0, at)}${character === 'x' ? 'y' : 'x'}${text.slice(at + 1)}`,
      ),
      `${text}\n`,
    ];
    for (const each of damaged) {
      writeFileSync(file, each);
      expect(() => readKeyBackup(file)).toThrow(
        new KeyStoreError('files', `The backup '${file}' of the keys is damaged. Choose an older one.`),
      );
    }
    rmSync(file);
    expect(() => readKeyBackup(file)).toThrow(/cannot be read: ENOENT/);
  });
});

describe('a restore of keys', () => {
  it('brings back all keys on a new machine', () => {
    const store = backedUp();
    const elsewhere = open(testDirectory('keys'));
    expect(elsewhere.restore(readKeyBackup(file))).toEqual([]);
    for (const apex of [A, B]) {
      expect(tags(elsewhere, apex)).toEqual(tags(store, apex));
      for (const tag of tags(store, apex)) expect(elsewhere.exportKey(apex, tag)).toEqual(store.exportKey(apex, tag));
    }
  });

  it('leaves newer keys, and keys that are the same', () => {
    const store = backedUp();
    const newer = store.generate(A, 13).key.keyTag;
    const [present] = readdirSync(join(directory, 'keys/a.example'));
    const { ino } = statSync(join(directory, 'keys/a.example', present!));
    expect(store.restore(readKeyBackup(file))).toEqual([]);
    expect(tags(store, A)).toContain(newer);
    expect(statSync(join(directory, 'keys/a.example', present!)).ino).toBe(ino);
  });

  it('moves the folder of a zone aside that has a damaged key', () => {
    const store = backedUp();
    const before = tags(store, B);
    const folder = join(directory, 'keys/b.example');
    const damaged = readdirSync(folder).find((name) => name.endsWith('.private'))!;
    writeFileSync(join(folder, damaged), 'x');
    expect(store.restore(readKeyBackup(file))).toEqual([`${folder}.replaced-20261123T101500Z`]);
    expect(tags(store, B)).toEqual(before);
    expect(readFileSync(join(`${folder}.replaced-20261123T101500Z`, damaged), 'utf8')).toBe('x');
    // What was moved aside is not a zone.
    expect(store.loadAll().length).toBe(3);
  });
});

describe('the keys of a signed version', () => {
  it('are compared with those that are there, by the key itself', () => {
    const [key, other] = [newSigningKey(A), newSigningKey(A, 'ed25519')];
    const { published } = signedZone('a.example', { keys: [key, other] });
    const missing = (...keys: readonly (typeof key)[]) =>
      describeMissingKeys(
        A,
        dnskeysOf(published),
        keys.map((each) => ({ key: each })),
        '/keys',
      );
    expect(missing(key, other, newSigningKey(A))).toBeUndefined();
    expect(missing(key, newSigningKey(A))).toMatch(
      new RegExp(`^The zone 'a\\.example\\.' is signed with the key ${other.keyTag}, which is not in '/keys'\\.`),
    );
    expect(missing()).toContain(`${key.keyTag}`);
  });
});
