import { describe, expect, it } from 'vitest';
import { codeAt, newRecoveryCodes, newTotpSecret, plainRecoveryCode, totpStep, totpUri } from './totp.ts';

/** RFC 6238 appendix B: the ASCII of "12345678901234567890". */
const SECRET = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';

describe('time-based one-time passwords', () => {
  it.each([
    [59, '287082'],
    [1111111109, '081804'],
    [1111111111, '050471'],
    [1234567890, '005924'],
    [2000000000, '279037'],
    [20000000000, '353130'],
  ])('are those of RFC 6238 appendix B at %d s', (seconds, code) => {
    expect(codeAt(SECRET, Math.floor(seconds / 30))).toBe(code);
    expect(totpStep(SECRET, code, seconds * 1000)).toBe(Math.floor(seconds / 30));
  });

  it('are accepted one step before and after, and no further', () => {
    const steps = [-2, -1, 0, 1, 2].map((offset) => totpStep(SECRET, codeAt(SECRET, 1_000 + offset), 30_000_000));
    expect(steps).toEqual([undefined, 999, 1_000, 1_001, undefined]);
  });

  it.each(['', '12345', '1234567', '12345a', '１２３４５６', ' 123456'])('are six digits, and not %j', (code) => {
    expect(totpStep(SECRET, code, 0)).toBeUndefined();
  });

  it('have secrets of 160 bits, and a URI that escapes names', () => {
    const secret = newTotpSecret((octets) => new Uint8Array(octets).fill(0xff));
    expect(secret).toBe('7'.repeat(32));
    expect(totpUri(secret, 'a b', 'dyndns')).toBe(`otpauth://totp/dyndns:a%20b?secret=${secret}&issuer=dyndns`);
  });

  it('have ten recovery codes, which people may type as they like', () => {
    let octet = 0;
    const codes = newRecoveryCodes((octets) => new Uint8Array(octets).map(() => (octet += 7)));
    expect(new Set(codes).size).toBe(10);
    for (const code of codes) {
      expect(code).toMatch(/^[a-z2-7]{4}(-[a-z2-7]{4}){3}$/);
      expect(plainRecoveryCode(` ${code.toUpperCase().replaceAll('-', ' ')}`)).toBe(plainRecoveryCode(code));
    }
  });
});
