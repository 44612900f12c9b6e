/** Replies to the COOKIE option of queries (RFC 7873 §5.2): dns/cookie.ts for addresses as texts. */
import { addressOctets, parseIpAddress } from '../../dns/address.ts';
import { parseCookie, ServerCookies } from '../../dns/cookie.ts';
import { SipHash, type SipHash64 } from '../../dns/siphash.ts';

export interface CookieAnswers {
  /**
   * @param option octets of the client's COOKIE option
   * @returns undefined if the option is malformed (FORMERR, RFC 7873 §5.2.2); else whether its server cookie is ours
   *   and fresh, and the 24 octets of the reply's option
   */
  answer(
    option: Uint8Array,
    peerAddress: string,
    nowSeconds: number,
  ): { readonly valid: boolean; readonly reply: Uint8Array } | undefined;
}

/**
 * How long a secret makes cookies; RFC 7873 §7.1 allows 36 days. The secret of the day before is accepted, too, but no cookie is
 * accepted for longer than an hour (RFC 9018 §4.3), so that no client notices.
 */
const SECRET_SECONDS = 86_400;

/**
 * Made once for the life of the process; a restart makes new secrets, and clients then get a new cookie with the first
 * reply.
 * @param secretOf gives the 16 octets of the secret of a day, which is the number of days since 1970
 */
export function cookieAnswers(secretOf: (day: number) => Uint8Array): CookieAnswers {
  let day: number | undefined;
  let cookies: ServerCookies;
  return {
    answer(option, peerAddress, nowSeconds) {
      const today = Math.floor(nowSeconds / SECRET_SECONDS);
      if (today !== day) {
        cookies = new ServerCookies(secretOf(today), secretOf(today - 1));
        day = today;
      }
      const cookie = parseCookie(option);
      const address = parseIpAddress(peerAddress);
      if (cookie === undefined || address === undefined) return undefined;
      const octets = addressOctets(address);
      const verdict = cookies.check(cookie, octets, nowSeconds);
      // A cookie that stays valid for longer is returned unchanged.
      const reply = verdict === 'valid' ? option : cookies.make(cookie.client, octets, nowSeconds);
      return { valid: verdict !== 'invalid', reply };
    },
  };
}

/** Secrets that are the same in all threads of a process. @param key 16 random octets */
export function dailySecrets(key: Uint8Array): (day: number) => Uint8Array {
  const hash = new SipHash(key);
  const result: SipHash64 = { low: 0, high: 0 };
  return (day) => {
    const secret = Buffer.alloc(16);
    const input = Buffer.alloc(8);
    input.writeUInt32BE(day >>> 0);
    for (let half = 0; half < 2; half++) {
      input[4] = half;
      hash.hash(input, input.length, result);
      secret.writeInt32BE(result.low | 0, 8 * half);
      secret.writeInt32BE(result.high | 0, 8 * half + 4);
    }
    return secret;
  };
}
