/**
 * The use-case behind every door for addresses: may this credential do it, do the host's settings and the limits let it;
 * then the change itself (update-addresses.ts), and its event in the history.
 */
import { type IpAddress, type IpPrefix, parseIpAddress } from '../dns/address.ts';
import type { DomainName } from '../dns/name.ts';
import { RRType } from '../dns/rdata.ts';
import { authorizeName } from './authorize.ts';
import type { HostSettings } from './host.ts';
import type { HostGate } from './host-gate.ts';
import { FAMILIES, type WantedAddresses } from './plan-change.ts';
import { checkAddress } from './policy.ts';
import type { RequestContext } from './request-context.ts';
import { checkTokenAddress } from './token.ts';
import type { AddressUpdate, UpdateAddresses, UpdateRequest } from './update-addresses.ts';
import type { Zone } from './zone.ts';

/** What a client wants of the addresses of one name. */
export interface AddressChoice {
  readonly wanted: WantedAddresses;
  /** See UpdateRequest. */
  readonly prefix?: IpPrefix;
  /** Seconds; absent: what host, zone or protocol have. */
  readonly ttl?: number;
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
  readonly changed: boolean;
}

const ADDRESS_TYPES = [RRType.A, RRType.AAAA];

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
    const { ownerName } = update;
    const { principal } = context;
    return this.#gate.run(ownerName, context, async () => {
      authorizeName(principal, ownerName, ADDRESS_TYPES);
      const found = this.#gate.settings(ownerName);
      const settings = found instanceof Promise ? await found : found;
      const choice = chosen(update, principal);
      const result = await this.#updates.run(this.#checked(update, choice, settings, context));
      this.#succeeded(result, context);
      return { result, choice, changed: result.changed };
    });
  }

  /**
   * Throws what `run` would before it asks the primary: for a request of several hosts that changes all of them or none.
   * A refusal is counted and recorded like one of `run`.
   */
  async check(update: HostUpdate, context: RequestContext): Promise<void> {
    const { ownerName } = update;
    try {
      authorizeName(context.principal, ownerName, ADDRESS_TYPES);
      const settings = await this.#gate.settings(ownerName);
      this.#updates.check(this.#checked(update, chosen(update, context.principal), settings, context));
    } catch (error) {
      await this.#gate.run(ownerName, context, () => Promise.reject(error));
    }
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
      const text = choice.wanted[family];
      if (!text) continue;
      const address = parseIpAddress(text) as IpAddress;
      if (ofToken !== undefined) checkTokenAddress(ofToken, address, caller);
      if (addresses !== zone.addresses) checkAddress(addresses, address);
    }
    const changeRefused = this.#gate.changeRefused(context);
    return {
      // The host's rules were looked at together with the zone's.
      zone: addresses === zone.addresses ? zone : { ...zone, addresses },
      ownerName,
      fallbackTtl,
      ...choice,
      ...(ofToken === undefined || choice.prefix === undefined
        ? {}
        : { checkMoved: (address) => checkTokenAddress(ofToken, address, caller) }),
      ...(settings?.ttl === undefined ? {} : { hostTtl: settings.ttl }),
      ...(changeRefused === undefined ? {} : { changeRefused }),
    };
  }

  #succeeded({ ownerName, A, AAAA, changed }: AddressUpdate, context: RequestContext): void {
    if (!changed) {
      this.#gate.unchanged(ownerName);
      return;
    }
    this.#gate.countChange(context);
    this.#gate.changed(ownerName, context, {
      A: { before: A.before, after: A.after },
      AAAA: { before: AAAA.before, after: AAAA.after },
    });
  }
}

/** @throws AppError not-permitted, and what `choose` throws */
function chosen({ ownerName, choose }: HostUpdate, principal: RequestContext['principal']): AddressChoice {
  const choice = choose();
  for (const family of FAMILIES) {
    const moves = family === 'AAAA' && choice.prefix !== undefined;
    if (moves || choice.wanted[family] !== undefined) authorizeName(principal, ownerName, [RRType[family]]);
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
