/**
 * The command line: `dyndns [-c FILE] COMMAND …`.
 * Exit codes: 0 done, 1 failed, 2 wrong usage or an invalid configuration, 130 interrupted at a question.
 */
import { Command, CommanderError } from 'commander';
import { ConfigError } from '../config/problem.ts';
import { AppError, errorStack } from '../core/errors.ts';
import { StartError } from '../server/start-error.ts';
import { versionWithCommit } from '../server/version.ts';
import { loadCommands } from './commands/all.ts';
import { commandName, isServerCommand } from './hangups.ts';
import { HELP } from './help.ts';
import { formatConfigError, formatFailure, InterruptedError, isStartError, UsageError } from './output.ts';
import { catchOutputErrors } from './output-errors.ts';
import { checkRemoteUse } from './remote.ts';

const program = new Command('dyndns')
  .description('A dynamic-DNS server: takes a changed address over HTTP and changes DNS by signed DNS UPDATE.')
  .version(versionWithCommit(), '-v, --version', 'print the version')
  .option('-c, --config <file>', 'the configuration file')
  .option('--remote <url>', 'act on the server of another machine, over its HTTP API')
  .option('--key-file <file>', 'with --remote: the file with a management key; - is the standard input')
  .option('--insecure-http', 'with --remote: also send the key over HTTP without TLS')
  .hook('preAction', (_, command) => checkRemoteUse(command))
  .showHelpAfterError("(run 'dyndns --help' for usage)")
  .exitOverride();
program.helpInformation = () => HELP;

const args = process.argv.slice(2);
const isHelp = args.some((argument) => argument === '-h' || argument === '--help');
const isServer = isServerCommand(args) && !isHelp;
// A server writes to its log only. Node.js would put outputs that it shares with other programs into non-blocking mode.
if (!isServer) catchOutputErrors();
// The help of the program and its version need no command.
const isGeneral = args.length > 0 && args.every((argument) => /^(-h|--help|-v|--version)$/.test(argument));
for (const command of isGeneral ? [] : await loadCommands(commandName(args))) {
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
  if (isServer) catchOutputErrors();
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof ConfigError) {
    process.stderr.write(formatConfigError(error));
    return 2;
  }
  if (error instanceof InterruptedError) return 130;
  if (error instanceof UsageError) {
    process.stderr.write(`dyndns: ${error.message}\n`);
    return 2;
  }
  if (error instanceof AppError || isStartError(error)) {
    process.stderr.write(formatFailure(error));
    // The `records` of a zone are a part of the configuration.
    return error instanceof StartError && error.problem === 'zone' ? 2 : 1;
  }
  process.stderr.write(`dyndns: internal error: ${errorStack(error)}\n`);
  return 1;
}
