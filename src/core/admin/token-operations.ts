/** Operations on tokens. Tokens of the configuration file are listed here, and changed only in the file. */
import { described, integer, list, NEXT, object, PAGE, text, type ValueOf, YES_NO } from './schema.ts';

/** A name of 255 octets (RFC 1035 §2.3.4), each of them written as `\DDD`. */
export const OWNER_NAME = text(1024, "a full name, like home.dyndns.example.com or '*.lab.dyndns.example.com'");
export const PREFIX = text(64, 'an IP address or a prefix like 192.0.2.0/24');
export const MAX_ITEMS = 1000;

export const ORIGIN = described(
  { enum: ['configuration', 'store'] },
  'Where it is defined: the configuration file or the store.',
);
export const TIME = { type: 'string', title: 'a time in UTC (ISO 8601)' } as const;

const NAME = described(text(64), 'The name of the token: for people, the log and the history. Not secret.');
const HOSTS = described(
  list(OWNER_NAME, MAX_ITEMS),
  'Owner names that it may change. `*.x` covers every name below `x`.',
);
const TYPES = described(
  list(text(16, 'A, AAAA, TXT, CNAME, MX, SRV, CAA, PTR, TLSA, SSHFP, HTTPS or SVCB'), MAX_ITEMS),
  'RR types that it may change.',
);
const ADDRESSES = {
  anyOf: [{ enum: ['any', 'own'] }, list(PREFIX, MAX_ITEMS)],
  title: 'any, own, or a list of IP addresses and prefixes like [192.0.2.0/24]',
  description: 'Addresses that it may publish. `own`: only the address that the request comes from.',
} as const;
const SOURCES = described(
  list(PREFIX, MAX_ITEMS),
  'Prefixes that its requests must come from. Without it: any address.',
);
const EXPIRES = {
  type: 'string',
  pattern: '^[0-9-]{10}$',
  title: 'a day, like 2099-12-31',
  description: 'The last day on which it is valid, in UTC.',
} as const;
const REGISTER = 'It may create accounts of acme-dns (`/register`), from any address.';
const MAX_UNUSED_DAYS = 'It ends when it was not used for this number of days, since its creation or its last use.';
const FREEDNS_USER = {
  type: 'string',
  pattern: '^[a-z0-9._@+-]{1,64}$',
  title: 'a user name of 1 to 64 lower-case letters, digits and the signs . _ @ + -',
  description:
    'Makes it a token for FreeDNS version 1 only: the secret is the password of this user. In lower case, because some clients hash it so.',
} as const;

/** The name of a user: an owner, or whom something is shared with. */
export const USER = {
  type: 'string',
  pattern: '^[a-z0-9._@+-]{1,64}$',
  title: 'the name of a user: 1 to 64 lower-case letters, digits and the signs . _ @ + -',
} as const;
const OWNER = described(USER, 'The user whom it belongs to. Without it: the operator, or the member who asks.');

export const TOKEN = {
  ...object(
    {
      name: NAME,
      origin: ORIGIN,
      hosts: HOSTS,
      types: TYPES,
      addresses: ADDRESSES,
      state: described(
        { enum: ['valid', 'expired', 'unused', 'revoked'] },
        'Only a valid token is accepted. `unused`: it has ended, by `maxUnusedDays`.',
      ),
    },
    {
      owner: described(USER, 'The user whom it belongs to. Absent: the operator.'),
      sources: SOURCES,
      expires: EXPIRES,
      register: described({ type: 'boolean' }, REGISTER),
      maxUnusedDays: described({ type: 'integer' }, MAX_UNUSED_DAYS),
      created: described(TIME, 'Absent for tokens of the configuration file.'),
      revoked: described(TIME, 'When it was revoked.'),
      lastUsed: described(TIME, 'The last use, if that is known.'),
    },
  ),
  title: 'a token',
} as const;
export type TokenView = ValueOf<typeof TOKEN>;

const NEW_TOKEN = {
  ...object(
    {
      token: TOKEN,
      secret: described({ type: 'string' }, 'The credential of the client. It is shown only here.'),
      sha256: described({ type: 'string' }, 'The SHA-256 of the credential, for `tokens` in the configuration file.'),
    },
    { freednsUser: FREEDNS_USER },
  ),
  title: 'a new token',
} as const;
export type NewTokenView = ValueOf<typeof NEW_TOKEN>;

const NEW_TOKEN_FIELDS = {
  types: described(TYPES, 'RR types that it may change. None: A and AAAA.'),
  addresses: described(ADDRESSES, `${ADDRESSES.description} Without it: \`any\`.`),
  sources: SOURCES,
  expires: EXPIRES,
  register: described(YES_NO, `${REGISTER} Not for tokens of members.`),
  maxUnusedDays: described(integer(1, 36_500), MAX_UNUSED_DAYS),
  freednsUser: FREEDNS_USER,
};

/** Customers that one request makes, each with a token, its hosts and its owner. */
export const MAX_BATCH = 10_000;

const BATCH_TOKEN = {
  ...object({ name: NAME, hosts: HOSTS }, { ...NEW_TOKEN_FIELDS, owner: OWNER }),
  title: 'a token to create',
} as const;

const TOKEN_RULE = { enum: ['state', 'name', 'type', 'zone', 'owner', 'host', 'address'] } as const;
export type TokenRule = ValueOf<typeof TOKEN_RULE>;

export const TOKEN_OPERATIONS = {
  listTokens: {
    method: 'GET',
    path: '/v1/tokens',
    allowed: 'member',
    summary:
      'Lists tokens by name, revoked ones included; on the first page those of the configuration file come first. A member sees own tokens.',
    input: object(
      {},
      {
        owner: described(OWNER, 'Only tokens of this user.'),
        search: described(text(64), 'Only tokens with this text in their name.'),
        ...PAGE,
      },
    ),
    result: object({ tokens: { type: 'array', items: TOKEN } }, NEXT),
    example: { limit: 100 },
  },
  createToken: {
    method: 'POST',
    path: '/v1/tokens',
    allowed: 'member',
    summary:
      'Creates a token. The result has its secret, which cannot be read again. A member names hosts that the member may change, without patterns.',
    input: object({ name: NAME, hosts: HOSTS }, { ...NEW_TOKEN_FIELDS, owner: OWNER }),
    shown: TOKEN,
    result: NEW_TOKEN,
    creates: '/v1/tokens/{name}',
    example: { name: 'router1', hosts: ['home.dyn.example.com'], addresses: 'any', expires: '2099-12-31' },
  },
  createTokens: {
    method: 'POST',
    path: '/v1/tokens:batch',
    allowed: 'admin',
    summary:
      'Creates many tokens at once, all of them or none. With `owner` the literal hosts of a token are given to that user, if they have no owner.',
    input: object(
      { tokens: described(list(BATCH_TOKEN, MAX_BATCH), 'The tokens.') },
      {
        createOwners: described(YES_NO, 'Creates each `owner` that does not exist, as a member. Without it: an error.'),
      },
    ),
    body: 'batch',
    result: object({ tokens: described({ type: 'array', items: NEW_TOKEN }, 'In the order of the request.') }),
    example: {
      tokens: [
        { name: 'customer1', hosts: ['customer1.dyn.example.com'], owner: 'customer1' },
        { name: 'customer2', hosts: ['customer2.dyn.example.com'], owner: 'customer2' },
      ],
      createOwners: true,
    },
  },
  checkToken: {
    method: 'GET',
    path: '/v1/tokens/{name}/check',
    allowed: 'member',
    needs: { field: 'token' },
    summary: 'Says whether a token may change records of a host, and why not. Changes nothing.',
    input: object(
      {
        name: NAME,
        host: described(OWNER_NAME, 'The owner name.'),
        type: described(text(16, 'an RR type'), 'The RR type, like `A`.'),
      },
      { address: described(text(64, 'an IPv4 or IPv6 address'), 'Also whether this address may be published.') },
    ),
    result: object({
      token: { type: 'string' },
      host: OWNER_NAME,
      type: { type: 'string' },
      allowed: described({ type: 'boolean' }, 'True if all rules pass.'),
      reasons: {
        type: 'array',
        items: object({ rule: TOKEN_RULE, passed: { type: 'boolean' }, text: { type: 'string' } }),
      },
    }),
    example: { name: 'router1', host: 'home.dyn.example.com', type: 'A' },
  },
  showToken: {
    method: 'GET',
    path: '/v1/tokens/{name}',
    allowed: 'member',
    needs: { field: 'token' },
    summary: 'Shows a token that is not revoked.',
    input: object({ name: NAME }),
    result: TOKEN,
    example: { name: 'router1' },
  },
  revokeToken: {
    method: 'DELETE',
    path: '/v1/tokens/{name}',
    allowed: 'member',
    needs: { field: 'token' },
    summary: 'Revokes a token. Every server refuses it within one second.',
    input: object({ name: NAME }),
    result: TOKEN,
    example: { name: 'router1' },
  },
  rotateToken: {
    method: 'POST',
    path: '/v1/tokens/{name}/rotate',
    allowed: 'member',
    needs: { field: 'token' },
    summary: 'Gives a token a new secret. The old one is refused within one second.',
    input: object({ name: NAME }, { freednsUser: FREEDNS_USER }),
    result: NEW_TOKEN,
    example: { name: 'router1' },
  },
} as const;
