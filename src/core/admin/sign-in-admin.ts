/** Signing in with a browser: passwords, links, invitations, second factors, and sessions. */
import { randomSecret, tokenSha256 } from '../access/token.ts';
import { AppError, invalidField } from '../errors.ts';
import { MAX_PASSWORD, MIN_PASSWORD } from '../sign-in/password.ts';
import { browserMark, type SignInGuard } from '../sign-in/sign-in-guard.ts';
import { newRecoveryCodes, newTotpSecret, plainRecoveryCode, totpStep, totpUri } from '../sign-in/totp.ts';
import type { UserCredential } from '../users/credential.ts';
import type { Invitation, LinkKind, ListedSession, OneTimeLink, SignInMethod } from '../users/sign-in.ts';
import { DEFAULT_QUOTAS, type User, type UserRole } from '../users/user.ts';
import { type AdminOptions, requireStore } from './admin-options.ts';
import { type AdminCaller, type Browser, type CallContext, userCaller } from './caller.ts';
import type { NormalInput, Result } from './operations.ts';
import type { InvitationView, SessionView } from './sign-in-operations.ts';
import { findUser, makeUser, newId, unknownUser, userView } from './user-admin.ts';
import { isoTime } from './views.ts';

const LINK_MS = 15 * 60_000;
const INVITATION_MS = 7 * 86_400_000;
const DAY_MS = 86_400_000;
const MAX_USER_AGENT = 300;
/** Users of one name at the OpenID provider. */
const MAX_SAME_NAMES = 100;
/** Invitations that are open at the same time. */
const MAX_INVITATIONS = 1_000;

type SessionCredential = Extract<UserCredential, { kind: 'session' }>;

export class SignInAdmin {
  readonly #options: AdminOptions;

  constructor(options: AdminOptions) {
    this.#options = options;
  }

  /** @throws AppError store-unreachable */
  async show(caller: AdminCaller): Promise<Result<'showSignIn'>> {
    const { oidcTitle } = this.#options.signIn;
    const { users } = await this.#users().page(1);
    const ways = ['link', 'password', ...(oidcTitle === undefined ? [] : ['oidc'])] as Result<'showSignIn'>['ways'];
    return {
      ways,
      signedIn: caller.kind === 'user',
      hasUsers: users.length > 0,
      ...(oidcTitle !== undefined && { oidcTitle }),
    };
  }

  /**
   * By a link, or by name and password; wrong ones get the same error and take the same time.
   * @throws AppError not-authenticated, rate-limited, store-unreachable; InputError
   */
  async signIn(
    { user: name, password, code, link }: NormalInput<'signIn'>,
    context: CallContext,
  ): Promise<Result<'signIn'>> {
    if (link !== undefined) return this.#signInByLink(link, context);
    if (name === undefined || password === undefined) {
      throw invalidField(name === undefined ? '/user' : '/password', 'Send `user` and `password`, or `link`.');
    }
    const browser = requireBrowser(context);
    const user = await this.#users().get(name);
    const secrets = await this.#signIns().secrets(user?.id ?? '');
    const phc = secrets?.password;
    const right = this.#guard().take(name, user?.id, phc, browser.mark);
    const isRight = await this.#guard().passwords.verify(password, phc);
    if (!isRight || user === undefined || phc === undefined || user.disabledMs !== undefined) {
      throw new AppError('not-authenticated', 'The name or the password is wrong.');
    }
    if (secrets?.totp !== undefined) {
      if (code === undefined) {
        right();
        return { state: 'code-needed' };
      }
      if (!(await this.#isCodeOf(user.id, secrets.totp, code))) {
        throw new AppError('not-authenticated', 'The code is wrong, or was used already.');
      }
    }
    right();
    browser.setMark(browserMark(user.id, phc, this.#options.random));
    return this.open(user, 'password', context);
  }

  /** @throws AppError not-authenticated */
  async #signInByLink(secret: string, context: CallContext): Promise<Result<'signIn'>> {
    requireBrowser(context);
    const link = await this.#signIns().takeLink(tokenSha256(secret), this.#options.now());
    const user = link?.userId === undefined ? undefined : (await this.#users().byId([link.userId])).get(link.userId);
    if (user === undefined || user.disabledMs !== undefined) throw wrongLink();
    return this.open(user, 'link', context);
  }

  /**
   * By an account of an OpenID provider: its first sign-in makes a user. What the user may, follows from the groups each time.
   * @throws AppError not-permitted (no role, or disabled), store-unreachable
   */
  async signInByAccount(
    { issuer, subject, name }: { readonly issuer: string; readonly subject: string; readonly name: string | undefined },
    role: UserRole | undefined,
    context: CallContext,
  ): Promise<Result<'signIn'>> {
    if (role === undefined) {
      throw new AppError('not-permitted', `The account '${name ?? subject}' is in no group that may sign in.`);
    }
    const known = await this.#signIns().findIdentity(issuer, subject);
    const user = known ?? (await this.#newUserFor(name ?? subject, role));
    if (known === undefined && (await this.#signIns().addIdentity({ issuer, subject, userId: user.id })) !== 'added') {
      throw new AppError('contended', 'The account signed in twice at the same time. Try again.');
    }
    if (user.disabledMs !== undefined) throw new AppError('not-permitted', `The user '${user.name}' is disabled.`);
    const current = user.role === role ? user : await this.#users().update(user.id, { role });
    if (current === undefined || current === 'last-admin') throw unknownUser(user.name);
    return this.open(current, 'oidc', context);
  }

  /** Never a user who exists: the provider must not say who that is. */
  async #newUserFor(wanted: string, role: UserRole): Promise<User> {
    const plain = wanted
      .toLowerCase()
      .replace(/[^a-z0-9._@+-]/g, '-')
      .replace(/^[^a-z0-9]+/, '')
      .slice(0, 56);
    const base = plain === '' || plain === 'operator' || plain === 'master' ? `user-${plain}` : plain;
    for (let number = 1; number <= MAX_SAME_NAMES; number += 1) {
      const user = makeUser({ name: number === 1 ? base : `${base}-${number}`, role }, this.#options);
      if ((await this.#users().create(user)) === 'created') return user;
    }
    throw new AppError('conflict', `There are too many users with names like '${base}'.`);
  }

  /** Begins a session of a user who was identified. @throws AppError store-unreachable */
  async open(user: User, method: SignInMethod, context: CallContext): Promise<Result<'signIn'>> {
    const { now, random, signIn } = this.#options;
    const { caller } = context;
    const secret = randomSecret(random);
    const createdMs = now();
    const endsMs = createdMs + signIn.sessionDays * DAY_MS;
    const { source, userAgent } = caller.kind === 'operator' ? { source: undefined, userAgent: '' } : caller;
    const created = await this.#signIns().createSession({
      id: newId(this.#options),
      userId: user.id,
      sha256: tokenSha256(secret),
      createdMs,
      endsMs,
      method,
      source: source?.text ?? '',
      userAgent: userAgent.slice(0, MAX_USER_AGENT),
    });
    if (created === 'user-unknown') throw wrongLink();
    requireBrowser(context).setSession(secret, endsMs);
    return { state: 'signed-in', user: userView(user) };
  }

  /** @throws AppError conflict without a session, store-unreachable */
  async signOut(context: CallContext): Promise<Record<never, never>> {
    const { user, credential } = requireSession(context.caller);
    await this.#signIns().endSession(user.id, credential.id);
    context.browser?.endSession();
    return {};
  }

  /** @throws AppError not-authenticated, store-unreachable */
  async showInvitation(secret: string): Promise<Result<'showInvitation'>> {
    const { invitation, endsMs } = await this.#findInvitation(secret);
    const { role, name, isFirst = false } = invitation;
    return { role, expires: isoTime(endsMs), isFirst, ...(name !== undefined && { name }) };
  }

  /** @throws AppError not-authenticated (the link has ended), conflict (the name is taken), rate-limited; InputError */
  async acceptInvitation(
    { link: secret, name, password }: NormalInput<'acceptInvitation'>,
    context: CallContext,
  ): Promise<Result<'signIn'>> {
    const browser = requireBrowser(context);
    const { user, phc } = await this.#accept(secret, name, password);
    if (phc !== undefined) browser.setMark(browserMark(user.id, phc, this.#options.random));
    return this.open(user, phc === undefined ? 'link' : 'password', context);
  }

  /**
   * Makes the first user of a server, an admin: the same as to accept the invitation of `inviteFirst`, without a browser.
   * @throws AppError conflict (there are users), rate-limited, store-unreachable; InputError
   */
  async createFirst(name: string, password: string): Promise<void> {
    const url = await this.inviteFirst();
    if (url === undefined) throw new AppError('conflict', 'There are users already.');
    await this.#accept(url.slice(url.indexOf('=') + 1), name, password);
  }

  async #accept(
    secret: string,
    name: string,
    password: string | undefined,
  ): Promise<{ readonly user: User; readonly phc: string | undefined }> {
    const { invitation, sha256 } = await this.#findInvitation(secret);
    if (invitation.name !== undefined && invitation.name !== name) {
      throw invalidField('/name', `The invitation is for the name '${invitation.name}'.`);
    }
    const { role, quotas } = invitation;
    const user = makeUser({ name, role, quotas }, this.#options);
    if (password !== undefined) checkPassword(password, name);
    const phc = password === undefined ? undefined : await this.#guard().passwords.hash(password);
    const secrets = phc === undefined ? {} : { password: phc };
    switch (await this.#signIns().acceptInvitation(sha256, user, secrets, this.#options.now())) {
      case 'created':
        return { user, phc };
      case 'name-taken':
        throw new AppError('conflict', `There is a user '${name}' already: choose another name.`);
      case 'link-unknown':
        throw wrongLink();
    }
  }

  /** @throws AppError store-unreachable */
  async invitations(): Promise<Result<'listInvitations'>> {
    const nowMs = this.#options.now();
    const links = await this.#signIns().listLinks('invitation');
    return { invitations: links.filter(({ endsMs }) => endsMs > nowMs).map(invitationView) };
  }

  /** @throws AppError conflict (no URL is known; too many), store-unreachable; InputError */
  async invite(
    { role = 'member', name, quotas = {} }: NormalInput<'createInvitation'>,
    caller: AdminCaller,
  ): Promise<Result<'createInvitation'>> {
    if (name !== undefined) {
      makeUser({ name }, this.#options);
      if ((await this.#users().get(name)) !== undefined) {
        throw new AppError('conflict', `There is a user '${name}' already.`);
      }
    }
    if ((await this.#signIns().listLinks('invitation')).length >= MAX_INVITATIONS) {
      throw new AppError('conflict', `There are ${MAX_INVITATIONS} open invitations already: end some first.`);
    }
    const invitation = { role, quotas: { ...DEFAULT_QUOTAS, ...quotas }, ...(name !== undefined && { name }) };
    const { link, url } = await this.#newLink('invitation', { invitation }, INVITATION_MS, caller);
    return { invitation: invitationView(link), url };
  }

  /**
   * The link by which the first user of a server becomes an admin; ends earlier ones. Undefined: there are users.
   * @throws AppError conflict, store-unreachable
   */
  async inviteFirst(): Promise<string | undefined> {
    if ((await this.#users().page(1)).users.length > 0) return undefined;
    const invitation: Invitation = { role: 'admin', quotas: DEFAULT_QUOTAS, isFirst: true };
    return (await this.#newLink('invitation', { invitation }, INVITATION_MS, { kind: 'operator' })).url;
  }

  /** @throws AppError name-invalid, store-unreachable */
  async removeInvitation(id: string): Promise<InvitationView> {
    const link = (await this.#signIns().listLinks('invitation')).find((each) => each.id === id);
    if (link === undefined || (await this.#signIns().removeLink(id)) === 'unknown') {
      throw new AppError('name-invalid', `There is no invitation '${id}'.`);
    }
    return invitationView(link);
  }

  /** @throws AppError name-invalid, conflict (no URL is known), store-unreachable */
  async createLink(name: string, caller: AdminCaller): Promise<Result<'createLink'>> {
    const user = await findUser(this.#options, name);
    const { link, url } = await this.#newLink('sign-in', { userId: user.id }, LINK_MS, caller);
    return { url, expires: isoTime(link.endsMs) };
  }

  async #newLink(
    kind: LinkKind,
    whom: Pick<OneTimeLink, 'userId' | 'invitation'>,
    validMs: number,
    caller: AdminCaller,
  ): Promise<{ readonly link: OneTimeLink; readonly url: string }> {
    const { now, random, signIn } = this.#options;
    const base = signIn.url();
    if (base === undefined) {
      throw new AppError('conflict', "The URL of the dashboard is not known: set 'admin.url' in the configuration.");
    }
    const secret = randomSecret(random);
    const createdMs = now();
    const link: OneTimeLink = {
      id: newId(this.#options),
      kind,
      sha256: tokenSha256(secret),
      ...whom,
      createdBy: caller.kind === 'user' ? caller.user.name : 'operator',
      createdMs,
      endsMs: createdMs + validMs,
    };
    if ((await this.#signIns().createLink(link)) === 'user-unknown') {
      throw new AppError('name-invalid', 'The user was removed meanwhile.');
    }
    return { link, url: `${base}/ui/#${kind === 'sign-in' ? 'link' : 'invitation'}=${secret}` };
  }

  /** Newest first. @throws AppError store-unreachable */
  async sessionsOfCaller(caller: AdminCaller): Promise<Result<'listMySessions'>> {
    return this.#sessionsOf(userCaller(caller).user.id, caller);
  }

  /** @throws AppError name-invalid, store-unreachable */
  async sessionsOf(name: string, caller: AdminCaller): Promise<Result<'listSessions'>> {
    return this.#sessionsOf((await findUser(this.#options, name)).id, caller);
  }

  async #sessionsOf(userId: string, caller: AdminCaller): Promise<Result<'listSessions'>> {
    // First: it writes the uses that the store then lists.
    await this.#options.uses?.lastUses([]);
    const nowMs = this.#options.now();
    const current = caller.kind === 'user' ? caller.credential.id : undefined;
    const sessions = (await this.#signIns().listSessions(userId)).filter(({ endsMs }) => endsMs > nowMs);
    return { sessions: sessions.map((session) => sessionView(session, current)) };
  }

  /** @throws AppError name-invalid, store-unreachable */
  async endSessionOfCaller(id: string, { caller, browser }: CallContext): Promise<Record<never, never>> {
    const { user, credential } = userCaller(caller);
    await this.#endSession(user.id, id);
    if (credential.id === id) browser?.endSession();
    return {};
  }

  /** @throws AppError name-invalid, store-unreachable */
  async endSession(name: string, id: string): Promise<Record<never, never>> {
    await this.#endSession((await findUser(this.#options, name)).id, id);
    return {};
  }

  async #endSession(userId: string, id: string): Promise<void> {
    if ((await this.#signIns().endSession(userId, id)) === 'unknown') {
      throw new AppError('name-invalid', `There is no session '${id}'.`);
    }
  }

  /** @throws AppError not-authenticated (`current` is wrong), conflict, rate-limited, store-unreachable; InputError */
  async changePassword({ password, current }: NormalInput<'changeMyPassword'>, context: CallContext) {
    const { user, credential } = requireSession(context.caller);
    checkPassword(password, user.name);
    const stored = (await this.#signIns().secrets(user.id))?.password;
    if (stored !== undefined && !this.#isFresh(credential)) {
      if (current === undefined) throw invalidField('/current', "'current' is missing: send the password of today.");
      const right = this.#guard().takeOf(credential.id);
      if (!(await this.#guard().passwords.verify(current, stored))) {
        throw invalidField('/current', 'The current password is wrong.');
      }
      right();
    }
    const phc = await this.#guard().passwords.hash(password);
    await this.#signIns().changeSecrets(user.id, { password: phc });
    await this.#signIns().endSessions(user.id, credential.id);
    context.browser?.setMark(browserMark(user.id, phc, this.#options.random));
    return {};
  }

  /** A link is the way back for a user who forgot the password. */
  #isFresh({ method, createdMs }: SessionCredential): boolean {
    return method === 'link' && this.#options.now() < createdMs + LINK_MS;
  }

  /** @throws AppError conflict (there is one already), store-unreachable */
  async startTotp(caller: AdminCaller): Promise<Result<'startTotp'>> {
    const { user } = requireSession(caller);
    const secrets = await this.#signIns().secrets(user.id);
    if (secrets?.totp !== undefined) {
      throw new AppError('conflict', 'A second factor is in force already: remove it first.');
    }
    if (secrets?.password === undefined) {
      throw new AppError('conflict', 'A second factor needs a password: set one first.');
    }
    const secret = newTotpSecret(this.#options.random);
    await this.#signIns().changeSecrets(user.id, { pendingTotp: secret });
    return { secret, uri: totpUri(secret, user.name, 'dyndns') };
  }

  /** @throws AppError conflict (nothing to confirm), rate-limited, store-unreachable; InputError */
  async confirmTotp(code: string, caller: AdminCaller): Promise<Result<'confirmTotp'>> {
    const { user, credential } = requireSession(caller);
    const pending = (await this.#signIns().secrets(user.id))?.pendingTotp;
    if (pending === undefined) throw new AppError('conflict', 'There is no second factor to confirm: begin again.');
    const right = this.#guard().takeOf(credential.id);
    const step = totpStep(pending, code, this.#options.now());
    if (step === undefined) throw invalidField('/code', 'The code is wrong. Check the clock of the device.');
    right();
    const recoveryCodes = newRecoveryCodes(this.#options.random);
    const hashes = recoveryCodes.map((each) => tokenSha256(plainRecoveryCode(each)));
    await this.#signIns().changeSecrets(user.id, { totp: pending, pendingTotp: null, recoveryCodes: hashes });
    await this.#signIns().useTotpStep(user.id, step);
    return { recoveryCodes };
  }

  /** @throws AppError conflict (there is none), rate-limited, store-unreachable; InputError */
  async endTotp(code: string, caller: AdminCaller): Promise<Record<never, never>> {
    const { user, credential } = requireSession(caller);
    const totp = (await this.#signIns().secrets(user.id))?.totp;
    if (totp === undefined) throw new AppError('conflict', 'There is no second factor.');
    const right = this.#guard().takeOf(credential.id);
    if (!(await this.#isCodeOf(user.id, totp, code))) throw invalidField('/code', 'The code is wrong, or was used.');
    right();
    await this.#removeTotp(user.id);
    return {};
  }

  /** @throws AppError name-invalid, store-unreachable */
  async removeTotp(name: string): Promise<Record<never, never>> {
    await this.#removeTotp((await findUser(this.#options, name)).id);
    return {};
  }

  async #removeTotp(userId: string): Promise<void> {
    await this.#signIns().changeSecrets(userId, { totp: null, pendingTotp: null, recoveryCodes: [] });
  }

  /** Uses the code up. */
  async #isCodeOf(userId: string, totp: string, code: string): Promise<boolean> {
    const step = totpStep(totp, code.replaceAll(' ', ''), this.#options.now());
    if (step !== undefined) return this.#signIns().useTotpStep(userId, step);
    return this.#signIns().useRecoveryCode(userId, tokenSha256(plainRecoveryCode(code)));
  }

  /** What the page of the user shows. @throws AppError store-unreachable */
  async stateOf(
    caller: AdminCaller,
  ): Promise<Pick<Result<'showMe'>, 'hasPassword' | 'hasTotp' | 'recoveryCodes' | 'session'>> {
    const { user, credential } = userCaller(caller);
    const secrets = await this.#signIns().secrets(user.id);
    const hasTotp = secrets?.totp !== undefined;
    return {
      hasPassword: secrets?.password !== undefined,
      hasTotp,
      ...(hasTotp && { recoveryCodes: await this.#signIns().countRecoveryCodes(user.id) }),
      ...(credential.kind === 'session' && {
        session: { id: credential.id, expires: isoTime(credential.endsMs), method: credential.method },
      }),
    };
  }

  async #findInvitation(secret: string): Promise<OneTimeLink & { readonly invitation: Invitation }> {
    const link = await this.#signIns().findLink(tokenSha256(secret));
    const { invitation } = link ?? {};
    if (link === undefined || invitation === undefined || link.endsMs <= this.#options.now()) throw wrongLink();
    return { ...link, invitation };
  }

  #users() {
    return requireStore(this.#options).users;
  }

  #signIns() {
    return requireStore(this.#options).signIns;
  }

  #guard(): SignInGuard {
    const { guard } = this.#options.signIn;
    if (guard !== undefined) return guard;
    throw new AppError('request-malformed', 'Only a running server signs users in.');
  }
}

/** @throws InputError */
function checkPassword(password: string, name: string): void {
  const rule = `A password has ${MIN_PASSWORD} to ${MAX_PASSWORD} characters`;
  if ([...password].length < MIN_PASSWORD) throw invalidField('/password', `${rule}: this one is shorter.`);
  if ([...password].length > MAX_PASSWORD) throw invalidField('/password', `${rule}: this one is longer.`);
  if (password.toLowerCase() === name)
    throw invalidField('/password', 'The password must not be the name of the user.');
}

/** @throws AppError request-malformed */
function requireBrowser({ browser }: CallContext): Browser {
  if (browser !== undefined) return browser;
  throw new AppError('request-malformed', 'This operation is for browsers: use the HTTP API.');
}

/** @throws AppError not-permitted: of a management key */
function requireSession(caller: AdminCaller) {
  if (caller.kind === 'user' && caller.credential.kind === 'session') {
    return { user: caller.user, credential: caller.credential };
  }
  throw new AppError('not-permitted', 'Only a user who signed in with a browser may do this.');
}

function wrongLink(): AppError {
  return new AppError(
    'not-authenticated',
    'The link is not valid: it was used, has ended, or a newer one replaced it.',
  );
}

function sessionView(session: ListedSession, currentId: string | undefined): SessionView {
  const { id, createdMs, endsMs, lastUsedMs = createdMs, method, source, userAgent } = session;
  return {
    id,
    created: isoTime(createdMs),
    lastUsed: isoTime(lastUsedMs),
    expires: isoTime(endsMs),
    method,
    source,
    userAgent,
    isCurrent: id === currentId,
  };
}

function invitationView({ id, invitation, createdBy, createdMs, endsMs }: OneTimeLink): InvitationView {
  const { role = 'member', name } = invitation ?? {};
  return {
    id,
    role,
    created: isoTime(createdMs),
    expires: isoTime(endsMs),
    createdBy,
    ...(name !== undefined && { name }),
  };
}
