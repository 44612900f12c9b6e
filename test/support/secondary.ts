// Starts a real BIND, Knot or NSD as secondary of a given primary, from the file that deploy/ has for it. Of that file
// only names, addresses and paths are changed. They take NOTIFY and fetch by IXFR or AXFR, all with TSIG.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasLockFile, namedCommand } from './bind.ts';
import { dig, type ServerAddress } from './dig.ts';
import { REPOSITORY } from './installation.ts';
import { freshDirectory, type KeySpec, writeInto } from './primary-server.ts';
import { removeNow, startProcess } from './process.ts';
import { KNOT_PROGRAMS, type RequiredProgram } from './programs.ts';

export type SecondaryKind = 'bind' | 'knot' | 'nsd';

export const SECONDARY_KINDS: readonly SecondaryKind[] = ['bind', 'knot', 'nsd'];

/** What all three secondaries need. */
export const SECONDARY_PROGRAMS: readonly RequiredProgram[] = [
  { command: 'named', debianPackage: 'bind9' },
  ...KNOT_PROGRAMS,
  { command: 'nsd', debianPackage: 'nsd' },
];

export interface SecondaryOptions {
  readonly zone: string;
  /** The key of transfers and of NOTIFY. In the files of deploy/ it has the name of the zone. */
  readonly key: KeySpec;
  readonly primary: ServerAddress;
  /** Where it shall listen on 127.0.0.1: the primary has to know before it starts. */
  readonly port: number;
}

export interface SecondaryServer {
  readonly kind: SecondaryKind;
  readonly host: '127.0.0.1';
  readonly port: number;
  log(): string;
  /** The serial that it serves; undefined as long as it has no zone. */
  serial(): Promise<number | undefined>;
  stop(): Promise<void>;
}

/** The file of deploy/ with the values of a test in the place of its examples. */
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
  const config = `options {
  directory "${directory}";
  listen-on port ${port} { 127.0.0.1; };
  listen-on-v6 { none; };
  pid-file none;
  session-keyfile none;
  ${(await hasLockFile()) ? 'lock-file none;' : ''}
  recursion no;
  empty-zones-enable no;
  dnssec-validation no;
  notify no;
};
controls { };
`;
  const text = config + deployed('bind/secondary.conf.local', options, directory);
  return ['-g', '-c', writeInto(directory, 'named.conf', text)];
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
  return ['-c', writeInto(directory, 'knot.conf', text)];
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
  return ['-d', '-c', writeInto(directory, 'nsd.conf', text)];
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

/** Starts a secondary; resolves when it has fetched the zone and answers with authority. */
export async function startSecondary(kind: SecondaryKind, options: SecondaryOptions): Promise<SecondaryServer> {
  const directory = freshDirectory(`${kind}-secondary`);
  const { command, prepare } = PROGRAMS[kind];
  const server = { host: '127.0.0.1', port: options.port } as const;
  const serial = async (): Promise<number | undefined> => {
    const question = [options.zone, 'SOA', '+norecurse', '+tries=1', '+timeout=1'];
    const { flags, short } = await dig(server, question);
    return flags.includes('aa') && short[0] !== undefined ? Number(short[0].split(' ')[2]) : undefined;
  };
  const running = await startProcess({
    command: command(directory),
    args: await prepare(options, directory),
    cwd: directory,
    ready: async () => (await serial()) !== undefined,
  }).catch((error: unknown) => {
    removeNow(directory);
    throw error;
  });
  return {
    kind,
    ...server,
    log: () => running.output(),
    serial,
    async stop() {
      await running.stop();
      removeNow(directory);
    },
  };
}
