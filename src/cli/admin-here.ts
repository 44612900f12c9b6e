/** Admin commands in this process, on zones that are opened for them. */
import type { Config } from '../config/config.ts';
import type { AdminCalls } from '../control/calls.ts';
import { LocalCalls } from '../control/in-process.ts';
import { withStoreBackup } from '../core/admin/backup.ts';
import { UpdateAddresses } from '../core/updates/update-addresses.ts';
import { UpdateHost } from '../core/updates/update-host.ts';
import { HostGate } from '../core/updates/update-record.ts';
import { CheckZones } from '../core/zones/check-zones.ts';
import { StartError } from '../server/start-error.ts';
import { storeCopy, updateLimits } from '../server/state.ts';
import { openZones } from '../server/zones.ts';
import { quietObserver } from './setup.ts';

/** Takes the lock of the zones' database. @throws StartError, and what the task throws */
export async function withAdminHere(config: Config, task: (calls: AdminCalls) => Promise<void>): Promise<void> {
  const { nameserver, table, close } = await openZones(config, quietObserver).catch((error: unknown) => {
    if (config.control !== undefined && error instanceof StartError && error.problem === 'locked') {
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
    await close();
  }
}
