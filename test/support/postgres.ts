/**
 * Starts a real PostgreSQL: in the foreground, on a port of 127.0.0.1, with everything in one directory. It refuses to
 * run as root, so under root it runs as Debian's user `postgres`.
 */
import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { freshDirectory } from './primary-server.ts';
import { type RunningProcess, removeNow, runOrThrow, startProcess } from './process.ts';
import { findProgram, type RequiredProgram } from './programs.ts';

const DEBIAN_FOLDER = '/usr/lib/postgresql';

/** Finds a program of the newest PostgreSQL, which Debian does not put on the search path. */
function postgresProgram(name: string): string {
  const versions = existsSync(DEBIAN_FOLDER) ? readdirSync(DEBIAN_FOLDER) : [];
  versions.sort((a, b) => Number(b) - Number(a));
  const paths = versions.map((version) => join(DEBIAN_FOLDER, version, 'bin', name));
  return paths.find((path) => existsSync(path)) ?? findProgram(name) ?? join(DEBIAN_FOLDER, 'bin', name);
}

export const PSQL: RequiredProgram = { command: 'psql', debianPackage: 'postgresql-client' };

export const POSTGRES_PROGRAMS: readonly RequiredProgram[] = [
  { command: postgresProgram('postgres'), debianPackage: 'postgresql' },
  { command: postgresProgram('initdb'), debianPackage: 'postgresql' },
  ...(process.getuid?.() === 0 ? [{ command: 'setpriv', debianPackage: 'util-linux' }] : []),
];

export interface PostgresServer {
  readonly port: number;
  /** URL of a database; it needs no password. */
  readonly url: string;
  /** Creates an empty database. @param options of CREATE DATABASE @returns its URL */
  createDatabase(name: string, options?: string): Promise<string>;
  log(): string;
  /** Stops the process, without removing its data. SIGINT closes all connections, SIGQUIT simulates a crash. */
  halt(signal?: 'SIGINT' | 'SIGQUIT'): Promise<void>;
  restart(): Promise<void>;
  /** Sends SIGSTOP to all of its processes: connections stay open, but do not answer. */
  freeze(): void;
  thaw(): void;
  /** Stops the process and removes its directory. */
  stop(): Promise<void>;
}

/**
 * Under root, runs the program as the user `postgres`. setpriv sets the death signal again, which the change of user
 * clears.
 */
function asServer(program: string, args: readonly string[]): { command: string; args: readonly string[] } {
  if (process.getuid?.() !== 0) return { command: program, args };
  const user = ['--reuid', 'postgres', '--regid', 'postgres', '--clear-groups', '--pdeathsig', 'KILL'];
  return { command: 'setpriv', args: [...user, program, ...args] };
}

function giveToServer(directory: string): void {
  if (process.getuid?.() !== 0) return;
  const id = (option: string) => Number(execFileSync('id', [option, 'postgres'], { encoding: 'utf8' }));
  chownSync(directory, id('-u'), id('-g'));
}

/**
 * @param settings of postgresql.conf, `name=value`
 * @param superuser the role that initdb makes, and that the URLs have
 */
export async function startPostgres(
  settings: readonly string[] = ['fsync=off'],
  superuser = 'dyndns',
): Promise<PostgresServer> {
  const directory = freshDirectory('postgres');
  giveToServer(directory);
  const data = join(directory, 'data');
  const initdb = asServer(postgresProgram('initdb'), [
    ...['-D', data, '-U', superuser, '-A', 'trust', '-E', 'UTF8'],
    ...['--locale=C', '--no-sync', '--no-instructions'],
  ]);
  await runOrThrow(initdb.command, initdb.args, { cwd: directory });
  const port = await freePort();
  const url = `postgres://${superuser}@127.0.0.1:${port}/postgres`;
  const options = ['listen_addresses=127.0.0.1', `port=${port}`, `unix_socket_directories=${directory}`, ...settings];
  let earlierLog = '';
  let current = await launch();

  function launch(): Promise<RunningProcess> {
    const server = asServer(postgresProgram('postgres'), ['-D', data, ...options.flatMap((option) => ['-c', option])]);
    const isReady = (output: string) => output.includes('ready to accept connections');
    return startProcess({ ...server, cwd: directory, ready: isReady });
  }

  /** Signals the process first, so that it forks no more children, then its children: one for each connection. */
  function signalAll(signal: NodeJS.Signals): void {
    process.kill(current.pid, signal);
    const children = readFileSync(`/proc/${current.pid}/task/${current.pid}/children`, 'utf8').match(/\d+/g) ?? [];
    for (const child of children) {
      try {
        process.kill(Number(child), signal);
      } catch (error) {
        // The connection was closed meanwhile.
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    }
  }

  const server: PostgresServer = {
    port,
    url,
    async createDatabase(name, options = '') {
      const { default: pg } = await import('pg');
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      try {
        await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)} ${options}`);
      } finally {
        await client.end();
      }
      return url.replace(/postgres$/, name);
    },
    log: () => earlierLog + current.output(),
    halt: (signal = 'SIGINT') => current.stop(signal),
    async restart() {
      await server.halt();
      earlierLog += current.output();
      current = await launch();
    },
    freeze: () => signalAll('SIGSTOP'),
    thaw: () => signalAll('SIGCONT'),
    async stop() {
      if (current.isRunning()) signalAll('SIGCONT');
      await server.halt();
      removeNow(directory);
    },
  };
  return server;
}
