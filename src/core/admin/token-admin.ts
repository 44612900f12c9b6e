/** Administration of tokens: create, list, revoke, rotate. Those of the configuration file are changed only there. */
import { freednsSecret, type HostToken, type ListedToken, newTokenSecret, tokenSha256 } from '../access/token.ts';
import { firstSeenKey } from '../access/unused-tokens.ts';
import { AppError } from '../errors.ts';
import { type AdminOptions, requireStore, requireZone } from './admin-options.ts';
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

  /** @throws AppError conflict (the name is taken), name-invalid (a host is in no zone), store-unreachable */
  async createToken(wanted: NewToken): Promise<NewTokenView> {
    const { random, now } = this.#options;
    this.#refuseConfigured(wanted.name, 'Choose another name.');
    for (const pattern of wanted.hosts) requireZone(this.#options, pattern);
    const { token, secret } = makeToken(wanted, random, now());
    const outcome = await requireStore(this.#options).tokens.create(token);
    if (outcome === 'name-taken') {
      throw new AppError(
        'conflict',
        `There is a token '${wanted.name}' already. \`dyndns token rotate\` gives it a new secret; \`dyndns token revoke\` ends it.`,
      );
    }
    // 160 random bits do not come twice: the source of randomness is broken.
    if (outcome === 'secret-taken') throw new AppError('internal', 'A new secret exists already.');
    return this.#newTokenView(token, secret, wanted.freednsUser);
  }

  /** Those of the configuration first. */
  async listTokens(): Promise<readonly TokenView[]> {
    const nowMs = this.#options.now();
    return (await readTokens(this.#options)).map(({ token, origin }) => tokenView(token, origin, nowMs));
  }

  /** @throws AppError name-invalid (there is none of this name), conflict (it is in the configuration file) */
  async revokeToken(name: string): Promise<TokenView> {
    const { tokens } = requireStore(this.#options);
    if ((await tokens.revoke(name, this.#options.now())) === 'unknown') {
      this.#refuseConfigured(name, 'Remove it there, and reload the configuration (SIGHUP).');
      throw this.#unknownToken(name);
    }
    const revoked = (await this.listTokens()).filter((token) => token.name === name && token.state === 'revoked');
    return revoked.reduce((latest, token) => ((token.revoked ?? '') > (latest.revoked ?? '') ? token : latest));
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
    throw this.#unknownToken(name);
  }

  #newTokenView(token: ListedToken, secret: string, freednsUser: string | undefined): NewTokenView {
    return newTokenView(tokenView(token, 'store', this.#options.now()), token.sha256, secret, freednsUser);
  }

  #refuseConfigured(name: string, advice: string): void {
    if (!this.#options.tokens.some((token) => token.name === name)) return;
    throw new AppError('conflict', `The token '${name}' is in the configuration file. ${advice}`);
  }

  #unknownToken(name: string): AppError {
    return new AppError('name-invalid', `There is no token '${name}'; \`dyndns token list\` shows all tokens.`);
  }
}
