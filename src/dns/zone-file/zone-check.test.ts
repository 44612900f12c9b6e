/** The rules for the records of a zone, with complete messages. */
import { describe, expect, it } from 'vitest';
import { DomainName } from '../name.ts';
import { formatRdata } from '../presentation/rdata-text.ts';
import { formatRRType } from '../rdata.ts';
import { checkZoneRecords, type ZoneCheckOptions } from './zone-check.ts';
import { parseZoneFile } from './zone-file.ts';

const apex = DomainName.parse('example.com');
const START = '@ SOA ns h 1 2 3 4 5\n@ NS ns.example.net.\n';

function check(text: string, content: ZoneCheckOptions['content'] = 'part') {
  const parsed = parseZoneFile(text, { origin: apex, defaultTtl: 300, fileName: 'z' });
  const { records, errors, warnings } = checkZoneRecords(parsed, { apex, content });
  const lines = records.map(({ ownerName, ttl, type, rdata }) => {
    return `${ownerName} ${ttl} ${formatRRType(type)} ${formatRdata(type, rdata)}`;
  });
  return { lines, errors, warnings };
}

describe('a whole zone', () => {
  it('with SOA and NS is right', () => {
    expect(check(START, 'whole-zone')).toMatchObject({ errors: [], warnings: [] });
  });

  it('RFC 1035 §5.2: has an SOA and an NS at its apex', () => {
    expect(check('a SOA ns h 1 2 3 4 5\na NS ns.example.net.', 'whole-zone').errors).toEqual([
      'z:1: the SOA record must be at example.com.: remove the record at a.example.com.',
      'the zone example.com. has no SOA record',
      'the zone example.com. has no NS record: add one for each of its nameservers',
    ]);
  });

  it('RFC 1035 §5.2: has one SOA', () => {
    expect(check(`${START}@ SOA ns h 2 2 3 4 5`, 'whole-zone').errors).toEqual([
      'z:3: SOA at example.com. is not the only one, and a name has at most one: remove the others',
    ]);
  });

  it('a nameserver in it has an address', () => {
    expect(check(`${START}@ NS ns\n@ NS ns2\n@ NS ns3\nNS2 A 192.0.2.1\nns3 AAAA ::1`, 'whole-zone').warnings).toEqual([
      'z:3: the nameserver ns.example.com. has no address in the zone: add an A or AAAA record',
    ]);
  });
});

describe('a part of a zone', () => {
  it('needs no records, and must not have an SOA', () => {
    expect(check('')).toEqual({ lines: [], errors: [], warnings: [] });
    expect(check(START).errors).toEqual([
      'z:1: the server generates the SOA record: remove the record at example.com.',
    ]);
  });
});

describe('records', () => {
  it('are in the zone', () => {
    expect(
      check('a A 192.0.2.1\nexample.org. A 192.0.2.1\nnotexample.com. A 192.0.2.1\nA.EXAMPLE.COM. A 192.0.2.2').errors,
    ).toEqual([
      'z:2: example.org. is not in the zone example.com.: remove the record, or the final dot of a relative name',
      'z:3: notexample.com. is not in the zone example.com.: remove the record, or the final dot of a relative name',
    ]);
  });

  it('RFC 2181 §5: that are there twice are left out, names compared without case', () => {
    expect(check('a MX 10 Mail\nA MX 10 mail\na TXT x\na TXT X\na A 192.0.2.1')).toEqual({
      lines: [
        'a.example.com. 300 MX 10 Mail.example.com.',
        'a.example.com. 300 TXT "x"',
        'a.example.com. 300 TXT "X"',
        'a.example.com. 300 A 192.0.2.1',
      ],
      errors: [],
      warnings: ['z:2: MX at A.example.com. is a duplicate and is ignored'],
    });
  });

  it('RFC 2181 §5.2: of one RRset get the lowest of their TTLs', () => {
    expect(check('a 60 A 192.0.2.1\na 30 A 192.0.2.2\na 90 A 192.0.2.3\na 90 TXT x')).toEqual({
      lines: [
        'a.example.com. 30 A 192.0.2.1',
        'a.example.com. 30 A 192.0.2.2',
        'a.example.com. 30 A 192.0.2.3',
        'a.example.com. 90 TXT "x"',
      ],
      errors: [],
      warnings: [
        'z:2: A at a.example.com. has the TTLs 60 and 30: the lower one, 30, is used',
        'z:3: A at a.example.com. has the TTLs 30 and 90: the lower one, 30, is used',
      ],
    });
  });

  it('RFC 4034 §3: of type RRSIG keep the TTL of the RRset that they sign', () => {
    const signature = 'RRSIG A 13 3 60 20300101000000 20290101000000 1 @ AQID';
    const other = signature.replace('A 13', 'TXT 13');
    expect(check(`a 60 ${signature}\na 90 ${other}`)).toMatchObject({ errors: [], warnings: [] });
    expect(check(`a 60 ${signature}\na 90 ${other}`).lines.map((line) => line.split(' ')[1])).toEqual(['60', '90']);
  });

  it('RFC 2181 §10.1: beside a CNAME are none, its signature and NSEC apart', () => {
    expect(check('a A 192.0.2.1\nb TXT x\nA CNAME b\nb MX 1 a\nb CNAME a').errors).toEqual([
      'z:3: A.example.com. has CNAME and A, which cannot coexist: remove one of them',
      'z:5: b.example.com. has CNAME and MX, which cannot coexist: remove one of them',
    ]);
    expect(check('a CNAME b\na NSEC b CNAME NSEC RRSIG').errors).toEqual([]);
  });

  it('RFC 2181 §10.1, RFC 6672 §2.4: a name has one CNAME and one DNAME', () => {
    expect(check('a CNAME b\na CNAME c\nd DNAME b\nd DNAME c\nd A 192.0.2.1').errors).toEqual([
      'z:2: CNAME at a.example.com. is not the only one, and a name has at most one: remove the others',
      'z:4: DNAME at d.example.com. is not the only one, and a name has at most one: remove the others',
    ]);
  });

  it('without a place are checked, too, and at most a hundred errors are reported', () => {
    const records = parseZoneFile(Array.from({ length: 1000 }, (_, i) => `h${i}.example.org. A 192.0.2.1`).join('\n'), {
      origin: apex,
      defaultTtl: 1,
    }).map(({ file: _file, line: _line, ...record }) => record);
    const { errors } = checkZoneRecords(records, { apex, content: 'part' });
    expect(errors).toHaveLength(100);
    expect(errors[0]).toBe(
      'h0.example.org. is not in the zone example.com.: remove the record, or the final dot of a relative name',
    );
  });
});

describe('RDATA', () => {
  it.each([
    'a LOC \\# 3 000102',
    'a SSHFP 1 1 AB',
    'a DS 1 8 2 ABCD',
    'a HTTPS 1 . mandatory=port',
    'a NSEC3 1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr A',
  ])('that secondaries refuse is an error: %s', (line) => {
    expect(check(line).errors).toEqual([expect.stringMatching(/^z:1: .*: correct or remove the record at a\./)]);
  });

  it('RFC 4034 §6.2: of two records that differ in the case of a name, the second is a duplicate', () => {
    expect(check('a RP Foo. .\na RP foo. .')).toMatchObject({
      lines: ['a.example.com. 300 RP Foo. .'],
      warnings: ['z:2: RP at a.example.com. is a duplicate and is ignored'],
    });
  });
});
