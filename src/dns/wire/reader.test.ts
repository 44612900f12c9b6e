/** The reader: bounds of every read, names through pointers, and the work that one name can cause. */
import { describe, expect, it } from 'vitest';
import { hex } from '../../../test/support/wire-vectors.ts';
import { WireError, WireReader } from './reader.ts';

describe('numbers and octets', () => {
  it('are read in network order, up to the largest', () => {
    const reader = new WireReader(hex('ff fffe fffffffd fffffffffffc 02 6162 03'));
    expect(reader.u8()).toBe(255);
    expect(reader.u16()).toBe(0xfffe);
    expect(reader.u32()).toBe(0xffff_fffd);
    expect(reader.u48()).toBe(2 ** 48 - 4);
    expect([...reader.characterString()]).toEqual([0x61, 0x62]);
    expect([...reader.rest()]).toEqual([3]);
    expect(reader.remaining).toBe(0);
  });

  it('a read beyond the end is a WireError with the offset, although the buffer has more octets', () => {
    const reads: ((reader: WireReader) => unknown)[] = [
      (reader) => reader.u16(),
      (reader) => reader.u32(),
      (reader) => reader.u48(),
      (reader) => reader.bytes(2),
      (reader) => reader.characterString(),
      (reader) => reader.name(),
    ];
    for (const read of reads) {
      const reader = new WireReader(hex('00 00 01 00 00 00 00 00 00'), 2, 3);
      expect(() => read(reader), String(read)).toThrow(WireError);
    }
    const empty = new WireReader(hex('00'), 1);
    expect(() => empty.u8()).toThrow('truncated at octet 1');
  });

  it('returned octets do not change with the buffer', () => {
    const buffer = Buffer.from('abc');
    const read = new WireReader(buffer).bytes(3);
    buffer.fill(0);
    expect([...read]).toEqual([0x61, 0x62, 0x63]);
    expect(read.buffer.byteLength).toBe(3);
  });
});

describe('names', () => {
  /** RFC 1035 §4.1.4: F.ISI.ARPA at 20, FOO.F.ISI.ARPA at 40, ARPA at 64, the root at 92. */
  const RFC_1035 = new Uint8Array(93);
  RFC_1035.set(hex('01 46 03 495349 04 41525041 00'), 20);
  RFC_1035.set(hex('03 464f4f c014'), 40);
  RFC_1035.set(hex('c01a'), 64);

  it.each([
    [20, 'F.ISI.ARPA.', 32],
    [40, 'FOO.F.ISI.ARPA.', 46],
    [64, 'ARPA.', 66],
    [92, '.', 93],
  ])('RFC 1035 §4.1.4: the name at octet %d is %s', (offset, expected, after) => {
    const reader = new WireReader(RFC_1035, offset);
    expect(reader.name().toString()).toBe(expected);
    expect(reader.offset).toBe(after);
  });

  it('the case of letters is preserved, and is that of the name that a pointer refers to', () => {
    const reader = new WireReader(hex(`${'00'.repeat(12)} 03 575757 07 6558616d506c65 00 03 777777 c010`), 12);
    expect(reader.name().toString()).toBe('WWW.eXamPle.');
    expect(reader.name().toString()).toBe('www.eXamPle.');
  });

  it('a name that is one pointer to a name that was read is that name', () => {
    const reader = new WireReader(hex(`${'00'.repeat(12)} 0161 00 c00c`), 12);
    expect(reader.name()).toBe(reader.name());
    expect(reader.offset).toBe(17);
  });

  it('where no pointer is allowed, a pointer to a name that was read is an error too', () => {
    const reader = new WireReader(hex(`${'00'.repeat(12)} 0161 00 c00c`), 12);
    reader.name();
    expect(() => reader.name(false)).toThrow('compressed name where compression is not allowed');
  });

  it('half a pointer at the end of RDATA is an error, although the message continues', () => {
    const octets = hex(`${'00'.repeat(12)} 0161 00 c00c`);
    const reader = new WireReader(octets, 12);
    reader.name();
    reader.end = octets.length - 1;
    expect(() => reader.name()).toThrow('truncated name');
  });

  /** Counts every octet that is read. */
  function counting(octets: Uint8Array): { octets: Uint8Array; reads: () => number } {
    let reads = 0;
    const watched = new Proxy(octets, {
      get(target, key) {
        if (typeof key === 'string' && /^\d+$/.test(key)) reads += 1;
        return Reflect.get(target, key, target);
      },
    });
    return { octets: watched, reads: () => reads };
  }

  it('no name costs more than some hundred reads, however long the chain of pointers that was laid', () => {
    const chain: number[] = [...new Array<number>(12).fill(0), 0];
    while (chain.length < 0x3ff0) {
      const target = Math.max(12, chain.length - 2);
      chain.push(0xc0 | (target >> 8), target & 0xff);
    }
    const { octets, reads } = counting(Uint8Array.from(chain));
    let worst = 0;
    for (let start = 13; start < chain.length; start += 2) {
      const before = reads();
      // A new reader each: no name is cached.
      const reader = new WireReader(octets, start);
      try {
        reader.name();
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
      }
      worst = Math.max(worst, reads() - before);
    }
    expect(worst).toBeGreaterThan(127);
    expect(worst).toBeLessThan(600);
  });
});
