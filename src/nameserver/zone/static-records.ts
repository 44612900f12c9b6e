/**
 * The static content of a zone: SOA, NS and the records of the configuration. Each RRset is static or dynamic; only the
 * configuration changes a static one. Where both collide, a start serves the static one (unserved.ts), and a reload is
 * refused.
 */
import type { DomainName } from '../../dns/name.ts';
import { formatRRType, type ResourceRecord, RRType } from '../../dns/rdata.ts';
import { rdataKey } from '../../dns/rdata-canonical.ts';
import type { ZoneDraft } from './draft.ts';
import { describeCut, hidesBelow, hidingCut } from './occlusion.ts';
import { sameData } from './same-rrset.ts';
import { UnservedEditor } from './unserved.ts';
import { findRRset, type ZoneNode, type ZoneRRset } from './zone-node.ts';
import { ZoneNodes } from './zone-nodes.ts';
import {
  isCut,
  isStrictlyBelow,
  nameOf,
  rdataText,
  type StaticRRsets,
  soaSerial,
  withSerial,
  ZoneVersion,
} from './zone-version.ts';

/** The timers of the SOA in seconds (RFC 1035 §3.3.13), and its TTL. */
export interface SoaTimes {
  readonly refresh: number;
  readonly retry: number;
  readonly expire: number;
  readonly minimum: number;
  readonly ttl: number;
}

export interface StaticContent {
  readonly apex: DomainName;
  /** The NS RRset; the first is MNAME. */
  readonly ns: readonly DomainName[];
  /** Seconds. */
  readonly nsTtl: number;
  /** RNAME. */
  readonly contact: DomainName;
  readonly soa: SoaTimes;
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

/** Dynamic data that collides with static data: `refuse` throws, `set-aside` keeps it in the draft's `unserved`. */
export type OnCollision = 'refuse' | 'set-aside';

interface StaticRRset {
  readonly ownerName: DomainName;
  readonly rrset: ZoneRRset;
}

/** The first version of a zone: an SOA and nothing else. */
export function newVersion(content: StaticContent, serial: number): ZoneVersion {
  const { apex } = content;
  const node: ZoneNode = { key: apex.key, wireText: apex.wireText, rrsets: [soaOf(content, serial)], children: 0 };
  return new ZoneVersion(apex, ZoneNodes.of([node]), 0);
}

function soaOf({ ns, contact, soa }: StaticContent, serial: number): ZoneRRset {
  const { ttl, ...times } = soa;
  const rdata = rdataText({ kind: 'SOA', mname: ns[0]!, rname: contact, serial, ...times });
  return { type: RRType.SOA, ttl, rdatas: [rdata] };
}

/**
 * Sets the static RRsets of a draft to those of the configuration, and deletes RRsets that are no longer static. RRsets that
 * were set aside are served again where nothing collides any more.
 * @throws StaticConflict where the configuration collides with itself; with `refuse` also with dynamic data
 */
export function replaceStatics(draft: ZoneDraft, content: StaticContent, onCollision: OnCollision = 'refuse'): void {
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
  const unserved = new UnservedEditor(draft);
  const collisions = new Collisions(draft, statics, onCollision === 'set-aside' ? unserved : undefined);
  for (const { ownerName, rrset } of configured) {
    const { key } = ownerName;
    const current = draft.findRRset(key, rrset.type);
    if (current !== undefined && !before.get(key)?.has(rrset.type)) collisions.sameRRset(ownerName, rrset.type);
    if (current === undefined || !sameData(current, rrset)) draft.setRRset(ownerName, rrset);
  }
  for (const { ownerName } of configured) collisions.beside(ownerName);
  for (const { ownerName } of configured) collisions.above(ownerName);
  for (const { ownerName } of configured) collisions.below(ownerName);
  replaceSoa(draft, content);
  if (!sameStatics(before, statics)) draft.statics = statics;
  unserved.serve(statics);
}

function staticRRsets({ apex, ns, nsTtl, records }: StaticContent): StaticRRset[] {
  const rrsets = new Map<string, { ownerName: DomainName; type: number; ttl: number; members: Map<string, string> }>();
  const add = (ownerName: DomainName, type: number, ttl: number, rdata: string) => {
    const id = `${type} ${ownerName.key}`;
    const rrset = rrsets.get(id);
    const memberKey = rdataKey(type, rdata);
    if (rrset === undefined) rrsets.set(id, { ownerName, type, ttl, members: new Map([[memberKey, rdata]]) });
    else if (!rrset.members.has(memberKey)) {
      rrset.members.set(memberKey, rdata);
      rrset.ttl = Math.min(rrset.ttl, ttl);
    }
  };
  for (const target of ns) add(apex, RRType.NS, nsTtl, rdataText({ kind: 'NS', target }));
  for (const { ownerName, type, ttl, rdata } of records) {
    if (type !== RRType.SOA) add(ownerName, type, ttl, rdataText(rdata));
  }
  return [...rrsets.values()].map(({ ownerName, type, ttl, members }) => {
    return { ownerName, rrset: { type, ttl, rdatas: [...members.values()] } };
  });
}

/** Sets the SOA of the configuration with the zone's serial. */
function replaceSoa(draft: ZoneDraft, content: StaticContent): void {
  const { apex } = content;
  const current = draft.findRRset(apex.key, RRType.SOA)!;
  const serial = soaSerial(current.rdatas[0]!);
  const soa = soaOf(content, serial);
  if (current.ttl !== soa.ttl || withSerial(current.rdatas[0]!, serial) !== soa.rdatas[0]) draft.setRRset(apex, soa);
}

/** Finds dynamic data in the way of static RRsets, which are in the draft already. */
class Collisions {
  readonly #draft: ZoneDraft;
  readonly #statics: StaticRRsets;
  readonly #unserved: UnservedEditor | undefined;

  /** @param unserved undefined: a collision throws */
  constructor(draft: ZoneDraft, statics: StaticRRsets, unserved: UnservedEditor | undefined) {
    this.#draft = draft;
    this.#statics = statics;
    this.#unserved = unserved;
  }

  #isStatic(key: string, type: number): boolean {
    return this.#statics.get(key)?.has(type) ?? false;
  }

  /** @throws StaticConflict */
  #settle(key: string, type: number, text: string): void {
    if (this.#unserved === undefined) throw new StaticConflict(text);
    this.#unserved.setAside(key, type);
  }

  /** A dynamic RRset of the same name and type. */
  sameRRset(ownerName: DomainName, type: number): void {
    const text =
      `The static ${describe(ownerName, type)} conflicts with dynamic data of the same name and type. ` +
      `Remove one of them ('dyndns delete', or an UPDATE that deletes the RRset).`;
    this.#settle(ownerName.key, type, text);
  }

  /** No data beside a CNAME (RFC 1034 §3.6.2). */
  beside(ownerName: DomainName): void {
    const { key } = ownerName;
    const rrsets = this.#draft.find(key)?.rrsets ?? [];
    if (rrsets.length < 2 || !rrsets.some(({ type }) => type === RRType.CNAME)) return;
    const words = rrsets.map(({ type }) => `${this.#isStatic(key, type) ? 'static' : 'dynamic'} ${formatRRType(type)}`);
    const text = `At '${ownerName}' there is a CNAME beside other data: ${words.join(', ')}. Remove one of them.`;
    const dynamic = rrsets.filter(({ type }) => !this.#isStatic(key, type));
    const inTheWay = this.#isStatic(key, RRType.CNAME) ? dynamic : dynamic.filter(({ type }) => type === RRType.CNAME);
    if (inTheWay.length === 0) throw new StaticConflict(text);
    for (const { type } of inTheWay) this.#settle(key, type, text);
  }

  /** A cut or DNAME at or above the name, which would hide static data. */
  above(ownerName: DomainName): void {
    const { key } = ownerName;
    for (const type of this.#statics.get(key) ?? []) {
      for (;;) {
        const node = this.#draft.find(key);
        const cut = hidingCut(this.#draft, key, type, node);
        if (cut === undefined) break;
        const text =
          `The static ${describe(ownerName, type)} is below '${nameOf(cut.wireText)}', which is delegated or has a ` +
          'DNAME, so that resolvers would not see it. Remove one of them.';
        const types = [RRType.NS, ...(cut === node ? [] : [RRType.DNAME])];
        const dynamic = types.filter((each) => findRRset(cut, each) && !this.#isStatic(cut.key, each));
        if (dynamic.length === 0) throw new StaticConflict(text);
        for (const each of dynamic) this.#settle(cut.key, each, text);
      }
    }
  }

  /** Dynamic data that a static cut or DNAME hides. */
  below(ownerName: DomainName): void {
    const { key } = ownerName;
    const draft = this.#draft;
    const cut = draft.find(key)!;
    if (!isCut(cut, draft.apex.key)) return;
    const hidden: [node: ZoneNode, type: number][] = [];
    const collect = (node: ZoneNode) => {
      for (const { type } of node.rrsets) if (hidingCut(draft, node.key, type, node) === cut) hidden.push([node, type]);
    };
    collect(cut);
    if (hidesBelow(draft, cut)) {
      for (const node of draft.nodes.values()) if (isStrictlyBelow(node.key, key)) collect(node);
    }
    for (const [node, type] of hidden) {
      const text =
        `The dynamic ${describe(nameOf(node.wireText), type)} would be hidden by ${describeCut(cut)}, which is static. ` +
        'Remove one of them.';
      this.#settle(node.key, type, text);
    }
  }
}

function describe(ownerName: DomainName, type: number): string {
  return `${formatRRType(type)} RRset of '${ownerName}'`;
}

function sameStatics(a: StaticRRsets, b: StaticRRsets): boolean {
  const size = (statics: StaticRRsets) => [...statics.values()].reduce((sum, types) => sum + types.size, 0);
  if (size(a) !== size(b)) return false;
  return [...a].every(([key, types]) => [...types].every((type) => b.get(key)?.has(type) === true));
}
