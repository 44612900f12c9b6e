/** `dyndns user key|keys|revoke-key`: credentials for the HTTP API. With `--remote` also those of the user of the key. */
import { Command } from 'commander';
import type { KeyView, NewKeyView } from '../../core/admin/user-operations.ts';
import { formatTime } from '../local-time.ts';
import { withClientSession } from '../session.ts';
import { formatTable, print } from '../table.ts';
import { requireUser } from '../user-name.ts';

interface KeyFlags {
  readonly name: string;
  readonly expires?: string;
  readonly maxUnusedDays?: string;
  readonly json?: boolean;
}

const OWN = 'the user; with --remote the user of the key if it is left out';

export function userKeyCommand(): Command {
  return new Command('key')
    .description('make a management key for the HTTP API, and print it once')
    .argument('[user]', OWN)
    .requiredOption('--name <label>', 'what it is for, such as the machine; not secret')
    .option('--expires <day>', 'the last day on which it is valid, YYYY-MM-DD in UTC')
    .option('--max-unused-days <days>', 'the key ends when it was not used for this number of days')
    .option('--json', 'print a JSON object')
    .action(async (user: string | undefined, flags: KeyFlags, command: Command) => {
      requireUser(user, command);
      const { name, expires, maxUnusedDays, json } = flags;
      const wanted = {
        name,
        ...(expires !== undefined && { expires }),
        ...(maxUnusedDays !== undefined && { maxUnusedDays }),
      };
      await withClientSession(command, async (session) => {
        const created =
          user === undefined
            ? await session.call('createMyKey', wanted)
            : await session.call('createKey', { user, ...wanted });
        print(created, json, formatNewKey);
      });
    });
}

function formatNewKey({ key, secret }: NewKeyView): string {
  return `The management key '${key.name}'. It is shown this once:

${secret}

Keep it in a file that only you can read, and use it on another machine:

dyndns --remote https://SERVER --key-file FILE status
`;
}

export function userKeysCommand(): Command {
  return new Command('keys')
    .description('list the management keys of a user')
    .argument('[user]', OWN)
    .option('--all', 'also list revoked keys')
    .option('--json', 'print a JSON array')
    .action(async (user: string | undefined, { all, json }: { all?: boolean; json?: boolean }, command: Command) => {
      requireUser(user, command);
      await withClientSession(command, async (session) => {
        const { keys } =
          user === undefined ? await session.call('listMyKeys', {}) : await session.call('listKeys', { user });
        print(
          keys.filter(({ state }) => all || state !== 'revoked'),
          json,
          formatKeys,
        );
      });
    });
}

export function userRevokeKeyCommand(): Command {
  return new Command('revoke-key')
    .description('revoke a management key: it is refused from the next request on')
    .argument('[user]', OWN)
    .requiredOption('--name <label>', 'the name of the key')
    .option('--json', 'print a JSON object')
    .action(async (user: string | undefined, { name, json }: KeyFlags, command: Command) => {
      requireUser(user, command);
      await withClientSession(command, async (session) => {
        const key =
          user === undefined
            ? await session.call('revokeMyKey', { name })
            : await session.call('revokeKey', { user, name });
        print(key, json, () => `The key '${key.name}' was revoked.\n`);
      });
    });
}

export function formatKeys(keys: readonly KeyView[]): string {
  if (keys.length === 0) return 'There are no keys. `dyndns user key` makes one.\n';
  const rows = keys.map(({ name, state, created, expires, maxUnusedDays, lastUsed, revoked }) => [
    name,
    state === 'revoked' ? `revoked ${formatTime(revoked)}` : state,
    formatTime(created),
    [
      ...(expires === undefined ? [] : [expires]),
      ...(maxUnusedDays === undefined ? [] : [`after ${maxUnusedDays} days unused`]),
    ].join(', ') || '-',
    lastUsed === undefined ? 'never' : formatTime(lastUsed),
  ]);
  return formatTable(['NAME', 'STATE', 'CREATED', 'EXPIRES', 'LAST USED'], rows);
}
