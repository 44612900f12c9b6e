/** Operations on the history of hosts. */
import { described, integer, list, MAX_PAGE, object, text, type ValueOf } from './schema.ts';
import { OWNER_NAME, TIME } from './token-operations.ts';

const HOST_NAME = described(OWNER_NAME, 'The owner name of the host.');
const ADDRESSES = { type: 'array', items: { type: 'string' } } as const;
const STEP = described(object({ before: ADDRESSES, after: ADDRESSES }), 'Addresses before and after the event.');

const EVENT_REQUIRED = {
  id: described({ type: 'string' }, 'Unique. Later events have greater ids, compared as texts.'),
  time: TIME,
  protocol: described({ type: 'string' }, 'The client protocol, like `dyndns2`; `update` for DNS UPDATE.'),
  actor: described({ type: 'string' }, 'The token or TSIG key; `master` for the master secret.'),
  source: described({ type: 'string' }, 'The address of the client; empty if there is none.'),
  userAgent: { type: 'string' },
  outcome: { enum: ['changed', 'refused', 'failed'] },
} as const;
const EVENT_OPTIONAL = {
  A: STEP,
  AAAA: STEP,
  private: described(
    { type: 'boolean' },
    'True if a private address was published: RFC 1918, unique local (fc00::/7), or carrier NAT (100.64.0.0/10).',
  ),
  code: described({ type: 'string' }, 'Why it was refused or failed: a code of docs/errors.md.'),
  detail: described({ type: 'string' }, 'Further facts, like other types that were changed.'),
  serial: described(
    { type: 'integer' },
    'Of a change in an embedded zone: the SOA serial that has it, or a later one that was published with it.',
  ),
  secondaries: described(
    {
      type: 'array',
      items: object(
        { secondary: described({ type: 'string' }, '`address:port`.') },
        {
          seconds: described({ type: 'number' }, 'From the change to the first answer that has it; absent: not yet.'),
        },
      ),
    },
    'The secondaries that were queried at that time, and when each served the change.',
  ),
} as const;

const EVENT = { ...object(EVENT_REQUIRED, EVENT_OPTIONAL), title: 'an event' } as const;
export type EventView = ValueOf<typeof EVENT>;

const HOST_EVENT = {
  ...object({ host: HOST_NAME, ...EVENT_REQUIRED }, EVENT_OPTIONAL),
  title: 'an event with its host',
} as const;
export type HostEventView = ValueOf<typeof HOST_EVENT>;

const LIMIT = described(integer(1, MAX_PAGE), 'The number of events. Without it: 20.');
const BEFORE = {
  type: 'string',
  pattern: '^[0-9a-f]{12,64}$',
  title: 'the id of an event, or its first 12 digits or more',
  description: 'Only events with smaller ids. The first 12 digits are the milliseconds since 1970.',
} as const;
const INSTANT = text(64, 'a time, like 2026-11-23T10:00:00Z');
const MORE = described(
  { type: 'boolean' },
  'There are older events: send the id of the last one, which `next` has too, as `before` to read them.',
);
const NEXT_BEFORE = {
  next: described({ type: 'string' } as const, 'The `before` of the next page; absent on the last one.'),
};

const ALL_HISTORY = object(
  { events: described({ type: 'array', items: HOST_EVENT }, 'Newest first.'), more: MORE },
  NEXT_BEFORE,
);
export type AllHistoryView = ValueOf<typeof ALL_HISTORY>;

const PAST = object(
  { time: TIME },
  {
    A: described(ADDRESSES, 'Absent if nothing is known of the family.'),
    AAAA: described(ADDRESSES, 'Absent if nothing is known of the family.'),
  },
);
export type PastView = ValueOf<typeof PAST>;

const HISTORY = object(
  {
    host: HOST_NAME,
    events: described({ type: 'array', items: EVENT }, 'Newest first.'),
    more: MORE,
  },
  {
    lastSeen: described(TIME, 'The last update that was accepted.'),
    repeats: described({ type: 'integer' }, 'Updates that changed nothing.'),
    past: described(PAST, 'The addresses at the time that `at` named.'),
    ...NEXT_BEFORE,
  },
);
export type HistoryView = ValueOf<typeof HISTORY>;

export const HISTORY_OPERATIONS = {
  readHistory: {
    method: 'GET',
    path: '/v1/hosts/{host}/history',
    allowed: 'member',
    needs: { field: 'host', access: 'view' },
    summary: 'Reads the events of a host: changes, refusals and failures, newest first.',
    input: object(
      { host: HOST_NAME },
      {
        at: described(
          INSTANT,
          'Also shows the addresses that the host had at this time: `past`. ISO 8601; in UTC if it ends with Z.',
        ),
        limit: LIMIT,
        before: BEFORE,
      },
    ),
    result: HISTORY,
    example: { host: 'home.dyn.example.com', limit: 20 },
  },
  readAllHistory: {
    method: 'GET',
    path: '/v1/history',
    allowed: 'member',
    summary:
      'Reads the events of all hosts: changes, refusals and failures, newest first. A member sees those of the hosts that the member sees.',
    input: object(
      {},
      {
        outcome: described({ enum: ['changed', 'refused', 'failed'] }, 'Only events with this outcome.'),
        token: described(text(255, 'the name of a token or key'), 'Only events of this token or key.'),
        source: described(text(64, 'the address of a client'), 'Only events of this client address.'),
        until: described(INSTANT, 'Only events before this time. ISO 8601; in UTC if it ends with Z.'),
        since: described(INSTANT, 'Only events at this time or later. ISO 8601; in UTC if it ends with Z.'),
        limit: LIMIT,
        before: BEFORE,
      },
    ),
    result: ALL_HISTORY,
    example: { outcome: 'refused', limit: 20 },
  },
  purgeHistory: {
    method: 'DELETE',
    path: '/v1/hosts/{host}/history',
    allowed: 'member',
    needs: { field: 'host', access: 'own' },
    summary: 'Deletes all events of a host, and when it was last seen.',
    input: object({ host: HOST_NAME }),
    result: object({
      host: HOST_NAME,
      events: described({ type: 'integer' }, 'The number of events that were deleted.'),
    }),
    example: { host: 'home.dyn.example.com' },
  },
  stream: {
    method: 'GET',
    path: '/v1/stream',
    allowed: 'member',
    httpOnly: true,
    summary:
      'Sends events as they happen (server-sent events). Of many a second it sends counts, and the events of the hosts that are watched. A member gets those of the hosts that the member sees.',
    input: object(
      {},
      {
        host: described(list(OWNER_NAME, 50), 'Hosts to watch: their events are always sent. May be repeated.'),
        last_event_id: described(
          text(64, 'the id of an event'),
          'Begins with the events behind this one, like the header `Last-Event-ID`.',
        ),
      },
    ),
    result: 'event stream',
    example: { host: ['home.dyn.example.com'] },
  },
} as const;
