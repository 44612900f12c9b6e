/** `dyndns host add NAME`: settings for a host, and a token for it in the same step. */
import { Command } from 'commander';
import type { NewTokenView } from '../../core/admin/views.ts';
import { withClients } from '../clients.ts';
import { loadFor } from '../setup.ts';
import { printJson } from '../table.ts';
import { formatNewToken, serverUrl } from '../token-lines.ts';

interface AddFlags {
  readonly ttl?: string;
  readonly allow?: readonly string[];
  readonly deny?: readonly string[];
  readonly silentAfter?: string;
  readonly lease?: string;
  readonly fallback?: readonly string[];
  readonly replace?: boolean;
  readonly createToken?: string;
  readonly json?: boolean;
}

export function hostAddCommand(): Command {
  return new Command('add')
    .description('set what differs from the rules of the zone; a host without settings needs none of this')
    .argument('<name>', 'the full name of the host')
    .option('--ttl <seconds>', 'time to live, where a request says none')
    .option('--allow <prefixes...>', 'addresses that may be published; of all rules the longest prefix decides')
    .option('--deny <prefixes...>', 'addresses that may not')
    .option('--silent-after <seconds>', 'tell it when no update came for so long')
    .option('--lease <seconds>', 'take its addresses away when no update came for so long')
    .option('--fallback <addresses...>', 'addresses to publish in their place')
    .option('--replace', 'also if it has settings')
    .option('--create-token <token>', 'make a token of this name that may change the host')
    .option('--json', 'print a JSON object')
    .action(async (host: string, flags: AddFlags, command: Command) => {
      const { ttl, allow = [], deny = [], silentAfter, lease, fallback = [] } = flags;
      const { replace = false, createToken, json } = flags;
      await withClients(loadFor(command).config, async ({ clients, http }) => {
        // The settings first: they can be set again, a name of a token cannot.
        const call = {
          host,
          ...(ttl !== undefined && { ttl }),
          allow,
          deny,
          ...(silentAfter !== undefined && { silentAfter }),
          ...(lease !== undefined && { lease }),
          fallback,
          replace,
        };
        const added = await clients.addHost(call);
        let made: NewTokenView | undefined;
        if (createToken !== undefined) {
          made = await clients
            .createToken({ name: createToken, hosts: [host], types: [], addresses: [], sources: [] })
            .catch((error: unknown) => {
              if (error instanceof Error) error.message = `The host is there, but not the token. ${error.message}`;
              throw error;
            });
        }
        if (json) {
          printJson({ ...added, ...(made && { created: made }) });
          return;
        }
        process.stdout.write(`The settings of '${added.host}' are stored.\n`);
        if (made !== undefined) process.stdout.write(`\n${formatNewToken(made, serverUrl(await http()), true)}`);
      });
    });
}
