/** Restores what `dyndns backup` has copied: the database of the embedded zones, that of the store and the keys beside it. */
import { existsSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import { AppError } from '../core/errors.ts';
import type { Observer } from '../core/observer.ts';
import type { KnownSerial } from '../core/zones/known-serials.ts';
import { readKeyBackup } from '../nameserver/keys/key-backup.ts';
import { KeyStore } from '../nameserver/keys/key-store.ts';
import { KeyStoreError } from '../nameserver/keys/key-store-error.ts';
import { describeMissingKeys } from '../nameserver/keys/missing-keys.ts';
import { type PreparedRestore, prepareRestore, type RestoredZone } from '../nameserver/restore.ts';
import { lockDatabase, realFile } from '../sqlite/lock.ts';
import { asideOf, giveToOwner, prepareCopy, removeDatabase, replaceDatabase } from '../sqlite/replace.ts';
import { asStartError, StartError } from './start-error.ts';
import { withStore } from './state.ts';
import { staticContents, ZONE_ERRORS } from './zones.ts';

export interface Replacement {
  readonly from: string;
  readonly to: string;
  /** Where the replaced database is; undefined if there was none. */
  readonly kept: string | undefined;
}

export interface RestoreReport {
  readonly zones: readonly RestoredZone[];
  readonly replaced: readonly Replacement[];
  /** Zones that cannot be served as they are; sentences. */
  readonly warnings: readonly string[];
}

/** The parts of a restore before anything is replaced. */
interface Restore {
  readonly from: string;
  readonly to: string;
  replace(): string | undefined;
  close(): void;
}

/**
 * Checks all copies before it replaces anything. The keys first: a zone that is signed must not be there without its key. The store next,
 * as `dyndns backup` copies it: the zones then have every change of its history.
 * @param withStore restores FILE.store, too, if it is there and the store is SQLite
 * @throws StartError
 */
export async function restoreBackup(
  config: Config,
  file: string,
  withStore: boolean,
  observer: Observer,
): Promise<RestoreReport> {
  const database = config.dns?.database;
  if (database === undefined) {
    throw new StartError('zone', 'No zone of the configuration is embedded: there is no database to restore.');
  }
  const contents = staticContents(config, observer);
  const copied = await knownSerials(config, observer);
  const prepared: Restore[] = [];
  try {
    const parts = { backup: file, database, contents, copied, nowMs: Date.now() };
    const zones: PreparedRestore = await prepareRestore(parts);
    prepared.push({ from: file, to: database, replace: () => zones.replace(), close: () => zones.close() });
    if (withStore && config.store?.kind === 'sqlite' && existsSync(`${file}.store`)) {
      prepared.unshift(await prepareStore(`${file}.store`, config.store.path));
    }
    // After the lock of the database.
    const store = new KeyStore(realFile(database), { now: Date.now, onWarning: (text) => observer.warn(text) });
    if (existsSync(`${file}.keys`)) prepared.unshift(prepareKeys(`${file}.keys`, store));
    const replaced = prepared.map(({ from, to, replace }) => ({ from, to, kept: replace() }));
    for (const each of prepared.splice(0)) each.close();
    await putKnownSerials(config, zones.zones, observer);
    return { zones: zones.zones, replaced, warnings: missingKeys(zones.zones, store) };
  } catch (error) {
    throw asStartError(error, ZONE_ERRORS);
  } finally {
    for (const each of prepared) each.close();
  }
}

function prepareKeys(backup: string, store: KeyStore): Restore {
  const pairs = readKeyBackup(backup);
  const replace = () => {
    const kept = store.restore(pairs);
    return kept.length === 0 ? undefined : kept.join(', ');
  };
  return { from: backup, to: store.directory, replace, close: () => undefined };
}

/** Zones that are signed with keys that are not there. */
function missingKeys(zones: readonly RestoredZone[], store: KeyStore): readonly string[] {
  return zones.flatMap(({ apex, dnskeys }) => {
    if (dnskeys.length === 0) return [];
    try {
      return describeMissingKeys(apex, dnskeys, store.load(apex), store.directory) ?? [];
    } catch (error) {
      if (!(error instanceof KeyStoreError)) throw error;
      return [`The keys of the zone '${apex}' cannot be used. ${error.message}`];
    }
  });
}

async function prepareStore(backup: string, path: string): Promise<Restore> {
  const lock = await lockDatabase(path);
  const { file } = lock;
  const copy = `${file}.restored`;
  const close = () => {
    removeDatabase(copy);
    lock.release();
    giveToOwner(`${file}-lock`, file);
  };
  try {
    await prepareCopy(backup, copy, ['dyndns_migrations', 'tokens']);
  } catch (error) {
    close();
    throw error;
  }
  const replace = () => {
    const aside = asideOf(file, Date.now());
    return replaceDatabase(file, copy, aside) ? aside : undefined;
  };
  return { from: backup, to: path, replace, close };
}

/** What the store knows, before it is replaced. A store that cannot be opened knows nothing. */
async function knownSerials(config: Config, observer: Observer): Promise<readonly KnownSerial[]> {
  if (config.store === undefined || (config.store.kind === 'sqlite' && !existsSync(config.store.path))) return [];
  try {
    return (await withStore(config, ({ knownSerials }) => knownSerials.all())) ?? [];
  } catch (error) {
    if (!isExpected(error) || (error instanceof StartError && error.problem === 'locked')) throw error;
    observer.warn(`The known serials could not be read from the store: ${error.message}`);
    return [];
  }
}

async function putKnownSerials(config: Config, zones: readonly RestoredZone[], observer: Observer): Promise<void> {
  try {
    await withStore(config, ({ knownSerials }) => knownSerials.put(zones));
  } catch (error) {
    if (!isExpected(error)) throw error;
    observer.warn(
      `The new serials could not be written to the store: ${error.message} If the server does not serve a zone after its start, use 'dyndns zone recover'.`,
    );
  }
}

function isExpected(error: unknown): error is Error {
  return error instanceof AppError || error instanceof StartError;
}
