/**
 * What a credential may do with a name. A name outside of a token's scope and one that no zone has get the same answer,
 * after the same look: nobody learns by a token which other names there are.
 */
import type { DomainName } from '../../dns/name.ts';
import { AppError } from '../errors.ts';
import type { Zone, ZoneTable } from '../zones/zone.ts';
import type { Principal } from './principal.ts';
import { tokenCovers } from './token.ts';

/**
 * Checks that the credential covers the name with at least one of these types.
 * @throws AppError not-permitted
 */
export function authorizeName(principal: Principal, ownerName: DomainName, types: readonly number[]): void {
  if (principal.kind === 'master') return;
  for (const type of types) if (tokenCovers(principal.token, ownerName, type)) return;
  throw unknownName(ownerName);
}

/**
 * The zone of a name that the credential covers.
 * @throws AppError not-permitted, also for a name in no zone
 */
export function findPermittedZone(
  zones: ZoneTable,
  principal: Principal,
  ownerName: DomainName,
  types: readonly number[],
): Zone {
  authorizeName(principal, ownerName, types);
  const zone = zones.find(ownerName);
  if (zone === undefined) throw unknownName(ownerName);
  return zone;
}

/** The words of the original for a name in no zone; what a client wrote in the wrong place may be its secret. */
export function unknownName(ownerName: DomainName): AppError {
  return new AppError(
    'not-permitted',
    `The fully qualified domain name '${ownerName}' could not be split into a record and a zone name.`,
    { logText: 'The name in the request lies in no zone of this server, or not in the scope of the token.' },
  );
}
