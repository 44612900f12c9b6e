/** `dyndns delete FQDN`: removes the A and AAAA records of a name, without a server. */
import { Command } from 'commander';
import { UpdateAddresses } from '../../core/update-addresses.ts';
import { deleteAddresses } from '../../http/protocols/original.ts';
import { updateLimits } from '../../server.ts';
import { loadFor, withZones } from '../setup.ts';

export function deleteCommand(): Command {
  return new Command('delete')
    .description('remove the A and AAAA records of a name')
    .argument('<fqdn>', 'the fully qualified domain name')
    .action(async (fqdn: string, _options, command: Command) => {
      const { config } = loadFor(command);
      await withZones(config, async (zones) => {
        const updates = new UpdateAddresses(updateLimits(config));
        const { body } = await deleteAddresses(fqdn, { zones, updates });
        process.stdout.write(body);
      });
    });
}
