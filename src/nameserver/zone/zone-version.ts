/**
 * The content of a zone at one serial, immutable. A change makes a new version (draft.ts); a query or transfer uses the
 * version that it started with.
 *
 * RDATA is stored in uncompressed wire form as a latin1 string, one character per octet: V8's most compact form for a
 * few octets, and comparable with `===`.
 */
import { DomainName } from '../../dns/name.ts';
import { type Rdata, RRType } from '../../dns/rdata.ts';
import type { RRset } from '../../dns/rrset.ts';
import { decodeRdata, encodeRdata } from '../../dns/wire/rdata-codec.ts';
import { WireReader } from '../../dns/wire/reader.ts';
import { WireWriter } from '../../dns/wire/writer.ts';
import type { PackedNodes } from './packed-nodes.ts';
import { readU32, rrsigRecords } from './signatures.ts';
import { allRRsets, findRRset, type ZoneNode, type ZoneRecord, type ZoneRRset } from './zone-node.ts';
import type { ZoneNodes } from './zone-nodes.ts';

/** The changes of one commit in the form of IXFR (RFC 1995 §4): `removed` starts with the old SOA, `added` with the new. */
export interface ZoneDiff {
  readonly serialBefore: number;
  readonly serial: number;
  readonly removed: readonly ZoneRecord[];
  readonly added: readonly ZoneRecord[];
  /** Its RRSIG records are signatures of RRsets (signatures.ts), and not RRsets of their own. */
  readonly isSigned?: boolean;
}

/** RRsets that the configuration sets: types by key of the owner name. */
export type StaticRRsets = ReadonlyMap<string, ReadonlySet<number>>;

/**
 * Dynamic RRsets that collide with static ones, by key of the owner name: kept in the database, and not served. Only
 * `wireText` and `rrsets` of the nodes have a meaning.
 */
export type UnservedRRsets = ReadonlyMap<string, ZoneNode>;

const NO_UNSERVED: UnservedRRsets = new Map();

export class ZoneVersion {
  readonly apex: DomainName;
  readonly nodes: ZoneNodes;
  readonly statics: StaticRRsets;
  readonly unserved: UnservedRRsets;
  /** Number of delegations and DNAMEs. With 0 a query skips the search for them. */
  readonly cuts: number;
  readonly apexNode: ZoneNode;
  readonly soa: ZoneRRset;
  readonly serial: number;
  /** TTL of negative answers (RFC 2308 §3): the smaller of the SOA's TTL and its MINIMUM. */
  readonly negativeTtl: number;

  /** @throws Error without an SOA at the apex */
  constructor(
    apex: DomainName,
    nodes: ZoneNodes,
    cuts: number,
    statics: StaticRRsets = new Map(),
    unserved = NO_UNSERVED,
  ) {
    const apexNode = nodes.get(apex.key);
    const soa = apexNode && findRRset(apexNode, RRType.SOA);
    if (soa === undefined) throw new Error(`the zone ${apex} has no SOA record`);
    this.apex = apex;
    this.nodes = nodes;
    this.cuts = cuts;
    this.statics = statics;
    this.unserved = unserved;
    this.apexNode = apexNode!;
    this.soa = soa;
    this.serial = soaSerial(soa.rdatas[0]!);
    this.negativeTtl = negativeTtlOf(soa);
  }

  find(key: string): ZoneNode | undefined {
    return this.nodes.get(key);
  }

  has(key: string): boolean {
    return this.nodes.has(key);
  }

  /** For answers without objects; undefined with cuts, which may hide a name, and before the names are packed. */
  get octets(): PackedNodes | undefined {
    return this.cuts > 0 ? undefined : this.nodes.packed;
  }

  /** It has signatures, and keys of its own at the apex. */
  get isSigned(): boolean {
    return this.apexNode.signerRRsets !== undefined;
  }

  /** The kind of chain that proves what does not exist; undefined for an unsigned zone. */
  get chain(): 'nsec' | 'nsec3' | undefined {
    return chainOf(this.apexNode);
  }

  /** All records with their signatures: the SOA first, the others unordered. */
  *records(): Generator<ZoneRecord> {
    const { wireText } = this.apexNode;
    yield { wireText, type: RRType.SOA, ttl: this.soa.ttl, rdata: this.soa.rdatas[0]! };
    for (const node of this.nodes.values()) {
      for (const rrset of allRRsets(node)) {
        const { type, ttl, rdatas } = rrset;
        if (type !== RRType.SOA) for (const rdata of rdatas) yield { wireText: node.wireText, type, ttl, rdata };
        if (rrset.signatures !== undefined) yield* rrsigRecords(node.wireText, rrset, this.apex.key);
      }
    }
  }
}

/**
 * The key of the parent name.
 * @throws Error for the root, so that a search for the apex from a name outside of the zone cannot loop forever
 */
export function parentKey(key: string): string {
  if (key.length <= 1) throw new Error('the root has no parent');
  return key.slice(key.charCodeAt(0) + 1);
}

/** True if the name is below the other one, label by label. */
export function isStrictlyBelow(key: string, above: string): boolean {
  if (key.length <= above.length || !key.endsWith(above)) return false;
  let rest = key;
  while (rest.length > above.length) rest = parentKey(rest);
  return rest.length === above.length;
}

/** True if the node occludes the names below it: it has an NS RRset and is not the apex, or a DNAME (RFC 6672 §2.4). */
export function isCut(node: ZoneNode, apexKey: string): boolean {
  for (const { type } of node.rrsets) {
    if (type === RRType.DNAME || (type === RRType.NS && node.key !== apexKey)) return true;
  }
  return false;
}

export function chainOf({ signerRRsets }: ZoneNode): 'nsec' | 'nsec3' | undefined {
  if (signerRRsets === undefined) return undefined;
  return signerRRsets.some(({ type }) => type === RRType.NSEC3PARAM) ? 'nsec3' : 'nsec';
}

function writeU32(value: number): string {
  return String.fromCharCode(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
}

/** RFC 2308 §3: the smaller of the SOA's TTL and its MINIMUM. */
export function negativeTtlOf({ ttl, rdatas: [rdata = ''] }: ZoneRRset): number {
  return Math.min(ttl, readU32(rdata, rdata.length - 4));
}

export function soaSerial(rdata: string): number {
  return readU32(rdata, rdata.length - 20);
}

export function withSerial(rdata: string, serial: number): string {
  return rdata.slice(0, -20) + writeU32(serial) + rdata.slice(-16);
}

/** RDATA in the form of ZoneRRset. */
export function rdataText(rdata: Rdata): string {
  if (rdata.kind === 'A') {
    const [a, b, c, d] = rdata.address.split('.');
    return String.fromCharCode(Number(a), Number(b), Number(c), Number(d));
  }
  const writer = new WireWriter(64, false);
  encodeRdata(writer, rdata);
  return writer.finish().toString('latin1');
}

/** @throws WireError if the octets are not RDATA of this type, which does not happen for RDATA from a zone */
export function rdataOf(type: number, rdata: string): Rdata {
  return decodeRdata(new WireReader(Buffer.from(rdata, 'latin1')), type);
}

/** Decodes an RRset into the form of the rest of the program. */
export function rrsetOf(ownerName: DomainName, { type, ttl, rdatas }: ZoneRRset): RRset {
  return { ownerName, type, ttl, rdatas: rdatas.map((rdata) => rdataOf(type, rdata)) };
}

export function nameOf(wireText: string): DomainName {
  return DomainName.ofWire(Buffer.from(wireText, 'latin1'));
}
