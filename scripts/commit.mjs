/**
 * Writes the commit of this checkout to DIST/commit, for `dyndns --version`. Without git, or outside of a checkout, it writes nothing
 * and leaves a file that is there: a package is built from one that was made with git.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { anyText, readArguments } from '../bench/usage.mjs';

const [dist] = readArguments({
  command: 'node scripts/commit.mjs',
  takes: [anyText('DIST')],
  about: 'Writes the commit of this checkout to DIST/commit, by default to dist/commit.',
}).values;
const root = join(import.meta.dirname, '..');
const git = (...args) => spawnSync('git', args, { cwd: root, encoding: 'utf8' });

const { status, stdout } = git('rev-parse', '--show-prefix', '--short=12', 'HEAD');
const [prefix, commit] = stdout?.split('\n') ?? [];
// The checkout of another project may contain this folder.
if (status === 0 && prefix === '') writeFileSync(join(dist ?? join(root, 'dist'), 'commit'), `${commit}\n`);
