/**
 * The command line: `dyndns [-c FILE] COMMAND …`.
 * Exit codes: 0 done, 1 failed, 2 wrong usage or an invalid configuration.
 */
import { Command, CommanderError } from 'commander';
import { optionsHelp } from '../config/help.ts';
import { ConfigError } from '../config/problem.ts';
import { AppError } from '../core/errors.ts';
import { VERSION } from '../server/version.ts';
import { backupCommand } from './commands/backup.ts';
import { checkCommand } from './commands/check.ts';
import { configCommand } from './commands/config.ts';
import { deleteCommand } from './commands/delete.ts';
import { doctorCommand } from './commands/doctor.ts';
import { historyCommand } from './commands/history.ts';
import { hostCommand } from './commands/host.ts';
import { initCommand } from './commands/init.ts';
import { quickstartCommand } from './commands/quickstart.ts';
import { reloadCommand } from './commands/reload.ts';
import { serveCommand } from './commands/serve.ts';
import { statusCommand } from './commands/status.ts';
import { tokenCommand } from './commands/token.ts';
import { updateCommand } from './commands/update.ts';
import { webhookCommand } from './commands/webhook.ts';
import { zoneCommand } from './commands/zone.ts';
import { formatConfigError, formatFailure, isStartError, UsageError } from './output.ts';

const program = new Command('dyndns')
  .description('A dynamic-DNS server: takes a changed address over HTTP and changes DNS by signed DNS UPDATE.')
  .version(VERSION, '-v, --version', 'print the version')
  .option('-c, --config <file>', 'the configuration file')
  .showHelpAfterError("(run 'dyndns --help' for usage)")
  .exitOverride()
  .addHelpText('after', () => `\nOptions of the configuration file (docs/configuration.md):\n\n${optionsHelp()}`);

const COMMANDS = [
  serveCommand,
  checkCommand,
  doctorCommand,
  updateCommand,
  deleteCommand,
  tokenCommand,
  hostCommand,
  historyCommand,
  zoneCommand,
  webhookCommand,
  backupCommand,
  statusCommand,
  reloadCommand,
  configCommand,
  initCommand,
  quickstartCommand,
];
for (const command of COMMANDS) {
  const made = command().exitOverride().copyInheritedSettings(program);
  for (const below of made.commands) below.copyInheritedSettings(made);
  program.addCommand(made);
}

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

/** Prints the error. @returns the exit code */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof ConfigError) {
    process.stderr.write(formatConfigError(error));
    return 2;
  }
  if (error instanceof UsageError) {
    process.stderr.write(`dyndns: ${error.message}\n`);
    return 2;
  }
  if (error instanceof AppError || isStartError(error)) {
    process.stderr.write(formatFailure(error));
    return 1;
  }
  process.stderr.write(`dyndns: internal error: ${error instanceof Error ? error.stack : String(error)}\n`);
  return 1;
}
