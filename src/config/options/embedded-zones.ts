/** Rows: the options of `zones` that only embedded zones have. */
import type { EmbeddedPrimary, SecondaryConfig, ZoneKeyConfig } from '../config.ts';
import { secondaryPlace } from '../kinds/endpoints.ts';
import { listOf } from '../kinds/kind.ts';
import { dataType, mailbox, nameserverName, ownerPattern, zoneFileText } from '../kinds/names.ts';
import { base64Secret, tsigAlgorithm, tsigKeyName } from '../kinds/secrets.ts';
import { choice, integer, ttl, yesOrNo } from '../kinds/words.ts';
import { optionsFor } from './option.ts';

const option = optionsFor<{ readonly primary: EmbeddedPrimary }>();
const ofSecondary = optionsFor<SecondaryConfig>();
const ofKey = optionsFor<ZoneKeyConfig>();

/** A secondary must not look without a pause. */
const soaTimer = integer(1, 2_147_483_647);

export const MAX_VALIDITY_DAYS = 365;

/** The short form of `dnssec`. */
const signedOrMap: typeof yesOrNo = {
  ...yesOrNo,
  allowed: 'true or false, or a map with the keys algorithm, validity_days, nsec3',
};

export const EMBEDDED_ZONE_OPTIONS = {
  'zones[].ns': option(listOf(nameserverName, 1), {
    otherwise: 'an error in an embedded zone',
    only: 'embedded',
    summary:
      'The nameservers of the zone, with their full names: the NS records. The first is in the SOA record too. A name ' +
      'inside the zone needs its address in `records`.',
    example: '[ns1.example.com, ns2.example.net]',
  }),
  'zones[].contact': option(mailbox, {
    otherwise: 'hostmaster at the name of the zone',
    only: 'embedded',
    summary: 'The mail address in the SOA record.',
    example: 'hostmaster@example.com',
  }),
  'zones[].ns_ttl': option(ttl, {
    default: 3600,
    only: 'embedded',
    unit: 'seconds',
    summary: 'The TTL of the NS records of the zone.',
    example: '3600',
  }),
  'zones[].soa.refresh': option(soaTimer, {
    default: 3600,
    only: 'embedded',
    unit: 'seconds',
    summary: 'How often a secondary looks for a new serial by itself (SOA REFRESH, RFC 1035 §3.3.13).',
    example: '3600',
  }),
  'zones[].soa.retry': option(soaTimer, {
    default: 600,
    only: 'embedded',
    unit: 'seconds',
    summary: 'How long a secondary waits after a failed attempt (SOA RETRY).',
    example: '600',
  }),
  'zones[].soa.expire': option(soaTimer, {
    default: 1_209_600,
    only: 'embedded',
    unit: 'seconds',
    summary: 'How long a secondary serves the zone while this server does not answer it (SOA EXPIRE).',
    example: '1209600',
  }),
  'zones[].soa.minimum': option(ttl, {
    default: 60,
    only: 'embedded',
    unit: 'seconds',
    summary: 'How long resolvers remember that a name or type does not exist (SOA MINIMUM, RFC 2308 §4).',
    example: '60',
  }),
  'zones[].soa.ttl': option(ttl, {
    otherwise: 'the value of `soa.minimum`',
    only: 'embedded',
    unit: 'seconds',
    summary: 'The TTL of the SOA record. The smaller of it and `soa.minimum` counts for negative answers.',
    example: '60',
  }),
  'zones[].dnssec': option(signedOrMap, {
    otherwise: '`false`: the zone is not signed',
    only: 'embedded',
    summary:
      'Signs the zone (DNSSEC). The short form: `true`, with the defaults of the long form. The server makes the key of the ' +
      'zone itself, in the folder `keys` next to `dns.database`. Removing the option does not make a signed zone unsigned, because resolvers ' +
      'would refuse it while its parent has a DS record: `dyndns zone dnssec ZONE leave` does.',
    example: 'true',
  }),
  'zones[].dnssec.algorithm': option(choice('ecdsap256sha256', 'ed25519'), {
    default: 'ecdsap256sha256',
    only: 'embedded',
    summary:
      'The long form: the algorithm of the key, 13 (RFC 6605) or 15 (RFC 8080). `dyndns zone dnssec ZONE roll --algorithm NAME` changes it, and then this option should follow.',
    example: 'ecdsap256sha256',
  }),
  'zones[].dnssec.validity_days': option(integer(2, MAX_VALIDITY_DAYS), {
    default: 30,
    only: 'embedded',
    unit: 'days',
    summary:
      'The long form: how long a signature is valid. It is renewed when half of this time has passed, or some time later, but before ' +
      'less than `soa.expire` is left, so that a secondary that is cut off never serves signatures that have expired. Half of ' +
      'it should be a day longer than `soa.expire`.',
    example: '30',
  }),
  'zones[].dnssec.nsec3': option(yesOrNo, {
    default: true,
    only: 'embedded',
    summary:
      'The long form: proves with NSEC3 that a name does not exist (RFC 5155, 0 iterations and no salt as in RFC 9276), so that ' +
      'names cannot be listed. With `false` the proofs are NSEC records, from which anyone can list all names. It must stay ' +
      'as it is while the zone is signed.',
    example: 'true',
  }),
  'zones[].secondaries[]': ofSecondary(secondaryPlace, {
    otherwise: 'none',
    only: 'embedded',
    summary:
      'Nameservers that are notified of each change (NOTIFY), may transfer the zone, and are queried for the serial that they ' +
      'serve. The short form of an entry: its address, with the port if it is not 53. A prefix only permits transfers to ' +
      'its addresses.',
    example: "['192.0.2.53', '[2001:db8::53]:5353', '198.51.100.0/24']",
  }),
  'zones[].secondaries[].address': ofSecondary(secondaryPlace, {
    otherwise: 'required in the long form',
    only: 'embedded',
    summary: 'The long form: the address, with the port if it is not 53; or a prefix.',
    example: "'192.0.2.53'",
  }),
  'zones[].secondaries[].key': ofSecondary(tsigKeyName, {
    place: 'keyName',
    otherwise: 'NOTIFY is not signed, and the address alone permits transfers',
    only: 'embedded',
    summary:
      'The long form: the name of one of the keys of the zone. NOTIFY and queries to the secondary are signed with it, and ' +
      'transfers must be.',
    example: 'key2.example.net',
  }),
  'zones[].secondaries[].notify': ofSecondary(yesOrNo, {
    place: 'notify',
    default: true,
    only: 'embedded',
    summary: 'The long form: sends a NOTIFY after each change. Not of a prefix.',
    example: 'true',
  }),
  'zones[].secondaries[].poll': ofSecondary(yesOrNo, {
    place: 'poll',
    default: true,
    only: 'embedded',
    summary:
      'The long form: queries the SOA record of the secondary, after each change and every half minute. Set it to false for ' +
      'one that does not serve the zone, like a hidden distribution server: then only the serials in its requests for ' +
      'IXFR are known. Not of a prefix.',
    example: 'true',
  }),
  'zones[].records': option(zoneFileText, {
    otherwise: 'none',
    only: 'embedded',
    summary:
      'Static records in zone-file syntax, which neither HTTP nor UPDATE can change. The default TTL is 300. The SOA and ' +
      'NS records of the zone come from `ns` and `contact`.',
    example: '|\n  @    IN A     192.0.2.10\n  www  IN CNAME @',
  }),
  'zones[].tsig_keys[].name': ofKey(tsigKeyName, {
    place: 'name',
    required: 'the name of the key',
    only: 'embedded',
    summary: 'Several keys instead of `tsig_key`, each with its own permissions: the name of the key.',
    example: 'key2.example.net',
  }),
  'zones[].tsig_keys[].algorithm': ofKey(tsigAlgorithm, {
    place: 'algorithm',
    default: 'hmac-sha512',
    only: 'embedded',
    summary: 'Its algorithm, as for `tsig_key`.',
    example: 'hmac-sha256',
  }),
  'zones[].tsig_keys[].secret': ofKey(base64Secret, {
    place: 'secret',
    required: 'the base64 text that tsig-keygen prints',
    only: 'embedded',
    summary: 'Its secret.',
    example: "'c2VjcmV0IG9mIGFuIGV4YW1wbGUga2V5ICEhISEhISE='",
  }),
  'zones[].tsig_keys[].allow': ofKey(listOf(choice('update', 'transfer'), 1), {
    default: ['update', 'transfer'],
    only: 'embedded',
    summary: 'What the key permits: `update` changes the zone by DNS UPDATE, `transfer` transfers it.',
    example: '[update, transfer]',
  }),
  'zones[].tsig_keys[].hosts': ofKey(listOf(ownerPattern, 1), {
    otherwise: 'every name',
    only: 'embedded',
    summary:
      'The names that the key may update, relative to the zone; `@` is the zone itself, `*.x` is every name below x. A ' +
      'name that ends in the name of the zone is absolute.',
    example: "[home, '*.lab']",
  }),
  'zones[].tsig_keys[].types': ofKey(listOf(dataType, 1), {
    place: 'types',
    otherwise: 'every type',
    only: 'embedded',
    summary: 'The RR types that the key may update.',
    example: '[A, AAAA, TXT]',
  }),
};
