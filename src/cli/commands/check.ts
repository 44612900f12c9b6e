/** `dyndns check`: proves that each zone can be changed, or says what to repair. */
import { Command } from 'commander';
import { withAdmin } from '../admin.ts';
import { loadFor, quietObserver } from '../setup.ts';

export function checkCommand(): Command {
  return new Command('check')
    .description('write, read back and remove a TXT record in each zone; says what to repair where that fails')
    .action(async (_options, command: Command) => {
      const { config, file } = loadFor(command);
      for (const warning of config.warnings) quietObserver.warn(warning);
      process.stdout.write(`INFO: The configuration file ${file} is valid.\n`);
      await withAdmin(config, async (calls) => {
        const { text, passed } = await calls.check();
        process.stdout.write(text);
        if (!passed) process.exitCode = 1;
      });
    });
}
