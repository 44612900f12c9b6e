/** A decoded request whose TSIG signature, if any, is verified: the input of the handlers of UPDATE and of transfers. */
import type { TsigKey } from '../../dns/tsig-key.ts';
import type { DecodedMessage } from '../../dns/wire/message.ts';
import type { DnsPeer } from './dns-service.ts';

export interface ServiceRequest {
  readonly octets: Uint8Array;
  readonly message: DecodedMessage;
  readonly peer: DnsPeer;
  readonly overTcp: boolean;
  /** The key of the verified signature; undefined for an unsigned request. */
  readonly key: TsigKey | undefined;
  /** Maximum size in octets of the reply without its TSIG record. */
  readonly limit: number;
  /** Appends a TSIG record to a reply if the request was signed. */
  sign(reply: Uint8Array): Uint8Array;
}
