/** EDNS(0): what an OPT record says (RFC 6891 §6.1). Unknown options are kept. */
import { DomainName } from '../name.ts';
import { type NumberedOctets, type ResourceRecord, RRType } from '../rdata.ts';
import type { Message } from './message.ts';

/** What fits into one unfragmented datagram on today's internet (RFC 9715 §3.2). */
export const UDP_PAYLOAD_OCTETS = 1232;

export interface Edns {
  /** Largest UDP message the sender takes, in octets. */
  readonly udpPayloadSize: number;
  /** The upper eight bits of the 12-bit RCODE. */
  readonly extendedRcode: number;
  readonly version: number;
  /** DO (RFC 3225). */
  readonly dnssecOk: boolean;
  readonly options: readonly NumberedOctets[];
}

/** The EDNS part of a message, if it has one. */
export function findEdns(message: Message): Edns | undefined {
  const record = message.additional.find((candidate) => candidate.type === RRType.OPT);
  if (record?.rdata.kind !== 'OPT') return undefined;
  return {
    udpPayloadSize: record.class,
    extendedRcode: record.ttl >>> 24,
    version: (record.ttl >>> 16) & 0xff,
    dnssecOk: (record.ttl & 0x8000) !== 0,
    options: record.rdata.options,
  };
}

/** An OPT record; what is not given is zero or empty. */
export function ednsRecord(edns: Partial<Edns>): ResourceRecord {
  const ttl = ((edns.extendedRcode ?? 0) << 24) | ((edns.version ?? 0) << 16) | (edns.dnssecOk ? 0x8000 : 0);
  return {
    ownerName: DomainName.root,
    type: RRType.OPT,
    class: edns.udpPayloadSize ?? UDP_PAYLOAD_OCTETS,
    ttl: ttl >>> 0,
    rdata: { kind: 'OPT', options: edns.options ?? [] },
  };
}

/** The message's RCODE with EDNS' upper bits (RFC 6891 §6.1.3). */
export function fullRcode(message: Message): number {
  return ((findEdns(message)?.extendedRcode ?? 0) << 4) | message.rcode;
}
