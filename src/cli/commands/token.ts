/** `dyndns token …`: credentials of clients. */
import { Command } from 'commander';
import type { TokenView } from '../../core/admin/token-operations.ts';
import { formatTime } from '../local-time.ts';
import { allPages } from '../pages.ts';
import { withClientSession } from '../session.ts';
import { formatTable, listed, print } from '../table.ts';
import { tokenCreateCommand, tokenRotateCommand } from './token-create.ts';

export function tokenCommand(): Command {
  const token = new Command('token').description('create, list, rotate and revoke the credentials of clients');
  for (const command of [tokenCreateCommand, tokenListCommand, tokenRevokeCommand, tokenRotateCommand]) {
    token.addCommand(command());
  }
  return token;
}

interface ListFlags {
  readonly all?: boolean;
  readonly json?: boolean;
  readonly owner?: string;
  readonly search?: string;
}

function tokenListCommand(): Command {
  return new Command('list')
    .description('list the tokens of the configuration and of the store')
    .option('--all', 'also list revoked tokens')
    .option('--owner <user>', 'only tokens of this user')
    .option('--search <text>', 'only tokens with this text in their name')
    .option('--json', 'print a JSON array')
    .action(async ({ all, json, ...filter }: ListFlags, command: Command) => {
      await withClientSession(command, async (session) => {
        const withRevoked = await allPages(session, 'listTokens', filter, (page) => page.tokens);
        const tokens = withRevoked.filter(({ state }) => all || state !== 'revoked');
        print(tokens, json, formatTokens);
      });
    });
}

function tokenRevokeCommand(): Command {
  return new Command('revoke')
    .description('revoke a token: it is refused within one second')
    .argument('<name>', 'its name')
    .option('--json', 'print a JSON object')
    .action(async (name: string, { json }: { json?: boolean }, command: Command) => {
      await withClientSession(command, async (session) => {
        const token = await session.call('revokeToken', { name });
        print(token, json, () => `The token '${token.name}' was revoked.\n`);
      });
    });
}

export function formatTokens(tokens: readonly TokenView[]): string {
  if (tokens.length === 0) return 'There are no tokens. `dyndns token create` creates one.\n';
  // Only a server with users has owners.
  const isOwned = tokens.some(({ owner }) => owner !== undefined);
  const rows = tokens.map((token) => [
    token.name,
    token.origin,
    token.state === 'revoked' ? `revoked ${formatTime(token.revoked)}` : token.state,
    listed(token.hosts),
    listed(token.register ? [...token.types, 'register'] : token.types),
    typeof token.addresses === 'string' ? token.addresses : listed(token.addresses),
    token.sources === undefined ? 'anywhere' : listed(token.sources),
    formatEnd(token),
    // Without a store the last use of a configured token is lost at a restart.
    token.lastUsed !== undefined ? formatTime(token.lastUsed) : token.origin === 'configuration' ? '-' : 'never',
    ...(isOwned ? [token.owner ?? '-'] : []),
  ]);
  const head = ['NAME', 'ORIGIN', 'STATE', 'HOSTS', 'TYPES', 'ADDRESSES', 'FROM', 'EXPIRES', 'LAST USED'];
  return formatTable([...head, ...(isOwned ? ['OWNER'] : [])], rows);
}

/** `2099-12-31`, `after 90 days unused`, or both. */
function formatEnd({ expires, maxUnusedDays }: TokenView): string {
  const ends = [expires, maxUnusedDays === undefined ? undefined : `after ${maxUnusedDays} days unused`];
  return ends.filter((end) => end !== undefined).join(', ') || '-';
}
