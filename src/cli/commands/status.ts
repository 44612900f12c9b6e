/** `dyndns status`: listeners, zones, secondaries and pending updates of the running server. */
import { existsSync } from 'node:fs';
import { Command } from 'commander';
import type { Config } from '../../config/config.ts';
import type { ServerStatus } from '../../core/admin/server-operations.ts';
import { AppError, operatorMessage } from '../../core/errors.ts';
import { CommandError, isStartError } from '../output.ts';
import { formatPending } from '../pending.ts';
import { findSession } from '../session.ts';
import { loadFor } from '../setup.ts';
import { print, printJson } from '../table.ts';
import { formatZone } from './zone-list.ts';

export function statusCommand(): Command {
  return new Command('status')
    .description('show listeners, zones, secondaries and pending updates of the running server')
    .option('--json', 'print a JSON object')
    .action(async ({ json }: { json?: boolean }, command: Command) => {
      const { config } = loadFor(command);
      if (config.control === undefined) {
        throw new CommandError("The configuration has no control socket: set 'control: unix:PATH', or embed a zone.");
      }
      const session = await findSession(config);
      if (session === undefined) {
        await printPending(config, json === true);
        throw new CommandError(`No dyndns is running: no server answers at '${config.control}'.`);
      }
      const status = await session.call('status', {});
      print(status, json, formatStatus);
    });
}

/** Without a server: the pending updates of the store, if it can be opened. */
async function printPending(config: Config, json: boolean): Promise<void> {
  const { store } = config;
  if (store === undefined || (store.kind === 'sqlite' && !existsSync(store.path))) return;
  try {
    const { localPendingUpdates } = await import('../local-session.ts');
    const pending = await localPendingUpdates(config);
    if (json) printJson({ pending });
    else process.stdout.write(formatPending(pending));
  } catch (error) {
    if (!(error instanceof AppError || isStartError(error))) throw error;
    process.stderr.write(`WARNING: ${error instanceof AppError ? operatorMessage(error) : error.message}\n`);
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
  // A server of an older release does not report webhooks.
  for (const { webhook, waiting, problem } of webhooks ?? []) {
    lines.push(`webhook ${webhook}  ${waiting} waiting${problem === undefined ? '' : `, last attempt: ${problem}`}`);
  }
  const pendingLines =
    pending !== undefined
      ? formatPending(pending)
      : `Pending updates are unknown: ${pendingProblem ?? 'the server is of an older release.'}\n`;
  return `${lines.join('\n')}\n${embedded.map(formatZone).join('')}${pendingLines}`;
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
