/**
 * Administration of the settings of hosts: their members, owners and shares. Those of the configuration file are shown with the
 * others and changed only there. Each change is made on the settings that were read, so that a concurrent one is not lost.
 */
import { parseIpAddress } from '../../dns/address.ts';
import type { DomainName } from '../../dns/name.ts';
import { formatRRType } from '../../dns/rdata.ts';
import { tokenCovers } from '../access/token.ts';
import { AppError, invalidField, PreconditionFailed } from '../errors.ts';
import { defaultHostSettings, type HostMember, type HostSettings } from '../hosts/host.ts';
import { accessOf } from '../hosts/host-access.ts';
import type { HostGrant } from '../hosts/host-store.ts';
import type { HostAccess, HostShare } from '../users/user.ts';
import { checkAddress } from '../zones/address-policy.ts';
import type { ReadOutcome } from '../zones/publisher.ts';
import {
  type AdminOptions,
  type AdminZone,
  ownerForNew,
  requireStore,
  requireUser,
  requireZone,
} from './admin-options.ts';
import { type AdminCaller, asMember, type CallContext, type Member } from './caller.ts';
import { readCursor, readCursorName, writeCursor } from './cursor.ts';
import { unknownHost } from './dispatch.ts';
import { type HostDetails, type HostView, MAX_MEMBERS } from './host-operations.ts';
import { checkMember, checkSettings, refuseConfigured, taken, uniqueMembers } from './host-settings.ts';
import type { NormalInput } from './operations.ts';
import { readTokens } from './token-admin.ts';
import { hostView, listedState, pendingUpdateView, revisionOf } from './views.ts';

/** Absent: the default, or for `members` those that the host has. */
export type NewHost = Pick<HostSettings, 'ownerName' | 'addresses'> & Partial<HostSettings>;

/** The fields that change; `null` and 0 remove one. */
export interface HostChange {
  readonly settings: (before: HostSettings) => HostSettings;
  /** The name of the new owner; null: the operator. */
  readonly owner?: string | null | undefined;
}

type Request = Pick<CallContext, 'caller' | 'ifMatch'>;

/** Attempts of a change that others overtake. */
const ATTEMPTS = 5;

export class HostAdmin {
  readonly #options: AdminOptions;

  constructor(options: AdminOptions) {
    this.#options = options;
  }

  /**
   * Stores the settings of a host. A member takes the name by it.
   * @param owner the name of a user; undefined: the operator, or the member who asks
   * @param replace also if it has settings
   * @throws AppError name-invalid (in no zone), conflict (it has settings), not-permitted, quota-exceeded, store-unreachable; InputError
   */
  async addHost(wanted: NewHost, owner: string | undefined, replace: boolean, request: Request): Promise<HostView> {
    const { ownerName } = wanted;
    const { caller } = request;
    refuseConfigured(this.#options, ownerName);
    const member = asMember(caller);
    const user = await ownerForNew(this.#options, owner, member);
    return this.#change(ownerName, request, async (before) => {
      if (before !== undefined && !replace) {
        if (member !== undefined && accessOf(before, member.user.id) !== 'own') throw taken(ownerName);
        throw new AppError('conflict', `The host '${ownerName}' has settings already; --replace replaces them.`);
      }
      if (member !== undefined && before === undefined) await this.#options.claim(member.user, ownerName);
      if (member !== undefined && before !== undefined && before.ownerId !== member.user.id) throw taken(ownerName);
      const members = uniqueMembers(wanted.members ?? before?.members ?? []);
      const ownerId = user?.id ?? before?.ownerId;
      const { shares } = before ?? {};
      return {
        ...defaultHostSettings(ownerName),
        ...wanted,
        members,
        ...(ownerId !== undefined && { ownerId }),
        ...(shares && { shares }),
      };
    });
  }

  /** Replaces all settings but owner and shares. @throws as `addHost` */
  replaceHost(wanted: NewHost, request: Request): Promise<HostView> {
    return this.#change(wanted.ownerName, request, (before) => {
      const { ownerId, shares } = before ?? {};
      return {
        ...defaultHostSettings(wanted.ownerName),
        ...wanted,
        members: uniqueMembers(wanted.members ?? []),
        ...(ownerId !== undefined && { ownerId }),
        ...(shares && { shares }),
      };
    });
  }

  /** @throws as `addHost` */
  async changeHost(ownerName: DomainName, { settings, owner }: HostChange, request: Request): Promise<HostView> {
    if (owner !== undefined && asMember(request.caller) !== undefined) {
      throw invalidField('/owner', "'owner' is changed by admins alone.");
    }
    const user = typeof owner === 'string' ? await requireUser(this.#options, owner, '/owner') : undefined;
    return this.#change(ownerName, request, (before) => {
      const { ownerId: _, ...changed } = settings(before ?? defaultHostSettings(ownerName));
      const ownerId = owner === undefined ? before?.ownerId : user?.id;
      const shares = changed.shares?.filter(({ userId }) => userId !== ownerId);
      return withShares({ ...changed, ...(ownerId !== undefined && { ownerId }) }, shares);
    });
  }

  /**
   * Makes a name a member of a host, or changes its address below the prefix.
   * @throws AppError name-invalid (in no zone), conflict, store-unreachable; InputError (not in the zone of the host)
   */
  addMember(ownerName: DomainName, member: HostMember, request: Request): Promise<HostView> {
    checkMember(this.#options, ownerName, member);
    return this.#change(ownerName, request, (before = defaultHostSettings(ownerName)) => {
      const members = uniqueMembers([...before.members, member]);
      if (members.length > MAX_MEMBERS) throw new AppError('conflict', `A host has at most ${MAX_MEMBERS} members.`);
      return { ...before, members };
    });
  }

  /** Its records stay. @throws AppError name-invalid (not a member), conflict, store-unreachable */
  removeMember(ownerName: DomainName, member: DomainName, request: Request): Promise<HostView> {
    return this.#change(ownerName, request, (before) => {
      const members = before?.members.filter((other) => !other.ownerName.equals(member)) ?? [];
      if (before === undefined || members.length === before.members.length) {
        throw new AppError('name-invalid', `'${member}' is not a member of '${ownerName}'.`);
      }
      return { ...before, members };
    });
  }

  /** @param access undefined: the share ends @throws AppError name-invalid (no such share), conflict, store-unreachable; InputError */
  async shareHost(
    ownerName: DomainName,
    userName: string,
    access: HostShare['access'] | undefined,
    request: Request,
  ): Promise<HostView> {
    const user = await requireUser(this.#options, userName, '/user');
    return this.#change(ownerName, request, (before = defaultHostSettings(ownerName)) => {
      if (before.ownerId === user.id) throw invalidField('/user', `'${userName}' is the owner of '${ownerName}'.`);
      const others = (before.shares ?? []).filter(({ userId }) => userId !== user.id);
      if (access === undefined && others.length === (before.shares?.length ?? 0)) {
        throw new AppError('name-invalid', `'${ownerName}' is not shared with '${userName}'.`);
      }
      if (others.length >= MAX_SHARES) throw new AppError('conflict', `A host has at most ${MAX_SHARES} shares.`);
      return withShares(before, access === undefined ? others : [...others, { userId: user.id, access }]);
    });
  }

  /** The hosts that a user owns or that are shared with the user. @throws AppError store-unreachable */
  async grantsOf(userId: string): Promise<readonly HostGrant[]> {
    return (await this.#options.store?.hosts.hostsOf(userId)) ?? [];
  }

  /** What a user may do with a host; undefined: nothing. @throws AppError store-unreachable */
  async accessOf(userId: string, ownerName: DomainName): Promise<HostAccess | undefined> {
    const { store, hosts } = this.#options;
    if (hosts.some((settings) => settings.ownerName.equals(ownerName))) return undefined;
    return accessOf(await store?.hosts.get(ownerName), userId);
  }

  /** @throws AppError name-invalid, store-unreachable */
  async host(ownerName: DomainName, caller: AdminCaller): Promise<HostView> {
    requireZone(this.#options, ownerName);
    return this.#hostView(ownerName, caller);
  }

  /** @throws AppError name-invalid, conflict (it is in the configuration file), store-unreachable */
  enableHost(ownerName: DomainName, enabled: boolean, request: Request): Promise<HostView> {
    return this.#change(ownerName, request, (before = defaultHostSettings(ownerName)) => ({ ...before, enabled }));
  }

  /** Its records, history and tokens stay. @throws AppError name-invalid, conflict, store-unreachable */
  async removeHost(ownerName: DomainName, { caller, ifMatch }: Request): Promise<HostView> {
    refuseConfigured(this.#options, ownerName);
    const { hosts } = requireStore(this.#options);
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      const before = await hosts.get(ownerName);
      checkMatch(before, ifMatch, ownerName);
      if (before === undefined)
        throw new AppError('name-invalid', `The host '${ownerName}' has no settings of its own.`);
      if ((await hosts.remove(ownerName, before)) === 'changed') continue;
      this.#options.directory?.changed(ownerName, undefined);
      return this.#hostView(ownerName, caller);
    }
    throw contended(ownerName);
  }

  /** Hosts with settings and those that were updated, by name. @throws AppError, InputError */
  async listHosts(
    { owner, search, limit, cursor }: NormalInput<'listHosts'>,
    caller: AdminCaller,
  ): Promise<{ readonly hosts: readonly HostView[]; readonly next?: string }> {
    await this.#options.flush?.();
    const most = limit ?? MAX_LISTED;
    const { store, hosts: configured } = this.#options;
    const member = asMember(caller);
    const place = readCursor(cursor, 1)?.[0];
    const after = place === undefined ? undefined : readCursorName(place);
    const user = owner === undefined ? undefined : await requireUser(this.#options, owner, '/owner');
    const userId = member?.user.id ?? user?.id;
    const access = user === undefined ? undefined : ('own' as const);
    // A member who asks for another's hosts: those are not there for this member.
    if (member !== undefined && user !== undefined && user.id !== member.user.id) return { hosts: [] };
    const page = await store?.hosts.page({ limit: most, after, userId, access, search });
    const listed = new Map((page?.hosts ?? []).map((host) => [host.ownerName.key, host]));
    const end = page?.next;
    if (userId === undefined) {
      const isOnPage = ({ ownerName }: HostSettings) =>
        (after === undefined || isBehind(ownerName, after)) &&
        (end === undefined || !isBehind(ownerName, end)) &&
        (search === undefined || ownerName.toString().toLowerCase().includes(search.toLowerCase()));
      for (const settings of configured.filter(isOnPage)) {
        const known = listed.get(settings.ownerName.key);
        listed.set(settings.ownerName.key, { ...known, ownerName: settings.ownerName, settings });
      }
    }
    const isConfigured = new Set(configured.map(({ ownerName }) => ownerName.key));
    const inOrder = [...listed.values()].sort((a, b) => (isBehind(a.ownerName, b.ownerName) ? 1 : -1));
    const names = await this.#userNames(inOrder.flatMap(({ settings }) => (settings === undefined ? [] : [settings])));
    const hosts = inOrder.map(({ ownerName, settings, activity }) => {
      const origin = isConfigured.has(ownerName.key) ? 'configuration' : settings === undefined ? 'none' : 'store';
      return hostView(ownerName, settings, origin, activity, { names, caller });
    });
    return { hosts, ...(end !== undefined && { next: writeCursor([end.toString()]) }) };
  }

  /** @throws AppError name-invalid, store-unreachable */
  async showHost(ownerName: DomainName, caller: AdminCaller): Promise<HostDetails> {
    requireZone(this.#options, ownerName);
    await this.#options.flush?.();
    const { store, now, read } = this.#options;
    const member = asMember(caller);
    const [view, pending, tokens, published] = await Promise.all([
      this.#hostView(ownerName, caller),
      store?.pending.list() ?? [],
      readTokens(this.#options),
      read(ownerName).then(describeRead, (error: unknown) => {
        if (error instanceof AppError) return { publishedProblem: error.message };
        throw error;
      }),
    ]);
    const covering = tokens.flatMap(({ token, origin }) => {
      if (member !== undefined && token.owner?.id !== member.user.id) return [];
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

  /** Reads the settings, makes the change and stores it; again, if others changed them meanwhile. */
  async #change(
    ownerName: DomainName,
    { caller, ifMatch }: Request,
    change: (before: HostSettings | undefined) => HostSettings | Promise<HostSettings>,
  ): Promise<HostView> {
    refuseConfigured(this.#options, ownerName);
    requireZone(this.#options, ownerName);
    const { hosts } = requireStore(this.#options);
    const member = asMember(caller);
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      const before = await hosts.get(ownerName);
      checkMatch(before, ifMatch, ownerName);
      const settings = await change(before);
      checkSettings(this.#options, settings);
      if (member !== undefined) await this.#checkOfMember(member, settings, before);
      const outcome = await hosts.put(settings, {
        expected: before ?? null,
        ...(await this.#quotaFor(settings, before)),
      });
      if (outcome === 'quota') throw await this.#quotaExceeded(settings);
      if (outcome === 'owner-unknown') throw invalidField('/owner', 'The user was removed meanwhile.');
      if (outcome === 'changed') continue;
      this.#options.directory?.changed(ownerName, settings);
      return this.#hostView(ownerName, caller);
    }
    throw contended(ownerName);
  }

  /** What a member may not set: what opens what the zone denies, and the addresses of others' hosts. */
  async #checkOfMember({ user }: Member, settings: HostSettings, before: HostSettings | undefined): Promise<void> {
    const { addresses, members } = settings;
    const allowed = new Set(before?.addresses.allow ?? []);
    if (addresses.allow.some((prefix) => !allowed.has(prefix)) && addresses.allow.length > 0) {
      throw invalidField('/allow', "'allow' is set by admins alone: it could open what the zone denies.");
    }
    checkFallback(requireZone(this.#options, settings.ownerName), settings, before);
    const known = new Set(before?.members.map(({ ownerName }) => ownerName.key));
    const added = members.filter(({ ownerName }) => !known.has(ownerName.key) && !ownerName.equals(settings.ownerName));
    for (const { ownerName } of added) {
      const other = await requireStore(this.#options).hosts.get(ownerName);
      if (accessOf(other, user.id) !== 'own') throw unknownHost(ownerName);
    }
  }

  async #quotaFor(
    { ownerId }: HostSettings,
    before: HostSettings | undefined,
  ): Promise<{ readonly maxOwned?: number }> {
    if (ownerId === undefined || ownerId === before?.ownerId) return {};
    const user = (await requireStore(this.#options).users.byId([ownerId])).get(ownerId);
    if (user === undefined || user.role === 'admin' || user.quotas.hosts === 0) return {};
    return { maxOwned: user.quotas.hosts };
  }

  async #quotaExceeded({ ownerId }: HostSettings): Promise<AppError> {
    const user = (await requireStore(this.#options).users.byId([ownerId!])).get(ownerId!);
    const most = user?.quotas.hosts;
    return new AppError(
      'quota-exceeded',
      `The user '${user?.name}' has ${most} hosts, which is the quota. An admin can raise it.`,
    );
  }

  async #hostView(ownerName: DomainName, caller: AdminCaller): Promise<HostView> {
    const { store, hosts } = this.#options;
    const configured = hosts.find((settings) => settings.ownerName.equals(ownerName));
    const settings = configured ?? (await store?.hosts.get(ownerName));
    const origin = configured !== undefined ? 'configuration' : settings !== undefined ? 'store' : 'none';
    const names = await this.#userNames(settings === undefined ? [] : [settings]);
    return hostView(ownerName, settings, origin, await store?.history.activity(ownerName), { names, caller });
  }

  /** By id, of owners and of users with a share. */
  async #userNames(settings: readonly HostSettings[]): Promise<ReadonlyMap<string, string>> {
    const ids = settings.flatMap(({ ownerId, shares = [] }) => [
      ...(ownerId === undefined ? [] : [ownerId]),
      ...shares.map(({ userId }) => userId),
    ]);
    if (ids.length === 0) return NO_NAMES;
    const users = await requireStore(this.#options).users.byId([...new Set(ids)]);
    return new Map([...users].map(([id, { name }]) => [id, name]));
  }
}

/** Addresses of a fallback are published whatever the zone denies, so that a member's must comply with its rules. */
function checkFallback(zone: AdminZone, { addresses, fallback }: HostSettings, before: HostSettings | undefined): void {
  const policies = zone.addresses === undefined ? [addresses] : [zone.addresses, addresses];
  for (const [index, text] of fallback.entries()) {
    const address = parseIpAddress(text);
    if (address === undefined || before?.fallback.includes(text)) continue;
    try {
      checkAddress(policies, address);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      throw invalidField(`/fallback/${index}`, error.message);
    }
  }
}

const NO_NAMES: ReadonlyMap<string, string> = new Map();
const MAX_LISTED = 500;
const MAX_SHARES = 100;

function withShares(settings: HostSettings, shares: readonly HostShare[] | undefined): HostSettings {
  const { shares: _, ...others } = settings;
  return shares === undefined || shares.length === 0 ? others : { ...others, shares };
}

/** @throws PreconditionFailed */
function checkMatch(
  before: HostSettings | undefined,
  ifMatch: readonly string[] | undefined,
  ownerName: DomainName,
): void {
  if (ifMatch === undefined || ifMatch.includes(revisionOf(before))) return;
  throw new PreconditionFailed(`The settings of '${ownerName}' were changed since they were read. Read them again.`);
}

function contended(ownerName: DomainName): AppError {
  return new AppError('contended', `Others changed the settings of '${ownerName}' at the same time. Try again.`);
}

/** The order of pages: by the lower-case text, compared by code points. */
function isBehind(a: DomainName, b: DomainName): boolean {
  return a.toString().toLowerCase() > b.toString().toLowerCase();
}

function describeRead(outcome: ReadOutcome): Pick<HostDetails, 'published' | 'publishedProblem'> {
  if (outcome.kind === 'cname') return { publishedProblem: 'a CNAME is there' };
  if (outcome.kind === 'occluded') return { publishedProblem: `it lies below '${outcome.by}'` };
  const { A, AAAA } = outcome.published;
  return { published: { A: A.addresses, AAAA: AAAA.addresses } };
}
