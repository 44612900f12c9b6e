// A disk of a few hundred KiB, and a read-only view of a directory, for tests of what happens when a disk is full or
// read-only: real mounts, since root is not stopped by modes. Without the right to mount: a reported skip, and a failure
// where CI is set.
import { execFileSync } from 'node:child_process';
import { describe, it } from 'vitest';
import { freshDirectory } from './primary-server.ts';
import { removeNow } from './process.ts';

const mounted = new Set<string>();

process.on('exit', () => {
  for (const directory of mounted) unmount(directory);
});

function mount(directory: string, args: readonly string[]): string {
  try {
    execFileSync('mount', [...args, directory], { stdio: 'pipe' });
  } catch (error) {
    removeNow(directory);
    throw error;
  }
  mounted.add(directory);
  return directory;
}

/** Mounts an empty disk of that size in memory and gives its directory. */
export function mountSmallDisk(kibibytes: number): string {
  return mount(freshDirectory('disk'), ['-t', 'tmpfs', '-o', `size=${kibibytes}k`, 'tmpfs']);
}

/** Gives a second path of a directory, under which nothing can be written. */
export function mountReadOnly(directory: string): string {
  const view = mount(freshDirectory('view'), ['--bind', directory]);
  execFileSync('mount', ['-o', 'remount,ro,bind', view], { stdio: 'pipe' });
  return view;
}

export function unmount(directory: string): void {
  if (!mounted.delete(directory)) return;
  execFileSync('umount', ['--lazy', directory], { stdio: 'pipe' });
  removeNow(directory);
}

function canMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  try {
    unmount(mountSmallDisk(64));
    return true;
  } catch {
    return false;
  }
}

/** A vitest `describe` whose tests mount disks. */
export function describeWithMounts(title: string, fn: () => void): void {
  const advice = 'needs the right to mount: run the tests as root on Linux, in a container with CAP_SYS_ADMIN';
  if (canMount()) describe(title, fn);
  else if (process.env['CI']) {
    describe(title, () => {
      it('may mount a disk', () => {
        throw new Error(advice);
      });
    });
  } else {
    describe(title, () => {
      it.skip(advice, () => {});
    });
  }
}
