/** Operations on the settings of hosts. Settings of the configuration file are shown here, and changed only in the file. */
import { described, integer, list, type NormalValueOf, object, text, type ValueOf, YES_NO } from './schema.ts';
import { MAX_ITEMS, ORIGIN, OWNER_NAME, PREFIX, TIME } from './token-operations.ts';

/** Limit of one host, so that its change fits into one UPDATE message. */
export const MAX_MEMBERS = 200;
/** Ten years, as in the configuration file. */
const MAX_SILENCE_SECONDS = 315_360_000;
/** Subnets below a /16, the shortest prefix that is accepted. */
const MAX_SUBNET = 2 ** 48 - 1;

const HOST_NAME = described(OWNER_NAME, 'The owner name of the host.');
const MEMBER_NAME = described(OWNER_NAME, 'The owner name of the member, in the same zone. It may be the host itself.');

const MEMBER_ADDRESS = {
  interfaceId: described(
    text(64, 'an interface identifier, the lower 64 bits of an address, like ::10'),
    'Its interface identifier.',
  ),
  mac: described(
    text(32, 'a MAC address, like 00:11:22:33:44:55'),
    'The MAC address from which the interface identifier is made.',
  ),
};
const SUBNET = described(
  integer(0, MAX_SUBNET),
  'The subnet of the member below a prefix that is shorter than /64. Without it: 0.',
);

const MEMBER = {
  ...object({ name: MEMBER_NAME }, { ...MEMBER_ADDRESS, subnet: SUBNET }),
  title: 'a member',
  description: 'It has either `interfaceId` or `mac`.',
} as const;
export type MemberView = NormalValueOf<typeof MEMBER>;

const ALLOW = described(
  list(PREFIX, MAX_ITEMS),
  'Addresses that may be published. Of all rules the longest prefix decides.',
);
const DENY = described(list(PREFIX, MAX_ITEMS), 'Addresses that may not be published.');

const SETTINGS = {
  ttl: described(integer(0, 2_147_483_647), 'The TTL in seconds, if a request has none. Without it: that of the zone.'),
  silentAfterSeconds: described(
    integer(0, MAX_SILENCE_SECONDS),
    'Sends a notice after this time in seconds without an update. 0 or absent: never.',
  ),
  leaseSeconds: described(
    integer(0, MAX_SILENCE_SECONDS),
    'Removes the addresses after this time in seconds without an update. 0 or absent: never.',
  ),
  fallback: described(
    list(text(64, 'an IPv4 or IPv6 address'), MAX_ITEMS),
    'Addresses that are published when the lease ends: at most eight of each family.',
  ),
  interfaceId: described(
    text(64, 'an interface identifier, the lower 64 bits of an address, like ::10'),
    'The lower half of its own IPv6 address below a prefix. Without it: what the published AAAA record has.',
  ),
  prefixLength: described(
    integer(56, 64),
    'An IPv6 address without a prefix moves the members into the prefix of this length around it. Without it: it moves none.',
  ),
};

const HOST_FIELDS = {
  host: HOST_NAME,
  origin: described({ enum: ['configuration', 'store', 'none'] }, '`none`: it has no settings of its own.'),
  enabled: described({ type: 'boolean' }, 'False: updates are refused.'),
  allow: ALLOW,
  deny: DENY,
  members: described({ type: 'array', items: MEMBER }, 'Hosts that move with it to a new IPv6 prefix.'),
};
const OPTIONAL_HOST_FIELDS = {
  ...SETTINGS,
  lastSeen: described(TIME, 'The last update that was accepted.'),
  repeats: described({ type: 'integer' }, 'Updates that changed nothing.'),
};

const HOST = { ...object(HOST_FIELDS, OPTIONAL_HOST_FIELDS), title: 'a host' } as const;
export type HostView = NormalValueOf<typeof HOST>;

export const PENDING_UPDATE = {
  ...object(
    {
      host: HOST_NAME,
      family: { enum: ['A', 'AAAA'] },
      wanted: described(
        { anyOf: [{ type: 'string' }, { type: 'null' }] },
        'The address, or several with commas between them; null: no address.',
      ),
      since: TIME,
      attempts: { type: 'integer' },
      nextAttempt: TIME,
    },
    { lastError: described({ type: 'string' }, 'Why it could not be published: a code of docs/errors.md.') },
  ),
  title: 'a pending update',
} as const;
export type PendingUpdateView = ValueOf<typeof PENDING_UPDATE>;

const ADDRESS_LIST = { type: 'array', items: { type: 'string' } } as const;

const HOST_DETAILS = {
  ...object(
    {
      ...HOST_FIELDS,
      pending: described({ type: 'array', items: PENDING_UPDATE }, 'Updates that were accepted and not yet published.'),
      tokens: described(
        {
          type: 'array',
          items: object({ name: { type: 'string' }, origin: ORIGIN, types: ADDRESS_LIST }),
        },
        'Valid tokens that may change it.',
      ),
    },
    {
      ...OPTIONAL_HOST_FIELDS,
      published: described(object({ A: ADDRESS_LIST, AAAA: ADDRESS_LIST }), 'What the primary answers now.'),
      publishedProblem: described({ type: 'string' }, 'Why `published` is not known.'),
    },
  ),
  title: 'a host with details',
} as const;
export type HostDetails = NormalValueOf<typeof HOST_DETAILS>;

export const HOST_OPERATIONS = {
  listHosts: {
    method: 'GET',
    path: '/v1/hosts',
    allowed: 'operator',
    summary: 'Lists the hosts with settings and those that were updated, in canonical order (RFC 4034 §6.1).',
    input: object({}),
    result: object({ hosts: { type: 'array', items: HOST } }),
    example: {},
  },
  showHost: {
    method: 'GET',
    path: '/v1/hosts/show',
    allowed: 'operator',
    summary: 'Shows the settings of a host, its published addresses, pending updates and tokens.',
    input: object({ host: HOST_NAME }),
    result: HOST_DETAILS,
    example: { host: 'home.dyn.example.com' },
  },
  addHost: {
    method: 'POST',
    path: '/v1/hosts/add',
    allowed: 'operator',
    summary: 'Stores the settings of a host.',
    input: object(
      { host: HOST_NAME },
      {
        allow: ALLOW,
        deny: DENY,
        ...SETTINGS,
        enabled: described(YES_NO, 'False: updates are refused. Without it: true.'),
        members: described(list(MEMBER, MAX_MEMBERS), 'Its members. Without it: those that it has.'),
        replace: described(YES_NO, 'Replaces settings that exist. Without it they are a `conflict`.'),
      },
    ),
    aliases: { silentAfter: 'silentAfterSeconds', lease: 'leaseSeconds' },
    shown: HOST_DETAILS,
    result: HOST,
    example: { host: 'home.dyn.example.com', ttl: 300, allow: ['192.0.2.0/24'], silentAfterSeconds: 86_400 },
  },
  enableHost: {
    method: 'POST',
    path: '/v1/hosts/enable',
    allowed: 'operator',
    summary: 'Accepts updates of a host again.',
    input: object({ host: HOST_NAME }),
    result: HOST,
    example: { host: 'home.dyn.example.com' },
  },
  disableHost: {
    method: 'POST',
    path: '/v1/hosts/disable',
    allowed: 'operator',
    summary: 'Refuses updates of a host. Its records stay.',
    input: object({ host: HOST_NAME }),
    result: HOST,
    example: { host: 'home.dyn.example.com' },
  },
  removeHost: {
    method: 'POST',
    path: '/v1/hosts/remove',
    allowed: 'operator',
    summary: 'Removes the settings of a host. Its records, history and tokens stay.',
    input: object({ host: HOST_NAME }),
    result: HOST,
    example: { host: 'home.dyn.example.com' },
  },
  listMembers: {
    method: 'GET',
    path: '/v1/hosts/members',
    allowed: 'operator',
    summary: 'Shows the settings of a host with its members, without a query to the primary.',
    input: object({ host: HOST_NAME }),
    result: HOST,
    example: { host: 'home.dyn.example.com' },
  },
  addMember: {
    method: 'POST',
    path: '/v1/hosts/members/add',
    allowed: 'operator',
    summary: 'Makes a name a member of a host, or changes its address below the prefix.',
    input: object({ host: HOST_NAME, member: MEMBER_NAME }, { ...MEMBER_ADDRESS, subnet: SUBNET }),
    aliases: { name: 'member' },
    result: HOST,
    example: { host: 'home.dyn.example.com', member: 'nas.dyn.example.com', interfaceId: '::10', subnet: 0 },
  },
  removeMember: {
    method: 'POST',
    path: '/v1/hosts/members/remove',
    allowed: 'operator',
    summary: 'Removes a member from a host. Its records stay.',
    input: object({ host: HOST_NAME, member: MEMBER_NAME }),
    aliases: { name: 'member' },
    result: HOST,
    example: { host: 'home.dyn.example.com', member: 'nas.dyn.example.com' },
  },
} as const;
