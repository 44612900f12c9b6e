/** Operations on the server as a whole, and single updates on behalf of the operator. */
import { PENDING_UPDATE } from './host-operations.ts';
import { described, integer, MAX_PAGE, object, text, type ValueOf } from './schema.ts';
import { TIME } from './token-operations.ts';
import { EMBEDDED_ZONE } from './zone-operations.ts';

const TEXTS = { type: 'array', items: { type: 'string' } } as const;

const WEBHOOK = {
  ...object({ webhook: { type: 'string' }, waiting: { type: 'integer' } }, { problem: { type: 'string' } }),
  title: 'a webhook',
} as const;

const BACKUP_REPORT = object({
  copies: described(
    {
      type: 'array',
      items: object({ what: { type: 'string' }, from: { type: 'string' }, to: { type: 'string' } }),
    },
    'In the order in which they were copied.',
  ),
});
export type BackupReport = ValueOf<typeof BACKUP_REPORT>;

const AUDIT_ENTRY = {
  ...object(
    {
      id: described({ type: 'string' }, 'Unique. Later changes have greater ids, compared as texts.'),
      time: TIME,
      user: described({ type: 'string' }, 'Who; `operator` for commands on the machine of the server.'),
      source: described({ type: 'string' }, 'The address that the request came from; empty if there is none.'),
      operation: described({ type: 'string' }, 'The name of the operation.'),
      target: described({ type: 'string' }, 'What it was done to.'),
      outcome: described({ type: 'string' }, '`done`, or the code of the error.'),
    },
    { key: described({ type: 'string' }, 'The name of the management key.') },
  ),
  title: 'an audit entry',
} as const;

const PENDING = object({
  count: { type: 'integer' },
  oldest: described({ type: 'array', items: PENDING_UPDATE }, 'At most 100, the oldest first.'),
});
export type PendingView = ValueOf<typeof PENDING>;

const STATUS = object(
  {
    version: { type: 'string' },
    pid: { type: 'integer' },
    uptimeSeconds: { type: 'number' },
    http: described(TEXTS, 'URLs at which it serves HTTP.'),
    dns: described(TEXTS, 'Addresses and ports at which it serves DNS.'),
    embedded: { type: 'array', items: EMBEDDED_ZONE },
    remote: described(TEXTS, 'Apexes of zones with another primary.'),
  },
  {
    configFile: described({ type: 'string' }, 'Absolute path of its configuration file.'),
    certificate: described(
      object({ names: TEXTS }, { ends: { type: 'string' } }),
      'The certificate of HTTPS. `ends` is absent while the server uses its self-signed one.',
    ),
    webhooks: described(
      { type: 'array', items: WEBHOOK },
      'For each webhook, by its number and host, the deliveries in its queue and why the last attempt failed.',
    ),
    pending: described(PENDING, 'Updates that were accepted and not yet published.'),
    pendingProblem: described({ type: 'string' }, 'Why `pending` is not known.'),
  },
);
export type ServerStatus = ValueOf<typeof STATUS>;

const HEALTH = object({
  notReady: described(
    TEXTS,
    'The parts that do not work, in the words of `/readyz`: server, dns, store. Empty: the server is ready.',
  ),
});
export type ServerHealth = ValueOf<typeof HEALTH>;

const RELOAD_RESULT = object({
  outcome: { enum: ['reloaded'] },
  warnings: described(TEXTS, 'Warnings about the configuration, and options that need a restart.'),
});
export type ReloadResult = ValueOf<typeof RELOAD_RESULT>;

const SHOWN_OPTION = {
  ...object({
    path: described({ type: 'string' }, 'The option, like `zones[0].ttl.default`.'),
    value: described({ type: 'string' }, 'As in the file; a secret as `[secret]`.'),
    origin: object(
      {
        kind: { enum: ['file', 'environment', 'default'] },
        text: described({ type: 'string' }, 'In words, like `/etc/dyndns.yml:12:3`.'),
      },
      {
        file: { type: 'string' },
        line: { type: 'integer' },
        variable: described({ type: 'string' }, 'The name of the environment variable.'),
      },
    ),
  }),
  title: 'an option in effect',
} as const;

/** Lines of the original API, which the command line prints unchanged. */
const LINES = {
  text: described({ type: 'string' }, 'Lines as the original API answers them.'),
} as const;

export const SERVER_OPERATIONS = {
  status: {
    method: 'GET',
    path: '/v1/status',
    allowed: 'admin',
    summary: 'Shows listeners, zones, secondaries, webhooks and pending updates of the server.',
    input: object({}),
    result: STATUS,
    example: {},
  },
  health: {
    method: 'GET',
    path: '/v1/health',
    allowed: 'admin',
    summary: 'Says whether the server is ready, like `/readyz`.',
    input: object({}),
    result: HEALTH,
    example: {},
  },
  reload: {
    method: 'POST',
    path: '/v1/reload',
    allowed: 'admin',
    summary:
      'Reads the configuration file again, like SIGHUP. If the file is not valid the old configuration stays in effect, and the error has every problem.',
    input: object({}),
    result: RELOAD_RESULT,
    example: {},
  },
  showConfig: {
    method: 'GET',
    path: '/v1/config',
    allowed: 'admin',
    summary:
      'Shows the configuration as it was read last, each value with its origin, like `dyndns config`. Options that need a restart may still have the value of the start.',
    input: object({}),
    result: object(
      { options: { type: 'array', items: SHOWN_OPTION } },
      { file: described({ type: 'string' }, 'Absolute path of the configuration file.') },
    ),
    example: {},
  },
  check: {
    method: 'POST',
    path: '/v1/check',
    allowed: 'admin',
    summary: 'Writes, reads back and removes a TXT record in each zone.',
    input: object({}),
    result: object({ ...LINES, passed: described({ type: 'boolean' }, 'False if a zone failed.') }),
    example: {},
  },
  listWebhooks: {
    method: 'GET',
    path: '/v1/webhooks',
    allowed: 'admin',
    summary: 'Lists the webhooks of the configuration, by number and host, with what waits in their queues.',
    input: object({}),
    result: object({ webhooks: { type: 'array', items: WEBHOOK } }),
    example: {},
  },
  testWebhook: {
    method: 'POST',
    path: '/v1/webhooks/{webhook}/test',
    allowed: 'admin',
    summary: 'Sends a test to a webhook, now and once.',
    input: object({ webhook: described(integer(1, 10_000), 'Its number in the configuration, from 1.') }),
    result: object(
      { webhook: { type: 'string' }, delivered: { type: 'boolean' } },
      { problem: described({ type: 'string' }, 'Why it was not delivered.') },
    ),
    example: { webhook: 1 },
  },
  readAudit: {
    method: 'GET',
    path: '/v1/audit',
    allowed: 'admin',
    summary: 'Reads the audit list: every administrative change, newest first.',
    input: object(
      {},
      {
        user: described(text(64, 'the name of a user, or operator'), 'Only changes by this user.'),
        operation: described(text(64, 'the name of an operation'), 'Only changes by this operation.'),
        since: described(text(64, 'a time, like 2026-11-23T10:00:00Z'), 'Only changes at this time or later.'),
        limit: described(integer(1, MAX_PAGE), 'The number of changes. Without it: 100.'),
        before: described(text(64, 'the id of a change'), 'Only changes with smaller ids.'),
      },
    ),
    result: object(
      { entries: described({ type: 'array', items: AUDIT_ENTRY }, 'Newest first.') },
      { next: described({ type: 'string' } as const, 'The `before` of the next page; absent on the last one.') },
    ),
    example: { limit: 20 },
  },
  backup: {
    method: 'POST',
    path: '/v1/backup',
    allowed: 'operator',
    summary:
      'Copies the database of the embedded zones to a file, that of the store to `FILE.store`, and the keys of signed zones to `FILE.keys`.',
    input: object({
      file: {
        type: 'string',
        pattern: '^/',
        maxLength: 4096,
        title: 'an absolute path',
        description: 'The server writes it as its own user.',
      },
    }),
    result: BACKUP_REPORT,
    example: { file: '/var/backups/dyndns.db' },
  },
} as const;
