/** Messages: header bits, sections, RDATA of no octets in UPDATE, TSIG's place; read from recorded octets. */
import { describe, expect, it } from 'vitest';
import { hex, plainValue, recordedMessage } from '../../../test/support/wire-vectors.ts';
import { DomainName } from '../name.ts';
import { type ResourceRecord, RRClass, RRType } from '../rdata.ts';
import { decodeMessage, encodeMessage, makeMessage, Opcode, Rcode } from './message.ts';
import { WireOverflow } from './writer.ts';

const name = (text: string): DomainName => DomainName.parse(text);
const aRecord = (text: string, address: string): ResourceRecord => ({
  ownerName: name(text),
  type: RRType.A,
  class: RRClass.IN,
  ttl: 300,
  rdata: { kind: 'A', address },
});

describe('header', () => {
  it.each([
    ['response', '8000'],
    ['authoritative', '0400'],
    ['truncated', '0200'],
    ['recursionDesired', '0100'],
    ['recursionAvailable', '0080'],
    ['authenticData', '0020'],
    ['checkingDisabled', '0010'],
  ])('%s is the bit %s (RFC 1035 §4.1.1, RFC 4035 §3)', (flag, bits) => {
    const octets = hex(`beef ${bits} 0000 0000 0000 0000`);
    const message = makeMessage({ id: 0xbeef, [flag]: true });
    expect(decodeMessage(octets)).toEqual(message);
    expect(encodeMessage(message).equals(octets)).toBe(true);
  });

  it('opcode and RCODE have four bits each', () => {
    const message = makeMessage({ opcode: Opcode.UPDATE, rcode: Rcode.NOTZONE });
    expect(encodeMessage(message).toString('hex')).toBe('0000280a0000000000000000');
    expect(decodeMessage(hex('0000 780f 0000 0000 0000 0000'))).toMatchObject({ opcode: 15, rcode: 15 });
  });

  it('the reserved bit is ignored when read and written as zero (RFC 1035 §4.1.1)', () => {
    const message = decodeMessage(hex('0000 0040 0000 0000 0000 0000'));
    expect(message).toEqual(makeMessage({}));
    expect(encodeMessage(message)[3]).toBe(0);
  });
});

describe('recorded messages', () => {
  it('an answer of named: AA, the question, the records in their sections', () => {
    const message = decodeMessage(recordedMessage('dig x.dname.types.example.com A answer'));
    expect(message).toMatchObject({ response: true, authoritative: true, rcode: Rcode.NOERROR });
    expect(message.questions.map((question) => `${question.qname} ${question.qtype} ${question.qclass}`)).toEqual([
      'x.dname.types.example.com. 1 1',
    ]);
    expect(message.answers.map((rr) => [String(rr.ownerName), rr.type, rr.ttl, plainValue(rr.rdata)])).toEqual([
      [
        'dname.types.example.com.',
        RRType.DNAME,
        300,
        plainValue({ kind: 'DNAME', target: name('a.very.long.target.example.net') }),
      ],
      [
        'x.dname.types.example.com.',
        RRType.CNAME,
        300,
        plainValue({ kind: 'CNAME', target: name('x.a.very.long.target.example.net') }),
      ],
    ]);
    expect(message.additional.map((rr) => rr.type)).toEqual([RRType.OPT]);
  });

  it('a referral of named: authority and glue', () => {
    const message = decodeMessage(recordedMessage('dig host.sub.types.example.com A answer'));
    expect(message.authoritative).toBe(false);
    expect(message.answers).toEqual([]);
    expect(message.authority.map((rr) => `${rr.ownerName} ${rr.type}`)).toContain('sub.types.example.com. 2');
    expect(message.additional.map((rr) => plainValue(rr.rdata))).toContainEqual({ kind: 'A', address: '192.0.2.54' });
  });

  it('an UPDATE of nsupdate: prerequisites and deletions have no RDATA, additions have (RFC 2136 §2.4, §2.5)', () => {
    const message = decodeMessage(recordedMessage('nsupdate request'));
    expect(message.opcode).toBe(Opcode.UPDATE);
    expect(message.questions).toMatchObject([{ qtype: RRType.SOA, qclass: RRClass.IN }]);
    const line = (rr: ResourceRecord) => [String(rr.ownerName).split('.')[0], rr.type, rr.class, rr.ttl, rr.rdata.kind];
    expect(message.answers.map(line).sort()).toEqual(
      [
        ['host', RRType.CNAME, RRClass.NONE, 0, 'empty'],
        ['host', RRType.ANY, RRClass.ANY, 0, 'empty'],
        ['host', RRType.A, RRClass.IN, 0, 'A'],
      ].sort(),
    );
    expect(message.authority.map(line)).toEqual([
      ['host', RRType.A, RRClass.ANY, 0, 'empty'],
      ['host', RRType.TXT, RRClass.NONE, 0, 'TXT'],
      ['other', RRType.ANY, RRClass.ANY, 0, 'empty'],
      ['host', RRType.A, RRClass.IN, 60, 'A'],
      ['host', RRType.AAAA, RRClass.IN, 60, 'AAAA'],
    ]);
  });

  it('a signed message of nsupdate: tsigOffset is where the TSIG record begins', () => {
    const octets = recordedMessage('nsupdate request');
    const { tsigOffset, additional } = decodeMessage(octets);
    const keyNameTypeClass = '036b6579076578616d706c6503636f6d00 00fa 00ff'.replaceAll(' ', '');
    expect(Buffer.from(octets).toString('hex', tsigOffset)).toMatch(new RegExp(`^${keyNameTypeClass}`));
    expect(additional.at(-1)?.rdata).toMatchObject({ kind: 'TSIG', fudgeSeconds: 300, error: 0 });
    expect(decodeMessage(recordedMessage('dig types.example.com SOA answer'))).not.toHaveProperty('tsigOffset');
  });

  it('TSIG errors of named: BADKEY without a MAC, BADSIG without a MAC (RFC 8945 §5.2.1, §5.2.2)', () => {
    for (const [label, error] of [
      ['dig TSIG bad key answer', 17],
      ['dig TSIG bad secret answer', 16],
    ] as const) {
      const message = decodeMessage(recordedMessage(label));
      expect(message.rcode).toBe(Rcode.NOTAUTH);
      const { rdata } = message.additional.at(-1)!;
      expect(rdata).toMatchObject({ kind: 'TSIG', error });
      expect(rdata.kind === 'TSIG' && rdata.mac.length).toBe(0);
    }
  });
});

describe('writing', () => {
  it('the names of a whole answer are compressed: 45 octets for home.example.com A', () => {
    const message = makeMessage({
      id: 1,
      response: true,
      questions: [{ qname: name('home.example.com'), qtype: RRType.A, qclass: RRClass.IN }],
      answers: [aRecord('home.example.com', '192.0.2.7')],
    });
    expect(encodeMessage(message).toString('hex')).toBe(
      '000180000001000100000000' + '04686f6d65076578616d706c6503636f6d0000010001' + 'c00c000100010000012c0004c0000207',
    );
  });

  it('the owner name of TSIG is not compressed (RFC 8945 §4.2)', () => {
    const octets = recordedMessage('dig TSIG request');
    const message = decodeMessage(octets);
    const keyName = message.additional.at(-1)!.ownerName;
    const asked = encodeMessage({ ...message, questions: [{ qname: keyName, qtype: 1, qclass: 1 }] });
    const { tsigOffset } = decodeMessage(asked);
    expect(asked.subarray(tsigOffset, tsigOffset! + keyName.octets.length).equals(keyName.octets)).toBe(true);
  });

  it('a message of 65,535 octets is written, one octet more is a WireOverflow, whatever the number of records', () => {
    // 10 octets of header fields and one of the root name for each record, 12 for the message.
    const record = (length: number): ResourceRecord => ({
      ownerName: DomainName.root,
      type: 65_280,
      class: RRClass.IN,
      ttl: 0,
      rdata: { kind: 'unknown', octets: new Uint8Array(length) },
    });
    const many = (last: number) => makeMessage({ answers: [...new Array(1000).fill(record(54)), record(last)] });
    expect(encodeMessage(many(512))).toHaveLength(65_535);
    expect(() => encodeMessage(many(513))).toThrow(WireOverflow);
    expect(encodeMessage(makeMessage({ answers: [record(65_512)] }))).toHaveLength(65_535);
    expect(() => encodeMessage(makeMessage({ answers: [record(65_513)] }))).toThrow(WireOverflow);
    const tooMany = new Array(65_536).fill(record(0));
    expect(() => encodeMessage(makeMessage({ answers: tooMany }))).toThrow(WireOverflow);
  });

  it('a message larger than 16,384 octets is decoded unchanged: no pointer exceeds its 14 bits', () => {
    const answers = Array.from({ length: 2000 }, (_, i) => aRecord(`h${i % 1000}.example.com`, '192.0.2.1'));
    const octets = encodeMessage(makeMessage({ answers }));
    expect(octets.length).toBeGreaterThan(0x4000);
    expect(plainValue(decodeMessage(octets).answers)).toEqual(plainValue(answers));
  });
});
