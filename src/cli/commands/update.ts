/**
 * `dyndns update FQDN IP…`: the same change as over HTTP. In an embedded zone the running server makes it, if there is
 * one.
 */
import { Command } from 'commander';
import { withSessionFor } from '../session.ts';
import { loadFor, quietObserver } from '../setup.ts';

export function updateCommand(): Command {
  return new Command('update')
    .description('publish one or two addresses of a name, one of each family')
    .argument('<fqdn>', 'the fully qualified domain name')
    .argument('[ip...]', 'its addresses')
    .option('-t, --ttl <seconds>', 'time to live')
    .action(async (fqdn: string, ips: string[], { ttl }: { ttl?: string }, command: Command) => {
      await withSessionFor(loadFor(command).config, fqdn, async (session) => {
        const { text, warning } = await session.call('update', { fqdn, ips, ...(ttl !== undefined && { ttl }) });
        process.stdout.write(text);
        if (warning !== undefined) quietObserver.warn(warning);
      });
    });
}
