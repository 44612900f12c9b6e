/**
 * The client address of a request: which parts of X-Forwarded-For and Forwarded (RFC 7239) are trusted, and from which
 * peer.
 */
import { describe, expect, it } from 'vitest';
import { parseIpPrefix } from '../../dns/address.ts';
import {
  clientAddress as clientOf,
  type Headers,
  type ProxyTrust,
  parseForwarded,
  parsePeer,
} from './client-address.ts';

const PROXY = '192.0.2.1';

const clientAddress = (peer: string | undefined, headers: Headers, proxies: ProxyTrust) =>
  clientOf(peer === undefined ? undefined : parsePeer(peer), headers, proxies);

function trust(
  header: ProxyTrust['clientAddressHeader'] = 'x-forwarded-for',
  ...prefixes: readonly string[]
): ProxyTrust {
  return { clientAddressHeader: header, trustedProxies: prefixes.map((text) => parseIpPrefix(text)!) };
}

/** The client address where PROXY and 198.51.100.0/24 are trusted. */
function behind(value: string | string[] | undefined, header: ProxyTrust['clientAddressHeader'] = 'x-forwarded-for') {
  return clientAddress(PROXY, { [header]: value }, trust(header, PROXY, '198.51.100.0/24', '2001:db8:ffff::/48'))?.text;
}

describe('the peer', () => {
  it('is the client unless it is a trusted proxy, whatever the headers claim', () => {
    const headers = { 'x-forwarded-for': '203.0.113.9', forwarded: 'for=203.0.113.9' };
    expect(clientAddress('203.0.113.1', headers, trust())?.text).toBe('203.0.113.1');
    expect(clientAddress('203.0.113.1', headers, trust('x-forwarded-for', PROXY))?.text).toBe('203.0.113.1');
  });

  it('is unmapped, and loses the zone of a link-local address', () => {
    expect(clientAddress('::ffff:203.0.113.1', {}, trust())).toEqual({ family: 4, text: '203.0.113.1' });
    expect(clientAddress('fe80::1%eth0', {}, trust())).toEqual({ family: 6, text: 'fe80::1' });
  });

  it('is a trusted proxy in its IPv4-mapped form too', () => {
    const headers = { 'x-forwarded-for': '203.0.113.9' };
    expect(clientAddress(`::ffff:${PROXY}`, headers, trust('x-forwarded-for', PROXY))?.text).toBe('203.0.113.9');
  });

  it('of a unix socket is always a trusted proxy; without a header the client is unknown', () => {
    expect(clientAddress(undefined, { 'x-forwarded-for': '203.0.113.9' }, trust())?.text).toBe('203.0.113.9');
    expect(clientAddress(undefined, {}, trust())).toBeUndefined();
  });

  it('is not the client where a trusted proxy sends no header', () => {
    for (const header of ['x-forwarded-for', 'forwarded', 'x-real-ip'])
      expect(behind(undefined, header)).toBeUndefined();
  });
});

describe('X-Forwarded-For', () => {
  it.each([
    ['203.0.113.9', '203.0.113.9'],
    ['203.0.113.66, 203.0.113.9', '203.0.113.9'],
    ['203.0.113.66,203.0.113.9 , 198.51.100.7', '203.0.113.9'],
    ['nonsense, 203.0.113.9', '203.0.113.9'],
    ['203.0.113.9:4711', '203.0.113.9'],
    ['2001:db8::9', '2001:db8::9'],
    ['[2001:DB8:0::9]', '2001:db8::9'],
    ['[2001:db8::9]:4711', '2001:db8::9'],
    ['::ffff:203.0.113.9', '203.0.113.9'],
    ['2001:db8::9, 2001:db8:ffff::1', '2001:db8::9'],
  ])('%s: the right-most address that is not trusted is the client', (value, expected) => {
    expect(behind(value)).toBe(expected);
  });

  it('in several header lines is one list', () => {
    expect(behind(['203.0.113.66', '203.0.113.9, 198.51.100.7'])).toBe('203.0.113.9');
  });

  it('with trusted addresses only gives the left-most: the client is in the trusted network', () => {
    expect(behind('198.51.100.8, 198.51.100.7')).toBe('198.51.100.8');
  });

  it.each([
    '',
    ' ',
    ',',
    'unknown',
    '203.0.113.9, unknown',
    '203.0.113.9, ',
    'fe80::1%eth0',
    '1.2.3',
    '010.1.1.1',
    '[::1',
    '1.2.3.4:99999999',
  ])('garbage at the right end (%j) makes the client unknown, and is never skipped', (value) => {
    expect(behind(value)).toBeUndefined();
  });

  it('is ignored where Forwarded is configured, and vice versa', () => {
    const headers = { 'x-forwarded-for': '203.0.113.9', forwarded: 'for=203.0.113.8' };
    expect(clientAddress(PROXY, headers, trust('forwarded', PROXY))?.text).toBe('203.0.113.8');
    expect(clientAddress(PROXY, headers, trust('x-forwarded-for', PROXY))?.text).toBe('203.0.113.9');
  });
});

describe('Forwarded (RFC 7239 §4)', () => {
  it.each([
    ['for=203.0.113.9', '203.0.113.9'],
    ['For=203.0.113.9 ; proto=https', '203.0.113.9'],
    [' for=203.0.113.9 ', '203.0.113.9'],
    ['for=203.0.113.9:4711', '203.0.113.9'],
    [',, for=203.0.113.9', '203.0.113.9'],
    ['for="203.0.113.9:4711"', '203.0.113.9'],
    ['proto=https;for="[2001:db8::9]:4711";by=192.0.2.1', '2001:db8::9'],
    ['for="[2001:db8::9]"', '2001:db8::9'],
    ['for=203.0.113.66, for=203.0.113.9, for=198.51.100.7', '203.0.113.9'],
    ['for="a,b;for=203.0.113.66", for=203.0.113.9', '203.0.113.9'],
    ['for="203.0.\\113.9"', '203.0.113.9'],
  ])('%s', (value, expected) => {
    expect(behind(value, 'forwarded')).toBe(expected);
  });

  it.each(['for=unknown', 'for=_hidden', 'proto=https', 'for=', 'for="203.0.113.9', '203.0.113.9', ''])(
    '%j names no address',
    (value) => {
      expect(behind(value, 'forwarded')).toBeUndefined();
    },
  );

  it.each([
    'for=203.0.113.66;x="',
    'for=203.0.113.66;x="\\',
    'x="a"b',
    'for',
    'for==1',
    'for=1;for=2',
    'a b=c',
    '"',
    'for="a" x',
    '\xe9=1',
    'for=[é]',
    ';=',
    'for =1',
  ])('a client cannot change what the proxy appends by %j', (claim) => {
    for (const appended of [
      'for=203.0.113.9',
      'for="203.0.113.9:1"',
      'for="[2001:db8::9]";by="192.0.2.1"',
      'by="";for=203.0.113.9',
    ]) {
      expect(behind(`${claim}, ${appended}`, 'forwarded'), appended).toBeUndefined();
    }
  });

  it('any octets are one list or malformed, and never make the client an address of the claim', () => {
    const signs = ['for=203.0.113.66', ',', ';', '"', '\\', '=', ' ', 'x', 'for', '[', 'by="y"'];
    for (let seed = 0; seed < 5_000; seed++) {
      let state = seed * 2_654_435_761;
      const claim = Array.from({ length: 1 + (seed % 8) }, () => {
        state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
        return signs[state % signs.length];
      }).join('');
      expect([undefined, '203.0.113.9'], claim).toContain(behind(`${claim}, for=203.0.113.9`, 'forwarded'));
      expect([undefined, '2001:db8::9'], claim).toContain(behind(`${claim}, for="[2001:db8::9]"`, 'forwarded'));
    }
  });

  it.each([' ', ',', ';', 'for', 'for=', '"', '\\', 'for="a",', 'x=y;', ' \t', 'for=1, '])(
    'the reading of much %j grows with its length alone',
    (unit) => {
      // Steps are counted, not time: each sign is looked at a few times.
      let looks = 0;
      const counted = (octets: number) => {
        looks = 0;
        const text = unit.repeat(Math.ceil(octets / unit.length));
        const seen = new Proxy(Object(text), {
          get: (target, key) => {
            if (typeof key === 'string' && /^\d+$/.test(key)) looks += 1;
            const value = Reflect.get(target, key);
            return typeof value === 'function' ? value.bind(target) : value;
          },
        });
        parseForwarded(seen as string);
        return looks;
      };
      const [half, whole] = [counted(32_768), counted(65_536)];
      expect(whole).toBeLessThanOrEqual(Math.max(3 * half, 100));
      expect(whole).toBeLessThan(10 * 65_536);
    },
  );

  it('a comma inside a quoted string does not begin a new element', () => {
    expect(behind('for=203.0.113.9;host="x, for=203.0.113.66"', 'forwarded')).toBe('203.0.113.9');
  });
});

describe('any other header', () => {
  it.each(['x-real-ip', 'cf-connecting-ip', 'true-client-ip'])('%s must hold one address', (header) => {
    expect(behind('203.0.113.9', header)).toBe('203.0.113.9');
    expect(behind(' 2001:DB8::9 ', header)).toBe('2001:db8::9');
    expect(behind('[2001:db8::9]:443', header)).toBe('2001:db8::9');
    for (const value of [
      '',
      '203.0.113.9, 203.0.113.66',
      '203.0.113.9 203.0.113.66',
      'unknown',
      'for=203.0.113.9',
      '203.0.113',
    ]) {
      expect(behind(value, header), value).toBeUndefined();
    }
    expect(behind(['203.0.113.9', '203.0.113.66'], header)).toBeUndefined();
    // Of a proxy's own address nothing is left to read.
    expect(behind(PROXY, header)).toBe(PROXY);
  });

  it('alone is read: those that a client adds are not', () => {
    const headers = { 'x-forwarded-for': '203.0.113.66', forwarded: 'for=203.0.113.66' };
    expect(clientAddress(PROXY, headers, trust('x-real-ip', PROXY))).toBeUndefined();
    expect(clientAddress(PROXY, { ...headers, 'x-real-ip': '203.0.113.9' }, trust('x-real-ip', PROXY))?.text).toBe(
      '203.0.113.9',
    );
  });
});
