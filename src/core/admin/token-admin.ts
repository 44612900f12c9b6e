/** Administration of tokens: create, list, revoke, rotate. Those of the configuration file are changed only there. */
import { findNearestAncestor } from '../../dns/name.ts';
import { formatRRType } from '../../dns/rdata.ts';
import { freednsSecret, type HostToken, type ListedToken, newTokenSecret, tokenSha256 } from '../access/token.ts';
import { firstSeenKey } from '../access/unused-tokens.ts';
import { AppError, invalidField } from '../errors.ts';
import { mayChange } from '../hosts/host-access.ts';
import { tokenOwner, type User } from '../users/user.ts';
import { type AdminOptions, ownerForNew, requireStore, requireUser, requireZone } from './admin-options.ts';
import { type AdminCaller, asMember } from './caller.ts';
import { readCursor, writeCursor } from './cursor.ts';
import { unknownHost, unknownToken } from './dispatch.ts';
import type { NormalInput, Result } from './operations.ts';
import { checkToken, type TokenQuestion } from './token-check.ts';
import type { NewTokenView, TokenView } from './token-operations.ts';
import { newTokenView, tokenView } from './views.ts';

type Wanted = 'name' | 'hosts' | 'types' | 'addresses' | 'sources' | 'expires' | 'register' | 'maxUnusedDays';

export interface NewToken extends Pick<HostToken, Wanted> {
  /** Makes it a token for FreeDNS version 1, whose clients send a hash of this name and the password; in lower case. */
  readonly freednsUser?: string;
}

const ID_OCTETS = 12;

/** A token with a new secret, which is returned here and stored nowhere; with `freednsUser` it is that user's password. */
export function makeToken(
  wanted: NewToken,
  random: AdminOptions['random'],
  nowMs: number,
): { readonly token: HostToken; readonly secret: string } {
  const { freednsUser, ...token } = wanted;
  const secret = newTokenSecret(random);
  const id = Buffer.from(random(ID_OCTETS)).toString('hex');
  return { token: { ...token, id, sha256: secretSha256(secret, freednsUser), createdMs: nowMs }, secret };
}

function secretSha256(secret: string, freednsUser: string | undefined): string {
  return tokenSha256(freednsUser === undefined ? secret : freednsSecret(freednsUser, secret));
}

/** All tokens with their last use, those of the configuration first. @throws AppError store-unreachable */
export async function readTokens({
  tokens,
  store,
  uses,
}: Pick<AdminOptions, 'tokens' | 'store' | 'uses'>): Promise<
  readonly { readonly token: ListedToken; readonly origin: TokenView['origin'] }[]
> {
  // First: it writes the uses that the store then lists.
  const lastUses = await uses?.lastUses(tokens.flatMap(({ id }) => [id, firstSeenKey(id)]));
  const stored = (await store?.tokens.list()) ?? [];
  const configured = tokens.map((token): ListedToken => {
    const lastUsedMs = lastUses?.get(token.id);
    const firstSeenMs = lastUses?.get(firstSeenKey(token.id));
    return {
      ...token,
      ...(lastUsedMs !== undefined && { lastUsedMs }),
      ...(firstSeenMs !== undefined && { firstSeenMs }),
    };
  });
  return [
    ...configured.map((token) => ({ token, origin: 'configuration' as const })),
    ...stored.map((token) => ({ token, origin: 'store' as const })),
  ];
}

export class TokenAdmin {
  readonly #options: AdminOptions;

  constructor(options: AdminOptions) {
    this.#options = options;
  }

  /**
   * @param owner the name of a user; undefined: the operator, or the member who asks
   * @throws AppError conflict (the name is taken), name-invalid (a host is in no zone, or not the member's), quota-exceeded,
   *   store-unreachable; InputError
   */
  async createToken(wanted: NewToken, owner: string | undefined, caller: AdminCaller): Promise<NewTokenView> {
    const { random, now } = this.#options;
    this.#refuseConfigured(wanted.name, 'Choose another name.');
    for (const pattern of wanted.hosts) requireZone(this.#options, pattern);
    const user = await ownerForNew(this.#options, owner, asMember(caller));
    if (user?.role === 'member') await this.#checkOfMember(user, wanted, caller);
    const { token, secret } = makeToken(wanted, random, now());
    const owned: HostToken = user === undefined ? token : { ...token, owner: tokenOwner(user) };
    const maxOwned = user?.role === 'member' && user.quotas.tokens > 0 ? user.quotas.tokens : undefined;
    const outcome = await requireStore(this.#options).tokens.create(owned, maxOwned === undefined ? {} : { maxOwned });
    switch (outcome) {
      case 'created':
        return this.#newTokenView(owned, secret, wanted.freednsUser);
      case 'name-taken':
        throw new AppError(
          'conflict',
          `There is a token '${wanted.name}' already. \`dyndns token rotate\` gives it a new secret; \`dyndns token revoke\` ends it.`,
        );
      case 'quota':
        throw new AppError(
          'quota-exceeded',
          `The user '${user?.name}' has ${maxOwned} tokens, which is the quota. An admin can raise it.`,
        );
      case 'owner-unknown':
        throw invalidField('/owner', 'The user was removed meanwhile.');
      case 'secret-taken':
        // 160 random bits do not come twice: the source of randomness is broken.
        throw new AppError('internal', 'A new secret exists already.');
    }
  }

  /** Those of the configuration first, on the first page; then by name. @throws AppError, InputError */
  async listTokens(
    { owner, search, limit = MAX_LISTED, cursor }: NormalInput<'listTokens'>,
    caller: AdminCaller,
  ): Promise<{ readonly tokens: readonly TokenView[]; readonly next?: string }> {
    const nowMs = this.#options.now();
    const member = asMember(caller);
    const [name, id] = readCursor(cursor, 2) ?? [];
    const after = name === undefined || id === undefined ? undefined : { name, id };
    const user = owner === undefined ? undefined : await requireUser(this.#options, owner, '/owner');
    if (member !== undefined && user !== undefined && user.id !== member.user.id) return { tokens: [] };
    const ownerId = member?.user.id ?? user?.id;
    const { store } = this.#options;
    const isFirst = after === undefined && ownerId === undefined;
    const configured = isFirst ? await readTokens({ ...this.#options, store: undefined }) : [];
    const shown = configured.filter(({ token }) => search === undefined || hasText(token.name, search));
    // Written by `readTokens` on the first page.
    if (!isFirst) await this.#options.uses?.lastUses([]);
    const page = await store?.tokens.page({ limit, after, ownerId, search });
    const tokens = [
      ...shown.map(({ token, origin }) => tokenView(token, origin, nowMs)),
      ...(page?.tokens ?? []).map((token) => tokenView(token, 'store', nowMs)),
    ];
    return { tokens, ...(page?.next && { next: writeCursor([page.next.name, page.next.id]) }) };
  }

  /** Not a revoked one. @throws AppError name-invalid (there is none of this name), store-unreachable */
  async showToken(name: string): Promise<TokenView> {
    const nowMs = this.#options.now();
    const configured = await readTokens({ ...this.#options, store: undefined });
    const found = configured.find(({ token }) => token.name === name);
    if (found !== undefined) return tokenView(found.token, found.origin, nowMs);
    const token = await this.#options.store?.tokens.get(name);
    if (token === undefined) throw unknownToken(name);
    return tokenView(token, 'store', nowMs);
  }

  /** Whether a token may change records of a host. @throws AppError name-invalid (no such token), store-unreachable */
  async check(name: string, question: TokenQuestion): Promise<Result<'checkToken'>> {
    const { store, hosts, zones, now } = this.#options;
    const configured = await readTokens({ ...this.#options, store: undefined });
    const token = configured.find((one) => one.token.name === name)?.token ?? (await store?.tokens.get(name));
    if (token === undefined) throw unknownToken(name);
    const { host, type } = question;
    const settings = hosts.find(({ ownerName }) => ownerName.equals(host)) ?? (await store?.hosts.get(host));
    const zone = findNearestAncestor(new Map(zones.map((one) => [one.apex.key, one])), host.key);
    const reasons = checkToken(question, { token, settings, zone, nowMs: now() });
    const allowed = reasons.every(({ passed }) => passed);
    return { token: name, host: host.toString(), type: formatRRType(type), allowed, reasons };
  }

  /** @throws AppError name-invalid (there is none of this name), conflict (it is in the configuration file) */
  async revokeToken(name: string): Promise<TokenView> {
    const { tokens } = requireStore(this.#options);
    const nowMs = this.#options.now();
    const token = await tokens.get(name);
    if (token === undefined || (await tokens.revoke(name, nowMs)) === 'unknown') {
      this.#refuseConfigured(name, 'Remove it there, and reload the configuration (SIGHUP).');
      throw unknownToken(name);
    }
    return tokenView({ ...token, revokedMs: nowMs }, 'store', nowMs);
  }

  /** @param freednsUser the new secret is this user's password only @throws AppError as `revokeToken` */
  async rotateToken(name: string, freednsUser?: string): Promise<NewTokenView> {
    const { tokens } = requireStore(this.#options);
    const secret = newTokenSecret(this.#options.random);
    const token = await tokens.rotate(name, secretSha256(secret, freednsUser));
    if (token !== undefined) {
      const lastUsedMs = (await (this.#options.uses ?? tokens).lastUses([token.id])).get(token.id);
      const listed = lastUsedMs === undefined ? token : { ...token, lastUsedMs };
      return this.#newTokenView(listed, secret, freednsUser);
    }
    this.#refuseConfigured(
      name,
      'Write the `sha256` of a new secret there: `dyndns token create --print-only` makes one.',
    );
    throw unknownToken(name);
  }

  /** Whether a token of the store belongs to a user. @throws AppError store-unreachable */
  async belongsTo(name: string, userId: string): Promise<boolean> {
    return (await this.#options.store?.tokens.get(name))?.owner?.id === userId;
  }

  /** A member's token has literal names of hosts that the member may change. */
  async #checkOfMember(user: User, { hosts, register }: NewToken, caller: AdminCaller): Promise<void> {
    if (register === true) throw invalidField('/register', "'register' is for tokens of the operator and of admins.");
    for (const [index, host] of hosts.entries()) {
      if (host.isWildcard) {
        throw invalidField(`/hosts/${index}`, `'${host}' is a pattern: a token of a member has full names of hosts.`);
      }
      const settings = await requireStore(this.#options).hosts.get(host);
      if (mayChange(settings, user.id)) continue;
      if (asMember(caller) !== undefined) throw unknownHost(host);
      throw invalidField(
        `/hosts/${index}`,
        `The user '${user.name}' may not change '${host}': give or share the host first.`,
      );
    }
  }

  #newTokenView(token: ListedToken, secret: string, freednsUser: string | undefined): NewTokenView {
    return newTokenView(tokenView(token, 'store', this.#options.now()), token.sha256, secret, freednsUser);
  }

  #refuseConfigured(name: string, advice: string): void {
    if (!this.#options.tokens.some((token) => token.name === name)) return;
    throw new AppError('conflict', `The token '${name}' is in the configuration file. ${advice}`);
  }
}

const MAX_LISTED = 500;

function hasText(name: string, search: string): boolean {
  return name.toLowerCase().includes(search.toLowerCase());
}
