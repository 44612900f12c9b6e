/** `dyndns config`: the effective configuration, each value with its origin; secrets are masked. With --check, is it valid? */
import { Command } from 'commander';
import { optionsHelp } from '../../config/help.ts';
import { ConfigError } from '../../config/problem.ts';
import { renderConfig } from '../../config/show.ts';
import { loadFor, quietObserver } from '../setup.ts';
import { warnOfUnreadFiles } from '../unread-secrets.ts';

export function configCommand(): Command {
  return new Command('config')
    .description('print the effective configuration with the origin of each value; secrets print as [secret]')
    .option('--check', 'check everything that a start would read, print one line, and exit with 2 if it is not valid')
    .addHelpText('after', () => `\nOptions of the configuration file (docs/configuration.md):\n\n${optionsHelp()}`)
    .action(async ({ check }: { check?: boolean }, command: Command) => {
      const { config, settings, file } = loadFor(command);
      warnOfUnreadFiles(config);
      for (const warning of config.warnings) quietObserver.warn(warning);
      if (!check) {
        process.stdout.write(`# ${file}\n${renderConfig(settings)}`);
        return;
      }
      const { checkConfig } = await import('../../server/check-config.ts');
      const { problems, warnings, notChecked } = await checkConfig(config);
      for (const text of [...warnings, ...notChecked]) quietObserver.warn(text);
      if (problems.length > 0) throw new ConfigError(problems);
      const zones = `${config.zones.length} ${config.zones.length === 1 ? 'zone' : 'zones'}`;
      process.stdout.write(`The configuration ${file} is valid: ${zones}.\n`);
    });
}
