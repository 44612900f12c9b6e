/** Where commands about tokens, hosts and history act: in the running server, else on the store in this process. */
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Config, formatListenAddress } from '../config/config.ts';
import type { ClientCalls } from '../control/client-calls.ts';
import { LocalClientCalls } from '../control/in-process-clients.ts';
import { findServer } from '../control/socket-client.ts';
import { AppError } from '../core/errors.ts';
import { StartError } from '../server/start-error.ts';
import type { OpenZones } from '../server/zones.ts';
import { CommandError, isStartError, UsageError } from './output.ts';
import { quietObserver } from './setup.ts';

export interface ClientsAt {
  readonly clients: ClientCalls;
  /** Where HTTP is served: `http://127.0.0.1:54321`, `unix:/run/…`. */
  readonly http: () => Promise<readonly string[]>;
}

/**
 * Runs a task in the running server, which has the SQLite store for itself; without one on the store.
 * @throws UsageError (a text that was typed is wrong), CommandError, ControlError, StartError
 */
export async function withClients(config: Config, task: (at: ClientsAt) => Promise<void>): Promise<void> {
  const server = config.control === undefined ? undefined : await findServer(config.control);
  try {
    if (server === undefined) await onStore(config, task);
    else await task({ clients: server.clients, http: async () => (await server.status()).http });
  } catch (error) {
    if (!(error instanceof AppError) || error.code === 'internal') throw error;
    throw error.code === 'request-malformed' ? new UsageError(error.message) : new CommandError(error.message);
  }
}

async function onStore(config: Config, task: (at: ClientsAt) => Promise<void>): Promise<void> {
  refuseForeignFolder(config);
  let zones: OpenZones | undefined;
  const table = async () => {
    const { openZones } = await import('../server/zones.ts');
    zones ??= await openZones(config, quietObserver).catch((error: unknown) => {
      // It is told beside what the store knows.
      throw isStartError(error) ? new AppError('primary-unreachable', error.message) : error;
    });
    return zones.table;
  };
  // Loaded only where no server is asked, as open-zones.ts: every command would wait for them.
  const { openClientAdmin } = await import('../server/admin.ts');
  const { admin, close } = await openClientAdmin(config, table).catch((error: unknown) => {
    if (error instanceof StartError && error.problem === 'locked') {
      error.message +=
        config.control === undefined
          ? "; commands reach that process through its control socket: set 'control: unix:PATH'"
          : `, and nothing answers at the control socket '${config.control}'`;
    }
    throw error;
  });
  try {
    const http = async () =>
      config.http.listen.map(formatListenAddress).map((text) => text.replace(/^(?=[\d[])/, 'http://'));
    await task({ clients: new LocalClientCalls(admin), http });
  } finally {
    await close();
    await zones?.close();
  }
}

/** Root would leave files that the server's own user cannot open. @throws CommandError */
function refuseForeignFolder({ store }: Config): void {
  if (store?.kind !== 'sqlite' || process.getuid?.() !== 0) return;
  const folder = statSync(dirname(store.path), { throwIfNoEntry: false });
  if (folder === undefined || folder.uid === 0) return;
  throw new CommandError(
    `No server runs, and the folder of the store '${store.path}' belongs to another user (id ${folder.uid}). Run the command as that user, or start the server first.`,
  );
}
