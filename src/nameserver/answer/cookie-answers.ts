/** COOKIE options of queries and what is answered to them (RFC 7873 §5.2): dns/cookie.ts for addresses as texts. */
import { addressOctets, parseIpAddress } from '../../dns/address.ts';
import { parseCookie, ServerCookies } from '../../dns/cookie.ts';
import type { CookieAnswers } from './service.ts';

/** @param secret 16 octets that nobody else knows */
export function cookieAnswers(secret: Uint8Array): CookieAnswers {
  const cookies = new ServerCookies(secret);
  return {
    answer(option, peerAddress, nowSeconds) {
      const cookie = parseCookie(option);
      const address = parseIpAddress(peerAddress);
      if (cookie === undefined || address === undefined) return undefined;
      const octets = addressOctets(address);
      const verdict = cookies.check(cookie, octets, nowSeconds);
      // The client's own octets, both halves, where they are good for longer.
      const reply = verdict === 'valid' ? option : cookies.make(cookie.client, octets, nowSeconds);
      return { valid: verdict !== 'invalid', reply };
    },
  };
}
