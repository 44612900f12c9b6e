/** `dyndns token …`: credentials of clients. */
import { Command } from 'commander';
import type { TokenView } from '../../core/admin/views.ts';
import { withClients } from '../clients.ts';
import { formatTime } from '../local-time.ts';
import { loadFor } from '../setup.ts';
import { formatTable, listed, printJson } from '../table.ts';
import { tokenCreateCommand, tokenRotateCommand } from './token-create.ts';

export function tokenCommand(): Command {
  const token = new Command('token').description('make, list and end the credentials of clients');
  for (const command of [tokenCreateCommand, tokenListCommand, tokenRevokeCommand, tokenRotateCommand]) {
    token.addCommand(command());
  }
  return token;
}

function tokenListCommand(): Command {
  return new Command('list')
    .description('list the tokens of the configuration and of the store that are not revoked')
    .option('--all', 'list revoked ones, too')
    .option('--json', 'print a JSON array')
    .action(async ({ all, json }: { all?: boolean; json?: boolean }, command: Command) => {
      await withClients(loadFor(command).config, async ({ clients }) => {
        const tokens = (await clients.tokens()).filter(({ state }) => all || state !== 'revoked');
        if (json) printJson(tokens);
        else process.stdout.write(formatTokens(tokens));
      });
    });
}

function tokenRevokeCommand(): Command {
  return new Command('revoke')
    .description('end a token: it is refused within one second')
    .argument('<name>', 'its name')
    .option('--json', 'print a JSON object')
    .action(async (name: string, { json }: { json?: boolean }, command: Command) => {
      await withClients(loadFor(command).config, async ({ clients }) => {
        const token = await clients.revokeToken(name);
        if (json) printJson(token);
        else process.stdout.write(`The token '${token.name}' is revoked.\n`);
      });
    });
}

export function formatTokens(tokens: readonly TokenView[]): string {
  if (tokens.length === 0) return 'There are no tokens. `dyndns token create` makes one.\n';
  const rows = tokens.map(({ name, origin, state, hosts, types, addresses, sources, expires, lastUsed, revoked }) => [
    name,
    origin,
    state === 'revoked' ? `revoked ${formatTime(revoked)}` : state,
    listed(hosts),
    listed(types),
    typeof addresses === 'string' ? addresses : listed(addresses),
    sources === undefined ? 'anywhere' : listed(sources),
    expires ?? '-',
    // Of those in the file uses may be forgotten.
    lastUsed !== undefined ? formatTime(lastUsed) : origin === 'configuration' ? '-' : 'never',
  ]);
  return formatTable(['NAME', 'ORIGIN', 'STATE', 'HOSTS', 'TYPES', 'ADDRESSES', 'FROM', 'EXPIRES', 'LAST USED'], rows);
}
