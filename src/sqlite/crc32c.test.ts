/** CRC-32C against the vectors of RFC 3720 Appendix B.4, and a loop over bits. */
import { describe, expect, it } from 'vitest';
import { crc32c } from './crc32c.ts';

function bitByBit(octets: Uint8Array): number {
  let crc = 0xffffffff;
  for (const octet of octets) {
    crc ^= octet;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

describe('CRC-32C', () => {
  it('RFC 3720 Appendix B.4: 32 octets of zeros, of ones, ascending, descending; and the usual nine digits', () => {
    const ascending = Uint8Array.from({ length: 32 }, (_, i) => i);
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
    expect(crc32c(ascending)).toBe(0x46dd794e);
    expect(crc32c(ascending.toReversed())).toBe(0x113fdb5c);
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  });

  it('is the same for every length, and for a text in pieces', () => {
    const octets = Uint8Array.from({ length: 70 }, (_, i) => (i * 151 + 7) & 0xff);
    for (let length = 0; length <= octets.length; length++) {
      const text = octets.subarray(0, length);
      expect(crc32c(text)).toBe(bitByBit(text));
      expect(crc32c(octets, 0, length)).toBe(bitByBit(text));
      const half = length >> 1;
      expect(crc32c(text.subarray(half), crc32c(text.subarray(0, half)))).toBe(bitByBit(text));
    }
  });
});
