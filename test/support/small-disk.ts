/**
 * A disk of a few hundred KiB, and a read-only view of a directory, for tests with a full or read-only disk. They are
 * real mounts, because root ignores file modes. Without permission to mount the tests are skipped, and fail if CI is
 * set.
 */
import { execFileSync } from 'node:child_process';
import { freshDirectory } from './primary-server.ts';
import { removeNow } from './process.ts';
import { describeUnless } from './require-server.ts';

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

/** Mounts an empty disk in memory. @returns its directory */
export function mountSmallDisk(kibibytes: number): string {
  return mount(freshDirectory('disk'), ['-t', 'tmpfs', '-o', `size=${kibibytes}k`, 'tmpfs']);
}

/** Mounts a read-only view of a directory. @returns its path */
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

/** A vitest `describe` for tests that mount disks. */
export function describeWithMounts(title: string, fn: () => void): void {
  const advice = 'needs permission to mount: run the tests as root on Linux, in a container with CAP_SYS_ADMIN';
  describeUnless(canMount() ? undefined : advice, 'can mount a disk', title, fn);
}
