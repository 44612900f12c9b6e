/** Rules for edits of records that keys of UPDATE, tokens and users have in common. */
import type { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import type { RRset } from '../../dns/rrset.ts';
import { challengeSubject } from '../access/acme-challenge.ts';
import type { NameScope } from '../access/name-scope.ts';
import { scopeNamesEdit } from '../access/zone-owner-names.ts';
import { AppError } from '../errors.ts';
import { checkAddress } from '../zones/address-policy.ts';
import { addressOf } from '../zones/family.ts';
import { chooseTtl, type Zone } from '../zones/zone.ts';

/** Of a zone, as far as these rules depend on it. */
export type EditedZone = Pick<Zone, 'apex' | 'addresses' | 'ttl'> & Partial<Pick<Zone, 'reserved' | 'staticNames'>>;

/**
 * Why a scope that covers the name may not edit it all the same, as the end of a sentence: its challenge would prove control of a
 * name of the operator.
 * @param types of the RRs that change
 */
export function challengeRefusal(
  zone: EditedZone,
  hosts: NameScope,
  ownerName: DomainName,
  types: readonly number[],
): string | undefined {
  const subject = challengeSubject(ownerName);
  if (subject !== undefined && zone.reserved?.has(subject.key)) return `: '${subject}' is reserved`;
  return scopeNamesEdit(hosts, zone, ownerName, types)
    ? undefined
    : ' by a pattern: a certificate of the zone itself or of a static name could be issued';
}

/** RFC 2181 §8. */
export const MAX_TTL = 2_147_483_647;

/** Why an RRset is against the zone's rules for TTLs and addresses. */
export function rrsetRefusal(zone: EditedZone, { ownerName, type, ttl, rdatas }: RRset): string | undefined {
  if (type !== RRType.A && type !== RRType.AAAA) {
    return ttl > MAX_TTL ? `the TTL ${ttl} at '${ownerName}' is too large` : undefined;
  }
  try {
    chooseTtl(zone as Zone, ttl, 0);
    for (const rdata of rdatas) {
      if ('address' in rdata) checkAddress([zone.addresses], addressOf(rdata.kind, rdata.address));
    }
    return undefined;
  } catch (error) {
    if (error instanceof AppError) return `${error.message} ('${ownerName}')`;
    throw error;
  }
}
