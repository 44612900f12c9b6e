/**
 * `dyndns update FQDN IP…`: the same change as over HTTP. In an embedded zone it is made by the running server, where there
 * is one.
 */
import { Command } from 'commander';
import { withAdminOf } from '../admin.ts';
import { loadFor, quietObserver } from '../setup.ts';

export function updateCommand(): Command {
  return new Command('update')
    .description('publish one or two addresses (one of each family) of a name')
    .argument('<fqdn>', 'the fully qualified domain name')
    .argument('[ip...]', 'its addresses')
    .option('-t, --ttl <seconds>', 'time to live')
    .action(async (fqdn: string, ips: string[], { ttl }: { ttl?: string }, command: Command) => {
      const { config } = loadFor(command);
      await withAdminOf(config, fqdn, async (calls) => {
        const { text, warning } = await calls.update({ fqdn, ips, ...(ttl !== undefined && { ttl }) });
        process.stdout.write(text);
        if (warning !== undefined) quietObserver.warn(warning);
      });
    });
}
