/** An embedded zone in memory, with edits that are published at once. */
import { DomainName } from '../../src/dns/name.ts';
import { RRType } from '../../src/dns/rdata.ts';
import type { ZoneDraft } from '../../src/nameserver/zone/draft.ts';
import { EmbeddedZone } from '../../src/nameserver/zone/embedded-zone.ts';
import type { ZoneNode } from '../../src/nameserver/zone/zone-node.ts';
import { ZoneNodes } from '../../src/nameserver/zone/zone-nodes.ts';
import { rdataText, type ZoneDiff, ZoneVersion } from '../../src/nameserver/zone/zone-version.ts';

/** Makes a zone with a SOA, and an NS `ns1` that has no address. */
export function makeZone(name: string, serial: number): EmbeddedZone {
  const apex = DomainName.parse(name);
  const ns1 = apex.prepend('ns1');
  const timers = { refresh: 3600, retry: 600, expire: 1_209_600, minimum: 60 };
  const soa = rdataText({ kind: 'SOA', mname: ns1, rname: apex.prepend('hostmaster'), serial, ...timers });
  const node: ZoneNode = {
    key: apex.key,
    wireText: apex.wireText,
    rrsets: [
      { type: RRType.SOA, ttl: 3600, rdatas: [soa] },
      { type: RRType.NS, ttl: 3600, rdatas: [rdataText({ kind: 'NS', target: ns1 })] },
    ],
    children: 0,
  };
  return new EmbeddedZone(1, new ZoneVersion(apex, ZoneNodes.of([node]), 0), 0);
}

/** Changes the zone in one commit. @throws Error if nothing changed */
export function commit(zone: EmbeddedZone, edit: (draft: ZoneDraft) => void): ZoneDiff {
  edit(zone.draft);
  const sealed = zone.seal();
  if (sealed === undefined) throw new Error('The edit changed nothing.');
  zone.publish(sealed);
  return sealed.diff;
}

/** Sets the A records at a name of the zone. @param addresses empty: removes the RRset */
export function setAddresses(zone: EmbeddedZone, ownerName: string, addresses: readonly string[]): ZoneDiff {
  const rdatas = addresses.map((address) => rdataText({ kind: 'A', address }));
  const name = DomainName.parse(ownerName, zone.apex);
  return commit(zone, (draft) => draft.setRRset(name, { type: RRType.A, ttl: 60, rdatas }));
}
