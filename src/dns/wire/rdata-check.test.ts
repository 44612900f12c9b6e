/** What may become zone data. That BIND, Knot and NSD take all that passes is in test/interop/rdata-secondaries.test.ts. */
import { describe, expect, it } from 'vitest';
import { RDATA_SAMPLES } from '../../../test/support/rdata-samples.ts';
import { hex } from '../../../test/support/wire-vectors.ts';
import { formatRRType, parseRRType, type Rdata } from '../rdata.ts';
import { isNaptrRegexp } from './naptr-regexp.ts';
import { findRdataFault, isSendable, isTooLong, MAX_RDATA_OCTETS } from './rdata-check.ts';

const fault = (mnemonic: string, octets: string): string | undefined =>
  findRdataFault(parseRRType(mnemonic)!, hex(octets));

describe('RDATA that may become zone data', () => {
  it.each(RDATA_SAMPLES)('$text', ({ type, octets }) => {
    expect(findRdataFault(type, octets)).toBeUndefined();
  });

  it.each([...new Set(RDATA_SAMPLES.map(({ type }) => type))].filter((type) => type !== 65_280 && type !== 42))(
    'type %d: empty RDATA is refused',
    (type) => {
      expect(findRdataFault(type, new Uint8Array())).toBeDefined();
    },
  );

  it.each([
    ['A', 'C00002'],
    ['HINFO', '0141'],
    ['LOC', '000102'],
    ['LOC', '00A21613800000008000000000989680'],
    ['LOC', '00121613FFFFFFFF8000000000989680'],
    ['CSYNC', '0000004200'],
    ['CSYNC', '0000004200030000'],
    ['CERT', '0001000105'],
    ['URI', '000A0001'],
    ['SSHFP', '0201AABB'],
    ['SSHFP', '0203'],
    ['DS', 'EC4505012BB1'],
    ['CDS', 'EC450502'],
    ['DLV', 'EC45050400'],
    ['TLSA', '03010101'],
    ['SMIMEA', '03010201'],
    ['ZONEMD', '00000001010100'],
    ['EUI48', '00005E0053'],
    ['EUI64', '00005EEF1000002A00'],
    ['NID', '000A00144FFF'],
    ['L32', '000AC0000201FF'],
    ['L64', '000A'],
    ['LP', '000A0161'],
    ['X25', '03313233'],
    ['X25', '0461626364'],
    ['ISDN', '013101310131'],
    ['GPOS', '01310131'],
    ['KEY', '01000305'],
    ['DNSKEY', '01000305'],
    ['NSEC', '016100'],
    ['NSEC3', '0101000C00024142'],
    ['NXT', '01610080'],
    ['WKS', 'C00002010600'],
    ['A6', '81'],
    ['APL', '00010021040102030A'],
    ['APL', '000118020A00'],
    ['IPSECKEY', '0A0402'],
    ['IPSECKEY', '0A0102C0000226'],
    ['HIP', '00020001AA'],
    ['AMTRELAY', '0A01C00002'],
    ['DSYNC', '000101'],
    ['OPENPGPKEY', ''],
    ['CAA', '000169732D75'.slice(0, 4)],
    ['NAPTR', '0064000A00000421612100'],
    ['TYPE0', '01'],
    ['ANY', '01'],
    ['TYPE128', ''],
    ['AXFR', ''],
    ['OPT', ''],
  ])('%s %s is refused', (mnemonic, octets) => {
    expect(fault(mnemonic, octets)).toBeDefined();
  });

  it.each([
    ['a mandatory key that is missing', '0001 00 0000 0002 0003'],
    ['mandatory lists itself', '0001 00 0000 0004 0000 0001 0001 0003 026832'],
    ['mandatory out of order', '0001 00 0000 0004 0003 0001 0001 0003 026832 0003 0002 0035'],
    ['an empty mandatory', '0001 00 0000 0000'],
    ['keys out of order', '0001 00 0003 0002 0035 0001 0003 026832'],
    ['a key twice', '0001 00 0003 0002 0035 0003 0002 0035'],
    ['an alpn that is cut', '0001 00 0001 0002 0268'],
    ['no-default-alpn with a value', '0001 00 0001 0003 026832 0002 0001 00'],
    ['no-default-alpn without alpn', '0001 00 0002 0000'],
    ['a port of one octet', '0001 00 0003 0001 35'],
    ['half an ipv4hint', '0001 00 0004 0002 C000'],
    ['an empty ech', '0001 00 0005 0000'],
    ['an ipv6hint of 4 octets', '0001 00 0006 0004 C0000201'],
    ['a dohpath without dns', '0001 00 0007 0002 2F61'],
    ['a value beyond the RDATA', '0001 00 0003 0003 0035'],
  ])('RFC 9460 §8: SVCB and HTTPS with %s are refused', (_, octets) => {
    for (const mnemonic of ['SVCB', 'HTTPS']) expect(fault(mnemonic, octets)).toBeDefined();
  });

  it('a type that no secondary knows has any octets', () => {
    for (const mnemonic of ['TYPE65280', 'TYPE65535', 'TYPE54', 'TYPE100']) {
      expect(fault(mnemonic, '')).toBeUndefined();
      expect(fault(mnemonic, 'C00C')).toBeUndefined();
    }
  });

  it('NSD has room for 64 strings of SPF, 64 prefixes of APL and 62 parameters of SVCB', () => {
    const param = (key: number): string => `${(1000 + key).toString(16).padStart(4, '0')}0000`;
    const params = (count: number): string => Array.from({ length: count }, (_, i) => param(i)).join('');
    expect(fault('SPF', '0161'.repeat(64))).toBeUndefined();
    expect(fault('SPF', '0161'.repeat(65))).toBeDefined();
    expect(fault('TXT', '0161'.repeat(65))).toBeUndefined();
    expect(fault('APL', '00010000'.repeat(64))).toBeUndefined();
    expect(fault('APL', '00010000'.repeat(65))).toBeDefined();
    expect(fault('SVCB', `000100${params(62)}`)).toBeUndefined();
    expect(fault('SVCB', `000100${params(63)}`)).toBeDefined();
  });

  it('a record that no transfer could carry is too long', () => {
    const unknown = (length: number): Rdata => ({ kind: 'unknown', octets: new Uint8Array(length) });
    expect(isTooLong(unknown(MAX_RDATA_OCTETS))).toBe(false);
    expect(isTooLong(unknown(MAX_RDATA_OCTETS + 1))).toBe(true);
    expect(isTooLong({ kind: 'TXT', strings: Array.from({ length: 251 }, () => new Uint8Array(255)) })).toBe(true);
    expect(isTooLong({ kind: 'DS', keyTag: 1, algorithm: 8, digestType: 200, digest: new Uint8Array(65_000) })).toBe(
      true,
    );
    expect(isSendable(65_280, 'x'.repeat(MAX_RDATA_OCTETS))).toBe(true);
    expect(isSendable(65_280, 'x'.repeat(MAX_RDATA_OCTETS + 1))).toBe(false);
    expect(isSendable(1, 'abc')).toBe(false);
    expect(formatRRType(13)).toBe('HINFO');
    expect(isSendable(13, '\x01a\x01b')).toBe(true);
  });
});

describe('RFC 3402 §3.2: the regexp of NAPTR', () => {
  it.each([
    '',
    '!^.*$!sip:info@example.com!',
    '!^urn:cid:.+@([^\\.]+\\.)(.*)$!\\2!i',
    '/a{2,3}(b|c)+/x/',
    '![[:digit:]a-z]!x!',
    '![]a-]!x!',
    '!()a!\\1!ii',
  ])('%s is well-formed', (text) => {
    expect(isNaptrRegexp(Buffer.from(text, 'latin1'))).toBe(true);
  });

  it.each([
    '!',
    '!a!b',
    '!a!b!c!',
    '!a!b!x',
    '!!b!',
    '1a1b1',
    '!(a!b!',
    '!a|!b!',
    '!|a!b!',
    '!*a!b!',
    '!a**!b!',
    '!a{3,2}!b!',
    '!a{x!b!i!',
    '![a!b!',
    '![z-a]!b!',
    '![[:nothing:]]!b!',
    '!a!\\1!',
    '!a!\\0!',
    '!a\\!b!',
    '!a\0!b!',
  ])('%s is malformed', (text) => {
    expect(isNaptrRegexp(Buffer.from(text, 'latin1'))).toBe(false);
  });
});
