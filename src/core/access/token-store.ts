/** Contract: where tokens are stored. See core/store.ts for durability and errors. */
import type { HostToken, ListedToken } from './token.ts';

export interface TokenUse {
  readonly tokenId: string;
  readonly lastUsedMs: number;
}

export interface TokenStore {
  /**
   * The token whose secret has this SHA-256 (hexadecimal, lower case), revoked and expired ones too: ask tokenState.
   * Answers without a promise what it knows already, which is never older than one second: a token is revoked everywhere
   * within that. A store that does not answer for longer gives store-unreachable, also for tokens that it answered before.
   */
  findBySha256(sha256: string): HostToken | undefined | Promise<HostToken | undefined>;

  /** Tokens that are not revoked have different names; no two tokens ever had the same secret. */
  create(token: HostToken): Promise<'created' | 'name-taken' | 'secret-taken'>;

  /** All tokens, revoked ones too, by name and then by age. */
  list(): Promise<readonly ListedToken[]>;

  /** Ends the token of this name. */
  revoke(name: string, nowMs: number): Promise<'revoked' | 'unknown'>;

  /** Gives the token of this name another secret; the old one ends. Undefined: there is no such token. */
  rotate(name: string, sha256: string): Promise<HostToken | undefined>;

  /** How many tokens that are not revoked have names that begin so. */
  countNamed(prefix: string): Promise<number>;

  /** Remembers uses, of which the latest counts. Tokens that are not in the store may be among them. */
  touchLastUsed(uses: readonly TokenUse[]): Promise<void>;

  /** Last uses by token, of those of these tokens that were used. */
  lastUses(tokenIds: readonly string[]): Promise<ReadonlyMap<string, number>>;
}
