/**
 * Encodes the messages of a zone transfer (RFC 5936 §2.2).
 *
 * Owner names are compressed with pointers to the apex or to the previous owner name. Only identical octets are shared,
 * which preserves the letter case of names (RFC 5936 §3.4). Names in RDATA are not compressed: few records of a dynamic
 * zone have one.
 */

import { type ResourceRecord, RRClass } from '../../dns/rdata.ts';
import { encodeRecord, type Message } from '../../dns/wire/message.ts';
import { MAX_MESSAGE_OCTETS, WireOverflow, WireWriter } from '../../dns/wire/writer.ts';
import type { ZoneRecord } from '../zone/zone-node.ts';

/**
 * Target size of a message: compression pointers reach every name in it (RFC 1035 §4.1.4), and encoding it takes a fraction
 * of a millisecond.
 */
const FULL_OCTETS = 0x4000;
const HEADER_OCTETS = 12;
/** QR and AA. */
const FLAGS = 0x8400;
const FLAG_RD = 0x0100;

export class TransferWriter {
  readonly #octets = Buffer.allocUnsafe(MAX_MESSAGE_OCTETS);
  readonly #apexText: string;
  readonly #flags: number;
  readonly #id: number;
  #length = HEADER_OCTETS;
  #questions = 0;
  #records = 0;
  /** Offset of the apex in this message, or 0. */
  #apexAt = 0;
  #lastOwner = '';
  #lastOwnerAt = 0;
  /** The OPT record; appended to the first message. */
  #opt: Uint8Array | undefined;

  /**
   * Begins the first message. Only this one has the question of the request (RFC 5936 §2.2.2).
   * @param opt the OPT record for the first message, if the request had one (RFC 6891 §6.1.1)
   */
  constructor(request: Message, apexText: string, opt: ResourceRecord | undefined) {
    this.#apexText = apexText;
    this.#id = request.id;
    this.#flags = FLAGS | (request.recursionDesired ? FLAG_RD : 0);
    const { qname, qtype, qclass } = request.questions[0]!;
    this.#text(qname.wireText);
    this.#u16(qtype);
    this.#u16(qclass);
    this.#questions = 1;
    if (qname.wireText === apexText) this.#apexAt = HEADER_OCTETS;
    if (opt !== undefined) {
      const writer = new WireWriter(64);
      encodeRecord(writer, opt);
      this.#opt = writer.finish();
    }
  }

  /**
   * Adds a record. False if the message is full: call `finish`, then add the record again.
   * @throws WireOverflow if the record does not fit into any message
   */
  add({ wireText, type, ttl, rdata }: ZoneRecord): boolean {
    const longest = this.#length + wireText.length + 10 + rdata.length + (this.#opt?.length ?? 0);
    if (longest > FULL_OCTETS && this.#records > 0) return false;
    if (longest > MAX_MESSAGE_OCTETS) throw new WireOverflow('record');
    this.#owner(wireText);
    this.#u16(type);
    this.#u16(RRClass.IN);
    this.#u16(ttl >>> 16);
    this.#u16(ttl);
    this.#u16(rdata.length);
    this.#text(rdata);
    this.#records += 1;
    return true;
  }

  /** Returns the message in a new buffer and begins the next one. */
  finish(): Buffer {
    const octets = this.#octets;
    const additional = this.#opt === undefined ? 0 : 1;
    if (this.#opt !== undefined) {
      octets.set(this.#opt, this.#length);
      this.#length += this.#opt.length;
    }
    const header = [this.#id, this.#flags, this.#questions, this.#records, 0, additional];
    for (const [index, value] of header.entries()) octets.writeUInt16BE(value, 2 * index);
    const message = Buffer.from(octets.subarray(0, this.#length));
    this.#length = HEADER_OCTETS;
    this.#questions = 0;
    this.#records = 0;
    this.#apexAt = 0;
    this.#lastOwnerAt = 0;
    this.#opt = undefined;
    return message;
  }

  #owner(wireText: string): void {
    if (this.#lastOwnerAt > 0 && wireText === this.#lastOwner) {
      this.#u16(0xc000 | this.#lastOwnerAt);
      return;
    }
    const at = this.#length;
    const apexText = this.#apexText;
    const prefix = wireText.length - apexText.length;
    if (!wireText.endsWith(apexText)) this.#text(wireText);
    else if (this.#apexAt > 0) {
      this.#text(wireText, prefix);
      this.#u16(0xc000 | this.#apexAt);
    } else {
      this.#text(wireText);
      this.#apexAt = at + prefix;
    }
    this.#lastOwner = wireText;
    this.#lastOwnerAt = at;
  }

  #u16(value: number): void {
    this.#octets[this.#length++] = value >> 8;
    this.#octets[this.#length++] = value;
  }

  /** The first `length` octets of a latin1 text. A loop is faster than `write` for short texts. */
  #text(text: string, length = text.length): void {
    const octets = this.#octets;
    if (length > 32) octets.write(text, this.#length, length, 'latin1');
    else for (let i = 0; i < length; i++) octets[this.#length + i] = text.charCodeAt(i);
    this.#length += length;
  }
}
