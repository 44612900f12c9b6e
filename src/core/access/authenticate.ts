/**
 * Finds the principal of a request among its candidates: the master secret first, then the tokens of the configuration, then
 * those of the store. The first candidate that is a credential decides. Candidates are compared by their SHA-256, so the time of
 * the answer shows neither their length nor their content. What wrong ones cost is in guess-budget.ts.
 */

import { timingSafeEqual } from 'node:crypto';
import type { IpAddress } from '../../dns/address.ts';
import { AppError } from '../errors.ts';
import type { GuessBudget, GuessOutcome } from './guess-budget.ts';
import { MASTER, type Principal } from './principal.ts';
import { sourceKey } from './rate-limits.ts';
import { requireCaller } from './require-caller.ts';
import { type HostToken, tokenAllowsSource, tokenSha256, tokenState } from './token.ts';
import type { TokenStore } from './token-store.ts';
import type { UnusedTokens } from './unused-tokens.ts';

export interface AuthenticatorOptions {
  /** Absent or empty: there is no master secret. */
  readonly masterSecret?: string | undefined;
  /** The tokens of the configuration file. */
  readonly tokens?: readonly HostToken[];
  readonly store?: Pick<TokenStore, 'cachedBySha256' | 'findBySha256' | 'findAllBySha256'> | undefined;
  /** Outlives the authenticator: a reload gives no one a new budget. */
  readonly guesses: GuessBudget;
  /** Ends tokens that are not used; absent without a store, which has their last use. */
  readonly unused?: Pick<UnusedTokens, 'hasEnded'> | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Called for each accepted token. */
  readonly onUse?: (token: HostToken) => void;
}

/** Where a request comes from, as far as it is known. */
export interface RequestSource {
  readonly caller?: IpAddress | undefined;
  /** The other end of the connection: a caller who is unknown is counted under it. */
  readonly peer?: IpAddress | undefined;
}

/** A text of a request that may be a credential. */
export interface Candidate {
  /** Not empty. */
  readonly text: string;
  /**
   * The user name of Basic, which follows its password if that is a candidate. It counts for tokens only: a master secret that
   * was typed there is in logs of proxies already.
   */
  readonly isUserName: boolean;
}

export interface Authenticated {
  readonly principal: Principal;
  /** The one that decided. */
  readonly candidate: Candidate;
}

/** `other-kind`: at least one candidate is a credential, but none is of a kind that the request accepts. */
export type Authentication = Authenticated | 'wrong' | 'other-kind';

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
   * The principal of the first candidate that is a credential: known, not expired, not revoked, of an owner who is not disabled,
   * and used from a source that it allows. A promise unless the only candidate, or the password before a user name, is right and needs no query.
   * @param candidates with distinct texts, in order of precedence
   * @param source where the request comes from
   * @param isOfKind a credential that this request accepts
   * @throws AppError too-many-guesses, before anything is evaluated; caller-unknown where only a token would be right that is
   *   limited to sources; store-unreachable
   */
  authenticate(
    candidates: readonly Candidate[],
    { caller, peer }: RequestSource = {},
    isOfKind: (principal: Principal) => boolean = anyKind,
  ): Authentication | Promise<Authentication> {
    const [first, second] = candidates;
    if (first === undefined) return 'wrong';
    if (second === undefined || (second.isUserName && candidates.length === 2)) {
      const { guesses } = this.#options;
      const source = sourceKey(caller ?? peer);
      const sha256 = tokenSha256(first.text);
      if (guesses.allows(source, sha256, candidates.length)) {
        const found = this.#configured(first, sha256, caller) ?? this.#cached(sha256, caller);
        if (found !== undefined && isOfKind(found) && this.#hasEnded(found) === false) {
          const isNew = guesses.right(source, sha256);
          if (isNew && second !== undefined) guesses.account(source, tokenSha256(second.text));
          return this.#use(found, first);
        }
      }
    }
    return this.#authenticateAll(candidates, { caller, peer }, isOfKind);
  }

  async #authenticateAll(
    candidates: readonly Candidate[],
    { caller, peer }: RequestSource,
    isOfKind: (principal: Principal) => boolean,
  ): Promise<Authentication> {
    const hashes = candidates.map(({ text }) => tokenSha256(text));
    const { open, settle } = await this.#options.guesses.admit(sourceKey(caller ?? peer), hashes);
    let outcomes: GuessOutcome[] = open.map(() => 'unknown');
    /** Hashes of tokens that are limited to sources, where the caller is not known. */
    const unplaced = new Set<string>();
    try {
      const found = await this.#findAll(
        open.map((index) => ({ candidate: candidates[index]!, sha256: hashes[index]! })),
        caller,
        isOfKind,
        unplaced,
      );
      for (const [at, one] of found.entries()) {
        if (typeof one === 'object' && (await this.#hasEnded(one))) found[at] = 'none';
      }
      outcomes = found.map((one, at) => {
        if (one === 'unknown' || unplaced.has(hashes[open[at]!]!)) return 'unknown';
        return one !== 'none' && isOfKind(one) ? 'right' : 'wrong';
      });
      // A user name beside its right password is the name of an account, not a guess.
      const isBesidePassword = open[0] === 0 && open[1] === 1 && outcomes[0] === 'right';
      if (isBesidePassword && candidates[1]!.isUserName && outcomes[1] === 'wrong') outcomes[1] = 'account';
      const at = outcomes.indexOf('right');
      if (at >= 0) return this.#use(found[at] as Principal, candidates[open[at]!]!);
      if (unplaced.size > 0) requireCaller(caller);
      return found.some((one) => typeof one === 'object') ? 'other-kind' : 'wrong';
    } finally {
      settle(outcomes);
    }
  }

  /** The principal of each candidate. `unknown`: the store is unreachable, but another candidate needs no store. */
  async #findAll(
    candidates: readonly { readonly candidate: Candidate; readonly sha256: string }[],
    caller: IpAddress | undefined,
    isOfKind: (principal: Principal) => boolean,
    unplaced: Set<string>,
  ): Promise<(Principal | 'none' | 'unknown')[]> {
    const configured = candidates.map(({ candidate, sha256 }) => this.#configured(candidate, sha256, caller, unplaced));
    const { store } = this.#options;
    const missing = candidates.flatMap(({ sha256 }, at) =>
      configured[at] === undefined && !this.#tokens.has(sha256) ? [sha256] : [],
    );
    if (store === undefined || missing.length === 0) return configured.map((one) => one ?? 'none');
    try {
      const [only] = missing;
      const tokens = missing.length === 1 ? [await store.findBySha256(only!)] : await store.findAllBySha256(missing);
      return candidates.map(({ sha256 }, at) => {
        const asked = missing.indexOf(sha256);
        return configured[at] ?? (asked < 0 ? undefined : this.#valid(tokens[asked], caller, unplaced)) ?? 'none';
      });
    } catch (error) {
      const isUnreachable = error instanceof AppError && error.code === 'store-unreachable';
      if (!isUnreachable || !configured.some((one) => one !== undefined && isOfKind(one))) throw error;
      return candidates.map(({ sha256 }, at) => configured[at] ?? (missing.includes(sha256) ? 'unknown' : 'none'));
    }
  }

  /** The principal that needs no store. */
  #configured(
    { isUserName }: Candidate,
    sha256: string,
    caller: IpAddress | undefined,
    unplaced?: Set<string>,
  ): Principal | undefined {
    const masterHash = isUserName ? undefined : this.#masterHash;
    if (masterHash !== undefined && timingSafeEqual(octetsOf(sha256), masterHash)) return MASTER;
    return this.#tokens.size === 0 ? undefined : this.#valid(this.#tokens.get(sha256), caller, unplaced);
  }

  /** The principal of a token of the store, if that needs no query. */
  #cached(sha256: string, caller: IpAddress | undefined): Principal | undefined {
    if (this.#tokens.has(sha256)) return undefined;
    return this.#valid(this.#options.store?.cachedBySha256(sha256), caller);
  }

  /** @param unplaced gets the hash of a token whose `sources` cannot be checked */
  #valid(token: HostToken | undefined, caller: IpAddress | undefined, unplaced?: Set<string>): Principal | undefined {
    if (token === undefined || tokenState(token, this.#options.now()) !== 'valid') return undefined;
    if (token.owner?.isDisabled === true) return undefined;
    if (token.sources !== undefined && caller === undefined) {
      unplaced?.add(token.sha256);
      return undefined;
    }
    return tokenAllowsSource(token, caller) ? { kind: 'token', token } : undefined;
  }

  /** Has the token ended because it was not used? @throws AppError store-unreachable (rejects) */
  #hasEnded(principal: Principal): boolean | Promise<boolean> {
    const { unused } = this.#options;
    return principal.kind === 'token' && unused !== undefined && unused.hasEnded(principal.token);
  }

  #use(principal: Principal, candidate: Candidate): Authenticated {
    if (principal.kind === 'token') this.#options.onUse?.(principal.token);
    return { principal, candidate };
  }
}

const anyKind = () => true;

/** Compares in constant time. */
export function sameText(a: string, b: string): boolean {
  return timingSafeEqual(octetsOf(tokenSha256(a)), octetsOf(tokenSha256(b)));
}

/** Buffer.from uses Node's pool. A hash with the encoding 'buffer' allocates an ArrayBuffer, which takes longer than the hash. */
function octetsOf(sha256: string): Uint8Array {
  return Buffer.from(sha256, 'hex');
}
