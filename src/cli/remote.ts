/**
 * `dyndns --remote URL --key-file FILE …`: the command acts on a server of another machine, over its HTTP API, and no
 * configuration file is read. The key is read from a file or from the standard input, and is in no argument of a process.
 */
import type { Command } from 'commander';
import { exposedFileWarning } from '../config/exposed-file.ts';
import { quoteValue } from '../config/problem.ts';
import type { RemoteServer } from '../control/remote-client.ts';
import { AppError } from '../core/errors.ts';
import { readBounded, STANDARD_INPUT } from './bounded-file.ts';
import type { Session } from './local-session.ts';
import { CommandError, UsageError } from './output.ts';
import { quietObserver } from './setup.ts';

interface RemoteFlags {
  readonly config?: string;
  readonly remote?: string;
  readonly keyFile?: string;
  readonly insecureHttp?: boolean;
}

/** Commands that work with files of this machine. */
const LOCAL_COMMANDS: ReadonlySet<string> = new Set([
  'serve',
  'init',
  'setup',
  'quickstart',
  'backup',
  'restore',
  'config',
  'health',
]);
/** Octets of a key file: a key has 36. */
const MAX_KEY_FILE = 4096;

let opened: Session | undefined;

/** The URL of the options or the environment; `--config` takes precedence over the environment. */
export function remoteUrl(command: Command, environment = process.env): string | undefined {
  const { remote, config } = command.optsWithGlobals<RemoteFlags>();
  if (remote !== undefined) return remote;
  const variable = environment['DYNDNS_REMOTE'];
  return config === undefined && variable !== undefined && variable !== '' ? variable : undefined;
}

/** Whether the key comes from the standard input, which then has nothing else. */
export function isKeyFromInput(command: Command, environment = process.env): boolean {
  return remoteUrl(command, environment) !== undefined && keyFileOf(command, environment) === STANDARD_INPUT;
}

function keyFileOf(command: Command, environment: NodeJS.ProcessEnv): string | undefined {
  return command.optsWithGlobals<RemoteFlags>().keyFile ?? environment['DYNDNS_KEY_FILE'];
}

/** Before a command runs. @throws UsageError for options that do not fit together, and for a command of this machine */
export function checkRemoteUse(command: Command, environment = process.env): void {
  const { config, remote, keyFile, insecureHttp } = command.optsWithGlobals<RemoteFlags>();
  const url = remoteUrl(command, environment);
  if (url === undefined) {
    if (keyFile !== undefined) throw new UsageError('--key-file is for --remote URL.');
    if (insecureHttp) throw new UsageError('--insecure-http is for --remote URL.');
    return;
  }
  const name = topName(command);
  if (LOCAL_COMMANDS.has(name)) {
    const how = remote === undefined ? 'Unset DYNDNS_REMOTE' : 'Leave out --remote';
    throw new UsageError(`'dyndns ${name}' works on the machine of the server. ${how}, and run it there.`);
  }
  if (config !== undefined) throw new UsageError('--remote and --config exclude each other.');
}

function topName(command: Command): string {
  let top = command;
  while (top.parent?.parent) top = top.parent;
  return top.name();
}

/** The server of `--remote`; undefined: the command is for this machine. @throws UsageError */
export async function findRemote(command: Command, environment = process.env): Promise<Session | undefined> {
  const text = remoteUrl(command, environment);
  if (text === undefined) return undefined;
  if (opened !== undefined) return opened;
  const { isExposed, parseRemoteUrl, remoteClient } = await import('../control/remote-client.ts');
  const url = parseRemoteUrl(text);
  if (url === undefined) {
    throw new UsageError(
      '--remote: the URL must be like https://dyndns.example.com, without a user, a query or a fragment.',
    );
  }
  if (isExposed(url) && !command.optsWithGlobals<RemoteFlags>().insecureHttp) {
    throw new UsageError(
      `--remote: everyone on the path to ${url.host} could read the key. Use https://, or add --insecure-http in a network that you trust.`,
    );
  }
  const file = keyFileOf(command, environment);
  if (file === undefined || file === '') {
    throw new UsageError(
      '--remote needs --key-file FILE with a management key; `dyndns user key` on the server makes one.',
    );
  }
  const server: RemoteServer = { url, key: readKey(file) };
  const client = remoteClient(server);
  opened = {
    call: (...request) => client.call(...request).catch((error: unknown) => Promise.reject(keyError(error))),
    // Clients reach it where this command does.
    http: async () => [url.origin],
  };
  return opened;
}

/** A refused key is a failure of the command line, in place of one of the original API. */
function keyError(error: unknown): unknown {
  const isOfKey = error instanceof AppError && /^(?:not-authenticated|too-many-guesses)$/.test(error.code);
  return isOfKey ? new CommandError(error.message) : error;
}

/** @throws UsageError, which never repeats what is in the file */
function readKey(file: string): string {
  if (file === STANDARD_INPUT && process.stdin.isTTY) {
    throw new UsageError(
      "--key-file -: the standard input is a terminal. Pipe the key: 'pass show dyndns | dyndns …'.",
    );
  }
  let text: string;
  try {
    text = readBounded(file, MAX_KEY_FILE).toString('utf8');
  } catch (error) {
    throw new UsageError(`The key file ${quoteValue(file)} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
  const key = text.trim();
  if (!/^dyn_[A-Za-z0-9]{32}$/.test(key)) {
    const where = file === STANDARD_INPUT ? 'The standard input' : `The file ${quoteValue(file)}`;
    const hint = 'A management key is dyn_ and 32 letters and digits; `dyndns user key` on the server makes one.';
    throw new UsageError(`${where} does not have a management key. ${hint}`);
  }
  const warning = file === STANDARD_INPUT ? undefined : exposedFileWarning(file, 'a management key');
  if (warning !== undefined) quietObserver.warn(warning);
  return key;
}
