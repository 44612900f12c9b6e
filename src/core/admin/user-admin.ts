/** Administration of users and their management keys, as operators, admins and users themselves see them. */
import { hash } from 'node:crypto';
import { newTokenSecret } from '../access/token.ts';
import { AppError } from '../errors.ts';
import {
  DEFAULT_QUOTAS,
  KEY_PREFIX,
  type ListedKey,
  type ManagementKey,
  type Quotas,
  USER_NAME,
  type User,
} from '../users/user.ts';
import type { UserRemoval } from '../users/user-store.ts';
import { type AdminOptions, requireStore } from './admin-options.ts';
import type { AdminCaller } from './caller.ts';
import { readCursor, writeCursor } from './cursor.ts';
import { invalid } from './host-settings.ts';
import type { NormalInput } from './operations.ts';
import type { KeyView, NewKeyView, UserView } from './user-operations.ts';
import { isoTime, listedState } from './views.ts';

const ID_OCTETS = 12;
const MAX_LISTED = 500;

type NewKey = Omit<NormalInput<'createMyKey'>, never>;

export class UserAdmin {
  readonly #options: AdminOptions;

  constructor(options: AdminOptions) {
    this.#options = options;
  }

  /** @throws AppError conflict (the name is taken), store-unreachable; InputError */
  async create({ name, role = 'member', quotas = {} }: NormalInput<'createUser'>): Promise<UserView> {
    if (!USER_NAME.test(name) || name === 'operator') {
      throw invalid('/name', "'name' must begin with a letter or digit, and not be 'operator'.");
    }
    const { random, now } = this.#options;
    const user: User = { id: this.#id(random), name, role, quotas: { ...DEFAULT_QUOTAS, ...quotas }, createdMs: now() };
    const outcome = await this.#users().create(user);
    if (outcome === 'created') return userView(user);
    throw new AppError('conflict', `There is a user '${name}' already.`);
  }

  /** By name. @throws AppError store-unreachable; InputError */
  async list({
    limit = MAX_LISTED,
    cursor,
    search,
  }: NormalInput<'listUsers'>): Promise<{ users: UserView[]; next?: string }> {
    const after = readCursor(cursor, 1)?.[0];
    const { users, next } = await this.#users().page(limit, after, search);
    return { users: users.map(userView), ...(next !== undefined && { next: writeCursor([next]) }) };
  }

  /** With the numbers of hosts and tokens. @throws AppError name-invalid, store-unreachable */
  async show(name: string): Promise<UserView> {
    return this.#withCounts(await this.#user(name));
  }

  /** @throws AppError name-invalid, conflict (an admin's own role, the last admin), store-unreachable */
  async change(
    name: string,
    { role, quotas, enabled }: Omit<NormalInput<'changeUser'>, 'name'>,
    caller: AdminCaller,
  ): Promise<UserView> {
    const user = await this.#user(name);
    const change = {
      ...(role !== undefined && { role }),
      ...(quotas !== undefined && { quotas: { ...user.quotas, ...quotas } as Quotas }),
      ...(enabled !== undefined && { disabledMs: enabled ? null : this.#options.now() }),
    };
    const changed = await this.#users().update(user.id, change, keepAdmin(caller));
    if (changed === 'last-admin') throw lastAdmin(name);
    if (changed === undefined) throw unknownUser(name);
    return userView(changed);
  }

  /** @throws AppError name-invalid, conflict (the last admin), store-unreachable */
  async remove(name: string, removal: UserRemoval, caller: AdminCaller): Promise<UserView> {
    const user = await this.#user(name);
    const removed = await this.#users().remove(user.id, removal, this.#options.now(), keepAdmin(caller));
    if (removed === 'last-admin') throw lastAdmin(name);
    if (removed === undefined) throw unknownUser(name);
    const { hosts } = requireStore(this.#options);
    for (const ownerName of removed.hosts) this.#options.directory?.changed(ownerName, await hosts.get(ownerName));
    return userView(user);
  }

  /** @throws AppError name-invalid, store-unreachable */
  async keysOf(name: string): Promise<{ keys: KeyView[] }> {
    return this.#keys(await this.#user(name));
  }

  /** @throws AppError name-invalid, conflict (the name is taken), store-unreachable; InputError */
  async createKey(name: string, wanted: NewKey): Promise<NewKeyView> {
    return this.#createKey(await this.#user(name), wanted);
  }

  /** @throws AppError name-invalid, store-unreachable */
  async revokeKey(name: string, keyName: string): Promise<KeyView> {
    return this.#revokeKey(await this.#user(name), keyName);
  }

  /** The user who asks. */
  async me(caller: AdminCaller): Promise<{ user: UserView; claims: { zone: string; pattern: string }[] }> {
    const { claims = [] } = this.#options;
    return { user: await this.#withCounts(userOf(caller)), claims: [...claims] };
  }

  keysOfCaller(caller: AdminCaller): Promise<{ keys: KeyView[] }> {
    return this.#keys(userOf(caller));
  }

  createKeyOfCaller(wanted: NewKey, caller: AdminCaller): Promise<NewKeyView> {
    return this.#createKey(userOf(caller), wanted);
  }

  revokeKeyOfCaller(keyName: string, caller: AdminCaller): Promise<KeyView> {
    return this.#revokeKey(userOf(caller), keyName);
  }

  async #createKey(user: User, { name, expires, maxUnusedDays }: NewKey): Promise<NewKeyView> {
    if (name.trim() === '') throw invalid('/name', "'name' must not be empty.");
    const { random, now } = this.#options;
    const secret = `${KEY_PREFIX}${newTokenSecret(random)}`;
    const key: ManagementKey = {
      id: this.#id(random),
      userId: user.id,
      name,
      sha256: hash('sha256', secret, 'hex'),
      createdMs: now(),
      ...(expires !== undefined && { expires }),
      ...(maxUnusedDays !== undefined && { maxUnusedDays }),
    };
    const outcome = await this.#users().createKey(key);
    if (outcome === 'created') return { key: keyView(key, now()), secret };
    if (outcome === 'user-unknown') throw unknownUser(user.name);
    throw new AppError('conflict', `The user '${user.name}' has a key '${name}' already.`);
  }

  async #keys({ id }: User): Promise<{ keys: KeyView[] }> {
    const nowMs = this.#options.now();
    return { keys: (await this.#users().listKeys(id)).map((key) => keyView(key, nowMs)) };
  }

  async #revokeKey({ id, name }: User, keyName: string): Promise<KeyView> {
    const nowMs = this.#options.now();
    const key = (await this.#users().listKeys(id)).find((one) => one.name === keyName && one.revokedMs === undefined);
    if (key === undefined || (await this.#users().revokeKey(id, keyName, nowMs)) === 'unknown') {
      throw new AppError('name-invalid', `The user '${name}' has no key '${keyName}'.`);
    }
    return keyView({ ...key, revokedMs: nowMs }, nowMs);
  }

  async #withCounts(user: User): Promise<UserView> {
    const { hosts, tokens } = requireStore(this.#options);
    const [ownedHosts, ownedTokens] = await Promise.all([hosts.countOwned(user.id), tokens.countOwned(user.id)]);
    return { ...userView(user), hosts: ownedHosts, tokens: ownedTokens };
  }

  async #user(name: string): Promise<User> {
    const user = await this.#users().get(name);
    if (user === undefined) throw unknownUser(name);
    return user;
  }

  #id(random: AdminOptions['random']): string {
    return Buffer.from(random(ID_OCTETS)).toString('hex');
  }

  #users() {
    return requireStore(this.#options).users;
  }
}

function userOf(caller: AdminCaller): User {
  if (caller.kind === 'user') return caller.user;
  throw new AppError('request-malformed', 'The operator is no user.');
}

/** The operator may remove the last admin, and can make another one. */
function keepAdmin(caller: AdminCaller): { readonly keepAdmin: boolean } {
  return { keepAdmin: caller.kind === 'user' };
}

function lastAdmin(name: string): AppError {
  return new AppError('conflict', `'${name}' is the last admin. Make another one first.`);
}

function unknownUser(name: string): AppError {
  return new AppError('name-invalid', `There is no user '${name}'.`);
}

function userView({ name, role, quotas, disabledMs, createdMs }: User): UserView {
  const { hosts, tokens, changesPerMinute } = quotas;
  return {
    name,
    role,
    enabled: disabledMs === undefined,
    quotas: { hosts, tokens, changesPerMinute },
    created: isoTime(createdMs),
  };
}

function keyView(key: ListedKey, nowMs: number): KeyView {
  const { name, expires, maxUnusedDays, lastUsedMs, revokedMs, createdMs } = key;
  return {
    name,
    state: listedState(key, nowMs),
    created: isoTime(createdMs),
    ...(expires !== undefined && { expires }),
    ...(maxUnusedDays !== undefined && { maxUnusedDays }),
    ...(lastUsedMs !== undefined && { lastUsed: isoTime(lastUsedMs) }),
    ...(revokedMs !== undefined && { revoked: isoTime(revokedMs) }),
  };
}
