/**
 * The kinds of values that options take. Each reads a text (YAML scalars and environment variables are texts alike),
 * says in words what is allowed, and writes a value back as YAML.
 * Left out: anything that needs a second option or a file; resolve.ts does that.
 */
import {
  formatIpPrefix,
  type IpAddress,
  type IpPrefix,
  parseIpAddress,
  parseIpPrefix,
  unmapAddress,
} from '../../dns/address.ts';
import { parseHostName } from '../../dns/host-name.ts';
import { parseInterfaceId, parseMac } from '../../dns/interface-id.ts';
import { DomainName } from '../../dns/name.ts';
import { formatRRType, parseRRType, RRType } from '../../dns/rdata.ts';
import { TSIG_ALGORITHMS, type TsigAlgorithm } from '../../dns/tsig-key.ts';
import {
  type DnsEndpoint,
  formatDnsEndpoint,
  formatListenAddress,
  formatStoreUrl,
  type ListenAddress,
  type StoreConfig,
  type TcpAddress,
} from '../config.ts';
import { SECRET_MASK, Secret } from '../secret.ts';

export interface ScalarKind<T> {
  readonly form: 'scalar';
  /** What YAML must have made of the scalar: where text is meant, an unquoted 0123 would lose its zero. */
  readonly reads: 'text' | 'number' | 'boolean';
  /** Completes the sentence "must be …". */
  readonly allowed: string;
  /** True: the text is never quoted, and `{file: PATH}` is taken in its place. */
  readonly secret: boolean;
  /** Does this value need to be kept from others? Without it: what is `secret` does. */
  isConfidential?(value: T): boolean;
  /**
   * The value, or undefined for "must be `allowed`".
   * @throws ValueError or NameError with a text of its own that may be shown.
   */
  parse(text: string): T | undefined;
  /** The value as a YAML scalar. */
  format(value: T): string;
}

export interface ListKind<T> {
  readonly form: 'list';
  readonly item: ScalarKind<T>;
  readonly atLeast: 0 | 1;
  readonly allowed: string;
}

/** A word that stands for a whole list, or a list. */
export interface WordOrListKind<W, T> {
  readonly form: 'word or list';
  /** Its `allowed` speaks of the list too. */
  readonly word: ScalarKind<W>;
  readonly list: ListKind<T>;
  readonly allowed: string;
}

// biome-ignore lint/suspicious/noExplicitAny: the table holds kinds of every type; ValueOf gives the type back
export type PlainKind = ScalarKind<any> | ListKind<any>;
// biome-ignore lint/suspicious/noExplicitAny: as above
export type AnyKind = PlainKind | WordOrListKind<any, any>;
export type ValueOf<K> =
  K extends WordOrListKind<infer W, infer T>
    ? W | readonly T[]
    : K extends ListKind<infer T>
      ? readonly T[]
      : K extends ScalarKind<infer T>
        ? T
        : never;

/** The kind that counts for what was written. */
export function plainKind(kind: AnyKind, isList: boolean): PlainKind {
  if (kind.form !== 'word or list') return kind;
  return isList ? kind.list : kind.word;
}

export function isSecretKind(kind: AnyKind): boolean {
  return kind.form === 'scalar' && kind.secret;
}

/** Thrown by `parse` where "must be `allowed`" would not tell enough. Must not hold a secret. */
export class ValueError extends Error {}

/** A text as a YAML scalar, quoted where it would be read as something else. */
export function formatYamlText(text: string): string {
  if (/\p{Cc}/u.test(text)) return JSON.stringify(text);
  const plain = /^[A-Za-z/][\w./-]*$/.test(text) && !/^(true|false|null|yes|no|on|off|y|n)$/i.test(text);
  if (plain || /^\d+(\.\d+){3}$/.test(text)) return text;
  return `'${text.replaceAll("'", "''")}'`;
}

function scalar<T>(
  allowed: string,
  parse: (text: string) => T | undefined,
  format: (value: T) => string = (value) => formatYamlText(String(value)),
): ScalarKind<T> {
  return { form: 'scalar', reads: 'text', allowed, secret: false, parse, format };
}

function secret<T extends string | Uint8Array>(
  allowed: string,
  parse: (text: string) => T | undefined,
): ScalarKind<Secret<T>> {
  return {
    form: 'scalar',
    reads: 'text',
    allowed,
    secret: true,
    parse: (text) => {
      const value = parse(text);
      return value === undefined ? undefined : new Secret(value);
    },
    format: () => `'${SECRET_MASK}'`,
  };
}

export function listOf<T>(item: ScalarKind<T>, atLeast: 0 | 1 = 0): ListKind<T> {
  const allowed = `a list${atLeast === 1 ? ' with at least one entry' : ''}, each entry ${item.allowed}`;
  return { form: 'list', item, atLeast, allowed };
}

export function integer(min: number, max: number): ScalarKind<number> {
  const parse = (text: string) => {
    if (!/^-?\d{1,15}$/.test(text)) return undefined;
    const value = Number(text);
    return value >= min && value <= max ? value : undefined;
  };
  return { ...scalar(`an integer from ${min} to ${max}`, parse, String), reads: 'number' };
}

export function decimal(min: number, max: number): ScalarKind<number> {
  const parse = (text: string) => {
    if (!/^\d{1,15}(\.\d{1,6})?$/.test(text)) return undefined;
    const value = Number(text);
    return value >= min && value <= max ? value : undefined;
  };
  return { ...scalar(`a number from ${min} to ${max}`, parse, String), reads: 'number' };
}

export const yesOrNo: ScalarKind<boolean> = {
  ...scalar<boolean>(
    'true or false',
    (text) => (text === 'true' ? true : text === 'false' ? false : undefined),
    String,
  ),
  reads: 'boolean',
};

/** One of a few words, taken in any case. */
export function choice<const W extends string>(...words: readonly W[]): ScalarKind<W> {
  const allowed = words.length === 2 ? words.join(' or ') : `one of ${words.join(', ')}`;
  return scalar(allowed, (text) => words.find((word) => word === text.toLowerCase()));
}

/** The original's rule for the master secret. */
export const masterSecret = secret('at least 8 characters, only A-Z, a-z and 0-9', (text) =>
  /^[A-Za-z0-9]{8,}$/.test(text) ? text : undefined,
);

/** Strict base64 with its padding (RFC 4648 §4). */
export const base64Secret = secret<Uint8Array>('a base64 text that is not empty, as tsig-keygen prints it', (text) => {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text) || text.length % 4 !== 0) return undefined;
  return new Uint8Array(Buffer.from(text, 'base64'));
});

export const ipAddress: ScalarKind<IpAddress> = scalar(
  'an IPv4 or IPv6 address',
  (text) => {
    if (text === 'embedded')
      throw new ValueError("'embedded' is for single zones: each says it in its own `nameserver`.");
    return parseIpAddress(text);
  },
  (address) => formatYamlText(address.text),
);

export const zonePrimary: ScalarKind<IpAddress | 'embedded'> = scalar(
  'an IPv4 or IPv6 address, or embedded',
  (text) => (text === 'embedded' ? text : parseIpAddress(text)),
  (primary) => (primary === 'embedded' ? primary : formatYamlText(primary.text)),
);

export const ipPrefix: ScalarKind<IpPrefix> = scalar(
  'an IP address or a prefix like 192.0.2.0/24 whose host bits are zero',
  parseIpPrefix,
  (prefix) => formatYamlText(formatIpPrefix(prefix)),
);

export const zoneName: ScalarKind<DomainName> = scalar('a domain name, with or without the final dot', (text) => {
  const name = parseHostName(text);
  if (name.isWildcard) throw new ValueError('a zone cannot be a wildcard.');
  return name;
});

/** Relative to the zone: resolve.ts appends the zone's name, so that the text is kept here. */
export const nameBelowZone: ScalarKind<string> = scalar('a name below the zone, like www', (text) => {
  parseHostName(text.endsWith('.') ? text : `${text}.example`);
  return text;
});

export const tsigKeyName: ScalarKind<DomainName> = scalar('the name of the key as the other side knows it', (text) =>
  /^[\x21-\x7e]+$/.test(text) ? DomainName.parse(text) : undefined,
);

/** In the spelling of named.conf; the long name of RFC 8945 §6 for hmac-md5 is taken too. */
export const tsigAlgorithm: ScalarKind<TsigAlgorithm> = scalar(
  `one of ${Object.keys(TSIG_ALGORITHMS).join(', ')}`,
  (text) => {
    const name = text.toLowerCase().replace(/\.$/, '');
    if (name === 'hmac-md5.sig-alg.reg.int') return 'hmac-md5';
    return Object.hasOwn(TSIG_ALGORITHMS, name) ? (name as TsigAlgorithm) : undefined;
  },
);

export const filePath: ScalarKind<string> = scalar('the path of a file', (text) =>
  text === '' || text.includes('\0') ? undefined : text,
);

export const folderPath: ScalarKind<string> = { ...filePath, allowed: 'the path of a folder' };

/** Octal permission bits as a text: 664. */
export const socketMode: ScalarKind<number> = scalar(
  "three octal digits in quotes, like '664'",
  (text) => (/^0?[0-7]{3}$/.test(text) ? Number.parseInt(text, 8) : undefined),
  (mode) => `'${mode.toString(8).padStart(3, '0')}'`,
);

/** The longest path that fits into a unix socket address on Linux, in octets. */
export const MAX_SOCKET_PATH_OCTETS = 107;

export const listenAddress: ScalarKind<ListenAddress> = scalar(
  "'ADDRESS:PORT' ('127.0.0.1:54321', '[::1]:54321', with https:// in front for TLS) or 'unix:/ABSOLUTE/PATH'",
  parseListenAddress,
  (address) => formatYamlText(formatListenAddress(address)),
);

function parseListenAddress(text: string): ListenAddress | undefined {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length);
    if (!path.startsWith('/') || path.includes('\0')) return undefined;
    if (Buffer.byteLength(path) > MAX_SOCKET_PATH_OCTETS) {
      throw new ValueError(`the path of a unix socket must have at most ${MAX_SOCKET_PATH_OCTETS} octets.`);
    }
    return { kind: 'unix', path };
  }
  const match = /^(https?:\/\/)?(?:\[([^\]]+)\]|([^:/[\]]+)):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const host = parseIpAddress(match[2] ?? match[3] ?? '');
  const port = Number(match[4]);
  if (host === undefined || port > 65535 || (host.family === 6) !== (match[2] !== undefined)) return undefined;
  return { kind: 'tcp', host: host.text, port, tls: match[1] === 'https://' };
}

/** An address with port, or without: then 53. An IPv4-mapped address becomes the IPv4 address. */
export const dnsEndpoint: ScalarKind<DnsEndpoint> = scalar(
  "an IP address with or without a port, like '192.0.2.1', '192.0.2.1:53', '2001:db8::1' or '[2001:db8::1]:53'",
  (text) => {
    const bare = parseIpAddress(text);
    const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text);
    const host = bare ?? parseIpAddress(match?.[1] ?? match?.[2] ?? '');
    const port = Number(match?.[3] ?? 53);
    if (host === undefined || port > 65535) return undefined;
    if (bare === undefined && (host.family === 6) !== (match?.[1] !== undefined)) return undefined;
    return { host: unmapAddress(host).text, port };
  },
  (endpoint) => formatYamlText(formatDnsEndpoint(endpoint)),
);

/** The path of `sqlite:` is not yet absolute. The URL of PostgreSQL may hold a password, and is shown without it. */
export const storeUrl: ScalarKind<StoreConfig> = {
  ...scalar<StoreConfig>(
    'sqlite:PATH or postgres://USER@HOST/DATABASE',
    (text) => {
      if (/^postgres(ql)?:/.test(text)) return parsePostgresUrl(text);
      const path = pathAfter('sqlite:', text);
      return path === undefined ? undefined : { kind: 'sqlite', path };
    },
    (store) => formatYamlText(formatStoreUrl(store)),
  ),
  secret: true,
  isConfidential: (store) => store.kind === 'postgres' && new URL(store.url.reveal()).password !== '',
};

function parsePostgresUrl(text: string): StoreConfig | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  // A `/`, `?` or `#` in a password ends it early: what follows would then be shown as the name of the database.
  if (!/^\/[^/@]+$/.test(url.pathname) || url.hash !== '') return undefined;
  if ([...url.searchParams.keys()].some((name) => /pass/i.test(name))) {
    throw new ValueError('a password stands before the @, as in postgres://USER:PASSWORD@HOST/DATABASE.');
  }
  return { kind: 'postgres', url: new Secret(url.href) };
}

/** Where something is served in the clear, over TCP. Port 0: a free one. */
export const tcpAddress: ScalarKind<TcpAddress> = scalar(
  "'ADDRESS:PORT', like '127.0.0.1:9153' or '[::1]:9153'",
  (text) => {
    const address = parseListenAddress(text);
    return address?.kind === 'tcp' && !address.tls ? address : undefined;
  },
  (address) => formatYamlText(formatListenAddress(address)),
);

/** `unix:PATH`; the value is the path, not yet absolute. */
export const unixSocket: ScalarKind<string> = scalar(
  'unix:PATH',
  (text) => pathAfter('unix:', text),
  (path) => formatYamlText(`unix:${path}`),
);

function pathAfter(scheme: string, text: string): string | undefined {
  if (!text.startsWith(scheme) || text === scheme || text.includes('\0')) return undefined;
  return text.slice(scheme.length);
}

/** Text that goes into a DNS message: printable, and bounded in its octets. */
export function shortText(maxOctets: number): ScalarKind<string> {
  return scalar(`a text of 1 to ${maxOctets} octets without control characters`, (text) =>
    text === '' || /\p{Cc}/u.test(text) || Buffer.byteLength(text) > maxOctets ? undefined : text,
  );
}

/** The target of an NS record: absolute, with or without the final dot. */
export const nameserverName: ScalarKind<DomainName> = scalar(
  'the full name of a nameserver, like ns1.example.com',
  (text) => {
    const name = parseHostName(text);
    return name.isWildcard ? undefined : name;
  },
);

/** A mail address as RNAME (RFC 1035 §8): what stands before the `@` becomes one label. */
export const mailbox: ScalarKind<DomainName> = scalar(
  'a mail address, like hostmaster@example.com',
  (text) => {
    const match = /^([\x21-\x3f\x41-\x7e]+)@([^@]+)$/.exec(text);
    if (match === null) return undefined;
    return DomainName.ofLabels([Buffer.from(match[1]!, 'latin1'), ...parseHostName(match[2]!).labels()]);
  },
  (name) => {
    const [local, ...domain] = name.labels();
    return formatYamlText(
      `${Buffer.from(local!).toString('latin1')}@${DomainName.ofLabels(domain).toString().slice(0, -1)}`,
    );
  },
);

/** A mail address as it is written, for a `mailto:` URL. */
export const mailAddress: ScalarKind<string> = scalar('a mail address, like hostmaster@example.com', (text) => {
  const match = /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@([^@]+)$/.exec(text);
  if (match === null) return undefined;
  parseHostName(match[1]!);
  return text;
});

/** A URL that holds no credential. */
export const httpsUrl: ScalarKind<string> = scalar('an https:// URL', (text) => {
  if (!URL.canParse(text)) return undefined;
  const { protocol, username, password, hash, href } = new URL(text);
  return protocol === 'https:' && username === '' && password === '' && hash === '' ? href : undefined;
});

/** Names that a certificate can be for (RFC 5280 §4.2.1.6: host names; RFC 8555 §7.1.3: a wildcard). */
export const certificateName: ScalarKind<DomainName> = scalar(
  "a full host name, like dyndns.example.com or '*.dyndns.example.com'",
  (text) => {
    const name = parseHostName(text);
    return name.wireText.includes('_') || name.labelCount < 2 ? undefined : name;
  },
);

/** Text in zone-file syntax (RFC 1035 §5), kept as it is. */
export const zoneFileText: ScalarKind<string> = scalar('text in zone-file syntax', (text) => text);

/** A name that an UPDATE may touch: relative to the zone, `@` for the zone itself, `*.x` for all below x. */
export const ownerPattern: ScalarKind<string> = scalar("a name of the zone, like www, '*.lab' or '@'", (text) => {
  if (text !== '@') parseHostName(text.endsWith('.') ? text : `${text}.example`);
  return text;
});

/** What the log and the history call a token. They call the master secret `master`. */
export const tokenName: ScalarKind<string> = scalar(
  'a text of 1 to 64 octets without control characters, other than master',
  (text) => (text.toLowerCase() === 'master' || text.trim() !== text ? undefined : shortText(64).parse(text)),
);

/** Of no octets: a token that was lost on its way into the hash. */
const SHA256_OF_NOTHING = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** Not secret, but what stands here by mistake may be the token itself; so it is treated like one. Lower case. */
export const tokenSha256: ScalarKind<string> = {
  ...scalar(
    'the SHA-256 of the token in 64 hexadecimal digits, as `dyndns token create` prints it',
    (text) => {
      const digits = text.toLowerCase();
      if (digits === SHA256_OF_NOTHING) throw new ValueError('this is the SHA-256 of an empty text.');
      return /^[0-9a-f]{64}$/.test(digits) ? digits : undefined;
    },
    (sha256) => `'${sha256.slice(0, 8)}…'`,
  ),
  secret: true,
  isConfidential: () => false,
};

/** `*.x` is for all names below x. */
export const fullOwnerName: ScalarKind<DomainName> = scalar(
  "a full name, like home.dyndns.example.com or '*.lab.dyndns.example.com'",
  parseHostName,
);

export const interfaceId: ScalarKind<string> = scalar(
  'an interface identifier, the lower 64 bits of an address, like ::10',
  parseInterfaceId,
);

export const macAddress: ScalarKind<string> = scalar('a MAC address, like 00:11:22:33:44:55', parseMac);

/** Subnets below the shortest prefix that is taken, a /16. */
export const subnetNumber: ScalarKind<number> = integer(0, 2 ** 48 - 1);

/** The types that clients change over HTTP. */
export const clientType: ScalarKind<number> = scalar(
  'one of A, AAAA, TXT',
  (text) => {
    const type = parseRRType(text);
    return type === RRType.A || type === RRType.AAAA || type === RRType.TXT ? type : undefined;
  },
  formatRRType,
);

const ADDRESSES = 'any, own, or a list of IP addresses and prefixes like [192.0.2.0/24]';

export const tokenAddresses: WordOrListKind<'any' | 'own', IpPrefix> = {
  form: 'word or list',
  word: { ...choice('any', 'own'), allowed: ADDRESSES },
  list: listOf(ipPrefix, 1),
  allowed: ADDRESSES,
};

export const calendarDay: ScalarKind<string> = scalar(
  'a day, like 2099-12-31',
  (text) => {
    const time = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
    return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text) ? text : undefined;
  },
  (day) => day,
);

/** Any part of it but scheme and host may be a secret. */
export const webhookUrl: ScalarKind<Secret> = {
  ...secret('a URL that begins with https://, or with http:// (not encrypted)', (text) => {
    if (!/^https?:\/\/[^\s\p{Cc}]+$/iu.test(text) || text.includes('#') || !URL.canParse(text)) return undefined;
    return new URL(text).href;
  }),
  isConfidential: (url) => url.reveal() !== `${new URL(url.reveal()).origin}/`,
  format: (url) => {
    const { origin, href } = new URL(url.reveal());
    return formatYamlText(href === `${origin}/` ? href : `${origin}/${SECRET_MASK}`);
  },
};

export const webhookSecret = secret('a text of 8 to 255 octets without control characters', (text) =>
  Buffer.byteLength(text) < 8 ? undefined : shortText(255).parse(text),
);

/** Types of data; OPT and the QTYPEs and meta-types of RFC 6895 §3.1 are none. */
export const dataType: ScalarKind<number> = scalar(
  'an RR type, like A, TXT or TYPE65280',
  (text) => {
    const type = parseRRType(text);
    const isMeta = type === 0 || type === RRType.OPT || (type !== undefined && type >= 128 && type <= 255);
    return isMeta ? undefined : type;
  },
  formatRRType,
);
