/** The files of the keys of a zone as they are on disk, without reading a key: for `dyndns doctor`, which needs no lock for it. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { DomainName } from '../../dns/name.ts';
import { realFile } from '../../sqlite/lock.ts';
import { keysDirectory, zoneFolder } from './key-store.ts';

/** `mode`: as of stat(2). */
export type ListedKeyFolder =
  | {
      readonly kind: 'listed';
      readonly path: string;
      readonly files: readonly { readonly name: string; readonly mode: number }[];
    }
  | { readonly kind: 'unreadable'; readonly path: string; readonly reason: string };

/** A folder that is not there has no files. @param database file of the zones */
export function listKeyFolder(database: string, apex: DomainName): ListedKeyFolder {
  const path = join(keysDirectory(realFile(database)), zoneFolder(apex));
  try {
    const names = readdirSync(path).filter((name) => /\.(key|private)$/.test(name));
    return { kind: 'listed', path, files: names.map((name) => ({ name, mode: statSync(join(path, name)).mode })) };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return { kind: 'listed', path, files: [] };
    return { kind: 'unreadable', path, reason: code === 'EACCES' ? 'this user may not read the folder' : message };
  }
}
