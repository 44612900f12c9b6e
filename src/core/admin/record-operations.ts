/** Operations on the records of embedded zones: a member reads and changes those of the hosts that the member may. */
import { described, integer, list, NEXT, object, PAGE, text, YES_NO } from './schema.ts';

const ZONE_NAME = described(text(1024, 'the name of an embedded zone'), 'The apex of the zone.');
const OWNER = described(
  text(1024, 'an owner name in the zone'),
  'The owner name, absolute; the final dot may be left out.',
);
const TYPE = described(text(20, 'an RR type'), 'The RR type, like `TXT`.');
const TTL = described(
  integer(0, 2_147_483_647),
  'The TTL in seconds. Without it: that of the RRset, else that of the zone.',
);
const RECORD = text(65_536, 'RDATA in presentation format, like 192.0.2.1 or "text"');
const SERIAL = described({ type: 'integer' }, 'The SOA serial.');

/** RRsets that one request changes. */
const MAX_CHANGES = 5_000;
/** Records of one change. */
const MAX_RECORDS = 1000;

const RRSET = {
  ...object(
    {
      name: described({ type: 'string' }, 'The owner name, with the final dot.'),
      type: TYPE,
      ttl: { type: 'integer' },
      records: described({ type: 'array', items: { type: 'string' } }, 'RDATA in presentation format.'),
    },
    {
      static: described({ type: 'boolean' }, 'True: the configuration sets it, and it is changed only there.'),
      place: described(
        object({ file: { type: 'string' }, line: { type: 'integer' } }),
        'Of a static one: where it is in the configuration. Absent for SOA and NS, which are made from other options.',
      ),
    },
  ),
  title: 'an RRset',
} as const;

const STATE = object({
  ttl: { type: 'integer' },
  records: described({ type: 'array', items: { type: 'string' } }, 'RDATA in presentation format.'),
});

const DIFFERENCE = {
  ...object(
    { name: described({ type: 'string' }, 'The owner name, with the final dot.'), type: TYPE },
    {
      before: described(STATE, 'Absent: there was none.'),
      after: described(STATE, 'Absent: it is removed.'),
    },
  ),
  title: 'a difference of an RRset',
} as const;

const CHANGE = {
  ...object(
    {
      name: OWNER,
      type: TYPE,
      action: described(
        { enum: ['replace', 'delete', 'add', 'remove'] },
        '`replace`: the RRset has these records and no others; `delete`: the RRset is removed; `add` and `remove`: records are added to it or taken from it.',
      ),
    },
    {
      ttl: TTL,
      records: described(list(RECORD, MAX_RECORDS), 'Records of the change; not for `delete`.'),
    },
  ),
  title: 'a change of an RRset',
} as const;

export const RECORD_OPERATIONS = {
  listRRsets: {
    method: 'GET',
    path: '/v1/zones/{zone}/rrsets',
    allowed: 'member',
    summary:
      'Lists RRsets by owner name, in the order in which a page is quickest. A member sees those of the hosts that the member sees.',
    input: object(
      { zone: ZONE_NAME },
      {
        name: OWNER,
        type: TYPE,
        search: described(text(255), 'Only names with this text in them.'),
        ...PAGE,
      },
    ),
    result: object({ serial: SERIAL, rrsets: { type: 'array', items: RRSET } }, NEXT),
    etag: 'serial',
    example: { zone: 'dyn.example.com', name: 'home.dyn.example.com' },
  },
  changeRRsets: {
    method: 'POST',
    path: '/v1/zones/{zone}/changes',
    allowed: 'member',
    summary:
      'Changes RRsets in one commit: all changes are made, or none. `If-Match` with the serial refuses changes of a zone that was changed since.',
    input: object(
      { zone: ZONE_NAME, changes: described(list(CHANGE, MAX_CHANGES), 'In their order.') },
      { dry_run: described(YES_NO, 'Checks everything, and changes nothing. Without it: false.') },
    ),
    body: 'batch',
    result: object(
      { serial: described(SERIAL, 'The serial that has the changes.'), changed: { type: 'boolean' } },
      {
        differences: described(
          { type: 'array', items: DIFFERENCE } as const,
          'Of a dry run: the first 500 RRsets that the changes alter.',
        ),
      },
    ),
    etag: 'serial',
    example: {
      zone: 'dyn.example.com',
      changes: [{ name: 'home.dyn.example.com', type: 'TXT', action: 'replace', ttl: 60, records: ['"hello"'] }],
    },
  },
} as const;
