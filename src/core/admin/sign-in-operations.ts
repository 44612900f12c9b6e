/** Operations to sign in with a browser: links, passwords, second factors, invitations and sessions. */
import { described, object, text, type ValueOf } from './schema.ts';
import { TIME } from './token-operations.ts';
import { NAME, QUOTAS, ROLE, USER_VIEW } from './user-operations.ts';

const LINK = described(text(128, 'the secret of a link'), 'The part of the link after `#link=` or `#invitation=`.');
const PASSWORD = described(text(200, 'a password of at most 200 characters'), 'The password.');
const NEW_PASSWORD = described(
  text(200, 'a password of 10 to 200 characters'),
  'The new password: 10 to 200 characters.',
);
const CODE = described(text(64), 'A code of the authenticator app, or a recovery code.');
const NOTHING = object({});

const SIGNED_IN = {
  ...object(
    {
      state: described(
        { enum: ['signed-in', 'code-needed'] } as const,
        '`code-needed`: the password is right; send it again with `code`.',
      ),
    },
    { user: USER_VIEW },
  ),
  title: 'a sign-in',
} as const;

export const SESSION = {
  ...object({
    id: { type: 'string' },
    created: TIME,
    lastUsed: described(TIME, 'Accurate to about a second.'),
    expires: described(TIME, 'It ends then, or earlier when it is not used.'),
    method: described({ enum: ['link', 'password', 'oidc'] } as const, 'How the user signed in.'),
    source: described({ type: 'string' }, 'The address that signed in; empty if it was not known.'),
    userAgent: { type: 'string' },
    isCurrent: described({ type: 'boolean' }, 'It is the session of this request.'),
  }),
  title: 'a session',
} as const;
export type SessionView = ValueOf<typeof SESSION>;

const SESSIONS = object({ sessions: described({ type: 'array', items: SESSION }, 'Newest first.') });

const INVITATION = {
  ...object(
    {
      id: { type: 'string' },
      role: ROLE,
      created: TIME,
      expires: TIME,
      createdBy: described({ type: 'string' }, 'The user who made it; `operator`: the command line or the server.'),
    },
    { name: described(NAME, 'The name that the new user gets. Absent: the user chooses it.') },
  ),
  title: 'an invitation',
} as const;
export type InvitationView = ValueOf<typeof INVITATION>;

const NEW_LINK = {
  ...object({
    url: described({ type: 'string' }, 'The link. It is shown only here, and is valid once.'),
    expires: TIME,
  }),
  title: 'a one-time link',
} as const;

/** For a browser without a session: not by the control socket, and not part of what a key may do. */
const BROWSER = { allowed: 'anyone', httpOnly: true } as const;

export const SIGN_IN_OPERATIONS = {
  showSignIn: {
    method: 'GET',
    path: '/v1/sign-in',
    ...BROWSER,
    summary: 'Says how users can sign in.',
    input: object({}),
    result: object(
      {
        ways: { type: 'array', items: { enum: ['link', 'password', 'oidc'] } as const },
        signedIn: described({ type: 'boolean' }, 'The request has a session, or a reverse proxy names its user.'),
        hasUsers: described({ type: 'boolean' }, 'False: the server has no users yet.'),
      },
      {
        oidcTitle: described({ type: 'string' } as const, 'What the button of the OpenID provider says.'),
        setup: described(
          { type: 'boolean' } as const,
          'True: `dyndns setup` answers; the server is not configured yet.',
        ),
      },
    ),
    example: {},
  },
  signIn: {
    method: 'POST',
    path: '/v1/sign-in',
    ...BROWSER,
    summary: 'Signs in with a password or a one-time link: the reply sets the cookie of a session.',
    input: object({}, { user: NAME, password: PASSWORD, code: CODE, link: LINK }),
    result: SIGNED_IN,
    example: { user: 'alice', password: 'correct horse battery' },
  },
  signOut: {
    method: 'DELETE',
    path: '/v1/sign-in',
    allowed: 'member',
    httpOnly: true,
    summary: 'Ends the session of this request.',
    input: object({}),
    result: NOTHING,
    example: {},
  },
  showInvitation: {
    method: 'POST',
    path: '/v1/invitations:show',
    ...BROWSER,
    isReading: true,
    summary: 'Shows the invitation of a link. The link stays valid.',
    input: object({ link: LINK }),
    result: object(
      { role: ROLE, expires: TIME, isFirst: described({ type: 'boolean' }, 'It makes the first user of the server.') },
      { name: described(NAME, 'The name that the new user gets. Absent: the user chooses it.') },
    ),
    example: { link: 'SECRET' },
  },
  acceptInvitation: {
    method: 'POST',
    path: '/v1/invitations:accept',
    ...BROWSER,
    summary:
      'Uses an invitation: creates the user and signs in. Without a password the user can sign in by links only.',
    input: object({ link: LINK, name: NAME }, { password: NEW_PASSWORD }),
    result: SIGNED_IN,
    example: { link: 'SECRET', name: 'bob', password: 'correct horse battery' },
  },
  listInvitations: {
    method: 'GET',
    path: '/v1/invitations',
    allowed: 'admin',
    summary: 'Lists the invitations that are still open, newest first.',
    input: object({}),
    result: object({ invitations: { type: 'array', items: INVITATION } }),
    example: {},
  },
  createInvitation: {
    method: 'POST',
    path: '/v1/invitations',
    allowed: 'admin',
    summary: 'Makes a link by which a person becomes a user. It is valid once, for seven days.',
    input: object({}, { role: ROLE, name: NAME, quotas: QUOTAS }),
    result: object({ invitation: INVITATION, url: NEW_LINK.properties.url }),
    creates: '/v1/invitations',
    example: { role: 'member', name: 'bob' },
  },
  removeInvitation: {
    method: 'DELETE',
    path: '/v1/invitations/{id}',
    allowed: 'admin',
    summary: 'Ends an invitation.',
    input: object({ id: described(text(64), 'The id of the invitation.') }),
    result: INVITATION,
    example: { id: '0123456789abcdef01234567' },
  },
  createLink: {
    method: 'POST',
    path: '/v1/users/{user}/link',
    allowed: 'admin',
    summary:
      'Makes a link by which the user signs in without a password. It is valid once, for 15 minutes, and ends earlier ones.',
    input: object({ user: NAME }),
    result: NEW_LINK,
    example: { user: 'alice' },
  },
  listMySessions: {
    method: 'GET',
    path: '/v1/me/sessions',
    allowed: 'member',
    httpOnly: true,
    summary: 'Lists where the user who asks is signed in.',
    input: object({}),
    result: SESSIONS,
    example: {},
  },
  endMySession: {
    method: 'DELETE',
    path: '/v1/me/sessions/{id}',
    allowed: 'member',
    httpOnly: true,
    summary: 'Ends a session of the user who asks. Open pages of it are signed out within a second.',
    input: object({ id: described(text(64), 'The id of the session.') }),
    result: NOTHING,
    example: { id: '0123456789abcdef01234567' },
  },
  listSessions: {
    method: 'GET',
    path: '/v1/users/{user}/sessions',
    allowed: 'admin',
    summary: 'Lists where a user is signed in.',
    input: object({ user: NAME }),
    result: SESSIONS,
    example: { user: 'alice' },
  },
  endSession: {
    method: 'DELETE',
    path: '/v1/users/{user}/sessions/{id}',
    allowed: 'admin',
    summary: 'Ends a session of a user. Open pages of it are signed out within a second.',
    input: object({ user: NAME, id: described(text(64), 'The id of the session.') }),
    result: NOTHING,
    example: { user: 'alice', id: '0123456789abcdef01234567' },
  },
  changeMyPassword: {
    method: 'PUT',
    path: '/v1/me/password',
    allowed: 'member',
    httpOnly: true,
    summary:
      'Sets the password of the user who is signed in, and ends all other sessions. `current` is needed where there is one, except soon after a sign-in by a link.',
    input: object({ password: NEW_PASSWORD }, { current: PASSWORD }),
    result: NOTHING,
    example: { password: 'correct horse battery', current: 'the old password' },
  },
  startTotp: {
    method: 'POST',
    path: '/v1/me/totp',
    allowed: 'member',
    httpOnly: true,
    summary: 'Makes the secret of a second factor (TOTP, RFC 6238). It is in force when a code confirms it.',
    input: object({}),
    result: object({
      secret: described({ type: 'string' }, 'In Base32.'),
      uri: described({ type: 'string' }, 'What the QR code for an authenticator app has.'),
    }),
    example: {},
  },
  confirmTotp: {
    method: 'PUT',
    path: '/v1/me/totp',
    allowed: 'member',
    httpOnly: true,
    summary: 'Puts the second factor in force. The result has the recovery codes, which cannot be read again.',
    input: object({ code: CODE }),
    result: object({ recoveryCodes: { type: 'array', items: { type: 'string' } } }),
    example: { code: '123456' },
  },
  endTotp: {
    method: 'POST',
    path: '/v1/me/totp:end',
    allowed: 'member',
    httpOnly: true,
    summary: 'Removes the second factor of the user who is signed in.',
    input: object({ code: CODE }),
    result: NOTHING,
    example: { code: '123456' },
  },
  removeTotp: {
    method: 'DELETE',
    path: '/v1/users/{user}/totp',
    allowed: 'admin',
    summary: 'Removes the second factor of a user who lost it.',
    input: object({ user: NAME }),
    result: NOTHING,
    example: { user: 'alice' },
  },
} as const;
