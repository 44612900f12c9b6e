/** What the API shows: servers, zones and RRsets in PowerDNS's form (API version 1, of PowerDNS 4.9). */
import type { RecordZone } from '../../core/records/read-records.ts';
import type { StoredName, StoredRRset } from '../../core/zones/zone-records.ts';
import type { DomainName } from '../../dns/name.ts';
import { formatRdata } from '../../dns/presentation/rdata-text.ts';
import { formatRRType, type Rdata, RRType } from '../../dns/rdata.ts';

const ROOT = '/api/v1';
const SERVER = `${ROOT}/servers/localhost`;

/** The release whose API this is: clients decide by it which fields they send. */
const VERSION = '4.9.0';

/** `GET /api` */
export const API_VERSIONS = [{ url: ROOT, version: 1 }];

export const SERVER_DOCUMENT = {
  type: 'Server',
  id: 'localhost',
  daemon_type: 'authoritative',
  version: VERSION,
  url: SERVER,
  config_url: `${SERVER}/config{/config_setting}`,
  zones_url: `${SERVER}/zones{/zone}`,
};

/** A zone without its RRsets. */
export function zoneDocument({ apex, secondaries }: RecordZone): Record<string, unknown> {
  // Without a snapshot: a zone that is not served must not hide the others of the list.
  const serial = secondaries?.serial ?? 0;
  const id = zoneId(apex);
  return {
    id,
    name: nameText(apex),
    type: 'Zone',
    url: `${SERVER}/zones/${id}`,
    kind: 'Native',
    serial,
    notified_serial: serial,
    edited_serial: serial,
    masters: [],
    dnssec: false,
    nsec3param: '',
    nsec3narrow: false,
    presigned: false,
    soa_edit: '',
    soa_edit_api: 'DEFAULT',
    api_rectify: false,
    account: '',
    catalog: '',
    last_check: 0,
    master_tsig_key_ids: [],
    slave_tsig_key_ids: [],
  };
}

/** The zone with its RRsets, as pieces of JSON. */
export async function* zonePieces(
  zone: RecordZone,
  names: AsyncIterable<readonly StoredName[]>,
): AsyncGenerator<string, void, undefined> {
  const head = JSON.stringify({ ...zoneDocument(zone), rrsets: [] });
  yield head.slice(0, -2);
  let separator = '';
  for await (const piece of names) {
    let text = '';
    for (const { rrsets } of piece) {
      for (const rrset of rrsets) {
        text += `${separator}${JSON.stringify(rrsetDocument(rrset))}`;
        separator = ',';
      }
    }
    yield text;
  }
  yield ']}';
}

function rrsetDocument({ ownerName, type, ttl, rdatas }: StoredRRset): Record<string, unknown> {
  return {
    name: nameText(ownerName),
    type: formatRRType(type),
    ttl,
    records: rdatas.map((rdata) => ({ content: contentText(type, rdata), disabled: false })),
    comments: [],
  };
}

/** `GET …/export`: a record a line, all names absolute. */
export async function* exportPieces(
  names: AsyncIterable<readonly StoredName[]>,
): AsyncGenerator<string, void, undefined> {
  for await (const piece of names) {
    let text = '';
    for (const { rrsets } of piece) {
      for (const { ownerName, type, ttl, rdatas } of rrsets) {
        for (const rdata of rdatas) {
          text += `${nameText(ownerName)}\t${ttl}\tIN\t${formatRRType(type)}\t${contentText(type, rdata)}\n`;
        }
      }
    }
    yield text;
  }
}

/** Their RDATA is numbers and hexadecimal digits, which PowerDNS prints in lower case. */
const HEXADECIMAL: ReadonlySet<number> = new Set([RRType.SSHFP, RRType.TLSA, RRType.DS, RRType.CDS]);

/** Clients compare contents with their own as texts. */
function contentText(type: number, rdata: Rdata): string {
  const text = formatRdata(type, rdata);
  return HEXADECIMAL.has(type) ? text.toLowerCase() : text;
}

/** In lower case: clients compare names with their own as texts. */
export function nameText(name: DomainName): string {
  return name.toString().toLowerCase();
}

/** The name with every sign that is not a letter, a digit, `.` or `-` as `=` and two hexadecimal digits. */
export function zoneId(apex: DomainName): string {
  return nameText(apex).replace(
    /[^a-z0-9.-]/g,
    (sign) => `=${sign.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}
