/** RRsets (RFC 2181 §5) and conversions of their RDATA. */
import { describe, expect, it } from 'vitest';
import { DomainName } from './name.ts';
import { formatRRType, type Rdata, RRClass, RRType } from './rdata.ts';
import { addressRdata, rrsetAddresses, rrsetRecords, textRdata } from './rrset.ts';

const strings = (rdata: Rdata): string[] =>
  rdata.kind === 'TXT' ? rdata.strings.map((octets) => Buffer.from(octets).toString('utf8')) : [];

describe('textRdata', () => {
  it('RFC 1035 §3.3.14: a text of up to 255 octets is one character-string, a longer one several', () => {
    expect(strings(textRdata('hello'))).toEqual(['hello']);
    expect(strings(textRdata('x'.repeat(255)))).toEqual(['x'.repeat(255)]);
    expect(strings(textRdata('x'.repeat(256)))).toEqual(['x'.repeat(255), 'x']);
    expect(strings(textRdata('x'.repeat(510)))).toEqual(['x'.repeat(255), 'x'.repeat(255)]);
  });

  it('the empty text is one empty character-string: a TXT record has at least one', () => {
    expect(strings(textRdata(''))).toEqual(['']);
  });

  it('octets are counted, not characters', () => {
    const rdata = textRdata('ä'.repeat(128));
    expect(rdata.kind === 'TXT' && rdata.strings.map((octets) => octets.length)).toEqual([255, 1]);
  });
});

describe('address records', () => {
  it('the RDATA has the kind of its type', () => {
    expect(addressRdata(RRType.A, '192.0.2.1')).toEqual({ kind: 'A', address: '192.0.2.1' });
    expect(addressRdata(RRType.AAAA, '2001:db8::1')).toEqual({ kind: 'AAAA', address: '2001:db8::1' });
  });

  it('the addresses of RDATA are listed in order, everything else is passed over', () => {
    const rdatas = [addressRdata(RRType.A, '192.0.2.2'), textRdata('x'), addressRdata(RRType.AAAA, '2001:db8::1')];
    expect(rrsetAddresses(rdatas)).toEqual(['192.0.2.2', '2001:db8::1']);
  });
});

it('an RRset has one record of class IN for each of its members, all with its name, type and TTL', () => {
  const ownerName = DomainName.parse('home.example.com');
  const rdatas = [addressRdata(RRType.A, '192.0.2.1'), addressRdata(RRType.A, '192.0.2.2')];
  const records = rrsetRecords({ ownerName, type: RRType.A, ttl: 60, rdatas });
  expect(records.map((record) => record.rdata)).toEqual(rdatas);
  for (const record of records) expect(record).toMatchObject({ ownerName, type: 1, class: RRClass.IN, ttl: 60 });
});

it('RFC 3597 §5: a type without a mnemonic is printed as TYPE and its number', () => {
  expect(formatRRType(RRType.AAAA)).toBe('AAAA');
  expect(formatRRType(65_280)).toBe('TYPE65280');
});
