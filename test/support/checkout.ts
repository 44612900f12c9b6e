/** A copy of this checkout as git lists it, for tests that build, format or change files: theirs are not touched. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { REPOSITORY } from './installation.ts';

/** Copies all files that git tracks or would add, with their times; installed packages are linked. */
export function copyCheckout(directory: string): void {
  const listed = execFileSync(
    'git',
    ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate'],
    {
      cwd: REPOSITORY,
      encoding: 'utf8',
    },
  );
  const deleted = new Set(
    execFileSync('git', ['ls-files', '-z', '--deleted'], { cwd: REPOSITORY, encoding: 'utf8' }).split('\0'),
  );
  for (const file of listed.split('\0').filter((name) => name !== '' && !deleted.has(name))) {
    const target = join(directory, file);
    mkdirSync(dirname(target), { recursive: true });
    cpSync(join(REPOSITORY, file), target, { preserveTimestamps: true });
  }
  // Each package is a link of its own: an installation in the copy would empty the folder behind a link to all of them.
  const packages = join(directory, 'node_modules');
  mkdirSync(packages);
  for (const name of readdirSync(join(REPOSITORY, 'node_modules'))) {
    if (name !== '.vite') symlinkSync(join(REPOSITORY, 'node_modules', name), join(packages, name));
  }
}
