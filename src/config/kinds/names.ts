/** Kinds for domain names, RR types, mail addresses and zone-file text. */
import { parseHostName } from '../../dns/host-name.ts';
import { DomainName } from '../../dns/name.ts';
import { CLIENT_TYPES, formatRRType, parseRRType, RRType } from '../../dns/rdata.ts';
import { formatYamlText, type ScalarKind, scalar, ValueError } from './kind.ts';

export const zoneName: ScalarKind<DomainName> = scalar('a domain name, with or without the final dot', (text) => {
  const name = parseHostName(text);
  if (name.isWildcard) throw new ValueError('a zone cannot be a wildcard.');
  return name;
});

/** Relative to the zone. Stays a text: the zone's name is appended by namesOfZone (../rules.ts). */
export const nameBelowZone: ScalarKind<string> = scalar('a name below the zone, like www', parseRelativeName);

/** A name that an UPDATE may touch: relative to the zone, `@` for the apex, `*.x` for every name below x. */
export const ownerPattern: ScalarKind<string> = scalar("a name of the zone, like www, '*.lab' or '@'", (text) =>
  text === '@' ? text : parseRelativeName(text),
);

/** Names that members may take: relative to the zone. Stays a text. */
export const memberPattern: ScalarKind<string> = scalar("* or *.x for a name x of the zone, like '*.lab'", (text) =>
  text === '*' || (text.startsWith('*.') && !text.endsWith('.')) ? parseRelativeName(text) : undefined,
);

/** @throws NameError */
function parseRelativeName(text: string): string {
  parseHostName(text.endsWith('.') ? text : `${text}.example`);
  return text;
}

/** `*.x` is every name below x. */
export const fullOwnerName: ScalarKind<DomainName> = scalar(
  "a full name, like home.dyndns.example.com or '*.lab.dyndns.example.com'",
  parseHostName,
);

/** The target of an NS record: absolute, with or without the final dot. */
export const nameserverName: ScalarKind<DomainName> = scalar(
  'the full name of a nameserver, like ns1.example.com',
  (text) => {
    const name = parseHostName(text);
    return name.isWildcard ? undefined : name;
  },
);

/** A name that a certificate can be for (RFC 5280 §4.2.1.6: a host name; RFC 8555 §7.1.3: a wildcard). */
export const certificateName: ScalarKind<DomainName> = scalar(
  "a full host name, like dyndns.example.com or '*.dyndns.example.com'",
  (text) => {
    const name = parseHostName(text);
    return name.wireText.includes('_') || name.labelCount < 2 ? undefined : name;
  },
);

/** A mail address as RNAME (RFC 1035 §8): the part before the `@` becomes one label. */
export const mailbox: ScalarKind<DomainName> = scalar(
  'a mail address, like hostmaster@example.com',
  (text) => {
    const match = /^([\x21-\x3f\x41-\x7e]+)@([^@]+)$/.exec(text);
    if (match === null) return undefined;
    return DomainName.ofLabels([Buffer.from(match[1]!, 'latin1'), ...parseHostName(match[2]!).labels()]);
  },
  (name) => {
    const [local, ...domain] = name.labels();
    const address = `${Buffer.from(local!).toString('latin1')}@${DomainName.ofLabels(domain)}`;
    return formatYamlText(address.slice(0, -1));
  },
);

/** A mail address as it is written, for a `mailto:` URL. */
export const mailAddress: ScalarKind<string> = scalar('a mail address, like hostmaster@example.com', (text) => {
  const match = /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@([^@]+)$/.exec(text);
  if (match === null) return undefined;
  parseHostName(match[1]!);
  return text;
});

/** Text in zone-file syntax (RFC 1035 §5), not parsed here. */
export const zoneFileText: ScalarKind<string> = scalar('text in zone-file syntax', (text) => text);

/** The types that a token may change. */
export const clientType: ScalarKind<number> = scalar(
  `one of ${CLIENT_TYPES.map(formatRRType).join(', ')}`,
  (text) => {
    const type = parseRRType(text);
    return type !== undefined && CLIENT_TYPES.includes(type) ? type : undefined;
  },
  formatRRType,
);

/** Data types; not OPT, the QTYPEs and the meta-types of RFC 6895 §3.1. */
export const dataType: ScalarKind<number> = scalar(
  'an RR type, like A, TXT or TYPE65280',
  (text) => {
    const type = parseRRType(text);
    const isMeta = type === 0 || type === RRType.OPT || (type !== undefined && type >= 128 && type <= 255);
    return isMeta ? undefined : type;
  },
  formatRRType,
);
