/** Operations on users and their management keys, and of users on themselves. */
import { described, integer, NEXT, type NormalValueOf, object, PAGE, text, type ValueOf, YES_NO } from './schema.ts';
import { TIME, USER } from './token-operations.ts';

export const NAME = described(USER, 'The name of the user.');
export const ROLE = described(
  { enum: ['admin', 'member'] } as const,
  '`admin`: everything but files of the server. `member`: own hosts and tokens, and hosts that are shared.',
);
const KEY_NAME = described(text(64), 'The name of the key: for people and the audit list. Not secret.');
const EXPIRES = {
  type: 'string',
  pattern: '^[0-9-]{10}$',
  title: 'a day, like 2099-12-31',
  description: 'The last day on which it is valid, in UTC.',
} as const;
const MAX_UNUSED_DAYS = 'It ends when it was not used for this number of days, since its creation or its last use.';

const quota = (what: string) => described(integer(0, 1_000_000), `${what} 0: no limit.`);
export const QUOTAS = {
  ...object(
    {},
    {
      hosts: quota('Hosts that the user owns.'),
      tokens: quota('Valid tokens of the user.'),
      changesPerMinute: quota('Changes a minute, of all tokens of the user together.'),
    },
  ),
  title: 'quotas',
} as const;

export const USER_VIEW = {
  ...object(
    {
      name: NAME,
      role: ROLE,
      enabled: described({ type: 'boolean' }, 'False: keys and tokens of the user are refused.'),
      quotas: described(QUOTAS, 'Of a member; an admin has none.'),
      created: TIME,
    },
    { hosts: described({ type: 'integer' }, 'Hosts that the user owns.'), tokens: { type: 'integer' } },
  ),
  title: 'a user',
} as const;
export type UserView = NormalValueOf<typeof USER_VIEW>;

const KEY = {
  ...object(
    { name: KEY_NAME, state: { enum: ['valid', 'expired', 'unused', 'revoked'] }, created: TIME },
    {
      expires: EXPIRES,
      maxUnusedDays: described({ type: 'integer' }, MAX_UNUSED_DAYS),
      lastUsed: described(TIME, 'Accurate to about a second; absent: never.'),
      revoked: TIME,
    },
  ),
  title: 'a management key',
} as const;
export type KeyView = ValueOf<typeof KEY>;

const NEW_KEY = {
  ...object({ key: KEY, secret: described({ type: 'string' }, 'The key itself. It is shown only here.') }),
  title: 'a new management key',
} as const;
export type NewKeyView = ValueOf<typeof NEW_KEY>;

const NEW_KEY_FIELDS = { expires: EXPIRES, maxUnusedDays: described(integer(1, 36_500), MAX_UNUSED_DAYS) };
const KEYS = object({ keys: { type: 'array', items: KEY } });

export const USER_OPERATIONS = {
  showMe: {
    method: 'GET',
    path: '/v1/me',
    allowed: 'member',
    httpOnly: true,
    summary: 'Shows the user who asks, with quotas, and the zones in which the user may take names.',
    input: object({}),
    result: object(
      {
        user: USER_VIEW,
        claims: described(
          { type: 'array', items: object({ zone: { type: 'string' }, pattern: { type: 'string' } }) },
          'Zones in which members may take names, with the pattern relative to the zone.',
        ),
        hasPassword: { type: 'boolean' },
        hasTotp: described({ type: 'boolean' }, 'A second factor is in force.'),
      },
      {
        recoveryCodes: described({ type: 'integer' } as const, 'Recovery codes that are left.'),
        session: described(
          object({ id: { type: 'string' }, expires: TIME, method: { enum: ['link', 'password', 'oidc'] } as const }),
          'Of a request with the cookie of a session.',
        ),
      },
    ),
    example: {},
  },
  listMyKeys: {
    method: 'GET',
    path: '/v1/me/keys',
    allowed: 'member',
    httpOnly: true,
    summary: 'Lists the management keys of the user who asks.',
    input: object({}),
    result: KEYS,
    example: {},
  },
  createMyKey: {
    method: 'POST',
    path: '/v1/me/keys',
    allowed: 'member',
    httpOnly: true,
    summary: 'Makes a management key for the user who asks. The result has the key, which cannot be read again.',
    input: object({ name: KEY_NAME }, NEW_KEY_FIELDS),
    result: NEW_KEY,
    creates: '/v1/me/keys/{name}',
    example: { name: 'laptop', maxUnusedDays: 90 },
  },
  revokeMyKey: {
    method: 'DELETE',
    path: '/v1/me/keys/{name}',
    allowed: 'member',
    httpOnly: true,
    summary: 'Revokes a management key of the user who asks. It is refused from the next request on.',
    input: object({ name: KEY_NAME }),
    result: KEY,
    example: { name: 'laptop' },
  },
  listUsers: {
    method: 'GET',
    path: '/v1/users',
    allowed: 'admin',
    summary: 'Lists the users by name.',
    input: object({}, { search: described(text(64), 'Only users with this text in their name.'), ...PAGE }),
    result: object({ users: { type: 'array', items: USER_VIEW } }, NEXT),
    example: { limit: 100 },
  },
  createUser: {
    method: 'POST',
    path: '/v1/users',
    allowed: 'admin',
    summary: 'Creates a user. The user signs in with a management key.',
    input: object({ name: NAME }, { role: described(ROLE, `${ROLE.description} Without it: member.`), quotas: QUOTAS }),
    result: USER_VIEW,
    creates: '/v1/users/{name}',
    example: { name: 'alice', role: 'member', quotas: { hosts: 5 } },
  },
  showUser: {
    method: 'GET',
    path: '/v1/users/{name}',
    allowed: 'admin',
    summary: 'Shows a user with the numbers of hosts and tokens.',
    input: object({ name: NAME }),
    result: USER_VIEW,
    example: { name: 'alice' },
  },
  changeUser: {
    method: 'PATCH',
    path: '/v1/users/{name}',
    allowed: 'admin',
    summary: 'Changes the role or the quotas of a user, or disables and enables the user.',
    input: object({ name: NAME }, { role: ROLE, quotas: QUOTAS, enabled: YES_NO }),
    result: USER_VIEW,
    example: { name: 'alice', quotas: { hosts: 50 } },
  },
  removeUser: {
    method: 'DELETE',
    path: '/v1/users/{name}',
    allowed: 'admin',
    summary: 'Removes a user and the keys of the user. Says what becomes of hosts, tokens and history.',
    input: object({
      name: NAME,
      hosts: described(
        { enum: ['operator', 'remove'] } as const,
        '`operator`: hosts stay and belong to the operator. `remove`: their settings are removed. Records stay.',
      ),
      tokens: described(
        { enum: ['operator', 'revoke'] } as const,
        '`operator`: tokens stay valid and belong to the operator.',
      ),
      history: described({ enum: ['keep', 'purge'] } as const, 'Of the hosts that the user owned.'),
    }),
    result: USER_VIEW,
    example: { name: 'alice', hosts: 'operator', tokens: 'revoke', history: 'keep' },
  },
  listKeys: {
    method: 'GET',
    path: '/v1/users/{user}/keys',
    allowed: 'admin',
    summary: 'Lists the management keys of a user.',
    input: object({ user: NAME }),
    result: KEYS,
    example: { user: 'alice' },
  },
  createKey: {
    method: 'POST',
    path: '/v1/users/{user}/keys',
    allowed: 'admin',
    summary: 'Makes a management key for a user. The result has the key, which cannot be read again.',
    input: object({ user: NAME, name: KEY_NAME }, NEW_KEY_FIELDS),
    result: NEW_KEY,
    creates: '/v1/users/{user}/keys/{name}',
    example: { user: 'alice', name: 'laptop', expires: '2099-12-31' },
  },
  revokeKey: {
    method: 'DELETE',
    path: '/v1/users/{user}/keys/{name}',
    allowed: 'admin',
    summary: 'Revokes a management key of a user. It is refused from the next request on.',
    input: object({ user: NAME, name: KEY_NAME }),
    result: KEY,
    example: { user: 'alice', name: 'laptop' },
  },
} as const;
