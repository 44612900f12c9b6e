/**
 * Every `npm run` of package.json does what CONTRIBUTING.md says of it. Those that build, format or watch run in a copy of
 * the checkout, so that they change nothing here.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { copyCheckout } from '../support/checkout.ts';
import { REPOSITORY } from '../support/installation.ts';
import { type RunningProcess, runProgram, startProcess, waitUntil } from '../support/process.ts';
import { testDirectory } from '../support/test-directory.ts';

const SCRIPTS = Object.keys(
  (JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')) as { scripts: object }).scripts,
);

/** Where each script is run; a new script needs an entry. */
const RUN_BY: Readonly<Record<string, string>> = {
  build: 'here',
  start: 'test/docs/readme.test.ts',
  dev: 'here',
  test: 'here',
  'test:packages': 'here',
  'test:watch': 'here',
  lint: 'here',
  format: 'here',
  bench: 'test/scripts/benchmarks.test.ts',
  fuzz: 'test/scripts/campaigns.test.ts',
  faults: 'test/scripts/campaigns.test.ts',
  lab: 'test/scripts/lab.test.ts',
  docs: 'here',
  package: 'test/packages/packages.test.ts',
  prepack: 'here',
};

const WAIT_MS = 60_000;
/** Vitest must not take itself for a part of the run that started it, nor color what is compared. */
const ENV = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(?:VITEST|npm_|TEST$|NODE_ENV$|FORCE_COLOR$)/.test(name)),
);

function npmRun(cwd: string, script: string, ...args: readonly string[]) {
  const words = ['run', '--silent', script, ...(args.length > 0 ? ['--', ...args] : [])];
  return runProgram('npm', words, { cwd, timeoutMs: 2 * WAIT_MS, env: ENV });
}

function startNpm(cwd: string, script: string, args: readonly string[], ready: string): Promise<RunningProcess> {
  return startProcess({
    command: 'npm',
    args: ['run', '--silent', script, '--', ...args],
    cwd,
    env: ENV,
    ready: (output) => output.includes(ready),
    readyTimeoutMs: WAIT_MS,
  });
}

it('names every script of package.json', () => {
  expect(Object.keys(RUN_BY).sort()).toEqual(SCRIPTS.sort());
});

describe('npm run', { timeout: 3 * WAIT_MS }, () => {
  it('build: dist runs; prepack: the same', async () => {
    const directory = testDirectory('checkout');
    copyCheckout(directory);
    for (const script of ['build', 'prepack']) {
      const { code, stdout, stderr } = await npmRun(directory, script);
      expect([code, stdout, stderr]).toEqual([0, '', '']);
    }
    const version = await runProgram(process.execPath, [join(directory, 'dist/cli/main.js'), '--version']);
    expect(version.stdout).toMatch(/^3\.\d/);
  });

  it('format: writes a file as it should be, and leaves the others', async () => {
    const directory = testDirectory('checkout');
    copyCheckout(directory);
    expect((await runProgram('git', ['init', '--quiet'], { cwd: directory })).code).toBe(0);
    const file = join(directory, 'src/core/errors.ts');
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replace(/^export /m, 'export   '));
    const { code, stderr } = await npmRun(directory, 'format');
    expect([code, readFileSync(file, 'utf8')], stderr).toEqual([0, text]);
  });

  it('lint: passes', async () => {
    const { code, stdout, stderr } = await npmRun(REPOSITORY, 'lint');
    expect(code, stdout + stderr).toBe(0);
  });

  it('docs: what is committed is what it writes', async () => {
    const { code, stdout, stderr } = await npmRun(REPOSITORY, 'docs', '--check');
    expect(code, stdout + stderr).toBe(0);
  });

  it('test: installs, builds, runs what it is told to, and counts', async () => {
    const directory = testDirectory('checkout');
    copyCheckout(directory);
    const { code, stdout, stderr } = await npmRun(directory, 'test', 'src/core/parallel.test.ts');
    expect(code, stdout + stderr).toBe(0);
    expect(stdout).toMatch(/\n[1-9]\d* passed, 0 failed, 0 skipped\n$/);
    expect(existsSync(join(directory, 'test-report.json'))).toBe(true);
  });

  it('test:packages: counts; .ci/run runs all of it', async () => {
    const { code, stdout, stderr } = await npmRun(REPOSITORY, 'test:packages', 'none of that name');
    expect([code, stdout], stderr).toEqual([0, expect.stringMatching(/^(?:.*\n)?0 passed, 0 failed, 0 skipped\n$/)]);
  });

  it('test:watch: runs a test again when its source changes', async () => {
    const directory = testDirectory('checkout');
    copyCheckout(directory);
    const watching = await startNpm(directory, 'test:watch', ['src/core/parallel.test.ts'], 'Waiting for file changes');
    try {
      appendFileSync(join(directory, 'src/core/parallel.ts'), '\n');
      await waitUntil('the second run', () => watching.output().includes('RERUN'), WAIT_MS);
    } finally {
      await watching.stop();
    }
  });

  it('dev: builds again and restarts when a source changes; a build that fails leaves the server', async () => {
    const directory = testDirectory('checkout');
    copyCheckout(directory);
    const config = join(directory, 'dev.yml');
    mkdirSync(join(directory, 'state'));
    writeFileSync(config, JSON.stringify({ secret: 'secret12', http: { listen: ['127.0.0.1:0'] }, zones: [] }));
    const dev = await startNpm(directory, 'dev', ['--config', config, 'serve'], 'dev: built and started');
    const count = (text: string) => dev.output().split(text).length - 1;
    try {
      const file = join(directory, 'src/core/parallel.ts');
      const text = readFileSync(file, 'utf8');
      writeFileSync(file, `${text}\nnonsense(\n`);
      await waitUntil('the failed build', () => count('dev: the build failed') === 1, WAIT_MS);
      writeFileSync(file, text);
      await waitUntil('the second build', () => count('dev: built and started') === 2, WAIT_MS);
    } finally {
      await dev.stop();
    }
  });
});
