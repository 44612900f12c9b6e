/** `dyndns user …`: users of the HTTP API, their roles and quotas. */
import { Command } from 'commander';
import type { Input } from '../../core/admin/operations.ts';
import type { UserView } from '../../core/admin/user-operations.ts';
import { ask, flagOr, type Question } from '../init/questions.ts';
import { formatTime } from '../local-time.ts';
import { UsageError } from '../output.ts';
import { allPages } from '../pages.ts';
import { withClientSession } from '../session.ts';
import { formatTable, print } from '../table.ts';
import { requireUser } from '../user-name.ts';
import { userKeyCommand, userKeysCommand, userRevokeKeyCommand } from './user-key.ts';
import { userSignInCommands } from './user-sign-in.ts';

interface QuotaFlags {
  readonly maxHosts?: string;
  readonly maxTokens?: string;
  readonly maxChanges?: string;
}

interface JsonFlag {
  readonly json?: boolean;
}

export function userCommand(): Command {
  const user = new Command('user').description('users of the dashboard and the HTTP API: roles, quotas, keys, links');
  const commands = [userCreateCommand, userListCommand, userShowCommand, userChangeCommand, userRemoveCommand];
  for (const command of commands) user.addCommand(command());
  user.addCommand(userEnabledCommand('disable', false, 'refuse the keys and the tokens of a user; records stay'));
  user.addCommand(userEnabledCommand('enable', true, 'accept the keys and the tokens of a user again'));
  for (const command of [userKeyCommand, userKeysCommand, userRevokeKeyCommand]) user.addCommand(command());
  for (const command of userSignInCommands()) user.addCommand(command);
  return user;
}

const NAME = '1 to 64 lower-case letters, digits and the signs . _ @ + -';

function withQuotas(command: Command): Command {
  return command
    .option('--max-hosts <number>', 'hosts that a member may own; 0: no limit')
    .option('--max-tokens <number>', 'valid tokens that a member may have; 0: no limit')
    .option('--max-changes <number>', 'changes a minute of all tokens of a member; 0: no limit');
}

function quotasOf({ maxHosts, maxTokens, maxChanges }: QuotaFlags): {
  readonly quotas?: NonNullable<Input<'createUser'>['quotas']>;
} {
  const quotas = {
    ...(maxHosts !== undefined && { hosts: maxHosts }),
    ...(maxTokens !== undefined && { tokens: maxTokens }),
    ...(maxChanges !== undefined && { changesPerMinute: maxChanges }),
  };
  return Object.keys(quotas).length === 0 ? {} : { quotas };
}

function userCreateCommand(): Command {
  const command = new Command('create')
    .description('create a user, who signs in with a management key; a member by default')
    .argument('<name>', NAME)
    .option('--admin', 'an administrator: everything but files of the server, without quotas');
  return withQuotas(command)
    .option('--json', 'print a JSON object')
    .action(
      async (name: string, { admin, json, ...quotas }: QuotaFlags & JsonFlag & { admin?: boolean }, own: Command) => {
        await withClientSession(own, async (session) => {
          const role = admin ? ('admin' as const) : ('member' as const);
          const user = await session.call('createUser', { name, role, ...quotasOf(quotas) });
          print(user, json, ({ name: created }) => {
            const next = `\`dyndns user link ${created}\` makes a link to sign in, \`dyndns user key ${created} --name LABEL\` a management key.\n`;
            return `The ${user.role} '${created}' was created. ${next}`;
          });
        });
      },
    );
}

function userListCommand(): Command {
  return new Command('list')
    .description('list the users with roles and quotas')
    .option('--search <text>', 'only users with this text in their name')
    .option('--json', 'print a JSON array')
    .action(async ({ search, json }: JsonFlag & { search?: string }, command: Command) => {
      await withClientSession(command, async (session) => {
        const input = { ...(search !== undefined && { search }) };
        const users = await allPages(session, 'listUsers', input, (page) => page.users);
        print(users, json, formatUsers);
      });
    });
}

function userShowCommand(): Command {
  return new Command('show')
    .description('show a user with the numbers of hosts and tokens')
    .argument('[name]', 'the user; with --remote the user of the key if it is left out')
    .option('--json', 'print a JSON object')
    .action(async (name: string | undefined, { json }: JsonFlag, command: Command) => {
      requireUser(name, command);
      await withClientSession(command, async (session) => {
        if (name !== undefined) {
          print(await session.call('showUser', { name }), json, formatUser);
          return;
        }
        const { user, claims } = await session.call('showMe', {});
        const lines = claims.map(({ zone, pattern }) => `  claims     names like ${pattern}.${zone}\n`);
        print({ ...user, claims }, json, () => `${formatUser(user)}${lines.join('')}`);
      });
    });
}

function userChangeCommand(): Command {
  const command = new Command('change')
    .description('change the role or the quotas of a user')
    .argument('<name>', 'the user')
    .option('--admin', 'make the user an administrator')
    .option('--member', 'make the user a member');
  return withQuotas(command)
    .option('--json', 'print a JSON object')
    .action(
      async (name: string, flags: QuotaFlags & JsonFlag & { admin?: boolean; member?: boolean }, own: Command) => {
        const { admin, member, json, ...quotaFlags } = flags;
        if (admin && member) throw new UsageError('--admin and --member exclude each other.');
        const quotas = quotasOf(quotaFlags);
        const role = admin ? ('admin' as const) : ('member' as const);
        const change = { ...quotas, ...((admin || member) && { role }) };
        if (Object.keys(change).length === 0) {
          throw new UsageError(
            'Nothing to change: give --admin, --member, --max-hosts, --max-tokens or --max-changes.',
          );
        }
        await withClientSession(own, async (session) => {
          print(await session.call('changeUser', { name, ...change }), json, formatUser);
        });
      },
    );
}

function userEnabledCommand(word: string, enabled: boolean, description: string): Command {
  return new Command(word)
    .description(description)
    .argument('<name>', 'the user')
    .option('--json', 'print a JSON object')
    .action(async (name: string, { json }: JsonFlag, command: Command) => {
      await withClientSession(command, async (session) => {
        const user = await session.call('changeUser', { name, enabled });
        print(user, json, () =>
          enabled
            ? `Keys and tokens of '${user.name}' are accepted.\n`
            : `Keys and tokens of '${user.name}' are refused. Records of hosts stay.\n`,
        );
      });
    });
}

interface RemoveFlags extends JsonFlag {
  readonly hosts?: string;
  readonly tokens?: string;
  readonly history?: string;
}

function choice<Word extends string>(flag: string, text: string, words: readonly [Word, Word]): Question<Word> {
  return {
    flag,
    text: `${text} (${words.join(' or ')})`,
    proposal: words[0],
    read(answer) {
      const word = words.find((candidate) => candidate === answer);
      if (word !== undefined) return word;
      throw new UsageError(`${flag} must be ${words.join(' or ')}.`);
    },
  };
}

const HOSTS = choice('--hosts', 'Hosts of the user: give them to the operator, or remove their settings', [
  'operator',
  'remove',
]);
const TOKENS = choice('--tokens', 'Tokens of the user: give them to the operator, or revoke them', [
  'operator',
  'revoke',
]);
const HISTORY = choice('--history', 'History of these hosts: keep it, or purge it permanently', ['keep', 'purge']);

function userRemoveCommand(): Command {
  return new Command('remove')
    .description('remove a user and the keys of the user; asks what becomes of hosts, tokens and history')
    .argument('<name>', 'the user')
    .option('--hosts <what>', 'operator: they belong to the operator; remove: their settings are removed. Records stay')
    .option('--tokens <what>', 'operator: they stay valid and belong to the operator; revoke: they end')
    .option('--history <what>', 'keep or purge, of the hosts of the user')
    .option('--json', 'print a JSON object')
    .action(async (name: string, flags: RemoveFlags, command: Command) => {
      const hosts = await flagOr(flags.hosts, HOSTS, ask);
      const tokens = await flagOr(flags.tokens, TOKENS, ask);
      const history = await flagOr(flags.history, HISTORY, ask);
      await withClientSession(command, async (session) => {
        const user = await session.call('removeUser', { name, hosts, tokens, history });
        print(user, flags.json, () => `The user '${user.name}' and the keys of the user were removed.\n`);
      });
    });
}

function limit(number: number | undefined, role: UserView['role']): string {
  return role === 'admin' || number === undefined || number === 0 ? '-' : String(number);
}

export function formatUsers(users: readonly UserView[]): string {
  if (users.length === 0) return 'There are no users. `dyndns user create` creates one.\n';
  const rows = users.map(({ name, role, enabled, quotas, created }) => [
    name,
    role,
    enabled ? 'enabled' : 'disabled',
    limit(quotas.hosts, role),
    limit(quotas.tokens, role),
    limit(quotas.changesPerMinute, role),
    formatTime(created),
  ]);
  return formatTable(['NAME', 'ROLE', 'STATE', 'MAX HOSTS', 'MAX TOKENS', 'MAX CHANGES/MIN', 'CREATED'], rows);
}

function formatUser({ name, role, enabled, quotas, created, hosts, tokens }: UserView): string {
  const used = (count: number | undefined, quota: number | undefined) => {
    const most = limit(quota, role);
    if (count === undefined) return most === '-' ? 'not limited' : `at most ${most}`;
    return `${count}${most === '-' ? '' : ` of ${most}`}`;
  };
  const lines = [
    name,
    `  role       ${role}`,
    `  state      ${enabled ? 'enabled' : 'disabled: keys and tokens are refused'}`,
    `  hosts      ${used(hosts, quotas.hosts)}`,
    `  tokens     ${used(tokens, quotas.tokens)}`,
    `  changes    ${limit(quotas.changesPerMinute, role) === '-' ? 'not limited' : `${quotas.changesPerMinute} a minute`}`,
    `  created    ${formatTime(created)}`,
  ];
  return `${lines.join('\n')}\n`;
}
