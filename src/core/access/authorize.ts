/**
 * Checks that a credential covers a name. A name outside of the token's scope and a name in no zone give the same error, so
 * a token does not reveal which other names exist.
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

/** The original's text for a name in no zone. The name may be a secret in the wrong parameter, so it is not logged. */
export function unknownName(ownerName: DomainName): AppError {
  return new AppError(
    'not-permitted',
    `The fully qualified domain name '${ownerName}' could not be split into a record and a zone name.`,
    { logText: 'The name in the request lies in no zone of this server, or not in the scope of the token.' },
  );
}
