/** Where admin commands act: in the running server, through its control socket, else in this process. */
import type { Config } from '../config/config.ts';
import { withStoreBackup } from '../core/backup.ts';
import { CheckZones } from '../core/check-zones.ts';
import { HostGate } from '../core/host-gate.ts';
import { UpdateAddresses } from '../core/update-addresses.ts';
import { UpdateHost } from '../core/update-host.ts';
import { type DomainName, NameError, parseHostName } from '../dns/name.ts';
import type { AdminCalls } from '../http/admin/calls.ts';
import { LocalCalls } from '../http/admin/local-calls.ts';
import { storeCopy } from '../open-clients.ts';
import { openZones } from '../open-zones.ts';
import { updateLimits } from '../server.ts';
import { findServer } from './control-client.ts';
import { UsageError } from './output.ts';
import { quietObserver } from './setup.ts';

/**
 * Runs a task in the running server; without one on the zones of this process, which takes the lock of their database.
 * @throws ControlError, DatabaseLockedError, SqliteError, and what the task throws
 */
export async function withAdmin(config: Config, task: (calls: AdminCalls) => Promise<void>): Promise<void> {
  const server = config.control === undefined ? undefined : await findServer(config.control);
  if (server !== undefined) await task(server);
  else await inThisProcess(config, task);
}

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

async function inThisProcess(config: Config, task: (calls: AdminCalls) => Promise<void>): Promise<void> {
  const { nameserver, table, closeConnections } = await openZones(config, quietObserver).catch((error: unknown) => {
    if (config.control !== undefined && error instanceof Error && error.name === 'DatabaseLockedError') {
      error.message += `, and nothing answers at the control socket '${config.control}'`;
    }
    throw error;
  });
  const limits = updateLimits(config);
  const services = {
    zones: table,
    updates: new UpdateHost(new UpdateAddresses(limits), new HostGate({ now: Date.now })),
    checks: new CheckZones(limits.timeoutMs),
    unspecifiedFamily: config.unspecifiedFamily,
  };
  try {
    const zoneAdmin = nameserver && withStoreBackup(nameserver.admin, storeCopy(config));
    await task(new LocalCalls(() => ({ services, zoneAdmin })));
  } finally {
    closeConnections();
    await nameserver?.close();
  }
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

/** A zone as it is typed. @throws UsageError */
export function parseZone(text: string): DomainName {
  try {
    return parseHostName(text);
  } catch (error) {
    if (error instanceof NameError) throw new UsageError(`'${text}' is no zone name: ${error.message}`);
    throw error;
  }
}
