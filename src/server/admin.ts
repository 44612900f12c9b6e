/**
 * What an operator does to tokens, hosts and history: in the server on its open parts, in a command without a server on a
 * store that is opened for it.
 */
import { randomBytes } from 'node:crypto';
import { type Config, listenUrls } from '../config/config.ts';
import type { TokenUseLog } from '../core/access/token-use.ts';
import type { AdminOptions } from '../core/admin/admin-options.ts';
import { type Administration, makeAdministration } from '../core/admin/administration.ts';
import { NameClaims } from '../core/admin/name-claims.ts';
import { AppError } from '../core/errors.ts';
import type { HistoryRecorder } from '../core/history/history-recorder.ts';
import type { HostDirectory } from '../core/hosts/host-directory.ts';
import type { SignInGuard } from '../core/sign-in/sign-in-guard.ts';
import type { Store } from '../core/store.ts';
import type { ZoneTable } from '../core/zones/zone.ts';
import { formatEndpoint } from '../dns/endpoint.ts';
import { findNearestAncestor } from '../dns/name.ts';
import { configuredToken, hostSettings, openConfiguredStore } from './state.ts';

export interface ClientAdminParts {
  readonly store: Store | undefined;
  /** Called when records of a zone are read. */
  readonly zones: () => ZoneTable | Promise<ZoneTable>;
  /** These three: in the server only. */
  readonly directory?: HostDirectory | undefined;
  readonly recorder?: HistoryRecorder | undefined;
  readonly uses?: TokenUseLog | undefined;
  readonly guard?: SignInGuard | undefined;
  /** Where the server serves HTTP, as URLs; without one where the configuration lets it. */
  readonly addresses?: readonly string[] | undefined;
}

export function makeClientAdmin(config: Config, parts: ClientAdminParts): Administration {
  const { store, zones, directory, recorder, uses, guard } = parts;
  const read: AdminOptions['read'] = async (ownerName) => {
    const zone = (await zones()).find(ownerName);
    if (zone === undefined) throw new AppError('name-invalid', `'${ownerName}' is in no zone.`);
    return zone.publisher.read(ownerName, performance.now() + config.nameserverTimeoutSeconds * 1000);
  };
  const tokens = config.tokens.map(configuredToken);
  const hosts = config.hosts.map(hostSettings);
  const flush = recorder && (() => recorder.flush());
  const deadlineMs = () => performance.now() + config.nameserverTimeoutSeconds * 1000;
  const claims = new NameClaims({ zones, store, tokens, hosts, flush, deadlineMs });
  return makeAdministration({
    store,
    tokens,
    hosts,
    zones: config.zones,
    directory,
    read,
    uses: uses ?? store?.tokens,
    secondariesOf: secondariesOf(config),
    claim: (user, ownerName) => claims.check(user, ownerName),
    signIn: {
      guard,
      sessionDays: config.admin?.sessions.days ?? 1,
      oidcTitle: config.admin?.oidc?.title,
      url: () => dashboardUrl(config, parts.addresses),
    },
    flush,
    now: Date.now,
    random: (octets) => randomBytes(octets),
  });
}

/**
 * Where browsers find the dashboard: `admin.url`, else the first TCP address that serves it, by which this machine reaches it.
 * Undefined: it is served on unix sockets alone, or not at all.
 */
function dashboardUrl({ admin, http }: Config, addresses: readonly string[] | undefined): string | undefined {
  if (admin === undefined) return undefined;
  if (admin.url !== undefined) return admin.url;
  const configured = admin.listen.length > 0 ? admin.listen : http.listen;
  const urls = addresses ?? listenUrls({ http: { ...http, listen: configured } }).http;
  // Without `admin.url` the rules of origin know http:// alone.
  const first = urls.find((url) => url.startsWith('http://'));
  return first?.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:');
}

function secondariesOf({ zones }: Config): NonNullable<AdminOptions['secondariesOf']> {
  const byApex = new Map(zones.map((zone) => [zone.apex.key, zone]));
  return (ownerName) => {
    const zone = findNearestAncestor(byApex, ownerName.key);
    if (zone?.primary.kind !== 'embedded') return undefined;
    const asked = zone.primary.secondaries.filter(({ poll }) => poll);
    return { zone: zone.apex.toString(), secondaries: asked.map(({ address }) => formatEndpoint(address)) };
  };
}

/**
 * Opens the store of the configuration, if it names one, for one command.
 * @throws AppError store-unreachable, StartError
 */
export async function openClientAdmin(
  config: Config,
  zones: ClientAdminParts['zones'],
): Promise<{ readonly admin: Administration; close(): Promise<void> }> {
  const store = await openConfiguredStore(config);
  return { admin: makeClientAdmin(config, { store, zones }), close: async () => store?.close() };
}
