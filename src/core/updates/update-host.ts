/**
 * The use-case behind every protocol for addresses: settings and limits of the host, the checks (prepare-update.ts), the
 * change in the order of its names (update-queue.ts, update-addresses.ts), and its event in the history.
 *
 * Events are recorded before the next task of the name starts: a lease that ends right after an update sees it.
 */
import type { DomainName } from '../../dns/name.ts';
import type { PermittedHost } from '../access/authorize.ts';
import type { RequestContext } from '../access/request-context.ts';
import type { AppError } from '../errors.ts';
import type { AddressStep } from '../history/history.ts';
import type { HostSettings } from '../hosts/host.ts';
import { impliedPrefix, isOutsideOfLan } from '../hosts/site.ts';
import { type FamilyPlan, NO_ADDRESSES } from '../zones/plan-change.ts';
import type { Zone } from '../zones/zone.ts';
import {
  type AddressChoice,
  addMembers,
  addOwnAddress,
  type CheckedUpdate,
  type LeftOutMember,
  prepareUpdate,
} from './prepare-update.ts';
import { type AddressUpdate, namesOf, type UpdateAddresses } from './update-addresses.ts';
import type { UpdateRecord } from './update-record.ts';

export interface HostUpdate extends PermittedHost {
  /** Seconds. */
  readonly fallbackTtl: number;
  /** Reads the request. Called when it is known that the host is enabled. @throws AppError */
  readonly choose: (zone: Zone) => AddressChoice;
}

export interface HostUpdated {
  readonly result: AddressUpdate;
  /** What the client wants. */
  readonly choice: AddressChoice;
  /** Members of the host that stay as they are although the prefix is another one. */
  readonly leftOut: readonly LeftOutMember[];
  /** False for a dry run. */
  readonly changed: boolean;
}

export class UpdateHost {
  readonly #updates: UpdateAddresses;
  readonly #record: UpdateRecord;

  constructor(updates: UpdateAddresses, record: UpdateRecord) {
    this.#updates = updates;
    this.#record = record;
  }

  /**
   * Checks everything, then changes the addresses of one name.
   * @throws AppError what `check` and `publish` throw
   */
  async run(update: HostUpdate, context: RequestContext): Promise<HostUpdated> {
    return this.publish(await this.check(update, context), context);
  }

  /**
   * Checks everything that can be checked without the primary. A failure is counted and recorded.
   * @throws AppError not-permitted, host-disabled, what `choose` and `prepareUpdate` throw, store-unreachable
   */
  async check(update: HostUpdate, context: RequestContext): Promise<CheckedUpdate> {
    const { zone, ownerName, fallbackTtl } = update;
    try {
      const found = this.#record.settings(ownerName, context, zone);
      const settings = found instanceof Promise ? await found : found;
      const choice = update.choose(zone);
      const policies = settings === undefined ? [zone.addresses] : [zone.addresses, settings.addresses];
      const checked = prepareUpdate(update, context, choice, { policies, hostTtl: settings?.ttl, fallbackTtl });
      if (settings === undefined) return checked;
      if (choice.prefix === undefined && settings.prefixLength === undefined) return checked;
      return await this.#addSite(checked, settings, context, fallbackTtl);
    } catch (error) {
      this.#record.failed(ownerName, context, error);
      throw error;
    }
  }

  /**
   * Publishes a checked update in the order of its names. What happens is counted and recorded.
   * @throws AppError rate-limited, and what UpdateAddresses.publish throws; not synchronously
   */
  publish(update: CheckedUpdate, context: RequestContext): Promise<HostUpdated> {
    const changeRefused = this.#record.changeRefused(context);
    try {
      return this.#updates.queue.run(namesOf(update), (deadlineMs) =>
        this.#publishInOrder(update, context, deadlineMs, changeRefused),
      );
    } catch (error) {
      this.#record.failed(update.ownerName, context, error);
      return Promise.reject(error);
    }
  }

  /**
   * Publishes checked updates of one request: those of one zone as one change, all of them or none; if the zone refuses it,
   * each alone. What happens is counted and recorded for each. Updates of one name keep their order.
   * @returns in their order. Never rejects
   */
  async publishAll(
    updates: readonly CheckedUpdate[],
    context: RequestContext,
  ): Promise<readonly PromiseSettledResult<HostUpdated>[]> {
    const groups = groupsOf(updates);
    // All groups join the queue before the first one is published.
    const published = groups.map(async (group): Promise<readonly PromiseSettledResult<HostUpdated>[]> => {
      const [only, ...others] = group;
      if (others.length === 0) return Promise.allSettled([this.publish(only, context)]);
      const changeRefused = this.#record.changeRefused(context);
      try {
        return await this.#updates.queue.run(group.flatMap(namesOf), (deadlineMs) =>
          this.#publishAllInOrder(group, context, deadlineMs, changeRefused),
        );
      } catch (error) {
        for (const { ownerName } of group) this.#record.failed(ownerName, context, error);
        return group.map(() => ({ status: 'rejected', reason: error }));
      }
    });
    const results = new Map<CheckedUpdate, PromiseSettledResult<HostUpdated>>();
    for (const [at, group] of groups.entries()) {
      const settled = await published[at]!;
      for (const [index, update] of group.entries()) results.set(update, settled[index]!);
    }
    return updates.map((update) => results.get(update)!);
  }

  async #publishAllInOrder(
    updates: readonly CheckedUpdate[],
    context: RequestContext,
    deadlineMs: number,
    changeRefused: AppError | undefined,
  ): Promise<readonly PromiseSettledResult<HostUpdated>[]> {
    const settled = await this.#updates.publishAll(updates, deadlineMs, changeRefused);
    return settled.map((one, index) => {
      const update = updates[index]!;
      if (one.status === 'fulfilled')
        return { status: 'fulfilled', value: this.#succeeded(update, one.value, context) };
      this.#record.failed(update.ownerName, context, one.reason);
      return one;
    });
  }

  async #publishInOrder(
    update: CheckedUpdate,
    context: RequestContext,
    deadlineMs: number,
    changeRefused: AppError | undefined,
  ): Promise<HostUpdated> {
    let result: AddressUpdate;
    try {
      result = await this.#updates.publish(update, deadlineMs, changeRefused);
    } catch (error) {
      this.#record.failed(update.ownerName, context, error);
      throw error;
    }
    return this.#succeeded(update, result, context);
  }

  #succeeded({ choice, leftOut }: CheckedUpdate, result: AddressUpdate, context: RequestContext): HostUpdated {
    const changed = result.changed && choice.isDryRun !== true;
    this.#record.succeeded(context, changed);
    if (choice.isDryRun !== true) this.#recordResult(result, leftOut, context);
    return { result, choice, leftOut, changed };
  }

  /**
   * The update with what its prefix means for the host and for its members.
   * @throws AppError address-refused, store-unreachable
   */
  async #addSite(
    update: CheckedUpdate,
    settings: HostSettings,
    { userAgent }: RequestContext,
    fallbackTtl: number,
  ): Promise<CheckedUpdate> {
    const { choice, wanted } = update;
    const { members, interfaceId, prefixLength } = settings;
    let prefix = choice.prefix;
    const isImplied = prefix === undefined && prefixLength !== undefined && (wanted.AAAA ?? NO_ADDRESSES).length > 0;
    if (isImplied) {
      if (isOutsideOfLan(userAgent)) return update;
      prefix = impliedPrefix(wanted.AAAA ?? NO_ADDRESSES, prefixLength);
    } else if (prefix === undefined) return update;
    const withMembers =
      members.length === 0
        ? update
        : addMembers(update, prefix, settings, await this.#settingsOfMembers(settings), fallbackTtl);
    return interfaceId === undefined ? withMembers : addOwnAddress(withMembers, interfaceId);
  }

  /** Without those of the host itself, which is enabled. @throws AppError store-unreachable */
  async #settingsOfMembers({ ownerName: host, members }: HostSettings): Promise<Map<string, HostSettings | undefined>> {
    const settings = new Map<string, HostSettings | undefined>();
    for (const { ownerName } of members) {
      if (!ownerName.equals(host)) settings.set(ownerName.key, await this.#record.anySettings(ownerName));
    }
    return settings;
  }

  #recordResult(
    { ownerName, A, AAAA, members }: AddressUpdate,
    leftOut: readonly LeftOutMember[],
    context: RequestContext,
  ): void {
    const record = this.#record;
    if (A.changed || AAAA.changed) record.changed(ownerName, context, { A: stepOf(A), AAAA: stepOf(AAAA) });
    else record.unchanged(ownerName, context);
    for (const member of members) {
      if (member.AAAA.changed) record.changed(member.ownerName, context, memberFacts(member.AAAA, ownerName));
      else record.unchanged(member.ownerName, context);
    }
    for (const member of leftOut) record.leftOut(member.ownerName, context, member.why);
  }
}

function memberFacts(plan: FamilyPlan, host: DomainName) {
  return { AAAA: stepOf(plan), detail: `member of ${host}` };
}

export function stepOf({ before, after }: FamilyPlan): AddressStep {
  return { before, after };
}

/** Names that one change has at most, so that it fits into one UPDATE message; a single update may have more. */
const MAX_NAMES = 200;

type UpdateGroup = [CheckedUpdate, ...CheckedUpdate[]];

/** Updates that can be one change: of one zone, of different names. A group comes behind the earlier ones with a name of it. */
function groupsOf(updates: readonly CheckedUpdate[]): readonly UpdateGroup[] {
  const groups: UpdateGroup[] = [];
  /** The last group of each zone, with its names. */
  const last = new Map<string, { readonly group: UpdateGroup; readonly names: Set<string> }>();
  for (const update of updates) {
    const zone = `${update.zone.apex.key} ${update.choice.isDryRun === true}`;
    const keys = namesOf(update).map(({ key }) => key);
    const open = last.get(zone);
    if (open !== undefined && open.names.size + keys.length <= MAX_NAMES && !keys.some((key) => open.names.has(key))) {
      open.group.push(update);
      for (const key of keys) open.names.add(key);
      continue;
    }
    const group: UpdateGroup = [update];
    groups.push(group);
    last.set(zone, { group, names: new Set(keys) });
  }
  return groups;
}
