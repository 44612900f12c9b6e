// @ts-check
/** A PostgreSQL of their own for the benchmarks. */
import { spawnSync } from 'node:child_process';
import { chownSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, makeDirectory, startChild, stop, until } from './lab.mjs';

/** It does not wait for its clients. */
const END = 'SIGINT';

/** Starts PostgreSQL on a free port of 127.0.0.1, not as root. @param {readonly string[]} settings of postgresql.conf, `name=value` */
export async function startPostgres(settings = []) {
  const directory = makeDirectory();
  const programs = readdirSync('/usr/lib/postgresql')
    .sort()
    .map((version) => `/usr/lib/postgresql/${version}/bin`);
  const bin = programs[programs.length - 1] ?? '';
  const isRoot = process.getuid?.() === 0;
  const as = isRoot ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'] : [];
  if (isRoot) {
    const id = (/** @type {string} */ flag) => Number(spawnSync('id', [flag, 'postgres']).stdout.toString());
    chownSync(directory, id('-u'), id('-g'));
  }
  const command = (/** @type {string} */ program, /** @type {string[]} */ args) => [...as, join(bin, program), ...args];
  const [first = '', ...initArgs] = command('initdb', ['-D', join(directory, 'data'), '-A', 'trust', '-U', 'dyndns']);
  const made = spawnSync(first, initArgs, { encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`);
  const port = await freePort();
  const options = ['listen_addresses=127.0.0.1', `port=${port}`, 'log_min_messages=panic', ...settings];
  const place = options.flatMap((option) => ['-c', option]);
  const [program = '', ...args] = command('postgres', ['-D', join(directory, 'data'), '-k', directory, ...place]);
  const start = async () => {
    const child = startChild(program, args);
    const [ready = '', ...readyArgs] = command('pg_isready', [
      '-h',
      '127.0.0.1',
      '-p',
      `${port}`,
      '-U',
      'dyndns',
      '-d',
      'postgres',
    ]);
    await until(() => spawnSync(ready, readyArgs).status === 0, 'PostgreSQL', 50);
    return child;
  };
  let child = await start();
  return {
    url: `postgres://dyndns@127.0.0.1:${port}/postgres`,
    port,
    get child() {
      return child;
    },
    /** Ends all connections, and starts it again. */
    async restart() {
      await stop(child, END);
      child = await start();
    },
    stop: () => stop(child, END),
  };
}
