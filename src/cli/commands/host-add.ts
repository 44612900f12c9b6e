/** `dyndns host add NAME`: settings for a host, and a token for it in the same step. */
import { Command } from 'commander';
import type { NewTokenView } from '../../core/admin/token-operations.ts';
import { withClientSession } from '../session.ts';
import { printJson } from '../table.ts';
import { formatNewToken, serverUrl } from '../token-lines.ts';

interface AddFlags {
  readonly ttl?: string;
  readonly allow?: readonly string[];
  readonly deny?: readonly string[];
  readonly silentAfter?: string;
  readonly lease?: string;
  readonly fallback?: readonly string[];
  readonly interfaceId?: string;
  readonly prefixLength?: string;
  readonly owner?: string;
  readonly replace?: boolean;
  readonly createToken?: string;
  readonly json?: boolean;
}

export function hostAddCommand(): Command {
  return new Command('add')
    .description('store settings that differ from the rules of the zone; a host works without any')
    .argument('<name>', 'the full name of the host')
    .option('--ttl <seconds>', 'time to live, if a request has none')
    .option('--allow <prefixes...>', 'addresses that may be published; of all rules the longest prefix decides')
    .option('--deny <prefixes...>', 'addresses that may not be published')
    .option('--silent-after <seconds>', 'send a notice after this time without an update')
    .option('--lease <seconds>', 'remove its addresses after this time without an update')
    .option('--fallback <addresses...>', 'addresses to publish when the lease ends')
    .option('--interface-id <id>', 'the lower half of its own IPv6 address below a prefix, like ::1')
    .option('--prefix-length <bits>', 'members follow an IPv6 address without a prefix: 56 to 64')
    .option('--owner <user>', 'the user whom it belongs to, also the token of --create-token')
    .option('--replace', 'replace settings that exist')
    .option('--create-token <token>', 'create a token of this name that may change the host')
    .option('--json', 'print a JSON object')
    .action(async (host: string, flags: AddFlags, command: Command) => {
      const { ttl, allow = [], deny = [], silentAfter, lease, fallback = [] } = flags;
      const { interfaceId, prefixLength, owner, replace = false, createToken, json } = flags;
      await withClientSession(command, async (session) => {
        // The settings first: they can be replaced later, a token of this name cannot be created again.
        const settings = {
          host,
          ...(ttl !== undefined && { ttl }),
          allow,
          deny,
          ...(silentAfter !== undefined && { silentAfter }),
          ...(lease !== undefined && { lease }),
          fallback,
          ...(owner !== undefined && { owner }),
          ...(interfaceId !== undefined && { interfaceId }),
          ...(prefixLength !== undefined && { prefixLength }),
          replace,
        };
        const added = await session.call('addHost', settings);
        let created: NewTokenView | undefined;
        if (createToken !== undefined) {
          created = await session
            .call('createToken', { name: createToken, hosts: [host], ...(owner !== undefined && { owner }) })
            .catch((error: unknown) => {
              if (error instanceof Error)
                error.message = `The host was added, the token was not created. ${error.message}`;
              throw error;
            });
        }
        if (json) {
          printJson({ ...added, ...(created && { created }) });
          return;
        }
        process.stdout.write(`The settings of '${added.host}' were stored.\n`);
        if (created !== undefined) {
          process.stdout.write(`\n${formatNewToken(created, serverUrl(await session.http()), true)}`);
        }
      });
    });
}
