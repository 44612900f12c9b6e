/** Contract: where sessions, links and the secrets of users are stored. See core/store.ts for durability and errors. */
import type { Identity, LinkKind, ListedSession, OneTimeLink, Session, UserSecrets } from './sign-in.ts';
import type { User } from './user.ts';

export interface FoundSession {
  readonly session: ListedSession;
  readonly user: User;
}

/** What changes; null: it is removed; absent: it stays. */
export interface SecretsChange {
  readonly password?: string | null;
  readonly totp?: string | null;
  readonly pendingTotp?: string | null;
  /** SHA-256 of each: they replace all others. */
  readonly recoveryCodes?: readonly string[];
}

export interface SignInStore {
  /** The oldest sessions of the user beyond MAX_SESSIONS end. `user-unknown`: there is no such user. */
  createSession(session: Session): Promise<'created' | 'user-unknown'>;

  /** With the user as it is now. Not cached: the end of a session is in force at once. */
  findSession(sha256: string): Promise<FoundSession | undefined>;

  /** By id, as `findSession`; for streams, which ask again while they are open. */
  findSessions(ids: readonly string[]): Promise<readonly FoundSession[]>;

  /** Newest first. */
  listSessions(userId: string): Promise<readonly ListedSession[]>;

  endSession(userId: string, id: string): Promise<'ended' | 'unknown'>;

  /** Ends all sessions of a user. @param exceptId one that stays */
  endSessions(userId: string, exceptId?: string): Promise<void>;

  /** A sign-in link ends earlier ones of its user; the first invitation (`isFirst`) ends earlier ones of its kind. */
  createLink(link: OneTimeLink): Promise<'created' | 'user-unknown'>;

  /** Does not use it up. */
  findLink(sha256: string): Promise<OneTimeLink | undefined>;

  /** Uses up a sign-in link: of several callers one gets it. */
  takeLink(sha256: string, nowMs: number): Promise<OneTimeLink | undefined>;

  /**
   * Uses up an invitation and creates its user, both or neither.
   * `link-unknown`: it was used, has ended, or there is none.
   */
  acceptInvitation(
    sha256: string,
    user: User,
    secrets: Pick<UserSecrets, 'password'>,
    nowMs: number,
  ): Promise<'created' | 'name-taken' | 'link-unknown'>;

  /** Newest first. */
  listLinks(kind: LinkKind): Promise<readonly OneTimeLink[]>;

  removeLink(id: string): Promise<'removed' | 'unknown'>;

  /** Undefined where the user has none. */
  secrets(userId: string): Promise<UserSecrets | undefined>;

  /** `user-unknown`: there is no such user. */
  changeSecrets(userId: string, change: SecretsChange): Promise<'changed' | 'user-unknown'>;

  /** Uses up the time step of a code. @returns false: this step, or a later one, was used before */
  useTotpStep(userId: string, step: number): Promise<boolean>;

  /** Uses up a recovery code. @returns false: there is none */
  useRecoveryCode(userId: string, sha256: string): Promise<boolean>;

  countRecoveryCodes(userId: string): Promise<number>;

  /** The user of an account at an OpenID provider. */
  findIdentity(issuer: string, subject: string): Promise<User | undefined>;

  /** `taken`: the account belongs to another user. */
  addIdentity(identity: Identity): Promise<'added' | 'taken' | 'user-unknown'>;

  /** Deletes sessions and links that ended before. */
  prune(nowMs: number): Promise<void>;
}
