/** Errors of the command line as text, with what to do about them. */
import { relative } from 'node:path';
import { type ConfigError, NoConfigFileError } from '../config/problem.ts';
import { UnreadSecretError } from '../config/secret.ts';
import { ControlError } from '../control/control-error.ts';
import { AppError, operatorMessage } from '../core/errors.ts';
import { errorLine } from '../core/updates/original-lines.ts';
import { StartError } from '../server/start-error.ts';

/** The arguments of a command are not valid. */
export class UsageError extends Error {}

/** Ctrl-C or Ctrl-D at a question. */
export class InterruptedError extends Error {}

/** A command failed; the text says why, and what to do. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

export function formatConfigError(error: ConfigError): string {
  const lines = error.lines.map((line) => `CONFIGURATION_ERROR: ${line}\n`).join('');
  return error instanceof NoConfigFileError ? `${lines}\n${firstSteps()}` : lines;
}

/** For someone who has no configuration yet. */
function firstSteps(): string {
  const program = programCall();
  return `To try dyndns, this command creates a zone, serves it, and prints commands to try:

  ${program} quickstart

For a zone of your own, which dyndns serves itself or changes on your nameserver (BIND, Knot DNS, PowerDNS), this command
prints a link for a browser, where you answer a few questions; then the server runs:

  ${program} setup

Without a browser, this one asks for what it needs, writes .dyndns.yml with new secrets, and prints the next steps:

  ${program} init

Then prove that the zone can be changed, and start the server:

  ${program} check
  ${program} serve

A configuration file of the original dyndns works unchanged: ${program} --config FILE serve
`;
}

/**
 * The command that starts this program: `dyndns` if it is installed, `node dist/cli/main.js` in a checkout.
 * @param script the script that node runs: a link named `dyndns`, or the file itself
 */
export function programCall(script: string = process.argv[1] ?? '', cwd: string = process.cwd()): string {
  if (!script.endsWith('.js')) return 'dyndns';
  const path = relative(cwd, script);
  return `node ${path.startsWith('..') ? script : path}`;
}

const START_ERRORS = [StartError, ControlError, CommandError, UnreadSecretError];

/** Errors whose messages tell the operator what to do. */
export function isStartError(error: unknown): error is Error {
  return START_ERRORS.some((errorClass) => error instanceof errorClass);
}

/** The line that the HTTP API answers with; other errors print their message. The operator also learns why the store fails. */
export function formatFailure(error: Error): string {
  if (!(error instanceof AppError)) return `ERROR: ${error.message}\n`;
  return error.code === 'store-unreachable' ? `ERROR: ${operatorMessage(error)}\n` : errorLine(error, 'none');
}
