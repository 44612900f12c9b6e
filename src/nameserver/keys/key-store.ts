/**
 * The keys of signed zones, as files beside the database: `keys/ZONE/KZONE.+013+TAG.key` and `.private` in the format of BIND
 * (dns/dnssec/key-file.ts), mode 0600 in folders of mode 0700. The caller has the lock of the database, so that no one else writes here.
 *
 * A key that cannot be read is an error, and never replaced by a new one: the DS record at the parent names it. A file is written
 * under another name (`.new`), synced and renamed; `load` completes what an interruption left. Which key signs: key-roles.ts.
 */
import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto';
import {
  chmodSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { DnssecAlgorithm } from '../../dns/dnssec/algorithms.ts';
import {
  fileNameOf,
  formatKeyFiles,
  KeyFileError,
  type KeyPair,
  type KeyTimes,
  parseKeyFiles,
} from '../../dns/dnssec/key-file.ts';
import { COMBINED_KEY, SigningKey } from '../../dns/dnssec/signing-key.ts';
import type { DomainName } from '../../dns/name.ts';
import { syncPath, writeNewFile } from '../../sqlite/database.ts';
import { deniedAdvice } from '../../sqlite/file-advice.ts';
import { giveToOwner } from '../../sqlite/replace.ts';
import { KeyStoreError } from './key-store-error.ts';

export interface KeyStorePorts {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly onWarning: (text: string) => void;
  /** For tests. @param algorithm one of DnssecAlgorithm */
  readonly makePrivateKey?: (algorithm: number) => KeyObject;
}

export type TimeChanges = { readonly [Name in keyof KeyTimes]: KeyTimes[Name] | undefined };

/** The texts of a key's files. */
export interface ExportedKey {
  /** Of the files, without `.key` and `.private`. */
  readonly baseName: string;
  readonly publicText: string;
  /** A secret. */
  readonly privateText: string;
}

/** The key files of one zone. */
export interface ZoneKeyFiles {
  load(): readonly KeyPair[];
  /** @param algorithm one of DnssecAlgorithm */
  generate(algorithm: number): KeyPair;
  setTimes(keyTag: number, changes: TimeChanges): void;
  /** Moves a key aside. @returns its new path */
  remove(keyTag: number): string;
}

export function zoneKeyFiles(store: KeyStore, apex: DomainName): ZoneKeyFiles {
  return {
    load: () => store.load(apex),
    generate: (algorithm) => store.generate(apex, algorithm),
    setTimes: (keyTag, changes) => store.setTimes(apex, keyTag, changes),
    remove: (keyTag) => store.remove(apex, keyTag),
  };
}

/** Of a key whose use begins. */
export const NO_TIMES: TimeChanges = {
  ...{ Publish: undefined, Activate: undefined, SyncPublish: undefined },
  ...{ SyncDelete: undefined, Inactive: undefined, Delete: undefined },
};

const HALVES = ['.private', '.key'] as const;
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;
/** The files have about 500 octets. */
const MAX_FILE_OCTETS = 65_536;
/** File systems permit 255 octets, of which `K`, algorithm, key tag and suffixes need up to 43. */
const MAX_ZONE_TEXT = 200;

export class KeyStore {
  /** The folder that has a folder for each zone. */
  readonly directory: string;
  readonly #ports: KeyStorePorts;

  /** @param database its canonical path (sqlite/lock.ts) */
  constructor(database: string, ports: KeyStorePorts) {
    this.directory = keysDirectory(database);
    this.#ports = ports;
  }

  /**
   * The keys of a zone, sorted by key tag; none if the zone has no folder.
   * @throws KeyStoreError if one of them cannot be read in full
   */
  load(apex: DomainName): readonly KeyPair[] {
    return this.#loadFolder(this.#folderOf(apex));
  }

  /**
   * The keys of all zones, also of those that the configuration does not have.
   * @throws KeyStoreError if one of them cannot be read in full
   */
  loadAll(): readonly KeyPair[] {
    const folders = listFiles(this.directory).filter(
      (name) => !REPLACED.test(name) && isFolder(join(this.directory, name)),
    );
    return folders.flatMap((name) => this.#loadFolder(join(this.directory, name)));
  }

  /**
   * Makes a new key; it is on disk when this returns. No two keys of a zone have one key tag.
   * @param algorithm one of DnssecAlgorithm
   * @throws KeyStoreError
   */
  generate(apex: DomainName, algorithm: number): KeyPair {
    const tags = new Set(this.load(apex).map(({ key }) => key.keyTag));
    const { makePrivateKey = newPrivateKey, now } = this.#ports;
    let key: SigningKey;
    do key = new SigningKey(apex, makePrivateKey(algorithm));
    while (tags.has(key.keyTag));
    const pair = { key, times: { Created: Math.floor(now() / 1000) } };
    this.#write(apex, pair);
    return pair;
  }

  /**
   * Changes times of a key; they are on disk when this returns. An interruption leaves those of before.
   * @param changes a time that is undefined is removed
   * @throws KeyStoreError
   */
  setTimes(apex: DomainName, keyTag: number, changes: TimeChanges): void {
    const { key, times } = this.#find(apex, keyTag);
    const entries = Object.entries({ ...times, ...changes }).filter(([, time]) => time !== undefined);
    this.#write(apex, { key, times: Object.fromEntries(entries) });
  }

  /** A key that could be imported. @throws KeyStoreError */
  read(apex: DomainName, publicText: string, privateText: string): KeyPair {
    const pair = parsePair(publicText, privateText, (why) => new KeyStoreError('refused', why));
    const { zone } = pair.key;
    if (zone.equals(apex)) return pair;
    throw new KeyStoreError('refused', `The key is one of the zone '${zone}', not of '${apex}'.`);
  }

  /**
   * Adds a key that another program made. A key that is there already is not written again.
   * @throws KeyStoreError
   */
  importKey(apex: DomainName, publicText: string, privateText: string): KeyPair {
    const pair = this.read(apex, publicText, privateText);
    const { key } = pair;
    const same = this.load(apex).find((each) => each.key.keyTag === key.keyTag);
    if (same?.key.privateKey.equals(key.privateKey)) return same;
    if (same !== undefined) {
      const message = `The zone '${apex}' has another key with the key tag ${key.keyTag}. Two keys of a zone with one key tag cannot be told apart; make another key.`;
      throw new KeyStoreError('refused', message);
    }
    this.#write(apex, pair);
    return pair;
  }

  /** @throws KeyStoreError */
  exportKey(apex: DomainName, keyTag: number): ExportedKey {
    return formatKeyFiles(this.#find(apex, keyTag));
  }

  /**
   * Moves the files of a key aside, in the same folder; they are never deleted.
   * @returns the path of the private key's file
   * @throws KeyStoreError
   */
  remove(apex: DomainName, keyTag: number): string {
    const folder = this.#folderOf(apex);
    const base = baseNameOf(this.#find(apex, keyTag));
    const suffix = asideSuffix('removed', this.#ports.now());
    return attempt(folder, 'written', () => {
      for (const half of HALVES) renameSync(join(folder, base + half), join(folder, base + half + suffix));
      syncPath(folder);
      return `${join(folder, base)}.private${suffix}`;
    });
  }

  /**
   * Puts the keys of a backup in their places. Others stay, but where they cannot be read, or one has the key tag of another key, the whole
   * folder of the zone is moved aside.
   * @returns where
   * @throws KeyStoreError
   */
  restore(pairs: readonly KeyPair[]): readonly string[] {
    const kept: string[] = [];
    for (const zone of new Map(pairs.map(({ key }) => [key.zone.key, key.zone])).values()) {
      const own = pairs.filter(({ key }) => key.zone.equals(zone));
      const folder = this.#folderOf(zone);
      if (existsSync(folder) && !this.#canHold(zone, own)) {
        const aside = folder + asideSuffix('replaced', this.#ports.now());
        attempt(folder, 'written', () => renameSync(folder, aside));
        kept.push(aside);
      }
      for (const { publicText, privateText } of own.map(formatKeyFiles)) this.importKey(zone, publicText, privateText);
    }
    return kept;
  }

  /** Whether the folder of the zone can be read, and has no other key with one of these key tags. */
  #canHold(zone: DomainName, added: readonly KeyPair[]): boolean {
    try {
      const present = this.load(zone);
      const isOther = (a: KeyPair, b: KeyPair) =>
        a.key.keyTag === b.key.keyTag && !a.key.privateKey.equals(b.key.privateKey);
      return !added.some((pair) => present.some((each) => isOther(pair, each)));
    } catch (error) {
      if (error instanceof KeyStoreError) return false;
      throw error;
    }
  }

  #loadFolder(folder: string): readonly KeyPair[] {
    completeInterrupted(folder);
    const files = new Set(listFiles(folder));
    const bases = new Set([...files].flatMap((file) => /^(.+)\.(?:key|private)$/.exec(file)?.[1] ?? []));
    const pairs = [...bases].map((base) => {
      const missing = HALVES.map((half) => base + half).find((file) => !files.has(file));
      if (missing === undefined) return this.#read(join(folder, base));
      throw new KeyStoreError('files', `The key file '${join(folder, missing)}' is missing. ${ADVICE}`);
    });
    return pairs.sort((a, b) => a.key.keyTag - b.key.keyTag);
  }

  #folderOf(apex: DomainName): string {
    return join(this.directory, zoneFolder(apex));
  }

  #find(apex: DomainName, keyTag: number): KeyPair {
    const keys = this.load(apex);
    const found = keys.find(({ key }) => key.keyTag === keyTag);
    if (found !== undefined) return found;
    const listed = keys.length === 0 ? 'it has none' : `it has ${keys.map(({ key }) => key.keyTag).join(', ')}`;
    throw new KeyStoreError('unknown', `The zone '${apex}' has no key with the key tag ${keyTag}; ${listed}.`);
  }

  /** @param path of the files, without `.key` and `.private` */
  #read(path: string): KeyPair {
    const [privateText, publicText] = HALVES.map((half) => readKeyFile(path + half)) as [string, string];
    this.#restrict(`${path}.private`);
    const pair = parsePair(
      publicText,
      privateText,
      (why) => new KeyStoreError('files', `The key files '${path}.key' and '.private' are damaged. ${why} ${ADVICE}`),
    );
    const expected = join(this.#folderOf(pair.key.zone), baseNameOf(pair));
    if (path === expected) return pair;
    const message = `The key file '${path}.key' has the key of other files. Move it to '${expected}.key' and its '.private' with it, or move both to another folder.`;
    throw new KeyStoreError('files', message);
  }

  /** Copies of an operator often get the mode of the umask. */
  #restrict(file: string): void {
    const mode = statSync(file).mode & 0o777;
    if ((mode & 0o077) === 0) return;
    const shown = `The mode of the private key '${file}' was ${mode.toString(8)}, so that other users of this machine could read it`;
    try {
      chmodSync(file, FILE_MODE);
      this.#ports.onWarning(`${shown}. It is 600 now.`);
    } catch {
      this.#ports.onWarning(`${shown}. Run 'chmod 600 ${file}'.`);
    }
  }

  #write(apex: DomainName, pair: KeyPair): void {
    const folder = this.#folderOf(apex);
    const base = join(folder, baseNameOf(pair));
    const { privateText, publicText } = formatKeyFiles(pair);
    attempt(folder, 'written', () => {
      for (const each of [this.directory, folder]) makeFolder(each);
      // Of keys that were never complete, and so never used.
      for (const file of listFiles(folder)) if (/\.(?:key|private)\.new$/.test(file)) rmSync(join(folder, file));
      writeNew(`${base}.private`, privateText);
      writeNew(`${base}.key`, publicText);
      for (const half of HALVES) renameSync(`${base}${half}.new`, base + half);
      syncPath(folder);
    });
  }
}

const REPLACED = /\.replaced-\d{8}T\d{6}Z$/;

const ADVICE =
  'Put the files of the key back from a backup. No new key is made in its place, because resolvers would refuse the zone while its ' +
  'parent has the DS record of this one. If the key is not used, move its files to another folder.';

/** Where the keys are of the zones of a database. */
export function keysDirectory(database: string): string {
  return join(dirname(database), 'keys');
}

/** Different for each zone, also where the file system ignores case, and neither empty nor `.` or `..`. */
export function zoneFolder(apex: DomainName): string {
  const text = zoneText(apex);
  return text === '.' ? '@' : text.slice(0, -1);
}

/** With the final dot. A name that is too long for a file gets a hash. */
function zoneText(apex: DomainName): string {
  const text = fileNameOf(apex);
  if (text.length <= MAX_ZONE_TEXT) return text;
  return `~${createHash('sha256').update(apex.key, 'latin1').digest('hex')}.`;
}

function baseNameOf(pair: KeyPair): string {
  const { zone } = pair.key;
  return `K${zoneText(zone)}${formatKeyFiles(pair).baseName.slice(1 + fileNameOf(zone).length)}`;
}

/** @param refused makes the error from a full sentence */
function parsePair(publicText: string, privateText: string, refused: (why: string) => KeyStoreError): KeyPair {
  let pair: KeyPair;
  try {
    pair = parseKeyFiles(publicText, privateText);
  } catch (error) {
    if (!(error instanceof KeyFileError)) throw error;
    throw refused(error.message);
  }
  const { dnskey } = pair.key;
  if (dnskey.flags === COMBINED_KEY) return pair;
  throw refused(
    `The flags of the key are ${dnskey.flags}, and must be ${COMBINED_KEY}: one key signs the zone and is named by the DS record.`,
  );
}

function newPrivateKey(algorithm: number): KeyObject {
  return algorithm === DnssecAlgorithm.ED25519
    ? generateKeyPairSync('ed25519').privateKey
    : generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}

/** Renames what `#write` and `remove` had not renamed. */
function completeInterrupted(folder: string): void {
  const files = new Set(listFiles(folder));
  for (const file of files) {
    const [, base, half, suffix] = /^(.+)(\.key|\.private)(\.new|\.removed-\d{8}T\d{6}Z)$/.exec(file) ?? [];
    if (base === undefined || half === undefined || suffix === undefined) continue;
    const other = base + (half === '.key' ? '.private' : '.key');
    // A new key of which one half has its name, or an old one whose other half is not moved yet.
    const [from, to] = suffix === '.new' ? [file, base + half] : [other, other + suffix];
    const isInterrupted = suffix === '.new' ? files.has(other) : !files.has(base + half) && files.has(other);
    if (!isInterrupted || files.has(to)) continue;
    attempt(folder, 'written', () => {
      renameSync(join(folder, from), join(folder, to));
      syncPath(folder);
    });
  }
}

/** `.removed-20261123T101500Z`. No name of a zone's folder ends in that: it has no capital letters, except after `%`. */
function asideSuffix(what: 'removed' | 'replaced', nowMs: number): string {
  return `.${what}-${new Date(nowMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
}

function listFiles(folder: string): readonly string[] {
  return attempt(folder, 'read', () => {
    try {
      return readdirSync(folder).sort();
    } catch (error) {
      // No link whose target is missing: it would look like a zone without keys.
      const paths = [folder, dirname(folder)].map((path) => lstatSync(path, { throwIfNoEntry: false }));
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || paths.some((status) => status?.isSymbolicLink()))
        throw error;
      return [];
    }
  });
}

function readKeyFile(file: string): string {
  return attempt(file, 'read', () => {
    const status = statSync(file);
    if (!status.isFile()) throw new KeyStoreError('files', `'${file}' is not a file. ${ADVICE}`);
    if (status.size > MAX_FILE_OCTETS) {
      throw new KeyStoreError('files', `The file '${file}' is too long for a key. ${ADVICE}`);
    }
    return readFileSync(file, 'utf8');
  });
}

/** Its parent exists. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  mkdirSync(folder, { mode: FOLDER_MODE });
  giveToOwner(folder, dirname(folder));
  syncPath(dirname(folder));
}

/** Writes FILE.new, synced to disk. */
function writeNew(file: string, text: string): void {
  const partial = `${file}.new`;
  writeNewFile(partial, text);
  giveToOwner(partial, dirname(file));
}

/** Converts errors of the file system. @param done `read` or `written` */
function attempt<Result>(path: string, done: string, task: () => Result): Result {
  try {
    return task();
  } catch (error) {
    if (error instanceof KeyStoreError) throw error;
    const { code, message, path: place = path } = error as NodeJS.ErrnoException;
    const advice = (code === 'EACCES' || code === 'EPERM' ? denied(place) : WHY[code ?? '']) ?? message;
    throw new KeyStoreError('files', `'${place}' cannot be ${done}: ${advice}.`, { cause: error });
  }
}

function denied(path: string): string | undefined {
  const folder = deniedAdvice(dirname(path), constants.W_OK | constants.X_OK, '700');
  return folder ?? deniedAdvice(path, constants.R_OK, isFolder(path) ? '700' : '600');
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

const WHY: Readonly<Record<string, string | undefined>> = {
  ENOSPC: 'no space is left on its disk; free some',
  EDQUOT: 'the quota of its user is used up; raise it',
  EROFS: 'the file system is mounted read-only; mount it with rw',
  ENOTDIR: 'its folder is a file; move that file away',
};
