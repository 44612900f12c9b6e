/**
 * `dyndns update FQDN IP…`: the same change as over HTTP. In an embedded zone the running server makes it, if there is
 * one.
 */
import { Command } from 'commander';
import { withSessionFor } from '../session.ts';
import { quietObserver } from '../setup.ts';

export function updateCommand(): Command {
  return new Command('update')
    .description('publish one or two addresses of a name, one of each family')
    .argument('<fqdn>', 'the fully qualified domain name')
    .argument('[ip...]', 'its addresses')
    .option('-t, --ttl <seconds>', 'time to live')
    .option('-w, --wait', 'wait until the secondaries serve it, at most 8 seconds in all')
    .action(async (fqdn: string, ips: string[], { ttl, wait }: UpdateFlags, command: Command) => {
      await withSessionFor(command, fqdn, async (session) => {
        const request = {
          host: fqdn,
          ips,
          ...(ttl !== undefined && { ttl }),
          ...(wait && { wait: 'secondaries' as const }),
        };
        const { text, warning, secondaries } = await session.call('update', request);
        process.stdout.write(text);
        if (warning !== undefined) quietObserver.warn(warning);
        if (secondaries !== undefined) {
          process.stdout.write(`served by ${secondaries.served} of ${secondaries.listed} secondaries\n`);
        } else if (wait) {
          quietObserver.warn(
            'The secondaries are not known: the zone has another primary, or its server does not run. Nothing was waited for.',
          );
        }
      });
    });
}

interface UpdateFlags {
  readonly ttl?: string;
  readonly wait?: boolean;
}
