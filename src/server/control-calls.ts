/** The calls of the control socket on the generation in force. */
import type { Config } from '../config/config.ts';
import { pendingOf, type ServerCalls, type ServerStatus } from '../control/calls.ts';
import { LocalCalls } from '../control/in-process.ts';
import { withStoreBackup } from '../core/admin/backup.ts';
import type { ClientAdmin } from '../core/admin/client-admin.ts';
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

export function controlCalls(parts: ControlParts): ServerCalls {
  const calls = new LocalCalls(() => {
    const { services, embedded, config } = parts.current();
    const admin = embedded?.nameserver.admin;
    const zoneAdmin = admin && withStoreBackup(admin, storeCopy(config, parts.state.store));
    return { services, zoneAdmin, clientAdmin: clientAdminOf(parts) };
  });
  return Object.assign(calls, { status: () => status(parts), reload: parts.reload });
}

function clientAdminOf({ current, state }: ControlParts): ClientAdmin {
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
    uptimeSeconds: Math.floor((performance.now() - startedMs) / 1000),
    http: listeners.addresses,
    dns: embedded?.nameserver.addresses ?? [],
    ...shownCertificate(listeners, certificate, config),
    embedded: (await embedded?.nameserver.admin.zones()) ?? [],
    remote: remote.map(({ apex }) => apex.toString()),
    webhooks: webhooks?.states() ?? [],
    ...(await pendingOf(clientAdminOf(parts))),
  };
}

/** The certificate that HTTPS serves; without its end while it is one that no client trusts yet. */
export function shownCertificate(
  { certificate: served }: HttpListeners,
  { isIssued }: OwnCertificate,
  { http }: Config,
): Pick<ServerStatus, 'certificate'> {
  if (served === undefined) return {};
  const isTrusted = http.acme === undefined || isIssued;
  return { certificate: { names: served.names, ...(isTrusted && { ends: new Date(served.endMs).toISOString() }) } };
}
