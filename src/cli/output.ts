/** How the command line says that something went wrong, and what to do then. */
import { relative } from 'node:path';
import { type ConfigError, NoConfigFileError } from '../config/problem.ts';
import { ControlError } from '../control/socket-client.ts';
import { AppError } from '../core/errors.ts';
import { ZoneFileError } from '../dns/zone-file/zone-file.ts';
import { formatOriginalError } from '../http/protocols/original.ts';
import { StartError } from '../server/start-error.ts';

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

const START_ERRORS = [StartError, ControlError, CommandError, ZoneFileError];

/** Errors whose messages tell the operator what to do. */
export function isStartError(error: unknown): error is Error {
  return START_ERRORS.some((errorClass) => error instanceof errorClass);
}

/** The same line that the HTTP API answers with; other errors print their message. */
export function formatFailure(error: Error): string {
  return error instanceof AppError ? formatOriginalError(error, 'none').body : `ERROR: ${error.message}\n`;
}
