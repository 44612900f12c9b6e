/** Operations on tokens. Tokens of the configuration file are listed here, and changed only in the file. */
import { described, integer, list, object, text, type ValueOf, YES_NO } from './schema.ts';

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

export const TOKEN_OPERATIONS = {
  listTokens: {
    method: 'GET',
    path: '/v1/tokens',
    allowed: 'operator',
    summary: 'Lists the tokens of the configuration file, then those of the store, revoked ones included.',
    input: object({}),
    result: object({ tokens: { type: 'array', items: TOKEN } }),
    example: {},
  },
  createToken: {
    method: 'POST',
    path: '/v1/tokens/create',
    allowed: 'operator',
    summary: 'Creates a token. The result has its secret, which cannot be read again.',
    input: object(
      { name: NAME, hosts: HOSTS },
      {
        types: described(TYPES, 'RR types that it may change. None: A and AAAA.'),
        addresses: described(ADDRESSES, `${ADDRESSES.description} Without it: \`any\`.`),
        sources: SOURCES,
        expires: EXPIRES,
        register: described(YES_NO, REGISTER),
        maxUnusedDays: described(integer(1, 36_500), MAX_UNUSED_DAYS),
        freednsUser: FREEDNS_USER,
      },
    ),
    shown: TOKEN,
    result: NEW_TOKEN,
    example: { name: 'router1', hosts: ['home.dyn.example.com'], addresses: 'any', expires: '2099-12-31' },
  },
  revokeToken: {
    method: 'POST',
    path: '/v1/tokens/revoke',
    allowed: 'operator',
    summary: 'Revokes a token. Every server refuses it within one second.',
    input: object({ name: NAME }),
    result: TOKEN,
    example: { name: 'router1' },
  },
  rotateToken: {
    method: 'POST',
    path: '/v1/tokens/rotate',
    allowed: 'operator',
    summary: 'Gives a token a new secret. The old one is refused within one second.',
    input: object({ name: NAME }, { freednsUser: FREEDNS_USER }),
    result: NEW_TOKEN,
    example: { name: 'router1' },
  },
} as const;
