/**
 * What NSEC and NSEC3 differ in: the key of a name in the order, and the record at it.
 *
 * An order key is a latin1 string of octets. For NSEC3 it is the hash (RFC 5155 §5), for NSEC the name with its labels reversed, each
 * ended by a 0, so that the order of octets is that of names (RFC 4034 §6.1). An octet below 'A' is one more in it: the names are in lower
 * case, so that 'A' is free, and 0 ends labels only. So the key is shorter than the name, at most 254 octets.
 */
import { nsec3Hash } from '../../dns/dnssec/denial.ts';
import type { DomainName } from '../../dns/name.ts';
import { formatBase32Hex, parseBase32Hex } from '../../dns/presentation/text-numbers.ts';
import { RRType } from '../../dns/rdata.ts';
import { writeTypeBitmaps } from '../../dns/wire/rdata-codec.ts';
import { WireWriter } from '../../dns/wire/writer.ts';
import { HASH_LABEL_OCTETS } from '../zone/chain-order.ts';

/** Where a record of the chain is. */
export interface ChainOwner {
  /** As ZoneNode. */
  readonly key: string;
  readonly wireText: string;
}

export interface ChainKind {
  readonly type: number;
  /** An empty non-terminal has a record (RFC 5155 §7.1; not with NSEC, RFC 4035 §2.3). */
  readonly hasEmptyNonTerminals: boolean;
  /** @param key `DomainName.key` */
  orderKey(key: string): string;
  owner(orderKey: string): ChainOwner;
  /** The order key of a name of the zone that has a record of the chain; undefined: that record is not of this kind. */
  orderKeyOfOwner(key: string): string | undefined;
  /** @param next order key of the next name @param types in any order */
  rdata(next: string, types: readonly number[]): string;
  /** A record of the chain with another next name. */
  withNext(rdata: string, next: string): string;
}

/** RFC 9276 §3.1. */
const HASH_PARAMETERS = { iterations: 0, salt: new Uint8Array(0) };
const HASH_OCTETS = 20;
const CAPITAL_A = 0x41;

export class Nsec3Kind implements ChainKind {
  readonly type = RRType.NSEC3;
  readonly hasEmptyNonTerminals = true;
  readonly #apex: DomainName;

  constructor(apex: DomainName) {
    this.#apex = apex;
  }

  orderKey(key: string): string {
    return nsec3Hash(key, HASH_PARAMETERS);
  }

  owner(orderKey: string): ChainOwner {
    const label = String.fromCharCode(HASH_LABEL_OCTETS) + formatBase32Hex(Buffer.from(orderKey, 'latin1'));
    return { key: label + this.#apex.key, wireText: label + this.#apex.wireText };
  }

  orderKeyOfOwner(key: string): string | undefined {
    if (!isHashedKey(key, this.#apex.key)) return undefined;
    const octets = parseBase32Hex(key.slice(1, 1 + HASH_LABEL_OCTETS));
    return octets?.length === HASH_OCTETS ? Buffer.from(octets).toString('latin1') : undefined;
  }

  rdata(next: string, types: readonly number[]): string {
    return NSEC3_HEAD + next + bitmapsOf(types);
  }

  withNext(rdata: string, next: string): string {
    return NSEC3_HEAD + next + rdata.slice(NSEC3_HEAD.length + HASH_OCTETS);
  }
}

/** The form of the owner name of an NSEC3 record: a label of 32 octets below the apex. */
export function isHashedKey(key: string, apexKey: string): boolean {
  return key.length === apexKey.length + 1 + HASH_LABEL_OCTETS && key.charCodeAt(0) === HASH_LABEL_OCTETS;
}

export class NsecKind implements ChainKind {
  readonly type = RRType.NSEC;
  readonly hasEmptyNonTerminals = false;

  orderKey(key: string): string {
    let orderKey = '';
    for (let at = 0; key.charCodeAt(at) !== 0; at += key.charCodeAt(at) + 1) {
      let label = '';
      for (let i = 1; i <= key.charCodeAt(at); i++) {
        const octet = key.charCodeAt(at + i);
        label += String.fromCharCode(octet < CAPITAL_A ? octet + 1 : octet);
      }
      orderKey = `${label}\0${orderKey}`;
    }
    return orderKey;
  }

  owner(orderKey: string): ChainOwner {
    let key = '\0';
    let label = '';
    for (let at = 0; at < orderKey.length; at++) {
      const octet = orderKey.charCodeAt(at);
      if (octet === 0) {
        key = String.fromCharCode(label.length) + label + key;
        label = '';
      } else label += String.fromCharCode(octet <= CAPITAL_A ? octet - 1 : octet);
    }
    return { key, wireText: key };
  }

  orderKeyOfOwner(key: string): string {
    return this.orderKey(key);
  }

  rdata(next: string, types: readonly number[]): string {
    return this.owner(next).key + bitmapsOf(types);
  }

  withNext(rdata: string, next: string): string {
    let end = 0;
    while (rdata.charCodeAt(end) !== 0) end += rdata.charCodeAt(end) + 1;
    return this.owner(next).key + rdata.slice(end + 1);
  }
}

/** Of NSEC3 RDATA: SHA-1, no flags, no iterations, no salt, the length of a hash (RFC 5155 §3.2, RFC 9276 §3.1). */
const NSEC3_HEAD = '\x01\0\0\0\0\x14';

function bitmapsOf(types: readonly number[]): string {
  const writer = new WireWriter(64, false);
  writeTypeBitmaps(writer, types);
  return writer.finish().toString('latin1');
}

/** As ProofOrder.ownerAtOrBefore. @param floor finds the greatest order key that is not greater, in a circle */
export function ownerFoundBy(
  kind: ChainKind,
  key: string,
  floor: (orderKey: Uint8Array) => Uint8Array | undefined,
): string | undefined {
  const found = floor(octetsOf(kind.orderKey(key)));
  return found && kind.owner(textOf(found)).key;
}

export function octetsOf(orderKey: string): Uint8Array {
  return Buffer.from(orderKey, 'latin1');
}

export function textOf(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('latin1');
}
