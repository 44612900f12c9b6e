/** Which credentials of open streams are still valid: keys, sessions, and users whom a reverse proxy names. */
import type { KeyAuthenticator } from '../access/authenticate-key.ts';
import type { CheckedCredential, CredentialChecker } from '../users/credential.ts';
import type { User } from '../users/user.ts';
import type { UserStore } from '../users/user-store.ts';
import type { SessionAuthenticator } from './authenticate-session.ts';

export interface CredentialSources {
  readonly keys: Pick<KeyAuthenticator, 'stillValid'>;
  readonly sessions: Pick<SessionAuthenticator, 'stillValid'>;
  readonly users: Pick<UserStore, 'byId'>;
}

export function credentialChecker({ keys, sessions, users }: CredentialSources): CredentialChecker {
  return {
    async usersOf(credentials) {
      const idsOf = (kind: CheckedCredential['kind']) =>
        credentials.filter((credential) => credential.kind === kind).map(({ id }) => id);
      const found = new Map<string, User>();
      const [keyIds, sessionIds, userIds] = [idsOf('key'), idsOf('session'), idsOf('proxy')];
      if (keyIds.length > 0) for (const [id, { user }] of await keys.stillValid(keyIds)) found.set(id, user);
      if (sessionIds.length > 0) {
        for (const { session, user } of await sessions.stillValid(sessionIds)) found.set(session.id, user);
      }
      if (userIds.length > 0) {
        for (const [id, user] of await users.byId(userIds)) if (user.disabledMs === undefined) found.set(id, user);
      }
      return found;
    },
  };
}
