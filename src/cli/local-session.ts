/** A session without a server: opens zones and store when an operation needs them, and closes them at the end. */
import { type Config, listenUrls } from '../config/config.ts';
import { operationsInProcess } from '../control/in-process.ts';
import { withStoreBackup } from '../core/admin/backup.ts';
import type { Operations } from '../core/admin/operations.ts';
import type { PendingView } from '../core/admin/server-operations.ts';
import { AppError } from '../core/errors.ts';
import { UpdateAddresses } from '../core/updates/update-addresses.ts';
import { UpdateHost } from '../core/updates/update-host.ts';
import { UpdateQueue } from '../core/updates/update-queue.ts';
import { UpdateRecord } from '../core/updates/update-record.ts';
import { CheckZones } from '../core/zones/check-zones.ts';
import { openClientAdmin } from '../server/admin.ts';
import { StartError } from '../server/start-error.ts';
import { storeCopy, updateLimits } from '../server/state.ts';
import { openZones } from '../server/zones.ts';
import { isStartError } from './output.ts';
import { actAsOwner } from './owner.ts';
import { quietObserver } from './setup.ts';

export interface Session extends Operations {
  /** Where HTTP is served: `http://127.0.0.1:54321`, `unix:/run/…`. */
  readonly http: () => Promise<readonly string[]>;
}

/** @throws CommandError, StartError, and what the task throws */
export async function withLocalSession(config: Config, task: (session: Session) => Promise<void>): Promise<void> {
  const local = new LocalParts(config);
  const http = async () => listenUrls(config).http;
  try {
    await task({ ...operationsInProcess(local), http });
  } finally {
    await local.close();
  }
}

/** Pending updates of the store. @throws as `withLocalSession`, AppError store-unreachable */
export async function localPendingUpdates(config: Config): Promise<PendingView> {
  const local = new LocalParts(config);
  try {
    return await (await local.administration()).history.pending();
  } finally {
    await local.close();
  }
}

class LocalParts {
  readonly server = undefined;
  readonly #config: Config;
  #zones: ReturnType<typeof openZones> | undefined;
  #store: ReturnType<typeof openClientAdmin> | undefined;

  constructor(config: Config) {
    this.#config = config;
  }

  async services() {
    const limits = updateLimits(this.#config);
    const clock = () => performance.now();
    const queue = new UpdateQueue(() => limits, clock);
    const record = new UpdateRecord({ now: Date.now });
    return {
      zones: (await this.#openZones()).table,
      record,
      recordChanges: { ended: async () => undefined, clock, timeoutMs: limits.timeoutMs },
      updates: new UpdateHost(new UpdateAddresses(queue), record),
      checks: new CheckZones(() => limits.timeoutMs, clock),
      unspecifiedFamily: this.#config.unspecifiedFamily,
    };
  }

  async zoneAdmin() {
    actAsOwner(this.#config.dns?.database);
    const { nameserver } = await this.#openZones();
    return nameserver && withStoreBackup(nameserver.admin, storeCopy(this.#config));
  }

  async administration() {
    if (this.#config.store?.kind === 'sqlite') actAsOwner(this.#config.store.path);
    const zones = async () => {
      // The caller shows this error beside what the store has.
      const opened = await this.#openZones().catch((error: unknown) => {
        throw isStartError(error) ? new AppError('primary-unreachable', error.message) : error;
      });
      return opened.table;
    };
    this.#store ??= openClientAdmin(this.#config, zones).catch((error: unknown) => {
      throw this.#explainLock(error);
    });
    return (await this.#store).admin;
  }

  /** What failed to open reported that already. */
  async close(): Promise<void> {
    const store = await this.#store?.catch(() => undefined);
    await store?.close();
    const zones = await this.#zones?.catch(() => undefined);
    await zones?.close();
  }

  #openZones(): ReturnType<typeof openZones> {
    this.#zones ??= openZones(this.#config, quietObserver).catch((error: unknown) => {
      throw this.#explainLock(error);
    });
    return this.#zones;
  }

  #explainLock(error: unknown): unknown {
    if (!(error instanceof StartError) || error.problem !== 'locked') return error;
    const { control } = this.#config;
    error.message +=
      control === undefined
        ? "; commands reach that process through its control socket: set 'control: unix:PATH'"
        : `, and no server answers at the control socket '${control}'`;
    return error;
  }
}
