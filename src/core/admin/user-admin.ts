/** Administration of users and their management keys: by the operator and admins, and of each user's own keys. */
import { newTokenSecret, tokenSha256 } from '../access/token.ts';
import { AppError, invalidField } from '../errors.ts';
import {
  DEFAULT_QUOTAS,
  KEY_PREFIX,
  type ListedKey,
  type ManagementKey,
  type Quotas,
  USER_NAME,
  type User,
  type UserRole,
} from '../users/user.ts';
import type { UserConditions, UserRemoval } from '../users/user-store.ts';
import { type AdminOptions, requireStore } from './admin-options.ts';
import { type AdminCaller, userCaller } from './caller.ts';
import { readCursor, writeCursor } from './cursor.ts';
import type { NormalInput, Result } from './operations.ts';
import type { KeyView, NewKeyView, UserView } from './user-operations.ts';
import { isoTime, listedState } from './views.ts';

export interface NewUser {
  readonly name: string;
  /** Absent: member. */
  readonly role?: UserRole | undefined;
  /** What is absent has its default. */
  readonly quotas?: Partial<Quotas> | undefined;
}

export type NewKey = Pick<NormalInput<'createMyKey'>, 'name' | 'expires' | 'maxUnusedDays'>;

const ID_OCTETS = 12;
const MAX_LISTED = 500;
/** Valid keys of one user. */
const MAX_KEYS = 100;

/** A user who is not stored yet. @throws InputError */
export function makeUser(
  { name, role = 'member', quotas = {} }: NewUser,
  options: MakingOptions,
  pointer = '/name',
): User {
  if (!USER_NAME.test(name)) {
    const rule = 'one to 64 lower-case letters, digits and the signs . _ @ + -, and begins with a letter or digit';
    throw invalidField(pointer, `The name of a user has ${rule}: '${name}' is not one.`);
  }
  if (RESERVED_NAMES.has(name)) {
    throw invalidField(pointer, `'${name}' stands for the operator in the log and in lists: choose another name.`);
  }
  return {
    id: newId(options),
    name,
    role,
    quotas: { ...DEFAULT_QUOTAS, ...quotas },
    createdMs: options.now(),
  };
}

type MakingOptions = Pick<AdminOptions, 'now' | 'random'>;

/** What the audit list and the history have in the place of a name. */
const RESERVED_NAMES: ReadonlySet<string> = new Set(['operator', 'master']);

export function newId({ random }: MakingOptions): string {
  return Buffer.from(random(ID_OCTETS)).toString('hex');
}

export class UserAdmin {
  readonly #options: AdminOptions;

  constructor(options: AdminOptions) {
    this.#options = options;
  }

  /** The user who asks. @throws AppError store-unreachable */
  async me(caller: AdminCaller): Promise<Pick<Result<'showMe'>, 'user' | 'claims'>> {
    const claims = this.#options.zones.flatMap(({ apex, members }) =>
      members?.claim === true ? [{ zone: apex.toString(), pattern: members.pattern }] : [],
    );
    return { user: await this.#viewWithCounts(userCaller(caller).user), claims };
  }

  /** By name. @throws AppError store-unreachable; InputError */
  async list({ search, limit = MAX_LISTED, cursor }: NormalInput<'listUsers'>): Promise<Result<'listUsers'>> {
    const after = readCursor(cursor, 1)?.[0];
    const { users, next } = await this.#store().page(limit, after, search);
    return { users: users.map(userView), ...(next !== undefined && { next: writeCursor([next]) }) };
  }

  /** @throws AppError conflict (the name is taken), store-unreachable; InputError */
  async create(wanted: NewUser): Promise<UserView> {
    const user = makeUser(wanted, this.#options);
    if ((await this.#store().create(user)) === 'name-taken') {
      throw new AppError('conflict', `There is a user '${user.name}' already.`);
    }
    return userView(user);
  }

  /** @throws AppError name-invalid (there is none of this name), store-unreachable */
  async show(name: string): Promise<UserView> {
    return this.#viewWithCounts(await this.#find(name));
  }

  /**
   * The tokens of the user follow within a second, in every process.
   * @throws AppError name-invalid, conflict (the last admin), store-unreachable
   */
  async change(
    name: string,
    { role, quotas, enabled }: Omit<NormalInput<'changeUser'>, 'name'>,
    caller: AdminCaller,
  ): Promise<UserView> {
    const user = await this.#find(name);
    const isEnabled = user.disabledMs === undefined;
    const change = {
      ...(role !== undefined && { role }),
      ...(quotas !== undefined && { quotas: { ...user.quotas, ...quotas } }),
      // The time of an earlier end stays.
      ...(enabled === false && isEnabled && { disabledMs: this.#options.now() }),
      ...(enabled === true && { disabledMs: null }),
    };
    const changed = await this.#store().update(user.id, change, conditionsFor(caller));
    if (changed === 'last-admin') throw lastAdmin(name);
    if (changed === undefined) throw unknownUser(name);
    return this.#viewWithCounts(changed);
  }

  /** @throws AppError name-invalid, conflict (the last admin), contended, store-unreachable */
  async remove(name: string, removal: UserRemoval, caller: AdminCaller): Promise<UserView> {
    const { flush, directory, now } = this.#options;
    const user = await this.#find(name);
    if (removal.history === 'purge') await flush?.();
    const view = await this.#viewWithCounts(user);
    const removed = await this.#store().remove(user.id, removal, now(), conditionsFor(caller));
    if (removed === 'last-admin') throw lastAdmin(name);
    if (removed === undefined) throw unknownUser(name);
    if (directory !== undefined) {
      const { hosts } = requireStore(this.#options);
      const settings = await Promise.all(removed.hosts.map((ownerName) => hosts.get(ownerName)));
      for (const [index, ownerName] of removed.hosts.entries()) directory.changed(ownerName, settings[index]);
    }
    return view;
  }

  /** By name, revoked ones too. @throws AppError name-invalid, store-unreachable */
  async keysOf(name: string): Promise<Result<'listKeys'>> {
    return this.#keys((await this.#find(name)).id);
  }

  keysOfCaller(caller: AdminCaller): Promise<Result<'listMyKeys'>> {
    return this.#keys(userCaller(caller).user.id);
  }

  /** @throws AppError name-invalid, conflict (the name is taken, too many keys), store-unreachable; InputError */
  async createKey(name: string, wanted: NewKey): Promise<NewKeyView> {
    return this.#createKey(await this.#find(name), wanted);
  }

  createKeyOfCaller(wanted: NewKey, caller: AdminCaller): Promise<NewKeyView> {
    return this.#createKey(userCaller(caller).user, wanted);
  }

  /** @throws AppError name-invalid (there is no such user or key), store-unreachable */
  async revokeKey(name: string, keyName: string): Promise<KeyView> {
    return this.#revokeKey((await this.#find(name)).id, keyName);
  }

  revokeKeyOfCaller(keyName: string, caller: AdminCaller): Promise<KeyView> {
    return this.#revokeKey(userCaller(caller).user.id, keyName);
  }

  async #createKey(user: User, { name, expires, maxUnusedDays }: NewKey): Promise<NewKeyView> {
    const { random, now } = this.#options;
    if (name.trim() === '' || /[\p{Cc}\p{Cs}]/u.test(name)) {
      throw invalidField('/name', "'name' must have 1 to 64 characters, and none of them is a control character.");
    }
    if (expires !== undefined && !isDay(expires)) {
      throw invalidField('/expires', `'expires' must be a day, like 2099-12-31, and '${expires}' is not.`);
    }
    const valid = (await this.#store().listKeys(user.id)).filter(({ revokedMs }) => revokedMs === undefined);
    if (valid.length >= MAX_KEYS) {
      throw new AppError('conflict', `The user '${user.name}' has ${MAX_KEYS} keys already: revoke one first.`);
    }
    const secret = `${KEY_PREFIX}${newTokenSecret(random)}`;
    const key: ManagementKey = {
      id: newId(this.#options),
      userId: user.id,
      name,
      sha256: tokenSha256(secret),
      createdMs: now(),
      ...(expires !== undefined && { expires }),
      ...(maxUnusedDays !== undefined && { maxUnusedDays }),
    };
    switch (await this.#store().createKey(key)) {
      case 'created':
        return { key: keyView(key, now()), secret };
      case 'name-taken':
        throw new AppError('conflict', `The user '${user.name}' has a key '${name}' already.`);
      case 'user-unknown':
        throw unknownUser(user.name);
    }
  }

  async #revokeKey(userId: string, name: string): Promise<KeyView> {
    const nowMs = this.#options.now();
    const key = (await this.#store().listKeys(userId)).find(
      (each) => each.name === name && each.revokedMs === undefined,
    );
    if (key === undefined || (await this.#store().revokeKey(userId, name, nowMs)) === 'unknown') {
      throw new AppError('name-invalid', `There is no key '${name}'.`);
    }
    return keyView({ ...key, revokedMs: nowMs }, nowMs);
  }

  async #keys(userId: string): Promise<Result<'listKeys'>> {
    // First: it writes the uses that the store then lists.
    await this.#options.uses?.lastUses([]);
    const nowMs = this.#options.now();
    return { keys: (await this.#store().listKeys(userId)).map((key) => keyView(key, nowMs)) };
  }

  #find(name: string): Promise<User> {
    return findUser(this.#options, name);
  }

  async #viewWithCounts(user: User): Promise<UserView> {
    const { hosts, tokens } = requireStore(this.#options);
    const [owned, valid] = await Promise.all([hosts.countOwned(user.id), tokens.countOwned(user.id)]);
    return { ...userView(user), hosts: owned, tokens: valid };
  }

  #store() {
    return requireStore(this.#options).users;
  }
}

/** The operator may end the last admin: who owns the machine can make another one. */
function conditionsFor(caller: AdminCaller): UserConditions {
  return { keepAdmin: caller.kind !== 'operator' };
}

/** @throws AppError name-invalid (there is none of this name), store-unreachable */
export async function findUser(options: Pick<AdminOptions, 'store'>, name: string): Promise<User> {
  const user = await requireStore(options).users.get(name);
  if (user === undefined) throw unknownUser(name);
  return user;
}

export function unknownUser(name: string): AppError {
  return new AppError('name-invalid', `There is no user '${name}'.`);
}

function lastAdmin(name: string): AppError {
  return new AppError(
    'conflict',
    `'${name}' is the last admin who is enabled: make another one first, or use the command line on the server.`,
  );
}

/** Does the calendar have this day? @param text `YYYY-MM-DD` */
function isDay(text: string): boolean {
  const ms = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  return !Number.isNaN(ms) && isoTime(ms).startsWith(text);
}

export function userView({ name, role, quotas, createdMs, disabledMs }: User): UserView {
  return { name, role, enabled: disabledMs === undefined, quotas, created: isoTime(createdMs) };
}

function keyView(key: ListedKey, nowMs: number): KeyView {
  const { name, expires, maxUnusedDays, createdMs, revokedMs, lastUsedMs } = key;
  return {
    name,
    state: listedState(key, nowMs),
    created: isoTime(createdMs),
    ...(expires !== undefined && { expires }),
    ...(maxUnusedDays !== undefined && { maxUnusedDays }),
    ...(revokedMs !== undefined && { revoked: isoTime(revokedMs) }),
    ...(lastUsedMs !== undefined && { lastUsed: isoTime(lastUsedMs) }),
  };
}
