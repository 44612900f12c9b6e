/**
 * The use-case behind every door for addresses: may this credential do it, do the host's settings and the limits let it;
 * then the change itself (update-addresses.ts), and its event in the history.
 */
import type { IpPrefix } from '../../dns/address.ts';
import type { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { authorizeName } from '../access/authorize.ts';
import type { RequestContext } from '../access/request-context.ts';
import { checkTokenAddress } from '../access/token.ts';
import { AppError } from '../errors.ts';
import type { AddressStep } from '../history/history.ts';
import type { HostSettings } from '../hosts/host.ts';
import { type MemberMove, memberAddress } from '../hosts/site.ts';
import { checkAddress } from '../zones/address-policy.ts';
import { FAMILIES } from '../zones/family.ts';
import type { FamilyPlan, WantedAddresses } from '../zones/plan-change.ts';
import { checkOwnerName, chooseTtl, type Zone } from '../zones/zone.ts';
import type { AddressUpdate, UpdateAddresses, UpdateRequest } from './update-addresses.ts';
import type { HostGate } from './update-record.ts';

/** What a client wants of the addresses of one name. */
export interface AddressChoice {
  readonly wanted: WantedAddresses;
  /** Where the members of the host go, and its own AAAA record if `wanted` says nothing of that (see UpdateRequest). */
  readonly prefix?: IpPrefix;
  /** The prefix is for the members alone. */
  readonly ownStays?: boolean;
  /** Seconds; absent: what host, zone or protocol have. */
  readonly ttl?: number;
  /** Say what would change, and change nothing. */
  readonly isDryRun?: boolean;
}

export interface HostUpdate {
  readonly zone: Zone;
  readonly ownerName: DomainName;
  /** Seconds. */
  readonly fallbackTtl: number;
  /** Called when it is known that the credential covers the name and that the host is enabled. @throws AppError */
  readonly choose: () => AddressChoice;
}

export interface HostUpdated {
  readonly result: AddressUpdate;
  /** What the client asked for. */
  readonly choice: AddressChoice;
  /** Members of the host that stay as they are although the prefix is another one. */
  readonly leftOut: readonly LeftOutMember[];
  readonly changed: boolean;
}

export interface LeftOutMember {
  readonly ownerName: DomainName;
  readonly why: string;
}

const ADDRESS_TYPES = [RRType.A, RRType.AAAA];
const TYPES_OF = { A: [RRType.A], AAAA: [RRType.AAAA] } as const;

export class UpdateHost {
  readonly #updates: UpdateAddresses;
  readonly #gate: HostGate;

  constructor(updates: UpdateAddresses, gate: HostGate) {
    this.#updates = updates;
    this.#gate = gate;
  }

  /**
   * Checks everything, then changes the addresses of one name.
   * @throws AppError not-permitted, host-disabled, and what `choose` and UpdateAddresses.run throw
   */
  run(update: HostUpdate, context: RequestContext): Promise<HostUpdated> {
    return this.#gate.run(update.ownerName, context, async () => {
      const { request, choice, leftOut } = await this.#prepared(update, context);
      const result = await this.#updates.run(request);
      if (choice.isDryRun) return { result, choice, leftOut, changed: false };
      this.#succeeded(result, context);
      for (const { ownerName, why } of leftOut) this.#gate.leftOut(ownerName, context, why);
      return { result, choice, leftOut, changed: result.changed };
    });
  }

  /**
   * Throws what `run` would before it asks the primary: for a request of several hosts that changes all of them or none.
   * A refusal is counted and recorded like one of `run`.
   */
  async check(update: HostUpdate, context: RequestContext): Promise<void> {
    try {
      this.#updates.check((await this.#prepared(update, context)).request);
    } catch (error) {
      await this.#gate.run(update.ownerName, context, () => Promise.reject(error));
    }
  }

  /** Everything that is to be known before the primary is asked. @throws AppError */
  async #prepared(update: HostUpdate, context: RequestContext) {
    const { ownerName } = update;
    authorizeName(context.principal, ownerName, ADDRESS_TYPES);
    const found = this.#gate.settings(ownerName);
    const settings = found instanceof Promise ? await found : found;
    const choice = chosen(update, context.principal);
    const request = this.#checked(update, choice, settings, context);
    if (!hasMembers(settings) || choice.prefix === undefined) return { request, choice, leftOut: [] };
    return { choice, ...(await this.#site(request, choice.prefix, settings)) };
  }

  /**
   * The request with the members of the host in it, where it names a prefix. A member that cannot go there stays as it is.
   * @throws AppError address-refused, store-unreachable
   */
  async #site(request: UpdateRequest, prefix: IpPrefix, { members, ownerName: host }: HostSettings) {
    const { zone, fallbackTtl, checkMoved } = request;
    const leftOut: LeftOutMember[] = [];
    const moves: MemberMove[] = [];
    let wanted = request.wanted;
    for (const member of members) {
      const { ownerName, subnet } = member;
      const leaveOut = (why: string) => void leftOut.push({ ownerName, why: `member of ${host}: ${why}` });
      const isHost = ownerName.equals(request.ownerName);
      const settings = isHost ? undefined : await this.#gate.anySettings(ownerName);
      const address = memberAddress(prefix, member);
      if (address === undefined) leaveOut(`a /${prefix.length} has no room for its subnet ${subnet}`);
      else if (settings?.enabled === false) leaveOut('its updates are switched off');
      else if (!ownerName.isAtOrBelow(zone.apex)) leaveOut(`it is not in the zone ${zone.apex}`);
      else if (isForbidden(zone, ownerName)) leaveOut('its zone does not let it be changed');
      else {
        checkMoved?.(address);
        if (settings !== undefined && hasRules(settings)) checkAddress(joined(settings, zone), address);
        if (isHost && request.prefix !== undefined) wanted = { AAAA: address, ...wanted };
        else if (isHost) continue;
        else moves.push({ ownerName, address, ttl: chooseTtl(zone, undefined, fallbackTtl, settings?.ttl) });
      }
    }
    return { request: { ...request, wanted, members: moves }, leftOut };
  }

  /** The request with the host's settings in it. @throws AppError */
  #checked(
    { zone, ownerName, fallbackTtl }: HostUpdate,
    choice: AddressChoice,
    settings: HostSettings | undefined,
    context: RequestContext,
  ): UpdateRequest {
    const { principal, caller } = context;
    const ofToken = principal.kind === 'token' ? principal.token : undefined;
    const addresses = settings === undefined || !hasRules(settings) ? zone.addresses : joined(settings, zone);
    for (const family of FAMILIES) {
      const address = choice.wanted[family];
      if (!address) continue;
      if (ofToken !== undefined) checkTokenAddress(ofToken, address, caller);
      if (addresses !== zone.addresses) checkAddress(addresses, address);
    }
    const changeRefused = this.#gate.changeRefused(context);
    return {
      // The host's rules were looked at together with the zone's.
      zone: addresses === zone.addresses ? zone : { ...zone, addresses },
      ownerName,
      fallbackTtl,
      wanted: choice.wanted,
      ...(choice.prefix !== undefined && choice.ownStays !== true && { prefix: choice.prefix }),
      ...(choice.ttl !== undefined && { ttl: choice.ttl }),
      ...(choice.isDryRun && { isDryRun: true }),
      ...(ofToken === undefined || choice.prefix === undefined
        ? {}
        : { checkMoved: (address) => checkTokenAddress(ofToken, address, caller) }),
      ...(settings?.ttl === undefined ? {} : { hostTtl: settings.ttl }),
      ...(changeRefused === undefined ? {} : { changeRefused }),
    };
  }

  #succeeded({ ownerName, A, AAAA, changed, members }: AddressUpdate, context: RequestContext): void {
    if (changed) this.#gate.countChange(context);
    if (A.changed || AAAA.changed) this.#gate.changed(ownerName, context, { A: stepOf(A), AAAA: stepOf(AAAA) });
    // What the operator types says nothing of the client.
    else if (changed || context.protocol !== 'cli') this.#gate.unchanged(ownerName);
    for (const member of members) {
      if (!member.AAAA.changed) this.#gate.unchanged(member.ownerName);
      else {
        this.#gate.changed(member.ownerName, context, {
          AAAA: stepOf(member.AAAA),
          detail: `member of ${ownerName}`,
        });
      }
    }
  }
}

function stepOf({ before, after }: FamilyPlan): AddressStep {
  return { before, after };
}

function isForbidden(zone: Zone, ownerName: DomainName): boolean {
  try {
    checkOwnerName(zone, ownerName);
    return false;
  } catch (error) {
    if (error instanceof AppError) return true;
    throw error;
  }
}

function hasMembers(settings: HostSettings | undefined): settings is HostSettings {
  return settings !== undefined && settings.members.length > 0;
}

/** @throws AppError not-permitted, and what `choose` throws */
function chosen({ ownerName, choose }: HostUpdate, principal: RequestContext['principal']): AddressChoice {
  const choice = choose();
  for (const family of FAMILIES) {
    const moves = family === 'AAAA' && choice.prefix !== undefined;
    if (moves || choice.wanted[family] !== undefined) authorizeName(principal, ownerName, TYPES_OF[family]);
  }
  return choice;
}

function hasRules({ addresses }: HostSettings): boolean {
  return addresses.allow.length > 0 || addresses.deny.length > 0;
}

/** Host and zone together: the longest prefix of either decides. */
function joined({ addresses }: HostSettings, zone: Zone): Zone['addresses'] {
  return {
    allow: [...addresses.allow, ...zone.addresses.allow],
    deny: [...addresses.deny, ...zone.addresses.deny],
  };
}
