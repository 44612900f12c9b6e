/** EDNS(0): the fields of an OPT record (RFC 6891 §6.1), options preserved. */
import { describe, expect, it } from 'vitest';
import { plainValue, recordedMessage } from '../../../test/support/wire-vectors.ts';
import { DomainName } from '../name.ts';
import { ednsRecord, findEdns, fullRcode } from './edns.ts';
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
