/**
 * The one table of options. Reading, environment overrides, `dyndns config`, the help text, docs/configuration.md and
 * docs/dyndns.example.yml all come from it, in this order.
 *
 * To add an option: one row here, its field in config.ts, and the line in resolve.ts that fills the field.
 * A row made by `planned` reserves a name: using it is an error until a row made by `option` takes its place.
 */
import type { IpPrefix } from '../dns/address.ts';
import type { ListenAddress, Transport } from './config.ts';
import {
  type AnyKind,
  base64Secret,
  choice,
  decimal,
  filePath,
  integer,
  ipAddress,
  ipPrefix,
  type ListKind,
  listenAddress,
  listOf,
  masterSecret,
  nameBelowZone,
  type ScalarKind,
  socketMode,
  tsigAlgorithm,
  tsigKeyName,
  type ValueOf,
  yesOrNo,
  zoneName,
} from './kinds.ts';

export interface Option<K extends AnyKind = AnyKind> {
  readonly available: true;
  readonly kind: K;
  /** The value when nothing is said. */
  readonly default?: ValueOf<K>;
  /** The file-level option that counts where a zone does not say otherwise. */
  readonly inherits?: string;
  /** What happens without the option, where that is no single value. */
  readonly otherwise?: string;
  readonly required?: true;
  readonly unit?: string;
  /** One or two sentences; Markdown with code spans only. */
  readonly summary: string;
  /** A YAML value for the example file. All examples together make a valid file. */
  readonly example: string;
}

/** A name that is reserved and refused. */
export interface PlannedOption {
  readonly available: false;
  readonly summary: string;
}

interface OptionText<T> {
  readonly default?: T;
  readonly inherits?: string;
  readonly otherwise?: string;
  readonly required?: true;
  readonly unit?: string;
  readonly summary: string;
  readonly example: string;
}

type WithDefault<T> = OptionText<T> & { readonly default: T };

function option<T>(kind: ListKind<T>, text: WithDefault<readonly T[]>): Option<ListKind<T>> & { default: readonly T[] };
function option<T>(kind: ScalarKind<T>, text: WithDefault<T>): Option<ScalarKind<T>> & { default: T };
function option<T>(kind: ScalarKind<T>, text: OptionText<T>): Option<ScalarKind<T>>;
function option(kind: AnyKind, text: OptionText<unknown>): Option {
  return { available: true, kind, ...text };
}

function planned(summary: string): PlannedOption {
  return { available: false, summary };
}

const port = integer(0, 65535);
const ttl = integer(0, 2147483647);
const transport = choice<Transport>('tcp', 'udp');
const noPrefixes: readonly IpPrefix[] = [];

export const OPTIONS = {
  secret: option(masterSecret, {
    otherwise: 'nobody is authenticated by it',
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
  'http.tls.acme': planned('a certificate that the server gets and renews by itself'),
  'http.lenient': option(yesOrNo, {
    default: false,
    summary:
      'Take requests with bare line feeds, as some old routers send. Refused together with `trusted_proxies` and unix sockets.',
    example: 'false',
  }),

  dns: planned('the embedded nameserver'),
  store: planned('the database of tokens, history and wishes'),
  control: planned('the control socket of admin commands'),
  metrics: planned('metrics for Prometheus'),
  history_days: planned('how long the history is kept'),
  reconcile: planned('what happens to foreign edits'),
  limits: planned('limits of changes and refusals'),
  protocols: planned('switches of further client protocols'),
  acme_dns: planned('registration for acme-dns clients'),
  webhooks: planned('HTTP calls at events'),

  'zones[].name': option(zoneName, {
    required: true,
    summary: 'The name of the zone, with or without the final dot.',
    example: 'dyndns.example.com',
  }),
  'zones[].tsig_key': option(base64Secret, {
    otherwise: 'the long form is required',
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
  'zones[].tsig_keys': planned('several keys with a policy each'),
  'zones[].nameserver': option(ipAddress, {
    inherits: 'nameserver',
    summary: 'The primary nameserver of this zone. A zone with neither this nor a file-level `nameserver` is an error.',
    example: '192.0.2.1',
  }),
  'zones[].port': option(port, {
    inherits: 'port',
    summary: 'The port of that nameserver.',
    example: '53',
  }),
  'zones[].transport': option(transport, {
    inherits: 'transport',
    summary: 'How the primary of this zone is spoken to.',
    example: 'tcp',
  }),
  'zones[].signed_reads': option(yesOrNo, {
    inherits: 'signed_reads',
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
    summary: 'What an empty address parameter does to its family: nothing, or remove the records.',
    example: 'keep',
  }),
  'zones[].acme_ttl': planned('the life of a TXT record of DNS-01'),
  'zones[].ns': planned('embedded zones: the NS records'),
  'zones[].contact': planned('embedded zones: the contact in the SOA record'),
  'zones[].secondaries': planned('embedded zones: the secondaries'),
  'zones[].records': planned('embedded zones: static records'),

  tokens: planned('credentials of single clients'),
  hosts: planned('settings of single hosts'),
} as const;

type Table = typeof OPTIONS;
export type OptionPath = { [P in keyof Table]: Table[P]['available'] extends true ? P : never }[keyof Table];
type RowOf<P extends OptionPath> = Table[P] & Option;
/** What `Scope.get` gives: never undefined where the row has a default or is required. */
export type OptionValue<P extends OptionPath> = ValueOf<RowOf<P>['kind']>;
export type MaybeOptionValue<P extends OptionPath> =
  RowOf<P> extends { default: NonNullable<unknown> } ? OptionValue<P> : OptionValue<P> | undefined;

/** The rows without their single types, in the order of the table. */
export const ROWS: ReadonlyMap<string, Option | PlannedOption> = new Map(Object.entries(OPTIONS));

/** One step of the tree that the paths of the table form: a map, a list of maps (`zones`), or a row. */
export interface OptionNode {
  /** The path of the table, with `[]` after a list of maps. */
  readonly path: string;
  readonly key: string;
  readonly isList: boolean;
  readonly row?: Option | PlannedOption;
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

/**
 * The environment variable that overrides the option: `http.listen` gives DYNDNS_HTTP_LISTEN.
 * Undefined below `zones`, `tokens` and `hosts`.
 */
export function environmentName(path: string): string | undefined {
  if (/^(zones\[\]|tokens|hosts)/.test(path)) return undefined;
  return `DYNDNS_${path.replaceAll('.', '_').toUpperCase()}`;
}
