/**
 * Signs a whole zone at once with the functions of src/dns/dnssec (RFC 4035 §2, RFC 5155 §7.1): slow and simple, so that tests can
 * compare the result with that of other programs. Left out: opt-out (RFC 5155 §6) and DNAME, below which names are not hidden.
 */
import { signableRRset } from '../../src/dns/dnssec/canonical.ts';
import { type Nsec3HashParameters, nsec3Hash, nsec3OwnerName } from '../../src/dns/dnssec/denial.ts';
import type { SignaturePeriod } from '../../src/dns/dnssec/signed-data.ts';
import type { SigningKey } from '../../src/dns/dnssec/signing-key.ts';
import { DomainName } from '../../src/dns/name.ts';
import { type Rdata, type ResourceRecord, RRType } from '../../src/dns/rdata.ts';
import { type RRset, rrsetRecords } from '../../src/dns/rrset.ts';
import { decodeRdata } from '../../src/dns/wire/rdata-codec.ts';
import { WireReader } from '../../src/dns/wire/reader.ts';

export type Chain = 'nsec' | Nsec3HashParameters;
export const PLAIN_NSEC3: Chain = { iterations: 0, salt: new Uint8Array() };

/** RRsets by owner name and type; the TTL is that of the first record. RRSIG records are one RRset. */
export function groupRRsets(records: readonly ResourceRecord[]): RRset[] {
  const rrsets = new Map<string, RRset & { readonly rdatas: Rdata[] }>();
  for (const { ownerName, type, ttl, rdata } of records) {
    const key = `${ownerName.key} ${type}`;
    const rrset = rrsets.get(key);
    if (rrset === undefined) rrsets.set(key, { ownerName, type, ttl, rdatas: [rdata] });
    else rrset.rdatas.push(rdata);
  }
  return [...rrsets.values()];
}

interface ZoneName {
  readonly ownerName: DomainName;
  readonly types: number[];
  /** A delegation: only its DS and its proofs are signed (RFC 4035 §2.2). */
  readonly isCut: boolean;
}

/** The names that a chain has, in canonical order: none below a delegation. @param withEmpty whether with empty non-terminals */
function zoneNames(apex: DomainName, rrsets: readonly RRset[], withEmpty: boolean): ZoneName[] {
  const cuts = new Set(rrsets.flatMap(({ type, ownerName }) => (type === RRType.NS ? [ownerName.key] : [])));
  cuts.delete(apex.key);
  const names = new Map<string, ZoneName>();
  const add = (ownerName: DomainName, types: readonly number[]): void => {
    const name = names.get(ownerName.key);
    if (name === undefined) names.set(ownerName.key, { ownerName, types: [...types], isCut: cuts.has(ownerName.key) });
    else name.types.push(...types);
  };
  for (const { ownerName, type } of rrsets) {
    const above = ancestors(ownerName, apex);
    if (above.some((name) => cuts.has(name.key))) continue;
    add(ownerName, [type]);
    if (withEmpty) for (const name of above) add(name, []);
  }
  return [...names.values()].sort((a, b) => DomainName.compare(a.ownerName, b.ownerName));
}

/** The names above `name` up to the apex. */
function ancestors(name: DomainName, apex: DomainName): DomainName[] {
  const above: DomainName[] = [];
  for (let parent = name.parent(); parent?.isAtOrBelow(apex); parent = parent.parent()) above.push(parent);
  return above;
}

/** The NSEC records (RFC 4035 §2.3) or NSEC3 records (RFC 5155 §7.1) of a zone. @param rrsets without those of the chain */
export function chainRRsets(apex: DomainName, rrsets: readonly RRset[], chain: Chain): RRset[] {
  const ttl = negativeTtl(rrsets);
  const names = zoneNames(apex, rrsets, chain !== 'nsec');
  if (chain === 'nsec') {
    return names.map(({ ownerName, types, isCut }, i) => {
      const next = names[(i + 1) % names.length]!.ownerName;
      const rdata: Rdata = { kind: 'NSEC', next, types: [...bitmapTypes(types, isCut), RRType.RRSIG, RRType.NSEC] };
      return { ownerName, type: RRType.NSEC, ttl, rdatas: [rdata] };
    });
  }
  const hashes = names.map((name) => ({ ...name, hash: nsec3Hash(name.ownerName.key, chain) }));
  hashes.sort((a, b) => (a.hash < b.hash ? -1 : 1));
  return hashes.map(({ hash, types, isCut }, i) => {
    const isSigned = isCut ? types.includes(RRType.DS) : types.length > 0;
    const rdata: Rdata = {
      kind: 'NSEC3',
      hashAlgorithm: 1,
      flags: 0,
      ...chain,
      nextHashed: Uint8Array.from(Buffer.from(hashes[(i + 1) % hashes.length]!.hash, 'latin1')),
      types: [...bitmapTypes(types, isCut), ...(isSigned ? [RRType.RRSIG] : [])],
    };
    return { ownerName: nsec3OwnerName(hash, apex), type: RRType.NSEC3, ttl, rdatas: [rdata] };
  });
}

/** Types of a name that a chain lists: at a delegation no address that is glue (RFC 4035 §2.3). */
function bitmapTypes(types: readonly number[], isCut: boolean): readonly number[] {
  return isCut ? types.filter((type) => type === RRType.NS || type === RRType.DS) : types;
}

/** RFC 9077 §3. */
function negativeTtl(rrsets: readonly RRset[]): number {
  const soa = rrsets.find(({ type }) => type === RRType.SOA)!;
  const [rdata] = soa.rdatas;
  return Math.min(soa.ttl, rdata?.kind === 'SOA' ? rdata.minimum : 0);
}

/** The RRSIG records of RRsets, one for each key. */
export function signaturesOf(
  rrsets: readonly RRset[],
  keys: readonly SigningKey[],
  period: SignaturePeriod,
): ResourceRecord[] {
  return rrsets.flatMap((rrset) => {
    const signable = signableRRset(rrset);
    const rdatas = keys.map((key) =>
      decodeRdata(new WireReader(Buffer.from(key.sign(signable, period), 'latin1')), RRType.RRSIG),
    );
    return rrsetRecords({ ...rrset, type: RRType.RRSIG, rdatas });
  });
}

/** The zone with its DNSKEY records, chain and signatures. @param records with the SOA, of class IN */
export function signZone(
  apex: DomainName,
  records: readonly ResourceRecord[],
  keys: readonly SigningKey[],
  chain: Chain,
  period: SignaturePeriod,
): ResourceRecord[] {
  const rrsets = groupRRsets(records);
  const atApex = (type: number, rdatas: readonly Rdata[]): RRset => ({ ownerName: apex, type, ttl: 3600, rdatas });
  rrsets.push(
    atApex(
      RRType.DNSKEY,
      keys.map(({ dnskey }) => ({ kind: 'DNSKEY', ...dnskey })),
    ),
  );
  if (chain !== 'nsec') {
    rrsets.push(atApex(RRType.NSEC3PARAM, [{ kind: 'NSEC3PARAM', hashAlgorithm: 1, flags: 0, ...chain }]));
  }
  const authoritative = new Map(zoneNames(apex, rrsets, false).map((name) => [name.ownerName.key, name]));
  const signed = rrsets.filter(({ ownerName, type }) => {
    const name = authoritative.get(ownerName.key);
    return name !== undefined && (!name.isCut || type === RRType.DS);
  });
  const proofs = chainRRsets(apex, rrsets, chain);
  return [...[...rrsets, ...proofs].flatMap(rrsetRecords), ...signaturesOf([...signed, ...proofs], keys, period)];
}
