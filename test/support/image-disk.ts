/**
 * A disk in a file: ext4 on a loop device. Its writes can be suspended (fsfreeze, like a disk that hangs) or made to
 * fail (the file system becomes read-only, like after a disk error). Needs root, loop devices and mkfs.ext4; without
 * them the tests are skipped, and fail if CI is set.
 */
import { execFileSync } from 'node:child_process';
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freshDirectory } from './primary-server.ts';
import { removeNow } from './process.ts';
import { describeUnless } from './require-server.ts';

export interface ImageDisk {
  readonly directory: string;
  /** Suspends writes until `thaw`. */
  freeze(): void;
  thaw(): void;
  /** Makes the file system read-only: every write fails from now on. */
  fail(): void;
  /** Mounts the disk again, like a reboot. No file on it may be open. */
  remount(): void;
  remove(): void;
}

const frozen = new Set<string>();
const mounted = new Map<string, string>();

process.on('exit', () => {
  for (const directory of frozen) run('fsfreeze', '--unfreeze', directory);
  for (const directory of mounted.keys()) run('umount', '--lazy', directory);
});

function run(command: string, ...args: readonly string[]): void {
  execFileSync(command, args, { stdio: 'pipe' });
}

export function mountImageDisk(mebibytes = 32): ImageDisk {
  const base = freshDirectory('image');
  const image = join(base, 'disk');
  const directory = freshDirectory('disk');
  const mount = () => {
    run('mount', '-o', 'loop', image, directory);
    mounted.set(directory, image);
  };
  writeFileSync(image, '');
  truncateSync(image, mebibytes * 2 ** 20);
  run('mkfs.ext4', '-q', '-F', image);
  mount();
  const thaw = () => {
    if (frozen.delete(directory)) run('fsfreeze', '--unfreeze', directory);
  };
  const unmount = (...how: readonly string[]) => {
    thaw();
    if (mounted.delete(directory)) run('umount', ...how, directory);
  };
  return {
    directory,
    freeze() {
      run('fsfreeze', '--freeze', directory);
      frozen.add(directory);
    },
    thaw,
    fail: () => run('mount', '-o', 'remount,abort', directory),
    remount() {
      unmount();
      mount();
    },
    remove() {
      unmount('--lazy');
      removeNow(directory);
      removeNow(base);
    },
  };
}

function canMountImages(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  try {
    mountImageDisk(4).remove();
    return true;
  } catch {
    return false;
  }
}

/** A vitest `describe` for tests that use `mountImageDisk`. */
export function describeWithImageDisks(title: string, fn: () => void): void {
  const advice = 'needs root, loop devices, mkfs.ext4 and fsfreeze (e2fsprogs, util-linux)';
  describeUnless(canMountImages() ? undefined : advice, 'can mount a disk in a file', title, fn);
}
