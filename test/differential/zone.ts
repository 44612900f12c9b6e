/** The zone of the differential test: its text for our configuration, and the complete file for BIND and Knot. */
import { readFileSync } from 'node:fs';
import { DomainName } from '../../src/dns/name.ts';

export const ZONE = 'diff.example.com';
export const APEX: DomainName = DomainName.parse(ZONE);
/** Names of the apex NS RRset; the first is MNAME. */
export const NAMESERVERS: readonly string[] = [`ns1.${ZONE}`, `ns2.${ZONE}`, 'ns.example.net'];
export const CONTACT = `hostmaster@${ZONE}`;

/** All records except the SOA and the apex NS RRset, as zone-file text with relative names. */
export const RECORDS: string = readFileSync(new URL('differential.zone', import.meta.url), 'utf8');

/** TTL and RDATA of the SOA for servers other than ours. */
export interface SoaText {
  readonly ttl: number;
  readonly rdata: string;
}

export const PLAIN_SOA: SoaText = { ttl: 3600, rdata: `ns1.${ZONE}. hostmaster.${ZONE}. 1 3600 600 1209600 60` };

/** The start of a zone file; `RECORDS` are the rest. */
export function zoneRecords(soa: SoaText): string {
  const ns = NAMESERVERS.map((name) => `@ 3600 IN NS ${name}.\n`).join('');
  return `@ ${soa.ttl} IN SOA ${soa.rdata}\n${ns}${RECORDS}`;
}

/** Every owner name of the zone, in the order of the file. */
export function ownerNames(): readonly DomainName[] {
  const names = new Map<string, DomainName>([[APEX.key, APEX]]);
  for (const line of RECORDS.split('\n')) {
    const text = /^([^\s;]\S*)\s/.exec(line)?.[1];
    if (text === undefined || text === '@') continue;
    const name = DomainName.parse(text, APEX);
    names.set(name.key, name);
  }
  return [...names.values()];
}
