/** `dyndns user link|invite|invitations|…`: how people sign in to the dashboard. */
import { Command } from 'commander';
import type { InvitationView, SessionView } from '../../core/admin/sign-in-operations.ts';
import { formatTime } from '../local-time.ts';
import { withClientSession } from '../session.ts';
import { formatTable, print } from '../table.ts';

interface JsonFlag {
  readonly json?: boolean;
}

const JSON_OPTION = ['--json', 'print JSON'] as const;

export function userSignInCommands(): readonly Command[] {
  return [
    linkCommand(),
    inviteCommand(),
    invitationsCommand(),
    removeInvitationCommand(),
    sessionsCommand(),
    endSessionCommand(),
    removeTotpCommand(),
  ];
}

function linkCommand(): Command {
  return new Command('link')
    .description('print a link by which a user signs in to the dashboard, valid once and for 15 minutes')
    .argument('<name>', 'the user')
    .option(...JSON_OPTION)
    .action(async (name: string, { json }: JsonFlag, command: Command) => {
      await withClientSession(command, async (session) => {
        const link = await session.call('createLink', { user: name });
        print(link, json, ({ url, expires }) => `${url}\nIt is valid once, until ${formatTime(expires)}.\n`);
      });
    });
}

function inviteCommand(): Command {
  return new Command('invite')
    .description('print a link by which a person becomes a user, valid once and for seven days')
    .option('--admin', 'the new user is an administrator')
    .option('--name <name>', 'the name that the new user gets; without it the user chooses one')
    .option(...JSON_OPTION)
    .action(async ({ admin, name, json }: JsonFlag & { admin?: boolean; name?: string }, command: Command) => {
      await withClientSession(command, async (session) => {
        const role = admin ? ('admin' as const) : ('member' as const);
        const created = await session.call('createInvitation', { role, ...(name !== undefined && { name }) });
        print(created, json, ({ url, invitation }) => {
          return `${url}\nIt is valid once, until ${formatTime(invitation.expires)}.\n`;
        });
      });
    });
}

function invitationsCommand(): Command {
  return new Command('invitations')
    .description('list the invitations that are still open')
    .option(...JSON_OPTION)
    .action(async ({ json }: JsonFlag, command: Command) => {
      await withClientSession(command, async (session) => {
        const { invitations } = await session.call('listInvitations', {});
        print(invitations, json, formatInvitations);
      });
    });
}

function formatInvitations(invitations: readonly InvitationView[]): string {
  if (invitations.length === 0) return 'There are no open invitations.\n';
  const rows = invitations.map(({ id, role, name = '', createdBy, expires }) => [
    id,
    role,
    name,
    createdBy,
    formatTime(expires),
  ]);
  return formatTable(['ID', 'ROLE', 'NAME', 'BY', 'UNTIL'], rows);
}

function removeInvitationCommand(): Command {
  return new Command('remove-invitation')
    .description('end an invitation')
    .argument('<id>', 'its id, which `dyndns user invitations` shows')
    .action(async (id: string, _flags: object, command: Command) => {
      await withClientSession(command, async (session) => {
        await session.call('removeInvitation', { id });
        process.stdout.write('The invitation has ended.\n');
      });
    });
}

function sessionsCommand(): Command {
  return new Command('sessions')
    .description('list where a user is signed in')
    .argument('<name>', 'the user')
    .option(...JSON_OPTION)
    .action(async (name: string, { json }: JsonFlag, command: Command) => {
      await withClientSession(command, async (session) => {
        const { sessions } = await session.call('listSessions', { user: name });
        print(sessions, json, formatSessions);
      });
    });
}

function formatSessions(sessions: readonly SessionView[]): string {
  if (sessions.length === 0) return 'The user is not signed in anywhere.\n';
  const rows = sessions.map(({ id, method, created, lastUsed, source, userAgent }) => [
    id,
    method,
    formatTime(created),
    formatTime(lastUsed),
    source,
    userAgent,
  ]);
  return formatTable(['ID', 'BY', 'SINCE', 'LAST USED', 'FROM', 'BROWSER'], rows);
}

function endSessionCommand(): Command {
  return new Command('end-session')
    .description('sign a user out of one browser')
    .argument('<name>', 'the user')
    .argument('<id>', 'the session, which `dyndns user sessions` shows')
    .action(async (name: string, id: string, _flags: object, command: Command) => {
      await withClientSession(command, async (session) => {
        await session.call('endSession', { user: name, id });
        process.stdout.write('The session has ended.\n');
      });
    });
}

function removeTotpCommand(): Command {
  return new Command('remove-second-factor')
    .description('remove the second factor of a user who lost it')
    .argument('<name>', 'the user')
    .action(async (name: string, _flags: object, command: Command) => {
      await withClientSession(command, async (session) => {
        await session.call('removeTotp', { user: name });
        process.stdout.write(`'${name}' signs in without a second factor from now on.\n`);
      });
    });
}
