/**
 * Server side of DNS cookies (RFC 7873) in the interoperable format of RFC 9018: a datagram with a valid server cookie
 * was not sent from a forged address.
 *
 * The caller passes secrets and time. Left out: the client side, versions other than 1, and a BADCOOKIE reply to every
 * datagram without a cookie (RFC 7873 §5.2.3 lets the server choose).
 */
import { timingSafeEqual } from 'node:crypto';
import { SipHash, type SipHash64 } from './siphash.ts';

const CLIENT_OCTETS = 8;
const SERVER_OCTETS = 16;
const MIN_SERVER_OCTETS = 8;
const MAX_SERVER_OCTETS = 32;
const VERSION = 1;

/** Age at which a server cookie expires (RFC 9018 §4.3). */
const VALID_SECONDS = 3_600;
/** Age from which a reply carries a new server cookie (RFC 9018 §4.3). */
const RENEW_SECONDS = 1_800;
/** How far ahead the clock of the server that made the cookie may be (RFC 9018 §4.3). */
const FUTURE_SECONDS = 300;

/** The data of a COOKIE option. */
export interface DnsCookie {
  /** 8 octets. */
  readonly client: Uint8Array;
  /** 8 to 32 octets; undefined if the client does not have one yet. */
  readonly server: Uint8Array | undefined;
}

/** Parses the data of a COOKIE option; undefined if its length is not 8 or 16 to 40: FORMERR (RFC 7873 §5.2.2). */
export function parseCookie(data: Uint8Array): DnsCookie | undefined {
  const serverOctets = data.length - CLIENT_OCTETS;
  if (serverOctets === 0) return { client: data, server: undefined };
  if (serverOctets < MIN_SERVER_OCTETS || serverOctets > MAX_SERVER_OCTETS) return undefined;
  return { client: data.subarray(0, CLIENT_OCTETS), server: data.subarray(CLIENT_OCTETS) };
}

/**
 * - `valid`: made with our secret for this client and address; the reply may repeat it.
 * - `renew`: also valid, but old or made with the previous secret; the reply should carry a new one.
 * - `invalid`: anything else. The datagram is treated as one without a server cookie.
 */
export type CookieVerdict = 'valid' | 'renew' | 'invalid';

export class ServerCookies {
  readonly #current: SipHash;
  readonly #previous: SipHash | undefined;
  /** The hash input: client cookie (8), version, reserved and time (8), address (4 or 16 octets). RFC 9018 §4.4. */
  readonly #input = new Uint8Array(32);
  readonly #result: SipHash64 = { low: 0, high: 0 };
  readonly #expected = new Uint8Array(8);

  /** Secrets of 16 random octets; cookies made with the previous one are still accepted (RFC 9018 §5). @throws RangeError */
  constructor(current: Uint8Array, previous?: Uint8Array) {
    this.#current = new SipHash(current);
    this.#previous = previous && new SipHash(previous);
  }

  /**
   * Checks the server cookie of a client.
   * @param address the source address of the datagram, 4 or 16 octets
   * @param nowSeconds Unix time
   */
  check(cookie: DnsCookie, address: Uint8Array, nowSeconds: number): CookieVerdict {
    const { client, server } = cookie;
    if (server?.length !== SERVER_OCTETS || server[0] !== VERSION) return 'invalid';
    this.#input.set(client);
    // The reserved octets are hashed as received (RFC 9018 §4.2).
    this.#input.set(server.subarray(0, 8), CLIENT_OCTETS);
    const current = this.#matches(this.#current, address, server);
    if (!current && !(this.#previous !== undefined && this.#matches(this.#previous, address, server))) return 'invalid';
    const time = (server[4]! << 24) | (server[5]! << 16) | (server[6]! << 8) | server[7]!;
    // Serial number arithmetic (RFC 9018 §4.3): correct beyond 2106.
    const age = (Math.floor(nowSeconds) - time) | 0;
    if (age > VALID_SECONDS || age < -FUTURE_SECONDS) return 'invalid';
    return current && age <= RENEW_SECONDS ? 'valid' : 'renew';
  }

  /** The data of a reply's COOKIE option: the client's cookie and a new server cookie, 24 octets. */
  make(client: Uint8Array, address: Uint8Array, nowSeconds: number): Uint8Array {
    const data = new Uint8Array(CLIENT_OCTETS + SERVER_OCTETS);
    const time = Math.floor(nowSeconds) >>> 0;
    data.set(client);
    data[8] = VERSION;
    data[12] = time >>> 24;
    data[13] = time >>> 16;
    data[14] = time >>> 8;
    data[15] = time;
    this.#input.set(data.subarray(0, 16));
    this.#hash(this.#current, address);
    data.set(this.#expected, 16);
    return data;
  }

  #matches(secret: SipHash, address: Uint8Array, server: Uint8Array): boolean {
    this.#hash(secret, address);
    return timingSafeEqual(this.#expected, server.subarray(8));
  }

  /** Hashes `#input` and the address into `#expected`. */
  #hash(secret: SipHash, address: Uint8Array): void {
    this.#input.set(address, 16);
    secret.hash(this.#input, 16 + address.length, this.#result);
    const { low, high } = this.#result;
    for (let i = 0; i < 4; i++) {
      this.#expected[i] = low >>> (i * 8);
      this.#expected[i + 4] = high >>> (i * 8);
    }
  }
}
