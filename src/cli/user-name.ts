/** The user whom a command is about: a name, or with `--remote` the user of the key. */
import type { Command } from 'commander';
import { UsageError } from './output.ts';
import { remoteUrl } from './remote.ts';

/** @throws UsageError if there is neither */
export function requireUser(name: string | undefined, command: Command): void {
  if (name !== undefined || remoteUrl(command) !== undefined) return;
  throw new UsageError('The name of the user is missing; only with --remote it is the user of the key.');
}
