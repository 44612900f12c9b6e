/** The operations of the control socket, on the generation in force. */
import type { Config } from '../config/config.ts';
import { operationsInProcess, type ServerCalls } from '../control/in-process.ts';
import type { Administration } from '../core/admin/administration.ts';
import { withStoreBackup } from '../core/admin/backup.ts';
import type { Operations } from '../core/admin/operations.ts';
import type { ServerStatus } from '../core/admin/server-operations.ts';
import type { HttpListeners } from '../http/app/listeners.ts';
import { makeClientAdmin } from './admin.ts';
import type { OwnCertificate } from './certificate.ts';
import type { Generation } from './generation.ts';
import { type OpenState, storeCopy } from './state.ts';
import { VERSION } from './version.ts';

export interface ControlParts extends Pick<ServerCalls, 'reload'> {
  readonly current: () => Generation;
  readonly state: OpenState;
  readonly listeners: HttpListeners;
  readonly certificate: OwnCertificate;
  /** Of the monotonic clock. */
  readonly startedMs: number;
}

export function controlOperations(parts: ControlParts): Operations {
  const { current, state, reload } = parts;
  return operationsInProcess({
    services: () => current().services,
    zoneAdmin: () => {
      const { embedded, config } = current();
      const admin = embedded?.nameserver.admin;
      return admin && withStoreBackup(admin, storeCopy(config, state.store));
    },
    administration: () => administrationOf(parts),
    server: {
      status: () => status(parts),
      health: async () => ({ notReady: await current().services.monitoring.notReady() }),
      reload,
    },
  });
}

function administrationOf({ current, state }: ControlParts): Administration {
  const { config, hosts } = current();
  const { store, recorder, uses } = state;
  return makeClientAdmin(config, { store, recorder, uses, directory: hosts, zones: () => current().zones });
}

async function status(parts: ControlParts): Promise<ServerStatus> {
  const { listeners, certificate, startedMs } = parts;
  const { config, embedded, webhooks } = parts.current();
  const remote = config.zones.filter(({ primary }) => primary.kind === 'remote');
  return {
    version: VERSION,
    pid: process.pid,
    ...(config.file !== undefined && { configFile: config.file }),
    uptimeSeconds: Math.floor((performance.now() - startedMs) / 1000),
    http: listeners.addresses,
    dns: embedded?.nameserver.addresses ?? [],
    ...shownCertificate(listeners, certificate, config),
    embedded: (await embedded?.nameserver.admin.zones()) ?? [],
    remote: remote.map(({ apex }) => apex.toString()),
    webhooks: webhooks?.states() ?? [],
    ...(await administrationOf(parts).history.pendingStatus()),
  };
}

/** The certificate that HTTPS serves; without its end while it is one that no client trusts yet. */
export function shownCertificate(
  { certificate: served }: HttpListeners,
  { isIssued }: OwnCertificate,
  { http }: Config,
): { readonly certificate?: NonNullable<ServerStatus['certificate']> } {
  if (served === undefined) return {};
  const isTrusted = http.acme === undefined || isIssued;
  return { certificate: { names: served.names, ...(isTrusted && { ends: new Date(served.endMs).toISOString() }) } };
}
