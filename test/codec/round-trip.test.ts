/** Round trips: any encoded message is decoded unchanged, and encoding it again gives the same octets. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DomainName } from '../../src/dns/name.ts';
import { decodeMessage, encodeMessage } from '../../src/dns/wire/message.ts';
import { arbitraryMessage, arbitraryName } from '../support/arbitrary-message.ts';
import { plainValue, recordedMessages } from '../support/wire-vectors.ts';

it('any message is decoded unchanged, and encoded again to the same octets', () => {
  fc.assert(
    fc.property(arbitraryMessage, (message) => {
      const octets = encodeMessage(message);
      const decoded = decodeMessage(octets);
      expect(plainValue(decoded)).toEqual(plainValue(message));
      expect(encodeMessage(decoded).equals(octets)).toBe(true);
    }),
    { numRuns: 1000 },
  );
});

it('any message is decoded from a part of a larger buffer, and does not refer to that buffer', () => {
  fc.assert(
    fc.property(arbitraryMessage, fc.nat({ max: 9 }), (message, offset) => {
      const octets = encodeMessage(message);
      const datagram = Buffer.alloc(octets.length + 20, 0xff);
      octets.copy(datagram, offset);
      const decoded = decodeMessage(datagram.subarray(offset, offset + octets.length));
      datagram.fill(0);
      expect(plainValue(decoded)).toEqual(plainValue(message));
    }),
  );
});

it('tsigOffset is the offset of the TSIG record, and absent without one', () => {
  fc.assert(
    fc.property(arbitraryMessage, (message) => {
      const octets = encodeMessage(message);
      const { tsigOffset } = decodeMessage(octets);
      const tsig = message.additional.at(-1)?.rdata.kind === 'TSIG';
      expect(tsigOffset !== undefined).toBe(tsig);
      if (tsigOffset === undefined) return;
      const unsigned = encodeMessage({ ...message, additional: message.additional.slice(0, -1) });
      expect(tsigOffset).toBe(unsigned.length);
      expect(octets.subarray(12, tsigOffset).equals(unsigned.subarray(12))).toBe(true);
    }),
  );
});

it('any name is unchanged after formatting and parsing (RFC 1035 §5.1), and can be built from its labels', () => {
  fc.assert(
    fc.property(arbitraryName, (name) => {
      expect(plainValue(DomainName.parse(name.toString()))).toBe(plainValue(name));
      expect(plainValue(DomainName.ofLabels(name.labels()))).toBe(plainValue(name));
      expect(name.toString()).toMatch(/^[!-~]+$/);
    }),
    { numRuns: 1000 },
  );
});

for (const { label, octets } of recordedMessages()) {
  it(`recorded: ${label}: is unchanged after decoding, encoding and decoding`, () => {
    const message = decodeMessage(octets);
    const written = encodeMessage(message);
    const again = decodeMessage(written);
    expect(plainValue(again)).toEqual(plainValue(message));
    expect(encodeMessage(again).equals(written)).toBe(true);
    // Our names compress at least as well as those of named and its clients.
    expect(written.length).toBeLessThanOrEqual(octets.length);
  });
}
