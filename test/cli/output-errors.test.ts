// Commands whose output is closed early, or cannot be written.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openStore } from '../../src/store/open-store.ts';
import { NOW_MS, newEvent } from '../contract/store-fixtures.ts';
import { MAIN } from '../support/dyndns.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { removeNow, runProgram } from '../support/process.ts';

const ZONE = 'dyn.example.com';
const HOST = `home.${ZONE}`;
let directory: string;

/** Runs a command line of bash; `$DYNDNS` is the program with its configuration. */
const run = (command: string) => {
  const program = `${process.execPath} ${MAIN} --config ${join(directory, 'dyndns.yml')}`;
  return runProgram('bash', ['-c', command.replaceAll('$DYNDNS', program)], { cwd: directory });
};

beforeAll(async () => {
  directory = freshDirectory('output');
  const zone = { name: ZONE, nameserver: 'embedded', ns: [`ns1.${ZONE}`], records: 'ns1 IN A 127.0.0.1\n' };
  const config = { secret: 'masterSecretOfTests', store: 'sqlite:dyndns.db', zones: [zone] };
  writeFileSync(join(directory, 'dyndns.yml'), JSON.stringify(config), { mode: 0o600 });
  const store = await openStore(`sqlite:${join(directory, 'dyndns.db')}`);
  const userAgent = 'x'.repeat(400);
  const events = Array.from({ length: 1_000 }, (_, index) => newEvent(HOST, NOW_MS + index, { userAgent }));
  await store.history.append(events);
  await store.close();
});
afterAll(() => removeNow(directory));

const COMMANDS = [
  `history ${HOST} --limit 1000`,
  `history ${HOST} --limit 1000 --json`,
  '--help',
  'config',
  'host list',
  `zone export ${ZONE}`,
];

it.each(COMMANDS)('%s: a reader that stops early is no failure', async (command) => {
  for (const reader of ['true', 'head -1']) {
    const { stdout, stderr } = await run(`$DYNDNS ${command} | ${reader}; echo "code \${PIPESTATUS[0]}"`);
    expect([stdout.split('\n').at(-2), stderr]).toEqual(['code 0', '']);
  }
});

it.each(COMMANDS)('%s: an output that cannot be written is one', async (command) => {
  const { code, stderr } = await run(`$DYNDNS ${command} > /dev/full`);
  expect([code, stderr]).toEqual([1, 'ERROR: The standard output cannot be written (ENOSPC).\n']);
});

it('prints all of a long output into a pipe whose reader is slow', async () => {
  const { stdout } = await run(`$DYNDNS history ${HOST} --limit 1000 | (sleep 0.2; wc)`);
  expect(Number(stdout.trim().split(/ +/)[0])).toBe(1_000);
});

it('an error output that cannot be written does not change the exit code', async () => {
  const { stdout } = await run(
    'for r in 1 2; do $DYNDNS zone export nope 2> /dev/full; echo $?; done; $DYNDNS nope 2> >(true); echo $?',
  );
  expect(stdout).toBe('1\n1\n2\n');
});
