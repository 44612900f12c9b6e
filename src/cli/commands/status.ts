/** `dyndns status`: what the running server does. */
import { Command } from 'commander';
import type { ServerStatus } from '../../http/admin/calls.ts';
import { ControlError, findServer } from '../control-client.ts';
import { loadFor } from '../setup.ts';
import { formatZone } from './zone-list.ts';

export function statusCommand(): Command {
  return new Command('status')
    .description('ask the running server for its listeners, zones and secondaries')
    .option('--json', 'print a JSON object')
    .action(async ({ json }: { json?: boolean }, command: Command) => {
      const { control } = loadFor(command).config;
      if (control === undefined) {
        throw new ControlError("The configuration has no control socket: set 'control: unix:PATH', or embed a zone.");
      }
      const server = await findServer(control);
      if (server === undefined) throw new ControlError(`No dyndns is running: nothing answers at '${control}'.`);
      const status = await server.status();
      process.stdout.write(json ? `${JSON.stringify(status, null, 2)}\n` : formatStatus(status));
    });
}

function formatStatus({ version, pid, uptimeSeconds, http, dns, embedded, remote }: ServerStatus): string {
  const lines = [`dyndns ${version}, process ${pid}, running for ${formatUptime(uptimeSeconds)}`];
  for (const address of dns) lines.push(`listening on dns://${address}`);
  for (const address of http) lines.push(`listening on ${address}`);
  for (const zone of remote) lines.push(`${zone}  on another primary`);
  return `${lines.join('\n')}\n${embedded.map(formatZone).join('')}`;
}

function formatUptime(seconds: number): string {
  const days = Math.floor(seconds / 86_400);
  const time = [seconds / 3600, seconds / 60, seconds].map((value, index) =>
    String(Math.floor(value) % (index === 0 ? 24 : 60)).padStart(2, '0'),
  );
  return `${days > 0 ? `${days} d ` : ''}${time.join(':')}`;
}
