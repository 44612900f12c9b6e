/**
 * `npm test [-- FILTER]`: installs packages and, where it can, the servers that the tests use; builds; runs all tests; prints the
 * runner's own count as the last line, `N passed, N failed, N skipped`.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { env, execPath, exit, stdout } from 'node:process';
import { readArguments } from '../bench/usage.mjs';
import { build, install, root } from './prepare.mjs';
import { installMissing } from './servers.mjs';

const { values: args } = readArguments({
  command: 'npm test --',
  passesOn: 'FILTER',
  about:
    'Installs packages and, where it can, the servers that the tests use; builds; runs the tests whose file has a FILTER in its path, else all. Options of vitest are passed on.',
});
install();
build();
const missing = installMissing();
const report = join(root, 'test-report.json');
rmSync(report, { force: true });
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
const { status } = spawnSync(execPath, [vitest, 'run', ...reporters, ...args], {
  cwd: root,
  stdio: 'inherit',
  env,
});
const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(readFileSync(report, 'utf8'));
if (missing.length > 0)
  stdout.write(`Tests were skipped or failed because programs are missing: apt-get install -y ${missing.join(' ')}\n`);
// A file that could not be loaded, or whose process died, has no failed test that could be counted.
const failed = Math.max(numFailedTests, status === 0 ? 0 : 1);
stdout.write(`${numPassedTests} passed, ${failed} failed, ${numPendingTests} skipped\n`);
exit(failed > 0 ? 1 : (status ?? 1));
