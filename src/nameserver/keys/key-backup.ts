/**
 * The keys of all zones in one file of a backup, which has mode 0600: a line with the SHA-256 of what follows, then a JSON list with the
 * two texts of each key in the format of BIND. Left out: keys that were moved aside before.
 */

import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { formatKeyFiles, KeyFileError, type KeyPair, parseKeyFiles } from '../../dns/dnssec/key-file.ts';
import { errorText } from '../../dns/error-text.ts';
import { syncPath, writeNewFile } from '../../sqlite/database.ts';
import type { KeyStore } from './key-store.ts';
import { KeyStoreError } from './key-store-error.ts';
import { isSameKey } from './missing-keys.ts';

const FIRST_LINE = /^dyndns keys 1 ([0-9a-f]{64})$/;

/**
 * Writes FILE, an older one is replaced atomically.
 * @param before keys from before the zones were copied (`readableKeys`): a rollover may have removed one since that the copy needs
 * @returns false if no key was ever made, so that there is no FILE
 * @throws KeyStoreError if a key cannot be read: an older backup is worth more than one without it
 */
export function backUpKeys(store: KeyStore, file: string, before: readonly KeyPair[] = []): boolean {
  if (!existsSync(store.directory)) return false;
  const now = store.loadAll();
  const removed = before.filter(
    ({ key }) => !now.some((each) => each.key.zone.equals(key.zone) && isSameKey(each.key.dnskey, key.dnskey)),
  );
  const text = formatKeyBackup([...now, ...removed]);
  const partial = `${file}.${process.pid}.partial`;
  try {
    writeNewFile(partial, text);
    renameSync(partial, file);
    syncPath(dirname(file));
  } catch (cause) {
    rmSync(partial, { force: true });
    const why = errorText(cause);
    throw new KeyStoreError('files', `The keys could not be written to '${file}': ${why}.`, { cause });
  }
  return true;
}

/** All keys; none if one cannot be read, which `backUpKeys` reports. */
export function readableKeys(store: KeyStore): readonly KeyPair[] {
  try {
    return store.loadAll();
  } catch (error) {
    if (error instanceof KeyStoreError) return [];
    throw error;
  }
}

/** @throws KeyStoreError if it cannot be read or is damaged */
export function readKeyBackup(file: string): readonly KeyPair[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const why = errorText(cause);
    throw new KeyStoreError('files', `The backup '${file}' of the keys cannot be read: ${why}.`, { cause });
  }
  const pairs = parseKeyBackup(text);
  if (pairs !== undefined) return pairs;
  throw new KeyStoreError('files', `The backup '${file}' of the keys is damaged. Choose an older one.`);
}

function formatKeyBackup(pairs: readonly KeyPair[]): string {
  const keys = pairs.map((pair) => {
    const { publicText, privateText } = formatKeyFiles(pair);
    return { public: publicText, private: privateText };
  });
  const body = `${JSON.stringify(keys, null, 1)}\n`;
  return `dyndns keys 1 ${sha256(body)}\n${body}`;
}

/** Undefined if it is damaged. */
function parseKeyBackup(text: string): readonly KeyPair[] | undefined {
  const lineEnd = text.indexOf('\n');
  const body = text.slice(lineEnd + 1);
  if (FIRST_LINE.exec(text.slice(0, Math.max(0, lineEnd)))?.[1] !== sha256(body)) return undefined;
  try {
    const keys = JSON.parse(body) as readonly { readonly public: string; readonly private: string }[];
    return keys.map((key) => parseKeyFiles(key.public, key.private));
  } catch (error) {
    if (error instanceof KeyFileError || error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
