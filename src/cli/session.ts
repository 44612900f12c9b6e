/**
 * Where a command acts: in the server of `--remote`, else in the running server of the configuration, through its control
 * socket, else in this process, on the zones and the store of the configuration.
 */
import { realpathSync } from 'node:fs';
import type { Command } from 'commander';
import type { Config } from '../config/config.ts';
import { AppError, operatorMessage } from '../core/errors.ts';
import { parseHostName } from '../dns/host-name.ts';
import { type DomainName, findNearestAncestor, NameError } from '../dns/name.ts';
import type { Session } from './local-session.ts';
import { CommandError, UsageError } from './output.ts';
import { findRemote } from './remote.ts';
import { loadFor } from './setup.ts';
import { warnOfUnreadFiles } from './unread-secrets.ts';

export type { Session };

type Task = (session: Session) => Promise<void>;

/** The running server of the configuration; undefined if none listens at its control socket. @throws ControlError */
export async function findSession(config: Config): Promise<Session | undefined> {
  if (config.control === undefined) return undefined;
  const { findServer } = await import('../control/socket-client.ts');
  const server = await findServer(config.control);
  if (server === undefined) return undefined;
  const session: Session = {
    call: (...request) => server.call(...request),
    http: async () => (await server.call('status', {})).http,
  };
  return (await isServerOf(config, session)) ? session : undefined;
}

/** The part of a configuration that tells which server it belongs to. */
type ServerConfig = Pick<Config, 'control' | 'controlIsDefault' | 'store' | 'dns' | 'file'>;

/**
 * The default socket in the runtime directory may belong to a server with another configuration, which must not run this
 * one's commands; a socket next to the data belongs to the server of that data.
 */
export async function isServerOf(config: ServerConfig, session: Pick<Session, 'call'>): Promise<boolean> {
  const { control, controlIsDefault, store, dns, file } = config;
  if (!controlIsDefault || store?.kind === 'sqlite' || dns !== undefined) return true;
  const { configFile } = await session.call('status', {});
  if (configFile !== undefined && file !== undefined && realPath(configFile) === realPath(file)) return true;
  const reads = configFile === undefined ? 'another configuration' : `the configuration '${configFile}'`;
  process.stderr.write(
    `WARNING: The server at '${control}' has ${reads}, not '${file}', and is not used. Set 'control' in both files.\n`,
  );
  return false;
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/**
 * Runs a task in the server of `--remote` or the running one, else in this process, which then locks the databases that it
 * opens. @throws ConfigError, ControlError, CommandError, StartError, UsageError, and what the task throws
 */
export async function withSession(command: Command, task: Task): Promise<void> {
  const remote = await findRemote(command);
  if (remote !== undefined) await task(remote);
  else await withSessionOf(loadFor(command).config, task);
}

/** The same on this machine. */
export async function withSessionOf(config: Config, task: Task): Promise<void> {
  const session = await findSession(config);
  if (session !== undefined) await task(session);
  else await inThisProcess(config, task);
}

/** Without a server. Loaded only without a server: each command would wait for these modules. */
async function inThisProcess(config: Config, task: Task): Promise<void> {
  warnOfUnreadFiles(config);
  const { withLocalSession } = await import('./local-session.ts');
  await withLocalSession(config, task);
}

/** For a change of one name: only embedded zones need the server that has them. */
export async function withSessionFor(command: Command, fqdn: string, task: Task): Promise<void> {
  const remote = await findRemote(command);
  if (remote !== undefined) {
    await task(remote);
    return;
  }
  const { config } = loadFor(command);
  const { dns, ...others } = config;
  if (dns === undefined || isEmbedded(config, fqdn)) await withSessionOf(config, task);
  else await inThisProcess({ ...others, zones: config.zones.filter(({ primary }) => primary.kind === 'remote') }, task);
}

/** The longest apex at or above the name decides. The use-case reports a text that is not a name. */
function isEmbedded({ zones }: Config, fqdn: string): boolean {
  let ownerName: DomainName;
  try {
    ownerName = parseHostName(fqdn);
  } catch (error) {
    if (error instanceof NameError) return false;
    throw error;
  }
  const byApex = new Map(zones.map((zone) => [zone.apex.key, zone]));
  return findNearestAncestor(byApex, ownerName.key)?.primary.kind === 'embedded';
}

/**
 * The same for commands about tokens, hosts and history, whose errors are not those of the original API.
 * @throws UsageError (an argument is not valid), CommandError, and as `withSession`
 */
export async function withClientSession(command: Command, task: Task): Promise<void> {
  await withSession(command, task).catch((error: unknown) => {
    throw commandError(error);
  });
}

/** An expected failure of an operation as a failure of the command line. */
export function commandError(error: unknown): unknown {
  if (!(error instanceof AppError) || error.code === 'internal') return error;
  if (error.code !== 'request-malformed') return new CommandError(operatorMessage(error));
  return new UsageError(error.message.replace(/^'([\w.]+)(?:\[\d+\])?'/, (field, name) => FLAGS[name] ?? field));
}

/** The options whose values are fields of inputs. */
const FLAGS: Readonly<Record<string, string>> = {
  hosts: '--host',
  types: '--type',
  addresses: '--addresses',
  sources: '--from',
  expires: '--expires',
  freednsUser: '--freedns',
  ttl: '--ttl',
  allow: '--allow',
  deny: '--deny',
  silentAfterSeconds: '--silent-after',
  leaseSeconds: '--lease',
  fallback: '--fallback',
  interfaceId: '--interface-id',
  prefixLength: '--prefix-length',
  mac: '--mac',
  subnet: '--subnet',
  limit: '--limit',
  before: '--before',
  time: '--at',
  since: '--since',
  token: '--token',
  owner: '--owner',
  'quotas.hosts': '--max-hosts',
  'quotas.tokens': '--max-tokens',
  'quotas.changesPerMinute': '--max-changes',
  maxUnusedDays: '--max-unused-days',
};
