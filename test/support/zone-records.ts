// The content of a version of a zone as sorted lines: what two versions are compared by.
import { nameOf, type ZoneVersion } from '../../src/nameserver/zone/zone-version.ts';

/** `owner TTL TYPE-NUMBER RDATA-in-hex`, the SOA too. */
export function zoneRecords(version: ZoneVersion): string[] {
  const lines: string[] = [];
  for (const { wireText, type, ttl, rdata } of version.records()) {
    lines.push(`${nameOf(wireText)} ${ttl} ${type} ${Buffer.from(rdata, 'latin1').toString('hex')}`);
  }
  return lines.sort();
}
