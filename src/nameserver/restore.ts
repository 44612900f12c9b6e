/**
 * Restores a backup of the zone database, while no server has it open. Each zone gets a serial later than every known one, as by
 * `dyndns zone recover`: secondaries then take the restored zone.
 */
import { copyFileSync, existsSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { KnownSerial } from '../core/zones/known-serials.ts';
import type { DomainName } from '../dns/name.ts';
import type { DnskeyFields } from '../dns/rdata.ts';
import { writeCopy } from '../sqlite/backup.ts';
import { lockDatabase } from '../sqlite/lock.ts';
import { markerFile, readMarker } from '../sqlite/marker.ts';
import { asideOf, giveToOwner, prepareCopy, removeDatabase, replaceDatabase } from '../sqlite/replace.ts';
import { SqliteError } from '../sqlite/sqlite-error.ts';
import { Journal } from './journal/journal.ts';
import { knownZoneOf, laterSerial } from './journal/known-serials.ts';
import type { StoredZone } from './journal/stored-zone.ts';
import { dnskeysOf } from './keys/missing-keys.ts';
import { recoveredVersion } from './withheld.ts';
import type { StaticContent } from './zone/static-records.ts';

export interface RestoredZone extends KnownSerial {
  /** The serial in the backup. */
  readonly before: number;
  /** The highest one that was known. */
  readonly known: number | undefined;
  readonly names: number;
  /** Of the zone, if it is signed. */
  readonly dnskeys: readonly DnskeyFields[];
}

export interface RestoreParts {
  readonly backup: string;
  readonly database: string;
  /** Of the zones of the configuration. */
  readonly contents: readonly StaticContent[];
  /** The known serials of the store. */
  readonly copied: readonly KnownSerial[];
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

export interface PreparedRestore {
  readonly zones: readonly RestoredZone[];
  /** Puts the prepared database in its place, and keeps the old one. @returns where; undefined if there was none */
  replace(): string | undefined;
  /** Releases the lock and deletes what is left. */
  close(): void;
}

const TABLES = ['zone', 'node', 'journal'];

/** Locks the database and prepares the restored one beside it. @throws DatabaseLockedError, SqliteError, StaticConflict */
export async function prepareRestore(parts: RestoreParts): Promise<PreparedRestore> {
  const lock = await lockDatabase(parts.database);
  const { file } = lock;
  const work = `${file}.restoring`;
  const prepared = `${file}.restored`;
  const close = () => {
    for (const each of [work, prepared]) removeDatabase(each);
    for (const suffix of ['', '.new']) rmSync(markerFile(work) + suffix, { force: true });
    lock.release();
    giveToOwner(`${file}-lock`, dirname(file));
  };
  try {
    await prepareCopy(parts.backup, work, TABLES);
    // Zones that the backup does not have stay known.
    rmSync(markerFile(work), { force: true });
    if (readMarker(markerFile(file)).kind === 'read') copyFileSync(markerFile(file), markerFile(work));
    const zones = await recoverAll(work, file, parts);
    await writeCopy(work, prepared);
    const replace = () => {
      const aside = asideOf(file, parts.nowMs);
      const hadOne = replaceDatabase(file, prepared, aside);
      giveToOwner(markerFile(work), file);
      if (existsSync(markerFile(work))) renameSync(markerFile(work), markerFile(file));
      return hadOne ? aside : undefined;
    };
    return { zones, replace, close };
  } catch (error) {
    close();
    throw error;
  }
}

async function recoverAll(work: string, replaced: string, parts: RestoreParts): Promise<RestoredZone[]> {
  const { contents, copied, nowMs, backup } = parts;
  const marker = readMarker(markerFile(work));
  const apexes = contents.map(({ apex }) => apex);
  const serialsBefore = await serialsIn(replaced, apexes);
  const journal = await Journal.open(work, { now: () => nowMs, onFault: () => undefined });
  try {
    const restored: RestoredZone[] = [];
    const stored = await journal.read(apexes);
    if (stored.length === 0 && contents.length > 0) {
      throw new SqliteError('other', `the backup ${backup} has no zone of the configuration`);
    }
    for (const zone of stored) {
      const { apex, damage, serial, created } = zone;
      if (damage.count > 0 || serial === undefined) {
        throw new SqliteError('corrupt', `the backup ${backup} is damaged: ${damage} Choose an older one`);
      }
      const marked = marker.kind === 'read' ? knownZoneOf(marker.entries.get(apex.key)) : undefined;
      const copy = copied.find((each) => each.apex.equals(apex));
      const known = laterSerial(laterSerial(marked?.serial, copy?.serial), serialsBefore.get(apex.key));
      const withheld = {
        apex,
        stored: zone,
        knownSerial: known,
        created: copy?.created ?? marked?.created ?? created,
        why: '',
      };
      const content = contents.find((each) => each.apex.equals(apex))!;
      const version = recoveredVersion(withheld, content, undefined, Math.floor(nowMs / 1000));
      await journal.recover(withheld, version);
      const names = version.nodes.size;
      restored.push({
        apex,
        serial: version.serial,
        created: withheld.created,
        before: serial,
        known,
        names,
        dnskeys: dnskeysOf(version),
      });
    }
    return restored;
  } finally {
    await journal.close();
  }
}

/** The serials in the database that is replaced, as far as they can be read. */
async function serialsIn(file: string, apexes: readonly DomainName[]): Promise<ReadonlyMap<string, number>> {
  if (!existsSync(file)) return new Map();
  let zones: readonly StoredZone[] = [];
  try {
    const journal = await Journal.open(file, { now: () => 0, onFault: () => undefined });
    try {
      zones = await journal.read(apexes);
    } finally {
      await journal.close();
    }
  } catch (error) {
    if (!(error instanceof SqliteError)) throw error;
  }
  return new Map(zones.flatMap(({ apex, serial }) => (serial === undefined ? [] : [[apex.key, serial]])));
}
