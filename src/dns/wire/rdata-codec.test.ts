/**
 * RDATA of every type with a structure: golden octets and the value they mean. Origin: the examples of the RFC that
 * each row names, written out by hand; where an RFC gives presentation form only, the octets are those that `dig
 * +unknownformat` shows for it from named 9.18.
 */
import { describe, expect, it } from 'vitest';
import { hex, plainValue } from '../../../test/support/wire-vectors.ts';
import { DomainName } from '../name.ts';
import { type Rdata, RRType } from '../rdata.ts';
import { decodeRdata, encodeRdata } from './rdata-codec.ts';
import { WireError, WireReader } from './reader.ts';
import { WireOverflow, WireWriter } from './writer.ts';

const name = (text: string): DomainName => DomainName.parse(text);
const ascii = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));
const base64 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'base64'));

const KEY =
  'AQPSKmynfzW4kyBv015MUG2DeIQ3Cbl+BBZH4b/0PY1kxkmvHjcZc8nokfzj31GajIQKY+5CptLr3buXA10hWqTkF7H6RfoRqXQeogmMHfpftf6zMv1L' +
  'yBUgia7za6ZEzOJBOztyvhjL742iU/TpPSEDhm2SNKLijfUppn1UaNvv4w==';
const SIGNATURE =
  'oJB1W6WNGv+ldvQ3WDG0MQkg5IEhjRip8WTrPYGv07h108dUKGMeDPKijVCHX3DDKdfb+v6oB9wfuh3DTJXUAfI/M0zmO/zz8bW0Rznl8O3tGNazPwQK' +
  'kRN20XPXV6nwwfoXmJQbsLNrLfkGJ5D6fwFm8nN+6pBzeDQfsS3Ap3o=';
const base64Hex = (text: string): string => Buffer.from(text, 'base64').toString('hex');

const GOLDEN: readonly [what: string, octets: string, rdata: Rdata][] = [
  ['A (RFC 1035 §3.4.1)', '0a010034', { kind: 'A', address: '10.1.0.52' }],
  ['AAAA (RFC 3596 §2.2)', '20010db8 00000000 00000000 00000001', { kind: 'AAAA', address: '2001:db8::1' }],
  [
    'AAAA that is IPv4-mapped (RFC 5952 §5)',
    '00000000 00000000 0000ffff c0000201',
    { kind: 'AAAA', address: '::ffff:192.0.2.1' },
  ],
  ['NS (RFC 1035 §3.3.11)', '02 6e73 07 6578616d706c65 00', { kind: 'NS', target: name('ns.example') }],
  ['CNAME, case preserved (RFC 1035 §3.3.1, RFC 4343 §4)', '03 575757 00', { kind: 'CNAME', target: name('WWW') }],
  ['DNAME to the root (RFC 6672 §2.1)', '00', { kind: 'DNAME', target: DomainName.root }],
  ['PTR with a dot inside a label (RFC 1035 §3.3.12)', '03 612e62 00', { kind: 'PTR', target: name('a\\.b') }],
  [
    'SOA (RFC 1035 §3.3.13, §5.3)',
    '06 56454e455241 00 0e 416374696f6e2e646f6d61696e73 00 00000014 00001c20 00000258 0036ee80 0000003c',
    {
      kind: 'SOA',
      mname: name('VENERA'),
      rname: name('Action\\.domains'),
      serial: 20,
      refresh: 7200,
      retry: 600,
      expire: 3_600_000,
      minimum: 60,
    },
  ],
  ['MX (RFC 1035 §3.3.9)', '000a 06 56454e455241 00', { kind: 'MX', preference: 10, exchange: name('VENERA') }],
  ['null MX (RFC 7505 §3)', '0000 00', { kind: 'MX', preference: 0, exchange: DomainName.root }],
  [
    'TXT of two strings, one empty (RFC 1035 §3.3.14)',
    '00 0b 763d73706631202d616c6c',
    { kind: 'TXT', strings: [ascii(''), ascii('v=spf1 -all')] },
  ],
  ['TXT with octets that are not characters', '02 00ff', { kind: 'TXT', strings: [Uint8Array.of(0, 255)] }],
  [
    'SRV (RFC 2782)',
    '0000 0001 0009 06 736572766572 07 6578616d706c65 03 636f6d 00',
    { kind: 'SRV', priority: 0, weight: 1, port: 9, target: name('server.example.com') },
  ],
  [
    'CAA (RFC 8659 §4.2)',
    '00 05 6973737565 63612e6578616d706c65',
    { kind: 'CAA', flags: 0, tag: 'issue', value: ascii('ca.example') },
  ],
  [
    'CAA, critical, unknown tag, no value (RFC 8659 §4.1)',
    '80 03 746273',
    { kind: 'CAA', flags: 128, tag: 'tbs', value: ascii('') },
  ],
  [
    'NAPTR (RFC 3403 §6.2)',
    '0064 0032 01 61 08 7a333935302b4e32 00 06 636964757270 07 6578616d706c65 00',
    {
      kind: 'NAPTR',
      order: 100,
      preference: 50,
      flags: ascii('a'),
      services: ascii('z3950+N2'),
      regexp: ascii(''),
      replacement: name('cidurp.example'),
    },
  ],
  [
    'NAPTR with an expression (RFC 3403 §6.1)',
    `0064 000a 00 00 21 ${Buffer.from('!^urn:cid:.+@([^\\.]+\\.)(.*)$!\\2!i', 'latin1').toString('hex')} 00`,
    {
      kind: 'NAPTR',
      order: 100,
      preference: 10,
      flags: ascii(''),
      services: ascii(''),
      regexp: ascii('!^urn:cid:.+@([^\\.]+\\.)(.*)$!\\2!i'),
      replacement: DomainName.root,
    },
  ],
  [
    'SSHFP (RFC 4255 §3.2)',
    '02 01 123456789abcdef67890123456789abcdef67890',
    { kind: 'SSHFP', algorithm: 2, fingerprintType: 1, fingerprint: hex('123456789abcdef67890123456789abcdef67890') },
  ],
  [
    'TLSA (RFC 6698 §2.3)',
    '00 00 01 d2abde240d7cd3ee6b4b28c54df034b97983a1d16e8a410e4561cb106618e971',
    {
      kind: 'TLSA',
      usage: 0,
      selector: 0,
      matchingType: 1,
      data: hex('d2abde240d7cd3ee6b4b28c54df034b97983a1d16e8a410e4561cb106618e971'),
    },
  ],
  [
    'DS (RFC 4034 §5.4)',
    'ec45 05 01 2bb183af5f22588179a53b0a98631fad1a292118',
    {
      kind: 'DS',
      keyTag: 60_485,
      algorithm: 5,
      digestType: 1,
      digest: hex('2bb183af5f22588179a53b0a98631fad1a292118'),
    },
  ],
  [
    'CDS that requests removal (RFC 8078 §4)',
    '0000 00 00 00',
    { kind: 'CDS', keyTag: 0, algorithm: 0, digestType: 0, digest: hex('00') },
  ],
  [
    'DNSKEY (RFC 4034 §2.3)',
    `0100 03 05 ${base64Hex(KEY)}`,
    { kind: 'DNSKEY', flags: 256, protocol: 3, algorithm: 5, publicKey: base64(KEY) },
  ],
  [
    'CDNSKEY that requests removal (RFC 8078 §4)',
    '0000 03 00 00',
    { kind: 'CDNSKEY', flags: 0, protocol: 3, algorithm: 0, publicKey: hex('00') },
  ],
  [
    'RRSIG (RFC 4034 §3.3)',
    `0001 05 03 00015180 3e7c9dd7 3e5510d7 0a52 07 6578616d706c65 03 636f6d 00 ${base64Hex(SIGNATURE)}`,
    {
      kind: 'RRSIG',
      typeCovered: RRType.A,
      algorithm: 5,
      labels: 3,
      originalTtl: 86_400,
      expiration: Date.UTC(2003, 2, 22, 17, 31, 3) / 1000,
      inception: Date.UTC(2003, 1, 20, 17, 31, 3) / 1000,
      keyTag: 2642,
      signer: name('example.com'),
      signature: base64(SIGNATURE),
    },
  ],
  [
    'NSEC (RFC 4034 §4.3, octets from there)',
    '04 686f7374 07 6578616d706c65 03 636f6d 00 0006 400100000003 041b 000000000000000000000000000000000000000000000000000020',
    { kind: 'NSEC', next: name('host.example.com'), types: [RRType.A, RRType.MX, RRType.RRSIG, RRType.NSEC, 1234] },
  ],
  ['NSEC without types', '00', { kind: 'NSEC', next: DomainName.root, types: [] }],
  [
    'NSEC3 (RFC 5155 appendix A)',
    '01 01 000c 04 aabbccdd 14 174eb2409fe28bcb4887a1836f957f0a8425e27b 0007 22010000000290',
    {
      kind: 'NSEC3',
      hashAlgorithm: 1,
      flags: 1,
      iterations: 12,
      salt: hex('aabbccdd'),
      nextHashed: hex('174eb2409fe28bcb4887a1836f957f0a8425e27b'),
      types: [RRType.NS, RRType.SOA, RRType.MX, RRType.RRSIG, RRType.DNSKEY, RRType.NSEC3PARAM],
    },
  ],
  [
    'NSEC3PARAM (RFC 5155 appendix A)',
    '01 00 000c 04 aabbccdd',
    { kind: 'NSEC3PARAM', hashAlgorithm: 1, flags: 0, iterations: 12, salt: hex('aabbccdd') },
  ],
  [
    'SVCB in AliasMode (RFC 9460 appendix D.1)',
    '0000 03 666f6f 07 6578616d706c65 03 636f6d 00',
    { kind: 'SVCB', priority: 0, target: name('foo.example.com'), params: [] },
  ],
  [
    'SVCB with target "." (RFC 9460 appendix D.2, figure 3)',
    '0001 00',
    { kind: 'SVCB', priority: 1, target: DomainName.root, params: [] },
  ],
  [
    'SVCB with a port (RFC 9460 appendix D.2, figure 4)',
    '0010 03 666f6f 07 6578616d706c65 03 636f6d 00 0003 0002 0035',
    { kind: 'SVCB', priority: 16, target: name('foo.example.com'), params: [{ code: 3, octets: hex('0035') }] },
  ],
  [
    'SVCB with an unknown key (RFC 9460 appendix D.2, figure 6)',
    '0001 03 666f6f 07 6578616d706c65 03 636f6d 00 029b 0009 68656c6c6fd2716f6f',
    {
      kind: 'SVCB',
      priority: 1,
      target: name('foo.example.com'),
      params: [{ code: 667, octets: hex('68656c6c6fd2716f6f') }],
    },
  ],
  [
    'SVCB with mandatory, alpn and ipv4hint (RFC 9460 appendix D.2, figure 9)',
    '0010 03 666f6f 07 6578616d706c65 03 6f7267 00 0000 0004 0001 0004 0001 0009 02 6832 05 68332d3139 0004 0004 c0000201',
    {
      kind: 'SVCB',
      priority: 16,
      target: name('foo.example.org'),
      params: [
        { code: 0, octets: hex('00010004') },
        { code: 1, octets: hex('026832 0568332d3139') },
        { code: 4, octets: hex('c0000201') },
      ],
    },
  ],
  [
    'HTTPS (RFC 9460 §9)',
    '0001 00 0002 0000',
    { kind: 'HTTPS', priority: 1, target: DomainName.root, params: [{ code: 2, octets: hex('') }] },
  ],
  [
    'OPT with an NSID and an unknown option (RFC 6891 §6.1.2, RFC 5001 §2.3)',
    '0003 0000 fde9 0003 c0ffee',
    {
      kind: 'OPT',
      options: [
        { code: 3, octets: hex('') },
        { code: 65_001, octets: hex('c0ffee') },
      ],
    },
  ],
  [
    'TSIG (RFC 8945 §4.2) with BADTIME and the time of the server',
    '0b 686d61632d736861323536 00 00005fc00001 012c 0004 01020304 002a 0012 0006 00005fc00101',
    {
      kind: 'TSIG',
      algorithm: name('hmac-sha256'),
      timeSigned: 0x5fc00001,
      fudgeSeconds: 300,
      mac: hex('01020304'),
      originalId: 42,
      error: 18,
      otherData: hex('00005fc00101'),
    },
  ],
  [
    'TSIG of the last second that 48 bits hold',
    '00 ffffffffffff 0000 0000 0000 0000 0000',
    {
      kind: 'TSIG',
      algorithm: DomainName.root,
      timeSigned: 2 ** 48 - 1,
      fudgeSeconds: 0,
      mac: hex(''),
      originalId: 0,
      error: 0,
      otherData: hex(''),
    },
  ],
];

function encode(rdata: Rdata): string {
  const writer = new WireWriter();
  encodeRdata(writer, rdata);
  return writer.finish().toString('hex');
}

function decode(octets: Uint8Array, type: number): Rdata {
  return decodeRdata(new WireReader(octets), type);
}

describe('golden octets', () => {
  for (const [what, text, rdata] of GOLDEN) {
    it(what, () => {
      const octets = hex(text);
      const type = RRType[rdata.kind as keyof typeof RRType];
      expect(plainValue(decode(octets, type))).toEqual(plainValue(rdata));
      expect(encode(rdata)).toBe(Buffer.from(octets).toString('hex'));
    });
  }

  it('every type with a structure has a row', () => {
    const meta = ['IXFR', 'AXFR', 'ANY'];
    const covered = new Set<string>(GOLDEN.map(([, , rdata]) => rdata.kind));
    expect(Object.keys(RRType).filter((type) => !covered.has(type) && !meta.includes(type))).toEqual([]);
  });
});

describe('types without a structure (RFC 3597)', () => {
  it.each([13, 65_280, 0, RRType.ANY])('RDATA of type %d is stored as octets', (type) => {
    const rdata = decode(hex('c000 ff'), type);
    expect(plainValue(rdata)).toEqual({ kind: 'unknown', octets: 'octets(c000ff)' });
    expect(encode(rdata)).toBe('c000ff');
  });

  it('RDATA of no octets stays RDATA of no octets', () => {
    expect(plainValue(decode(hex(''), 65_280))).toEqual({ kind: 'unknown', octets: 'octets()' });
    expect(encode({ kind: 'empty' })).toBe('');
  });
});

describe('writing', () => {
  it('types are sorted and named once in a bitmap, and windows without types are left out (RFC 4034 §4.1.2)', () => {
    expect(encode({ kind: 'NSEC', next: DomainName.root, types: [256, 1, 15, 1] })).toBe(
      '00 0002 4001 0101 80'.replaceAll(' ', ''),
    );
  });

  it('a value that is too long for its length field is a WireOverflow', () => {
    const long = new Uint8Array(256);
    expect(() => encode({ kind: 'TXT', strings: [long] })).toThrow(WireOverflow);
    expect(() => encode({ kind: 'CAA', flags: 0, tag: 'a'.repeat(256), value: long })).toThrow(WireOverflow);
    expect(() => encode({ kind: 'OPT', options: [{ code: 1, octets: new Uint8Array(65_536) }] })).toThrow(WireOverflow);
  });

  it('an address that is none of its family is a TypeError', () => {
    expect(() => encode({ kind: 'A', address: '2001:db8::1' })).toThrow(TypeError);
    expect(() => encode({ kind: 'AAAA', address: '192.0.2.1' })).toThrow(TypeError);
  });
});

/** RDATA of `type` whose name is a pointer to "a" at the message's octet 12. */
const behindName = (before: string, after: string): Uint8Array =>
  hex(`${'00'.repeat(12)} 0161 00 ${before} c00c ${after}`);

describe('names in RDATA', () => {
  const AFTER_NAME = 15;
  it.each<[string, number, string, string]>([
    ['NS', RRType.NS, '', ''],
    ['CNAME', RRType.CNAME, '', ''],
    ['PTR', RRType.PTR, '', ''],
    ['MX', RRType.MX, '000a', ''],
    ['SOA', RRType.SOA, '00', '00'.repeat(20)],
    ['SRV', RRType.SRV, '0000 0000 0035', ''],
    ['NAPTR', RRType.NAPTR, '0000 0000 00 00 00', ''],
  ])('RFC 3597 §4: a pointer in %s is followed', (_, type, before, after) => {
    const rdata = decodeRdata(new WireReader(behindName(before, after), AFTER_NAME), type);
    expect(JSON.stringify(plainValue(rdata))).toContain('name(016100)');
  });

  it.each<[string, number, string, string]>([
    ['MD', 3, '', ''],
    ['MF', 4, '', ''],
    ['MB', 7, '', ''],
    ['MG', 8, '', ''],
    ['MR', 9, '', ''],
    ['MINFO', 14, '00', ''],
    ['RP', 17, '00', ''],
    ['AFSDB', 18, '0001', ''],
    ['RT', 21, '000a', ''],
    ['SIG', 24, '00'.repeat(18), 'ffff'],
    ['PX', 26, '000a 00', ''],
    ['NXT', 30, '', '40'],
    ['KX', 36, '000a', ''],
  ])('RFC 3597 §4: a pointer in %s is followed, though the RDATA stays octets', (_, type, before, after) => {
    const rdata = decodeRdata(new WireReader(behindName(before, after), AFTER_NAME), type);
    const whole = `${before} 0161 00 ${after}`;
    expect(plainValue(rdata)).toEqual({ kind: 'unknown', octets: plainValue(hex(whole)) });
    expect(plainValue(decode(hex(whole), type))).toEqual(plainValue(rdata));
    expect(() => decode(hex(`${before} 0161`), type)).toThrow(WireError);
    expect(() => decode(hex(''), type)).toThrow(WireError);
    if (after === '') expect(() => decode(hex(`${whole} 00`), type)).toThrow('RDATA is longer than its fields');
  });

  it('RDATA that is longer than 65,535 octets without compression is a WireError', () => {
    const octets = new Uint8Array(65_535);
    octets.set(hex(`3f ${'61'.repeat(63)} 00`), 12);
    octets.set(hex('c00c'), 100 + 18);
    expect(() => decodeRdata(new WireReader(octets, 100), 24)).not.toThrow();
    const longer = new Uint8Array(70_000);
    longer.set(octets);
    expect(() => decodeRdata(new WireReader(longer, 100, 100 + 65_535), 24)).toThrow(WireError);
  });

  it.each<[string, Rdata]>([
    ['SRV', { kind: 'SRV', priority: 0, weight: 0, port: 0, target: name('a.example') }],
    [
      'NAPTR',
      {
        kind: 'NAPTR',
        order: 0,
        preference: 0,
        flags: ascii(''),
        services: ascii(''),
        regexp: ascii(''),
        replacement: name('a.example'),
      },
    ],
    ['DNAME', { kind: 'DNAME', target: name('a.example') }],
    ['SVCB', { kind: 'SVCB', priority: 0, target: name('a.example'), params: [] }],
    ['NSEC', { kind: 'NSEC', next: name('a.example'), types: [] }],
  ])('RFC 3597 §4: the name of %s is written out, though it was written before', (_, rdata) => {
    const writer = new WireWriter();
    writer.name(name('a.example'));
    encodeRdata(writer, rdata);
    expect(
      writer
        .finish()
        .toString('hex')
        .match(/0161076578616d706c6500/g),
    ).toHaveLength(2);
  });

  it('the name of MX is compressed', () => {
    const writer = new WireWriter();
    writer.name(name('a.example'));
    encodeRdata(writer, { kind: 'MX', preference: 1, exchange: name('b.example') });
    expect(writer.finish().subarray(11).toString('hex')).toBe('0001 0162 c002'.replaceAll(' ', ''));
  });
});
