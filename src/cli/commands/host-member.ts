/** `dyndns host member …`: hosts behind the same IPv6 prefix, which move together with their host. */
import { Command } from 'commander';
import type { HostView, MemberView } from '../../core/admin/host-operations.ts';
import { type Session, withClientSession } from '../session.ts';
import { formatTable, print } from '../table.ts';

interface AddFlags {
  readonly interfaceId?: string;
  readonly mac?: string;
  readonly subnet?: string;
  readonly json?: boolean;
}

export function hostMemberCommand(): Command {
  const member = new Command('member').description(
    'hosts behind the same IPv6 prefix, which move together with a host',
  );
  member.addCommand(
    new Command('add')
      .description('make a name a member of a host, or change its address below the prefix')
      .argument('<host>', 'the full name of the host whose updates have the prefix')
      .argument('<member>', 'the full name of the member, in the same zone; the host itself can be one')
      .option('--interface-id <id>', 'the lower half of its address, like ::10')
      .option('--mac <address>', 'or the MAC address from which the lower half is made')
      .option('--subnet <number>', 'its subnet below a prefix that is shorter than /64 (default: 0)')
      .option('--json', 'print a JSON object')
      .action((host: string, name: string, { json, ...address }: AddFlags, command: Command) =>
        printHost(
          command,
          json,
          (session) => session.call('addMember', { host, member: name, ...address }),
          (view) => `'${name}' moves with '${view.host}' from its next update with a prefix.\n`,
        ),
      ),
  );
  member.addCommand(
    new Command('list')
      .description('list the members of a host')
      .argument('<host>', 'the full name of the host')
      .option('--json', 'print a JSON object')
      .action((host: string, { json }: AddFlags, command: Command) =>
        printHost(command, json, (session) => session.call('listMembers', { host }), formatMembers),
      ),
  );
  member.addCommand(
    new Command('remove')
      .description('remove a member: it no longer moves with the host')
      .argument('<host>', 'the full name of the host')
      .argument('<member>', 'the full name of the member')
      .option('--json', 'print a JSON object')
      .action((host: string, name: string, { json }: AddFlags, command: Command) =>
        printHost(
          command,
          json,
          (session) => session.call('removeMember', { host, member: name }),
          () => `'${name}' is no longer a member. Its records stay: \`dyndns delete ${name}\` removes its addresses.\n`,
        ),
      ),
  );
  return member;
}

async function printHost(
  command: Command,
  json: boolean | undefined,
  call: (session: Session) => Promise<HostView>,
  format: (view: HostView) => string,
): Promise<void> {
  await withClientSession(command, async (session) => {
    const view = await call(session);
    print(view, json, format);
  });
}

function formatMembers({ host, members }: HostView): string {
  if (members.length === 0) return `'${host}' has no members. \`dyndns host member add\` adds one.\n`;
  const rows = members.map(({ name, interfaceId, mac, subnet }) => [name, interfaceId ?? '-', mac ?? '-', `${subnet}`]);
  return formatTable(['MEMBER', 'INTERFACE ID', 'MAC', 'SUBNET'], rows);
}

export function formatMember({ name, interfaceId, mac, subnet }: MemberView): string {
  return `${name} (${interfaceId ?? `MAC ${mac}`}, subnet ${subnet})`;
}
