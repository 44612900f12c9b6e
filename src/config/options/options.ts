/**
 * The one table of options. Reading, environment overrides, `dyndns config`, the help text, docs/configuration.md and
 * docs/dyndns.example.yml all come from it, in this order.
 *
 * To add an option: one row here, its field in config.ts, and the line in resolve.ts that fills the field.
 */
import type { IpAddress, IpPrefix } from '../../dns/address.ts';
import type { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import type { DnsEndpoint, ListenAddress, Transport } from '../config.ts';
import {
  type AnyKind,
  base64Secret,
  calendarDay,
  certificateName,
  choice,
  clientType,
  dataType,
  decimal,
  dnsEndpoint,
  filePath,
  folderPath,
  fullOwnerName,
  httpsUrl,
  integer,
  interfaceId,
  ipAddress,
  ipPrefix,
  type ListKind,
  listenAddress,
  listOf,
  macAddress,
  mailAddress,
  mailbox,
  masterSecret,
  nameBelowZone,
  nameserverName,
  ownerPattern,
  type ScalarKind,
  shortText,
  socketMode,
  storeUrl,
  subnetNumber,
  tcpAddress,
  tokenAddresses,
  tokenName,
  tokenSha256,
  tsigAlgorithm,
  tsigKeyName,
  unixSocket,
  type ValueOf,
  type WordOrListKind,
  webhookSecret,
  webhookUrl,
  yesOrNo,
  zoneFileText,
  zoneName,
  zonePrimary,
} from '../kinds/kinds.ts';

interface OptionText<T> {
  /** The value when nothing is said. */
  readonly default?: T;
  /** The file-level option that counts where a zone does not say otherwise. */
  readonly inherits?: string;
  /** What happens without the option, where that is no single value. */
  readonly otherwise?: string;
  readonly required?: true;
  /** Below `zones`: counts only in zones with this kind of primary. Elsewhere: only if there is such a zone. */
  readonly only?: 'remote' | 'embedded';
  readonly unit?: string;
  /** One or two sentences; Markdown with code spans only. */
  readonly summary: string;
  /** A YAML value for the example file. All examples together make a valid file, those that stand `instead` left out. */
  readonly example: string;
  /** Excludes options before it: in the example file it stays a comment. */
  readonly instead?: true;
}

export interface Option<K extends AnyKind = AnyKind> extends OptionText<ValueOf<K>> {
  readonly kind: K;
}

type WithDefault<T> = OptionText<T> & { readonly default: T };

function option<T>(kind: ListKind<T>, text: WithDefault<readonly T[]>): Option<ListKind<T>> & { default: readonly T[] };
function option<T>(kind: ScalarKind<T>, text: WithDefault<T>): Option<ScalarKind<T>> & { default: T };
function option<W, T>(
  kind: WordOrListKind<W, T>,
  text: WithDefault<W | readonly T[]>,
): Option<WordOrListKind<W, T>> & { default: W | readonly T[] };
function option<T>(kind: ListKind<T>, text: OptionText<readonly T[]>): Option<ListKind<T>>;
function option<T>(kind: ScalarKind<T>, text: OptionText<T>): Option<ScalarKind<T>>;
function option(kind: AnyKind, text: OptionText<unknown>): Option {
  return { kind, ...text };
}

const port = integer(0, 65535);
const ttl = integer(0, 2147483647);
const transport = choice<Transport>('tcp', 'udp');
const noPrefixes: readonly IpPrefix[] = [];
const TEN_YEARS = 315_360_000;

export const OPTIONS = {
  secret: option(masterSecret, {
    otherwise: 'only tokens count',
    summary: 'The master secret. It may change every name of every zone.',
    example: "'abcd1234'",
  }),
  nameserver: option(ipAddress, {
    otherwise: 'each zone names its own',
    summary: 'The primary nameserver of all zones that do not say otherwise. It takes the signed updates.',
    example: '127.0.0.1',
  }),
  port: option(port, {
    default: 53,
    summary: 'The port of that nameserver.',
    example: '53',
  }),
  nameserver_timeout_seconds: option(decimal(0.1, 60), {
    default: 5,
    unit: 'seconds',
    summary: 'How long one request may take at the primary: read, publish and read back together.',
    example: '5',
  }),
  transport: option(transport, {
    default: 'tcp',
    summary: 'How the primary is spoken to: `tcp` (kept connections) or `udp`.',
    example: 'tcp',
  }),
  signed_reads: option(yesOrNo, {
    default: false,
    summary: 'Sign queries too, for primaries that answer by key (views of BIND).',
    example: 'false',
  }),
  log_level: option(integer(0, 50), {
    default: 20,
    summary:
      'What is logged: this level and above. CRITICAL 50, CONFIGURATION_ERROR 49, DNS_SERVER_ERROR 48, ' +
      'IP_ADDRESS_ERROR 47, DNS_NAME_ERROR 43, PARAMETER_ERROR 42, CHECK_ERROR 41, ERROR 40, WARNING 30, UPDATED 21, ' +
      'INFO 20, UNCHANGED 11, DEBUG 10, NOTSET 0.',
    example: '20',
  }),
  unspecified_family: option(choice('keep', 'delete'), {
    default: 'keep',
    summary: 'What the original API does with the address family that a request does not give.',
    example: 'keep',
  }),
  check: option(choice('open', 'authenticated'), {
    default: 'open',
    summary: 'Who may call `/check`: everybody, or only who knows the secret.',
    example: 'authenticated',
  }),

  'http.listen': option(listOf<ListenAddress>(listenAddress, 1), {
    default: [{ kind: 'tcp', host: '127.0.0.1', port: 54321, tls: false }],
    summary:
      'Where HTTP is served. A bare address or `http://` is plain, `https://` is TLS, `unix:` is a unix socket; ' +
      'port 0 takes a free port.',
    example: "['127.0.0.1:54321', 'unix:/run/dyndns/http.sock', 'https://[::1]:54322']",
  }),
  'http.socket_mode': option(socketMode, {
    default: 0o664,
    summary: 'The permission bits of a unix socket.',
    example: "'664'",
  }),
  'http.trusted_proxies': option(listOf(ipPrefix), {
    default: noPrefixes,
    summary:
      'Addresses or prefixes of reverse proxies whose client-address header is believed. ' +
      'The peer of a unix socket always is.',
    example: "['127.0.0.1', '::1']",
  }),
  'http.client_address_header': option(choice('x-forwarded-for', 'forwarded'), {
    default: 'x-forwarded-for',
    summary: "The header in which trusted proxies name the client's address; the other one is ignored.",
    example: 'x-forwarded-for',
  }),
  'http.tls.certificate': option(filePath, {
    otherwise: 'no TLS',
    summary: 'PEM file with the certificate chain. Needs `http.tls.key` and an `https://` entry of `http.listen`.',
    example: '/etc/dyndns/tls/fullchain.pem',
  }),
  'http.tls.key': option(filePath, {
    otherwise: 'no TLS',
    summary: 'PEM file with the private key of the certificate.',
    example: '/etc/dyndns/tls/privkey.pem',
  }),
  'http.tls.acme.names': option(listOf<DomainName>(certificateName, 1), {
    otherwise: 'the names of all zones',
    instead: true,
    summary:
      'The host names of a certificate that the server gets and renews by itself (ACME, RFC 8555), in place of ' +
      '`http.tls.certificate` and `http.tls.key`. Each lies in a zone of the file, or its `_acme-challenge.` name is a ' +
      'CNAME into one. `http.tls.acme` alone, with nothing below it, switches it on, too.',
    example: "[dyndns.example.com, '*.lab.dyndns.example.com']",
  }),
  'http.tls.acme.email': option(mailAddress, {
    otherwise: 'none is given',
    instead: true,
    summary:
      'Where the certificate authority may write to. Some require it. Asking for a certificate is agreeing to their terms.',
    example: 'hostmaster@example.com',
  }),
  'http.tls.acme.directory': option(httpsUrl, {
    otherwise: "`https://acme-v02.api.letsencrypt.org/directory`, which is Let's Encrypt",
    instead: true,
    summary: 'The certificate authority: the URL of its ACME directory.',
    example: "'https://acme-v02.api.letsencrypt.org/directory'",
  }),
  'http.tls.acme.folder': option(folderPath, {
    otherwise: '`acme` beside the file of `store`, else beside `dns.database`',
    instead: true,
    summary: 'Where the certificate, its key and the key of the account are kept. It is made with mode 0700.',
    example: '/var/lib/dyndns/acme',
  }),
  'http.tls.acme.propagation_seconds': option(integer(0, 3600), {
    unit: 'seconds',
    otherwise: '0 where dyndns is the only nameserver of the zone, else 30',
    instead: true,
    summary: 'How long the secondaries have to follow before the certificate authority is told to look.',
    example: '60',
  }),
  'http.lenient': option(yesOrNo, {
    default: false,
    summary:
      'Take requests with bare line feeds, as some old routers send. Refused together with `trusted_proxies` and unix sockets.',
    example: 'false',
  }),

  'dns.listen': option(listOf<DnsEndpoint>(dnsEndpoint, 1), {
    default: [
      { host: '0.0.0.0', port: 53 },
      { host: '::', port: 53 },
    ],
    only: 'embedded',
    summary: 'Where DNS is served, over UDP and TCP. Port 0 takes a free port.',
    example: "['192.0.2.1', '[2001:db8::1]:5353']",
  }),
  'dns.database': option(filePath, {
    otherwise: '`zones.db` beside the file of `store`',
    only: 'embedded',
    summary: 'The SQLite file with the zones and their journal. Other files are written beside it.',
    example: '/var/lib/dyndns/zones.db',
  }),
  'dns.rate_limit.responses_per_second': option(integer(0, 1_000_000), {
    default: 20,
    only: 'embedded',
    summary:
      'How many times a second one network (IPv4 /24, IPv6 /56) gets the same answer over UDP; 0 switches the limit ' +
      'off. TCP, a valid DNS cookie and a verified TSIG have no limit.',
    example: '20',
  }),
  'dns.rate_limit.slip': option(integer(0, 10), {
    default: 2,
    only: 'embedded',
    summary:
      'Of the answers beyond the limit every second one (2), every third (3) … goes out as a truncated one, which makes ' +
      'a real client come back over TCP; the others are dropped. 1: all of them, 0: none.',
    example: '2',
  }),
  'dns.rate_limit.exempt': option(listOf(ipPrefix), {
    default: [
      { family: 4, octets: Uint8Array.of(127, 0, 0, 0), length: 8 },
      { family: 6, octets: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1), length: 128 },
    ] as readonly IpPrefix[],
    only: 'embedded',
    summary: 'Addresses or prefixes without a limit.',
    example: "['127.0.0.0/8', '::1', '192.0.2.53']",
  }),
  'dns.nsid': option(shortText(128), {
    otherwise: 'queries for it are not answered',
    only: 'embedded',
    summary: 'What the server calls itself when a query asks for its identifier (NSID, RFC 5001).',
    example: 'ns1',
  }),
  'dns.chaos_version': option(shortText(255), {
    otherwise: 'these queries are refused',
    only: 'embedded',
    summary: 'The answer to `version.bind` and `version.server` in class CHAOS.',
    example: "'unknown'",
  }),

  store: option(storeUrl, {
    otherwise: 'none of these is kept, and nothing is written to disk except the zones in `dns.database`',
    summary:
      'Where tokens, settings of hosts, history and changes that wait for the primary are kept. A relative path starts ' +
      'from the directory of this file. With PostgreSQL, embedded zones need `dns.database`; its password stands in the ' +
      'URL (`postgres://USER:PASSWORD@HOST/DATABASE`) or in the environment variable `PGPASSWORD`.',
    example: 'sqlite:/var/lib/dyndns/dyndns.db',
  }),
  control: option(unixSocket, {
    otherwise: '`control.sock` beside the file of `store`, else beside `dns.database`, else none',
    summary: 'The socket for the admin commands of the command line. Its mode is 0600.',
    example: 'unix:/run/dyndns/control.sock',
  }),
  'metrics.listen': option(tcpAddress, {
    otherwise: '`/metrics` is served by `http.listen`, and needs the master secret',
    summary: 'Where metrics for Prometheus are served, to everybody who can connect.',
    example: "'127.0.0.1:9153'",
  }),
  history_days: option(integer(0, 36500), {
    default: 30,
    unit: 'days',
    summary:
      'How long the store keeps what happened to the addresses of each host, with the addresses of the callers; 0: not at ' +
      'all. This is personal data.',
    example: '30',
  }),
  reconcile: option(choice('report', 'enforce'), {
    default: 'report',
    summary:
      'What happens where somebody else has changed a host at the primary while a change of ours waited: `report` says so ' +
      'and drops ours, `enforce` publishes ours.',
    example: 'report',
  }),
  'limits.changes_per_minute_per_token': option(integer(0, 1_000_000), {
    default: 0,
    summary: 'How many changes one token may make in a minute; 0: no limit. Updates that change nothing never count.',
    example: '60',
  }),
  'limits.refused_per_minute_per_source': option(integer(0, 1_000_000), {
    default: 60,
    summary:
      'How many refused requests one network (IPv4 address, IPv6 /64) may make in a minute before it has to wait; 0: no ' +
      'limit. Updates that change nothing never count, nor do failures of the server or the primary.',
    example: '60',
  }),
  'protocols.duckdns': option(yesOrNo, {
    default: true,
    summary: 'Is DuckDNS spoken (`/update` with `domains` and `token`)?',
    example: 'true',
  }),
  'protocols.dynv6': option(yesOrNo, {
    default: true,
    summary: 'Is dynv6 spoken (`/api/update`)?',
    example: 'true',
  }),
  'protocols.noip': option(yesOrNo, {
    default: true,
    summary: 'Is the protocol of the No-IP client spoken (`/ducupdate.php`)?',
    example: 'true',
  }),
  'protocols.freedns': option(yesOrNo, {
    default: true,
    summary: 'Is FreeDNS spoken?',
    example: 'true',
  }),
  'protocols.acme_dns': option(yesOrNo, {
    default: false,
    summary: 'Is the API of acme-dns spoken? Needs `acme_dns.zone` and `store`.',
    example: 'true',
  }),
  'protocols.httpreq': option(yesOrNo, {
    default: true,
    summary: 'Is the HTTP request of lego spoken (`/present`, `/cleanup`)?',
    example: 'true',
  }),
  'protocols.freemyip': option(yesOrNo, {
    default: true,
    summary: 'Is freemyip spoken (`/update` with `domain` and `token`)?',
    example: 'true',
  }),
  'acme_dns.zone': option(zoneName, {
    otherwise: 'required with `protocols.acme_dns`',
    summary:
      'A zone of this file or a name in one, below which each account of acme-dns gets a name of its own for its TXT records.',
    example: 'challenges.dyndns.example.com',
  }),
  'acme_dns.register': option(listOf(ipPrefix), {
    default: noPrefixes,
    summary: 'Addresses or prefixes that may make accounts (`/register`); nobody else may.',
    example: "['192.0.2.0/24', '2001:db8::/32']",
  }),
  'acme_dns.values': option(integer(1, 50), {
    default: 2,
    summary:
      'How many TXT values stand side by side at the name of an account: the newest. A certificate for a name and its ' +
      'wildcard needs two.',
    example: '2',
  }),
  'acme_dns.max_accounts': option(integer(1, 1_000_000), {
    default: 1000,
    summary: 'How many accounts there may be. One more is refused.',
    example: '1000',
  }),

  'zones[].name': option(zoneName, {
    required: true,
    summary: 'The name of the zone, with or without the final dot.',
    example: 'dyndns.example.com',
  }),
  'zones[].tsig_key': option(base64Secret, {
    otherwise: 'the long form is required; an embedded zone can do without both',
    summary:
      'The short form of the TSIG key: its secret. The name of the key is then the name of the zone, its algorithm ' +
      'hmac-sha512.',
    example: 'tPyvZA==',
  }),
  'zones[].tsig_key.name': option(tsigKeyName, {
    otherwise: 'the name of the zone',
    summary: 'The long form: the name of the key, as the primary knows it.',
    example: 'key1.example.com',
  }),
  'zones[].tsig_key.algorithm': option(tsigAlgorithm, {
    default: 'hmac-sha512',
    summary:
      'The long form: the algorithm of the key. `hmac-md5` is broken and taken only because it is written out here. ' +
      "BIND's keys with a shortened MAC, like its `hmac-sha256-128`, go as plain `hmac-sha256` on the wire: write that.",
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
      'The primary nameserver of this zone: its address, or `embedded`, and dyndns itself is the primary. A zone is ' +
      'embedded too if it has `ns` and neither it nor the top of the file names a nameserver. One with none of these is ' +
      'an error.',
    example: '192.0.2.1',
  }),
  'zones[].port': option(port, {
    inherits: 'port',
    only: 'remote',
    summary: 'The port of that nameserver.',
    example: '53',
  }),
  'zones[].transport': option(transport, {
    inherits: 'transport',
    only: 'remote',
    summary: 'How the primary of this zone is spoken to.',
    example: 'tcp',
  }),
  'zones[].signed_reads': option(yesOrNo, {
    inherits: 'signed_reads',
    only: 'remote',
    summary: 'Sign the queries for this zone too.',
    example: 'true',
  }),
  'zones[].ttl.default': option(ttl, {
    unit: 'seconds',
    otherwise: '300 in the original API, 60 elsewhere',
    summary: 'The TTL of records whose request gives none.',
    example: '300',
  }),
  'zones[].ttl.min': option(ttl, {
    unit: 'seconds',
    otherwise: 'no limit',
    summary: 'A request with a smaller TTL is refused.',
    example: '30',
  }),
  'zones[].ttl.max': option(ttl, {
    unit: 'seconds',
    otherwise: 'no limit',
    summary: 'A request with a larger TTL is refused.',
    example: '86400',
  }),
  'zones[].apex': option(yesOrNo, {
    default: false,
    summary: "May A and AAAA of the zone's own name be changed over HTTP?",
    example: 'false',
  }),
  'zones[].wildcard': option(yesOrNo, {
    default: false,
    summary: 'May wildcard names (`*.x`) be changed over HTTP?',
    example: 'false',
  }),
  'zones[].reserved': option(listOf(nameBelowZone), {
    default: [] as readonly string[],
    summary:
      'Names that nobody may change over HTTP, relative to the zone. A name that ends in the name of the zone is taken ' +
      'as it is.',
    example: '[www, mail]',
  }),
  'zones[].addresses.allow': option(listOf(ipPrefix), {
    default: noPrefixes,
    summary:
      'Addresses or prefixes that may be published although the default refuses them (loopback, link-local, multicast, ' +
      'unspecified), or although a shorter prefix is denied. The longest prefix wins.',
    example: "['198.51.100.0/24']",
  }),
  'zones[].addresses.deny': option(listOf(ipPrefix), {
    default: noPrefixes,
    summary: 'Addresses or prefixes that may not be published. The longest prefix wins.',
    example: "['198.51.0.0/16']",
  }),
  'zones[].empty_value': option(choice('keep', 'clear'), {
    default: 'keep',
    summary:
      'What an empty address parameter of dyndns2 and the original API does to its family: nothing, or remove the records.',
    example: 'keep',
  }),
  'zones[].acme_ttl': option(integer(60, 31_536_000), {
    default: 86_400,
    unit: 'seconds',
    summary: 'After how long a TXT value that was written over HTTP (DNS-01) is removed, if its client does not do it.',
    example: '86400',
  }),
  'zones[].ns': option(listOf(nameserverName, 1), {
    otherwise: 'an error in an embedded zone',
    only: 'embedded',
    summary:
      'The nameservers of the zone, with their full names: the NS records. The first is named in the SOA record. A ' +
      'name inside the zone needs its address in `records`.',
    example: '[ns1.example.com, ns2.example.net]',
  }),
  'zones[].contact': option(mailbox, {
    otherwise: 'hostmaster at the name of the zone',
    only: 'embedded',
    summary: 'The mail address in the SOA record.',
    example: 'hostmaster@example.com',
  }),
  'zones[].secondaries[]': option(dnsEndpoint, {
    otherwise: 'none',
    only: 'embedded',
    summary:
      'Nameservers that are told of each change (NOTIFY) and may transfer the zone. The short form of an entry: its ' +
      'address, and the port where that is not 53.',
    example: "['192.0.2.53', '[2001:db8::53]:5353']",
  }),
  'zones[].secondaries[].address': option(dnsEndpoint, {
    otherwise: 'required in the long form',
    only: 'embedded',
    summary: 'The long form: the address, and the port where that is not 53.',
    example: "'192.0.2.53'",
  }),
  'zones[].secondaries[].key': option(tsigKeyName, {
    otherwise: 'NOTIFY is not signed, and the address alone permits transfers',
    only: 'embedded',
    summary: 'The long form: the name of one of the keys of the zone. It signs NOTIFY, and transfers need it.',
    example: 'key2.example.net',
  }),
  'zones[].secondaries[].notify': option(yesOrNo, {
    default: true,
    only: 'embedded',
    summary: 'The long form: tell it of each change?',
    example: 'true',
  }),
  'zones[].records': option(zoneFileText, {
    otherwise: 'none',
    only: 'embedded',
    summary:
      'Static records in zone-file syntax, which neither HTTP nor UPDATE can change. Without a TTL of their own they ' +
      'have 300. SOA and the NS records of the zone come from `ns` and `contact`.',
    example: '|\n  @    IN A     192.0.2.10\n  www  IN CNAME @',
  }),
  'zones[].tsig_keys[].name': option(tsigKeyName, {
    required: true,
    only: 'embedded',
    summary: 'Several keys in place of `tsig_key`, each with what it may do: the name of the key.',
    example: 'key2.example.net',
  }),
  'zones[].tsig_keys[].algorithm': option(tsigAlgorithm, {
    default: 'hmac-sha512',
    only: 'embedded',
    summary: 'Its algorithm, as for `tsig_key`.',
    example: 'hmac-sha256',
  }),
  'zones[].tsig_keys[].secret': option(base64Secret, {
    required: true,
    only: 'embedded',
    summary: 'Its secret.',
    example: "'c2VjcmV0IG9mIGFuIGV4YW1wbGUga2V5ICEhISEhISE='",
  }),
  'zones[].tsig_keys[].allow': option(listOf(choice('update', 'transfer'), 1), {
    default: ['update', 'transfer'] as readonly ('update' | 'transfer')[],
    only: 'embedded',
    summary: 'What it may do: change the zone by UPDATE, transfer it.',
    example: '[update, transfer]',
  }),
  'zones[].tsig_keys[].hosts': option(listOf(ownerPattern, 1), {
    otherwise: 'every name',
    only: 'embedded',
    summary:
      'The names that it may update, relative to the zone; `@` is the zone itself, `*.x` every name below x. A name that ' +
      'ends in the name of the zone is taken as it is.',
    example: "[home, '*.lab']",
  }),
  'zones[].tsig_keys[].types': option(listOf(dataType, 1), {
    otherwise: 'every type',
    only: 'embedded',
    summary: 'The RR types that it may update.',
    example: '[A, AAAA, TXT]',
  }),

  'tokens[].name': option(tokenName, {
    required: true,
    summary: 'What the log and the history call the token. It is not secret.',
    example: 'router1',
  }),
  'tokens[].sha256': option(tokenSha256, {
    required: true,
    summary: 'The SHA-256 of the token, which is itself nowhere in the file.',
    example: "'66b052ab9d113af349dcab697c32950daabe893c2c57cd648e3084ca9d8192c0'",
  }),
  'tokens[].hosts': option(listOf(fullOwnerName, 1), {
    required: true,
    summary: 'The names that it may change, in full; `*.x` is every name below x.',
    example: "[home.dyndns.example.com, '*.lab.dyndns.example.com']",
  }),
  'tokens[].types': option(listOf(clientType, 1), {
    default: [RRType.A, RRType.AAAA] as readonly number[],
    summary:
      'The RR types that it may change. TXT is for ACME (DNS-01): it may be written at `_acme-challenge.` of each name too, ' +
      'and by a token of TXT alone only there.',
    example: '[A, AAAA, TXT]',
  }),
  'tokens[].addresses': option(tokenAddresses, {
    default: 'any',
    summary: 'The addresses that it may publish. `own`: only the one that the request comes from.',
    example: '[203.0.113.0/24]',
  }),
  'tokens[].sources': option(listOf(ipPrefix, 1), {
    otherwise: 'anywhere',
    summary: 'Where requests with it may come from. From elsewhere it is refused like a wrong one.',
    example: "['198.51.100.0/24']",
  }),
  'tokens[].expires': option(calendarDay, {
    otherwise: 'it does not end',
    summary: 'The last day on which it counts, in UTC. A token that has ended is a warning.',
    example: '2099-12-31',
  }),
  'hosts[].name': option(fullOwnerName, {
    required: true,
    summary: 'The full name of the host, in one of the zones of the file.',
    example: 'home.dyndns.example.com',
  }),
  'hosts[].ttl': option(ttl, {
    unit: 'seconds',
    otherwise: 'that of the zone',
    summary: 'The TTL of its records where a request gives none, within the limits of the zone.',
    example: '60',
  }),
  'hosts[].enabled': option(yesOrNo, {
    default: true,
    summary: 'May it be changed? Its records stay in any case.',
    example: 'true',
  }),
  'hosts[].addresses.allow': option(listOf(ipPrefix), {
    default: noPrefixes,
    summary: 'As for the zone, and asked before the rules of the zone.',
    example: "['198.51.100.0/24']",
  }),
  'hosts[].addresses.deny': option(listOf(ipPrefix), {
    default: noPrefixes,
    summary: 'As for the zone, and asked before the rules of the zone.',
    example: "['198.51.0.0/16']",
  }),
  'hosts[].silent_after_seconds': option(integer(0, TEN_YEARS), {
    default: 0,
    unit: 'seconds',
    summary:
      'How long the host may be without an update before that is told, once: in the log and by webhooks. 0: never. Needs ' +
      '`store`. Choose more than the time between two updates of its client.',
    example: '86400',
  }),
  'hosts[].lease_seconds': option(integer(0, TEN_YEARS), {
    default: 0,
    unit: 'seconds',
    summary:
      'How long its addresses are published without an update; then they are taken away until the next one. 0: for ever. ' +
      'Needs `store`.',
    example: '604800',
  }),
  'hosts[].fallback': option(listOf(ipAddress), {
    default: [] as readonly IpAddress[],
    summary:
      'What is published in place of the addresses that `lease_seconds` takes away: at most one IPv4 and one IPv6 address.',
    example: "[192.0.2.99, '2001:db8::99']",
  }),
  'hosts[].members[].name': option(fullOwnerName, {
    required: true,
    summary:
      'The full name of a host behind the same IPv6 prefix, in the same zone. When an update of the host names the prefix, ' +
      'all its members move with it in one change. The name of the host itself gives that one its address below the prefix.',
    example: 'nas.home.dyndns.example.com',
  }),
  'hosts[].members[].interface_id': option(interfaceId, {
    otherwise: 'made from `mac`',
    summary: 'The lower half of its address. Each member has this or `mac`; of both this one counts.',
    example: "'::10'",
  }),
  'hosts[].members[].mac': option(macAddress, {
    otherwise: '`interface_id` is required',
    summary: 'The MAC address that it makes its interface identifier from (RFC 4291 appendix A).',
    example: "'00:11:22:33:44:55'",
  }),
  'hosts[].members[].subnet': option(subnetNumber, {
    default: 0,
    summary:
      'The number of its subnet below the prefix, if that is shorter than /64. Below a prefix that has no room for the number ' +
      'the member stays as it is, and the history says so.',
    example: '3',
  }),
  'webhooks[].url': option(webhookUrl, {
    required: true,
    summary:
      'Where events are sent by POST. It may hold a credential (`https://USER:PASSWORD@…`, or in its path): the log and ' +
      '`dyndns config` show its host only.',
    example: 'https://hooks.example.net/dyndns',
  }),
  'webhooks[].secret': option(webhookSecret, {
    otherwise: 'deliveries are not signed',
    summary: 'Signs each delivery (HMAC-SHA256), so that the receiver can tell it from a forged one.',
    example: "'a secret of this webhook'",
  }),
  'webhooks[].events': option(listOf(choice('changed', 'failed', 'silent'), 1), {
    default: ['changed', 'failed', 'silent'] as readonly ('changed' | 'failed' | 'silent')[],
    summary:
      'What is told: addresses that changed, updates that could not be published, hosts that are silent ' +
      '(`hosts[].silent_after_seconds`).',
    example: '[changed, failed, silent]',
  }),
  'webhooks[].format': option(choice('json', 'ntfy', 'text'), {
    default: 'json',
    summary: 'The body: a JSON object, or a text; `ntfy` puts the title, tags and priority of ntfy.sh into headers.',
    example: 'json',
  }),
} as const;

type Table = typeof OPTIONS;
export type OptionPath = keyof Table;
type RowOf<P extends OptionPath> = Table[P] & Option;
/** What `Scope.get` gives: never undefined where the row has a default or is required. */
export type OptionValue<P extends OptionPath> = ValueOf<RowOf<P>['kind']>;
export type MaybeOptionValue<P extends OptionPath> =
  RowOf<P> extends { default: NonNullable<unknown> } ? OptionValue<P> : OptionValue<P> | undefined;

/** The rows without their single types, in the order of the table. */
export const ROWS: ReadonlyMap<string, Option> = new Map(Object.entries(OPTIONS));

/** One step of the tree that the paths of the table form: a map, a list of maps (`zones`), or a row. */
export interface OptionNode {
  /** The path of the table, with `[]` after a list of maps. */
  readonly path: string;
  readonly key: string;
  readonly isList: boolean;
  readonly row?: Option;
  readonly children: ReadonlyMap<string, OptionNode>;
}

function buildNode(path: string, key: string, isList: boolean): OptionNode {
  const prefix = path === '' ? '' : `${path}.`;
  const children = new Map<string, OptionNode>();
  for (const rowPath of ROWS.keys()) {
    if (!rowPath.startsWith(prefix)) continue;
    const step = rowPath.slice(prefix.length).split('.')[0]!;
    const childKey = step.replace('[]', '');
    if (step !== '' && !children.has(childKey)) {
      children.set(childKey, buildNode(prefix + step, childKey, step.endsWith('[]')));
    }
  }
  const row = ROWS.get(path);
  return { path, key, isList, children, ...(row === undefined ? {} : { row }) };
}

/** The root of the tree: its children are the keys at the top of the file. */
export const OPTION_TREE: OptionNode = buildNode('', '', false);

/** The kind of primary that a node is for, as its row says; a map or a list of maps is for what its first key is for. */
export function onlyOf(node: OptionNode): 'remote' | 'embedded' | undefined {
  const row = node.row ?? [...node.children.values()][0]?.row;
  return row?.only;
}

/**
 * The environment variable that overrides the option: `http.listen` gives DYNDNS_HTTP_LISTEN.
 * Undefined below `zones`, `tokens`, `hosts` and `webhooks`.
 */
export function environmentName(path: string): string | undefined {
  if (/^(zones\[\]|tokens|hosts|webhooks)/.test(path)) return undefined;
  return `DYNDNS_${path.replaceAll('.', '_').toUpperCase()}`;
}
