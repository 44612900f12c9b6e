/**
 * Configuration and store -> what an operator does to tokens, hosts and history: in the server on what it has open, in a
 * command without a server on a store of its own. The part of the composition root beside open-clients.ts.
 */
import { randomBytes } from 'node:crypto';
import type { Config } from '../config/config.ts';
import type { TokenUseLog } from '../core/access/token-use.ts';
import type { AdminOptions } from '../core/admin/admin-options.ts';
import { type Administration, makeAdministration } from '../core/admin/administration.ts';
import { AppError } from '../core/errors.ts';
import type { HistoryRecorder } from '../core/history/history-recorder.ts';
import type { HostDirectory } from '../core/hosts/host-directory.ts';
import type { Store } from '../core/store.ts';
import type { ZoneTable } from '../core/zones/zone.ts';
import { openStore } from '../store/open-store.ts';
import { configuredToken, hostSettings, storeUrl } from './state.ts';

export interface ClientAdminParts {
  readonly store: Store | undefined;
  /** Asked when something is to be read there. */
  readonly zones: () => ZoneTable | Promise<ZoneTable>;
  /** Where updates are served by this process: */
  readonly directory?: HostDirectory | undefined;
  readonly recorder?: HistoryRecorder | undefined;
  readonly uses?: TokenUseLog | undefined;
}

export function makeClientAdmin(config: Config, parts: ClientAdminParts): Administration {
  const { store, zones, directory, recorder, uses } = parts;
  const read: AdminOptions['read'] = async (ownerName) => {
    const zone = (await zones()).find(ownerName);
    if (zone === undefined) throw new AppError('name-invalid', `'${ownerName}' is in no zone.`);
    return zone.publisher.read(ownerName, performance.now() + config.nameserverTimeoutSeconds * 1000);
  };
  return makeAdministration({
    store,
    tokens: config.tokens.map(configuredToken),
    hosts: config.hosts.map(hostSettings),
    zones: config.zones,
    directory,
    read,
    uses: uses ?? store?.tokens,
    flush: recorder && (() => recorder.flush()),
    now: Date.now,
    random: (octets) => randomBytes(octets),
  });
}

/**
 * Opens the store of the configuration, if it names one, for one command.
 * @throws AppError store-unreachable, DatabaseLockedError, SqliteError, SchemaError
 */
export async function openClientAdmin(
  config: Config,
  zones: ClientAdminParts['zones'],
): Promise<{ readonly admin: Administration; close(): Promise<void> }> {
  const store = config.store && (await openStore(storeUrl(config.store)));
  return { admin: makeClientAdmin(config, { store, zones }), close: async () => store?.close() };
}
