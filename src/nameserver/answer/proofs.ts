/**
 * Proofs of what does not exist, from the chain of a signed zone (RFC 4035 §3.1.3, RFC 5155 §7.2). Each is a few records, found by one
 * search: the record at or before a name matches the name or covers it.
 */

import { lowerCaseText } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import type { ProofOrder } from '../zone/chain-order.ts';
import { rrsigRdata } from '../zone/signatures.ts';
import { findRRset, type ZoneRRset } from '../zone/zone-node.ts';
import type { AnswerableVersion, OwnedRRset } from './answerable.ts';

/** Where a name that does not exist would be. */
export interface Encloser {
  /** Key of the closest encloser (RFC 4592 §3.3.1). */
  readonly key: string;
  /** Key of the name at or above the queried one, one label below the closest encloser (RFC 5155 §1.3). */
  readonly nextCloser: string;
}

/** Records with their signatures that many replies of one version have: its SOA, and proofs that belong to a closest encloser. */
const kept = new WeakMap<AnswerableVersion, Map<string, readonly OwnedRRset[]>>();
/** Of one version. More are found again for each reply. */
const MAX_KEPT = 1000;
/** No key of a name. */
const SOA = '';

export class Proofs {
  readonly #version: AnswerableVersion;
  readonly #order: ProofOrder;
  readonly #type: number;
  readonly #section: OwnedRRset[];

  /** @param section of a reply with DO, to which the proofs are added */
  constructor(version: AnswerableVersion, order: ProofOrder, section: OwnedRRset[]) {
    this.#version = version;
    this.#order = order;
    this.#type = version.chain === 'nsec' ? RRType.NSEC : RRType.NSEC3;
    this.#section = section;
  }

  /** That a name is there, and which types it does not have; also for an empty non-terminal. */
  noData(key: string): void {
    this.#add(key);
  }

  /** That neither the name is there nor a wildcard for it. */
  noName(key: string, encloser: Encloser): void {
    this.noWildcard(encloser.key);
    this.noCloserName(key, encloser);
  }

  /** The part of `noName` that all names with the same closest encloser have. */
  noWildcard(encloserKey: string): void {
    if (this.#type === RRType.NSEC3) this.#addKept(encloserKey);
    this.#addKept(wildcardAt(encloserKey));
  }

  /** That the wildcard may be used: no closer name is there. */
  noCloserName(key: string, { nextCloser }: Encloser): void {
    this.#add(this.#type === RRType.NSEC3 ? nextCloser : key);
  }

  /** That the wildcard for a name does not have a type. */
  noWildcardData(key: string, encloser: Encloser): void {
    this.noName(key, encloser);
  }

  /** One record may be several parts of a proof. */
  #add(key: string): void {
    this.#addEach(this.#find(key));
  }

  #addKept(key: string): void {
    this.#addEach(keptOr(this.#version, key, () => this.#find(key)));
  }

  #addEach(records: readonly OwnedRRset[]): void {
    for (const { owner, rrset, ttl } of records) addOnce(this.#section, owner, rrset, ttl);
  }

  #find(key: string): readonly OwnedRRset[] {
    const owner = this.#order.ownerAtOrBefore(key);
    const node = owner === undefined ? undefined : this.#version.find(owner);
    const rrset = node && findRRset(node, this.#type);
    return rrset === undefined ? [] : signedRRset(node!.wireText, rrset, rrset.ttl, this.#version.apex.key);
  }
}

/** The SOA of a negative answer (RFC 2308 §3), with its signatures. */
export function signedSoa(version: AnswerableVersion): readonly OwnedRRset[] {
  const { apex, apexNode, soa, negativeTtl } = version;
  return keptOr(version, SOA, () => signedRRset(apexNode.wireText, soa, negativeTtl, apex.key));
}

function keptOr(version: AnswerableVersion, key: string, find: () => readonly OwnedRRset[]): readonly OwnedRRset[] {
  const ofVersion = kept.get(version) ?? new Map<string, readonly OwnedRRset[]>();
  const known = ofVersion.get(key);
  if (known !== undefined) return known;
  const found = find();
  if (ofVersion.size === 0) kept.set(version, ofVersion);
  if (ofVersion.size < MAX_KEPT) ofVersion.set(key, found);
  return found;
}

/** Adds an RRset, followed by its signatures (RFC 4035 §3.1.1). @param ttl of all these records (RFC 4034 §3) */
export function addSigned(section: OwnedRRset[], owner: string, rrset: ZoneRRset, ttl: number, apexKey: string): void {
  for (const each of signedRRset(owner, rrset, ttl, apexKey)) addOnce(section, owner, each.rrset, ttl);
}

function signedRRset(owner: string, rrset: ZoneRRset, ttl: number, apexKey: string): OwnedRRset[] {
  const { signatures } = rrset;
  if (signatures === undefined) return [{ owner, rrset, ttl }];
  return [
    { owner, rrset, ttl },
    { owner, rrset: rrsigRRset(rrset, signatures, apexKey), ttl },
  ];
}

/** Adds an RRset that may be there already: a chain of CNAMEs and DNAMEs can come to a DNAME or a proof again. */
export function addOnce(section: OwnedRRset[], owner: string, rrset: ZoneRRset, ttl: number): void {
  for (const each of section) if (isSameRRset(each, owner, rrset)) return;
  section.push({ owner, rrset, ttl });
}

function isSameRRset(each: OwnedRRset, owner: string, { type, rdatas }: ZoneRRset): boolean {
  if (each.rrset.type !== type || each.owner.length !== owner.length || each.rrset.rdatas[0] !== rdatas[0])
    return false;
  return each.owner === owner || lowerCaseText(each.owner) === lowerCaseText(owner);
}

/** The signatures of an RRset as an RRset. */
export function rrsigRRset(rrset: ZoneRRset, signatures: readonly string[], apexKey: string): ZoneRRset {
  const rdatas = signatures.map((signature) => rrsigRdata(rrset, signature, apexKey));
  return { type: RRType.RRSIG, ttl: rrset.ttl, rdatas };
}

export function wildcardAt(encloserKey: string): string {
  return `\x01*${encloserKey}`;
}
