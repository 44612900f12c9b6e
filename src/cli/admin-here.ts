/** Admin commands in this process, on zones that are opened for them. */
import type { Config } from '../config/config.ts';
import type { AdminCalls } from '../control/calls.ts';
import { LocalCalls } from '../control/in-process.ts';
import { withStoreBackup } from '../core/admin/backup.ts';
import { UpdateAddresses } from '../core/updates/update-addresses.ts';
import { UpdateHost } from '../core/updates/update-host.ts';
import { UpdateQueue } from '../core/updates/update-queue.ts';
import { UpdateRecord } from '../core/updates/update-record.ts';
import { CheckZones } from '../core/zones/check-zones.ts';
import { storeCopy, updateLimits } from '../server/state.ts';
import { openZones } from '../server/zones.ts';
import { quietObserver } from './setup.ts';

/** Takes the lock of the zones' database. @throws DatabaseLockedError, SqliteError, and what the task throws */
export async function withAdminHere(config: Config, task: (calls: AdminCalls) => Promise<void>): Promise<void> {
  const { nameserver, table, closeConnections } = await openZones(config, quietObserver).catch((error: unknown) => {
    if (config.control !== undefined && error instanceof Error && error.name === 'DatabaseLockedError') {
      error.message += `, and nothing answers at the control socket '${config.control}'`;
    }
    throw error;
  });
  const limits = updateLimits(config);
  const clock = () => performance.now();
  const queue = new UpdateQueue(() => limits, clock);
  const services = {
    zones: table,
    updates: new UpdateHost(new UpdateAddresses(queue), new UpdateRecord({ now: Date.now })),
    checks: new CheckZones(() => limits.timeoutMs, clock),
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
