/** Operations that show hosts as people look at them: their states, their addresses with their age, what happened lately. */
import { described, integer, MAX_PAGE, NEXT, type NormalValueOf, object, PAGE, text } from './schema.ts';
import { OWNER_NAME, TIME, USER } from './token-operations.ts';

const HOST_NAME = described(OWNER_NAME, 'The owner name of the host.');
const TEXT = { type: 'string' } as const;
const ADDRESSES = { type: 'array', items: TEXT } as const;
const COUNT = { type: 'integer' } as const;
const DAY = { type: 'string', title: 'a day in UTC, like 2026-11-23' } as const;

const STATE = described(
  { enum: ['waiting', 'silent', 'lease-ended', 'disabled', 'never', 'fresh'] },
  'The first that holds. `disabled`: updates are refused; `waiting`: an update was accepted and is not published yet; `lease-ended`: its ' +
    'addresses were replaced because it was silent; `never`: no update yet; `silent`: for longer than its settings allow; `fresh`: else.',
);

const KNOWN_ADDRESSES = object(
  { addresses: ADDRESSES },
  { since: described(TIME, 'Since when they are these; absent: longer than the history knows.') },
);

const FAULT = {
  ...object(
    {
      id: described(TEXT, 'The id of the event.'),
      time: TIME,
      outcome: { enum: ['refused', 'failed'] },
      text: described(TEXT, 'Why, in a sentence.'),
      actor: described(TEXT, 'The token or TSIG key; `master` for the master secret.'),
      source: described(TEXT, 'The address of the client; empty if there is none.'),
    },
    {
      code: described(TEXT, 'A code of docs/errors.md.'),
      detail: described(TEXT, 'Further facts.'),
    },
  ),
  title: 'a fault',
} as const;

const PER_DAY = { type: 'array', items: COUNT } as const;

const OVERVIEW_HOST = {
  ...object(
    {
      host: HOST_NAME,
      origin: described({ enum: ['configuration', 'store', 'none'] }, '`none`: it has no settings of its own.'),
      enabled: { type: 'boolean' },
      state: STATE,
      members: described(COUNT, 'Hosts that move with it to a new IPv6 prefix.'),
      changes: described(PER_DAY, 'Changes on each of the 90 days, the oldest first.'),
      faults: described(PER_DAY, 'Refusals and failures on each of the 90 days, the oldest first.'),
    },
    {
      since: described(
        TIME,
        'Of `silent` the last update, of `waiting` when the update was accepted, of `lease-ended` when the addresses were replaced.',
      ),
      A: described(KNOWN_ADDRESSES, 'What was published last; absent if nothing is known of the family.'),
      AAAA: described(KNOWN_ADDRESSES, 'What was published last; absent if nothing is known of the family.'),
      lastSeen: described(TIME, 'The last update that was accepted.'),
      lastChange: described(TIME, 'The last update that changed something.'),
      fault: described(FAULT, 'The last update that was refused or failed.'),
      owner: described(USER, 'The user whom it belongs to. Absent: the operator.'),
      access: described(
        { enum: ['own', 'view', 'change'] } as const,
        'What the user who asks may do with it. Absent: everything.',
      ),
    },
  ),
  title: 'a host in the overview',
} as const;
export type OverviewHostView = NormalValueOf<typeof OVERVIEW_HOST>;

const SPAN = {
  ...object(
    {
      id: described(TEXT, 'The id of the event that began it.'),
      addresses: described(ADDRESSES, 'None: it had no address of the family.'),
      from: TIME,
      seconds: described({ type: 'number' }, 'How long.'),
      protocol: described(TEXT, 'The client protocol of the change.'),
      actor: described(TEXT, 'The token or TSIG key; `master` for the master secret.'),
      source: described(TEXT, 'The address of the client; empty if there is none.'),
    },
    { until: described(TIME, 'Absent: until now.') },
  ),
  title: 'a span of time with the same addresses',
} as const;

const OWNER = described(USER, 'Only hosts of this user.');

const ANSWER = described(
  object(
    { addresses: ADDRESSES },
    { ttl: described(COUNT, 'The TTL of the answer in seconds; absent without addresses.') },
  ),
  'Without addresses: it answers that there are none.',
);

const SERVER_ANSWER = {
  ...object(
    {
      server: described(TEXT, '`address:port`; `this server` for an embedded zone; a name if it has no address.'),
      role: described(
        { enum: ['this-server', 'primary', 'secondary', 'nameserver'] },
        '`secondary`: of the configuration; `nameserver`: in the NS records of the zone alone.',
      ),
    },
    {
      name: described(TEXT, 'Its name in the NS records.'),
      A: ANSWER,
      AAAA: ANSWER,
      serial: described(COUNT, 'The SOA serial of the zone that it names.'),
      agrees: described({ type: 'boolean' }, 'Whether it answers the addresses of `wanted`; absent: not known.'),
      milliseconds: described(COUNT, 'Until its last answer.'),
      problem: described(TEXT, 'Why there is no answer.'),
    },
  ),
  title: 'an answer of a nameserver',
} as const;

export const OVERVIEW_OPERATIONS = {
  listOverview: {
    method: 'GET',
    path: '/v1/overview',
    allowed: 'member',
    summary:
      'Lists hosts with their states, addresses, last faults and the changes of 90 days, without a query to a nameserver. A member sees own hosts and those that are shared.',
    input: object(
      {},
      {
        search: described(text(255), 'Only hosts with this text in their name.'),
        state: described(STATE, 'Only hosts in this state.'),
        sort: described(
          { enum: ['name', 'state', 'seen', 'changed'] },
          '`state`: the most urgent first; `seen`, `changed`: the newest first. Without it: `name`.',
        ),
        owner: OWNER,
        ...PAGE,
        limit: described(integer(1, MAX_PAGE), 'The most that one reply lists. Without it: 50.'),
      },
    ),
    result: object(
      {
        days: described(object({ first: DAY, last: DAY }), 'The 90 days of `changes` and `faults`.'),
        hosts: { type: 'array', items: OVERVIEW_HOST },
      },
      NEXT,
    ),
    example: { state: 'silent', sort: 'seen', limit: 50 },
  },
  countHosts: {
    method: 'GET',
    path: '/v1/overview/counts',
    allowed: 'member',
    summary: 'Says how many hosts are in each state. A member counts own hosts and those that are shared.',
    input: object({}, { owner: OWNER }),
    result: object({
      total: COUNT,
      states: object({
        waiting: COUNT,
        silent: COUNT,
        'lease-ended': COUNT,
        disabled: COUNT,
        never: COUNT,
        fresh: COUNT,
      }),
    }),
    example: {},
  },
  showAnswers: {
    method: 'GET',
    path: '/v1/hosts/{host}/answers',
    allowed: 'member',
    needs: { field: 'host', access: 'view' },
    summary:
      'Queries each nameserver of the zone for a host, and compares the answers with the addresses that the host should have. Takes up to five seconds.',
    input: object({ host: HOST_NAME }),
    result: object({
      host: HOST_NAME,
      time: TIME,
      zone: described(TEXT, 'The apex, with the final dot.'),
      zoneKind: { enum: ['embedded', 'remote'] },
      wanted: described(
        object({}, { A: ADDRESSES, AAAA: ADDRESSES }),
        'The addresses that the host should have; a family is absent if that is not known.',
      ),
      source: described(
        { enum: ['pending', 'history', 'primary', 'none'] },
        'Where `wanted` is from: an update that is not published yet, the history, or the answer of the primary itself.',
      ),
      servers: { type: 'array', items: SERVER_ANSWER },
    }),
    example: { host: 'home.dyn.example.com' },
  },
  readTimeline: {
    method: 'GET',
    path: '/v1/hosts/{host}/timeline',
    allowed: 'member',
    needs: { field: 'host', access: 'view' },
    summary:
      'Reads which addresses a host had and how long, newest first: one span begins when the span before it ends.',
    input: object(
      { host: HOST_NAME, family: { enum: ['A', 'AAAA'] } },
      {
        limit: described(integer(1, MAX_PAGE), 'The number of spans. Without it: 50.'),
        before: {
          type: 'string',
          pattern: '^[0-9a-f]{12,64}$',
          title: 'the `next` of a reply',
          description: 'Only spans before this one.',
        },
      },
    ),
    result: object(
      {
        host: HOST_NAME,
        family: { enum: ['A', 'AAAA'] },
        spans: { type: 'array', items: SPAN },
      },
      {
        earlier: described(
          ADDRESSES,
          'What the oldest of these spans replaced; absent if that is not known, or there is no span.',
        ),
        next: described(TEXT, 'The `before` of the next page; absent on the last one.'),
      },
    ),
    example: { host: 'home.dyn.example.com', family: 'AAAA', limit: 50 },
  },
} as const;
