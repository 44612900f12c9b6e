/**
 * Administration of the settings of hosts and their members. Those of the configuration file are shown with the others
 * and changed only there. Error texts are for the operator, who may see every name.
 */
import { DomainName } from '../../dns/name.ts';
import { formatRRType } from '../../dns/rdata.ts';
import { tokenCovers } from '../access/token.ts';
import { AppError } from '../errors.ts';
import { defaultHostSettings, type HostMember, type HostSettings } from '../hosts/host.ts';
import { MAX_ADDRESSES } from '../zones/family.ts';
import type { ReadOutcome } from '../zones/publisher.ts';
import { type AdminOptions, requireStore, requireZone } from './admin-options.ts';
import { type HostDetails, type HostView, MAX_MEMBERS } from './host-operations.ts';
import { readTokens } from './token-admin.ts';
import { hostView, listedState, pendingUpdateView } from './views.ts';

/** Absent: the default, or for `members` those that the host has. */
export type NewHost = Pick<HostSettings, 'ownerName' | 'addresses'> & Partial<HostSettings>;

export class HostAdmin {
  readonly #options: AdminOptions;

  constructor(options: AdminOptions) {
    this.#options = options;
  }

  /**
   * Stores the settings of a host.
   * @param replace also if it has settings
   * @throws AppError name-invalid (in no zone), request-malformed (a TTL that its zone refuses, a prefix allowed and
   *   denied, a fallback without a lease, a member of another zone), conflict (it has settings), store-unreachable
   */
  async addHost(wanted: NewHost, replace: boolean): Promise<HostView> {
    const { ownerName } = wanted;
    this.#refuseConfigured(ownerName);
    this.#checkSettings(wanted);
    for (const member of wanted.members ?? []) this.#checkMember(ownerName, member);
    const settings = await requireStore(this.#options).hosts.get(ownerName);
    if (!replace && settings !== undefined) {
      throw new AppError('conflict', `The host '${ownerName}' has settings already; --replace replaces them.`);
    }
    const members = uniqueMembers(wanted.members ?? settings?.members ?? []);
    return this.#put({ ...defaultHostSettings(ownerName), ...wanted, members });
  }

  /**
   * Makes a name a member of a host, or changes its address below the prefix.
   * @throws AppError name-invalid (in no zone), request-malformed (not in the zone of the host), conflict, store-unreachable
   */
  async addMember(ownerName: DomainName, member: HostMember): Promise<HostView> {
    this.#refuseConfigured(ownerName);
    this.#checkMember(ownerName, member);
    const settings = (await requireStore(this.#options).hosts.get(ownerName)) ?? defaultHostSettings(ownerName);
    const members = uniqueMembers([...settings.members, member]);
    if (members.length > MAX_MEMBERS) throw new AppError('conflict', `A host has at most ${MAX_MEMBERS} members.`);
    return this.#put({ ...settings, members });
  }

  /** Its records stay. @throws AppError name-invalid (not a member), conflict, store-unreachable */
  async removeMember(ownerName: DomainName, member: DomainName): Promise<HostView> {
    this.#refuseConfigured(ownerName);
    const settings = await requireStore(this.#options).hosts.get(ownerName);
    const members = settings?.members.filter((other) => !other.ownerName.equals(member)) ?? [];
    if (settings === undefined || members.length === settings.members.length) {
      throw new AppError('name-invalid', `'${member}' is not a member of '${ownerName}'.`);
    }
    return this.#put({ ...settings, members });
  }

  /** @throws AppError name-invalid, store-unreachable */
  async host(ownerName: DomainName): Promise<HostView> {
    requireZone(this.#options, ownerName);
    return this.#hostView(ownerName);
  }

  /** @throws AppError name-invalid, conflict (it is in the configuration file), store-unreachable */
  async enableHost(ownerName: DomainName, enabled: boolean): Promise<HostView> {
    this.#refuseConfigured(ownerName);
    requireZone(this.#options, ownerName);
    const settings = await requireStore(this.#options).hosts.get(ownerName);
    return this.#put({ ...(settings ?? defaultHostSettings(ownerName)), enabled });
  }

  /** Its records, history and tokens stay. @throws AppError name-invalid, conflict, store-unreachable */
  async removeHost(ownerName: DomainName): Promise<HostView> {
    this.#refuseConfigured(ownerName);
    if ((await requireStore(this.#options).hosts.remove(ownerName)) === 'unknown') {
      throw new AppError('name-invalid', `The host '${ownerName}' has no settings of its own.`);
    }
    this.#options.directory?.changed(ownerName, undefined);
    return this.#hostView(ownerName);
  }

  /** Hosts with settings and those that were updated, in canonical order (RFC 4034 §6.1). */
  async listHosts(): Promise<readonly HostView[]> {
    await this.#options.flush?.();
    const { store, hosts: configured } = this.#options;
    const stored = (await store?.hosts.list()) ?? [];
    const activities = (await store?.history.activities()) ?? [];
    const activityOf = new Map(activities.map((activity) => [activity.ownerName.key, activity]));
    const views = new Map<string, { readonly ownerName: DomainName; readonly view: HostView }>();
    const add = (ownerName: DomainName, settings: HostSettings | undefined, origin: HostView['origin']) => {
      if (views.has(ownerName.key)) return;
      views.set(ownerName.key, {
        ownerName,
        view: hostView(ownerName, settings, origin, activityOf.get(ownerName.key)),
      });
    };
    for (const settings of configured) add(settings.ownerName, settings, 'configuration');
    for (const settings of stored) add(settings.ownerName, settings, 'store');
    for (const { ownerName } of activities) add(ownerName, undefined, 'none');
    const inOrder = [...views.values()].sort((a, b) => DomainName.compare(a.ownerName, b.ownerName));
    return inOrder.map(({ view }) => view);
  }

  /** @throws AppError name-invalid, store-unreachable */
  async showHost(ownerName: DomainName): Promise<HostDetails> {
    requireZone(this.#options, ownerName);
    await this.#options.flush?.();
    const { store, now, read } = this.#options;
    const [view, pending, tokens, published] = await Promise.all([
      this.#hostView(ownerName),
      store?.pending.list() ?? [],
      readTokens(this.#options),
      read(ownerName).then(describeRead, (error: unknown) => {
        if (error instanceof AppError) return { publishedProblem: error.message };
        throw error;
      }),
    ]);
    const covering = tokens.flatMap(({ token, origin }) => {
      const types = token.types.filter((type) => tokenCovers(token, ownerName, type)).map(formatRRType);
      return types.length > 0 && listedState(token, now()) === 'valid' ? [{ name: token.name, origin, types }] : [];
    });
    return {
      ...view,
      ...published,
      pending: pending.filter((update) => update.ownerName.equals(ownerName)).map(pendingUpdateView),
      tokens: covering,
    };
  }

  async #put(settings: HostSettings): Promise<HostView> {
    await requireStore(this.#options).hosts.put(settings);
    this.#options.directory?.changed(settings.ownerName, settings);
    return this.#hostView(settings.ownerName);
  }

  async #hostView(ownerName: DomainName): Promise<HostView> {
    const { store, hosts } = this.#options;
    const configured = hosts.find((settings) => settings.ownerName.equals(ownerName));
    const settings = configured ?? (await store?.hosts.get(ownerName));
    const origin = configured !== undefined ? 'configuration' : settings !== undefined ? 'store' : 'none';
    return hostView(ownerName, settings, origin, await store?.history.activity(ownerName));
  }

  #checkMember(ownerName: DomainName, member: HostMember): void {
    const isInZone = requireZone(this.#options, ownerName) === requireZone(this.#options, member.ownerName);
    if (isInZone && !ownerName.isWildcard) return;
    const message = `'${member.ownerName}' must be in the zone of its host '${ownerName}': they change in one step.`;
    throw new AppError('request-malformed', message);
  }

  #checkSettings({ ownerName, ttl, addresses, leaseSeconds, fallback = [] }: NewHost): void {
    const zone = requireZone(this.#options, ownerName);
    const { min = 0, max = Number.POSITIVE_INFINITY } = zone.ttl;
    if (ttl !== undefined && (ttl < min || ttl > max)) {
      const limit = ttl < min ? `less than ttl.min (${min})` : `more than ttl.max (${max})`;
      throw new AppError('request-malformed', `The TTL ${ttl} is ${limit} of the zone '${zone.apex}'.`);
    }
    const { allow, deny } = hostView(ownerName, { ...defaultHostSettings(ownerName), addresses }, 'store', undefined);
    const both = deny.find((prefix) => allow.includes(prefix));
    if (both !== undefined) throw new AppError('request-malformed', `${both} cannot be allowed and denied at once.`);
    const isIpv6 = (text: string) => text.includes(':');
    if (
      fallback.filter(isIpv6).length > MAX_ADDRESSES ||
      fallback.filter((text) => !isIpv6(text)).length > MAX_ADDRESSES
    ) {
      const message = `A host has at most ${MAX_ADDRESSES} IPv4 and ${MAX_ADDRESSES} IPv6 addresses as fallback.`;
      throw new AppError('request-malformed', message);
    }
    if (fallback.length > 0 && leaseSeconds === undefined) {
      throw new AppError('request-malformed', 'A fallback needs a lease: it is published when the lease ends.');
    }
  }

  #refuseConfigured(ownerName: DomainName): void {
    if (!this.#options.hosts.some((settings) => settings.ownerName.equals(ownerName))) return;
    throw new AppError(
      'conflict',
      `The settings of '${ownerName}' are in the configuration file, which has precedence over the store. Change them there, and reload the configuration (SIGHUP).`,
    );
  }
}

/** Sorted; of two with one name the later one. */
function uniqueMembers(members: readonly HostMember[]): readonly HostMember[] {
  const byName = new Map(members.map((member) => [member.ownerName.key, member]));
  return [...byName.values()].sort((a, b) => DomainName.compare(a.ownerName, b.ownerName));
}

function describeRead(outcome: ReadOutcome): Pick<HostDetails, 'published' | 'publishedProblem'> {
  if (outcome.kind === 'cname') return { publishedProblem: 'a CNAME is there' };
  if (outcome.kind === 'occluded') return { publishedProblem: `it lies below '${outcome.by}'` };
  const { A, AAAA } = outcome.published;
  return { published: { A: A.addresses, AAAA: AAAA.addresses } };
}
