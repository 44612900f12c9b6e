/** `dyndns config`: the effective configuration, each value with its origin; secrets are masked. */
import { Command } from 'commander';
import { renderConfig } from '../../config/show.ts';
import { loadFor } from '../setup.ts';
import { warnOfUnreadFiles } from '../unread-secrets.ts';

export function configCommand(): Command {
  return new Command('config')
    .description('print the effective configuration with the origin of each value; secrets print as [secret]')
    .action((_options, command: Command) => {
      const { config, settings, file } = loadFor(command);
      warnOfUnreadFiles(config);
      for (const warning of config.warnings) process.stderr.write(`WARNING: ${warning}\n`);
      process.stdout.write(`# ${file}\n${renderConfig(settings)}`);
    });
}
