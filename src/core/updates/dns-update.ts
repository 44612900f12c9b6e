/**
 * The use-case of an UPDATE that came in by DNS (RFC 2136): may this key do it, and do the zone's rules for addresses
 * and TTLs let it. One refusal refuses the whole message.
 *
 * Order: the key's right to change the zone at all, then the prerequisites, then each edit. RFC 2136 has the permission
 * after the prerequisites (§3.3); who may change nothing must not learn by prerequisites what is in the zone.
 * The options `apex`, `wildcard` and `reserved` of a zone are about HTTP and do not count here.
 */
import type { DomainName } from '../../dns/name.ts';
import { formatRRType, RRType } from '../../dns/rdata.ts';
import type { RRset } from '../../dns/rrset.ts';
import type { Prerequisite, ZoneEdit } from '../../dns/zone-change.ts';
import { acmeSubject, type NameScope, scopeCovers } from '../access/name-scope.ts';
import { AppError } from '../errors.ts';
import { checkAddress } from '../zones/address-policy.ts';
import { addressOf } from '../zones/family.ts';
import type { UpdatableZone, UpdateOutcome } from '../zones/publisher.ts';
import { chooseTtl, type Zone } from '../zones/zone.ts';

/** What the configuration says of a key of one zone. */
export interface UpdateKey {
  /** Stands in the history for who made the change. */
  readonly keyName: DomainName;
  readonly mayUpdate: boolean;
  /** Absent: every name of the zone. */
  readonly hosts?: NameScope;
  /** Absent: every type. */
  readonly types?: ReadonlySet<number>;
}

export interface DnsUpdate {
  readonly zone: Pick<Zone, 'apex' | 'addresses' | 'ttl'>;
  readonly target: UpdatableZone;
  readonly key: UpdateKey;
  /** All names are in the zone. */
  readonly prerequisites: readonly Prerequisite[];
  readonly edits: readonly ZoneEdit[];
  /** Where the message came from, canonical IP text. */
  readonly source?: string;
  /** Of the monotonic clock, in ms. */
  readonly deadlineMs: number;
}

/** @throws AppError primary-*, publish-unknown */
export async function applyUpdate(update: DnsUpdate): Promise<UpdateOutcome> {
  const { zone, target, key, deadlineMs } = update;
  if (!key.mayUpdate)
    return { kind: 'refused', why: `the key '${key.keyName}' may not change the zone '${zone.apex}'` };
  return target.applyUpdate(
    update,
    (edit, types) => {
      if ('rrset' in edit) return notCovered(key, edit.rrset.ownerName, types) ?? againstRules(zone, edit.rrset);
      return notCovered(key, edit.ownerName, types);
    },
    deadlineMs,
  );
}

function notCovered(
  { keyName, hosts, types: allowed }: UpdateKey,
  ownerName: DomainName,
  types: readonly number[],
): string | undefined {
  const covered = hosts === undefined || scopeCovers(hosts, ownerName);
  if (!covered) {
    // DNS-01 (RFC 8555 §8.4): who may change a name may prove that.
    const subject = acmeSubject(ownerName);
    const challenge =
      subject !== undefined && scopeCovers(hosts, subject) && types.every((type) => type === RRType.TXT);
    if (!challenge) return `the key '${keyName}' may not change '${ownerName}'`;
  }
  const foreign = allowed && types.find((type) => !allowed.has(type));
  return foreign === undefined
    ? undefined
    : `the key '${keyName}' may not change ${formatRRType(foreign)} records ('${ownerName}')`;
}

const MAX_TTL = 2_147_483_647; // RFC 2181 §8

function againstRules(zone: DnsUpdate['zone'], { ownerName, type, ttl, rdatas }: RRset): string | undefined {
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
