/** EDNS(0): the fields of an OPT record (RFC 6891 §6.1), options preserved. */
import { describe, expect, it } from 'vitest';
import { plainValue, recordedMessage } from '../../../test/support/wire-vectors.ts';
import { DomainName } from '../name.ts';
import { EdnsOption, ednsRecord, findEdns, fullRcode, isMalformedOption } from './edns.ts';
import { decodeMessage, encodeMessage, formatRcode, makeMessage, Rcode } from './message.ts';

const reread = (fields: Parameters<typeof ednsRecord>[0]) =>
  findEdns(decodeMessage(encodeMessage(makeMessage({ additional: [ednsRecord(fields)] }))));

describe('an OPT record', () => {
  it('of no fields: 1232 octets, version 0, no flags, no options', () => {
    expect(
      encodeMessage(makeMessage({ additional: [ednsRecord({})] }))
        .subarray(12)
        .toString('hex'),
    ).toBe('00002904d0000000000000');
  });

  it('is read as it was written, each field in its place', () => {
    const edns = {
      udpPayloadSize: 4096,
      extendedRcode: 0xff,
      version: 3,
      dnssecOk: true,
      options: [{ code: 10, octets: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) }],
    };
    expect(plainValue(reread(edns))).toEqual(plainValue(edns));
    expect(ednsRecord(edns).ttl).toBe(0xff038000);
  });

  it.each([0, 254, 255, 65_535])('a payload size of %d is a size, not a class of UPDATE', (udpPayloadSize) => {
    expect(reread({ udpPayloadSize })).toMatchObject({ udpPayloadSize, options: [] });
  });

  it('a message without one has no EDNS', () => {
    expect(findEdns(makeMessage({}))).toBeUndefined();
    expect(fullRcode(makeMessage({ rcode: Rcode.REFUSED }))).toBe(5);
  });
});

describe('recorded from named', () => {
  it('DO, the cookie and NSID are found', () => {
    const edns = findEdns(decodeMessage(recordedMessage('dig signed A answer')));
    expect(edns).toMatchObject({ udpPayloadSize: 1232, dnssecOk: true, version: 0 });
    expect(edns?.options.map((option) => option.code)).toContain(10);
  });

  it('RFC 6891 §6.1.3: BADVERS is combined from the header and OPT', () => {
    const message = decodeMessage(recordedMessage('dig EDNS version 1 answer'));
    expect(message.rcode).toBe(0);
    expect(fullRcode(message)).toBe(Rcode.BADVERS);
    expect(formatRcode(fullRcode(message))).toBe('BADVERS');
  });

  it('an unknown option is preserved (RFC 6891 §6.1.2)', () => {
    const message = decodeMessage(recordedMessage('dig subnet option and padding request'));
    expect(findEdns(message)?.options.map((option) => option.code)).toEqual([8, 12]);
  });
});

it('an RCODE without a name is printed with its number', () => {
  expect(formatRcode(Rcode.NXRRSET)).toBe('NXRRSET');
  expect(formatRcode(11)).toBe('RCODE11');
});

it('the owner name of an OPT record is the root (RFC 6891 §6.1.2)', () => {
  expect(ednsRecord({}).ownerName).toBe(DomainName.root);
});

describe('an option of a request is malformed', () => {
  const malformed = (code: number, hex: string) => {
    // Octets around the option must not be read.
    const octets = Buffer.from(`ffff${hex}ffff`, 'hex');
    return isMalformedOption(code, octets, 2, octets.length - 2);
  };
  const lengths = (code: number) =>
    Array.from({ length: 50 }, (_, length) => length).filter((length) => !malformed(code, '00'.repeat(length)));

  it('by its length', () => {
    expect(lengths(EdnsOption.EXPIRE)).toEqual([0, 4]);
    expect(lengths(EdnsOption.COOKIE)).toEqual([8, ...Array.from({ length: 25 }, (_, i) => 16 + i)]);
    expect(lengths(EdnsOption.KEY_TAG)).toEqual(Array.from({ length: 24 }, (_, i) => 2 + 2 * i));
    expect(lengths(EdnsOption.EXTENDED_ERROR)[0]).toBe(2);
    expect([lengths(EdnsOption.CLIENT_TAG), lengths(EdnsOption.SERVER_TAG)]).toEqual([[2], [2]]);
  });

  it.each([EdnsOption.NSID, EdnsOption.TCP_KEEPALIVE, 5, 12, 13, 65_001])('%d: never', (code) => {
    expect(lengths(code)).toHaveLength(50);
  });

  it.each([1, 2])('RFC 7871 §6: a client subnet of family %d with any prefix and any number of octets', (family) => {
    const bits = family === 1 ? 32 : 128;
    for (let prefix = 0; prefix <= 255; prefix++) {
      for (let length = 0; length <= 17; length++) {
        const option = Buffer.from([0, family, prefix, 0, ...new Uint8Array(length)]).toString('hex');
        const isValid = prefix <= bits && length === Math.ceil(prefix / 8);
        expect(malformed(EdnsOption.CLIENT_SUBNET, option), option).toBe(!isValid);
      }
    }
  });

  it('RFC 7871 §6: a client subnet with a bit after the prefix, with a scope, or of another family', () => {
    for (let prefix = 1; prefix <= 32; prefix++) {
      const address = Buffer.alloc(Math.ceil(prefix / 8));
      const option = (last: number) => Buffer.from([0, 1, prefix, 0, ...address.subarray(1), last]).toString('hex');
      const spare = address.length * 8 - prefix;
      expect(malformed(EdnsOption.CLIENT_SUBNET, option(1 << spare))).toBe(false);
      if (spare > 0) expect(malformed(EdnsOption.CLIENT_SUBNET, option(1 << (spare - 1)))).toBe(true);
    }
    expect(malformed(EdnsOption.CLIENT_SUBNET, '00011801c00002')).toBe(true);
    expect(malformed(EdnsOption.CLIENT_SUBNET, '00000000')).toBe(false);
    expect(malformed(EdnsOption.CLIENT_SUBNET, '00030000')).toBe(true);
    expect(malformed(EdnsOption.CLIENT_SUBNET, '01010000')).toBe(true);
  });
});
