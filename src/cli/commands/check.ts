/** `dyndns check`: proves that each zone can be changed, or says what to repair. */
import { Command } from 'commander';
import { remoteUrl } from '../remote.ts';
import { withSession } from '../session.ts';
import { loadFor, quietObserver } from '../setup.ts';

export function checkCommand(): Command {
  return new Command('check')
    .description('write, read back and remove a TXT record in each zone; if that fails, say what to repair')
    .action(async (_options, command: Command) => {
      if (remoteUrl(command) === undefined) {
        const { config, file } = loadFor(command);
        for (const warning of config.warnings) quietObserver.warn(warning);
        process.stdout.write(`INFO: The configuration file ${file} is valid.\n`);
      }
      await withSession(command, async (session) => {
        const { text, passed } = await session.call('check', {});
        process.stdout.write(text);
        if (!passed) process.exitCode = 1;
      });
    });
}
