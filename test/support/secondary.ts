/**
 * Starts a real BIND, Knot or NSD as a secondary, from its file in deploy/, of which only names, addresses and paths
 * are changed. It accepts NOTIFY and transfers the zone by IXFR or AXFR, all with TSIG.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bindOptions, namedCommand } from './bind.ts';
import { dig, type ServerAddress } from './dig.ts';
import { REPOSITORY } from './installation.ts';
import { freshDirectory, type KeySpec, writeInto } from './primary-server.ts';
import { removeNow, startProcess } from './process.ts';
import { KNOT_PROGRAMS, type RequiredProgram } from './programs.ts';

export type SecondaryKind = 'bind' | 'knot' | 'nsd';

export const SECONDARY_KINDS: readonly SecondaryKind[] = ['bind', 'knot', 'nsd'];

/** The programs of all three secondaries. */
export const SECONDARY_PROGRAMS: readonly RequiredProgram[] = [
  { command: 'named', debianPackage: 'bind9' },
  ...KNOT_PROGRAMS,
  { command: 'nsd', debianPackage: 'nsd' },
];

export interface SecondaryOptions {
  readonly zone: string;
  /** The key for transfers and NOTIFY. In the files of deploy/ its name is that of the zone. */
  readonly key: KeySpec;
  readonly primary: ServerAddress;
  /** Its port on 127.0.0.1, which the primary needs before it starts. */
  readonly port: number;
  /** Changes its configuration before the start. */
  readonly configure?: (text: string) => string;
  /** False: does not wait until it serves the zone. */
  readonly serves?: boolean;
}

export interface SecondaryServer {
  readonly kind: SecondaryKind;
  readonly host: '127.0.0.1';
  readonly port: number;
  log(): string;
  signal(signal: NodeJS.Signals): void;
  /** Returns the serial that it serves; undefined without the zone. */
  serial(): Promise<number | undefined>;
  stop(): Promise<void>;
}

/** Returns the text of a file of deploy/ with the values of a test in place of its examples. */
function deployed(file: string, { zone, primary }: SecondaryOptions, directory: string): string {
  return readFileSync(join(REPOSITORY, 'deploy', file), 'utf8')
    .replaceAll('dyndns.example.com', zone)
    .replace(/(primaries \{ |address: |request-xfr: |allow-notify: )192\.0\.2\.1/g, `$1${primary.host}`)
    .replace(/(127\.0\.0\.1(?: port |@))53\b/g, `$1${primary.port}`)
    .replaceAll(/\/(etc\/(bind|knot|nsd)|var\/cache\/bind|var\/lib\/knot)(?=[/\s"])/g, directory);
}

async function prepareBind(options: SecondaryOptions, directory: string): Promise<readonly string[]> {
  const { key, port, zone } = options;
  writeInto(directory, `${zone}.key`, `key "${key.name}" { algorithm ${key.algorithm}; secret "${key.secret}"; };\n`);
  const text = (await bindOptions(directory, port)) + deployed('bind/secondary.conf.local', options, directory);
  return ['-g', '-c', writeInto(directory, 'named.conf', options.configure?.(text) ?? text)];
}

async function prepareKnot(options: SecondaryOptions, directory: string): Promise<readonly string[]> {
  const { key, port, zone } = options;
  mkdirSync(join(directory, 'run'));
  writeInto(
    directory,
    `${zone}.key`,
    `key:\n  - id: ${key.name}\n    algorithm: ${key.algorithm}\n    secret: ${key.secret}\n`,
  );
  const text = deployed('knot/secondary.conf', options, directory)
    .replace('    user: knot:knot\n', `    rundir: ${directory}/run\n`)
    .replace('[ 0.0.0.0@53, ::@53 ]', `127.0.0.1@${port}`)
    .replace('target: syslog', 'target: stderr');
  return ['-c', writeInto(directory, 'knot.conf', options.configure?.(text) ?? text)];
}

async function prepareNsd(options: SecondaryOptions, directory: string): Promise<readonly string[]> {
  const { key, port, zone } = options;
  writeInto(
    directory,
    `${zone}.key`,
    `key:\n    name: "${key.name}"\n    algorithm: ${key.algorithm}\n    secret: "${key.secret}"\n`,
  );
  const config = `server:
    ip-address: 127.0.0.1@${port}
    username: ""
    chroot: ""
    zonesdir: "${directory}"
    zonelistfile: "${directory}/zone.list"
    database: ""
    pidfile: "${directory}/nsd.pid"
    xfrdfile: "${directory}/xfrd.state"
    xfrdir: "${directory}"
    server-count: 1
    verbosity: 2
remote-control:
    control-enable: no
`;
  const text = config + deployed('nsd/secondary.conf', options, directory);
  return ['-d', '-c', writeInto(directory, 'nsd.conf', options.configure?.(text) ?? text)];
}

const PROGRAMS: Readonly<
  Record<
    SecondaryKind,
    {
      readonly command: (directory: string) => string;
      readonly prepare: (options: SecondaryOptions, directory: string) => Promise<readonly string[]>;
    }
  >
> = {
  bind: { command: namedCommand, prepare: prepareBind },
  knot: { command: () => 'knotd', prepare: prepareKnot },
  nsd: { command: () => 'nsd', prepare: prepareNsd },
};

/** Starts a secondary; resolves when it has transferred the zone and answers authoritatively. */
export async function startSecondary(kind: SecondaryKind, options: SecondaryOptions): Promise<SecondaryServer> {
  const directory = freshDirectory(`${kind}-secondary`);
  const { command, prepare } = PROGRAMS[kind];
  const server = { host: '127.0.0.1', port: options.port } as const;
  const serial = async (): Promise<number | undefined> => {
    const question = [options.zone, 'SOA', '+norecurse', '+tries=1', '+timeout=1'];
    const { flags, short } = await dig(server, question);
    return flags.includes('aa') && short[0] !== undefined ? Number(short[0].split(' ')[2]) : undefined;
  };
  const answers = async () =>
    (await dig(server, ['.', 'SOA', '+norecurse', '+tries=1', '+timeout=1'])).rcode !== undefined;
  const running = await startProcess({
    command: command(directory),
    args: await prepare(options, directory),
    cwd: directory,
    ready: async () => (options.serves === false ? await answers() : (await serial()) !== undefined),
  }).catch((error: unknown) => {
    removeNow(directory);
    throw error;
  });
  return {
    kind,
    ...server,
    log: () => running.output(),
    signal: running.signal,
    serial,
    async stop() {
      await running.stop();
      removeNow(directory);
    },
  };
}
