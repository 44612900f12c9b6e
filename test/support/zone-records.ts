/** The content of a zone version as sorted lines, for comparison. */
import { nameOf, type ZoneVersion } from '../../src/nameserver/zone/zone-version.ts';

/** Returns lines `owner TTL TYPE-NUMBER RDATA-in-hex`, with the SOA. */
export function zoneRecords(version: ZoneVersion): string[] {
  const lines: string[] = [];
  for (const { wireText, type, ttl, rdata } of version.records()) {
    lines.push(`${nameOf(wireText)} ${ttl} ${type} ${Buffer.from(rdata, 'latin1').toString('hex')}`);
  }
  return lines.sort();
}
