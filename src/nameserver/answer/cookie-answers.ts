/** Replies to the COOKIE option of queries (RFC 7873 §5.2): dns/cookie.ts for addresses as texts. */
import { addressOctets, parseIpAddress } from '../../dns/address.ts';
import { parseCookie, ServerCookies } from '../../dns/cookie.ts';

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
 * How long a secret makes cookies; RFC 7873 §7.1 allows 36 days. The previous secret is accepted for as long again, but no
 * cookie is accepted for longer than an hour (RFC 9018 §4.3), so that no client notices.
 */
const SECRET_SECONDS = 86_400;

/**
 * Made once for the life of the process; a restart makes new secrets, and clients then get a new cookie with the first
 * reply.
 * @param newSecret gives 16 random octets
 */
export function cookieAnswers(newSecret: () => Uint8Array): CookieAnswers {
  const cookies = new ServerCookies(newSecret());
  let rolledAt: number | undefined;
  return {
    answer(option, peerAddress, nowSeconds) {
      rolledAt ??= nowSeconds;
      // A clock that was set back by a day rolls the secret, too: otherwise it would be in use until the old time.
      if (Math.abs(nowSeconds - rolledAt) >= SECRET_SECONDS) {
        cookies.roll(newSecret());
        rolledAt = nowSeconds;
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
