import { toChallengeName } from '../../core/access/acme-challenge.ts';
/** Finds the host that a request means, for protocols whose clients do not always write a full name. */
import { findPermittedHost, findTextZone, type PermittedHost } from '../../core/access/authorize.ts';
import type { Principal } from '../../core/access/principal.ts';
import { selectByText, selectByUser, selectOnlyHost } from '../../core/access/select-host.ts';
import { AppError } from '../../core/errors.ts';
import type { AddressUpdate } from '../../core/updates/update-addresses.ts';
import { isCarrierNat } from '../../core/zones/address-policy.ts';
import type { Zone } from '../../core/zones/zone.ts';
import { type DomainName, NameError } from '../../dns/name.ts';
import type { Services } from './door.ts';

/** Hosts in one request. */
export const MAX_HOSTS = 20;

/** The items of a comma-separated list, without empty ones and without final dots. */
export function splitHosts(text: string): string[] {
  const hosts: string[] = [];
  for (const item of text.includes(',') ? text.split(',') : [text]) {
    const name = item.trim();
    if (name !== '' && name !== '.') hosts.push(name.endsWith('.') ? name.slice(0, -1) : name);
  }
  return hosts;
}

/** @throws AppError name-invalid */
export function readHost(given: string, principal: Principal, { zones }: Pick<Services, 'zones'>): DomainName {
  const text = given.endsWith('.') ? given.slice(0, -1) : given;
  let name: DomainName | undefined;
  try {
    name = selectByText(principal, zones, text);
  } catch (error) {
    if (!(error instanceof NameError)) throw error;
    // The text may be a secret that the client wrote into the wrong place.
    throw new AppError('name-invalid', `The request has an invalid host name (${error.code}).`);
  }
  if (name !== undefined) return name;
  throw new AppError('name-invalid', 'The request has a single label, and more than one zone or host could be meant.');
}

/**
 * The same for clients of a service with names in its own domain: `home.duckdns.org` means `home`, unless the name is in one
 * of our zones.
 * @param domain of the service
 * @throws AppError name-invalid
 */
export function readServiceHost(
  given: string,
  domain: string,
  principal: Principal,
  services: Pick<Services, 'zones'>,
): DomainName {
  const name = readHost(given, principal, services);
  const text = given.replace(/\.$/, '').toLowerCase();
  const [, challenge, label] = /^(_acme-challenge\.)?([^.]+)$/.exec(text.slice(0, -domain.length - 1)) ?? [];
  if (label === undefined || !text.endsWith(`.${domain}`) || services.zones.find(name) !== undefined) return name;
  const host = readHost(label, principal, services);
  return challenge === undefined ? host : challengeOf(host);
}

/**
 * The hosts of a request: a function for each, so that an invalid one does not prevent the change of the others.
 * @param users may name the host where the request has none
 */
export function hostFinders(
  given: readonly string[],
  users: readonly string[],
  principal: Principal,
  services: Pick<Services, 'zones'>,
): readonly (() => DomainName)[] {
  if (given.length === 0) return [() => findUnnamedHost(users, principal, services)];
  return given.map((text) => () => readHost(text, principal, services));
}

/**
 * The hosts that a user name has with commas between them, for a request that names none; empty where the credential covers
 * none of them.
 */
export function listUserHosts(
  users: readonly string[],
  principal: Principal,
  { zones }: Pick<Services, 'zones'>,
): string[] {
  for (const user of users) {
    const hosts = user.includes(',') ? splitHosts(user) : [];
    // A longer list is refused as a whole.
    if (hosts.length > MAX_HOSTS || hosts.some((host) => selectByUser(principal, zones, host) !== undefined))
      return hosts;
  }
  return [];
}

/** The host of a protocol whose requests have one. @throws AppError name-invalid */
export function findOneHost(
  given: readonly string[],
  users: readonly string[],
  principal: Principal,
  services: Pick<Services, 'zones'>,
): DomainName {
  const [text, ...more] = given.length > 0 ? given : listUserHosts(users, principal, services);
  if (more.length > 0) throw new AppError('name-invalid', 'The request has more than one host.');
  return text === undefined ? findUnnamedHost(users, principal, services) : readHost(text, principal, services);
}

/** The host of a request that names none. @throws AppError name-invalid */
export function findUnnamedHost(
  users: readonly string[],
  principal: Principal,
  { zones }: Pick<Services, 'zones'>,
): DomainName {
  for (const user of users) {
    const name = selectByUser(principal, zones, user);
    if (name !== undefined) return name;
  }
  const name = selectOnlyHost(principal);
  if (name) return name;
  throw new AppError('name-invalid', 'The request names no host.');
}

/** A host whose addresses the credential may change. @throws AppError not-permitted */
export function findHost(
  ownerName: DomainName,
  principal: Principal,
  { zones }: Pick<Services, 'zones'>,
): PermittedHost {
  return findPermittedHost(zones, principal, ownerName);
}

/**
 * The name of a host's ACME challenge, and its zone.
 * @throws AppError name-invalid; not-permitted, also where the credential covers addresses only
 */
export function findChallenge(
  host: DomainName,
  principal: Principal,
  { zones }: Pick<Services, 'zones'>,
): { readonly ownerName: DomainName; readonly zone: Zone } {
  const ownerName = challengeOf(host);
  return { ownerName, zone: findTextZone(zones, principal, ownerName) };
}

/** @throws AppError name-invalid */
function challengeOf(host: DomainName): DomainName {
  try {
    return toChallengeName(host);
  } catch (error) {
    if (!(error instanceof NameError)) throw error;
    throw new AppError('name-invalid', `'${host}' is too long to have a challenge below it.`);
  }
}

/** A warning to the operator about a change; undefined: none. */
export function carrierNatWarning({ ownerName, A, changed }: AddressUpdate): string | undefined {
  const text = changed ? A.after.find(isCarrierNat) : undefined;
  return (
    text && `${ownerName} has the address ${text} of a carrier's NAT (100.64.0.0/10): the internet cannot reach it.`
  );
}
