/**
 * Finds the user of a management key. The store is asked at each request, so that the end of a key or of its user is in force at
 * once. A wrong one costs a guess of its source, out of the same budget as wrong tokens (guess-budget.ts).
 */
import { AppError } from '../errors.ts';
import type { ListedKey, User } from '../users/user.ts';
import type { UserStore } from '../users/user-store.ts';
import type { RequestSource } from './authenticate.ts';
import type { GuessBudget, GuessOutcome } from './guess-budget.ts';
import { sourceKey } from './rate-limits.ts';
import { tokenSha256, tokenState } from './token.ts';
import type { UnusedTokens } from './unused-tokens.ts';

export interface KeyAuthenticatorOptions {
  readonly users: Pick<UserStore, 'findKey' | 'findKeys'>;
  /** Shared with the tokens: whoever guesses has one budget. */
  readonly guesses: GuessBudget;
  /** Ends keys that are not used. */
  readonly unused: Pick<UnusedTokens, 'hasEnded'>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Called for each accepted key. */
  readonly onUse: (key: ListedKey) => void;
}

export interface AuthenticatedKey {
  readonly user: User;
  readonly key: ListedKey;
}

/** KEY_PREFIX, then a secret as newTokenSecret makes it. */
const KEY = /^dyn_[a-z0-9]{32}$/;

export class KeyAuthenticator {
  readonly #options: KeyAuthenticatorOptions;

  constructor(options: KeyAuthenticatorOptions) {
    this.#options = options;
  }

  /**
   * The user of a key that is known, not expired, not revoked and in use, and whose user is enabled. Every other text gets the same
   * error: also tokens and the master secret, which are no keys.
   * @throws AppError not-authenticated; too-many-guesses, before anything is compared; store-unreachable
   */
  async authenticate(text: string, { caller, peer }: RequestSource): Promise<AuthenticatedKey> {
    const sha256 = tokenSha256(text);
    const { open, settle } = await this.#options.guesses.admit(sourceKey(caller ?? peer), [sha256]);
    let outcome: GuessOutcome = 'unknown';
    try {
      const found = KEY.test(text) ? await this.#options.users.findKey(sha256) : undefined;
      const isValid = found !== undefined && (await this.#isValid(found));
      outcome = isValid ? 'right' : 'wrong';
      if (!isValid) throw new AppError('not-authenticated', 'The management key is wrong, or has ended.');
      this.#options.onUse(found.key);
      return found;
    } finally {
      settle(open.map(() => outcome));
    }
  }

  /** Of keys that were accepted before, those that still are, with their users as they are now. @throws AppError store-unreachable */
  async stillValid(keyIds: readonly string[]): Promise<ReadonlyMap<string, AuthenticatedKey>> {
    const valid = new Map<string, AuthenticatedKey>();
    for (const found of await this.#options.users.findKeys(keyIds)) {
      if (await this.#isValid(found)) valid.set(found.key.id, found);
    }
    return valid;
  }

  async #isValid({ user, key }: AuthenticatedKey): Promise<boolean> {
    const { now, unused } = this.#options;
    if (user.disabledMs !== undefined || tokenState(key, now()) !== 'valid') return false;
    return !(await unused.hasEnded(key));
  }
}
