/** Which names members may take: where the zone lets them, and only names that no one has, has had, or that are in DNS. */
import type { DomainName } from '../../dns/name.ts';
import { AppError } from '../errors.ts';
import type { User } from '../users/user.ts';
import { ownerNameRefusal, type Zone } from '../zones/zone.ts';
import type { AdminOptions } from './admin-options.ts';
import { requireStore } from './admin-options.ts';

/** `zones[].members` of a zone that lets members take names. */
export interface ClaimableZone {
  readonly apex: DomainName;
  /** The x of `*.x`; the apex for `*`. */
  readonly above: DomainName;
}

export interface ClaimOptions extends Pick<AdminOptions, 'store' | 'tokens' | 'hosts'> {
  readonly claimable: readonly ClaimableZone[];
  readonly zoneOf: (ownerName: DomainName) => Promise<Zone | undefined>;
  /** Whether there is any record at the name. @throws AppError */
  readonly hasRecords: (zone: Zone, ownerName: DomainName) => Promise<boolean>;
}

/** @throws AppError name-invalid: not a name that members may take; conflict: it is taken */
export async function claimName(options: ClaimOptions, user: User, ownerName: DomainName): Promise<void> {
  const { claimable, zoneOf, hasRecords, tokens, hosts } = options;
  const zone = await zoneOf(ownerName);
  const rule = zone && claimable.find(({ apex }) => apex.equals(zone.apex));
  const parent = ownerName.parent();
  if (zone === undefined || rule === undefined || parent === undefined || !parent.equals(rule.above)) {
    throw new AppError('name-invalid', `Members may not take the name '${ownerName}'. Ask an admin for it.`);
  }
  const refusal = ownerName.isWildcard ? 'wildcard' : ownerNameRefusal(zone, ownerName);
  const isConfigured =
    hosts.some((host) => host.ownerName.equals(ownerName)) ||
    tokens.some((token) => token.hosts.some((host) => host.equals(ownerName))) ||
    zone.staticNames?.has(ownerName.key) === true;
  const store = requireStore(options);
  if (
    refusal !== undefined ||
    isConfigured ||
    (await store.history.activity(ownerName)) !== undefined ||
    (await store.history.read(ownerName, 1)).length > 0 ||
    (await store.tokens.othersName(ownerName, user.id)) ||
    (await hasRecords(zone, ownerName))
  ) {
    throw new AppError('conflict', `The name '${ownerName}' is taken.`);
  }
}
