/** The octets that are signed, and periods of validity. */
import { describe, expect, it } from 'vitest';
import { DomainName } from '../name.ts';
import { periodState, signedData, signedLabels } from './signed-data.ts';

const zone = DomainName.parse('Example.');
const fields = {
  typeCovered: 1,
  algorithm: 13,
  labels: 2,
  originalTtl: 0x01020304,
  expiration: 0x0fffffff,
  inception: 0x0ffffff0,
  keyTag: 0xabcd,
  signer: zone,
};

describe('signed data (RFC 4034 §3.1.8.1)', () => {
  it('is the RRSIG RDATA without the signature, then each record with the original TTL', () => {
    const rrset = {
      ownerKey: '\x01a\x07example\0',
      type: 1,
      ttl: 60,
      rdatas: ['\xc0\x00\x02\x02', '\xc0\x00\x02\x01'],
    };
    const rrsig = `0001 0d 02 01020304 0fffffff 0ffffff0 abcd ${'076578616d706c65'}00`;
    const record = (address: string): string => `0161076578616d706c6500 0001 0001 01020304 0004 ${address}`;
    const expected = `${rrsig} ${record('c0000201')} ${record('c0000202')}`.replaceAll(' ', '');
    expect(signedData(fields, rrset).toString('hex')).toBe(expected);
  });

  it('holds RRsets of any size, and does not keep octets of the one before', () => {
    const large = {
      ownerKey: zone.key,
      type: 16,
      ttl: 1,
      rdatas: Array.from({ length: 300 }, (_, i) => `\xc8${i}`.padEnd(201, 'x')),
    };
    const small = { ownerKey: zone.key, type: 16, ttl: 1, rdatas: ['\x01x'] };
    const before = signedData(fields, small).toString('hex');
    expect(signedData(fields, large).length).toBe(18 + 9 + 300 * (9 + 10 + 201));
    expect(signedData(fields, small).toString('hex')).toBe(before);
    expect(before.length).toBe(2 * (18 + 9 + 9 + 10 + 2));
  });

  it('RFC 4034 §3.1.3: the labels of an owner name are counted without the root and the * of a wildcard', () => {
    const counts = {
      '.': 0,
      'example.': 1,
      'a.b.example.': 3,
      '*.example.': 1,
      '*.': 0,
      'a.*.example.': 3,
      '**.example.': 2,
    };
    for (const [text, count] of Object.entries(counts))
      expect(signedLabels(DomainName.parse(text).key), text).toBe(count);
  });
});

describe('the period of a signature (RFC 4034 §3.1.5, RFC 4035 §5.3.1)', () => {
  const period = { inception: 1000, expiration: 2000 };

  it('includes its inception and its expiration', () => {
    expect([999, 1000, 1500, 2000, 2001].map((now) => periodState(period, now))).toEqual([
      'not-yet-valid',
      'valid',
      'valid',
      'valid',
      'expired',
    ]);
  });

  it('is compared in serial number arithmetic across 2^32 seconds', () => {
    const around = { inception: 2 ** 32 - 10, expiration: 20 };
    const seconds = [2 ** 32 - 11, 2 ** 32 - 10, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 20, 2 ** 32 + 21];
    expect(seconds.map((now) => periodState(around, now))).toEqual([
      'not-yet-valid',
      'valid',
      'valid',
      'valid',
      'valid',
      'expired',
    ]);
  });

  it('is invalid if it ends before it begins, or is 2^31 seconds or longer', () => {
    expect(periodState({ inception: 2000, expiration: 1999 }, 2000)).toBe('invalid-period');
    expect(periodState({ inception: 0, expiration: 2 ** 31 }, 5)).toBe('invalid-period');
    expect(periodState({ inception: 0, expiration: 2 ** 31 - 1 }, 5)).toBe('valid');
  });
});
