/** Operations on the server as a whole, and single updates on behalf of the operator. */
import { PENDING_UPDATE } from './host-operations.ts';
import { described, list, object, text, type ValueOf } from './schema.ts';
import { EMBEDDED_ZONE } from './zone-operations.ts';

const TEXTS = { type: 'array', items: { type: 'string' } } as const;
const FQDN = described(text(1024), 'The owner name.');

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
      {
        type: 'array',
        items: object({ webhook: { type: 'string' }, waiting: { type: 'integer' } }, { problem: { type: 'string' } }),
      },
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

/** Lines of the original API, which the command line prints unchanged. */
const LINES = {
  text: described({ type: 'string' }, 'Lines as the original API answers them.'),
} as const;

export const SERVER_OPERATIONS = {
  status: {
    method: 'GET',
    path: '/v1/status',
    allowed: 'operator',
    summary: 'Shows listeners, zones, secondaries, webhooks and pending updates of the server.',
    input: object({}),
    result: STATUS,
    example: {},
  },
  health: {
    method: 'GET',
    path: '/v1/health',
    allowed: 'operator',
    summary: 'Says whether the server is ready, like `/readyz`.',
    input: object({}),
    result: HEALTH,
    example: {},
  },
  reload: {
    method: 'POST',
    path: '/v1/reload',
    allowed: 'operator',
    summary:
      'Reads the configuration file again, like SIGHUP. If the file is not valid the old configuration stays in effect, and the error has every problem.',
    input: object({}),
    result: RELOAD_RESULT,
    example: {},
  },
  check: {
    method: 'POST',
    path: '/v1/check',
    allowed: 'operator',
    summary: 'Writes, reads back and removes a TXT record in each zone.',
    input: object({}),
    result: object({ ...LINES, passed: described({ type: 'boolean' }, 'False if a zone failed.') }),
    example: {},
  },
  update: {
    method: 'POST',
    path: '/v1/update',
    allowed: 'operator',
    summary: 'Publishes addresses of a name.',
    input: object(
      { fqdn: FQDN, ips: described(list(text(1024), 100), 'One or two addresses, one of each family.') },
      {
        ttl: described(
          { anyOf: [{ type: 'integer' }, text(100)], title: 'an integer from 0 to 2147483647' },
          'The TTL in seconds. Without it: that of the host or the zone.',
        ),
        wait: described(
          { enum: ['secondaries'] },
          'Waits until the secondaries of the zone serve the change, at most 8 seconds in all.',
        ),
      },
    ),
    result: object(LINES, {
      warning: { type: 'string' },
      secondaries: described(
        object({ served: { type: 'integer' }, listed: { type: 'integer' } }),
        'How many secondaries serve the change, of those that are queried; after `wait`, in an embedded zone of a running server.',
      ),
    }),
    example: { fqdn: 'home.dyn.example.com', ips: ['192.0.2.1'], ttl: 300 },
  },
  delete: {
    method: 'POST',
    path: '/v1/delete',
    allowed: 'operator',
    summary: 'Removes the A and AAAA records of a name.',
    input: object({ fqdn: FQDN }),
    result: object(LINES),
    example: { fqdn: 'home.dyn.example.com' },
  },
} as const;
