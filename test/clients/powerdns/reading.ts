/**
 * How clients of the PowerDNS API compose requests and read replies: the framing of their HTTP libraries, the decoders of
 * Go, and what each of them compares. A client that would fail here throws ClientFailure with its complaint.
 */
import { type Reply, ZONE_NAME } from './wire.ts';

/** What a client says to its user, or why it stops. */
export class ClientFailure extends Error {}

export function fail(complaint: string): never {
  throw new ClientFailure(complaint);
}

export interface RrsetInfo {
  readonly name: string;
  readonly type: string;
  readonly ttl: number;
  readonly records: readonly { readonly content: string; readonly disabled?: boolean }[];
  readonly comments?: readonly unknown[];
}

export interface ZoneInfo {
  readonly id: string;
  readonly name: string;
  readonly url: string;
  readonly kind: string;
  readonly rrsets?: readonly RrsetInfo[];
  readonly [field: string]: unknown;
}

/** What a client knows from earlier replies. */
export interface Seen {
  readonly zones?: readonly ZoneInfo[];
  readonly zone?: ZoneInfo;
}

export interface Step {
  readonly request: (seen: Seen) => string;
  /** @returns what the client keeps of the reply @throws ClientFailure where the client stops */
  readonly read: (reply: Reply) => Seen;
  /** What DNS answers afterwards: RDATA as dig prints it, by label and type. */
  readonly published?: Readonly<Record<string, readonly string[]>>;
}

export interface PowerdnsTranscript {
  readonly client: string;
  /** Repository at github.com, path and commit of each file that it was taken from. */
  readonly sources: readonly (readonly [repository: string, path: string, commit: string])[];
  readonly steps: readonly Step[];
  /** The client does not look at the status of a change, and takes a refusal for success. */
  readonly ignoresStatus?: true;
}

type Shape = 'text' | 'int' | 'int32' | 'uint32' | 'bool' | readonly string[] | Fields | { readonly list: Shape };
interface Fields {
  readonly fields: Readonly<Record<string, Shape>>;
}

const LIMITS = { int: Number.MAX_SAFE_INTEGER, int32: 2 ** 31 - 1, uint32: 2 ** 32 - 1 } as const;

/** Go's encoding/json: an absent field and null are the zero value, any other type than that of the field is an error. */
function decode(value: unknown, shape: Shape, at: string): void {
  if (value === undefined || value === null) return;
  const wrong = () => fail(`json: cannot unmarshal ${JSON.stringify(value).slice(0, 60)} into ${at}`);
  if (shape === 'text') {
    if (typeof value !== 'string') wrong();
  } else if (shape === 'bool') {
    if (typeof value !== 'boolean') wrong();
  } else if (shape === 'int' || shape === 'int32' || shape === 'uint32') {
    if (!Number.isInteger(value) || (value as number) > LIMITS[shape]) wrong();
  } else if ('list' in shape) {
    if (!Array.isArray(value)) wrong();
    for (const item of value as readonly unknown[]) decode(item, shape.list, `${at}[]`);
  } else if ('fields' in shape) {
    if (typeof value !== 'object' || Array.isArray(value)) wrong();
    for (const [name, inner] of Object.entries(shape.fields)) {
      decode((value as Record<string, unknown>)[name], inner, `${at}.${name}`);
    }
  } else if (!(shape as readonly unknown[]).includes(value)) wrong();
}

const texts: Shape = { list: 'text' };
const rrsets = (ttl: Shape): Shape => ({
  list: {
    fields: {
      name: 'text',
      type: 'text',
      ttl,
      changetype: ['DELETE', 'REPLACE'],
      records: { list: { fields: { content: 'text', disabled: 'bool', 'set-ptr': 'bool' } } },
      comments: { list: { fields: { content: 'text', account: 'text', modified_at: 'int' } } },
    },
  },
});
const ANY_ZONE = { id: 'text', name: 'text', url: 'text', dnssec: 'bool', account: 'text', masters: texts } as const;

/** mittwald/go-powerdns: words that it does not know are errors, also the empty one. */
export const MITTWALD_ZONE: Shape = {
  fields: {
    ...ANY_ZONE,
    type: ['Zone'],
    kind: ['Native', 'Master', 'Slave', 'Producer', 'Consumer'],
    rrsets: rrsets('int'),
    serial: 'int',
    notified_serial: 'int',
    nsec3param: 'text',
    soa_edit: ['INCREMENT-WEEKS', 'INCEPTION-EPOCH', 'INCEPTION-INCREMENT', 'EPOCH', 'NONE', ''],
    soa_edit_api: ['DEFAULT', 'INCREASE', 'EPOCH', 'SOA-EDIT', 'SOA-EDIT-INCREASE', 'NONE'],
    nameservers: texts,
    tsig_master_key_ids: texts,
    tsig_slave_key_ids: texts,
  },
};

/** joeig/go-powerdns. */
export const JOEIG_ZONE: Shape = {
  fields: {
    ...ANY_ZONE,
    type: 'text',
    kind: 'text',
    rrsets: rrsets('uint32'),
    serial: 'uint32',
    notified_serial: 'uint32',
    edited_serial: 'uint32',
    soa_edit: 'text',
    soa_edit_api: 'text',
    catalog: 'text',
    master_tsig_key_ids: texts,
    slave_tsig_key_ids: texts,
  },
};

/** ffledgling/pdns-go: serials are signed. */
export const FFLEDGLING_ZONE: Shape = {
  fields: {
    ...ANY_ZONE,
    type: 'text',
    kind: 'text',
    rrsets: rrsets('int32'),
    serial: 'int32',
    notified_serial: 'int32',
    edited_serial: 'int32',
    soa_edit: 'text',
    soa_edit_api: 'text',
  },
};

/** The structures of Terraform's provider and of lego. */
export const PLAIN_ZONE: Shape = { fields: { ...ANY_ZONE, kind: 'text', rrsets: rrsets('int'), serial: 'int' } };

export function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return fail(`not JSON: ${JSON.stringify(body.slice(0, 60))}`);
  }
}

export function readZone(body: string, shape: Shape): { zone: ZoneInfo } {
  const zone = parseJson(body);
  decode(zone, shape, 'zone');
  return { zone: zone as ZoneInfo };
}

export function readZones(body: string, shape: Shape): { zones: readonly ZoneInfo[] } {
  const zones = parseJson(body);
  decode(zones, { list: shape }, 'zones');
  return { zones: zones as readonly ZoneInfo[] };
}

/** @throws ClientFailure unless the status is one of these, or below 300 if there are none */
export function require2xx({ status, body }: Reply, ...only: readonly number[]): void {
  const isGood = only.length > 0 ? only.includes(status) : status >= 200 && status < 300;
  if (!isGood) fail(`status ${status}: ${body}`);
}

export function findRrset({ zone }: Seen, label: string, type: string): RrsetInfo | undefined {
  return zone?.rrsets?.find((rrset) => rrset.name === `${label}.${ZONE_NAME}` && rrset.type === type);
}

/** A client that compares texts changes an RRset at each run that is not exactly as wanted. */
export function requireSame(seen: Seen, label: string, type: string, ttl: number, contents: readonly string[]): void {
  const found = findRrset(seen, label, type);
  const now = JSON.stringify([found?.ttl, found?.records.map(({ content }) => content).sort()]);
  const wanted = JSON.stringify([ttl, [...contents].sort()]);
  if (now !== wanted) fail(`${label} ${type} is ${now}, and would be changed again to ${wanted}`);
}

export const HOME = `home.${ZONE_NAME}`;
export const CHALLENGE = `_acme-challenge.${HOME}`;
/** Reads a reply whose status is all that matters. */
export const done = (reply: Reply): Seen => {
  require2xx(reply);
  return {};
};
export const quoted = (text: string) => `"${text}"`;
