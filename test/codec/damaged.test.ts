/** Decoding of damaged and hostile octets: the result is a message or a WireError, in bounded time (RFC 9267). */
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeMessage, encodeMessage } from '../../src/dns/wire/message.ts';
import { WireError } from '../../src/dns/wire/reader.ts';
import { arbitraryMessage } from '../support/arbitrary-message.ts';
import { hex, plainValue, recordedMessages } from '../support/wire-vectors.ts';

/** True for a message, which must survive encoding and decoding; false for a WireError. */
function isMessage(octets: Uint8Array): boolean {
  let message: ReturnType<typeof decodeMessage>;
  try {
    message = decodeMessage(octets);
  } catch (error) {
    if (error instanceof WireError) return false;
    throw error;
  }
  const { tsigOffset: _before, ...written } = message;
  const { tsigOffset: _after, ...read } = decodeMessage(Uint8Array.from(encodeMessage(message)));
  if (!isDeepStrictEqual(read, written)) expect(plainValue(read)).toEqual(plainValue(written));
  return true;
}

describe('every truncation and every flipped bit of every recorded message', () => {
  for (const { label, octets } of recordedMessages()) {
    it(`${label}: each truncation is a WireError`, () => {
      for (let length = 0; length < octets.length; length++) {
        expect(() => decodeMessage(octets.subarray(0, length)), `${length} octets`).toThrow(WireError);
      }
    });

    it(`${label}: an octet too many is a WireError`, () => {
      expect(() => decodeMessage(Uint8Array.of(...octets, 0))).toThrow(WireError);
    });

    it(`${label}: each flipped bit gives a message or a WireError`, () => {
      const damaged = Uint8Array.from(octets);
      let messages = 0;
      for (let bit = 0; bit < octets.length * 8; bit++) {
        damaged[bit >> 3]! ^= 1 << (bit & 7);
        if (isMessage(damaged)) messages += 1;
        damaged[bit >> 3]! ^= 1 << (bit & 7);
      }
      // Each of the sixteen bits of the id gives another message; a flipped count gives none.
      expect(messages).toBeGreaterThanOrEqual(16);
      expect(messages).toBeLessThan(octets.length * 8);
    }, 30_000);
  }
});

describe('random octets', () => {
  it('give a message or a WireError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (octets) => void isMessage(octets)),
      { numRuns: 1000 },
    );
  });

  it('after a header with small counts give a message or a WireError', () => {
    const count = fc.nat({ max: 2 }).map((n) => [0, n]);
    fc.assert(
      fc.property(fc.tuple(count, count, count, count), fc.uint8Array({ maxLength: 100 }), (counts, rest) => {
        isMessage(Uint8Array.of(0, 1, 0, 0, ...counts.flat(), ...rest));
      }),
      { numRuns: 1000 },
    );
  });

  it('in place of some octets of any message give a message or a WireError', () => {
    fc.assert(
      fc.property(arbitraryMessage, fc.nat(), fc.uint8Array({ maxLength: 8 }), (message, at, patch) => {
        const octets = Uint8Array.from(encodeMessage(message));
        patch.forEach((octet, i) => {
          octets[(at + i) % octets.length] = octet;
        });
        isMessage(octets);
      }),
      { numRuns: 300 },
    );
  });
});

/** A header with the four counts. */
const header = (...counts: readonly [number, number, number, number]): string =>
  `00010000${counts.map((count) => count.toString(16).padStart(4, '0')).join('')}`;
const QUESTION = header(1, 0, 0, 0);
const ANSWER = header(0, 1, 0, 0);
const ADDITIONAL = header(0, 0, 0, 1);
const A = '0001 0001';
const TTL = '0000012c';
const OPT = '00 0029 04d0 00000000 0000';
/** root TSIG ANY 0, algorithm root, time 1, fudge 300, no MAC, id 1, no error, no other data. */
const TSIG = '00 00fa 00ff 00000000 0011 00 000000000001 012c 0000 0001 0000 0000';

const HOSTILE: readonly [string, string, string][] = [
  ['nothing', '', 'truncated'],
  ['eleven octets', '0001000000000000000000', 'truncated'],
  ['counts of 65535 in 12 octets', header(65535, 65535, 65535, 65535), 'counts do not match'],
  ['a count of 65535 questions in 12 octets', header(65535, 0, 0, 0), 'counts do not match'],
  ['a pointer to itself', `${QUESTION} c00c ${A}`, 'name pointer does not point backwards'],
  ['two pointers to each other', `${header(2, 0, 0, 0)} c012 ${A} c00c ${A}`, 'name pointer does not point backwards'],
  [
    'a name that ends in a pointer to its own start',
    `${QUESTION} 0161 c00c ${A}`,
    'name pointer does not point backwards',
  ],
  ['a pointer forward', `${QUESTION} c00e 00 ${A}`, 'name pointer does not point backwards'],
  ['a pointer beyond the message', `${QUESTION} ffff ${A}`, 'name pointer does not point backwards'],
  ['a pointer to the first octet', `${QUESTION} c000 ${A}`, 'name pointer into the header'],
  ['a pointer to the last octet of the header', `${QUESTION} c00b ${A}`, 'name pointer into the header'],
  ['half a pointer', `${header(0, 1, 0, 0)} 00 0002 0001 ${TTL} 0001 c0`, 'truncated name'],
  ['a label of type 01', `${QUESTION} 4100 ${A}`, 'unknown label type'],
  ['a label of type 10', `${QUESTION} 8100 ${A}`, 'unknown label type'],
  ['a label of 63 octets that is truncated', `${QUESTION} 3f ${'61'.repeat(20)}`, 'truncated name'],
  ['a name without an end', `${QUESTION} ${'0161'.repeat(10)}`, 'truncated name'],
  [
    'a name of 256 octets',
    `${QUESTION} ${`3f${'61'.repeat(63)}`.repeat(3)} 3e${'61'.repeat(62)} 00 ${A}`,
    'name longer than 255 octets',
  ],
  ['RDLENGTH beyond the message', `${ANSWER} 00 ${A} ${TTL} 0005 c0000201`, 'RDATA beyond the message'],
  ['RDLENGTH 0 of A in class IN', `${ANSWER} 00 ${A} ${TTL} 0000`, 'RDATA of A is not 4 octets'],
  ['RDLENGTH 3 of A', `${ANSWER} 00 ${A} ${TTL} 0003 c00002`, 'RDATA of A is not 4 octets'],
  ['RDLENGTH 5 of A', `${ANSWER} 00 ${A} ${TTL} 0005 c000020100`, 'RDATA of A is not 4 octets'],
  ['RDLENGTH 15 of AAAA', `${ANSWER} 00 001c0001 ${TTL} 000f ${'00'.repeat(15)}`, 'RDATA of AAAA is not 16 octets'],
  ['RDLENGTH 0 of TXT', `${ANSWER} 00 00100001 ${TTL} 0000`, 'truncated'],
  [
    'a name that crosses RDLENGTH',
    `${header(0, 2, 0, 0)} 00 00020001 ${TTL} 0002 0161 00 ${A} ${TTL} 0004 c0000201`,
    'truncated name',
  ],
  ['a pointer that crosses RDLENGTH', `${header(1, 1, 0, 0)} 00 ${A} 00 00020001 ${TTL} 0001 c00c`, 'truncated name'],
  [
    'octets between a name and the end of its RDATA',
    `${ANSWER} 00 00020001 ${TTL} 0002 0000`,
    'RDATA is longer than its fields',
  ],
  ['a character-string that crosses RDLENGTH', `${ANSWER} 00 00100001 ${TTL} 0003 036162 63`, 'truncated'],
  [
    'a compressed name in DNAME',
    `${header(1, 1, 0, 0)} 0161 00 ${A} 00 00270001 ${TTL} 0002 c00c`,
    'compressed name where compression is not allowed',
  ],
  [
    'a compressed name in RRSIG',
    `${header(1, 1, 0, 0)} 0161 00 ${A} 00 002e0001 ${TTL} 0014 0001 0d 03 0000012c 00000000 00000000 0001 c00c`,
    'compressed name where compression is not allowed',
  ],
  [
    'a compressed target of SVCB',
    `${header(1, 1, 0, 0)} 0161 00 ${A} 00 00400001 ${TTL} 0004 0001 c00c`,
    'compressed name where compression is not allowed',
  ],
  [
    'a compressed algorithm in TSIG',
    `${header(1, 0, 0, 1)} 0161 00 ${A} 00 00fa 00ff 00000000 0012 c00c 000000000001 012c 0000 0001 0000 0000`,
    'compressed name where compression is not allowed',
  ],
  [
    'SvcParamKeys out of order (RFC 9460 §2.2)',
    `${ANSWER} 00 00400001 ${TTL} 000b 0001 00 0003 0000 0001 0000`,
    'SvcParamKeys are not in increasing order',
  ],
  [
    'a SvcParamKey twice (RFC 9460 §2.2)',
    `${ANSWER} 00 00400001 ${TTL} 000b 0001 00 0003 0000 0003 0000`,
    'SvcParamKeys are not in increasing order',
  ],
  [
    'a type bitmap of no octets (RFC 4034 §4.1.2)',
    `${ANSWER} 00 002f0001 ${TTL} 0003 00 0000`,
    'type bitmap length is not 1 to 32',
  ],
  [
    'a type bitmap of 33 octets (RFC 4034 §4.1.2)',
    `${ANSWER} 00 002f0001 ${TTL} 0024 00 0021 ${'ff'.repeat(33)}`,
    'type bitmap length is not 1 to 32',
  ],
  [
    'a type bitmap with a zero octet at its end (RFC 4034 §4.1.2)',
    `${ANSWER} 00 002f0001 ${TTL} 0005 00 0002 4000`,
    'type bitmap ends in a zero octet',
  ],
  [
    'the same type window twice (RFC 4034 §4.1.2)',
    `${ANSWER} 00 002f0001 ${TTL} 0007 00 000140 000140`,
    'windows are not in increasing order',
  ],
  [
    'a CAA tag of no letters (RFC 8659 §4.1)',
    `${ANSWER} 00 01010001 ${TTL} 0002 0000`,
    'CAA tag is not letters and digits',
  ],
  ['an EDNS option that is truncated', `${ADDITIONAL} 00 0029 04d0 00000000 0005 000a 0008 01`, 'truncated'],
  ['two OPT records (RFC 6891 §6.1.1)', `${header(0, 0, 0, 2)} ${OPT} ${OPT}`, 'more than one OPT record'],
  ['an OPT record with a name (RFC 6891 §6.1.2)', `${ADDITIONAL} 0161${OPT}`, 'owner name of OPT is not the root'],
  ['OPT as an answer (RFC 6891 §6.1.1)', `${ANSWER} ${OPT}`, 'OPT outside the additional section'],
  ['OPT as authority (RFC 6891 §6.1.1)', `${header(0, 0, 1, 0)} ${OPT}`, 'OPT outside the additional section'],
  ['TSIG as an answer (RFC 8945 §5.1)', `${ANSWER} ${TSIG}`, 'TSIG outside the additional section'],
  ['TSIG before OPT (RFC 8945 §5.1)', `${header(0, 0, 0, 2)} ${TSIG} ${OPT}`, 'TSIG is not the last record'],
  ['two TSIG records (RFC 8945 §5.1)', `${header(0, 0, 0, 2)} ${TSIG} ${TSIG}`, 'TSIG is not the last record'],
  ['TSIG of class IN (RFC 8945 §4.2)', `${ADDITIONAL} ${TSIG.replace('00ff', '0001')}`, 'malformed TSIG record'],
  ['TSIG with a TTL (RFC 8945 §4.2)', `${ADDITIONAL} ${TSIG.replace('00000000', '00000001')}`, 'malformed TSIG record'],
  ['TSIG without RDATA', `${ADDITIONAL} 00 00fa 00ff 00000000 0000`, 'malformed TSIG record'],
  ['a MAC length beyond RDATA', `${ADDITIONAL} ${TSIG.replace('012c 0000', '012c 0100')}`, 'truncated'],
  ['an octet after the last record', `${QUESTION} 00 ${A} 00`, 'octets after the last record'],
];

describe('handwritten hostile messages are refused with a reason', () => {
  for (const [what, text, reason] of HOSTILE) {
    it(what, () => {
      const decode = () => decodeMessage(hex(text));
      expect(decode).toThrow(WireError);
      expect(decode).toThrow(reason);
    });
  }

  it('similar valid messages are decoded: OPT, TSIG, OPT before TSIG, a name of 255 octets', () => {
    expect(decodeMessage(hex(`${ADDITIONAL} ${OPT}`)).additional).toHaveLength(1);
    expect(decodeMessage(hex(`${ADDITIONAL} ${TSIG}`)).tsigOffset).toBe(12);
    expect(decodeMessage(hex(`${header(0, 0, 0, 2)} ${OPT} ${TSIG}`)).tsigOffset).toBe(23);
    const longest = `${QUESTION} ${`3f${'61'.repeat(63)}`.repeat(3)} 3d${'61'.repeat(61)} 00 ${A}`;
    expect(decodeMessage(hex(longest)).questions[0]!.qname.octets).toHaveLength(255);
  });
});

describe('names with pointers', () => {
  /** The first record has `payload` as unknown RDATA at octet 23; the owner name of the second is a pointer into it. */
  const PAYLOAD_AT = 23;
  function pointingInto(payload: readonly number[], target: number): Uint8Array {
    const length = payload.length.toString(16).padStart(4, '0');
    const carrier = `${header(0, 2, 0, 0)} 00 ff000001 00000000 ${length}`;
    return Uint8Array.of(...hex(carrier), ...payload, ...pointer(target), ...hex(`${A} ${TTL} 0004 c0000201`));
  }
  const pointer = (target: number): number[] => [0xc0 | (target >> 8), target & 0xff];
  const label = (length: number): number[] => [length, ...new Array<number>(length).fill(0x61)];
  const owner = (octets: Uint8Array) => decodeMessage(octets).answers[1]!.ownerName;

  it('a chain of 127 pointers is decoded, one of 128 is refused', () => {
    const chain = (pointers: number): Uint8Array => {
      const payload = [0];
      for (let i = 1; i < pointers; i++) payload.push(...pointer(PAYLOAD_AT + Math.max(0, 2 * i - 3)));
      return pointingInto(payload, PAYLOAD_AT + payload.length - 2);
    };
    expect(owner(chain(127)).isRoot).toBe(true);
    expect(() => decodeMessage(chain(128))).toThrow('too many name pointers');
  });

  it('the longest chain of a compressing writer is decoded: 127 labels with a pointer before each', () => {
    const payload = [...label(1), 0];
    for (let i = 1; i < 127; i++) {
      const at = PAYLOAD_AT + payload.length;
      payload.push(...label(1), ...pointer(i === 1 ? PAYLOAD_AT : at - 4));
    }
    const message = pointingInto(payload, PAYLOAD_AT + payload.length - 4);
    expect(owner(message).labelCount).toBe(127);
  });

  it('255 octets are decoded, 256 are refused', () => {
    const build = (lastLength: number): Uint8Array => {
      const payload = [...label(lastLength), 0, ...label(63), ...pointer(PAYLOAD_AT)];
      const start = PAYLOAD_AT + payload.length;
      payload.push(...label(63), ...label(63), ...pointer(PAYLOAD_AT + lastLength + 2));
      return pointingInto(payload, start);
    };
    expect(owner(build(61)).octets).toHaveLength(255);
    expect(() => decodeMessage(build(62))).toThrow('name longer than 255 octets');
  });
});
