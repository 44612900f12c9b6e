/** EDNS(0): the fields of an OPT record (RFC 6891 §6.1). Unknown options are preserved. */
import { DomainName } from '../name.ts';
import { type NumberedOctets, type ResourceRecord, RRType } from '../rdata.ts';
import type { Message } from './message.ts';

/** Largest UDP payload that is not fragmented on typical paths (RFC 9715 §3.2). */
export const UDP_PAYLOAD_OCTETS = 1232;

export interface Edns {
  /** Octets of the largest UDP message that the sender accepts. */
  readonly udpPayloadSize: number;
  /** The upper eight bits of the 12-bit RCODE. */
  readonly extendedRcode: number;
  readonly version: number;
  /** DO (RFC 3225). */
  readonly dnssecOk: boolean;
  readonly options: readonly NumberedOctets[];
}

/** The content of the OPT record; undefined if the message has none. */
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

/** An OPT record; omitted fields are 0, false or empty, the payload size UDP_PAYLOAD_OCTETS. */
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

/** The 12-bit RCODE: header and EDNS combined (RFC 6891 §6.1.3). */
export function fullRcode(message: Message): number {
  return ((findEdns(message)?.extendedRcode ?? 0) << 4) | message.rcode;
}
