/** Many users, hosts and tokens that are created together: all of them, or none. */
import type { DomainName } from '../../dns/name.ts';
import type { HostToken } from '../access/token.ts';
import type { CustomerConflict, OwnedLimit } from '../customers.ts';
import { AppError, type FieldError, InputError } from '../errors.ts';
import { defaultHostSettings, type HostSettings } from '../hosts/host.ts';
import { mayChange } from '../hosts/host-access.ts';
import { DEFAULT_QUOTAS, tokenOwner, USER_NAME, type User } from '../users/user.ts';
import { type AdminOptions, requireStore, requireZone } from './admin-options.ts';
import { OPERATOR_CALLER } from './caller.ts';
import type { NewHost } from './host-admin.ts';
import type { HostView } from './host-operations.ts';
import { checkSettings, refuseConfigured, uniqueMembers } from './host-settings.ts';
import { makeToken, type NewToken } from './token-admin.ts';
import type { NewTokenView } from './token-operations.ts';
import { hostView, newTokenView, tokenView } from './views.ts';

export interface NewCustomerToken {
  readonly token: NewToken;
  /** The name of a user; undefined: the operator. */
  readonly owner?: string | undefined;
}

export interface NewCustomerHost {
  readonly host: NewHost;
  readonly owner?: string | undefined;
}

const ID_OCTETS = 12;
/** Errors that one reply lists. */
const MAX_ERRORS = 100;

/** Collects what is wrong with the entries of one request. */
class Faults {
  readonly errors: FieldError[] = [];
  count = 0;

  add(pointer: string, detail: string): void {
    this.count += 1;
    if (this.errors.length < MAX_ERRORS) this.errors.push({ pointer, detail });
  }

  /** Calls a check, whose error becomes one of the entry. */
  guard(pointer: string, check: () => void): void {
    try {
      check();
    } catch (error) {
      if (error instanceof InputError) for (const one of error.errors) this.add(`${pointer}${one.pointer}`, one.detail);
      else if (error instanceof AppError) this.add(pointer, error.message);
      else throw error;
    }
  }

  /** @throws InputError */
  throwAny(code: 'request-malformed' | 'conflict' = 'request-malformed'): void {
    const [first] = this.errors;
    if (first === undefined) return;
    const more = this.count > 1 ? ` And ${this.count - 1} more.` : '';
    throw new InputError(this.errors, `Nothing was created. ${first.pointer}: ${first.detail}${more}`, code);
  }
}

export class BatchAdmin {
  readonly #options: AdminOptions;

  constructor(options: AdminOptions) {
    this.#options = options;
  }

  /**
   * Creates tokens. With an owner, the literal hosts of a token that have no settings are given to the owner.
   * @throws InputError that names each entry, AppError store-unreachable, contended
   */
  async createTokens(items: readonly NewCustomerToken[], createOwners: boolean): Promise<readonly NewTokenView[]> {
    const { random, now, tokens: configured } = this.#options;
    const faults = new Faults();
    const owners = await this.#owners(items, 'tokens', createOwners, faults);
    const configuredNames = new Set(configured.map(({ name }) => name));
    const hosts = new Map<string, HostSettings>();
    const nowMs = now();
    const made = items.map(({ token, owner }, index) => {
      const place = `/tokens/${index}`;
      const user = owner === undefined ? undefined : owners.byName.get(owner);
      if (configuredNames.has(token.name))
        faults.add(`${place}/name`, `The token '${token.name}' is in the configuration file.`);
      for (const [at, host] of token.hosts.entries()) {
        faults.guard(`${place}/hosts/${at}`, () => void requireZone(this.#options, host));
        if (user?.role === 'member' && host.isWildcard) {
          faults.add(`${place}/hosts/${at}`, `'${host}' is a pattern: a token of a member has full names of hosts.`);
        }
        if (user !== undefined && !host.isWildcard && !hosts.has(host.key)) {
          hosts.set(host.key, { ...defaultHostSettings(host), ownerId: user.id });
        }
      }
      if (user?.role === 'member' && token.register)
        faults.add(`${place}/register`, 'A token of a member may not register.');
      const { token: plain, secret } = makeToken(token, random, nowMs);
      const stored: HostToken = user === undefined ? plain : { ...plain, owner: tokenOwner(user) };
      return { stored, secret, freednsUser: token.freednsUser };
    });
    faults.throwAny();
    const fresh = await this.#hostsToGive(items, owners.byName, hosts, faults);
    faults.throwAny('conflict');
    const { conflicts } = await requireStore(this.#options).customers.create({
      users: owners.created,
      hosts: fresh,
      tokens: made.map(({ stored }) => stored),
      limits: limitsOf(owners.byName.values()),
    });
    for (const conflict of conflicts) {
      const [pointer, detail] = describeToken(conflict, items, fresh, owners.created);
      faults.add(pointer, detail);
    }
    faults.throwAny('conflict');
    for (const settings of fresh) this.#options.directory?.changed(settings.ownerName, settings);
    return made.map(({ stored, secret, freednsUser }) =>
      newTokenView(tokenView(stored, 'store', nowMs), stored.sha256, secret, freednsUser),
    );
  }

  /** @throws as `createTokens` */
  async createHosts(items: readonly NewCustomerHost[], createOwners: boolean): Promise<readonly HostView[]> {
    const faults = new Faults();
    const owners = await this.#owners(items, 'hosts', createOwners, faults);
    const hosts = items.map(({ host, owner }, index): HostSettings => {
      const user = owner === undefined ? undefined : owners.byName.get(owner);
      const members = uniqueMembers(host.members ?? []);
      const settings = { ...defaultHostSettings(host.ownerName), ...host, members, ...(user && { ownerId: user.id }) };
      faults.guard(`/hosts/${index}`, () => {
        refuseConfigured(this.#options, host.ownerName);
        checkSettings(this.#options, settings);
      });
      return settings;
    });
    faults.throwAny();
    const { conflicts } = await requireStore(this.#options).customers.create({
      users: owners.created,
      hosts,
      tokens: [],
      limits: limitsOf(owners.byName.values()),
    });
    for (const { kind, index, why } of conflicts) {
      const what = kind === 'user' ? `the user '${owners.created[index]?.name}'` : `'${hosts[index]?.ownerName}'`;
      faults.add(kind === 'user' ? '/hosts' : `/hosts/${index}`, REASONS[why](what));
    }
    faults.throwAny('conflict');
    for (const settings of hosts) this.#options.directory?.changed(settings.ownerName, settings);
    const names = new Map([...owners.byName.values()].map(({ id, name }) => [id, name]));
    return hosts.map((settings) =>
      hostView(settings.ownerName, settings, 'store', undefined, { names, caller: OPERATOR_CALLER }),
    );
  }

  /** The users of the entries, by name; those that do not exist are made, if that is wanted. */
  async #owners(
    items: readonly { readonly owner?: string | undefined }[],
    field: string,
    createOwners: boolean,
    faults: Faults,
  ): Promise<{ readonly byName: ReadonlyMap<string, User>; readonly created: readonly User[] }> {
    const { random, now } = this.#options;
    const { users } = requireStore(this.#options);
    const byName = new Map<string, User>();
    const created: User[] = [];
    const names = new Map<string, number>();
    for (const [index, { owner }] of items.entries()) {
      if (owner !== undefined && !names.has(owner)) names.set(owner, index);
    }
    const known = await Promise.all([...names.keys()].map((name) => users.get(name)));
    for (const [at, [name, index]] of [...names].entries()) {
      const user = known[at];
      if (user !== undefined) byName.set(name, user);
      else if (!createOwners) faults.add(`/${field}/${index}/owner`, `There is no user '${name}'.`);
      else if (!USER_NAME.test(name)) faults.add(`/${field}/${index}/owner`, `'${name}' is not the name of a user.`);
      else {
        const id = Buffer.from(random(ID_OCTETS)).toString('hex');
        const made: User = { id, name, role: 'member', quotas: DEFAULT_QUOTAS, createdMs: now() };
        byName.set(name, made);
        created.push(made);
      }
    }
    return { byName, created };
  }

  /** Of the hosts of tokens with owners: those without settings. The others must be ones that the owner may change. */
  async #hostsToGive(
    items: readonly NewCustomerToken[],
    byName: ReadonlyMap<string, User>,
    wanted: ReadonlyMap<string, HostSettings>,
    faults: Faults,
  ): Promise<readonly HostSettings[]> {
    const names = [...wanted.values()].map(({ ownerName }) => ownerName);
    const { hosts } = requireStore(this.#options);
    const known = new Map<string, HostSettings>();
    for (const settings of await Promise.all(names.map((name) => hosts.get(name)))) {
      if (settings !== undefined) known.set(settings.ownerName.key, settings);
    }
    const settingsOf = (host: DomainName) => known.get(host.key) ?? wanted.get(host.key);
    for (const [index, { token, owner }] of items.entries()) {
      const user = owner === undefined ? undefined : byName.get(owner);
      if (user?.role !== 'member') continue;
      for (const [at, host] of token.hosts.entries()) {
        if (mayChange(settingsOf(host), user.id)) continue;
        faults.add(`/tokens/${index}/hosts/${at}`, `'${host}' belongs to another user, or has settings and no owner.`);
      }
    }
    return [...wanted.values()].filter(({ ownerName }) => !known.has(ownerName.key));
  }
}

const REASONS: Readonly<Record<CustomerConflict['why'], (what: string) => string>> = {
  exists: (what) => `There is ${what} already.`,
  'secret-taken': () => 'A new secret exists already.',
  'owner-unknown': (what) => `The owner of ${what} was removed meanwhile.`,
  quota: (what) => `The owner of ${what} would have more than the quota. An admin can raise it.`,
};

function describeToken(
  { kind, index, why }: CustomerConflict,
  items: readonly NewCustomerToken[],
  hosts: readonly HostSettings[],
  users: readonly User[],
): readonly [string, string] {
  if (kind === 'token') {
    return [`/tokens/${index}/name`, REASONS[why](`a token '${items[index]?.token.name}'`)];
  }
  if (kind === 'user') {
    const name = users[index]?.name;
    const at = items.findIndex(({ owner }) => owner === name);
    return [`/tokens/${at}/owner`, REASONS[why](`a user '${name}'`)];
  }
  const host = hosts[index]?.ownerName;
  const at = items.findIndex(({ token }) => host !== undefined && token.hosts.some((one) => one.equals(host)));
  return [`/tokens/${at}/hosts`, REASONS[why](`the host '${host}'`)];
}

function limitsOf(users: Iterable<User>): ReadonlyMap<string, OwnedLimit> {
  const limits = new Map<string, OwnedLimit>();
  const most = (quota: number) => (quota === 0 ? Number.MAX_SAFE_INTEGER : quota);
  for (const { id, role, quotas } of users) {
    if (role === 'member') limits.set(id, { hosts: most(quotas.hosts), tokens: most(quotas.tokens) });
  }
  return limits;
}
