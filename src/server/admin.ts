/**
 * What an operator does to tokens, hosts and history: in the server on its open parts, in a command without a server on a
 * store that is opened for it.
 */
import { randomBytes } from 'node:crypto';
import type { Config } from '../config/config.ts';
import type { TokenUseLog } from '../core/access/token-use.ts';
import type { AdminOptions } from '../core/admin/admin-options.ts';
import { type Administration, makeAdministration } from '../core/admin/administration.ts';
import { type ClaimableZone, type ClaimOptions, claimName } from '../core/admin/claims.ts';
import { AppError } from '../core/errors.ts';
import type { HistoryRecorder } from '../core/history/history-recorder.ts';
import type { HostDirectory } from '../core/hosts/host-directory.ts';
import type { Store } from '../core/store.ts';
import type { Zone, ZoneTable } from '../core/zones/zone.ts';
import { formatEndpoint } from '../dns/endpoint.ts';
import { DomainName, findNearestAncestor } from '../dns/name.ts';
import { RRType } from '../dns/rdata.ts';
import { configuredToken, hostSettings, openConfiguredStore } from './state.ts';

export interface ClientAdminParts {
  readonly store: Store | undefined;
  /** Called when records of a zone are read. */
  readonly zones: () => ZoneTable | Promise<ZoneTable>;
  /** These three: in the server only. */
  readonly directory?: HostDirectory | undefined;
  readonly recorder?: HistoryRecorder | undefined;
  readonly uses?: TokenUseLog | undefined;
}

export function makeClientAdmin(config: Config, parts: ClientAdminParts): Administration {
  const { store, zones, directory, recorder, uses } = parts;
  const timeoutMs = config.nameserverTimeoutSeconds * 1000;
  const read: AdminOptions['read'] = async (ownerName) => {
    const zone = (await zones()).find(ownerName);
    if (zone === undefined) throw new AppError('name-invalid', `'${ownerName}' is in no zone.`);
    return zone.publisher.read(ownerName, performance.now() + timeoutMs);
  };
  const claimable = claimableZones(config);
  const tokens = config.tokens.map(configuredToken);
  const hosts = config.hosts.map(hostSettings);
  const claiming: ClaimOptions = {
    store,
    tokens,
    hosts,
    claimable,
    zoneOf: async (ownerName) => (await zones()).find(ownerName),
    hasRecords: (zone, ownerName) => hasRecords(zone, ownerName, performance.now() + timeoutMs),
  };
  return makeAdministration({
    store,
    tokens,
    hosts,
    claim: (user, ownerName) => claimName(claiming, user, ownerName),
    claims: claimsOf(config),
    zones: config.zones,
    directory,
    read,
    uses: uses ?? store?.tokens,
    secondariesOf: secondariesOf(config),
    flush: recorder && (() => recorder.flush()),
    now: Date.now,
    random: (octets) => randomBytes(octets),
  });
}

/** With the place at which names may be taken. */
function claimableZones({ zones }: Config): readonly ClaimableZone[] {
  return zones.flatMap(({ apex, members: { claim, pattern } }) =>
    claim ? [{ apex, above: pattern === '*' ? apex : DomainName.parse(pattern.slice(2), apex) }] : [],
  );
}

function claimsOf({ zones }: Config): readonly { readonly zone: string; readonly pattern: string }[] {
  return zones.flatMap(({ apex, members: { claim, pattern } }) => (claim ? [{ zone: apex.toString(), pattern }] : []));
}

/** Types that a host can have, and those that would answer for it. */
const ASKED_TYPES = [RRType.A, RRType.AAAA, RRType.CNAME, RRType.TXT, RRType.MX, RRType.SRV, RRType.NS, RRType.DNAME];

async function hasRecords({ publisher, records }: Zone, ownerName: DomainName, deadlineMs: number): Promise<boolean> {
  if (records !== undefined) return records.snapshot().find(ownerName) !== undefined;
  const read = await publisher.read(ownerName, deadlineMs);
  // A CNAME may be that of a wildcard, and hides every other record of the name.
  if (read.kind !== 'addresses') return true;
  for (const type of ASKED_TYPES) {
    if ((await publisher.readRRset(ownerName, type, deadlineMs)) !== undefined) return true;
  }
  return false;
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
