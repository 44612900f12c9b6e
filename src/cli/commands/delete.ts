/** `dyndns delete FQDN`: removes the A and AAAA records of a name; in an embedded zone by the running server. */
import { Command } from 'commander';
import { withAdminOf } from '../admin.ts';
import { loadFor } from '../setup.ts';

export function deleteCommand(): Command {
  return new Command('delete')
    .description('remove the A and AAAA records of a name')
    .argument('<fqdn>', 'the fully qualified domain name')
    .action(async (fqdn: string, _options, command: Command) => {
      const { config } = loadFor(command);
      await withAdminOf(config, fqdn, async (calls) => {
        process.stdout.write((await calls.delete({ fqdn })).text);
      });
    });
}
