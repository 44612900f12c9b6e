/**
 * Formats records as a zone file (RFC 1035 §5): $ORIGIN and $TTL, the SOA first, then the names in canonical order
 * (RFC 4034 §6.1), one record per line. Parsing it gives the same records, including the case of names.
 */
import { type DomainName, lowerCaseText } from '../name.ts';
import { formatRdata } from '../presentation/rdata-text.ts';
import { formatZoneFileName } from '../presentation/text-fields.ts';
import { formatRRType, type ResourceRecord, RRType } from '../rdata.ts';

/** Yields lines with their line ends. @param records of class IN, at or below the apex, in any order */
export function* formatZoneFile(apex: DomainName, records: Iterable<ResourceRecord>): Generator<string> {
  const sorted = sortedRecords(records);
  yield* formatSortedRecords(apex, mostCommonTtl(sorted), sorted);
}

/** As formatZoneFile, for records that are already sorted by `canonicalKey` with the SOA first; they are streamed. */
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
 * A sort key: code-unit order of keys is the canonical order of names (RFC 4034 §6.1), and faster than comparing names.
 * The lower-cased labels from the right, each with a NUL at the end; octets 0 and 1 are escaped so that the NUL sorts first.
 * @param wireText `DomainName.wireText`
 */
export function canonicalKey(wireText: string): string {
  let key = '';
  for (let at = 0; ; ) {
    const length = wireText.charCodeAt(at);
    if (length === 0) break;
    const label = lowerCaseText(wireText.slice(at + 1, at + 1 + length));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: octets 0 and 1 are valid in labels
    key = `${label.replace(/[\0\x01]/g, (octet) => (octet === '\0' ? '\x01\x01' : '\x01\x02'))}\0${key}`;
    at += length + 1;
  }
  return key;
}

function mostCommonTtl(records: readonly ResourceRecord[]): number | undefined {
  const counts = new Map<number, number>();
  let mostCommon: number | undefined;
  for (const { ttl } of records) {
    const count = (counts.get(ttl) ?? 0) + 1;
    counts.set(ttl, count);
    if (mostCommon === undefined || count > counts.get(mostCommon)!) mostCommon = ttl;
  }
  return mostCommon;
}
