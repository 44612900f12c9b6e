/** How the command line says that something went wrong, and what to do then. */
import { relative } from 'node:path';
import { type ConfigError, NoConfigFileError } from '../config/problem.ts';
import { AppError } from '../core/errors.ts';
import { errorLine } from '../core/updates/original-lines.ts';

/** A command that makes no sense as it was given. */
export class UsageError extends Error {}

/** A command that could not be done; the text says why, and what to do. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

export function formatConfigError(error: ConfigError): string {
  const lines = error.lines.map((line) => `CONFIGURATION_ERROR: ${line}\n`).join('');
  return error instanceof NoConfigFileError ? `${lines}\n${firstSteps()}` : lines;
}

/** What someone needs who has no configuration yet. */
function firstSteps(): string {
  const program = programCall();
  return `To try dyndns with nothing else, this makes a zone, serves it, and prints commands to try:

  ${program} quickstart

For a zone of your own, which dyndns serves itself or changes on a nameserver that you run (BIND, Knot DNS, PowerDNS),
this asks for what it needs, writes .dyndns.yml with new secrets, and prints what else is to be done:

  ${program} init

Then this proves that the zone can be changed, and this serves:

  ${program} check
  ${program} serve

If you have a file of the original dyndns, it works as it is: ${program} --config FILE serve
`;
}

/**
 * What to type to call this program again: `dyndns` where it is installed, `node dist/cli/main.js` in a checkout.
 * @param script what node runs: a link named `dyndns`, or the file itself
 */
export function programCall(script: string = process.argv[1] ?? '', cwd: string = process.cwd()): string {
  if (!script.endsWith('.js')) return 'dyndns';
  const path = relative(cwd, script);
  return `node ${path.startsWith('..') ? script : path}`;
}

/** Errors at a start whose messages say what the operator is to do: by name, for the command line knows no nameserver. */
const START_ERRORS: ReadonlySet<string> = new Set([
  'ListenError',
  'AcmeError',
  'ControlError',
  'CommandError',
  'DnsListenError',
  'DatabaseLockedError',
  'SqliteError',
  'SchemaError',
  'StaticConflict',
  'ZoneFileError',
]);

export function isStartError(error: unknown): error is Error {
  return error instanceof Error && START_ERRORS.has(error.name);
}

/** The same line that the HTTP API answers with; what went wrong at a start is told as it is. */
export function formatFailure(error: Error): string {
  return error instanceof AppError ? errorLine(error, 'none') : `ERROR: ${error.message}\n`;
}
