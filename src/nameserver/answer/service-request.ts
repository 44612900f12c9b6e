/** A decoded request whose TSIG signature, if any, is verified: the input of the handlers of UPDATE and of transfers. */
import type { ResourceRecord } from '../../dns/rdata.ts';
import type { TsigKey } from '../../dns/tsig-key.ts';
import type { DecodedMessage } from '../../dns/wire/message.ts';
import type { DnsPeer } from './dns-service.ts';
import type { ReplyEdns } from './reply-edns.ts';

export interface ServiceRequest {
  readonly octets: Uint8Array;
  readonly message: DecodedMessage;
  readonly peer: DnsPeer;
  readonly overTcp: boolean;
  /** The key of the verified signature; undefined for an unsigned request. */
  readonly key: TsigKey | undefined;
  /** The content of the reply's OPT record; undefined if the request has none (RFC 6891 §6.1.1). */
  readonly edns: ReplyEdns | undefined;
  /** Maximum size in octets of the reply without its TSIG record. */
  readonly limit: number;
  /** The OPT record of the reply. @param soaRdata the SOA of a zone that it transfers, for EXPIRE (RFC 7314 §3) */
  opt(soaRdata?: string): ResourceRecord | undefined;
  /** Appends a TSIG record to a reply if the request was signed. */
  sign(reply: Uint8Array): Uint8Array;
}
