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
import { tokenSha256, tokenState, unusedEndMs } from './token.ts';
import { GRACE_MS } from './unused-tokens.ts';

export interface KeyAuthenticatorOptions {
  readonly users: Pick<UserStore, 'findKey'>;
  /** Shared with the tokens: whoever guesses has one budget. */
  readonly guesses: GuessBudget;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Called for each accepted key. */
  readonly onUse: (key: ListedKey) => void;
}

export interface KeyHolder {
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
  async authenticate(text: string, { caller, peer }: RequestSource): Promise<KeyHolder> {
    const sha256 = tokenSha256(text);
    const { open, settle } = await this.#options.guesses.admit(sourceKey(caller ?? peer), [sha256]);
    let outcome: GuessOutcome = 'unknown';
    try {
      const found = KEY.test(text) ? await this.#options.users.findKey(sha256) : undefined;
      const isValid = found !== undefined && isUsable(found, this.#options.now());
      outcome = isValid ? 'right' : 'wrong';
      if (!isValid) throw new AppError('not-authenticated', 'The management key is wrong, or has ended.');
      this.#options.onUse(found.key);
      return found;
    } finally {
      settle(open.map(() => outcome));
    }
  }
}

/** Also asked again for as long as a stream is open. @param holder as the store has it now */
export function isUsable({ user, key }: KeyHolder, nowMs: number): boolean {
  if (user.disabledMs !== undefined || tokenState(key, nowMs) !== 'valid') return false;
  // A use may not be written yet.
  const endMs = unusedEndMs(key, Math.max(key.createdMs, key.lastUsedMs ?? 0) + GRACE_MS);
  return endMs === undefined || nowMs < endMs;
}
