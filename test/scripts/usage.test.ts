/**
 * Every script says how it is used: `--help` and `-h` end with 0, a wrong argument with 2, each with a usage text and no stack trace.
 * Those of scripts/ do it in a checkout where nothing is installed or built, and leave it so.
 */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { copyCheckout } from '../support/checkout.ts';
import { REPOSITORY } from '../support/installation.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { removeNow, runProgram } from '../support/process.ts';

interface Command {
  readonly file?: string;
}

const { BENCH_COMMANDS, FUZZ_COMMANDS, FAULTS } = (await import(
  pathToFileURL(join(REPOSITORY, 'bench/commands.mjs')).href
)) as Record<'BENCH_COMMANDS' | 'FUZZ_COMMANDS' | 'FAULTS', Readonly<Record<string, Command>>>;

const { readArguments } = (await import(pathToFileURL(join(REPOSITORY, 'bench/usage.mjs')).href)) as {
  readArguments(usage: Command, args: readonly string[]): { readonly values: readonly (string | undefined)[] };
};

/** Not started by themselves. */
const LIBRARIES = ['prepare.mjs'];
/** Their arguments are for another program, which says what is wrong with them. */
const PASS_ON = ['dev.mjs', 'start.mjs', 'test.mjs'];

const checkout = freshDirectory('checkout');
afterAll(() => removeNow(checkout));
copyCheckout(checkout);
rmSync(join(checkout, 'node_modules'), { recursive: true });

const WRONG = ['--no-such-option', 'no-such-argument'];

/** A file of bench/ that no other one imports is a program. */
function programs(): string[] {
  const files = readdirSync(join(REPOSITORY, 'bench')).sort();
  const imported = files.flatMap((file) =>
    [...readFileSync(join(REPOSITORY, 'bench', file), 'utf8').matchAll(/ from '\.\/([\w-]+\.mjs)'/g)].map(
      (match) => match[1],
    ),
  );
  return files.filter((file) => !imported.includes(file));
}

async function expectHelp(cwd: string, ...args: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await runProgram(process.execPath, args, { cwd });
  expect([code, stderr], args.join(' ')).toEqual([0, '']);
  expect(stdout).toMatch(/^Usage:\n {2}n\w+ .*\n {6}\w/);
}

async function expectRefusal(cwd: string, ...args: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await runProgram(process.execPath, args, { cwd });
  expect([code, stdout], `${args.join(' ')}: ${stderr}`).toEqual([2, '']);
  expect(stderr).toMatch(/^[^\n]+'(?:--)?no-such-\w+'[^\n]*\.\nUsage:\n {2}n\w+ .*\n {6}\w/);
}

async function expectUsage(cwd: string, command: readonly string[], wrong: readonly string[] = WRONG): Promise<void> {
  const helps = ['--help', '-h'].map((help) => expectHelp(cwd, ...command, help));
  const refusals = wrong.map((argument) => expectRefusal(cwd, ...command, argument));
  await Promise.all([...helps, ...refusals]);
}

describe('before anything is installed or built', { timeout: 30_000 }, () => {
  const scripts = readdirSync(join(REPOSITORY, 'scripts')).filter((file) => !LIBRARIES.includes(file));

  it.each(scripts)('scripts/%s has a usage', (file) =>
    expectUsage(checkout, [`scripts/${file}`], PASS_ON.includes(file) ? [] : ['--no-such-option']),
  );

  const commands = Object.entries({ bench: BENCH_COMMANDS, fuzz: FUZZ_COMMANDS, faults: FAULTS }).flatMap(
    ([script, names]) => Object.keys(names).map((name) => [script, name] as const),
  );
  it.each(commands)('npm run %s -- %s has a usage', (script, name) =>
    expectUsage(checkout, [`scripts/${script}.mjs`, name]),
  );

  it.each(['bench', 'fuzz', 'faults'])('npm run %s refuses a name that it does not have', (script) =>
    expectRefusal(checkout, `scripts/${script}.mjs`, 'no-such-argument'),
  );

  it('leaves it so', () => {
    expect(['node_modules', 'dist', 'packages'].filter((made) => existsSync(join(checkout, made)))).toEqual([]);
  });
});

describe('a program of bench/', { timeout: 30_000 }, () => {
  const files = programs();

  it('is in bench/commands.mjs', () => {
    const known = [BENCH_COMMANDS, FUZZ_COMMANDS, FAULTS].flatMap((commands) =>
      Object.values(commands).flatMap(({ file }) => file ?? []),
    );
    expect([...new Set(known)].sort()).toEqual(files);
  });

  it.each(files)('%s has a usage', (file) => expectUsage(REPOSITORY, [`bench/${file}`]));
});

describe('arguments of npm run faults -- servers', () => {
  it.each([
    [[], [], {}],
    [['6'], ['6'], {}],
    [['0.5', 'bind,knot', '--smoke'], ['0.5', 'bind,knot'], { '--smoke': '' }],
    [['--before=/a=b', 'bind'], [undefined, 'bind'], { '--before': '/a=b' }],
  ])('%j', (args, values, options) => {
    const read = readArguments(FAULTS['servers']!, args);
    expect({ ...read, values: [...read.values] }).toEqual({ values, options });
  });
});
