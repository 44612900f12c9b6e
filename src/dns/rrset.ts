/** RRsets (RFC 2181 §5): the records of one owner name and type. Conversions of address and TXT RDATA. */
import type { DomainName } from './name.ts';
import { type Rdata, type ResourceRecord, RRClass, RRType } from './rdata.ts';

export interface RRset {
  readonly ownerName: DomainName;
  readonly type: number;
  /** Seconds. */
  readonly ttl: number;
  readonly rdatas: readonly Rdata[];
}

/** The address types. */
export type AddressType = typeof RRType.A | typeof RRType.AAAA;

/** RDATA of an A or AAAA record. @param address canonical, of the type's family */
export function addressRdata(type: AddressType, address: string): Rdata {
  return type === RRType.A ? { kind: 'A', address } : { kind: 'AAAA', address };
}

/** RDATA of a TXT record: the UTF-8 octets of `text`, split into character-strings of 255 octets (RFC 1035 §3.3.14). */
export function textRdata(text: string): Rdata {
  const octets = Buffer.from(text, 'utf8');
  const strings: Uint8Array[] = [];
  for (let at = 0; at === 0 || at < octets.length; at += 255)
    strings.push(Uint8Array.from(octets.subarray(at, at + 255)));
  return { kind: 'TXT', strings };
}

/** The joined character-strings of a TXT record; octets that are not valid UTF-8 become U+FFFD. */
export function readTextRdata(rdata: Rdata): string {
  return rdata.kind === 'TXT' ? Buffer.concat(rdata.strings).toString('utf8') : '';
}

/** The canonical addresses of A and AAAA RDATA; RDATA of other types is skipped. */
export function rrsetAddresses(rdatas: readonly Rdata[]): string[] {
  const addresses: string[] = [];
  for (const rdata of rdatas) if (rdata.kind === 'A' || rdata.kind === 'AAAA') addresses.push(rdata.address);
  return addresses;
}

/** The records of the RRset, of class IN. */
export function rrsetRecords(rrset: RRset): ResourceRecord[] {
  return rrset.rdatas.map((rdata) => ({
    ownerName: rrset.ownerName,
    type: rrset.type,
    class: RRClass.IN,
    ttl: rrset.ttl,
    rdata,
  }));
}
