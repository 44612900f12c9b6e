/**
 * Records to a zone file (RFC 1035 §5): $ORIGIN and $TTL, the SOA first, then the names in canonical order (RFC 4034
 * §6.1), one record on a line. Reading it gives the same records, the case of names included.
 */
import { type DomainName, lowerCaseText } from '../name.ts';
import { formatRdata } from '../presentation/rdata-text.ts';
import { formatZoneFileName } from '../presentation/text-fields.ts';
import { formatRRType, type ResourceRecord, RRType } from '../rdata.ts';

/** The lines of the file, each with its line end. `records` are of class IN, below or at the apex, in any order. */
export function* formatZoneFile(apex: DomainName, records: Iterable<ResourceRecord>): Generator<string> {
  const sorted = sortedRecords(records);
  yield* formatSortedRecords(apex, usualTtl(sorted), sorted);
}

/** As formatZoneFile, for records that are sorted already (canonicalKey; the SOA first) and may be read one by one. */
export function* formatSortedRecords(
  apex: DomainName,
  defaultTtl: number | undefined,
  sorted: Iterable<ResourceRecord>,
): Generator<string> {
  yield `$ORIGIN ${apex}\n`;
  if (defaultTtl !== undefined) yield `$TTL ${defaultTtl}\n`;
  let previous: string | undefined;
  for (const { ownerName, type, ttl, rdata } of sorted) {
    const owner = ownerName.wireText === previous ? '' : formatZoneFileName(ownerName, apex);
    previous = ownerName.wireText;
    const ttlText = ttl === defaultTtl ? '' : String(ttl);
    const text = formatRdata(type, rdata, apex);
    yield `${owner.padEnd(23)} ${ttlText.padEnd(7)} IN ${formatRRType(type).padEnd(7)} ${text}\n`;
  }
}

function sortedRecords(records: Iterable<ResourceRecord>): ResourceRecord[] {
  const keyed: { readonly key: string; readonly record: ResourceRecord }[] = [];
  for (const record of records) keyed.push({ key: canonicalKey(record.ownerName.wireText), record });
  const rank = ({ type }: ResourceRecord): number => (type === RRType.SOA ? -1 : type);
  keyed.sort((a, b) => {
    if (a.key !== b.key) return a.key < b.key ? -1 : 1;
    return rank(a.record) - rank(b.record);
  });
  return keyed.map(({ record }) => record);
}

/**
 * A string by whose code units names sort canonically (RFC 4034 §6.1), faster to compare than the names: the labels from
 * the right in lower case, each ending in a NUL. Octets 0 and 1 of a label become two, so that the NUL sorts first.
 * @param wireText `DomainName.wireText`
 */
export function canonicalKey(wireText: string): string {
  let key = '';
  for (let at = 0; ; ) {
    const length = wireText.charCodeAt(at);
    if (length === 0) break;
    const label = lowerCaseText(wireText.slice(at + 1, at + 1 + length));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: octets 0 and 1 take part in the order
    key = `${label.replace(/[\0\x01]/g, (octet) => (octet === '\0' ? '\x01\x01' : '\x01\x02'))}\0${key}`;
    at += length + 1;
  }
  return key;
}

/** The TTL that most records have. */
function usualTtl(records: readonly ResourceRecord[]): number | undefined {
  const counts = new Map<number, number>();
  let usual: number | undefined;
  for (const { ttl } of records) {
    const count = (counts.get(ttl) ?? 0) + 1;
    counts.set(ttl, count);
    if (usual === undefined || count > counts.get(usual)!) usual = ttl;
  }
  return usual;
}
