/**
 * Everything about an address update that can be decided without the primary: the types that the credential covers,
 * the rules for names, addresses and TTLs, and where the members of a host go. Pure: a request in, a checked update out.
 */
import type { IpAddress, IpPrefix } from '../../dns/address.ts';
import type { DomainName } from '../../dns/name.ts';
import { type PermittedHost, unknownName } from '../access/authorize.ts';
import { ownerOfPrincipal } from '../access/principal.ts';
import type { RequestContext } from '../access/request-context.ts';
import { checkTokenAddress, type HostToken } from '../access/token.ts';
import { AppError } from '../errors.ts';
import type { HostSettings } from '../hosts/host.ts';
import { ownerMayChange } from '../hosts/host-access.ts';
import { type MemberMove, memberAddress, ownAddress } from '../hosts/site.ts';
import type { UpdateOrigin } from '../update-origin.ts';
import type { TokenOwner } from '../users/user.ts';
import { type AddressPolicy, checkAddress } from '../zones/address-policy.ts';
import { FAMILIES } from '../zones/family.ts';
import { NO_ADDRESSES, type WantedAddresses } from '../zones/plan-change.ts';
import { checkOwnerName, chooseTtl, ownerNameRefusal, type Zone } from '../zones/zone.ts';

/** What a client wants of the addresses of one name. */
export interface AddressChoice {
  readonly wanted: WantedAddresses;
  /** The members of the host move into this prefix, and its own AAAA record as well if `wanted` does not name that family. */
  readonly prefix?: IpPrefix;
  /** IPv4: the published A record moves into this prefix if `wanted` does not name that family. */
  readonly prefix4?: IpPrefix;
  /** `prefix` is for the members alone. */
  readonly ownStays?: boolean;
  /** Seconds; absent: the host's, the zone's or the protocol's default. */
  readonly ttl?: number;
  /** Report what would change, and change nothing. */
  readonly isDryRun?: boolean;
}

/** The rules that an address must pass: the token's own, and one list of the prefixes of zone and host. */
export interface AddressRules {
  /** Undefined: no token, and no rule of one. */
  readonly token: HostToken | undefined;
  readonly caller: IpAddress | undefined;
  readonly policies: readonly AddressPolicy[];
}

/** An update that passed every check that needs no primary. */
export interface CheckedUpdate extends AddressRules {
  /** Whom the credential acts for; undefined: the operator. */
  readonly owner: TokenOwner | undefined;
  readonly zone: Zone;
  readonly ownerName: DomainName;
  readonly origin: UpdateOrigin;
  readonly choice: AddressChoice;
  /** Those of the choice, and the host's own address as a member of itself. */
  readonly wanted: WantedAddresses;
  /**
   * Where `wanted` says nothing of AAAA, the published one moves into this prefix and keeps its other bits. Without a
   * published one nothing happens.
   */
  readonly prefix: IpPrefix | undefined;
  /** The same for A. Without a published address the update fails. */
  readonly prefix4: IpPrefix | undefined;
  /** Seconds. */
  readonly ttl: number;
  /** Other names of the zone that change in the same step. */
  readonly members: readonly MemberMove[];
  readonly leftOut: readonly LeftOutMember[];
}

/** A member of the host that stays as it is although the prefix is another one. */
export interface LeftOutMember {
  readonly ownerName: DomainName;
  readonly why: string;
}

/** What the settings of zone, host and protocol say. */
export interface UpdateRules {
  readonly policies: readonly AddressPolicy[];
  /** Seconds, of the host; it comes before the zone's default. */
  readonly hostTtl: number | undefined;
  /** Seconds, where neither request nor host nor zone has a TTL. */
  readonly fallbackTtl: number;
}

/** @throws AppError not-permitted, address-refused, name-invalid, request-malformed */
export function prepareUpdate(
  { zone, ownerName, families }: PermittedHost,
  { principal, caller, origin }: Pick<RequestContext, 'principal' | 'caller' | 'origin'>,
  choice: AddressChoice,
  { policies, hostTtl, fallbackTtl }: UpdateRules,
): CheckedUpdate {
  const { wanted, prefix, prefix4 } = choice;
  for (const family of FAMILIES) {
    const isWanted = wanted[family] !== undefined || (family === 'AAAA' ? prefix : prefix4) !== undefined;
    if (isWanted && !families.includes(family)) throw unknownName(ownerName, principal, zone);
  }
  checkOwnerName(zone, ownerName);
  const token = principal.kind === 'token' ? principal.token : undefined;
  for (const family of FAMILIES) {
    for (const address of wanted[family] ?? NO_ADDRESSES) checkRules({ token, caller, policies }, address);
  }
  return {
    zone,
    ownerName,
    origin,
    choice,
    wanted,
    prefix: choice.ownStays === true ? undefined : prefix,
    prefix4,
    ttl: chooseTtl(zone, choice.ttl, fallbackTtl, hostTtl),
    members: NO_MEMBERS,
    leftOut: NO_MEMBERS,
    owner: ownerOfPrincipal(principal),
    token,
    caller,
    policies,
  };
}

const NO_MEMBERS: readonly never[] = [];

/** @throws AppError address-refused */
export function checkRules({ token, caller, policies }: AddressRules, address: IpAddress): void {
  if (token !== undefined) checkTokenAddress(token, address, caller);
  checkAddress(policies, address);
}

/**
 * The update with the host's own address below the prefix: its interface identifier in place of the published one's.
 * An address that the request or the host's entry among its members sets is not changed.
 * @throws AppError address-refused
 */
export function addOwnAddress(update: CheckedUpdate, interfaceId: string): CheckedUpdate {
  const { prefix, wanted } = update;
  if (prefix === undefined || wanted.AAAA !== undefined) return update;
  const address = ownAddress(prefix, interfaceId);
  checkRules(update, address);
  return { ...update, wanted: { ...wanted, AAAA: [address] } };
}

/**
 * The update with the members of its host in it. A member that cannot move into the prefix is left out.
 * @param prefix undefined: it is not known, and all members are left out
 * @param settingsOf those of the members, by the key of their names
 * @throws AppError address-refused, if the request itself has the prefix; else such a member is left out
 */
export function addMembers(
  update: CheckedUpdate,
  prefix: IpPrefix | undefined,
  host: HostSettings,
  settingsOf: ReadonlyMap<string, HostSettings | undefined>,
  fallbackTtl: number,
): CheckedUpdate {
  const { zone, choice } = update;
  const leftOut: LeftOutMember[] = [];
  const members: MemberMove[] = [];
  let { wanted } = update;
  for (const member of host.members) {
    const { ownerName } = member;
    const isHost = ownerName.equals(update.ownerName);
    if (isHost && update.prefix === undefined) continue;
    const settings = settingsOf.get(ownerName.key);
    const leaveOut = (why: string) => leftOut.push({ ownerName, why: `member of ${host.ownerName}: ${why}` });
    if (prefix === undefined) {
      leaveOut(`the addresses of the host are in several /${host.prefixLength} prefixes`);
      continue;
    }
    const address = memberAddress(prefix, member);
    const why =
      address === undefined
        ? `a /${prefix.length} has no room for its subnet ${member.subnet}`
        : obstacle(zone, ownerName, settings, isHost || ownerMayChange(settings, update.owner));
    if (address === undefined || why !== undefined) {
      leaveOut(`${why}`);
      continue;
    }
    try {
      checkRules(update, address);
      if (!isHost && settings !== undefined) checkAddress([zone.addresses, settings.addresses], address);
    } catch (error) {
      // The client has not sent the prefix: its own update is not refused because of it.
      if (!(error instanceof AppError) || choice.prefix !== undefined) throw error;
      leaveOut(error.message);
      continue;
    }
    if (isHost) {
      wanted = { AAAA: [address], ...wanted };
      continue;
    }
    members.push({ ownerName, address, ttl: choice.ttl ?? chooseTtl(zone, undefined, fallbackTtl, settings?.ttl) });
  }
  return { ...update, wanted, members, leftOut };
}

/** Why a member cannot be changed; undefined where it can. */
function obstacle(
  zone: Zone,
  ownerName: DomainName,
  settings: HostSettings | undefined,
  isPermitted: boolean,
): string | undefined {
  if (!isPermitted) return 'the user may not change it';
  if (settings?.enabled === false) return 'its updates are switched off';
  if (!ownerName.isAtOrBelow(zone.apex)) return `it is not in the zone ${zone.apex}`;
  return ownerNameRefusal(zone, ownerName) && 'its zone does not let it be changed';
}
