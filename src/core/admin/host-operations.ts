/** Operations on the settings of hosts. Settings of the configuration file are shown here, and changed only in the file. */
import {
  described,
  integer,
  list,
  NEXT,
  type NormalValueOf,
  nullable,
  object,
  PAGE,
  text,
  type ValueOf,
  YES_NO,
} from './schema.ts';
import { MAX_BATCH, MAX_ITEMS, ORIGIN, OWNER_NAME, PREFIX, TIME, USER } from './token-operations.ts';

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

const SHARED_WITH = described(USER, 'The other user.');
const ACCESS = described(
  { enum: ['view', 'change'] } as const,
  '`view`: see settings, addresses and history. `change`: also publish addresses and records, and make tokens for it.',
);
const SHARE = { ...object({ user: SHARED_WITH, access: ACCESS }), title: 'a share' } as const;

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
  owner: described(USER, 'The user whom it belongs to. Absent: the operator.'),
  shares: described({ type: 'array', items: SHARE } as const, 'Other users who see or change it. Absent: none.'),
  access: described(
    { enum: ['own', 'view', 'change'] } as const,
    'What the user who asks may do with it. Absent: everything.',
  ),
  revision: described({ type: 'string' }, 'Changes with its settings: the entity tag.'),
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

const ENABLED = described(YES_NO, 'False: updates are refused. Without it: true.');
const MEMBERS = described(list(MEMBER, MAX_MEMBERS), 'Its members. Without it: those that it has.');
const OWNER = described(USER, 'The user whom it belongs to. Without it: the operator, or the member who asks.');

/** May be set by whoever owns the host, but for `allow`, which is for admins: it could open what the zone denies. */
const NEW_SETTINGS = { allow: ALLOW, deny: DENY, ...SETTINGS, enabled: ENABLED, members: MEMBERS };

const REPLACE = described(YES_NO, 'Replaces settings that exist. Without it they are a `conflict`.');
const OLD_NAMES = { silentAfter: 'silentAfterSeconds', lease: 'leaseSeconds' } as const;

const BATCH_HOST = {
  ...object({ host: HOST_NAME }, { ...NEW_SETTINGS, owner: OWNER }),
  title: 'a host to create',
} as const;

const CHANGED_SETTINGS = {
  ...NEW_SETTINGS,
  ttl: nullable(SETTINGS.ttl),
  interfaceId: nullable(SETTINGS.interfaceId),
  prefixLength: nullable(SETTINGS.prefixLength),
  enabled: described(YES_NO, 'False: updates are refused.'),
  owner: described(
    { anyOf: [USER, { type: 'null' }], title: 'the name of a user, or null for the operator' },
    'Gives it to another user. For admins.',
  ),
};

const PLANNED = {
  before: described(ADDRESS_LIST, 'What is published now.'),
  after: described(ADDRESS_LIST, 'What would be published.'),
  changed: { type: 'boolean' },
} as const;

const PREVIEW = {
  ...object({
    A: object(PLANNED),
    AAAA: object(PLANNED),
    members: described(
      { type: 'array', items: object({ host: HOST_NAME, ...PLANNED }) },
      'The AAAA records of hosts that would move with it.',
    ),
    left: described(
      { type: 'array', items: object({ host: HOST_NAME, why: { type: 'string' } }) },
      'Members that would stay as they are.',
    ),
  }),
  title: 'a preview',
} as const;
export type PreviewView = NormalValueOf<typeof PREVIEW>;

const CHANGED_ADDRESSES = {
  ...object(
    {
      host: HOST_NAME,
      changed: described({ type: 'boolean' }, 'False: the addresses were these already, or it was a dry run.'),
      text: described({ type: 'string' }, 'Lines as the original API answers them; of a dry run what would change.'),
    },
    {
      warning: { type: 'string' },
      preview: described(PREVIEW, 'Of a dry run: what would change.'),
      secondaries: described(
        object({ served: { type: 'integer' }, listed: { type: 'integer' } }),
        'How many secondaries serve the change, of those that are queried; after `wait`, in an embedded zone of a running server.',
      ),
    },
  ),
  title: 'changed addresses',
} as const;

const WAIT = described(
  { enum: ['secondaries'] },
  'Waits until the secondaries of the zone serve the change, at most 8 seconds in all.',
);

const TEXT = { type: 'string' } as const;

const INSTRUCTIONS = {
  ...object({
    client: TEXT,
    title: TEXT,
    page: described(TEXT, 'The page of the documentation.'),
    server: TEXT,
    host: HOST_NAME,
    token: described(TEXT, 'The name of the token. Its secret stands as `TOKEN`: only its creation shows it.'),
    sections: {
      type: 'array',
      items: object(
        {
          kind: described(
            { enum: ['fields', 'text'] } as const,
            '`fields` of a screen, or the `text` of a file or command.',
          ),
          id: TEXT,
          title: TEXT,
        },
        {
          fields: {
            type: 'array',
            items: object(
              { name: described(TEXT, 'As the screen names it.'), value: TEXT },
              { isChoice: { type: 'boolean' }, note: TEXT, text: TEXT },
            ),
          },
          file: TEXT,
          mode: TEXT,
          text: TEXT,
        },
      ),
    },
    warnings: described({ type: 'array', items: TEXT } as const, 'What the client gets wrong.'),
  }),
  title: 'instructions',
} as const;

export const HOST_OPERATIONS = {
  listHosts: {
    method: 'GET',
    path: '/v1/hosts',
    allowed: 'member',
    summary:
      'Lists hosts by name: those with settings and those that were updated. A member sees own hosts and those that are shared.',
    input: object(
      {},
      {
        owner: described(USER, 'Only hosts of this user.'),
        search: described(text(255), 'Only hosts with this text in their name.'),
        ...PAGE,
      },
    ),
    result: object({ hosts: { type: 'array', items: HOST } }, NEXT),
    example: { limit: 100 },
  },
  addHost: {
    method: 'POST',
    path: '/v1/hosts',
    allowed: 'member',
    summary: 'Stores the settings of a host. A member takes a name by it, where the zone lets members do so.',
    input: object({ host: HOST_NAME }, { ...NEW_SETTINGS, owner: OWNER, replace: REPLACE }),
    aliases: OLD_NAMES,
    shown: HOST_DETAILS,
    result: HOST,
    creates: '/v1/hosts/{host}',
    etag: 'revision',
    example: { host: 'home.dyn.example.com', ttl: 300, silentAfterSeconds: 86_400 },
  },
  createHosts: {
    method: 'POST',
    path: '/v1/hosts:batch',
    allowed: 'admin',
    summary: 'Stores the settings of many hosts at once, of all of them or of none. None of them may have settings.',
    input: object(
      { hosts: described(list(BATCH_HOST, MAX_BATCH), 'The hosts.') },
      {
        createOwners: described(YES_NO, 'Creates each `owner` that does not exist, as a member. Without it: an error.'),
      },
    ),
    body: 'batch',
    result: object({ hosts: described({ type: 'array', items: HOST }, 'In the order of the request.') }),
    example: { hosts: [{ host: 'customer1.dyn.example.com', owner: 'alice' }], createOwners: true },
  },
  showHost: {
    method: 'GET',
    path: '/v1/hosts/{host}',
    allowed: 'member',
    needs: { field: 'host', access: 'view' },
    summary: 'Shows the settings of a host, its published addresses, pending updates and tokens.',
    input: object({ host: HOST_NAME }),
    result: HOST_DETAILS,
    etag: 'revision',
    example: { host: 'home.dyn.example.com' },
  },
  replaceHost: {
    method: 'PUT',
    path: '/v1/hosts/{host}',
    allowed: 'member',
    needs: { field: 'host', access: 'own' },
    summary: 'Replaces the settings of a host: what is not sent gets its default. Owner and shares stay.',
    input: object({ host: HOST_NAME }, NEW_SETTINGS),
    aliases: OLD_NAMES,
    shown: HOST_DETAILS,
    result: HOST,
    etag: 'revision',
    example: { host: 'home.dyn.example.com', ttl: 60 },
  },
  changeHost: {
    method: 'PATCH',
    path: '/v1/hosts/{host}',
    allowed: 'member',
    needs: { field: 'host', access: 'own' },
    summary: 'Changes the settings of a host that are sent; all others stay.',
    input: object({ host: HOST_NAME }, CHANGED_SETTINGS),
    aliases: OLD_NAMES,
    result: HOST,
    etag: 'revision',
    example: { host: 'home.dyn.example.com', ttl: 60 },
  },
  removeHost: {
    method: 'DELETE',
    path: '/v1/hosts/{host}',
    allowed: 'member',
    needs: { field: 'host', access: 'own' },
    summary: 'Removes the settings of a host, its owner and its shares. Its records, history and tokens stay.',
    input: object({ host: HOST_NAME }),
    result: HOST,
    etag: 'revision',
    example: { host: 'home.dyn.example.com' },
  },
  enableHost: {
    method: 'POST',
    path: '/v1/hosts/{host}/enable',
    allowed: 'member',
    needs: { field: 'host', access: 'own' },
    summary: 'Accepts updates of a host again.',
    input: object({ host: HOST_NAME }),
    result: HOST,
    etag: 'revision',
    example: { host: 'home.dyn.example.com' },
  },
  disableHost: {
    method: 'POST',
    path: '/v1/hosts/{host}/disable',
    allowed: 'member',
    needs: { field: 'host', access: 'own' },
    summary: 'Refuses updates of a host. Its records stay.',
    input: object({ host: HOST_NAME }),
    result: HOST,
    etag: 'revision',
    example: { host: 'home.dyn.example.com' },
  },
  update: {
    method: 'POST',
    path: '/v1/hosts/{host}/addresses',
    allowed: 'member',
    needs: { field: 'host', access: 'change' },
    summary: 'Publishes addresses of a host.',
    input: object(
      {
        host: HOST_NAME,
        ips: described(list(text(1024), 100), 'One or two addresses, one of each family; none with `prefix`.'),
      },
      {
        ttl: described(
          { anyOf: [{ type: 'integer' }, text(100)], title: 'an integer from 0 to 2147483647' },
          'The TTL in seconds. Without it: that of the host or the zone.',
        ),
        dry_run: described(YES_NO, 'Changes nothing, and says what would change. Without it: false.'),
        prefix: described(
          text(64, 'an IPv6 prefix like 2001:db8:1::/56'),
          'The host and its members move into it: `ips` may then be empty.',
        ),
        wait: WAIT,
      },
    ),
    aliases: { fqdn: 'host' },
    result: CHANGED_ADDRESSES,
    example: { host: 'home.dyn.example.com', ips: ['192.0.2.1'], ttl: 300 },
  },
  delete: {
    method: 'DELETE',
    path: '/v1/hosts/{host}/addresses',
    allowed: 'member',
    needs: { field: 'host', access: 'change' },
    summary: 'Removes the A and AAAA records of a host.',
    input: object({ host: HOST_NAME }, { dry_run: described(YES_NO, 'Changes nothing, and says what would change.') }),
    aliases: { fqdn: 'host' },
    result: CHANGED_ADDRESSES,
    example: { host: 'home.dyn.example.com' },
  },
  instructions: {
    method: 'GET',
    path: '/v1/hosts/{host}/instructions',
    allowed: 'member',
    needs: { field: 'host', access: 'view' },
    summary: 'Says how a router or an update client is set up for a host: the fields as its own screen names them.',
    input: object(
      {
        host: HOST_NAME,
        client: described(text(64, 'the name of a device or program'), 'Like `fritzbox` or `ddclient`.'),
      },
      {
        token: described(text(64), 'The name of the token that the client has.'),
        server: described(
          text(255, 'a URL like https://dyndns.example.com'),
          'The URL at which clients reach the server. Without it: a word to replace.',
        ),
      },
    ),
    result: INSTRUCTIONS,
    example: { host: 'home.dyn.example.com', client: 'fritzbox', server: 'https://dyndns.example.com' },
  },
  listMembers: {
    method: 'GET',
    path: '/v1/hosts/{host}/members',
    allowed: 'member',
    needs: { field: 'host', access: 'view' },
    summary: 'Shows the settings of a host with its members, without a query to the primary.',
    input: object({ host: HOST_NAME }),
    result: HOST,
    etag: 'revision',
    example: { host: 'home.dyn.example.com' },
  },
  addMember: {
    method: 'POST',
    path: '/v1/hosts/{host}/members',
    allowed: 'member',
    needs: { field: 'host', access: 'own' },
    summary: 'Makes a name a member of a host, or changes its address below the prefix.',
    input: object({ host: HOST_NAME, member: MEMBER_NAME }, { ...MEMBER_ADDRESS, subnet: SUBNET }),
    aliases: { name: 'member' },
    result: HOST,
    etag: 'revision',
    example: { host: 'home.dyn.example.com', member: 'nas.dyn.example.com', interfaceId: '::10', subnet: 0 },
  },
  removeMember: {
    method: 'DELETE',
    path: '/v1/hosts/{host}/members/{member}',
    allowed: 'member',
    needs: { field: 'host', access: 'own' },
    summary: 'Removes a member from a host. Its records stay.',
    input: object({ host: HOST_NAME, member: MEMBER_NAME }),
    aliases: { name: 'member' },
    result: HOST,
    etag: 'revision',
    example: { host: 'home.dyn.example.com', member: 'nas.dyn.example.com' },
  },
  shareHost: {
    method: 'PUT',
    path: '/v1/hosts/{host}/shares/{user}',
    allowed: 'member',
    needs: { field: 'host', access: 'own' },
    summary: 'Lets another user see a host, or change its addresses and records.',
    input: object({ host: HOST_NAME, user: SHARED_WITH, access: ACCESS }),
    result: HOST,
    etag: 'revision',
    example: { host: 'home.dyn.example.com', user: 'bob', access: 'view' },
  },
  unshareHost: {
    method: 'DELETE',
    path: '/v1/hosts/{host}/shares/{user}',
    allowed: 'member',
    needs: { field: 'host', access: 'own' },
    summary: 'Ends the share of a host with a user, in effect at the next request.',
    input: object({ host: HOST_NAME, user: SHARED_WITH }),
    result: HOST,
    etag: 'revision',
    example: { host: 'home.dyn.example.com', user: 'bob' },
  },
} as const;
