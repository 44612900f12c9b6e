/** Key tags, DS records, and the deletion of a DS. */
import { describe, expect, it } from 'vitest';
import { SIGNED_EXAMPLES } from '../../../test/vectors/dnssec.ts';
import { DomainName } from '../name.ts';
import { formatRdata, parseRdata } from '../presentation/rdata-text.ts';
import { type DnskeyFields, type DsFields, RRType } from '../rdata.ts';
import { findRdataFault } from '../wire/rdata-check.ts';
import { encodedRdata } from '../wire/rdata-codec.ts';
import { CDNSKEY_DELETE, CDS_DELETE, dsOfKey, isDeleteRequest, keyTag, matchDs } from './delegation.ts';

const dnskey = (text: string): DnskeyFields =>
  parseRdata(RRType.DNSKEY, text) as ReturnType<typeof parseRdata> & DnskeyFields;
const ds = (text: string): DsFields => parseRdata(RRType.DS, text) as ReturnType<typeof parseRdata> & DsFields;

/** RFC 4034 §5.4; the digest with SHA-256 is in RFC 4509 §2.3. */
const ZONE = DomainName.parse('dskey.example.com.');
const KEY = dnskey(
  '256 3 5 AQOeiiR0GOMYkDshWoSKz9XzfwJr1AYtsmx3TGkJaNXVbfi/2pHm822aJ5iI9BMzNXxeYCmZDRD99WYwYqUSdjMmmAphXdvxegXd/M5+X7Orz' +
    'KBaMbCVdFLUUh6DhweJBjEVv5f2wwjM9XzcnOf+EPbtG9DMBmADjFDc2w/rljwvFw==',
);
const SHA1 = '60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118';
const SHA256 = '60485 5 2 D4B7D520E7BB5F0F67674A0CCEB1E3E0614B93C4F9E99B8383F6A1E4469DA50A';

describe('key tags and DS records', () => {
  it("the RFC's example has its key tag (RFC 4034 appendix B) and its DS (RFC 4509 §2.3)", () => {
    expect(keyTag(KEY)).toBe(60485);
    expect(formatRdata(RRType.DS, { kind: 'DS', ...dsOfKey(ZONE, KEY) })).toBe(SHA256);
  });

  for (const example of SIGNED_EXAMPLES) {
    it(`${example.source}: key tag and DS`, () => {
      const zone = DomainName.parse(example.zone);
      const key = dnskey(example.dnskey);
      expect(keyTag(key)).toBe(example.keyTag);
      if (example.ds !== undefined) expect(matchDs(zone, key, ds(example.ds))).toBe('match');
    });
  }

  it('a DS matches its key alone: the zone in any case, the algorithm, the tag and the digest', () => {
    expect(matchDs(DomainName.parse('DSKEY.Example.com.'), KEY, ds(SHA256))).toBe('match');
    expect(matchDs(DomainName.parse('example.com.'), KEY, ds(SHA256))).toBe('different');
    expect(matchDs(ZONE, { ...KEY, flags: 257 }, ds(SHA256))).toBe('different');
    expect(matchDs(ZONE, KEY, { ...ds(SHA256), keyTag: 1 })).toBe('different');
    expect(matchDs(ZONE, KEY, { ...ds(SHA256), algorithm: 8 })).toBe('different');
    expect(matchDs(ZONE, KEY, { ...ds(SHA256), digestType: 4 })).toBe('different');
    expect(matchDs(ZONE, KEY, { ...ds(SHA256), digest: new Uint8Array() })).toBe('different');
  });

  it('a DS whose digest type is not known here is neither', () => {
    expect(matchDs(ZONE, KEY, ds(SHA1))).toBe('unsupported');
  });
});

describe('the request to delete the DS (RFC 8078 §4)', () => {
  it('has the presentation form of the RFC, and can be zone data', () => {
    expect(formatRdata(RRType.CDS, CDS_DELETE)).toBe('0 0 0 00');
    expect(formatRdata(RRType.CDNSKEY, CDNSKEY_DELETE)).toBe('0 3 0 AA==');
    expect(findRdataFault(RRType.CDS, encodedRdata(CDS_DELETE))).toBeUndefined();
    expect(findRdataFault(RRType.CDNSKEY, encodedRdata(CDNSKEY_DELETE))).toBeUndefined();
  });

  it('is recognised by algorithm 0', () => {
    expect([CDS_DELETE, CDNSKEY_DELETE, KEY, ds(SHA256)].map(isDeleteRequest)).toEqual([true, true, false, false]);
  });
});
