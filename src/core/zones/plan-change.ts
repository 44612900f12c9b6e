/**
 * Plans a change: the edits that bring a name from the published to the wanted addresses, and their prerequisites. Pure.
 *
 * The prerequisites state the whole picture that the plan rests on: both address RRsets as they are believed to be, no
 * CNAME at the name (RFC 2136 §3.4.2.2 would silently ignore an address beside it), no delegation at or above it and no
 * DNAME above it. So the primary itself confirms, in the same message, that the old value is the one that was there.
 */
import type { IpAddress } from '../../dns/address.ts';
import type { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { addressRdata } from '../../dns/rrset.ts';
import type { Prerequisite, ZoneChange, ZoneEdit } from '../../dns/zone-change.ts';
import { type Family, sameAddresses } from './family.ts';
import type { AddressSet, PublishedAddresses } from './publisher.ts';

/** Per family: all addresses of the RRset, in any order; empty for no address, absent to leave the RRset as it is. */
export interface WantedAddresses {
  readonly A?: readonly IpAddress[];
  readonly AAAA?: readonly IpAddress[];
}

export const NO_ADDRESSES: readonly IpAddress[] = [];

export interface FamilyPlan {
  /** Addresses, sorted. */
  readonly before: readonly string[];
  readonly after: readonly string[];
  readonly changed: boolean;
}

export interface ChangePlan {
  readonly A: FamilyPlan;
  readonly AAAA: FamilyPlan;
  readonly changed: boolean;
  /** Without edits when nothing changes: it then only confirms the prerequisites. */
  readonly change: ZoneChange;
}

export interface PlanInput {
  readonly zone: DomainName;
  readonly ownerName: DomainName;
  readonly wanted: WantedAddresses;
  readonly published: PublishedAddresses;
  /** Seconds, for what is written. */
  readonly ttl: number;
  /** True when the request named the TTL: then another TTL is a change by itself. */
  readonly ttlIsExplicit: boolean;
}

export function planChange(input: PlanInput): ChangePlan {
  const edits: ZoneEdit[] = [];
  const prerequisites = placePrerequisites(input.zone, input.ownerName);
  const A = planFamily(input, 'A', prerequisites, edits);
  const AAAA = planFamily(input, 'AAAA', prerequisites, edits);
  const change = { zone: input.zone, ownerName: input.ownerName, prerequisites, edits };
  return { A, AAAA, changed: A.changed || AAAA.changed, change };
}

function planFamily(input: PlanInput, family: Family, prerequisites: Prerequisite[], edits: ZoneEdit[]): FamilyPlan {
  const { ownerName, ttl } = input;
  const type = RRType[family];
  const published = input.published[family];
  const addresses = input.wanted[family];
  const wanted = addresses && sortedTexts(addresses);
  const before = published.addresses;
  if (before.length === 0) prerequisites.push({ kind: 'rrset-absent', ownerName, type });
  else {
    const rdatas = before.map((address) => addressRdata(type, address));
    prerequisites.push({ kind: 'rrset-equals', ownerName, type, rdatas });
  }
  if (wanted === undefined || !differs(published, wanted, input)) return { before, after: before, changed: false };
  if (wanted.length === 0) {
    edits.push({ kind: 'delete-rrset', ownerName, type });
    return { before, after: wanted, changed: true };
  }
  const rdatas = wanted.map((text) => addressRdata(type, text));
  edits.push({ kind: 'replace-rrset', rrset: { ownerName, type, ttl, rdatas } });
  return { before, after: wanted, changed: true };
}

/** As an AddressSet has them: sorted, each once. */
export function sortedTexts(addresses: readonly IpAddress[]): readonly string[] {
  if (addresses.length < 2) return addresses.map(({ text }) => text);
  return [...new Set(addresses.map(({ text }) => text))].sort();
}

function differs({ addresses, ttl }: AddressSet, wanted: readonly string[], input: PlanInput): boolean {
  if (!sameAddresses(addresses, wanted)) return true;
  return wanted.length > 0 && input.ttlIsExplicit && ttl !== input.ttl;
}

/** What must not be at or above a name, or resolvers would not see its data. */
export function placePrerequisites(zone: DomainName, ownerName: DomainName): Prerequisite[] {
  const prerequisites: Prerequisite[] = [{ kind: 'rrset-absent', ownerName, type: RRType.CNAME }];
  for (let name = ownerName; name.octets.length > zone.octets.length; ) {
    prerequisites.push({ kind: 'rrset-absent', ownerName: name, type: RRType.NS });
    name = name.parent() as DomainName;
    prerequisites.push({ kind: 'rrset-absent', ownerName: name, type: RRType.DNAME });
  }
  return prerequisites;
}
