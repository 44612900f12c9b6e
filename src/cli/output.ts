/** How the command line says that something went wrong. */
import type { ConfigError } from '../config/problem.ts';
import type { AppError } from '../core/errors.ts';
import { ListenError } from '../http/listeners.ts';
import { formatOriginalError } from '../http/protocols/original.ts';

/** A command that makes no sense as it was given. */
export class UsageError extends Error {}

export function formatConfigError(error: ConfigError): string {
  return error.lines.map((line) => `CONFIGURATION_ERROR: ${line}\n`).join('');
}

/** The same line that the HTTP API answers with. */
export function formatFailure(error: AppError | ListenError): string {
  if (error instanceof ListenError) return `ERROR: ${error.message}\n`;
  return formatOriginalError(error, 'none').body;
}
