/**
 * Handles SIGHUP from the start of the process. Without a handler the signal ends it, and a server needs some 100 ms until
 * it can reload; a SIGHUP that arrives earlier is remembered. Imports nothing, so that it loads at once.
 */

/** Every other command still ends on SIGHUP. */
const SERVER_COMMANDS: ReadonlySet<string> = new Set(['serve', 'quickstart', 'setup']);
/** Options before the command that take a value. */
const VALUE_OPTIONS: ReadonlySet<string> = new Set(['-c', '--config', '--remote', '--key-file']);

let isWaiting = false;
let reload: (() => void) | undefined;

/** The word that names the command, which may be a wrong one. @param args of the command line, without node and script */
export function commandName(args: readonly string[]): string | undefined {
  return args.find((arg, index) => !arg.startsWith('-') && !VALUE_OPTIONS.has(args[index - 1] ?? ''));
}

/** @param args of the command line, without node and script */
export function isServerCommand(args: readonly string[]): boolean {
  return SERVER_COMMANDS.has(commandName(args) ?? '');
}

/** From now on SIGHUP does not end the process. */
export function catchHangups(): void {
  process.on('SIGHUP', () => {
    if (reload === undefined) isWaiting = true;
    else reload();
  });
}

/** Call right before the configuration is read: signals that arrived earlier need no reload. */
export function forgetHangups(): void {
  isWaiting = false;
}

/** Calls `call` for each SIGHUP from now on, and once now if one is waiting. */
export function onHangup(call: () => void): void {
  reload = call;
  if (isWaiting) call();
  isWaiting = false;
}
