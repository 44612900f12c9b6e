/** `dyndns status`: what the running server does. */
import { existsSync } from 'node:fs';
import { Command } from 'commander';
import type { Config } from '../../config/config.ts';
import type { ServerStatus } from '../../control/calls.ts';
import { ControlError } from '../../control/socket-client.ts';
import { withClients } from '../clients.ts';
import { findServerOf } from '../find-server.ts';
import { isStartError } from '../output.ts';
import { formatPending } from '../pending.ts';
import { loadFor } from '../setup.ts';
import { formatZone } from './zone-list.ts';

export function statusCommand(): Command {
  return new Command('status')
    .description('ask the running server for its listeners, zones, secondaries, and updates that wait')
    .option('--json', 'print a JSON object')
    .action(async ({ json }: { json?: boolean }, command: Command) => {
      const { config } = loadFor(command);
      const { control } = config;
      if (control === undefined) {
        throw new ControlError("The configuration has no control socket: set 'control: unix:PATH', or embed a zone.");
      }
      const server = await findServerOf(config);
      if (server === undefined) {
        await tellPending(config, json === true);
        throw new ControlError(`No dyndns is running: nothing answers at '${control}'.`);
      }
      const status = await server.status();
      process.stdout.write(json ? `${JSON.stringify(status, null, 2)}\n` : formatStatus(status));
    });
}

/** Without a server, what waits for the next one, where the store can be opened. */
async function tellPending(config: Config, json: boolean): Promise<void> {
  const { store } = config;
  if (store === undefined || (store.kind === 'sqlite' && !existsSync(store.path))) return;
  try {
    await withClients(config, async ({ clients }) => {
      const pending = await clients.pending();
      process.stdout.write(json ? `${JSON.stringify({ pending }, null, 2)}\n` : formatPending(pending));
    });
  } catch (error) {
    if (!isStartError(error)) throw error;
    process.stderr.write(`WARNING: ${error.message}\n`);
  }
}

function formatStatus(status: ServerStatus): string {
  const { version, pid, uptimeSeconds, http, dns, certificate, embedded, remote } = status;
  const { webhooks, pending, pendingProblem } = status;
  const lines = [`dyndns ${version}, process ${pid}, running for ${formatUptime(uptimeSeconds)}`];
  for (const address of dns) lines.push(`listening on dns://${address}`);
  for (const address of http) lines.push(`listening on ${address}`);
  if (certificate !== undefined) lines.push(formatCertificate(certificate));
  for (const zone of remote) lines.push(`${zone}  on another primary`);
  // An older server says nothing of them.
  for (const { webhook, waiting, problem } of webhooks ?? []) {
    lines.push(`webhook ${webhook}  ${waiting} waiting${problem === undefined ? '' : `, last attempt: ${problem}`}`);
  }
  const waiting =
    pending !== undefined
      ? formatPending(pending)
      : `What is pending is not known: ${pendingProblem ?? 'an older server'}\n`;
  return `${lines.join('\n')}\n${embedded.map(formatZone).join('')}${waiting}`;
}

function formatCertificate({ names, ends }: NonNullable<ServerStatus['certificate']>): string {
  const of = names.join(', ');
  return ends === undefined
    ? `no certificate for ${of} yet; the log says why`
    : `certificate for ${of} until ${ends.replace(/\.000Z$/, 'Z')}`;
}

function formatUptime(seconds: number): string {
  const days = Math.floor(seconds / 86_400);
  const time = [seconds / 3600, seconds / 60, seconds].map((value, index) =>
    String(Math.floor(value) % (index === 0 ? 24 : 60)).padStart(2, '0'),
  );
  return `${days > 0 ? `${days} d ` : ''}${time.join(':')}`;
}
