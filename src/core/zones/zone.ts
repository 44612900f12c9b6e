/** The zones of this server and their rules; which zone a name lies in (by labels, the longest match wins). */
import { type DomainName, findNearestAncestor } from '../../dns/name.ts';
import { AppError } from '../errors.ts';
import type { AddressPolicy } from './address-policy.ts';
import type { ZonePublisher } from './publisher.ts';
import type { ZoneSecondaries } from './secondaries.ts';
import type { ZoneRecords } from './zone-records.ts';

export interface TtlRule {
  /** Seconds. */
  readonly default?: number;
  readonly min?: number;
  readonly max?: number;
}

/** For members: users who are no admins. */
export interface MembersRule {
  readonly claim: boolean;
  /** Relative to the zone: `*` is every name one label below it, `*.x` one label below x. */
  readonly pattern: string;
}

/** A line of a file. */
export interface FilePlace {
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

export interface Zone {
  readonly apex: DomainName;
  readonly publisher: ZonePublisher;
  /** Absent for a zone of another primary, whose secondaries are not known. */
  readonly secondaries?: ZoneSecondaries;
  /** Where the configuration has a static RRset; undefined: it is made from other options. Absent for a zone of another primary. */
  readonly staticPlace?: (ownerName: DomainName, type: number) => FilePlace | undefined;
  /** All records; absent for a zone of another primary. */
  readonly records?: ZoneRecords;
  readonly ttl: TtlRule;
  /** May A and AAAA of the zone's own name be changed by clients? */
  readonly apexAllowed: boolean;
  /** May `*.x` be changed by clients? */
  readonly wildcardAllowed: boolean;
  /** Keys of owner names that no client may change. */
  readonly reserved: ReadonlySet<string>;
  /** Keys of the owner names of static records; absent for a zone of another primary, whose records are not known. */
  readonly staticNames?: ReadonlySet<string>;
  readonly addresses: AddressPolicy;
  /** Which names members may take; absent: none. */
  readonly members?: MembersRule;
  /** The meaning of an empty parameter of one family. */
  readonly emptyValue: 'keep' | 'clear';
}

export class ZoneTable {
  readonly #byApex = new Map<string, Zone>();

  constructor(zones: Iterable<Zone>) {
    for (const zone of zones) this.#byApex.set(zone.apex.key, zone);
  }

  get all(): Zone[] {
    return [...this.#byApex.values()];
  }

  findByApex(apex: DomainName): Zone | undefined {
    return this.#byApex.get(apex.key);
  }

  /** The zone with the longest apex at or above the name: `evilexample.com` is not in `example.com`. */
  find(ownerName: DomainName): Zone | undefined {
    return findNearestAncestor(this.#byApex, ownerName.key);
  }
}

/**
 * Checks that clients may change addresses at this name of the zone.
 * @throws AppError name-invalid
 */
export function checkOwnerName(zone: Zone, ownerName: DomainName): void {
  const why = ownerNameRefusal(zone, ownerName);
  if (why !== undefined) throw new AppError('name-invalid', why);
}

/** Why clients may not change addresses at this name of the zone; undefined where they may. */
export function ownerNameRefusal(zone: Zone, ownerName: DomainName): string | undefined {
  const why = placeRefusal(zone, ownerName);
  if (why !== undefined) return why;
  if (ownerName.wireText.includes('_')) {
    return `The name '${ownerName}' is not a host name: '_' is only for names of TXT records.`;
  }
  return undefined;
}

/** Why clients may not change records of any type at this name of the zone; undefined where they may. */
export function placeRefusal(
  zone: Pick<Zone, 'apex' | 'apexAllowed' | 'wildcardAllowed' | 'reserved'>,
  ownerName: DomainName,
): string | undefined {
  if (ownerName.equals(zone.apex) && !zone.apexAllowed) {
    return `The zone's own name '${ownerName}' may not be changed; the option 'apex: true' of the zone allows it.`;
  }
  if (ownerName.isWildcard && !zone.wildcardAllowed) {
    return `The wildcard '${ownerName}' may not be changed; the option 'wildcard: true' of the zone allows it.`;
  }
  if (zone.reserved.has(ownerName.key)) return `The name '${ownerName}' is reserved.`;
  return undefined;
}

const MAX_TTL = 2_147_483_647; // RFC 2181 §8

/**
 * The TTL to publish with: the request's, else the host's, else the zone's, else `fallback`.
 * @throws AppError request-malformed where the request's is out of range
 */
export function chooseTtl(zone: Zone, requested: number | undefined, fallback: number, ofHost?: number): number {
  const { min = 0, max = MAX_TTL } = zone.ttl;
  if (requested === undefined) {
    if (ofHost === undefined && zone.ttl.default !== undefined) return zone.ttl.default;
    return Math.min(Math.max(ofHost ?? fallback, min), max);
  }
  if (requested < min || requested > max) {
    throw new AppError('request-malformed', `The TTL ${requested} is not between ${min} and ${max}.`);
  }
  return requested;
}
