/** `npm run lint`: types of src, test, bench and web, format and lint rules, and that generated documents match the code. */
import { join } from 'node:path';
import { execPath } from 'node:process';
import { readArguments } from '../bench/usage.mjs';
import { build, install, root, run } from './prepare.mjs';

readArguments({
  command: 'npm run lint',
  about: 'Checks types, formatting and lint rules, and that generated documents match the code.',
});
install();
build();
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
run(execPath, [tsc, '--noEmit']);
run(execPath, [tsc, '-p', 'tsconfig.bench.json']);
run(execPath, [tsc, '-p', 'web']);
run(execPath, [tsc, '-p', join('test', 'browser')]);
run(execPath, [join(root, 'node_modules', '@biomejs', 'biome', 'bin', 'biome'), 'check', '--error-on-warnings', '.']);
run(execPath, [join(root, 'scripts', 'docs.mjs'), '--check']);
