/** When a certificate is renewed, the backoff after failures, and the certificate file. */
import { describe, expect, it, test } from 'vitest';
import { makeCertificateOf } from '../../test/support/own-certificate.ts';
import {
  formatCertificate,
  makeCertificate,
  type OwnCertificate,
  parseCertificate,
  renewalMs,
  retryDelayMs,
} from './certificate.ts';

const DAY_MS = 86_400_000;
const DIRECTORY = 'https://ca.example/directory';
const requested = { names: ['dyndns.example.com'], directory: DIRECTORY };

describe('the renewal is due', () => {
  const of90Days: OwnCertificate = {
    keyType: 'ec',
    key: '',
    chain: '',
    names: ['dyndns.example.com', '*.lab.example.com'],
    notBeforeMs: 1000 * DAY_MS,
    notAfterMs: 1090 * DAY_MS,
    directory: DIRECTORY,
  };

  it('with a third of the lifetime left: 30 days of 90, 2 of 6', () => {
    expect(renewalMs(of90Days, requested)).toBe(1060 * DAY_MS);
    expect(renewalMs({ ...of90Days, notAfterMs: 1006 * DAY_MS }, requested)).toBe(1004 * DAY_MS);
  });

  it('at once if a name is missing or the authority is another one', () => {
    expect(renewalMs(of90Days, { ...requested, names: ['dyndns.example.com', 'lab.example.com'] })).toBe(-Infinity);
    expect(renewalMs(of90Days, { ...requested, directory: 'https://staging.ca.example/directory' })).toBe(-Infinity);
  });

  it('at the usual time if the certificate has more names than requested', () => {
    expect(renewalMs(of90Days, { ...requested, names: ['*.lab.example.com'] })).toBe(1060 * DAY_MS);
  });
});

test('the backoff grows from a minute to six hours, with five attempts in the first hour', () => {
  const minutes = Array.from({ length: 9 }, (_, index) => retryDelayMs(index + 1) / 60_000);
  expect(minutes).toEqual([1, 3, 9, 27, 81, 243, 360, 360, 360]);
  expect(retryDelayMs(100_000)).toBe(360 * 60_000);
});

describe('the file', () => {
  it('contains key, chain and directory, and parses as it was formatted', async () => {
    const { key, chain } = await makeCertificateOf(['Dyndns.example.com', '*.lab.example.com'], 60, 30);
    const certificate = makeCertificate(key, chain, DIRECTORY);
    expect(certificate.names).toEqual(['dyndns.example.com', '*.lab.example.com']);
    expect(certificate.notAfterMs - certificate.notBeforeMs).toBe(90 * DAY_MS);
    expect(parseCertificate(formatCertificate(certificate))).toEqual(certificate);
  });

  it("can contain several certificates, the server's first", async () => {
    const [server, authority] = [
      await makeCertificateOf(['a.example'], 1, 1),
      await makeCertificateOf(['ca.example'], 1, 1),
    ];
    const certificate = makeCertificate(server.key, `${server.chain}\n${authority.chain}`, DIRECTORY);
    const read = parseCertificate(formatCertificate(certificate));
    expect(read.names).toEqual(['a.example']);
    expect(read.chain.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
  });

  it('is refused if a part is missing or the key is another one, and no error contains the key', async () => {
    const [one, other] = [await makeCertificateOf(['a.example'], 1, 1), await makeCertificateOf(['a.example'], 1, 1)];
    const text = formatCertificate(makeCertificate(one.key, one.chain, DIRECTORY));
    const secret = one.key.split('\n')[1]!;
    for (const [damaged, reason] of [
      ['', 'is missing'],
      [text.slice(0, -40), 'is missing'],
      [text.replace(/^Directory.*\n/, ''), 'is missing'],
      [text.replace(one.key.trim(), other.key.trim()), 'The key does not belong to the certificate.'],
      [text.replace('MII', 'MIA'), undefined],
      [text.replace(secret.slice(0, 20), secret.slice(20, 40)), undefined],
    ] as const) {
      const parse = () => parseCertificate(damaged);
      if (reason === undefined) expect(parse).toThrow();
      else expect(parse).toThrow(reason);
      expect(parse).not.toThrow(secret.slice(24));
    }
  });
});
