/** Operations on the signatures and the keys of embedded zones (DNSSEC). Private keys are only for the operator. */
import { described, integer, object, text, type ValueOf } from './schema.ts';

const ZONE_NAME = described(text(1024, 'the name of an embedded zone'), 'The apex of the zone.');
const KEY_TAG = described(integer(0, 65_535), 'The key tag (RFC 4034 appendix B).');
const TIME = described({ type: 'string' }, 'A time, like 2026-11-23T10:00:00Z.');
const ALGORITHM = described({ type: 'integer' }, 'The number of the algorithm: 13 or 15.');
const MNEMONIC = described({ type: 'string' }, 'The name of the algorithm: ECDSAP256SHA256 or ED25519.');

const DS = object({
  keyTag: { type: 'integer' },
  algorithm: { type: 'integer' },
  digestType: described({ type: 'integer' }, '2: SHA-256.'),
  digest: described({ type: 'string' }, 'Hexadecimal.'),
  record: described({ type: 'string' }, 'The record in presentation form.'),
});

const DNSKEY = object({
  flags: described({ type: 'integer' }, '257: the DS record names this key.'),
  protocol: described({ type: 'integer' }, 'Always 3.'),
  algorithm: { type: 'integer' },
  publicKey: described({ type: 'string' }, 'Base64.'),
  record: described({ type: 'string' }, 'The record in presentation form.'),
});

const SIGNED_KEY = {
  ...object(
    {
      keyTag: described({ type: 'integer' }, 'The key tag (RFC 4034 appendix B).'),
      algorithm: ALGORITHM,
      mnemonic: MNEMONIC,
      dnskey: DNSKEY,
    },
    {
      ds: described(
        DS,
        'The DS record for the parent; absent while the parent must not have it: the zone has no CDS record of this key.',
      ),
    },
  ),
  title: 'a key of a signed zone',
} as const;
export type SignedKeyView = ValueOf<typeof SIGNED_KEY>;

const PROCEDURE = object(
  {
    kind: described(
      { enum: ['first-signing', 'rollover', 'algorithm-change', 'leaving'] },
      '`first-signing`: the DS record of the first key is not given out yet.',
    ),
    step: described({ enum: ['signatures', 'secondaries', 'caches', 'parent'] }, 'What is being made or waited for.'),
    text: described({ type: 'string' }, 'The same in a sentence.'),
    since: described(TIME, 'Since when; a restart of the server may make it later.'),
  },
  { until: described(TIME, 'When the step ends; absent where that is not known.') },
);
/** As in the option `dnssec`. */
export type AlgorithmName = 'ecdsap256sha256' | 'ed25519';
export type DnssecProcedure = ValueOf<typeof PROCEDURE>;

const DNSSEC_STATUS = object(
  {
    zone: described({ type: 'string' }, 'The apex, with the final dot.'),
    state: described(
      { enum: ['unsigned', 'signed', 'leaving'] },
      '`leaving`: signed, and the CDS record requests that the parent deletes its DS records (RFC 8078 §4).',
    ),
    serial: described({ type: 'integer' }, 'The SOA serial of the version that the other fields are about.'),
    keys: described(
      { type: 'array', items: SIGNED_KEY },
      'The DNSKEY records, by key tag. Empty for an unsigned zone.',
    ),
  },
  {
    chain: described(
      { enum: ['nsec', 'nsec3'] },
      'What proves that a name does not exist; absent for an unsigned zone.',
    ),
    signatures: described(
      object({
        count: described({ type: 'integer' }, 'The number of signatures.'),
        earliestExpiration: described(TIME, 'When the first of them expires.'),
        latestExpiration: described(TIME, 'When the last of them expires.'),
        expired: described({ type: 'integer' }, 'How many have expired.'),
      }),
      'Absent for an unsigned zone.',
    ),
    procedure: described(PROCEDURE, 'A change of the keys that is in progress; absent if none is.'),
    problem: described(
      { type: 'string' },
      'What is wrong with the keys on disk, and what to do; absent if nothing is.',
    ),
  },
);
export type DnssecStatus = ValueOf<typeof DNSSEC_STATUS>;

const ZONE_KEY = {
  ...object(
    {
      keyTag: described({ type: 'integer' }, 'The key tag (RFC 4034 appendix B).'),
      algorithm: ALGORITHM,
      mnemonic: MNEMONIC,
      published: described({ type: 'boolean' }, 'Whether the zone has its DNSKEY record.'),
    },
    { created: described(TIME, 'When it was made; absent if its files do not say that.') },
  ),
  title: 'a key on disk',
} as const;
export type ZoneKeyView = ValueOf<typeof ZONE_KEY>;

const EXPORTED_KEY = object({
  baseName: described({ type: 'string' }, 'The name of the files of BIND, without `.key` and `.private`.'),
  publicText: described({ type: 'string' }, 'The content of the file `.key`.'),
  privateText: described({ type: 'string' }, 'The content of the file `.private`: a secret.'),
});
export type ExportedZoneKey = ValueOf<typeof EXPORTED_KEY>;

/** The files of BIND have about 500 characters. */
const MAX_KEY_TEXT = 65_536;

export const DNSSEC_OPERATIONS = {
  showDnssec: {
    method: 'GET',
    path: '/v1/zones/{zone}/dnssec',
    allowed: 'admin',
    summary:
      'Shows whether an embedded zone is signed: its keys, the DS records for its parent, and when signatures expire.',
    input: object({ zone: ZONE_NAME }),
    result: DNSSEC_STATUS,
    example: { zone: 'dyn.example.com' },
  },
  rollZoneKey: {
    method: 'POST',
    path: '/v1/zones/{zone}/dnssec/roll',
    allowed: 'operator',
    summary:
      'Begins a rollover of a signed zone to a new key; with `force` removes the old key without the check of the parent.',
    input: object(
      { zone: ZONE_NAME },
      {
        algorithm: described(
          { enum: ['ecdsap256sha256', 'ed25519'] },
          'The algorithm of the new key; default: that of the zone.',
        ),
        force: { type: 'boolean' },
      },
    ),
    result: DNSSEC_STATUS,
    example: { zone: 'dyn.example.com' },
  },
  leaveDnssec: {
    method: 'POST',
    path: '/v1/zones/{zone}/dnssec/leave',
    allowed: 'operator',
    summary:
      'Requests that the parent deletes the DS record, and unsigns the zone when that is done; with `force` without waiting for it.',
    input: object({ zone: ZONE_NAME }, { force: { type: 'boolean' } }),
    result: DNSSEC_STATUS,
    example: { zone: 'dyn.example.com' },
  },
  stayDnssec: {
    method: 'POST',
    path: '/v1/zones/{zone}/dnssec/stay',
    allowed: 'operator',
    summary: 'Takes back that a zone leaves DNSSEC.',
    input: object({ zone: ZONE_NAME }),
    result: DNSSEC_STATUS,
    example: { zone: 'dyn.example.com' },
  },
  listZoneKeys: {
    method: 'GET',
    path: '/v1/zones/{zone}/keys',
    allowed: 'admin',
    summary: 'Lists the keys of an embedded zone that are on disk.',
    input: object({ zone: ZONE_NAME }),
    result: object({ keys: { type: 'array', items: ZONE_KEY } }),
    example: { zone: 'dyn.example.com' },
  },
  exportZoneKey: {
    // Not a GET, so that the audit list has it.
    method: 'POST',
    path: '/v1/zones/{zone}/keys/{keyTag}/export',
    allowed: 'operator',
    summary: 'Sends a key with its private part, as the two files of BIND.',
    input: object({ zone: ZONE_NAME, keyTag: KEY_TAG }),
    result: EXPORTED_KEY,
    example: { zone: 'dyn.example.com', keyTag: 47133 },
  },
  importZoneKey: {
    method: 'POST',
    path: '/v1/zones/{zone}/keys/import',
    allowed: 'operator',
    summary:
      'Adds a key from the two files of BIND: to a zone that is not signed yet, or a key that a signed zone has lost. It signs from the next start on.',
    input: object({
      zone: ZONE_NAME,
      publicText: described(text(MAX_KEY_TEXT), 'The content of the file `.key`.'),
      privateText: described(text(MAX_KEY_TEXT), 'The content of the file `.private`.'),
    }),
    result: ZONE_KEY,
    example: { zone: 'dyn.example.com', publicText: 'PUBLIC', privateText: 'PRIVATE' },
  },
} as const;
