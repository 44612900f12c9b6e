/** Contract: the store of tokens. See core/store.ts for durability and errors. */
import type { DomainName } from '../../dns/name.ts';
import type { HostToken, ListedToken } from './token.ts';

export interface TokenUse {
  readonly tokenId: string;
  readonly lastUsedMs: number;
}

export interface CreateConditions {
  /** The owner may own this many valid tokens, this one included. Checked together with the creation. */
  readonly maxOwned?: number;
}

/**
 * `name-taken`: a token that is not revoked has this name. `secret-taken`: a token, even a revoked one, has this secret.
 * `quota`: the owner owns `maxOwned` already. `owner-unknown`: no user has the id of `owner`.
 */
export type CreateOutcome = 'created' | 'name-taken' | 'secret-taken' | 'quota' | 'owner-unknown';

/** Which tokens; every one without a field. */
export interface TokenQuery {
  /** At least 1. */
  readonly limit: number;
  /** The page begins behind this token. */
  readonly after?: TokenPlace | undefined;
  /** Of this user; null: of the operator. */
  readonly ownerId?: string | null | undefined;
  /** A part of the name, in any case. */
  readonly search?: string | undefined;
  /** False: without revoked ones. */
  readonly revoked?: boolean | undefined;
}

/** Names of revoked tokens may come again: the id tells them apart. */
export type TokenPlace = Pick<HostToken, 'name' | 'id'>;

export interface TokenPage {
  /** By name and then by id, compared by code points. */
  readonly tokens: readonly ListedToken[];
  /** Absent: there is no next page. */
  readonly next?: TokenPlace;
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

  /** Of `owner` the id counts; a token that is looked up has the facts of that user as they are then. */
  create(token: HostToken, conditions?: CreateConditions): Promise<CreateOutcome>;

  /** The token of this name that is not revoked. */
  get(name: string): Promise<ListedToken | undefined>;

  /** All tokens, including revoked ones, by name and then by age. */
  list(): Promise<readonly ListedToken[]>;

  page(query: TokenQuery): Promise<TokenPage>;

  /** The tokens of a user that are not revoked. */
  countOwned(ownerId: string): Promise<number>;

  /** Whether the scope of a token that is not revoked, and not of this user, has this name literally. */
  othersName(ownerName: DomainName, userId: string): Promise<boolean>;

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
