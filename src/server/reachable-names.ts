/**
 * Names that clients and resolvers need to reach this server: nameservers of embedded zones, and the names of the
 * certificate. What is wrong with one is a warning: it may be published later, or on purpose somewhere else.
 */
import { Resolver } from 'node:dns/promises';
import type { Config, ZoneConfig } from '../config/config.ts';
import { whyNotHere } from '../core/zones/leads-here.ts';
import { parseIpAddress } from '../dns/address.ts';
import { DomainName, findNearestAncestor } from '../dns/name.ts';
import { certificateOfFiles } from './certificate-files.ts';
import { machineAddresses } from './machine-addresses.ts';

/** The addresses of a name in an embedded zone of the configuration; undefined if they are not known. */
export type FindAddresses = (
  ownerName: DomainName,
  zone: DomainName,
) => Promise<readonly string[] | undefined> | readonly string[] | undefined;

const RESOLVER = { timeout: 2_000, tries: 1 };

/** Full sentences, each with what to do. Asks the resolver of the system about names in other zones. */
export async function unreachableNames(config: Config, find: FindAddresses): Promise<readonly string[]> {
  const byApex: ZonesByApex = new Map(config.zones.map((zone) => [zone.apex.key, zone]));
  const found = await Promise.all([
    ...config.zones.flatMap((zone) => nameserversInZones(zone, byApex).map((each) => checkNameserver(each, find))),
    ...certificateNames(config).map((name) => checkCertificateName(name, byApex, find)),
  ]);
  return [...new Set(found.filter((text) => text !== undefined))];
}

type ZonesByApex = ReadonlyMap<string, ZoneConfig>;

interface NameserverInZone {
  readonly name: DomainName;
  readonly zone: DomainName;
}

/** The nameservers of an embedded zone whose names are in an embedded zone of the configuration. */
function nameserversInZones({ primary }: ZoneConfig, byApex: ZonesByApex): readonly NameserverInZone[] {
  if (primary.kind !== 'embedded') return [];
  return primary.ns.flatMap((name) => {
    const zone = embeddedZoneOf(name, byApex);
    return zone === undefined ? [] : [{ name, zone }];
  });
}

function embeddedZoneOf(name: DomainName, byApex: ZonesByApex): DomainName | undefined {
  const zone = findNearestAncestor(byApex, name.key);
  return zone?.primary.kind === 'embedded' ? zone.apex : undefined;
}

async function checkNameserver({ name, zone }: NameserverInZone, find: FindAddresses): Promise<string | undefined> {
  const addresses = await find(name, zone);
  if (addresses === undefined || addresses.length > 0) return undefined;
  return `The nameserver '${name}' has no address in the zone '${zone}': resolvers cannot reach it. Add its A or AAAA record to 'records' of the zone.`;
}

/** Behind a proxy, names lead to the proxy. */
function certificateNames({ http }: Config): readonly DomainName[] {
  const isProxied = http.trustedProxies.length > 0 || http.listen.some(({ proxyProtocol }) => proxyProtocol);
  if (isProxied) return [];
  return (http.acme?.names ?? namesOfFiles(http)).filter(({ isWildcard }) => !isWildcard);
}

function namesOfFiles(http: Config['http']): readonly DomainName[] {
  const names = certificateOfFiles(http)?.names ?? [];
  return names.flatMap((name) => (parseIpAddress(name) === undefined ? DomainName.parse(name) : []));
}

async function checkCertificateName(
  name: DomainName,
  byApex: ZonesByApex,
  find: FindAddresses,
): Promise<string | undefined> {
  const zone = embeddedZoneOf(name, byApex);
  const texts = zone === undefined ? await resolve(name) : await find(name, zone);
  if (texts === undefined) return undefined;
  const addresses = texts.map((text) => parseIpAddress(text)).filter((address) => address !== undefined);
  const problem = whyNotHere(addresses, machineAddresses());
  return (
    problem &&
    `The certificate is for '${name}', which ${problem}: clients do not reach this server by that name. Give the name an address of this server.`
  );
}

/** Undefined if the resolver does not answer. */
async function resolve(name: DomainName): Promise<readonly string[] | undefined> {
  const resolver = new Resolver(RESOLVER);
  const host = name.toString();
  const results = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
  const isAbsent = ({ code }: NodeJS.ErrnoException) => code === 'ENODATA' || code === 'ENOTFOUND';
  if (results.some((result) => result.status === 'rejected' && !isAbsent(result.reason))) return undefined;
  return results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
}
