// `npm run lint`: types of everything, format and lint rules, and that generated documents are as the code says.
import { join } from 'node:path';
import { execPath } from 'node:process';
import { build, install, root, run } from './prepare.mjs';

install();
build();
run(execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '--noEmit']);
run(execPath, [join(root, 'node_modules', '@biomejs', 'biome', 'bin', 'biome'), 'check', '--error-on-warnings', '.']);
run(execPath, [join(root, 'scripts', 'docs.mjs'), '--check']);
