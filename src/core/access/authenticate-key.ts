/**
 * Finds the user of a management key. The store is asked at each request, so that a key that is revoked, and a user who is
 * disabled, are refused from the next one on. A wrong key costs one guess of its source, like any credential.
 */
import { AppError } from '../errors.ts';
import { KEY_PREFIX, type ListedKey, type User } from '../users/user.ts';
import type { UserStore } from '../users/user-store.ts';
import type { RequestSource } from './authenticate.ts';
import type { GuessBudget } from './guess-budget.ts';
import { sourceKey } from './rate-limits.ts';
import { tokenSha256, tokenState, unusedEndMs } from './token.ts';

export interface KeyAuthenticatorOptions {
  readonly users: Pick<UserStore, 'findKey'>;
  /** The one of tokens. */
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

export class KeyAuthenticator {
  readonly #options: KeyAuthenticatorOptions;

  constructor(options: KeyAuthenticatorOptions) {
    this.#options = options;
  }

  /** @param text not empty @throws AppError not-authenticated, too-many-guesses, store-unreachable */
  async authenticate(text: string, { caller, peer }: RequestSource): Promise<KeyHolder> {
    const { users, guesses, now, onUse } = this.#options;
    const sha256 = tokenSha256(text);
    const { settle } = await guesses.admit(sourceKey(caller ?? peer), [sha256]);
    let outcome: 'right' | 'wrong' | 'unknown' = 'unknown';
    try {
      // What has not the form of a key is none; it is a guess all the same.
      const found = text.startsWith(KEY_PREFIX) ? await users.findKey(sha256) : undefined;
      const isValid = found !== undefined && isUsable(found, now());
      outcome = isValid ? 'right' : 'wrong';
      if (!isValid)
        throw new AppError('not-authenticated', 'The key is wrong, has ended, or belongs to a disabled user.');
      onUse(found.key);
      return found;
    } finally {
      settle([outcome]);
    }
  }
}

/** Also for keys of open streams. */
export function isUsable({ user, key }: KeyHolder, nowMs: number): boolean {
  if (user.disabledMs !== undefined || tokenState(key, nowMs) !== 'valid') return false;
  const endMs = unusedEndMs(key, Math.max(key.createdMs, key.lastUsedMs ?? 0));
  return endMs === undefined || nowMs < endMs;
}
