/** The writer: compression of names (RFC 1035 §4.1.4), growth, and overflow. */
import { describe, expect, it } from 'vitest';
import { DomainName } from '../name.ts';
import { WireReader } from './reader.ts';
import { MAX_MESSAGE_OCTETS, WireOverflow, WireWriter } from './writer.ts';

const name = (text: string): DomainName => DomainName.parse(text);

function written(...texts: readonly string[]): string {
  const writer = new WireWriter();
  for (const text of texts) writer.name(name(text));
  return writer.finish().toString('hex');
}

describe('name compression', () => {
  it('a name that was written before is one pointer, a name below it ends in one', () => {
    const example = '076578616d706c6500';
    expect(written('example', 'example')).toBe(`${example}c000`);
    expect(written('example', 'www.example')).toBe(`${example}03777777c000`);
    expect(written('a.example', 'b.example')).toBe(`0161${example}0162c002`);
    expect(written('a.example', 'b.example', 'c.b.example')).toBe(`0161${example}0162c0020163c00b`);
  });

  it('the root is never a pointer', () => {
    expect(written('.', '.')).toBe('0000');
  });

  it('RFC 4343 §4: a suffix of another case is written in full, so that the case is preserved', () => {
    expect(written('Com', 'com')).toBe('03436f6d0003636f6d00');
  });

  it('labels are shared, not letters: "bc" is not a suffix of "abc", and a label may contain what looks like another', () => {
    expect(written('abc', 'bc')).toBe('0361626300 02626300'.replace(' ', ''));
    expect(written('a\\.com', 'com')).toBe('05612e636f6d0003636f6d00');
    expect(written('x\\003com', 'com')).toBe('057803636f6d0003636f6d00');
  });

  it('a name that must not be compressed is written in full, and others may point to it', () => {
    const writer = new WireWriter();
    writer.name(name('com'));
    writer.name(name('a.com'), false);
    writer.name(name('a.com'));
    expect(writer.finish().toString('hex')).toBe('03636f6d00 0161 03636f6d00 c005'.replaceAll(' ', ''));
  });

  it('a pointer reaches only the first 16,384 octets: later names are written in full again', () => {
    const writer = new WireWriter();
    writer.bytes(new Uint8Array(0x3fff));
    writer.name(name('a.b'));
    writer.name(name('a.b'));
    writer.name(name('b'));
    const octets = writer.finish();
    expect(octets.subarray(0x3fff).toString('hex')).toBe('0161016200ffff016200');
    const reader = new WireReader(octets, 0x3fff);
    expect([reader.name(), reader.name(), reader.name()].map(String)).toEqual(['a.b.', 'a.b.', 'b.']);
  });
});

describe('growth', () => {
  it('a writer grows to 65,535 octets, whatever it began with, and not further', () => {
    for (const capacity of [1, 512, 65_535, 200_000]) {
      const writer = new WireWriter(capacity);
      writer.u16(0xabcd);
      for (let i = 0; i < 65; i++) writer.bytes(new Uint8Array(1000).fill(i));
      writer.bytes(new Uint8Array(533));
      expect(writer.length).toBe(MAX_MESSAGE_OCTETS);
      expect(() => writer.u8(0)).toThrow(WireOverflow);
      const octets = writer.finish();
      expect(octets).toHaveLength(MAX_MESSAGE_OCTETS);
      expect(octets.readUInt16BE(0)).toBe(0xabcd);
      expect([octets[2], octets[1002], octets[64_002]]).toEqual([0, 1, 64]);
    }
  });

  it('a character-string of 256 octets is a WireOverflow', () => {
    const writer = new WireWriter();
    writer.characterString(new Uint8Array(255));
    expect(() => writer.characterString(new Uint8Array(256))).toThrow(WireOverflow);
  });
});

it('numbers are written in network order, up to the largest', () => {
  const writer = new WireWriter();
  writer.u8(255);
  writer.u16(0xfffe);
  writer.u32(0xffff_fffd);
  writer.u48(2 ** 48 - 4);
  writer.patchU16(0, 0x0102);
  expect(writer.finish().toString('hex')).toBe('0102fefffffffdfffffffffffc');
});
