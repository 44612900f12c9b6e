/** Canonical RRsets: case of names, order, duplicates. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryRecord } from '../../../test/support/arbitrary-message.ts';
import { DomainName } from '../name.ts';
import { parseRdata } from '../presentation/rdata-text.ts';
import { parseRRType } from '../rdata.ts';
import { encodedRdata } from '../wire/rdata-codec.ts';
import { canonicalRdatas, signableRRset } from './canonical.ts';

/** The octets of a type's presentation form. */
function wire(type: string, text: string): string {
  return encodedRdata(parseRdata(parseRRType(type)!, text)).toString('latin1');
}

/** Types of RFC 4034 §6.2 in a spelling with capital letters in the names alone. HINFO, which is in that list, has no names. */
const LOWER_CASED: readonly [type: string, rdata: string][] = [
  ['NS', 'NS.Example.'],
  ['MD', 'A.Example.'],
  ['MF', 'A.Example.'],
  ['CNAME', 'A.Example.'],
  ['SOA', 'NS.Example. Host.Example. 1 2 3 4 5'],
  ['MB', 'A.Example.'],
  ['MG', 'A.Example.'],
  ['MR', 'A.Example.'],
  ['PTR', 'A.Example.'],
  ['MINFO', 'A.Example. B.Example.'],
  ['MX', '10 Mail.Example.'],
  ['RP', 'A.Example. B.Example.'],
  ['AFSDB', '1 A.Example.'],
  ['RT', '1 A.Example.'],
  ['PX', '1 A.Example. B.Example.'],
  ['NAPTR', '1 2 "s" "a" "" A.Example.'],
  ['KX', '1 A.Example.'],
  ['SRV', '1 2 3 A.Example.'],
  ['DNAME', 'A.Example.'],
  ['RRSIG', 'a 13 2 3600 20300101000000 20000101000000 1 A.Example. aaaa'],
];

/** Types whose names are signed as they are. */
const UNCHANGED: readonly [type: string, rdata: string][] = [
  ['NSEC', 'A.Example. A'],
  ['NSAP-PTR', 'A.Example.'],
  ['SVCB', '1 A.Example.'],
  ['HTTPS', '1 A.Example.'],
  ['LP', '1 A.Example.'],
  ['IPSECKEY', '1 3 2 A.Example. AQID'],
  ['HINFO', '"CPU" "OS"'],
  ['TXT', '"Text"'],
  ['CAA', '0 issue "CA.Example"'],
];

describe('canonical RDATA (RFC 4034 §6.2)', () => {
  for (const [type, text] of LOWER_CASED) {
    it(`${type}: names are lower-cased`, () => {
      const octets = wire(type, text);
      const canonical = canonicalRdatas(parseRRType(type)!, [octets]);
      expect(canonical).toEqual([
        wire(
          type,
          text.replace(/[A-Z][A-Za-z]*\./g, (label) => label.toLowerCase()),
        ),
      ]);
      expect(canonical).not.toEqual([octets]);
    });
  }

  for (const [type, text] of UNCHANGED) {
    it(`${type}: stays as it is${type === 'NSEC' ? ' (RFC 6840 §5.1)' : ''}`, () => {
      expect(canonicalRdatas(parseRRType(type)!, [wire(type, text)])).toEqual([wire(type, text)]);
    });
  }
});

describe('canonical RRsets (RFC 4034 §6.3)', () => {
  it('RDATA is sorted by octets from the left, and a missing octet is first', () => {
    const sorted = ['\x00\xff', '\x01', '\x01\x00', '\x01\x00\x00', '\x7f', '\x80', '\xff', '\xff\x00'];
    expect(canonicalRdatas(65280, [...sorted].reverse())).toEqual(sorted);
  });

  it('records that are equal in canonical form are signed once', () => {
    const ns = ['B.example.', 'a.example.', 'A.EXAMPLE.', 'b.example.'].map((text) => wire('NS', text));
    expect(canonicalRdatas(2, ns)).toEqual([wire('NS', 'a.example.'), wire('NS', 'b.example.')]);
  });

  it('any RRset: the canonical form is strictly increasing by octets, and the same from every order and from itself', () => {
    // Few different octets, so that many records begin alike.
    const octet = fc.constantFrom(0, 1, 0x41, 0x61, 0x7f, 0x80, 0xff);
    const rdata = fc.uint8Array({ maxLength: 6 }).chain((any) => fc.constantFrom(any, any.subarray(0, 2)));
    const few = fc.array(octet, { maxLength: 5 }).map((list) => Uint8Array.from(list));
    const rdatas = fc.array(fc.oneof(few, rdata), { minLength: 1, maxLength: 60, size: 'max' });
    fc.assert(
      fc.property(rdatas, fc.func(fc.nat()), (list, order) => {
        const texts = list.map((octets) => Buffer.from(octets).toString('latin1'));
        const canonical = canonicalRdatas(65280, texts);
        const buffers = canonical.map((text) => Buffer.from(text, 'latin1'));
        for (const [i, buffer] of buffers.slice(1).entries()) expect(Buffer.compare(buffers[i]!, buffer)).toBe(-1);
        expect(new Set(canonical)).toEqual(new Set(texts));
        const shuffled = texts.map((text, i) => ({ text, at: order(i) })).sort((a, b) => a.at - b.at);
        expect(
          canonicalRdatas(
            65280,
            shuffled.map(({ text }) => text),
          ),
        ).toEqual(canonical);
        expect(canonicalRdatas(65280, canonical)).toEqual(canonical);
      }),
    );
  });

  it('any RDATA: the canonical form differs in the case of letters at most, and is its own canonical form', () => {
    fc.assert(
      fc.property(arbitraryRecord, ({ type, rdata }) => {
        const octets = encodedRdata(rdata).toString('latin1');
        const [canonical, ...others] = canonicalRdatas(type, [octets, octets]);
        expect(others).toEqual([]);
        expect(canonicalRdatas(type, [octets])).toEqual([canonical]);
        expect(canonical!.toLowerCase()).toBe(octets.toLowerCase());
        expect(canonicalRdatas(type, [canonical!])).toEqual([canonical]);
      }),
    );
  });

  it('the sort does not change the RRset', () => {
    const rdatas = Object.freeze(['\x02', '\x01']);
    expect(canonicalRdatas(1, rdatas)).toEqual(['\x01', '\x02']);
  });

  it('a typed RRset becomes octets, with the canonical form of its owner name (RFC 4034 §6.2)', () => {
    const ownerName = DomainName.parse('WWW.Example.');
    const rdata = { kind: 'A', address: '192.0.2.1' } as const;
    expect(signableRRset({ ownerName, type: 1, ttl: 60, rdatas: [rdata] })).toEqual({
      ownerKey: '\x03www\x07example\0',
      type: 1,
      ttl: 60,
      rdatas: ['\xc0\x00\x02\x01'],
    });
  });
});
