/** `dyndns delete FQDN`: removes the A and AAAA records of a name, without a server. */
import { Command } from 'commander';
import { OPERATOR } from '../../core/request-context.ts';
import { UpdateAddresses } from '../../core/update-addresses.ts';
import { UpdateHost } from '../../core/update-host.ts';
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
        const updates = new UpdateHost({ updates: new UpdateAddresses(updateLimits(config)), now: Date.now });
        const { body } = await deleteAddresses(fqdn, OPERATOR, { zones, updates });
        process.stdout.write(body);
      });
    });
}
