/**
 * Creates many tokens or hosts with their owners in one transaction: all of them, or none. Errors name the entry and the field.
 */
import type { HostToken } from '../access/token.ts';
import type { GivenHost, OwnedLimit } from '../customers.ts';
import { defaultHostSettings, type HostSettings } from '../hosts/host.ts';
import { ownerMayChange } from '../hosts/host-access.ts';
import { tokenOwner, type User } from '../users/user.ts';
import { type AdminOptions, requireStore, requireZone } from './admin-options.ts';
import { type BatchPlan, conflictError, EntryErrors, type Placed } from './batch-plan.ts';
import { OPERATOR_CALLER } from './caller.ts';
import type { NewHost } from './host-admin.ts';
import type { HostView } from './host-operations.ts';
import { checkSettings, uniqueMembers } from './host-settings.ts';
import { makeToken, type NewToken } from './token-admin.ts';
import type { NewTokenView } from './token-operations.ts';
import { makeUser } from './user-admin.ts';
import { hostView, newTokenView, tokenView } from './views.ts';

export interface BatchToken {
  readonly token: NewToken;
  /** The name of a user; undefined: the operator. */
  readonly owner: string | undefined;
}

export interface BatchHost {
  readonly host: NewHost;
  readonly owner: string | undefined;
}

/** While others change the hosts that are given. */
const ATTEMPTS = 5;

export class BatchAdmin {
  readonly #options: AdminOptions;

  constructor(options: AdminOptions) {
    this.#options = options;
  }

  /**
   * Creates tokens. The literal hosts of a token with an owner are given to that user, if they have no owner.
   * @param createOwners creates each owner who does not exist, as a member
   * @returns in the order of the items
   * @throws InputError with code request-malformed, conflict or quota-exceeded; AppError contended, store-unreachable
   */
  async createTokens(items: readonly BatchToken[], createOwners: boolean): Promise<NewTokenView[]> {
    const { now, random } = this.#options;
    const errors = new EntryErrors();
    const configured = new Set(this.#options.tokens.map(({ name }) => name));
    for (const [index, { token }] of items.entries()) {
      for (const [at, host] of token.hosts.entries()) {
        errors.within(`/tokens/${index}`, `/hosts/${at}`, () => void requireZone(this.#options, host));
      }
      if (configured.has(token.name)) {
        errors.add(`/tokens/${index}/name`, `The token '${token.name}' is in the configuration file.`);
      }
    }
    const owners = await this.#owners(
      items.map(({ owner }, index) => ({ item: owner, pointer: `/tokens/${index}/owner` })),
      createOwners,
      errors,
    );
    errors.throwIfAny();
    const made = items.map(({ token, owner }) => {
      const user = owner === undefined ? undefined : owners.byName.get(owner);
      const { token: made, secret } = makeToken(token, random, now());
      return { token: user === undefined ? made : { ...made, owner: tokenOwner(user) }, secret, user };
    });
    const tokens = made.map(({ token }, index) => ({ item: token, pointer: `/tokens/${index}/name` }));
    await this.#create(async () => {
      const { hosts, given } = await this.#hostsOf(made, errors);
      errors.throwIfAny();
      return { users: owners.created, hosts, given, tokens };
    }, owners.byName);
    return made.map(({ token, secret }, index) => {
      const view = tokenView(token, 'store', now());
      return newTokenView(view, token.sha256, secret, items[index]!.token.freednsUser);
    });
  }

  /** Stores the settings of hosts that have none. @throws as `createTokens` */
  async createHosts(items: readonly BatchHost[], createOwners: boolean): Promise<HostView[]> {
    const errors = new EntryErrors();
    const configured = new Set(this.#options.hosts.map(({ ownerName }) => ownerName.key));
    const owners = await this.#owners(
      items.map(({ owner }, index) => ({ item: owner, pointer: `/hosts/${index}/owner` })),
      createOwners,
      errors,
    );
    const hosts = items.map(({ host, owner }, index): Placed<HostSettings> => {
      const pointer = `/hosts/${index}`;
      const user = owner === undefined ? undefined : owners.byName.get(owner);
      const settings: HostSettings = {
        ...defaultHostSettings(host.ownerName),
        ...host,
        members: uniqueMembers(host.members ?? []),
        ...(user !== undefined && { ownerId: user.id }),
      };
      errors.within(pointer, '/host', () => checkSettings(this.#options, settings));
      if (configured.has(host.ownerName.key)) {
        errors.add(`${pointer}/host`, `The settings of '${host.ownerName}' are in the configuration file.`);
      }
      return { item: settings, pointer: `${pointer}/host` };
    });
    errors.throwIfAny();
    await this.#create(async () => ({ users: owners.created, hosts, given: [], tokens: [] }), owners.byName);
    const settings = hosts.map(({ item }) => item);
    const activities = await requireStore(this.#options).history.activitiesOf(
      settings.map(({ ownerName }) => ownerName),
    );
    const activityOf = new Map(activities.map((activity) => [activity.ownerName.key, activity]));
    const names = new Map([...owners.byName.values()].map(({ id, name }) => [id, name]));
    return settings.map((each) =>
      hostView(each.ownerName, each, 'store', activityOf.get(each.ownerName.key), { names, caller: OPERATOR_CALLER }),
    );
  }

  /** The owners by name, those that are to be created too. */
  async #owners(
    named: readonly Placed<string | undefined>[],
    createOwners: boolean,
    errors: EntryErrors,
  ): Promise<{ readonly byName: Map<string, User>; readonly created: readonly Placed<User>[] }> {
    const first = new Map<string, string>();
    for (const { item, pointer } of named) if (item !== undefined && !first.has(item)) first.set(item, pointer);
    const byName = new Map(await requireStore(this.#options).users.byName([...first.keys()]));
    const created: Placed<User>[] = [];
    for (const [name, pointer] of first) {
      if (byName.has(name)) continue;
      if (!createOwners) {
        errors.add(
          pointer,
          `There is no user '${name}'. With 'createOwners' each owner who does not exist is created.`,
        );
        continue;
      }
      errors.within('', pointer, () => {
        const user = makeUser({ name }, this.#options, pointer);
        byName.set(name, user);
        created.push({ item: user, pointer });
      });
    }
    return { byName, created };
  }

  /** What becomes of the hosts of tokens with an owner. */
  async #hostsOf(
    tokens: readonly { readonly token: HostToken; readonly user: User | undefined }[],
    errors: EntryErrors,
  ): Promise<Pick<BatchPlan, 'hosts' | 'given'>> {
    const configured = new Map(this.#options.hosts.map((settings) => [settings.ownerName.key, settings]));
    const wanted = tokens.flatMap(({ token, user }, index) =>
      user === undefined
        ? []
        : token.hosts.map((host, at) => ({ host, user, pointer: `/tokens/${index}/hosts/${at}` })),
    );
    for (const [index, { token, user }] of tokens.entries()) {
      if (user?.role === 'member' && token.register === true) {
        errors.add(`/tokens/${index}/register`, "'register' is for tokens of the operator and of admins.");
      }
    }
    const { hosts: store } = requireStore(this.#options);
    const literal = new Map(wanted.filter(({ host }) => !host.isWildcard).map(({ host }) => [host.key, host]));
    const stored = new Map(
      await Promise.all([...literal].map(async ([key, host]) => [key, await store.get(host)] as const)),
    );
    const hosts: Placed<HostSettings>[] = [];
    const given: Placed<GivenHost>[] = [];
    /** The settings after the change. */
    const after = new Map<string, HostSettings>();
    for (const { host, user, pointer } of wanted) {
      const owner = tokenOwner(user);
      if (host.isWildcard) {
        if (user.role === 'member') {
          errors.add(pointer, `'${host}' is a pattern: a token of a member has full names of hosts.`);
        }
        continue;
      }
      const before = stored.get(host.key);
      const current = configured.get(host.key) ?? after.get(host.key) ?? before;
      if (current?.ownerId === undefined && !configured.has(host.key)) {
        const { shares, ...settings } = current ?? defaultHostSettings(host);
        const others = shares?.filter(({ userId }) => userId !== user.id) ?? [];
        const owned = { ...settings, ...(others.length > 0 && { shares: others }), ownerId: user.id };
        after.set(host.key, owned);
        if (before === undefined) hosts.push({ item: owned, pointer });
        else given.push({ item: { before, after: owned }, pointer });
      } else if (!ownerMayChange(current, owner)) {
        errors.add(pointer, `The user '${user.name}' may not change '${host}': it belongs to someone else.`);
      }
    }
    return { hosts, given };
  }

  /** @param plan called again where hosts that are given were changed meanwhile */
  async #create(plan: () => Promise<BatchPlan>, owners: ReadonlyMap<string, User>): Promise<void> {
    const { directory } = this.#options;
    const { customers } = requireStore(this.#options);
    const limits = limitsOf(owners);
    for (let attempt = 1; ; attempt += 1) {
      const { users, hosts, given, tokens } = await plan();
      const { conflicts } = await customers.create({
        users: itemsOf(users),
        hosts: itemsOf(hosts),
        given: itemsOf(given),
        tokens: itemsOf(tokens),
        limits,
      });
      if (conflicts.length > 0) {
        const isOvertaken = conflicts.every(
          ({ kind, why }) => why === 'changed' || (kind === 'host' && why === 'exists'),
        );
        // Of tokens: their hosts are read again.
        if (isOvertaken && tokens.length > 0 && attempt < ATTEMPTS) continue;
        throw conflictError(conflicts, { users, hosts, given, tokens });
      }
      for (const settings of [...itemsOf(hosts), ...itemsOf(given).map(({ after }) => after)]) {
        directory?.changed(settings.ownerName, settings);
      }
      return;
    }
  }
}

function itemsOf<Item>(placed: readonly Placed<Item>[]): readonly Item[] {
  return placed.map(({ item }) => item);
}

/** Of members; an admin has none. */
function limitsOf(owners: ReadonlyMap<string, User>): ReadonlyMap<string, OwnedLimit> {
  const most = (quota: number) => (quota === 0 ? Number.POSITIVE_INFINITY : quota);
  const members = [...owners.values()].filter(({ role }) => role === 'member');
  return new Map(members.map(({ id, quotas }) => [id, { hosts: most(quotas.hosts), tokens: most(quotas.tokens) }]));
}
