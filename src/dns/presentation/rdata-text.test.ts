/** RDATA in presentation form: examples of the RFCs, complete error messages, round trips of any RDATA. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryName, arbitraryRecord } from '../../../test/support/arbitrary-message.ts';
import { hex, plainValue } from '../../../test/support/wire-vectors.ts';
import { DomainName } from '../name.ts';
import { formatRRType, parseRRType, type Rdata, RRType } from '../rdata.ts';
import { encodeRdata } from '../wire/rdata-codec.ts';
import { WireWriter } from '../wire/writer.ts';
import { formatRdata, parseRdata } from './rdata-text.ts';
import { PresentationError } from './text-tokens.ts';

const origin = DomainName.parse('example.com');

function wireHex(rdata: Rdata): string {
  const writer = new WireWriter(64, false);
  encodeRdata(writer, rdata);
  return writer.finish().toString('hex');
}
const parsed = (type: string, text: string): string => wireHex(parseRdata(parseRRType(type)!, text, origin));
/** The text that we write for the RDATA of a text. */
const printed = (type: string, text: string): string =>
  formatRdata(parseRRType(type)!, parseRdata(parseRRType(type)!, text, origin));

describe('mnemonics', () => {
  it.each([
    ['A', 1],
    ['a', 1],
    ['Type1', 1],
    ['TYPE65280', 65_280],
    ['TYPE0', 0],
    ['HINFO', 13],
    ['nsap-ptr', 23],
    ['DLV', 32_769],
  ])('%s is type %d', (text, type) => {
    expect(parseRRType(text)).toBe(type);
  });

  it.each(['', 'TYPE', 'TYPE65536', 'TYPE-1', 'TYPE1a', 'B', '1', 'constructor', '__proto__', ' A'])(
    '%j is not a type',
    (text) => {
      expect(parseRRType(text)).toBeUndefined();
    },
  );

  it('RFC 3597 §5: every type is printed as a text that is read as the same type', () => {
    for (let type = 0; type < 65_536; type++) expect(parseRRType(formatRRType(type))).toBe(type);
  });
});

describe('presentation form to octets and back', () => {
  it.each<[type: string, text: string, octets: string, canonical?: string]>([
    ['A', '192.0.2.1', 'c0000201'],
    ['AAAA', '2001:DB8:0::1', '20010db8000000000000000000000001', '2001:db8::1'],
    ['NS', 'ns1', '036e7331076578616d706c6503636f6d00', 'ns1.example.com.'],
    ['NS', '@', '076578616d706c6503636f6d00', 'example.com.'],
    ['CNAME', 'a\\.b.Example.NET.', '03612e62074578616d706c65034e455400'],
    ['MX', '0 .', '000000'],
    [
      'SOA',
      '. . 4294967295 1h 2H 1w2d3h4m5s 0',
      '0000ffffffff00000e1000001c20000c08a500000000',
      '. . 4294967295 3600 7200 788645 0',
    ],
    ['TXT', 'plain "in quotes" \\065\\;', '05706c61696e09696e2071756f746573 02413b', '"plain" "in quotes" "A;"'],
    ['TXT', '"" "\\"\\\\\\000"', '00 03225c00'],
    ['TXT', 'ä', '02c3a4', '"\\195\\164"'],
    ['SRV', '0 65535 443 a.', '0000ffff01bb016100'],
    ['CAA', '128 Issue "ca.example; a=b"', '800549737375656 3612e6578616d706c653b20613d62'],
    ['CAA', '0 issue \\;', '000569737375653b', '0 issue ";"'],
    [
      'NAPTR',
      '100 10 "" "" "!^urn:cid:.+@([^\\\\.]+\\\\.)(.*)$!\\\\2!i" .',
      `0064000a000021${Buffer.from('!^urn:cid:.+@([^\\.]+\\.)(.*)$!\\2!i').toString('hex')}00`,
    ],
    ['SSHFP', '2 1 12 34AB', '02011234ab', '2 1 1234AB'],
    ['TLSA', '3 1 1 (AB\n CD)', '030101abcd', '3 1 1 ABCD'],
    ['DS', '60485 RSASHA1 1 2BB183AF', 'ec4505012bb183af', '60485 5 1 2BB183AF'],
    ['CDS', '0 0 0 00', '0000000000'],
    ['DNSKEY', '257 3 ECDSAP256SHA256 AQ ID', '0101030d010203', '257 3 13 AQID'],
    ['CDNSKEY', '0 3 0 AA==', '0000030000'],
    [
      'RRSIG',
      'A 5 3 86400 20030322173103 20030220173103 2642 example.com. AQID',
      '0001050300015180 3e7c9dd7 3e5510d7 0a52 076578616d706c6503636f6d00 010203',
    ],
    [
      'RRSIG',
      'TYPE1234 5 3 1d 4294967295 0 2642 @ AQID',
      '04d2050300015180 ffffffff 00000000 0a52 076578616d706c6503636f6d00 010203',
      'TYPE1234 5 3 86400 21060207062815 19700101000000 2642 example.com. AQID',
    ],
    [
      'NSEC',
      'host.example.com. NSEC A TYPE1234 MX RRSIG',
      `04686f7374076578616d706c6503636f6d00 0006400100000003 041b${'00'.repeat(26)}20`,
      'host.example.com. A MX RRSIG NSEC TYPE1234',
    ],
    ['NSEC', 'a.', '016100'],
    [
      'NSEC3',
      '1 1 12 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr A RRSIG',
      '0101000c04aabbccdd14174eb2409fe28bcb4887a1836f957f0a8425e27b0006400000000002',
      '1 1 12 AABBCCDD 2T7B4G4VSA5SMI47K61MV5BV1A22BOJR A RRSIG',
    ],
    ['NSEC3PARAM', '1 0 0 -', '0100000000'],
    ['SVCB', '0 foo.example.com.', '000003666f6f076578616d706c6503636f6d00'],
    ['SVCB', '1 . port=53', '00010000030002 0035'],
    ['SVCB', '1 . key667=hello\\210qoo', '000100029b000968656c6c6fd2716f6f', '1 . key667="hello\\210qoo"'],
    [
      'SVCB',
      '1 . ipv6hint="2001:db8::1,2001:db8::53:1"',
      '00010000060020 20010db8000000000000000000000001 20010db8000000000000000000530001',
      '1 . ipv6hint=2001:db8::1,2001:db8::53:1',
    ],
    [
      'SVCB',
      '16 foo.example.org. alpn=h2,h3-19 mandatory=ipv4hint,alpn ipv4hint=192.0.2.1',
      '001003666f6f076578616d706c65036f726700 0000000400010004 00010009026832 0568332d3139 00040004c0000201',
      '16 foo.example.org. mandatory=alpn,ipv4hint alpn=h2,h3-19 ipv4hint=192.0.2.1',
    ],
    // RFC 9460 appendix D.2, figure 10: both spellings of an alpn id with a comma and a backslash.
    ['SVCB', '16 a. alpn="f\\\\\\\\oo\\\\,bar,h2"', '0010016100 0001000c 08665c6f6f2c626172 026832'],
    [
      'SVCB',
      '16 a. alpn=f\\\\\\092oo\\092,bar,h2',
      '0010016100 0001000c 08665c6f6f2c626172 026832',
      '16 a. alpn="f\\\\\\\\oo\\\\,bar,h2"',
    ],
    [
      'HTTPS',
      '1 . no-default-alpn ech=AQID dohpath=/dns-query{?dns} alpn=h2',
      `000100 00010003026832 00020000 00050003010203 00070010${Buffer.from('/dns-query{?dns}').toString('hex')}`,
      '1 . alpn=h2 no-default-alpn ech=AQID dohpath="/dns-query{?dns}"',
    ],
    ['HTTPS', '1 . key3=abc', '00010000030003616263', '1 . key3="abc"'],
    ['HINFO', 'PDP-11 UNIX', '065044502d313104554e4958', '"PDP-11" "UNIX"'],
    [
      'RP',
      'admin txt',
      '0561646d696e076578616d706c6503636f6d0003747874076578616d706c6503636f6d00',
      'admin.example.com. txt.example.com.',
    ],
    ['URI', '10 1 "https://example.com/"', `000a0001${Buffer.from('https://example.com/').toString('hex')}`],
    ['CERT', 'PGP 0 0 AQID', '0003000000010203', '3 0 0 AQID'],
    ['EUI48', '00-00-5e-00-53-2a', '00005e00532a'],
    ['L64', '10 2001:0DB8:1140:1000', '000a20010db811401000', '10 2001:0db8:1140:1000'],
    // RFC 1876 §4.
    [
      'LOC',
      '42 21 54 N 71 06 18 W -24m 30m',
      '00331613 8917 2dd0 70be 15f0 0098 8d20',
      '42 21 54.000 N 71 6 18.000 W -24.00m 30.00m 10000.00m 10.00m',
    ],
    ['TYPE65280', '\\# 4 0A 000001', '0a000001', '\\# 4 0A000001'],
    ['TYPE65280', '\\# 0', ''],
    ['A', '\\# 4 c0000201', 'c0000201', '192.0.2.1'],
    ['MX', '\\# 5 000a 016100', '000a016100', '10 a.'],
  ])('%s %s', (type, text, octets, canonical = text) => {
    expect(parsed(type, text)).toBe(Buffer.from(hex(octets)).toString('hex'));
    expect(printed(type, text)).toBe(canonical);
    expect(parsed(type, canonical)).toBe(parsed(type, text));
  });

  it('what has no text of its type is written as octets (RFC 3597 §5)', () => {
    const none = new Uint8Array();
    expect(formatRdata(RRType.TLSA, { kind: 'TLSA', usage: 3, selector: 1, matchingType: 1, data: none })).toBe(
      '\\# 3 030101',
    );
    expect(formatRdata(13, { kind: 'unknown', octets: Uint8Array.of(9) })).toBe('\\# 1 09');
    expect(formatRdata(42, { kind: 'unknown', octets: Uint8Array.of(9) })).toBe('\\# 1 09');
  });

  it('names at and below the origin are formatted relative to it if that preserves their case', () => {
    const text = (name: string, to = origin): string =>
      formatRdata(RRType.NS, { kind: 'NS', target: DomainName.parse(name) }, to);
    expect(text('example.com')).toBe('@');
    expect(text('NS.example.com')).toBe('NS');
    expect(text('ns.Example.com')).toBe('ns.Example.com.');
    expect(text('notexample.com')).toBe('notexample.com.');
    expect(text('a\\.b.example.com')).toBe('a\\.b');
    expect(text('@.example.com')).toBe('\\@');
    expect(text('a.b', DomainName.root)).toBe('a.b');
    expect(text('.', DomainName.root)).toBe('.');
  });
});

describe('a refused text', () => {
  it.each([
    ['A', '', 'A: the address is missing'],
    ['A', '192.0.2.256', "A: '192.0.2.256' is not an IPv4 address"],
    ['A', '192.0.02.1', "A: '192.0.02.1' is not an IPv4 address"],
    ['A', '192.0.2.1 192.0.2.2', "A: there is data after the last field: '192.0.2.2'"],
    ['A', '"192.0.2.1"', 'A: the address must not be quoted'],
    ['AAAA', '192.0.2.1', "AAAA: '192.0.2.1' is not an IPv6 address"],
    ['MX', '65536 a', "MX: the preference must be a number from 0 to 65535; it is '65536'"],
    ['MX', 'mail 10', "MX: the preference must be a number from 0 to 65535; it is 'mail'"],
    ['MX', '10', 'MX: the mail server is missing'],
    ['NS', 'a..b', 'NS: A domain name has an empty label'],
    ['SOA', '. . 1 1x 1 1 1', "SOA: refresh must be seconds, or a time such as 1h30m, below 2^32; it is '1x'"],
    [
      'SOA',
      '. . 1 9999999w 1 1 1',
      "SOA: refresh must be seconds, or a time such as 1h30m, below 2^32; it is '9999999w'",
    ],
    ['TXT', '', 'TXT: the text is missing'],
    [
      'TXT',
      `"${'a'.repeat(256)}"`,
      'TXT: the text has 256 octets and a string has at most 255: split it into several quoted strings',
    ],
    ['TXT', '\\256', 'TXT: the escape \\256 is larger than 255'],
    ['TXT', '"\\1"', "TXT: '\\1' has an incomplete escape: write \\DDD with three digits"],
    ['CAA', '0 is-sue x', "CAA: the tag must be letters and digits, such as issue; it is 'is-sue'"],
    ['DS', '1 8 2 ABC', "DS: the digest must be pairs of hexadecimal digits; it is 'ABC'"],
    ['DS', '1 NONE 2 AB', "DS: the algorithm must be a number from 0 to 255; it is 'NONE'"],
    ['DNSKEY', '256 3 8 AQ', "DNSKEY: the public key must be base64; it is 'AQ'"],
    [
      'RRSIG',
      'A 5 3 86400 20030231173103 0 1 . AQID',
      "RRSIG: the expiration must be a date YYYYMMDDHHmmSS; it is '20030231173103'",
    ],
    ['NSEC', 'a. NOTYPE', "NSEC: 'NOTYPE' is not a known RR type: write TYPE and its number"],
    [
      'NSEC3',
      '1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojw A',
      "NSEC3: the next hashed owner name must be base32hex; it is '2t7b4g4vsa5smi47k61mv5bv1a22bojw'",
    ],
    ['SVCB', '1 . alpn', 'SVCB: alpn needs protocol ids of 1 to 255 octets, such as alpn=h2,h3'],
    ['SVCB', '1 . port=1 port=2', 'SVCB: the key port occurs twice'],
    ['SVCB', '1 . port=1 key3=ab', 'SVCB: the key key3 occurs twice'],
    ['SVCB', '1 . key03=a', "SVCB: 'key03' is not a known SvcParamKey: write key and its number"],
    ['SVCB', '1 . mandatory=mandatory', 'SVCB: mandatory must not list itself (RFC 9460 §8)'],
    ['SVCB', '1 . ipv4hint=', 'SVCB: ipv4hint needs a value: ipv4hint=…'],
    ['SVCB', '1 . ipv4hint=192.0.2.1,x', "SVCB: 'x' in ipv4hint is not an IPv4 address"],
    ['SVCB', '1 . no-default-alpn=1', 'SVCB: no-default-alpn has no value'],
    [
      'WKS',
      '192.0.2.1 TCP 25',
      'WKS: this type is only read as \\#, the number of octets, and hexadecimal digits (RFC 3597 §5)',
    ],
    [
      'TYPE65280',
      'abc',
      'TYPE65280: this type is only read as \\#, the number of octets, and hexadecimal digits (RFC 3597 §5)',
    ],
    ['TYPE65280', '\\# 3 0A', 'TYPE65280: \\# 3 is followed by 1 octets'],
    ['TYPE65280', '\\# 1 0', 'TYPE65280: \\# must be followed by a number of octets and pairs of hexadecimal digits'],
    ['A', '\\# 3 010203', 'A: malformed RDATA: RDATA of A is not 4 octets at octet 0'],
    ['TXT', '"a', 'the quoted string is not closed on this line'],
    ['TXT', 'a\nb', 'the text has more than one line'],
    ['LOC', '91 N 0 E 0m', 'LOC: the latitude must look like 52 22 23.000 N; it is more than 90 degrees'],
  ])('%s %s', (type, text, message) => {
    const read = (): unknown => parseRdata(parseRRType(type)!, text, origin);
    expect(read).toThrow(PresentationError);
    expect(read).toThrow(new PresentationError(message));
  });

  it('control characters of the text are not in the message', () => {
    expect(() => parseRdata(RRType.A, '192.0.2.1 \u001b[2J', origin)).toThrow("after the last field: '?[2J'");
  });

  it('RFC 3597 §5: a compressed name after \\#', () => {
    const soa = `\\# 38 ${'0161'.repeat(6)}00 c00c ${'00'.repeat(23)}`;
    expect(() => parseRdata(RRType.SOA, soa, origin)).toThrow(PresentationError);
    // Octet 12 is the root's: a message would read the pointer.
    expect(() => parseRdata(RRType.SOA, `\\# 35 ${'0161'.repeat(6)}00 c00c ${'00'.repeat(20)}`, origin)).toThrow(
      'SOA: malformed RDATA: a compressed name',
    );
  });
});

describe('any RDATA', () => {
  it('is the same after it was printed and parsed, relative to any origin', () => {
    const record = arbitraryRecord.filter(({ rdata }) => rdata.kind !== 'empty');
    fc.assert(
      fc.property(record, arbitraryName, ({ type, rdata }, to) => {
        const text = formatRdata(type, rdata, to);
        expect(text).toMatch(/^[ -~]*$/);
        expect(plainValue(parseRdata(type, text, to))).toEqual(plainValue(rdata));
      }),
      { numRuns: 2000 },
    );
  });

  it('of a type that has a text but no structure is the same after it was printed and parsed', () => {
    const types = Array.from({ length: 300 }, (_, type) => type).filter((type) => !/^TYPE/.test(formatRRType(type)));
    const octets = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 40, max: 12 }));
    fc.assert(
      fc.property(fc.constantFrom(...types), octets, (type, bytes) => {
        let rdata: Rdata;
        const unknownForm = `\\# ${bytes.length} ${Buffer.from(bytes).toString('hex')}`;
        try {
          rdata = parseRdata(type, unknownForm, origin);
        } catch (error) {
          expect(error).toBeInstanceOf(PresentationError);
          return;
        }
        expect(plainValue(parseRdata(type, formatRdata(type, rdata, origin), origin))).toEqual(plainValue(rdata));
      }),
      { numRuns: 3000 },
    );
  });

  it('any text is read or refused', () => {
    const words = fc.array(
      fc.oneof(
        fc.constantFrom('\\#', '0', '1', '.', '@', '"a"', 'port=1', 'A', '(', ')', ';', 'N', 'AQID'),
        fc.string(),
      ),
      { maxLength: 9 },
    );
    fc.assert(
      fc.property(fc.nat({ max: 270 }), words, (type, list) => {
        try {
          parseRdata(type, list.join(' '), origin);
        } catch (error) {
          expect(error).toBeInstanceOf(PresentationError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
