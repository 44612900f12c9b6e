/** Which records someone may see and change: a token its names and types, a member some hosts, an admin everything. */
import { challengeName } from '../../dns/challenge-name.ts';
import { type DomainName, NameError } from '../../dns/name.ts';
import { CLIENT_TYPES, RRType } from '../../dns/rdata.ts';
import { challengeSubject } from '../access/acme-challenge.ts';
import { type NameScope, scopeCoversKey } from '../access/name-scope.ts';
import { type HostToken, tokenCovers } from '../access/token.ts';
import { serviceSubject } from '../access/zone-owner-names.ts';
import type { Zone, ZoneTable } from '../zones/zone.ts';
import type { NameFilter } from '../zones/zone-records.ts';

export interface RecordScope {
  /** In messages and the log: `the token 'router1'`. */
  readonly who: string;
  /** Literal names, and `*.x` for every name below x; undefined: every name. The challenge names of these may be covered, too. */
  readonly hosts: NameScope | undefined;
  /**
   * The rules for clients hold: those of the zone for the apex, wildcards, reserved names and TTLs, and the settings of hosts.
   * False for an operator, whose edits comply with the zone's addresses and TTLs like an UPDATE.
   */
  readonly isClient: boolean;
  mayRead(ownerName: DomainName, type: number): boolean;
  mayChange(ownerName: DomainName, type: number): boolean;
}

/** What the token covers, to see and to change. */
export function tokenScope(token: HostToken): RecordScope {
  const covers = (ownerName: DomainName, type: number) => tokenCovers(token, ownerName, type);
  return { who: `the token '${token.name}'`, hosts: token.hosts, isClient: true, mayRead: covers, mayChange: covers };
}

/** Everything. @param who see RecordScope */
export function operatorScope(who: string): RecordScope {
  const always = () => true;
  return { who, hosts: undefined, isClient: false, mayRead: always, mayChange: always };
}

/**
 * Some hosts and their challenges, with the types that tokens may have.
 * @param hosts literal names that may be seen @param changed those of them that may be changed
 */
export function hostsScope(who: string, hosts: NameScope, changed: NameScope): RecordScope {
  const types = CLIENT_TYPES;
  return {
    who,
    hosts,
    isClient: true,
    mayRead: (ownerName, type) => tokenCovers({ hosts, types }, ownerName, type),
    mayChange: (ownerName, type) => tokenCovers({ hosts: changed, types }, ownerName, type),
  };
}

/** Where the records of a scope are in a zone. */
export type ScopePlaces =
  /** The scope has nothing in the zone. */
  | { readonly kind: 'none' }
  /** At these names at most. */
  | { readonly kind: 'names'; readonly names: readonly DomainName[] }
  /** Anywhere: the zone must be searched for names that pass. */
  | { readonly kind: 'search'; readonly isWanted: NameFilter };

export function placesIn(zones: ZoneTable, zone: Zone, scope: RecordScope): ScopePlaces {
  const { hosts } = scope;
  if (hosts === undefined) return { kind: 'search', isWanted: () => true };
  const isHere = (ownerName: DomainName) => zones.find(ownerName) === zone;
  const names = new Map<string, DomainName>();
  for (const host of hosts) {
    if (host.isWildcard && reaches(zone, host.parent()!)) return { kind: 'search', isWanted: searchFilter(hosts) };
    for (const ownerName of [host, challengeOf(host)]) {
      if (ownerName !== undefined && isHere(ownerName)) names.set(ownerName.key, ownerName);
    }
  }
  return names.size === 0 ? { kind: 'none' } : { kind: 'names', names: [...names.values()] };
}

/** Can names below this one be in the zone? */
function reaches({ apex }: Zone, above: DomainName): boolean {
  return above.isAtOrBelow(apex) || apex.isAtOrBelow(above);
}

function challengeOf(host: DomainName): DomainName | undefined {
  try {
    return challengeName(host);
  } catch (error) {
    if (error instanceof NameError) return undefined;
    throw error;
  }
}

/** Names that the scope may cover, for some type. */
function searchFilter(hosts: NameScope): NameFilter {
  return (key) => scopeCoversKey(hosts, key) || (isChallenge(key) && scopeCoversKey(hosts, parentKey(key)));
}

const CHALLENGE = '\x0f_acme-challenge';
const isChallenge = (key: string) => key.startsWith(CHALLENGE);
const parentKey = (key: string) => key.slice(key.charCodeAt(0) + 1);

/**
 * The host whose settings hold for an edit: of a challenge its subject, of a service like `_sip._tcp.x` the host x.
 * @param type undefined: every type
 */
export function hostOf(ownerName: DomainName, type: number | undefined): DomainName {
  const subject = challengeSubject(ownerName);
  if (subject !== undefined) return subject;
  return type === undefined || type === RRType.TXT || isAddressType(type) ? ownerName : serviceSubject(ownerName);
}

export function isAddressType(type: number): boolean {
  return type === RRType.A || type === RRType.AAAA;
}
