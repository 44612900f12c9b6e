/**
 * The text of a new configuration file, as `dyndns init` and `dyndns setup` write it: for a zone that dyndns serves itself,
 * or for one on a remote primary. Secrets are passed in, as YAML.
 */
import { formatYamlText } from '../../config/kinds/kind.ts';
import { storeUrl } from '../../config/kinds/urls.ts';
import type { IpAddress } from '../../dns/address.ts';
import type { DomainName } from '../../dns/name.ts';

/** What every configuration has besides its zone. */
export interface ServerPlan {
  /** As YAML: the master secret, or its file. */
  readonly secret: string;
  /** `http.listen`, as texts; absent: the default. */
  readonly httpListen?: readonly string[] | undefined;
  readonly https?: HttpsPlan | undefined;
  /** The path of the database; absent: there is none. */
  readonly store?: string | undefined;
  /** Absent: neither dashboard nor HTTP API. */
  readonly admin?: AdminPlan | undefined;
}

/** HTTPS with a certificate that dyndns obtains itself. */
export interface HttpsPlan {
  /** At least one. */
  readonly names: readonly DomainName[];
  /** The mail address of the account, as YAML. */
  readonly email?: string | undefined;
}

/** The option `admin`. */
export interface AdminPlan {
  /** Absent: `http.listen` serves it. */
  readonly listen?: readonly string[];
  /** The origin that browsers use; absent: this machine only. */
  readonly url?: string | undefined;
}

export interface EmbeddedZonePlan {
  readonly zone: DomainName;
  /** This server first; at least one. */
  readonly ns: readonly DomainName[];
  /** The addresses of the first nameserver, if its name is in the zone. */
  readonly glue: readonly IpAddress[];
  /** As YAML. */
  readonly contact: string;
  readonly apex?: boolean | undefined;
  /** `dns.listen`, as texts; absent: the default. */
  readonly dnsListen?: readonly string[] | undefined;
}

export interface RemoteZonePlan {
  readonly zone: DomainName;
  readonly nameserver: IpAddress;
  /** Absent: 53. */
  readonly port?: number;
  readonly key: {
    /** Absent: the name of the zone. */
    readonly name?: string;
    /** Absent: hmac-sha512. */
    readonly algorithm?: string;
    /** As YAML. */
    readonly secret: string;
  };
}

const HEAD = '---\n# All options: docs/configuration.md\n';
const ACME_LISTEN = ['127.0.0.1:54321', 'https://[::]:443'];

/** The file for a zone that dyndns serves itself. */
export function embeddedConfiguration(plan: EmbeddedZonePlan, server: ServerPlan): string {
  const { zone, ns, glue, contact, apex, dnsListen } = plan;
  const own = server.https?.names.filter((each) => each.isAtOrBelow(zone) && !ns[0]!.equals(each)) ?? [];
  const owners = [...(glue.length > 0 ? [ns[0]!] : []), ...own];
  const records = owners.flatMap((owner) => glue.map((address) => `      ${addressRecord(owner, address)}\n`));
  return `${HEAD}secret: ${server.secret}
check: authenticated
${httpText(server)}${dnsListen === undefined ? '' : `dns:\n  listen: ${listText(dnsListen)}\n`}${storeText(server)}${adminText(server)}zones:
  - name: '${withoutDot(zone)}'
    nameserver: embedded
    ns: [${ns.map((each) => `'${each}'`).join(', ')}]
    contact: ${contact}
${apex ? '    apex: true\n' : ''}${records.length === 0 ? '' : `    records: |\n${records.join('')}`}`;
}

/** The file for a zone on a remote primary. */
export function remoteConfiguration(plan: RemoteZonePlan, server: ServerPlan): string {
  const { zone, nameserver, port = 53, key } = plan;
  const isShort = key.name === undefined && key.algorithm === undefined;
  const long = `
      ${key.name === undefined ? '' : `name: ${formatYamlText(key.name)}\n      `}${key.algorithm === undefined ? '' : `algorithm: ${key.algorithm}\n      `}secret: ${key.secret}`;
  return `${HEAD}secret: ${server.secret}
nameserver: '${nameserver.text}'
${port === 53 ? '' : `port: ${port}\n`}check: authenticated
${httpText(server)}${storeText(server)}${adminText(server)}zones:
  - name: '${withoutDot(zone)}'
    tsig_key:${isShort ? ` ${key.secret}` : long}
`;
}

/** The record of an address in presentation form. */
export function addressRecord(owner: DomainName, { family, text }: IpAddress): string {
  return `${owner} IN ${family === 4 ? 'A' : 'AAAA'} ${text}`;
}

/** What the parent of an embedded zone needs. */
export interface ParentRecords {
  /** A registrar has the parent: nameservers are entered there, not as lines. */
  readonly isAtRegistrar: boolean;
  /** Undefined for a zone below the root. */
  readonly parent: DomainName | undefined;
  /** NS records, then the glue, in presentation form. */
  readonly lines: readonly string[];
}

/** What to add at the parent, so that resolvers find the zone. */
export function parentRecords({ zone, ns, glue }: Pick<EmbeddedZonePlan, 'zone' | 'ns' | 'glue'>): ParentRecords {
  const parent = zone.parent();
  const delegation = ns.map((name) => `${zone} IN NS ${name}`);
  const addresses = glue.map((address) => addressRecord(ns[0]!, address));
  return {
    isAtRegistrar: parent === undefined || parent.labelCount < 2,
    parent,
    lines: [...delegation, ...addresses],
  };
}

function httpText({ httpListen, https }: ServerPlan): string {
  if (https === undefined) return httpListen === undefined ? '' : `http:\n  listen: ${listText(httpListen)}\n`;
  const names = https.names.map((name) => `'${withoutDot(name)}'`).join(', ');
  return `http:
  listen: ${listText(httpListen ?? ACME_LISTEN)}
  tls:
    acme:
      names: [${names}]
${https.email === undefined ? '' : `      email: ${https.email}\n`}`;
}

function storeText({ store }: ServerPlan): string {
  return store === undefined ? '' : `store: ${storeUrl.format({ kind: 'sqlite', path: store })}\n`;
}

function adminText({ admin }: ServerPlan): string {
  if (admin === undefined) return '';
  const listen = admin.listen === undefined ? '' : `  listen: ${listText(admin.listen)}\n`;
  return `admin:\n  enabled: true\n${listen}${admin.url === undefined ? '' : `  url: ${formatYamlText(admin.url)}\n`}`;
}

function listText(texts: readonly string[]): string {
  return `[${texts.map((text) => `'${text}'`).join(', ')}]`;
}

function withoutDot(name: DomainName): string {
  return name.toString().slice(0, -1);
}
