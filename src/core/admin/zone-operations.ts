/** Operations on embedded zones: those that this server is the primary of. */
import { described, integer, object, text, type ValueOf, YES_NO } from './schema.ts';

const ZONE_NAME = described(text(1024, 'the name of an embedded zone'), 'The apex of the zone.');
const SERIAL = described({ type: 'integer' }, 'The SOA serial.');

export const SECONDARY_STATES = [
  'unknown',
  'up-to-date',
  'sent',
  'behind',
  'refused',
  'ahead',
  'not-answering',
  'not-serving',
] as const;

const SECONDARY = {
  ...object(
    { endpoint: described({ type: 'string' }, '`address:port`.') },
    {
      state: described(
        { enum: SECONDARY_STATES },
        '`unknown`: it has not named its serial yet; `up-to-date`; `sent`: it is not queried and was sent the newest version; ' +
          '`behind`; `refused`: it was sent a serial and still names an older one; `ahead`: its serial is later than ours; ' +
          '`not-answering`; `not-serving`: it answers, but not for this zone.',
      ),
      text: described({ type: 'string' }, 'The state in words; completes "the secondary …".'),
      stateSeconds: described({ type: 'number' }, 'Seconds since the state began.'),
      serial: described({ type: 'integer' }, 'The serial that it named last; absent if it named none.'),
      refusedSerial: described(
        { type: 'integer' },
        'The serial that it was sent and did not take, if the state is `refused`.',
      ),
      behindSeconds: described(
        { type: 'number' },
        'Seconds since the oldest commit that it does not hold; absent if it holds all, or named none.',
      ),
      answerSeconds: described({ type: 'number' }, 'Seconds since its last answer to a query; absent if it gave none.'),
      transfer: described(
        object({
          kind: { enum: ['AXFR', 'IXFR'] },
          serial: described({ type: 'integer' }, 'The serial that it was sent.'),
          seconds: described({ type: 'number' }, 'Seconds since then.'),
        }),
        'The last transfer that it took in full; absent if it took none since the start.',
      ),
      problem: described({ type: 'string' }, 'Its problem with NOTIFY; completes "the secondary …".'),
    },
  ),
  title: 'a secondary',
} as const;

const UNSERVED = {
  ...object({
    name: described({ type: 'string' }, 'The owner name, with the final dot.'),
    type: { type: 'string' },
    records: described({ type: 'integer' }, 'Number of its records.'),
    why: described({ type: 'string' }, 'What it collides with; completes "it is not served: …".'),
  }),
  title: 'an unserved RRset',
} as const;

const SIGNING = object(
  {
    signatures: described({ type: 'integer' }, 'The number of signatures, counted at the last renewal.'),
    expired: described({ type: 'integer' }, 'How many of them have expired.'),
    troubles: described(
      { type: 'array', items: { type: 'string' } },
      'What needs an operator, in sentences: missing keys, signatures that expire soon, a renewal that failed, `dnssec` removed from the ' +
        'configuration. Empty: nothing.',
    ),
  },
  {
    firstExpiration: described(
      { type: 'string' },
      'When the first signature expires, like 2026-11-23T10:00:00Z; absent while they are not counted.',
    ),
  },
);

export const EMBEDDED_ZONE = {
  ...object(
    {
      zone: described({ type: 'string' }, 'The apex, with the final dot.'),
      serial: described(SERIAL, 'The SOA serial; 0 for a zone that is not served and not in the database.'),
      names: described({ type: 'integer' }, 'Names with records, and empty non-terminals.'),
      secondaries: { type: 'array', items: SECONDARY },
    },
    {
      notServed: described({ type: 'string' }, 'Why the zone is not served, and what to do; absent if it is served.'),
      unserved: described(
        { type: 'array', items: UNSERVED },
        'Dynamic RRsets that collide with static ones: the first 100. Absent if there is none.',
      ),
      unservedCount: { type: 'integer' },
      signing: described(SIGNING, 'The signatures of a signed zone; absent for an unsigned one.'),
    },
  ),
  title: 'an embedded zone',
} as const;
export type ZoneState = ValueOf<typeof EMBEDDED_ZONE>;
export type SecondaryState = ValueOf<typeof SECONDARY>;

const REMOTE_ZONE = {
  ...object({
    zone: described({ type: 'string' }, 'The apex, with the final dot.'),
    primary: described({ type: 'string' }, '`address:port` of its primary.'),
  }),
  title: 'a zone with another primary',
} as const;
export type RemoteZoneView = ValueOf<typeof REMOTE_ZONE>;

const FINDING = {
  ...object(
    {
      check: described({ type: 'string' }, 'What was checked.'),
      status: { enum: ['ok', 'warning', 'problem', 'not checked'] },
      text: { type: 'string' },
    },
    { advice: described({ type: 'string' }, 'What to do.') },
  ),
  title: 'a finding',
} as const;
export type FindingView = ValueOf<typeof FINDING>;

const IMPORT_REPORT = object({
  added: described({ type: 'integer' }, 'RRsets that were added.'),
  changed: { type: 'integer' },
  unchanged: { type: 'integer' },
  removed: { type: 'integer' },
  skipped: described(
    { type: 'array', items: { type: 'string' } },
    'Records that were skipped and why: the first ones.',
  ),
  skippedCount: { type: 'integer' },
  serial: described(SERIAL, 'The SOA serial after the import.'),
});
export type ZoneImportReport = ValueOf<typeof IMPORT_REPORT>;

const RECOVERY_REPORT = object(
  {
    serial: described(SERIAL, 'The SOA serial that the zone is served with.'),
    names: { type: 'integer' },
    lost: described({ type: 'array', items: { type: 'string' } }, 'What was damaged: the first sentences.'),
    lostCount: { type: 'integer' },
  },
  {
    before: described(SERIAL, 'The serial in the database; absent if the zone was not in it.'),
    known: described(SERIAL, 'The highest serial that was known.'),
  },
);
export type RecoveryReport = ValueOf<typeof RECOVERY_REPORT>;

export const ZONE_OPERATIONS = {
  listZones: {
    method: 'GET',
    path: '/v1/zones',
    allowed: 'admin',
    summary: 'Lists the embedded zones with serial and secondaries, and the zones with another primary.',
    input: object({}),
    result: object({
      zones: { type: 'array', items: EMBEDDED_ZONE },
      remote: described(
        { type: 'array', items: REMOTE_ZONE },
        'Zones with another primary. Without a running server: none is listed.',
      ),
    }),
    example: {},
  },
  showZone: {
    method: 'GET',
    path: '/v1/zones/{zone}',
    allowed: 'admin',
    summary: 'Shows an embedded zone with serial and secondaries.',
    input: object({ zone: ZONE_NAME }),
    result: EMBEDDED_ZONE,
    etag: 'serial',
    example: { zone: 'dyn.example.com' },
  },
  listSecondaries: {
    method: 'GET',
    path: '/v1/zones/{zone}/secondaries',
    allowed: 'admin',
    summary: 'Lists the secondaries of an embedded zone with the serials that they serve.',
    input: object({ zone: ZONE_NAME }),
    result: object({ serial: SERIAL, secondaries: { type: 'array', items: SECONDARY } }),
    example: { zone: 'dyn.example.com' },
  },
  examineZone: {
    method: 'GET',
    path: '/v1/zones/{zone}/doctor',
    allowed: 'admin',
    summary:
      'Finds problems of a zone between its parent and this machine, like `dyndns doctor`. Changes nothing; takes up to half a minute.',
    input: object({ zone: described(text(1024, 'the name of a zone'), 'The apex of a zone of the configuration.') }),
    result: object({ findings: { type: 'array', items: FINDING } }),
    example: { zone: 'dyn.example.com' },
  },
  exportZone: {
    method: 'GET',
    path: '/v1/zones/{zone}/file',
    allowed: 'admin',
    summary: 'Sends the zone as a zone file (RFC 1035 §5), of one version, sorted.',
    input: object({ zone: ZONE_NAME }),
    result: 'zone file',
    example: { zone: 'dyn.example.com' },
  },
  importZone: {
    method: 'POST',
    path: '/v1/zones/{zone}/import',
    allowed: 'admin',
    summary:
      'Imports a zone file, which is the body of the request, as dynamic data. The SOA and static records stay as they are.',
    input: object(
      { zone: ZONE_NAME },
      {
        mode: described(
          { enum: ['merge', 'replace'] },
          '`replace` also removes dynamic RRsets that the file does not have. Without it: `merge`.',
        ),
        dry_run: described(YES_NO, 'Changes nothing, and reports what would change. Without it: 0.'),
      },
    ),
    body: 'zone file',
    result: IMPORT_REPORT,
    example: { zone: 'dyn.example.com', mode: 'merge', dry_run: '1' },
  },
  setSerial: {
    method: 'POST',
    path: '/v1/zones/{zone}/serial',
    allowed: 'admin',
    summary: 'Sets a later SOA serial (RFC 1982 §3.2), for a zone that was restored from a backup.',
    input: object({ zone: ZONE_NAME, serial: described(integer(0, 0xffffffff), 'Later than the present one.') }),
    result: object({ before: SERIAL, serial: SERIAL }),
    example: { zone: 'dyn.example.com', serial: 2026112300 },
  },
  recoverZone: {
    method: 'POST',
    path: '/v1/zones/{zone}/recover',
    allowed: 'admin',
    summary:
      'Serves what is readable of a zone whose database lost changes or is damaged, under a serial later than every known one.',
    input: object(
      { zone: ZONE_NAME },
      { serial: described(integer(0, 0xffffffff), 'Later than the highest known one. Without it one is chosen.') },
    ),
    result: RECOVERY_REPORT,
    example: { zone: 'dyn.example.com' },
  },
  discardUnserved: {
    method: 'POST',
    path: '/v1/zones/{zone}/discard',
    allowed: 'admin',
    summary:
      'Deletes dynamic data that conflicts with static records and is therefore stored, but not served. Served data does not change.',
    input: object(
      { zone: ZONE_NAME, name: described(text(1024), 'The owner name.') },
      { type: described(text(20, 'an RR type'), 'Without it: all types.') },
    ),
    result: object({ discarded: described({ type: 'integer' }, 'RRsets that were deleted.') }),
    example: { zone: 'dyn.example.com', name: 'home.dyn.example.com', type: 'NS' },
  },
} as const;
