/** `dyndns delete FQDN`: removes the A and AAAA records of a name; in an embedded zone through the running server. */
import { Command } from 'commander';
import { withSessionFor } from '../session.ts';

export function deleteCommand(): Command {
  return new Command('delete')
    .description('remove the A and AAAA records of a name')
    .argument('<fqdn>', 'the fully qualified domain name')
    .action(async (fqdn: string, _options, command: Command) => {
      await withSessionFor(command, fqdn, async (session) => {
        process.stdout.write((await session.call('delete', { host: fqdn })).text);
      });
    });
}
