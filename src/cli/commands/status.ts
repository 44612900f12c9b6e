/** `dyndns status`: listeners, zones, secondaries and pending updates of the running server. */
import { existsSync } from 'node:fs';
import { Command } from 'commander';
import { type Config, listenUrls } from '../../config/config.ts';
import type { PendingView, ServerStatus } from '../../core/admin/server-operations.ts';
import { AppError, operatorMessage } from '../../core/errors.ts';
import { CommandError, isStartError } from '../output.ts';
import { formatPending } from '../pending.ts';
import { findRemote } from '../remote.ts';
import { findSession } from '../session.ts';
import { loadFor } from '../setup.ts';
import { print, printJson } from '../table.ts';
import { warnOfUnreadFiles } from '../unread-secrets.ts';
import { formatZone } from './zone-list.ts';

export function statusCommand(): Command {
  return new Command('status')
    .description('show listeners, zones, secondaries and pending updates of the running server')
    .option('--json', 'print a JSON object')
    .action(async ({ json }: { json?: boolean }, command: Command) => {
      const remote = await findRemote(command);
      if (remote !== undefined) {
        print(await remote.call('status', {}), json, formatStatus);
        return;
      }
      const { config, file } = loadFor(command);
      const session = await findSession(config);
      if (session === undefined) {
        warnOfUnreadFiles(config);
        await printWithoutServer(config, file, json === true);
        throw new CommandError(
          config.control === undefined
            ? `Whether dyndns runs is unknown: the configuration ${file} names no control socket. Set 'control: unix:PATH' there and restart the server.`
            : `No dyndns is running: no server answers at '${config.control}'. Start it: 'systemctl start dyndns', or 'dyndns serve'.`,
        );
      }
      const status = await session.call('status', {});
      print(status, json, formatStatus);
    });
}

/** What the configuration says, and the pending updates of the store, if it can be opened. */
async function printWithoutServer(config: Config, file: string, json: boolean): Promise<void> {
  const pending = await pendingOfStore(config);
  if (json) {
    printJson({ configFile: file, ...configuredParts(config), ...(pending && { pending }) });
    return;
  }
  const { http, dns, embedded, remote } = configuredParts(config);
  const lines = [
    `configuration ${file}`,
    ...[...dns, ...http].map((address) => `would listen on ${address}`),
    ...embedded.map((zone) => `${zone}  served by dyndns`),
    ...remote.map((zone) => `${zone}  on another primary`),
  ];
  process.stdout.write(`${lines.join('\n')}\n${pending === undefined ? '' : formatPending(pending)}`);
}

function configuredParts(config: Config) {
  const zonesOf = (kind: 'embedded' | 'remote') =>
    config.zones.filter(({ primary }) => primary.kind === kind).map(({ apex }) => apex.toString());
  return {
    ...listenUrls(config),
    embedded: zonesOf('embedded'),
    remote: zonesOf('remote'),
  };
}

async function pendingOfStore(config: Config): Promise<PendingView | undefined> {
  const { store } = config;
  if (store === undefined || (store.kind === 'sqlite' && !existsSync(store.path))) return undefined;
  try {
    const { localPendingUpdates } = await import('../local-session.ts');
    return await localPendingUpdates(config);
  } catch (error) {
    if (!(error instanceof AppError || isStartError(error))) throw error;
    process.stderr.write(`WARNING: ${error instanceof AppError ? operatorMessage(error) : error.message}\n`);
    return undefined;
  }
}

function formatStatus(status: ServerStatus): string {
  const { version, pid, uptimeSeconds, http, dns, certificate, embedded, remote } = status;
  const { webhooks, pending, pendingProblem, configFile } = status;
  const lines = [`dyndns ${version}, process ${pid}, running for ${formatUptime(uptimeSeconds)}`];
  if (configFile !== undefined) lines.push(`configuration ${configFile}`);
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
