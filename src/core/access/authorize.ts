/**
 * What a credential may do with a name. A name outside of a token's scope and one that no zone has get the same answer,
 * after the same work: no one learns by a token which other names exist.
 */
import type { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { AppError } from '../errors.ts';
import { FAMILIES, type Family } from '../zones/family.ts';
import type { Zone, ZoneTable } from '../zones/zone.ts';
import type { Principal } from './principal.ts';
import { tokenCovers } from './token.ts';

/** A name whose addresses a credential may change. */
export interface PermittedHost {
  readonly zone: Zone;
  readonly ownerName: DomainName;
  /** Not empty. */
  readonly families: readonly Family[];
}

const A_ONLY: readonly Family[] = ['A'];
const AAAA_ONLY: readonly Family[] = ['AAAA'];
const NONE: readonly Family[] = [];

/** The families of addresses at a name that the credential may change. */
export function permittedFamilies(principal: Principal, ownerName: DomainName): readonly Family[] {
  if (principal.kind === 'master') return FAMILIES;
  const coversA = tokenCovers(principal.token, ownerName, RRType.A);
  const coversAAAA = tokenCovers(principal.token, ownerName, RRType.AAAA);
  if (coversA) return coversAAAA ? FAMILIES : A_ONLY;
  return coversAAAA ? AAAA_ONLY : NONE;
}

/** @throws AppError not-permitted, also for a name in no zone */
export function findPermittedHost(zones: ZoneTable, principal: Principal, ownerName: DomainName): PermittedHost {
  const families = permittedFamilies(principal, ownerName);
  const zone = zones.find(ownerName);
  if (families.length === 0 || zone === undefined) throw unknownName(ownerName, principal, zone);
  return { zone, ownerName, families };
}

/**
 * The zone of a name whose TXT records the credential may change.
 * @throws AppError not-permitted, also for a name in no zone
 */
export function findTextZone(zones: ZoneTable, principal: Principal, ownerName: DomainName): Zone {
  const isPermitted = principal.kind === 'master' || tokenCovers(principal.token, ownerName, RRType.TXT);
  const zone = zones.find(ownerName);
  if (!isPermitted || zone === undefined) throw unknownName(ownerName, principal, zone);
  return zone;
}

/**
 * The words of the original for a name in no zone. For the log also the name and the token: but a name in no zone of this
 * server may be a secret that a client wrote in the wrong place.
 * @param zone of the name
 */
export function unknownName(ownerName: DomainName, principal: Principal, zone: Zone | undefined): AppError {
  const message = `The fully qualified domain name '${ownerName}' could not be split into a record and a zone name.`;
  if (principal.kind === 'master') return new AppError('not-permitted', message, { logText: IN_NO_ZONE });
  const token = `the token '${principal.token.name}'`;
  return zone === undefined
    ? new AppError('not-permitted', message, { logText: `${IN_NO_ZONE.slice(0, -1)}. It was sent with ${token}.` })
    : new AppError('not-permitted', message, {
        logText: `'${ownerName}' is not in the scope of ${token}.`,
        refusedName: ownerName,
      });
}

const IN_NO_ZONE = 'The name in the request lies in no zone of this server.';
