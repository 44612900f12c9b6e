/**
 * Finds the principal of a credential: the master secret first, then the tokens of the configuration, then those of the
 * store. Credentials are compared by their SHA-256, so the time of the answer shows neither their length nor their content.
 */

import { timingSafeEqual } from 'node:crypto';
import type { IpAddress } from '../../dns/address.ts';
import { MASTER, type Principal } from './principal.ts';
import { type HostToken, tokenAllowsSource, tokenSha256, tokenState } from './token.ts';
import type { TokenStore } from './token-store.ts';
import type { UnusedTokens } from './unused-tokens.ts';

export interface AuthenticatorOptions {
  /** Absent or empty: there is no master secret. */
  readonly masterSecret?: string | undefined;
  /** The tokens of the configuration file. */
  readonly tokens?: readonly HostToken[];
  readonly store?: Pick<TokenStore, 'findBySha256'> | undefined;
  /** Ends tokens that are not used; absent without a store, which has their last use. */
  readonly unused?: Pick<UnusedTokens, 'hasEnded'> | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Called for each accepted token. */
  readonly onUse?: (token: HostToken) => void;
}

export class Authenticator {
  readonly #masterHash: Uint8Array | undefined;
  readonly #tokens: ReadonlyMap<string, HostToken>;
  readonly #options: AuthenticatorOptions;

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
    this.#masterHash = options.masterSecret ? octetsOf(tokenSha256(options.masterSecret)) : undefined;
    this.#tokens = new Map(options.tokens?.map((token) => [token.sha256, token]));
  }

  /**
   * The principal of the credential; undefined if it is missing, empty, unknown, expired, revoked, or used from a source
   * that the token does not allow. A promise only where the store must be queried.
   * @param caller where the request comes from, if known
   * @throws AppError store-unreachable
   */
  authenticate(
    credential: string | undefined,
    caller?: IpAddress,
  ): Principal | undefined | Promise<Principal | undefined> {
    const sha256 = tokenSha256(credential ?? '');
    const isMaster = this.#masterHash !== undefined && timingSafeEqual(octetsOf(sha256), this.#masterHash);
    if (!credential) return undefined;
    if (isMaster) return MASTER;
    const { store } = this.#options;
    if (this.#tokens.size === 0 && store === undefined) return undefined;
    const configured = this.#tokens.get(sha256);
    if (configured !== undefined || store === undefined) return this.#accept(configured, caller);
    const stored = store.findBySha256(sha256);
    return stored instanceof Promise
      ? stored.then((token) => this.#accept(token, caller))
      : this.#accept(stored, caller);
  }

  #accept(
    token: HostToken | undefined,
    caller: IpAddress | undefined,
  ): Principal | undefined | Promise<Principal | undefined> {
    const { now, unused } = this.#options;
    if (token === undefined || tokenState(token, now()) !== 'valid') return undefined;
    if (!tokenAllowsSource(token, caller)) return undefined;
    if (token.maxUnusedDays === undefined || unused === undefined) return this.#use(token);
    const hasEnded = unused.hasEnded(token);
    if (hasEnded instanceof Promise) return hasEnded.then((ended) => (ended ? undefined : this.#use(token)));
    return hasEnded ? undefined : this.#use(token);
  }

  #use(token: HostToken): Principal {
    this.#options.onUse?.(token);
    return { kind: 'token', token };
  }
}

/** Compares in constant time. */
export function sameText(a: string, b: string): boolean {
  return timingSafeEqual(octetsOf(tokenSha256(a)), octetsOf(tokenSha256(b)));
}

/** Buffer.from uses Node's pool. A hash with the encoding 'buffer' allocates an ArrayBuffer, which takes longer than the hash. */
function octetsOf(sha256: string): Uint8Array {
  return Buffer.from(sha256, 'hex');
}
