/**
 * Proofs of what does not exist, from the chain of a signed zone (RFC 4035 §3.1.3, RFC 5155 §7.2). Each is a few records, found by one
 * search: the record at or before a name matches the name or covers it.
 */

import { RRType } from '../../dns/rdata.ts';
import type { ProofOrder } from '../zone/chain-order.ts';
import { findRRset } from '../zone/zone-node.ts';
import type { AnswerableVersion, OwnedRRset } from './answerable.ts';

/** Where a name that does not exist would be. */
export interface Encloser {
  /** Key of the closest encloser (RFC 4592 §3.3.1). */
  readonly key: string;
  /** Key of the name at or above the queried one, one label below the closest encloser (RFC 5155 §1.3). */
  readonly nextCloser: string;
}

export class Proofs {
  readonly #version: AnswerableVersion;
  readonly #order: ProofOrder;
  readonly #type: number;
  /** By the key of the owner name: several parts of a proof may be one record. */
  readonly #records = new Map<string, OwnedRRset>();

  constructor(version: AnswerableVersion, order: ProofOrder) {
    this.#version = version;
    this.#order = order;
    this.#type = version.chain === 'nsec' ? RRType.NSEC : RRType.NSEC3;
  }

  get records(): Iterable<OwnedRRset> {
    return this.#records.values();
  }

  /** That a name is there, and which types it does not have; also for an empty non-terminal. */
  noData(key: string): void {
    this.#add(key);
  }

  /** That neither the name is there nor a wildcard for it. */
  noName(key: string, encloser: Encloser): void {
    this.noCloserName(key, encloser);
    if (this.#type === RRType.NSEC3) this.#add(encloser.key);
    this.#add(wildcardAt(encloser));
  }

  /** That the wildcard may be used: no closer name is there. */
  noCloserName(key: string, { nextCloser }: Encloser): void {
    this.#add(this.#type === RRType.NSEC3 ? nextCloser : key);
  }

  /** That the wildcard for a name does not have a type. */
  noWildcardData(key: string, encloser: Encloser): void {
    this.noName(key, encloser);
  }

  #add(key: string): void {
    const owner = this.#order.ownerAtOrBefore(key);
    if (owner === undefined || this.#records.has(owner)) return;
    const node = this.#version.find(owner);
    const rrset = node && findRRset(node, this.#type);
    if (rrset !== undefined) this.#records.set(owner, { owner: node!.wireText, rrset, ttl: rrset.ttl });
  }
}

export function wildcardAt({ key }: Encloser): string {
  return `\x01*${key}`;
}
