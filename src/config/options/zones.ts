/** Rows: `zones`, what a zone on a remote primary and an embedded one have in common, and the options of the former. */
import type { ZoneConfig } from '../config.ts';
import { ipPrefix, zonePrimary } from '../kinds/addresses.ts';
import { listOf } from '../kinds/kind.ts';
import { memberPattern, nameBelowZone, zoneName } from '../kinds/names.ts';
import { base64Secret, tsigAlgorithm, tsigKeyName } from '../kinds/secrets.ts';
import { choice, integer, portNumber, ttl, yesOrNo } from '../kinds/words.ts';
import { optionsFor } from './option.ts';
import { transport } from './server.ts';

const option = optionsFor<ZoneConfig>();

export const ZONE_OPTIONS = {
  'zones[].name': option(zoneName, {
    place: 'apex',
    required: 'a domain name',
    summary: 'The name of the zone, with or without the final dot.',
    example: 'dyndns.example.com',
  }),
  'zones[].tsig_key': option(base64Secret, {
    otherwise: 'the long form is required; an embedded zone needs neither',
    summary:
      'The short form of the TSIG key: its secret. The name of the key is then the name of the zone, and its algorithm is ' +
      'hmac-sha512.',
    example: 'tPyvZA==',
  }),
  'zones[].tsig_key.name': option(tsigKeyName, {
    otherwise: 'the name of the zone',
    summary: 'The long form: the name of the key, as the primary has it.',
    example: 'key1.example.com',
  }),
  'zones[].tsig_key.algorithm': option(tsigAlgorithm, {
    default: 'hmac-sha512',
    summary:
      'The long form: the algorithm of the key. `hmac-md5` is broken and only accepted because it is set explicitly. ' +
      "BIND's keys with a truncated MAC, like its `hmac-sha256-128`, use plain `hmac-sha256` on the wire: write that.",
    example: 'hmac-sha256',
  }),
  'zones[].tsig_key.secret': option(base64Secret, {
    otherwise: 'required in the long form',
    summary: 'The long form: the secret of the key.',
    example: "'c2VjcmV0IG9mIGFuIGV4YW1wbGUga2V5ICEhISEhISE='",
  }),
  'zones[].nameserver': option(zonePrimary, {
    inherits: 'nameserver',
    summary:
      'The primary nameserver of this zone: its address, or `embedded` if dyndns itself is the primary. A zone with `ns` ' +
      'is embedded too, unless it or the top of the file sets a nameserver. A zone with none of these is an error.',
    example: '192.0.2.1',
  }),
  'zones[].port': option(portNumber, {
    place: 'primary.port',
    inherits: 'port',
    only: 'remote',
    summary: 'The port of that nameserver.',
    example: '53',
  }),
  'zones[].transport': option(transport, {
    place: 'primary.transport',
    inherits: 'transport',
    only: 'remote',
    summary: 'The transport to the primary of this zone.',
    example: 'tcp',
  }),
  'zones[].signed_reads': option(yesOrNo, {
    place: 'primary.signedReads',
    inherits: 'signed_reads',
    only: 'remote',
    summary: 'Signs the queries for this zone too.',
    example: 'true',
  }),
  'zones[].ttl.default': option(ttl, {
    place: 'ttl.default',
    unit: 'seconds',
    otherwise: '300 in the original API, 60 elsewhere',
    summary: 'The TTL of records whose request does not contain one.',
    example: '300',
  }),
  'zones[].ttl.min': option(ttl, {
    place: 'ttl.min',
    unit: 'seconds',
    otherwise: 'no limit',
    summary: 'Requests with a lower TTL are refused.',
    example: '30',
  }),
  'zones[].ttl.max': option(ttl, {
    place: 'ttl.max',
    unit: 'seconds',
    otherwise: 'no limit',
    summary: 'Requests with a higher TTL are refused.',
    example: '86400',
  }),
  'zones[].apex': option(yesOrNo, {
    place: 'apexAllowed',
    default: false,
    summary: "Allows changes over HTTP to the records of the zone's own name.",
    example: 'false',
  }),
  'zones[].wildcard': option(yesOrNo, {
    place: 'wildcardAllowed',
    default: false,
    summary: 'Allows changes over HTTP to wildcard names (`*.x`).',
    example: 'false',
  }),
  'zones[].reserved': option(listOf(nameBelowZone), {
    default: [],
    summary:
      'Names that cannot be changed over HTTP, relative to the zone. A name that ends in the name of the zone is absolute.',
    example: '[www, mail]',
  }),
  'zones[].addresses.allow': option(listOf(ipPrefix), {
    place: 'addresses.allow',
    default: [],
    summary:
      'Addresses or prefixes that may be published although they are refused by default or in a shorter prefix of `deny`. ' +
      'The longest prefix wins. By default, global unicast addresses are accepted, those for documentation and ' +
      'benchmarking too. Private ones (RFC 1918, fc00::/7, 100.64.0.0/10) are accepted, and marked in log and history. ' +
      'Refused are loopback, link-local, multicast, unspecified and reserved addresses (127.0.0.0/8, 169.254.0.0/16, ' +
      '224.0.0.0/4, 0.0.0.0/8, 240.0.0.0/4), and every IPv6 address outside of 2000::/3 and fc00::/7: bare interface ' +
      'identifiers, ::/96, 64:ff9b::/96, 100::/64, fec0::/10.',
    example: "['198.51.100.0/24']",
  }),
  'zones[].addresses.deny': option(listOf(ipPrefix), {
    place: 'addresses.deny',
    default: [],
    summary: 'Addresses or prefixes that may not be published. The longest prefix wins.',
    example: "['198.51.0.0/16']",
  }),
  'zones[].empty_value': option(choice('keep', 'clear'), {
    place: 'emptyValue',
    default: 'keep',
    summary:
      'What an empty address parameter of dyndns2 or the original API does to its address family: `keep` its records, or ' +
      '`clear` them.',
    example: 'keep',
  }),
  'zones[].acme_ttl': option(integer(60, 31_536_000), {
    place: 'acmeTtl',
    default: 86_400,
    unit: 'seconds',
    summary: 'When a TXT value that was written over HTTP (DNS-01) is deleted, if its client does not delete it.',
    example: '86400',
  }),
  'zones[].members.claim': option(yesOrNo, {
    place: 'members.claim',
    default: false,
    summary:
      'Whether members (users of the HTTP API who are no admins) may take names of the zone that no one has. Without it ' +
      'only admins give them hosts.',
    example: 'false',
  }),
  'zones[].members.pattern': option(memberPattern, {
    place: 'members.pattern',
    default: '*',
    summary:
      'Which names they may take, relative to the zone: `*` is any name one label below it, `*.lab` one below lab.',
    example: "'*'",
  }),
};
