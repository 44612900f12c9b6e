/** SOA serial arithmetic modulo 2^32 (RFC 1982). */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextSerial, serialIsLater } from './serial.ts';

const LAST = 0xffff_ffff;
const HALF = 0x8000_0000;
const serial = fc.nat({ max: LAST });

describe('serialIsLater', () => {
  it.each([
    [1, 0, true],
    [0, 1, false],
    [0, 0, false],
    [44, 0, true],
    [0, LAST, true],
    [LAST, 0, false],
    [100, LAST - 100, true],
    [HALF - 1, 0, true],
    [HALF + 1, 0, false],
    [0, HALF + 1, true],
    [HALF + 5, 6, true],
  ])('RFC 1982 §3.2: %d later than %d is %s', (a, b, later) => {
    expect(serialIsLater(a, b)).toBe(later);
  });

  it('RFC 1982 §3.2: two serials half the circle apart have no order', () => {
    fc.assert(
      fc.property(serial, (a) => {
        const b = (a + HALF) % 2 ** 32;
        expect([serialIsLater(a, b), serialIsLater(b, a)]).toEqual([false, false]);
      }),
    );
  });

  it('of two different serials exactly one is later, the one that additions of less than 2^31 reach', () => {
    fc.assert(
      fc.property(serial, fc.integer({ min: 1, max: HALF - 1 }), (a, step) => {
        const b = Number((BigInt(a) + BigInt(step)) % 2n ** 32n);
        expect([serialIsLater(b, a), serialIsLater(a, b)]).toEqual([true, false]);
      }),
    );
  });
});

describe('nextSerial', () => {
  it('wraps from 2^32 - 1 to 0', () => {
    expect(nextSerial(LAST)).toBe(0);
    expect(nextSerial(HALF - 1)).toBe(HALF);
    expect(nextSerial(HALF)).toBe(HALF + 1);
  });

  it('is always later than the serial before it', () => {
    fc.assert(fc.property(serial, (a) => serialIsLater(nextSerial(a), a)));
  });
});
