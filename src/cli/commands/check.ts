/** `dyndns check`: proves that each zone can be changed, or says what to repair. */
import { Command } from 'commander';
import { checkZone } from '../../core/check-zones.ts';
import { checkLine } from '../../http/protocols/original.ts';
import { updateLimits } from '../../server.ts';
import { loadFor, quietObserver, withZones } from '../setup.ts';

export function checkCommand(): Command {
  return new Command('check')
    .description('write, read back and remove a TXT record in each zone; says what to repair where that fails')
    .action(async (_options, command: Command) => {
      const { config, file } = loadFor(command);
      for (const warning of config.warnings) quietObserver.warn(warning);
      process.stdout.write(`INFO: The configuration file ${file} is valid.\n`);
      await withZones(config, async (zones) => {
        const { timeoutMs } = updateLimits(config);
        const results = await Promise.all(zones.all.map((zone) => checkZone(zone, timeoutMs)));
        for (const result of results) process.stdout.write(checkLine(result));
        if (results.some((result) => result.kind === 'failed')) process.exitCode = 1;
      });
    });
}
