/** An embedded zone in memory, built by edits. It has the SOA and NS of zoneFileText in primary-server.ts. */
import { DomainName } from '../../src/dns/name.ts';
import { type Rdata, RRType } from '../../src/dns/rdata.ts';
import type { ZoneEdit } from '../../src/dns/zone-change.ts';
import { ZoneDraft } from '../../src/nameserver/zone/draft.ts';
import { applyEdits } from '../../src/nameserver/zone/edit.ts';
import { EmbeddedZone } from '../../src/nameserver/zone/embedded-zone.ts';
import type { ZoneNode } from '../../src/nameserver/zone/zone-node.ts';
import { ZoneNodes } from '../../src/nameserver/zone/zone-nodes.ts';
import { rdataText, type StaticRRsets, ZoneVersion } from '../../src/nameserver/zone/zone-version.ts';

export interface EditedZoneOptions {
  readonly edits?: readonly ZoneEdit[];
  readonly serial?: number;
  readonly statics?: StaticRRsets;
}

export function soaOf(apex: DomainName, serial: number): Rdata {
  const timers = { refresh: 3600, retry: 1000, expire: 3_600_000, minimum: 300 };
  return { kind: 'SOA', mname: apex.prepend('ns1'), rname: apex.prepend('hostmaster'), serial, ...timers };
}

/** Makes a version with a SOA, an NS and the result of the edits. */
export function editedVersion(name: string, { edits = [], serial = 1, statics }: EditedZoneOptions = {}): ZoneVersion {
  const apex = DomainName.parse(name);
  const rrset = (type: number, rdata: Rdata) => ({ type, ttl: 300, rdatas: [rdataText(rdata)] });
  const soa = rrset(RRType.SOA, soaOf(apex, serial));
  const rrsets = [soa, rrset(RRType.NS, { kind: 'NS', target: apex.prepend('ns1') })];
  const node: ZoneNode = { key: apex.key, wireText: apex.wireText, rrsets, children: 0 };
  const draft = new ZoneDraft(new ZoneVersion(apex, ZoneNodes.of([node]), 0));
  applyEdits(draft, edits);
  const edited = draft.seal()?.version ?? draft.base;
  // Restores the serial, which the edits have incremented.
  const apexRRsets = edited.apexNode.rrsets.map((each) => (each.type === RRType.SOA ? soa : each));
  return new ZoneVersion(apex, edited.nodes.set({ ...edited.apexNode, rrsets: apexRRsets }), edited.cuts, statics);
}

export function editedZone(name: string, options?: EditedZoneOptions): EmbeddedZone {
  return new EmbeddedZone(1, editedVersion(name, options), 0);
}

/** As a zone has them without options. */
export const LIMITS = { recordsPerRRset: 100, typesPerName: 100 };
export const SOA_OPTIONS = { nsTtl: 3600, soa: { refresh: 3600, retry: 600, expire: 1_209_600, minimum: 60, ttl: 60 } };
