/** Contract: the store of tokens. See core/store.ts for durability and errors. */
import type { HostToken, ListedToken } from './token.ts';

export interface TokenUse {
  readonly tokenId: string;
  readonly lastUsedMs: number;
}

export interface TokenStore {
  /**
   * Finds the token whose secret has this SHA-256 (hexadecimal, lower case), also if it is revoked or expired: see tokenState.
   * A cached token is returned without a promise. The cache is never older than one second, so a revocation is effective
   * everywhere within that time. If the store does not answer for longer, cached tokens give store-unreachable, too.
   *
   * @example const token = await store.findBySha256(tokenSha256(secret));
   */
  findBySha256(sha256: string): HostToken | undefined | Promise<HostToken | undefined>;

  /** The same for several secrets, with one query for all that are not cached. @returns the token of each, in order */
  findAllBySha256(
    secrets: readonly string[],
  ): readonly (HostToken | undefined)[] | Promise<readonly (HostToken | undefined)[]>;

  /** The token, if it can be returned without a query; else undefined, and so for an unknown secret. */
  cachedBySha256(sha256: string): HostToken | undefined;

  /** `name-taken`: a token that is not revoked has this name. `secret-taken`: a token, even a revoked one, has this secret. */
  create(token: HostToken): Promise<'created' | 'name-taken' | 'secret-taken'>;

  /** All tokens, including revoked ones, by name and then by age. */
  list(): Promise<readonly ListedToken[]>;

  /** Revokes the token of this name. */
  revoke(name: string, nowMs: number): Promise<'revoked' | 'unknown'>;

  /** Replaces the secret of the token of this name; undefined if there is no such token. */
  rotate(name: string, sha256: string): Promise<HostToken | undefined>;

  /** Counts the tokens with this prefix of the name that are not revoked. */
  countNamed(prefix: string): Promise<number>;

  /** Stores the latest use of each token. Tokens of the configuration may be among them. */
  touchLastUsed(uses: readonly TokenUse[]): Promise<void>;

  /** The last uses by token id; a token that was never used is not in the map. */
  lastUses(tokenIds: readonly string[]): Promise<ReadonlyMap<string, number>>;
}
