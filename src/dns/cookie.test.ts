/** DNS cookies: the examples of RFC 9018 appendix A, the limits of RFC 7873 and RFC 9018, damage. */
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { addressOctets, parseIpAddress } from './address.ts';
import { type CookieVerdict, type DnsCookie, parseCookie, ServerCookies } from './cookie.ts';

const octets = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));
const hex = (data: Uint8Array) => Buffer.from(data).toString('hex');
const address = (text: string) => addressOctets(parseIpAddress(text)!);
const cookie = (text: string): DnsCookie => parseCookie(octets(text))!;

const SECRET = octets('e5e973e5a6b2a43f48e7dc849e37bfcf');
const CLIENT = '2464c4abcf10c957';
const PEER = address('198.51.100.100');

describe('RFC 9018 appendix A', () => {
  it('A.1: a client without a server cookie gets one', () => {
    const request = cookie(CLIENT);
    expect(request.server).toBeUndefined();
    const cookies = new ServerCookies(SECRET);
    expect(cookies.check(request, PEER, 1559731985)).toBe('invalid');
    expect(hex(cookies.make(request.client, PEER, 1559731985))).toBe(
      '2464c4abcf10c957010000005cf79f111f8130c3eee29480',
    );
  });

  it('A.2: the same client gets a new one 40 minutes later', () => {
    const cookies = new ServerCookies(SECRET);
    const request = cookie('2464c4abcf10c957010000005cf79f111f8130c3eee29480');
    expect(cookies.check(request, PEER, 1559734385)).toBe('renew');
    expect(hex(cookies.make(request.client, PEER, 1559734385))).toBe(
      '2464c4abcf10c957010000005cf7a871d4a564a1442aca77',
    );
  });

  it('A.3: reserved octets are hashed as received, and not repeated', () => {
    const cookies = new ServerCookies(SECRET);
    const request = cookie('fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5');
    const peer = address('203.0.113.203');
    expect(cookies.check(request, peer, 1559727985)).toBe('valid');
    expect(hex(cookies.make(request.client, peer, 1559734700))).toBe(
      'fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e',
    );
  });

  it('A.4: IPv6, and a cookie of the secret before', () => {
    const [first, second] = ['dd3bdf9344b678b185a6f5cb60fca715', '445536bcd2513298075a5d379663c962'].map(octets);
    let cookies = new ServerCookies(first!);
    const request = cookie('22681ab97d52c298010000005cf7c57926556bd0934c72f8');
    const peer = address('2001:db8:220:1:59de:d0f4:8769:82b8');
    expect(cookies.check(request, peer, 1559741961)).toBe('valid');
    cookies = new ServerCookies(second!, first);
    expect(cookies.check(request, peer, 1559741961)).toBe('renew');
    expect(hex(cookies.make(request.client, peer, 1559741961))).toBe(
      '22681ab97d52c298010000005cf7c609a6bb79d16625507a',
    );
    cookies = new ServerCookies(SECRET, second);
    expect(cookies.check(request, peer, 1559741961)).toBe('invalid');
  });
});

describe('a COOKIE option', () => {
  it('RFC 7873 §5.2.2: has 8 octets, or 16 to 40; anything else is malformed', () => {
    const good = Array.from({ length: 64 }, (_, length) => length).filter((n) => parseCookie(new Uint8Array(n)));
    expect(good).toEqual([8, ...Array.from({ length: 25 }, (_, i) => 16 + i)]);
    expect(parseCookie(new Uint8Array(40))).toEqual({ client: new Uint8Array(8), server: new Uint8Array(32) });
  });
});

describe('a server cookie', () => {
  const at = 1_800_000_000;
  const cookies = new ServerCookies(SECRET);
  const cookieData = cookies.make(octets(CLIENT), PEER, at);

  it.each([
    [-301, 'invalid'],
    [-300, 'valid'],
    [0, 'valid'],
    [1_800, 'valid'],
    [1_801, 'renew'],
    [3_600, 'renew'],
    [3_601, 'invalid'],
    [0x80000000, 'invalid'],
  ] as const)('RFC 9018 §4.3: after %i seconds is %s', (age: number, verdict: CookieVerdict) => {
    expect(cookies.check(parseCookie(cookieData)!, PEER, at + age)).toBe(verdict);
    // Around the end of the 32 bits, in 2106.
    const late = 2 ** 32 - 10;
    expect(cookies.check(parseCookie(cookies.make(octets(CLIENT), PEER, late))!, PEER, late + age)).toBe(verdict);
  });

  it('with any bit changed is none', () => {
    for (let bit = 0; bit < cookieData.length * 8; bit++) {
      const damaged = Uint8Array.from(cookieData);
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      expect(cookies.check(parseCookie(damaged)!, PEER, at), `bit ${bit}`).toBe('invalid');
    }
  });

  it('is for one address and one secret', () => {
    expect(cookies.check(parseCookie(cookieData)!, address('198.51.100.101'), at)).toBe('invalid');
    expect(cookies.check(parseCookie(cookieData)!, address('2001:db8::1'), at)).toBe('invalid');
    expect(new ServerCookies(new Uint8Array(16)).check(parseCookie(cookieData)!, PEER, at)).toBe('invalid');
    expect(new ServerCookies(new Uint8Array(16), SECRET).check(parseCookie(cookieData)!, PEER, at)).toBe('renew');
  });

  it('of another server software, shorter or longer, is none', () => {
    for (const length of [16, 23, 25, 40]) {
      const other = new Uint8Array(length);
      other.set(cookieData.subarray(0, length));
      expect(cookies.check(parseCookie(other)!, PEER, at)).toBe('invalid');
    }
  });

  it('needs a secret of 16 octets, which is not shown', () => {
    expect(() => new ServerCookies(new Uint8Array(8))).toThrow('16 octets');
    expect(() => new ServerCookies(SECRET, new Uint8Array(17))).toThrow('16 octets');
    expect(inspect(cookies, { depth: 9 })).not.toMatch(/\d{5}|e5e9/);
  });
});
