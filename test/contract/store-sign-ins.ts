/** The contract of a store: sessions, links and the secrets of users (SignInStore). */
import { describe, expect, it } from 'vitest';
import { tokenSha256 } from '../../src/core/access/token.ts';
import type { Store } from '../../src/core/store.ts';
import { MAX_SESSIONS, type OneTimeLink, type Session } from '../../src/core/users/sign-in.ts';
import { DEFAULT_QUOTAS } from '../../src/core/users/user.ts';
import { NOW_MS, newUser } from './store-fixtures.ts';

let sequence = 0;

function newSession(userId: string, fields: Partial<Session> = {}): Session {
  sequence += 1;
  return {
    id: `session-${sequence}`,
    userId,
    sha256: tokenSha256(`session ${sequence}`),
    createdMs: NOW_MS + sequence,
    endsMs: NOW_MS + 1_000_000,
    method: 'password',
    source: '192.0.2.1',
    userAgent: 'a browser',
    ...fields,
  };
}

function newLink(fields: Partial<OneTimeLink>): OneTimeLink {
  sequence += 1;
  return {
    id: `link-${sequence}`,
    kind: fields.userId === undefined ? 'invitation' : 'sign-in',
    sha256: tokenSha256(`link ${sequence}`),
    createdBy: 'operator',
    createdMs: NOW_MS + sequence,
    endsMs: NOW_MS + 1_000_000,
    ...fields,
  };
}

const INVITATION = { role: 'member', quotas: DEFAULT_QUOTAS } as const;

export function describeSignInStore(store: () => Store): void {
  const create = async (fields: Parameters<typeof newUser>[0] = {}) => {
    const user = newUser(fields);
    expect(await store().users.create(user)).toBe('created');
    return user;
  };
  const signIns = () => store().signIns;

  describe('sessions', () => {
    it('are found with their user, listed, and ended', async () => {
      const user = await create({ role: 'admin' });
      const [first, second] = [newSession(user.id), newSession(user.id)];
      expect(await signIns().createSession(first)).toBe('created');
      expect(await signIns().createSession(first)).toBe('created');
      expect(await signIns().createSession(second)).toBe('created');
      await store().tokens.touchLastUsed([{ tokenId: first.id, lastUsedMs: NOW_MS + 5 }]);
      const used = { ...first, lastUsedMs: NOW_MS + 5 };
      expect(await signIns().findSession(first.sha256)).toEqual({ session: used, user });
      expect(await signIns().findSessions([second.id, 'none', first.id, 'a\0'])).toHaveLength(2);
      expect(await signIns().listSessions(user.id)).toEqual([second, used]);
      expect(await signIns().endSession('another', first.id)).toBe('unknown');
      expect(await signIns().endSession(user.id, 'a\0')).toBe('unknown');
      expect(await signIns().endSession(user.id, first.id)).toBe('ended');
      expect(await signIns().endSession(user.id, first.id)).toBe('unknown');
      expect(await signIns().findSession(first.sha256)).toBeUndefined();
      const { disabledMs } = (await store().users.update(user.id, { disabledMs: NOW_MS })) as { disabledMs: number };
      expect((await signIns().findSession(second.sha256))?.user.disabledMs).toBe(disabledMs);
    });

    it('have an owner who exists, and end with the user', async () => {
      expect(await signIns().createSession(newSession('no one'))).toBe('user-unknown');
      const user = await create();
      const session = newSession(user.id);
      await signIns().createSession(session);
      await store().users.remove(user.id, { hosts: 'operator', tokens: 'revoke', history: 'keep' }, NOW_MS);
      expect(await signIns().findSession(session.sha256)).toBeUndefined();
    });

    it(`are ${MAX_SESSIONS} of a user at most: a new one ends the oldest`, async () => {
      const user = await create();
      const sessions = Array.from({ length: MAX_SESSIONS + 2 }, () => newSession(user.id));
      for (const session of sessions) await signIns().createSession(session);
      const left = await signIns().listSessions(user.id);
      expect(left.map(({ id }) => id)).toEqual(
        sessions
          .slice(2)
          .map(({ id }) => id)
          .reverse(),
      );
    });

    it('all end but one', async () => {
      const user = await create();
      const sessions = [newSession(user.id), newSession(user.id), newSession(user.id)];
      for (const session of sessions) await signIns().createSession(session);
      await signIns().endSessions(user.id, sessions[1]!.id);
      expect((await signIns().listSessions(user.id)).map(({ id }) => id)).toEqual([sessions[1]!.id]);
      await signIns().endSessions(user.id);
      expect(await signIns().listSessions(user.id)).toEqual([]);
    });

    it('and links are deleted after their end', async () => {
      const user = await create();
      const [old, valid] = [newSession(user.id, { endsMs: NOW_MS }), newSession(user.id)];
      for (const session of [old, valid]) await signIns().createSession(session);
      const link = newLink({ userId: user.id, endsMs: NOW_MS });
      await signIns().createLink(link);
      await signIns().prune(NOW_MS);
      expect((await signIns().listSessions(user.id)).map(({ id }) => id)).toEqual([valid.id]);
      expect(await signIns().findLink(link.sha256)).toBeUndefined();
    });
  });

  describe('links', () => {
    it('to sign in are valid once, until their end, and a new one ends the old', async () => {
      const user = await create();
      const [old, link] = [newLink({ userId: user.id }), newLink({ userId: user.id })];
      expect(await signIns().createLink(old)).toBe('created');
      expect(await signIns().createLink(link)).toBe('created');
      expect(await signIns().findLink(old.sha256)).toBeUndefined();
      expect(await signIns().findLink(link.sha256)).toEqual(link);
      expect(await signIns().takeLink(link.sha256, link.endsMs)).toBeUndefined();
      const taken = await Promise.all(Array.from({ length: 5 }, () => signIns().takeLink(link.sha256, NOW_MS)));
      expect(taken.filter((one) => one !== undefined)).toEqual([link]);
      expect(await signIns().createLink(newLink({ userId: 'no one' }))).toBe('user-unknown');
    });

    it('that invite create their user once, with a password', async () => {
      const link = newLink({ invitation: INVITATION, createdBy: 'anna' });
      expect(await signIns().createLink(link)).toBe('created');
      expect(await signIns().takeLink(link.sha256, NOW_MS)).toBeUndefined();
      expect((await signIns().listLinks('invitation'))[0]).toEqual(link);
      const taken = await create();
      const accept = (name: string) =>
        signIns().acceptInvitation(link.sha256, newUser({ name }), { password: 'phc' }, NOW_MS);
      expect(await accept(taken.name)).toBe('name-taken');
      const users = [newUser(), newUser(), newUser()];
      const outcomes = await Promise.all(
        users.map((user) => signIns().acceptInvitation(link.sha256, user, { password: 'phc' }, NOW_MS)),
      );
      expect([...outcomes].sort()).toEqual(['created', 'link-unknown', 'link-unknown']);
      const user = users[outcomes.indexOf('created')]!;
      expect(await store().users.get(user.name)).toEqual(user);
      expect(await signIns().secrets(user.id)).toEqual({ password: 'phc' });
      expect(await accept('another')).toBe('link-unknown');
      expect(await store().users.get('another')).toBeUndefined();
    });

    it('that invite end, are removed, and the first of a server is one alone', async () => {
      const ended = newLink({ invitation: INVITATION, endsMs: NOW_MS });
      await signIns().createLink(ended);
      expect(await signIns().acceptInvitation(ended.sha256, newUser(), {}, NOW_MS)).toBe('link-unknown');
      expect(await signIns().removeLink(ended.id)).toBe('removed');
      expect(await signIns().removeLink(ended.id)).toBe('unknown');
      expect(await signIns().removeLink('a\0')).toBe('unknown');
      const first = { role: 'admin', quotas: DEFAULT_QUOTAS, isFirst: true } as const;
      const [old, other, newer] = [
        newLink({ invitation: first }),
        newLink({ invitation: INVITATION }),
        newLink({ invitation: first }),
      ];
      for (const link of [old, other, newer]) await signIns().createLink(link);
      expect(await signIns().findLink(old.sha256)).toBeUndefined();
      expect(await signIns().findLink(other.sha256)).toEqual(other);
      expect(await signIns().findLink(newer.sha256)).toEqual(newer);
    });
  });

  describe('secrets of a user', () => {
    it('change one by one, and end with the user', async () => {
      const user = await create();
      expect(await signIns().secrets(user.id)).toBeUndefined();
      expect(await signIns().changeSecrets(user.id, { password: 'one' })).toBe('changed');
      expect(await signIns().changeSecrets(user.id, { pendingTotp: 'ABC' })).toBe('changed');
      expect(await signIns().secrets(user.id)).toEqual({ password: 'one', pendingTotp: 'ABC' });
      await signIns().changeSecrets(user.id, { totp: 'ABC', pendingTotp: null, password: 'two' });
      expect(await signIns().secrets(user.id)).toEqual({ password: 'two', totp: 'ABC' });
      expect(await signIns().changeSecrets(user.id, {})).toBe('changed');
      expect(await signIns().changeSecrets('no one', { password: 'x' })).toBe('user-unknown');
      await store().users.remove(user.id, { hosts: 'operator', tokens: 'revoke', history: 'keep' }, NOW_MS);
      expect(await signIns().secrets(user.id)).toBeUndefined();
    });

    it('have codes that are used once, and steps that only grow', async () => {
      const user = await create();
      expect(await signIns().useTotpStep(user.id, 1)).toBe(false);
      await signIns().changeSecrets(user.id, { totp: 'ABC', recoveryCodes: ['a', 'b'] });
      const uses = await Promise.all([1, 2, 3].map(() => signIns().useTotpStep(user.id, 7)));
      expect(uses.filter(Boolean)).toHaveLength(1);
      expect(await signIns().useTotpStep(user.id, 6)).toBe(false);
      expect(await signIns().useTotpStep(user.id, 8)).toBe(true);
      const codes = await Promise.all([1, 2].map(() => signIns().useRecoveryCode(user.id, 'a')));
      expect(codes.filter(Boolean)).toHaveLength(1);
      expect(await signIns().countRecoveryCodes(user.id)).toBe(1);
      await signIns().changeSecrets(user.id, { totp: null, recoveryCodes: [] });
      expect(await signIns().useRecoveryCode(user.id, 'b')).toBe(false);
      await signIns().changeSecrets(user.id, { totp: 'DEF' });
      expect(await signIns().useTotpStep(user.id, 7)).toBe(true);
    });

    it('have accounts at providers that belong to one user', async () => {
      const [user, other] = [await create(), await create()];
      const identity = { issuer: 'https://id.example', subject: 's 1', userId: user.id };
      expect(await signIns().addIdentity(identity)).toBe('added');
      expect(await signIns().addIdentity(identity)).toBe('added');
      expect(await signIns().addIdentity({ ...identity, userId: other.id })).toBe('taken');
      expect(await signIns().addIdentity({ ...identity, subject: 's 2', userId: 'no one' })).toBe('user-unknown');
      expect(await signIns().findIdentity(identity.issuer, 's 1')).toEqual(user);
      expect(await signIns().findIdentity(identity.issuer, 's 2')).toBeUndefined();
      expect(await signIns().findIdentity('https://other.example', 's 1')).toBeUndefined();
      expect(await signIns().findIdentity(identity.issuer, 'a\0')).toBeUndefined();
      await store().users.remove(user.id, { hosts: 'operator', tokens: 'revoke', history: 'keep' }, NOW_MS);
      expect(await signIns().addIdentity({ ...identity, userId: other.id })).toBe('added');
    });
  });
}
