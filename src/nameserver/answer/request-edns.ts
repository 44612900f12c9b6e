/**
 * What the OPT record of a request says (RFC 6891 §6.1), for both ways of reading a message: from its octets (query.ts) and
 * decoded (`requestEdns`). Options that the nameserver does not know are ignored (RFC 6891 §6.1.2).
 */
import { EdnsOption, findEdns, isMalformedOption } from '../../dns/wire/edns.ts';
import { type Message, Rcode } from '../../dns/wire/message.ts';

export class RequestEdns {
  readonly udpPayloadSize: number;
  readonly version: number;
  /** The DO flag (RFC 3225 §3). */
  readonly dnssecOk: boolean;
  /** The client requests NSID (RFC 5001 §2.1), EXPIRE (RFC 7314 §2), the idle time of TCP (RFC 7828 §3.2). */
  nsid = false;
  expire = false;
  keepalive = false;
  /** The octets of the COOKIE option (RFC 7873 §4). */
  cookie: Uint8Array | undefined = undefined;
  /** True if an option breaks its format: FORMERR. */
  malformed = false;

  constructor(udpPayloadSize: number, version: number, dnssecOk: boolean) {
    this.udpPayloadSize = udpPayloadSize;
    this.version = version;
    this.dnssecOk = dnssecOk;
  }

  /** Reads the option whose data `octets` hold from `start` to `end`. */
  read(code: number, octets: Uint8Array, start: number, end: number): void {
    if (code === EdnsOption.COOKIE) {
      // Of several COOKIE options the first one is used, and the others are ignored (RFC 7873 §5.2).
      if (this.cookie !== undefined) return;
      this.cookie = octets.subarray(start, end);
    } else if (code === EdnsOption.NSID) this.nsid = true;
    else if (code === EdnsOption.EXPIRE) this.expire = true;
    else if (code === EdnsOption.TCP_KEEPALIVE) this.keepalive = true;
    if (isMalformedOption(code, octets, start, end)) this.malformed = true;
  }

  /** BADVERS comes first (RFC 6891 §6.1.3): the options of another version may mean something else. */
  get rcode(): number {
    if (this.version !== 0) return Rcode.BADVERS;
    return this.malformed ? Rcode.FORMERR : Rcode.NOERROR;
  }
}

/** The same of a decoded message; undefined if it has no OPT record. */
export function requestEdns(message: Message): RequestEdns | undefined {
  const found = findEdns(message);
  if (found === undefined) return undefined;
  const edns = new RequestEdns(found.udpPayloadSize, found.version, found.dnssecOk);
  for (const { code, octets } of found.options) edns.read(code, octets, 0, octets.length);
  return edns;
}
