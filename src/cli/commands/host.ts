/** `dyndns host …`: settings of single hosts, their addresses and last updates. */
import { Command } from 'commander';
import type { HostDetails, HostView } from '../../core/admin/host-operations.ts';
import type { OperationName, Result } from '../../core/admin/operations.ts';
import { formatTime } from '../local-time.ts';
import { allPages } from '../pages.ts';
import { formatPendingUpdate } from '../pending.ts';
import { withClientSession } from '../session.ts';
import { formatTable, listed, print } from '../table.ts';
import { hostAddCommand } from './host-add.ts';
import { formatMember, hostMemberCommand } from './host-member.ts';
import { hostGiveCommand, hostShareCommand, hostUnshareCommand } from './host-owner.ts';

type OneHostOperation = Extract<OperationName, 'showHost' | 'removeHost' | 'disableHost' | 'enableHost'>;

export function hostCommand(): Command {
  const host = new Command('host').description('set, show and remove the settings of single hosts');
  host.addCommand(hostAddCommand());
  host.addCommand(hostMemberCommand());
  host.addCommand(hostListCommand());
  host.addCommand(
    forOneHost('show', 'show settings, published addresses, last update and tokens of a host', 'showHost', formatHost),
  );
  host.addCommand(forOneHost('remove', 'remove the settings of a host', 'removeHost', formatRemoved));
  host.addCommand(forOneHost('disable', 'refuse updates of a host from now on', 'disableHost', formatDisabled));
  host.addCommand(
    forOneHost('enable', 'accept updates of a host again', 'enableHost', ({ host: name }) => {
      return `Updates of '${name}' are accepted.\n`;
    }),
  );
  for (const command of [hostGiveCommand, hostShareCommand, hostUnshareCommand]) host.addCommand(command());
  return host;
}

function hostListCommand(): Command {
  return new Command('list')
    .description('list the hosts with settings and those that were updated')
    .option('--owner <user>', 'only hosts of this user')
    .option('--search <text>', 'only hosts with this text in their name')
    .option('--json', 'print a JSON array')
    .action(async ({ json, ...filter }: { json?: boolean; owner?: string; search?: string }, command: Command) => {
      await withClientSession(command, async (session) => {
        const hosts = await allPages(session, 'listHosts', filter, (page) => page.hosts);
        print(hosts, json, formatHosts);
      });
    });
}

function forOneHost<Name extends OneHostOperation>(
  word: string,
  description: string,
  operation: Name,
  format: (result: Result<Name>) => string,
): Command {
  return new Command(word)
    .description(description)
    .argument('<name>', 'the full name of the host')
    .option('--json', 'print a JSON object')
    .action(async (host: string, { json }: { json?: boolean }, command: Command) => {
      await withClientSession(command, async (session) => {
        const result: Result<Name> = (await session.call<OneHostOperation>(operation, { host })) as Result<Name>;
        print(result, json, format);
      });
    });
}

function formatHosts(hosts: readonly HostView[]): string {
  if (hosts.length === 0) return 'No host has settings, and none was updated yet.\n';
  // Only a server with users has owners.
  const isOwned = hosts.some(({ owner }) => owner !== undefined);
  const rows = hosts.map(({ host, origin, enabled, ttl, allow, deny, lastSeen, repeats, owner }) => [
    host,
    origin === 'none' ? '-' : origin,
    enabled ? 'enabled' : 'disabled',
    ttl === undefined ? '-' : String(ttl),
    listed([...allow.map((prefix) => `+${prefix}`), ...deny.map((prefix) => `-${prefix}`)]),
    formatTime(lastSeen),
    String(repeats ?? 0),
    ...(isOwned ? [owner ?? '-'] : []),
  ]);
  const head = ['HOST', 'SETTINGS', 'STATE', 'TTL', 'ADDRESSES', 'LAST SEEN', 'REPEATS', ...(isOwned ? ['OWNER'] : [])];
  return formatTable(head, rows);
}

export function formatHost(details: HostDetails): string {
  const { host, origin, enabled, ttl, allow, deny, members, published, publishedProblem } = details;
  const { lastSeen, repeats, pending, tokens } = details;
  const { owner, shares = [], silentAfterSeconds, leaseSeconds, fallback = [], interfaceId, prefixLength } = details;
  const from = { configuration: 'in the configuration file', store: 'in the store', none: 'none of its own' }[origin];
  const lines = [
    host,
    `  settings   ${from}`,
    `  updates    ${enabled ? 'are accepted' : 'are refused (disabled)'}`,
    `  ttl        ${ttl === undefined ? 'that of the zone' : `${ttl} s`}`,
  ];
  if (owner !== undefined) lines.push(`  owner      ${owner}`);
  for (const { user, access } of shares)
    lines.push(`  shared     with ${user}, who may ${access === 'view' ? 'see' : 'change'} it`);
  if (allow.length > 0) lines.push(`  allowed    ${listed(allow)}`);
  if (deny.length > 0) lines.push(`  denied     ${listed(deny)}`);
  if (interfaceId !== undefined) lines.push(`  own id     ${interfaceId} below a prefix`);
  if (prefixLength !== undefined) lines.push(`  prefix     /${prefixLength} around its IPv6 address moves the members`);
  for (const member of members) lines.push(`  member     ${formatMember(member)}`);
  if (silentAfterSeconds !== undefined) lines.push(`  silent     notice after ${silentAfterSeconds} s`);
  if (leaseSeconds !== undefined) {
    const then = fallback.length === 0 ? 'no address' : listed(fallback);
    lines.push(`  lease      ${leaseSeconds} s, then ${then}`);
  }
  if (published === undefined) lines.push(`  published  unknown: ${publishedProblem}`);
  else
    lines.push(`  published  A ${listed(published.A, 'none')}`, `             AAAA ${listed(published.AAAA, 'none')}`);
  lines.push(`  last seen  ${lastSeen === undefined ? 'never' : formatTime(lastSeen)}`);
  if (repeats !== undefined) lines.push(`  repeats    ${repeats}`);
  for (const update of pending) lines.push(`  pending    ${formatPendingUpdate(update)}`);
  for (const { name, origin: tokenOrigin, types } of tokens)
    lines.push(`  token      ${name} (${listed(types)}; ${tokenOrigin})`);
  if (tokens.length === 0) lines.push('  token      no valid one: only the master secret can change it');
  return `${lines.join('\n')}\n`;
}

function formatDisabled({ host }: HostView): string {
  return `Updates of '${host}' are refused. Its records stay: \`dyndns delete ${host}\` removes its addresses.\n`;
}

function formatRemoved({ host }: HostView): string {
  return `The settings of '${host}' were removed. What stays: its records (\`dyndns delete ${host}\` removes its addresses),
its history (\`dyndns history purge ${host}\`), and tokens that may change it.
`;
}
