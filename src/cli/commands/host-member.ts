/** `dyndns host member …`: hosts behind the same IPv6 prefix, which move with the host that they are members of. */
import { Command } from 'commander';
import type { ClientCalls } from '../../control/client-calls.ts';
import type { HostView, MemberView } from '../../core/admin/views.ts';
import { withClients } from '../clients.ts';
import { loadFor } from '../setup.ts';
import { formatTable, printJson } from '../table.ts';

interface AddFlags {
  readonly interfaceId?: string;
  readonly mac?: string;
  readonly subnet?: string;
  readonly json?: boolean;
}

export function hostMemberCommand(): Command {
  const member = new Command('member').description('hosts behind the same IPv6 prefix: they move with this host');
  member.addCommand(
    new Command('add')
      .description('make a name a member of a host, or give it another address below the prefix')
      .argument('<host>', 'the full name of the host whose updates name the prefix')
      .argument('<member>', 'the full name of the member, in the same zone; the host itself may be one')
      .option('--interface-id <id>', 'the lower half of its address, like ::10')
      .option('--mac <address>', 'or the MAC address that it makes that from')
      .option('--subnet <number>', 'its subnet below a prefix that is shorter than /64 (default: 0)')
      .option('--json', 'print a JSON object')
      .action(async (host: string, name: string, flags: AddFlags, command: Command) => {
        const { interfaceId, mac, subnet, json } = flags;
        const call = {
          host,
          member: name,
          ...(interfaceId !== undefined && { interfaceId }),
          ...(mac !== undefined && { mac }),
          ...(subnet !== undefined && { subnet }),
        };
        await answer(
          command,
          json,
          (clients) => clients.addMember(call),
          (view) => `'${name}' moves with '${view.host}' from its next update with a prefix.\n`,
        );
      }),
  );
  member.addCommand(
    new Command('list')
      .description('list the members of a host')
      .argument('<host>', 'the full name of the host')
      .option('--json', 'print a JSON object')
      .action((host: string, { json }: AddFlags, command: Command) =>
        answer(command, json, (clients) => clients.members(host), formatMembers),
      ),
  );
  member.addCommand(
    new Command('remove')
      .description('let a member stay where it is from now on')
      .argument('<host>', 'the full name of the host')
      .argument('<member>', 'the full name of the member')
      .option('--json', 'print a JSON object')
      .action((host: string, name: string, { json }: AddFlags, command: Command) =>
        answer(
          command,
          json,
          (clients) => clients.removeMember(host, name),
          () => `'${name}' is no member any more. Its records stay: \`dyndns delete ${name}\` removes its addresses.\n`,
        ),
      ),
  );
  return member;
}

async function answer(
  command: Command,
  json: boolean | undefined,
  call: (clients: ClientCalls) => Promise<HostView>,
  format: (view: HostView) => string,
): Promise<void> {
  await withClients(loadFor(command).config, async ({ clients }) => {
    const view = await call(clients);
    if (json) printJson(view);
    else process.stdout.write(format(view));
  });
}

function formatMembers({ host, members }: HostView): string {
  if (members.length === 0) return `'${host}' has no members. \`dyndns host member add\` makes one.\n`;
  const rows = members.map(({ name, interfaceId, mac, subnet }) => [name, interfaceId ?? '-', mac ?? '-', `${subnet}`]);
  return formatTable(['MEMBER', 'INTERFACE ID', 'MAC', 'SUBNET'], rows);
}

export function formatMember({ name, interfaceId, mac, subnet }: MemberView): string {
  return `${name} (${interfaceId ?? `MAC ${mac}`}, subnet ${subnet})`;
}
