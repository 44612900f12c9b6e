/** `dyndns host …`: settings of single hosts, and what is known of them. */
import { Command } from 'commander';
import type { ClientCalls } from '../../control/client-calls.ts';
import type { HostDetails, HostView } from '../../core/admin/views.ts';
import { withClients } from '../clients.ts';
import { formatTime } from '../local-time.ts';
import { formatPendingUpdate } from '../pending.ts';
import { loadFor } from '../setup.ts';
import { formatTable, listed, printJson } from '../table.ts';
import { hostAddCommand } from './host-add.ts';
import { formatMember, hostMemberCommand } from './host-member.ts';

export function hostCommand(): Command {
  const host = new Command('host').description('settings of single hosts, and what is known of them');
  host.addCommand(hostAddCommand());
  host.addCommand(hostMemberCommand());
  host.addCommand(hostListCommand());
  host.addCommand(
    forOneHost(
      'show',
      'settings, published addresses, last update, tokens',
      (clients, name) => clients.host(name),
      formatHost,
    ),
  );
  host.addCommand(
    forOneHost('remove', 'remove the settings of a host', (clients, name) => clients.removeHost(name), formatRemoved),
  );
  host.addCommand(
    forOneHost(
      'disable',
      'refuse updates of a host from now on',
      (clients, name) => clients.enableHost(name, false),
      ({ host }) =>
        `Updates of '${host}' are refused. Its records stay: \`dyndns delete ${host}\` removes its addresses.\n`,
    ),
  );
  host.addCommand(
    forOneHost(
      'enable',
      'take updates of a host again',
      (clients, name) => clients.enableHost(name, true),
      ({ host }) => `Updates of '${host}' are taken.\n`,
    ),
  );
  return host;
}

function hostListCommand(): Command {
  return new Command('list')
    .description('list the hosts with settings, and those that were heard of')
    .option('--json', 'print a JSON array')
    .action(async ({ json }: { json?: boolean }, command: Command) => {
      await withClients(loadFor(command).config, async ({ clients }) => {
        const hosts = await clients.hosts();
        if (json) printJson(hosts);
        else process.stdout.write(formatHosts(hosts));
      });
    });
}

function forOneHost<T>(
  word: string,
  description: string,
  call: (clients: ClientCalls, name: string) => Promise<T>,
  format: (result: T) => string,
): Command {
  return new Command(word)
    .description(description)
    .argument('<name>', 'the full name of the host')
    .option('--json', 'print a JSON object')
    .action(async (name: string, { json }: { json?: boolean }, command: Command) => {
      await withClients(loadFor(command).config, async ({ clients }) => {
        const result = await call(clients, name);
        if (json) printJson(result);
        else process.stdout.write(format(result));
      });
    });
}

function formatHosts(hosts: readonly HostView[]): string {
  if (hosts.length === 0) return 'No host has settings, and none was updated yet.\n';
  const rows = hosts.map(({ host, origin, enabled, ttl, allow, deny, lastSeen, repeats }) => [
    host,
    origin === 'none' ? '-' : origin,
    enabled ? 'enabled' : 'disabled',
    ttl === undefined ? '-' : String(ttl),
    listed([...allow.map((prefix) => `+${prefix}`), ...deny.map((prefix) => `-${prefix}`)]),
    formatTime(lastSeen),
    String(repeats ?? 0),
  ]);
  return formatTable(['HOST', 'SETTINGS', 'STATE', 'TTL', 'ADDRESSES', 'LAST SEEN', 'REPEATS'], rows);
}

export function formatHost(details: HostDetails): string {
  const { host, origin, enabled, ttl, allow, deny, members, published, publishedProblem } = details;
  const { lastSeen, repeats, pending, tokens } = details;
  const { silentAfterSeconds, leaseSeconds, fallback = [] } = details;
  const from = { configuration: 'in the configuration file', store: 'in the store', none: 'none of its own' }[origin];
  const lines = [
    host,
    `  settings   ${from}`,
    `  updates    ${enabled ? 'are taken' : 'are refused (disabled)'}`,
    `  ttl        ${ttl === undefined ? 'that of the zone' : `${ttl} s`}`,
  ];
  if (allow.length > 0) lines.push(`  allowed    ${listed(allow)}`);
  if (deny.length > 0) lines.push(`  denied     ${listed(deny)}`);
  for (const member of members) lines.push(`  member     ${formatMember(member)}`);
  if (silentAfterSeconds !== undefined) lines.push(`  silent     told after ${silentAfterSeconds} s`);
  if (leaseSeconds !== undefined) {
    const then = fallback.length === 0 ? 'no address' : listed(fallback);
    lines.push(`  lease      ${leaseSeconds} s, then ${then}`);
  }
  if (published === undefined) lines.push(`  published  not known: ${publishedProblem}`);
  else
    lines.push(`  published  A ${listed(published.A, 'none')}`, `             AAAA ${listed(published.AAAA, 'none')}`);
  lines.push(`  last seen  ${lastSeen === undefined ? 'never' : formatTime(lastSeen)}`);
  if (repeats !== undefined) lines.push(`  repeats    ${repeats}`);
  for (const wish of pending) lines.push(`  pending    ${formatPendingUpdate(wish)}`);
  for (const { name, origin: where, types } of tokens) lines.push(`  token      ${name} (${listed(types)}; ${where})`);
  if (tokens.length === 0) lines.push('  token      none that is valid: only the master secret can change it');
  return `${lines.join('\n')}\n`;
}

function formatRemoved({ host }: HostView): string {
  return `The settings of '${host}' are removed. What stays: its records (\`dyndns delete ${host}\` removes its addresses),
its history (\`dyndns history purge ${host}\`), and tokens that may change it.
`;
}
