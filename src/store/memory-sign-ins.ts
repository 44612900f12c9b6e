/** Sessions, links and the secrets of users in memory. */
import type { Identity, OneTimeLink, Session, UserSecrets } from '../core/users/sign-in.ts';
import { MAX_SESSIONS } from '../core/users/sign-in.ts';
import type { SignInStore } from '../core/users/sign-in-store.ts';
import type { Clients } from './memory-clients.ts';
import { compareTexts } from './rows.ts';
import { linkOf, linkRow, sessionOf, sessionRow } from './rows-users.ts';

interface Secrets extends UserSecrets {
  readonly totpStep?: number;
  readonly recoveryCodes?: ReadonlySet<string>;
}

export interface SignIns {
  /** By id. */
  readonly sessions: Map<string, Session>;
  readonly links: Map<string, OneTimeLink>;
  /** By the id of the user. */
  readonly secrets: Map<string, Secrets>;
  /** By issuer and subject, as JSON. */
  readonly identities: Map<string, Identity>;
}

export function newSignIns(): SignIns {
  return { sessions: new Map(), links: new Map(), secrets: new Map(), identities: new Map() };
}

/** Of a user who is removed. */
export function forgetSignIns({ sessions, links, secrets, identities }: SignIns, userId: string): void {
  for (const map of [sessions, links, identities] as Map<string, { readonly userId?: string }>[]) {
    for (const [id, each] of map) if (each.userId === userId) map.delete(id);
  }
  secrets.delete(userId);
}

export function memorySignInStore({ users, lastUses }: Clients, all: SignIns): SignInStore {
  const { sessions, links, secrets, identities } = all;
  const listed = (session: Session) =>
    sessionOf({ ...sessionRow(session), last_used_ms: lastUses.get(session.id) ?? null });
  const found = (session: Session | undefined) =>
    session && { session: listed(session), user: users.get(session.userId)! };
  const sessionsOf = (userId: string) =>
    [...sessions.values()]
      .filter((session) => session.userId === userId)
      .sort((a, b) => b.createdMs - a.createdMs || compareTexts(a.id, b.id));
  const linkWith = (sha256: string) => [...links.values()].find((link) => link.sha256 === sha256);
  const valid = (sha256: string, nowMs: number) => {
    const link = linkWith(sha256);
    return link !== undefined && link.endsMs > nowMs ? link : undefined;
  };
  return {
    async createSession(session) {
      if (!users.has(session.userId)) return 'user-unknown';
      sessions.set(session.id, session);
      for (const { id } of sessionsOf(session.userId).slice(MAX_SESSIONS)) sessions.delete(id);
      return 'created';
    },
    findSession: async (sha256) => found([...sessions.values()].find((session) => session.sha256 === sha256)),
    findSessions: async (ids) => ids.flatMap((id) => found(sessions.get(id)) ?? []),
    listSessions: async (userId) => sessionsOf(userId).map(listed),
    async endSession(userId, id) {
      return sessions.get(id)?.userId === userId && sessions.delete(id) ? 'ended' : 'unknown';
    },
    async endSessions(userId, exceptId) {
      for (const { id } of sessionsOf(userId)) if (id !== exceptId) sessions.delete(id);
    },
    async createLink(link) {
      if (link.userId !== undefined && !users.has(link.userId)) return 'user-unknown';
      for (const { id, userId, invitation } of [...links.values()]) {
        const isOfUser = userId !== undefined && userId === link.userId;
        if (isOfUser || (link.invitation?.isFirst && invitation?.isFirst)) links.delete(id);
      }
      links.set(link.id, linkOf(linkRow(link)));
      return 'created';
    },
    findLink: async (sha256) => linkWith(sha256),
    async takeLink(sha256, nowMs) {
      const link = valid(sha256, nowMs);
      if (link?.kind !== 'sign-in') return undefined;
      links.delete(link.id);
      return link;
    },
    async acceptInvitation(sha256, user, { password }, nowMs) {
      if ([...users.values()].some(({ name, id }) => name === user.name && id !== user.id)) {
        return valid(sha256, nowMs)?.kind === 'invitation' ? 'name-taken' : 'link-unknown';
      }
      if (users.has(user.id)) return 'created';
      const link = valid(sha256, nowMs);
      if (link?.kind !== 'invitation') return 'link-unknown';
      links.delete(link.id);
      users.set(user.id, user);
      if (password !== undefined) secrets.set(user.id, { password });
      return 'created';
    },
    async listLinks(kind) {
      return [...links.values()]
        .filter((link) => link.kind === kind)
        .sort((a, b) => b.createdMs - a.createdMs || compareTexts(a.id, b.id));
    },
    removeLink: async (id) => (links.delete(id) ? 'removed' : 'unknown'),
    async secrets(userId) {
      const { password, totp, pendingTotp } = secrets.get(userId) ?? {};
      if (password === undefined && totp === undefined && pendingTotp === undefined) return undefined;
      return { ...(password && { password }), ...(totp && { totp }), ...(pendingTotp && { pendingTotp }) };
    },
    async changeSecrets(userId, { recoveryCodes, ...change }) {
      if (!users.has(userId)) return 'user-unknown';
      const changed: Record<string, unknown> = { ...secrets.get(userId) };
      for (const [field, value] of Object.entries(change)) {
        if (value === null) delete changed[field];
        else if (value !== undefined) changed[field] = value;
      }
      if (change.totp !== undefined) delete changed['totpStep'];
      if (recoveryCodes !== undefined) changed['recoveryCodes'] = new Set(recoveryCodes);
      secrets.set(userId, changed);
      return 'changed';
    },
    async useTotpStep(userId, step) {
      const stored = secrets.get(userId);
      if (stored === undefined || (stored.totpStep ?? -1) >= step) return false;
      secrets.set(userId, { ...stored, totpStep: step });
      return true;
    },
    async useRecoveryCode(userId, sha256) {
      const stored = secrets.get(userId);
      if (stored?.recoveryCodes?.has(sha256) !== true) return false;
      const recoveryCodes = new Set([...stored.recoveryCodes].filter((code) => code !== sha256));
      secrets.set(userId, { ...stored, recoveryCodes });
      return true;
    },
    countRecoveryCodes: async (userId) => secrets.get(userId)?.recoveryCodes?.size ?? 0,
    async findIdentity(issuer, subject) {
      const identity = identities.get(JSON.stringify([issuer, subject]));
      return identity && users.get(identity.userId);
    },
    async addIdentity(identity) {
      const key = JSON.stringify([identity.issuer, identity.subject]);
      const stored = identities.get(key);
      if (stored !== undefined) return stored.userId === identity.userId ? 'added' : 'taken';
      if (!users.has(identity.userId)) return 'user-unknown';
      identities.set(key, identity);
      return 'added';
    },
    async prune(nowMs) {
      for (const map of [sessions, links] as Map<string, { readonly endsMs: number }>[]) {
        for (const [id, { endsMs }] of map) if (endsMs <= nowMs) map.delete(id);
      }
    },
  };
}
