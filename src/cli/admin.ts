/** Where admin commands act: in the running server, through its control socket, else in this process. */
import type { Config } from '../config/config.ts';
import type { AdminCalls } from '../control/calls.ts';
import { parseHostName } from '../dns/host-name.ts';
import { type DomainName, NameError } from '../dns/name.ts';
import { findServerOf } from './find-server.ts';

/**
 * Runs a task in the running server; without one on the zones of this process, which takes the lock of their database.
 * @throws ControlError, DatabaseLockedError, SqliteError, and what the task throws
 */
export async function withAdmin(config: Config, task: (calls: AdminCalls) => Promise<void>): Promise<void> {
  const server = await findServerOf(config);
  if (server !== undefined) await task(server);
  else await inThisProcess(config, task);
}

/** Loaded only where no server is asked: every command would wait for it. */
const inThisProcess: typeof withAdmin = async (config, task) =>
  (await import('./admin-here.ts')).withAdminHere(config, task);

/**
 * For a change of one name: an embedded zone changes in the server that has it. Names of remote primaries need no server.
 */
export async function withAdminOf(
  config: Config,
  fqdn: string,
  task: (calls: AdminCalls) => Promise<void>,
): Promise<void> {
  const { dns, ...others } = config;
  if (dns === undefined || isEmbedded(config, fqdn)) await withAdmin(config, task);
  else await inThisProcess({ ...others, zones: config.zones.filter(({ primary }) => primary.kind === 'remote') }, task);
}

/** The longest apex at or above the name decides. What is no name at all is told by the use-case. */
function isEmbedded({ zones }: Config, fqdn: string): boolean {
  let ownerName: DomainName;
  try {
    ownerName = parseHostName(fqdn);
  } catch (error) {
    if (error instanceof NameError) return false;
    throw error;
  }
  const above = zones.filter(({ apex }) => ownerName.isAtOrBelow(apex));
  above.sort((a, b) => b.apex.octets.length - a.apex.octets.length);
  return above[0]?.primary.kind === 'embedded';
}
