/**
 * `npm run test:packages`: makes the packages and uses them as an operator would: Debian 13 and 12 with systemd as process 1,
 * the image for containers, and npm on Node.js 20, 24 and 26. Its last line is `N passed, N failed, N skipped`. Needs root, debootstrap
 * and lintian.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env, exit, getuid, stdout } from 'node:process';
import { anyText, readArguments } from '../bench/usage.mjs';
import { debianScenarios } from '../test/packages/debian-scenarios.mjs';
import { imageScenarios } from '../test/packages/image-scenario.mjs';
import { npmScenarios } from '../test/packages/npm-scenarios.mjs';
import { install } from './prepare.mjs';
import { installMissing, PACKAGE_TEST_PROGRAMS } from './servers.mjs';

const counts = { passed: 0, failed: 0, skipped: 0 };
const [filter = ''] = readArguments({
  command: 'npm run test:packages --',
  takes: [anyText('NAME')],
  about:
    'Makes the packages and uses them as an operator would; only scenarios that have NAME in their name. Needs root, debootstrap and lintian.',
}).values;

/** A step of a scenario; the later ones of it depend on it. */
async function step(title, work) {
  const start = Date.now();
  try {
    const note = await work();
    counts.passed += 1;
    stdout.write(`ok      ${title} (${((Date.now() - start) / 1000).toFixed(1)} s)${note ? `: ${note}` : ''}\n`);
  } catch (error) {
    counts.failed += 1;
    stdout.write(`FAILED  ${title}\n${error.message.replaceAll(/^/gm, '        ')}\n`);
    throw new StepFailed();
  }
}

class StepFailed extends Error {}

async function runScenario({ name, run }, folder) {
  stdout.write(`\n${name}\n`);
  try {
    await run(step, folder);
  } catch (error) {
    if (!(error instanceof StepFailed)) await step('the scenario ends', () => Promise.reject(error)).catch(() => {});
  }
}

function finish() {
  stdout.write(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`);
  exit(counts.failed > 0 ? 1 : 0);
}

/** @returns the scenarios that can run; reports the others */
function runnable() {
  const missing = installMissing(PACKAGE_TEST_PROGRAMS);
  const reason =
    getuid?.() !== 0 ? 'root rights' : missing.length > 0 ? `apt-get install -y ${missing.join(' ')}` : undefined;
  const debian = debianScenarios();
  if (reason === undefined) return [...debian, ...imageScenarios(), ...npmScenarios()];
  stdout.write(`The Debian packages were not tested, because they need: ${reason}\n`);
  counts[env.CI ? 'failed' : 'skipped'] += debian.length;
  return [...imageScenarios(), ...npmScenarios()];
}

install();
const folder = mkdtempSync(join(tmpdir(), 'dyndns-packages-'));
try {
  for (const scenario of runnable()) if (scenario.name.includes(filter)) await runScenario(scenario, folder);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
finish();
