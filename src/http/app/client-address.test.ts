/**
 * The client address of a request: which parts of X-Forwarded-For and Forwarded (RFC 7239) are trusted, and from which
 * peer.
 */
import { describe, expect, it } from 'vitest';
import { parseIpPrefix } from '../../dns/address.ts';
import { clientAddress, type ProxyTrust, peerOf } from './client-address.ts';

const PROXY = '192.0.2.1';

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

  it('is the client where a trusted proxy sends no header', () => {
    expect(behind(undefined)).toBe(PROXY);
  });

  it('of a TCP connection that was reset is unknown, not the peer of a unix socket', () => {
    const reset = { remoteAddress: undefined, localAddress: '192.0.2.53', destroyed: false };
    const headers = { 'x-forwarded-for': '203.0.113.9' };
    for (const socket of [reset, { ...reset, localAddress: undefined, destroyed: true }]) {
      expect(clientAddress(peerOf(socket), headers, trust())).toBeUndefined();
    }
    const unix = { ...reset, localAddress: undefined };
    expect(clientAddress(peerOf(unix), headers, trust())?.text).toBe('203.0.113.9');
    expect(peerOf({ ...reset, remoteAddress: '192.0.2.1' })).toBe('192.0.2.1');
  });

  it('that is not an address is unknown', () => {
    expect(clientAddress('nonsense', { 'x-forwarded-for': '203.0.113.9' }, trust())).toBeUndefined();
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
    ['For = 203.0.113.9;proto=https', '203.0.113.9'],
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

  it('a comma inside a quoted string does not begin a new element', () => {
    expect(behind('for=203.0.113.9;host="x, for=203.0.113.66"', 'forwarded')).toBe('203.0.113.9');
  });
});
