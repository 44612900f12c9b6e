// Any message that can be written is read back the same, and writing it again gives the same octets.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DomainName } from '../../src/dns/name.ts';
import { decodeMessage, encodeMessage } from '../../src/dns/wire/message.ts';
import { arbitraryMessage, arbitraryName } from '../support/arbitrary-message.ts';
import { plainValue, recordedMessages } from '../support/wire-vectors.ts';

it('any message is the same after it was written and read, and its octets are the same when it is written again', () => {
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

it('any message is read the same from a part of a larger buffer, and keeps nothing of that buffer', () => {
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

it('tsigOffset is where the TSIG record begins, and is absent without one', () => {
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

it('any name is the same after it was printed and parsed (RFC 1035 §5.1), and its labels give it again', () => {
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
  it(`recorded: ${label}: is read, and is the same after it was written and read again`, () => {
    const message = decodeMessage(octets);
    const written = encodeMessage(message);
    const again = decodeMessage(written);
    expect(plainValue(again)).toEqual(plainValue(message));
    expect(encodeMessage(again).equals(written)).toBe(true);
    // Our names compress at least as well as those of named and its clients.
    expect(written.length).toBeLessThanOrEqual(octets.length);
  });
}
