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

/** @param secret 16 secret octets */
export function cookieAnswers(secret: Uint8Array): CookieAnswers {
  const cookies = new ServerCookies(secret);
  return {
    answer(option, peerAddress, nowSeconds) {
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
