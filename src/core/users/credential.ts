/** With what a user is identified at the HTTP API. */
import type { SignInMethod } from './sign-in.ts';
import type { User } from './user.ts';

export type UserCredential =
  | { readonly kind: 'key'; readonly id: string; readonly name: string }
  | {
      readonly kind: 'session';
      readonly id: string;
      readonly createdMs: number;
      readonly endsMs: number;
      readonly method: SignInMethod;
    }
  /** A reverse proxy names the user. The id is that of the user. */
  | { readonly kind: 'proxy'; readonly id: string };

export type CheckedCredential = Pick<UserCredential, 'kind' | 'id'>;

/** Which of the credentials of open streams are still valid. */
export interface CredentialChecker {
  /** @returns by the id of each valid credential its user as it is now @throws AppError store-unreachable */
  usersOf(credentials: readonly CheckedCredential[]): Promise<ReadonlyMap<string, User>>;
}
