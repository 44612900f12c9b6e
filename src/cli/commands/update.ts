/** `dyndns update FQDN IP…`: the same change as over HTTP, without a server. */
import { Command } from 'commander';
import { OPERATOR } from '../../core/request-context.ts';
import { UpdateAddresses } from '../../core/update-addresses.ts';
import { UpdateHost } from '../../core/update-host.ts';
import { changeAddresses } from '../../http/protocols/original.ts';
import { updateLimits } from '../../server.ts';
import { loadFor, quietObserver, withZones } from '../setup.ts';

export function updateCommand(): Command {
  return new Command('update')
    .description('publish one or two addresses (one of each family) of a name')
    .argument('<fqdn>', 'the fully qualified domain name')
    .argument('[ip...]', 'its addresses')
    .option('-t, --ttl <seconds>', 'time to live')
    .action(async (fqdn: string, ips: string[], { ttl }: { ttl?: string }, command: Command) => {
      const { config } = loadFor(command);
      await withZones(config, async (zones) => {
        const updates = new UpdateHost({ updates: new UpdateAddresses(updateLimits(config)), now: Date.now });
        const services = { zones, updates, unspecifiedFamily: config.unspecifiedFamily };
        const { body, warning } = await changeAddresses({ fqdn, ips, ttl }, OPERATOR, services);
        process.stdout.write(body);
        if (warning !== undefined) quietObserver.warn(warning);
      });
    });
}
