/**
 * Finds the user of a session. The store is asked at each request, so that the end of a session or of its user is in force at once, on
 * every server.
 */
import { tokenSha256 } from '../access/token.ts';
import { AppError } from '../errors.ts';
import type { ListedSession } from '../users/sign-in.ts';
import type { FoundSession, SignInStore } from '../users/sign-in-store.ts';

export interface SessionAuthenticatorOptions {
  readonly signIns: Pick<SignInStore, 'findSession' | 'findSessions'>;
  /** A session that is not used for this time ends. Called for each request: a reload changes it. */
  readonly idleMs: () => number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Called for each use. */
  readonly onUse: (session: ListedSession) => void;
}

/** A use is written about once a second; a store may be slow. */
const GRACE_MS = 60_000;

export class SessionAuthenticator {
  readonly #options: SessionAuthenticatorOptions;

  constructor(options: SessionAuthenticatorOptions) {
    this.#options = options;
  }

  /** @param secret of the cookie @throws AppError not-authenticated, store-unreachable */
  async authenticate(secret: string): Promise<FoundSession> {
    const found = await this.#options.signIns.findSession(tokenSha256(secret));
    if (found === undefined || !this.#isValid(found)) {
      throw new AppError('not-authenticated', 'You are signed out: the session has ended. Sign in again.');
    }
    this.#options.onUse(found.session);
    return found;
  }

  /** Of sessions that were accepted before, those that still are, as they are now. An open stream uses its session. */
  async stillValid(ids: readonly string[]): Promise<readonly FoundSession[]> {
    const found = (await this.#options.signIns.findSessions(ids)).filter((each) => this.#isValid(each));
    for (const { session } of found) this.#options.onUse(session);
    return found;
  }

  #isValid({ session, user }: FoundSession): boolean {
    const { now, idleMs } = this.#options;
    const lastMs = Math.max(session.createdMs, session.lastUsedMs ?? 0);
    const nowMs = now();
    return user.disabledMs === undefined && nowMs < session.endsMs && nowMs < lastMs + idleMs() + GRACE_MS;
  }
}
