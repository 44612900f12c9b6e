/**
 * The static content of a zone: SOA, NS and the records of the configuration. Each RRset is static or dynamic; only the
 * configuration changes a static one.
 */
import type { DomainName } from '../../dns/name.ts';
import { formatRRType, type ResourceRecord, RRType } from '../../dns/rdata.ts';
import type { ZoneDraft } from './draft.ts';
import { NameMap } from './name-map.ts';
import { cutAbove, isGlue } from './occlusion.ts';
import { withoutEqualMembers } from './rrset-members.ts';
import {
  findRRset,
  nameOf,
  rdataText,
  type StaticRRsets,
  soaSerial,
  withSerial,
  type ZoneNode,
  type ZoneRRset,
  ZoneVersion,
} from './zone-version.ts';

export interface StaticContent {
  readonly apex: DomainName;
  /** The NS RRset; the first is MNAME. */
  readonly ns: readonly DomainName[];
  /** RNAME. */
  readonly contact: DomainName;
  /** Of class IN, inside the zone, without SOA. */
  readonly records: readonly ResourceRecord[];
}

/** Keys of the owner names of the records. */
export function staticOwnerNames({ records }: Pick<StaticContent, 'records'>): ReadonlySet<string> {
  return new Set(records.map(({ ownerName }) => ownerName.key));
}

/** The static content conflicts with the dynamic data of the zone, or with itself. The message names both. */
export class StaticConflict extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'StaticConflict';
  }
}

const SOA_TIMES = { refresh: 3600, retry: 600, expire: 1_209_600, minimum: 60 };
const NS_TTL = 3600;

interface StaticRRset {
  readonly ownerName: DomainName;
  readonly rrset: ZoneRRset;
}

/** The first version of a zone: an SOA and nothing else. */
export function newVersion({ apex, ns, contact }: StaticContent, serial: number): ZoneVersion {
  const soa = soaOf(ns[0]!, contact, serial);
  const node: ZoneNode = { key: apex.key, wireText: apex.wireText, rrsets: [soa], children: 0 };
  return new ZoneVersion(apex, NameMap.of([node]), 0);
}

function soaOf(mname: DomainName, rname: DomainName, serial: number): ZoneRRset {
  const rdata = rdataText({ kind: 'SOA', mname, rname, serial, ...SOA_TIMES });
  return { type: RRType.SOA, ttl: SOA_TIMES.minimum, rdatas: [rdata] };
}

/**
 * Sets the static RRsets of a draft to those of the configuration, and deletes RRsets that are no longer static.
 * @throws StaticConflict
 */
export function replaceStatics(draft: ZoneDraft, content: StaticContent): void {
  const configured = staticRRsets(content);
  const before = draft.statics;
  const statics = new Map<string, Set<number>>([[content.apex.key, new Set<number>([RRType.SOA])]]);
  for (const { ownerName, rrset } of configured) {
    const types = statics.get(ownerName.key) ?? new Set();
    statics.set(ownerName.key, types.add(rrset.type));
  }
  for (const [key, types] of before) {
    for (const type of types) if (!statics.get(key)?.has(type)) draft.deleteRRset(key, type);
  }
  for (const { ownerName, rrset } of configured) {
    const present = draft.find(ownerName.key);
    const current = present && findRRset(present, rrset.type);
    if (current !== undefined && !before.get(ownerName.key)?.has(rrset.type)) {
      throw new StaticConflict(
        `The static ${describe(ownerName, rrset.type)} conflicts with dynamic data of the same name and type. ` +
          `Remove one of them ('dyndns delete', or an UPDATE that deletes the RRset).`,
      );
    }
    if (current === undefined || !sameMembers(current, rrset)) draft.setRRset(ownerName, rrset);
  }
  for (const { ownerName } of configured) checkAlone(draft, ownerName, statics);
  replaceSoa(draft, content);
  if (!sameStatics(before, statics)) draft.statics = statics;
}

function staticRRsets({ apex, ns, records }: StaticContent): StaticRRset[] {
  const rrsets = new Map<string, StaticRRset>();
  const rdatas = ns.map((target) => rdataText({ kind: 'NS', target }));
  rrsets.set(`${RRType.NS} ${apex.key}`, { ownerName: apex, rrset: { type: RRType.NS, ttl: NS_TTL, rdatas } });
  for (const { ownerName, type, ttl, rdata } of records) {
    if (type === RRType.SOA) continue;
    const id = `${type} ${ownerName.key}`;
    const earlier = rrsets.get(id)?.rrset;
    const member = rdataText(rdata);
    const members = earlier?.rdatas ?? [];
    if (members.includes(member)) continue;
    const lowest = Math.min(earlier?.ttl ?? ttl, ttl);
    rrsets.set(id, { ownerName, rrset: { type, ttl: lowest, rdatas: [...members, member] } });
  }
  return [...rrsets.values()].map(({ ownerName, rrset }) => ({ ownerName, rrset: withoutEqualMembers(rrset) }));
}

/** Sets the SOA of the configuration with the zone's serial. */
function replaceSoa(draft: ZoneDraft, { apex, ns, contact }: StaticContent): void {
  const current = draft.findRRset(apex.key, RRType.SOA)!;
  const serial = soaSerial(current.rdatas[0]!);
  const soa = soaOf(ns[0]!, contact, serial);
  if (current.ttl !== soa.ttl || withSerial(current.rdatas[0]!, serial) !== soa.rdatas[0]) draft.setRRset(apex, soa);
}

/** No data beside a CNAME (RFC 1034 §3.6.2), and only glue below a delegation or a DNAME. */
function checkAlone(draft: ZoneDraft, ownerName: DomainName, statics: StaticRRsets): void {
  const cut = cutAbove(draft, ownerName.key);
  if (cut !== undefined) {
    const hidden = [...(statics.get(ownerName.key) ?? [])].find((type) => !isGlue(cut, ownerName.key, type));
    if (hidden !== undefined) {
      throw new StaticConflict(
        `The static ${describe(ownerName, hidden)} is below '${nameOf(cut.wireText)}', which is delegated or has a ` +
          'DNAME, so that resolvers would not see it. Remove one of them.',
      );
    }
  }
  const { rrsets } = draft.find(ownerName.key)!;
  if (rrsets.length < 2 || !rrsets.some(({ type }) => type === RRType.CNAME)) return;
  const words = rrsets.map(({ type }) => {
    const origin = statics.get(ownerName.key)?.has(type) ? 'static' : 'dynamic';
    return `${origin} ${formatRRType(type)}`;
  });
  throw new StaticConflict(
    `At '${ownerName}' there is a CNAME beside other data: ${words.join(', ')}. Remove one of them.`,
  );
}

function describe(ownerName: DomainName, type: number): string {
  return `${formatRRType(type)} RRset of '${ownerName}'`;
}

function sameMembers(a: ZoneRRset, b: ZoneRRset): boolean {
  return a.ttl === b.ttl && a.rdatas.length === b.rdatas.length && a.rdatas.every((rdata) => b.rdatas.includes(rdata));
}

function sameStatics(a: StaticRRsets, b: StaticRRsets): boolean {
  const size = (statics: StaticRRsets) => [...statics.values()].reduce((sum, types) => sum + types.size, 0);
  if (size(a) !== size(b)) return false;
  return [...a].every(([key, types]) => [...types].every((type) => b.get(key)?.has(type) === true));
}
