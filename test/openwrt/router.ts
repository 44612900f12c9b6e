/**
 * A router for tests of the update script: a shell, a PATH with only the programs that the script may use, and a record of
 * every argument, environment and temporary file of the programs that it starts. Debian has no package of uclient-fetch: a
 * stub with its published options, messages and exit codes replaces it.
 */
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { removeAtExit, removeNow } from '../support/process.ts';
import { findProgram, type RequiredProgram } from '../support/require-server.ts';

export const SCRIPT = fileURLToPath(new URL('../../openwrt/dyndns-update-script.sh', import.meta.url));
export const RECORDED = fileURLToPath(new URL('./recorded', import.meta.url));

export const ROUTER_PROGRAMS: readonly RequiredProgram[] = [
  { command: 'dash', debianPackage: 'dash' },
  { command: 'busybox', debianPackage: 'busybox' },
  { command: 'curl', debianPackage: 'curl' },
  { command: 'wget', debianPackage: 'wget' },
  { command: 'openssl', debianPackage: 'openssl' },
];

export const SHELLS = ['dash', 'busybox ash'] as const;
export type ShellName = (typeof SHELLS)[number];

export const TRANSPORTS = ['curl', 'GNU wget', 'uclient-fetch', 'uclient-fetch named wget', 'BusyBox wget'] as const;
export type TransportName = (typeof TRANSPORTS)[number];

/** Programs that the script needs besides a transport and ip. */
const TOOLS = ['cat', 'mktemp', 'rm', 'sed', 'sleep', 'tr'];

export interface RouterOptions {
  readonly shell: ShellName;
  readonly transports: readonly TransportName[];
  /** Lines of the configuration file named by DYNDNS_CONFIG; absent: the variable is not set. */
  readonly config?: Readonly<Record<string, string>>;
  /** Text of a UCI file /etc/config/dyndns. */
  readonly uci?: string;
  /** Recorded output, by interface, of `ip -6 addr show dev`. Absent: ip is not installed. */
  readonly ip?: Readonly<Record<string, string>>;
  /** The kernel's table of IPv6 addresses; absent: the file does not exist. */
  readonly addressTable?: string;
}

export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Every program call of the run, one line each: name and arguments. */
  readonly calls: string;
  /** The environments of all those programs. */
  readonly environments: string;
  /** "MODE NAME" of the script's temporary files while a transfer ran. */
  readonly files: string;
  /** Temporary files that the script did not remove. */
  readonly leftBehind: readonly string[];
}

export interface Router {
  readonly directory: string;
  /** Runs the script, or an edited copy of it. */
  run(args: readonly string[], environment?: Readonly<Record<string, string>>, script?: string): Promise<Run>;
  /** Adds a program of the test to the PATH. */
  addProgram(name: string, script: string): void;
  remove(): void;
}

const UCLIENT_STAND_IN = `
echo "Downloading" >&2
url= output= post= family= authority=
while [ $# -gt 0 ]; do
  case $1 in
    -4) family=-4 ;;
    -T) shift ;;
    -O) shift; output=$1 ;;
    --post-file=*) post=\${1#*=} ;;
    --ca-certificate=*) authority=\${1#*=} ;;
    -*) printf '%s\\n' "Usage: uclient-fetch [options] <URL>" "	--ca-certificate=<cert>		Load CA" >&2; exit 1 ;;
    *) url=$1 ;;
  esac
  shift
done
echo "Connecting to 127.0.0.1:443" >&2
set -- -q -s -o "$output.body" -w '%{http_code}' $family
[ -z "$authority" ] || set -- "$@" --cacert "$authority"
[ -z "$post" ] || set -- "$@" --data-binary "@$post" -H 'Transfer-Encoding: chunked'
status=$(CURL "$@" "$url") || {
  case $? in 60) echo "Connection error: Invalid SSL certificate" >&2; exit 5 ;; esac
  echo "Connection error: Connection failed" >&2; exit 4
}
[ "$status" = 200 ] || { echo "HTTP error $status" >&2; /bin/rm -f "$output.body"; exit 8; }
echo "Writing to '$output'" >&2
/bin/cat "$output.body" >"$output"; /bin/rm -f "$output.body"
`;

function realProgram(name: string): string {
  const path = findProgram(name);
  if (path === undefined) throw new Error(`${name} is not installed`);
  return path;
}

function shellQuote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Creates a router in a new directory. */
export function makeRouter(options: RouterOptions): Router {
  const directory = mkdtempSync(join(tmpdir(), 'dyndns-router-'));
  removeAtExit(directory);
  const path = (...names: string[]): string => join(directory, ...names);
  for (const name of ['bin', 'etc', 'tmp', 'log']) mkdirSync(path(name));
  const busybox = realProgram('busybox');

  function addProgram(name: string, script: string): void {
    const recorder = [
      '#!/bin/sh',
      `{ printf '%s ' ${name} "$@"; echo; } >>${path('log', 'calls')}`,
      `export -p >>${path('log', 'environments')}`,
      ...(TOOLS.includes(name)
        ? []
        : [`/usr/bin/stat -c '%a %n' ${path('tmp')}/*/* >>${path('log', 'files')} 2>/dev/null`]),
    ];
    writeFileSync(path('bin', name), `${recorder.join('\n')}\n${script}\n`);
    chmodSync(path('bin', name), 0o755);
  }

  for (const tool of TOOLS) {
    const real = options.shell === 'dash' ? realProgram(tool) : `${busybox} ${tool}`;
    addProgram(tool, `exec ${real} "$@"`);
  }
  for (const transport of options.transports) {
    const standIn = UCLIENT_STAND_IN.replace('CURL', realProgram('curl'));
    if (transport === 'curl') addProgram('curl', `exec ${realProgram('curl')} "$@"`);
    else if (transport === 'GNU wget') addProgram('wget', `exec ${realProgram('wget')} "$@"`);
    else if (transport === 'BusyBox wget') addProgram('wget', `exec ${busybox} wget "$@"`);
    else addProgram(transport === 'uclient-fetch' ? 'uclient-fetch' : 'wget', standIn);
  }
  if (options.ip !== undefined) {
    const cases = Object.entries(options.ip).map(
      ([device, text]) => `'-6 addr show dev ${device}') /bin/cat <<'END'\n${text.trimEnd()}\nEND\n;;`,
    );
    addProgram('ip', `case "$*" in\n${cases.join('\n')}\n*) echo "no such device" >&2; exit 1 ;;\nesac`);
  }
  if (options.addressTable !== undefined) writeFileSync(path('etc', 'if_inet6'), options.addressTable);

  const environment: Record<string, string> = {
    PATH: path('bin'),
    HOME: path('etc'),
    TMPDIR: path('tmp'),
    DYNDNS_UCI_DIR: path('etc'),
    DYNDNS_ADDRESS_TABLE: path('etc', 'if_inet6'),
  };
  if (options.config !== undefined) {
    const lines = Object.entries(options.config).map(([name, value]) => `${name}=${shellQuote(value)}\n`);
    writeFileSync(path('etc', 'update.conf'), lines.join(''), { mode: 0o600 });
    environment['DYNDNS_CONFIG'] = path('etc', 'update.conf');
  }
  if (options.uci !== undefined) writeFileSync(path('etc', 'dyndns'), options.uci, { mode: 0o600 });

  const logged = (name: string): string => {
    const file = path('log', name);
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  };

  async function run(
    args: readonly string[],
    more: Readonly<Record<string, string>> = {},
    script: string = SCRIPT,
  ): Promise<Run> {
    for (const name of ['calls', 'environments', 'files']) writeFileSync(path('log', name), '');
    const [command, ...first] = options.shell === 'dash' ? [realProgram('dash')] : [busybox, 'ash'];
    const child = spawn(command as string, [...first, script, ...args], {
      cwd: directory,
      env: { ...environment, ...more },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 30_000,
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => {
      stdout += String(chunk);
    });
    child.stderr.on('data', (chunk) => {
      stderr += String(chunk);
    });
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    return {
      code,
      stdout,
      stderr,
      calls: logged('calls'),
      environments: logged('environments'),
      files: logged('files'),
      leftBehind: readdirSync(path('tmp')),
    };
  }

  return { directory, run, addProgram, remove: () => removeNow(directory) };
}
