/** `dyndns host give|share|unshare`: whom a host belongs to, and who else may see or change it. */
import { Command, Option } from 'commander';
import { UsageError } from '../output.ts';
import { withClientSession } from '../session.ts';
import { print } from '../table.ts';

interface JsonFlag {
  readonly json?: boolean;
}

export function hostGiveCommand(): Command {
  return new Command('give')
    .description('give a host to a user, who can then change it and create tokens for it')
    .argument('<host>', 'the full name of the host')
    .argument('[user]', 'the new owner')
    .option('--operator', 'take it back: it belongs to the operator again')
    .option('--json', 'print a JSON object')
    .action(
      async (
        host: string,
        user: string | undefined,
        { operator, json }: JsonFlag & { operator?: boolean },
        command,
      ) => {
        if ((user === undefined) !== (operator === true)) {
          throw new UsageError('Give either the name of a user, or --operator.');
        }
        await withClientSession(command, async (session) => {
          const view = await session.call('changeHost', { host, owner: user ?? null });
          print(
            view,
            json,
            () => `'${view.host}' belongs to ${view.owner === undefined ? 'the operator' : `'${view.owner}'`}.\n`,
          );
        });
      },
    );
}

export function hostShareCommand(): Command {
  return new Command('share')
    .description('let another user see a host, or also change its addresses and records')
    .argument('<host>', 'the full name of the host')
    .argument('<user>', 'the other user')
    .addOption(new Option('--access <access>', 'what the user may do').choices(['view', 'change']).default('view'))
    .option('--json', 'print a JSON object')
    .action(async (host: string, user: string, flags: JsonFlag & { access: 'view' | 'change' }, command: Command) => {
      const { access, json } = flags;
      await withClientSession(command, async (session) => {
        const view = await session.call('shareHost', { host, user, access });
        print(view, json, () => `'${user}' may ${access === 'view' ? 'see' : 'change'} '${view.host}'.\n`);
      });
    });
}

export function hostUnshareCommand(): Command {
  return new Command('unshare')
    .description('end the share of a host with a user')
    .argument('<host>', 'the full name of the host')
    .argument('<user>', 'the other user')
    .option('--json', 'print a JSON object')
    .action(async (host: string, user: string, { json }: JsonFlag, command: Command) => {
      await withClientSession(command, async (session) => {
        const view = await session.call('unshareHost', { host, user });
        print(view, json, () => `'${view.host}' is no longer shared with '${user}'.\n`);
      });
    });
}
