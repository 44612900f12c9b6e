/** The scope and expiry of a token, and the form of its secret. */
import { describe, expect, it } from 'vitest';
import { type IpAddress, parseIpAddress, parseIpPrefix } from '../../dns/address.ts';
import { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { AppError } from '../errors.ts';
import { checkTokenAddress, expiryMs, newTokenSecret, type TokenAddresses, tokenCovers, tokenState } from './token.ts';

const { A, AAAA, TXT } = RRType;

describe('a token covers', () => {
  const HOSTS = ['home.example.com', '*.lab.example.com'];
  it.each<[readonly number[], string, number, boolean]>([
    [[A, AAAA], 'home.example.com', A, true],
    [[A, AAAA], 'HOME.example.com', AAAA, true],
    [[A], 'home.example.com', AAAA, false],
    [[A, AAAA], 'a.b.lab.example.com', A, true],
    [[A, AAAA], '*.lab.example.com', A, true],
    [[A, AAAA], 'lab.example.com', A, false],
    [[A, AAAA], 'nothome.example.com', A, false],
    [[A, AAAA], '_acme-challenge.home.example.com', A, false],
    [[A, AAAA], 'home.example.com', TXT, false],
    [[A, AAAA], '_acme-challenge.home.example.com', TXT, false],
    [[A, TXT], 'home.example.com', TXT, true],
    [[A, TXT], '_acme-challenge.home.example.com', TXT, true],
    [[A, TXT], '_ACME-Challenge.home.example.com', TXT, true],
    [[A, TXT], '_acme-challenge.other.example.com', TXT, false],
    [[A, TXT], '_acme-challenge._acme-challenge.home.example.com', TXT, false],
    [[A, TXT], 'x._acme-challenge.home.example.com', TXT, false],
    [[A, TXT], '_acme-challenge.lab.example.com', TXT, true],
    [[TXT], 'home.example.com', TXT, false],
    [[TXT], 'a.lab.example.com', TXT, false],
    [[TXT], '_acme-challenge.home.example.com', TXT, true],
    [[TXT], '_acme-challenge.a.lab.example.com', TXT, true],
    [[TXT], '_acme-challenge.lab.example.com', TXT, true],
    [[TXT], '_acme-challenge.example.com', TXT, false],
    [[], 'home.example.com', A, false],
  ])('of types %j: %s type %i: %s', (types, ownerName, type, covered) => {
    const hosts = HOSTS.map((host) => DomainName.parse(host));
    expect(tokenCovers({ hosts, types }, DomainName.parse(ownerName), type)).toBe(covered);
  });

  it('`_acme-challenge.x` by the scope `*.x`, which a certificate for `*.x` needs', () => {
    const hosts = [DomainName.parse('*.x.example.com')];
    expect(tokenCovers({ hosts, types: [TXT] }, DomainName.parse('_acme-challenge.x.example.com'), TXT)).toBe(true);
  });

  it('the challenge name itself, where the scope contains it', () => {
    const hosts = [DomainName.parse('_acme-challenge.home.example.com')];
    expect(tokenCovers({ hosts, types: [TXT] }, hosts[0]!, TXT)).toBe(true);
    expect(tokenCovers({ hosts, types: [TXT] }, DomainName.parse('home.example.com'), TXT)).toBe(false);
  });
});

describe('a token expires', () => {
  const LAST_MS = Date.UTC(2028, 1, 29, 23, 59, 59, 999);

  it('at 24:00 UTC of its last day', () => {
    expect(tokenState({ expires: '2028-02-29' }, LAST_MS)).toBe('valid');
    expect(tokenState({ expires: '2028-02-29' }, LAST_MS + 1)).toBe('expired');
    expect(expiryMs({ expires: '2028-02-29' })).toBe(LAST_MS + 1);
  });

  it('never without a last day', () => {
    expect(tokenState({}, Number.MAX_SAFE_INTEGER)).toBe('valid');
    expect(expiryMs({})).toBeUndefined();
  });

  it('when it is revoked, whatever its last day is', () => {
    expect(tokenState({ revokedMs: 0 }, 0)).toBe('revoked');
    expect(tokenState({ revokedMs: 5, expires: '2028-02-29' }, LAST_MS + 1)).toBe('revoked');
  });

  it('now, if its last day cannot be read', () => {
    expect(tokenState({ expires: 'soon' }, 0)).toBe('expired');
  });
});

describe('a token may publish', () => {
  const address = (text: string) => parseIpAddress(text) as IpAddress;
  const allowed = (addresses: TokenAddresses, text: string, caller?: string) => {
    try {
      checkTokenAddress({ addresses }, address(text), caller === undefined ? undefined : address(caller));
      return true;
    } catch (error) {
      if (error instanceof AppError && error.code === 'address-refused') return false;
      throw error;
    }
  };

  it('any address', () => {
    expect(allowed('any', '192.0.2.1')).toBe(true);
  });

  it('only the address of the caller, in any notation', () => {
    expect(allowed('own', '192.0.2.1', '192.0.2.1')).toBe(true);
    expect(allowed('own', '192.0.2.1', '::ffff:192.0.2.1')).toBe(true);
    expect(allowed('own', '2001:DB8:0::1', '2001:db8::1')).toBe(true);
    expect(allowed('own', '192.0.2.1', '192.0.2.2')).toBe(false);
    expect(allowed('own', '192.0.2.1', '2001:db8::1')).toBe(false);
    expect(() => allowed('own', '192.0.2.1')).toThrow(expect.objectContaining({ code: 'caller-unknown' }));
  });

  it('addresses in its prefixes', () => {
    const prefixes = ['192.0.2.0/24', '2001:db8::/32'].map((text) => parseIpPrefix(text)!);
    expect(allowed(prefixes, '192.0.2.255')).toBe(true);
    expect(allowed(prefixes, '::ffff:192.0.2.255')).toBe(true);
    expect(allowed(prefixes, '2001:db8:ffff::1')).toBe(true);
    expect(allowed(prefixes, '192.0.3.0', '192.0.3.0')).toBe(false);
    expect(allowed([], '192.0.2.1')).toBe(false);
  });
});

describe('a secret', () => {
  it('has 160 bits in letters and digits, which need no escaping in a URL', () => {
    expect(newTokenSecret((octets) => new Uint8Array(octets))).toBe('a'.repeat(32));
    expect(newTokenSecret((octets) => new Uint8Array(octets).fill(255))).toBe('7'.repeat(32));
  });

  it('encodes every random bit', () => {
    const secrets = new Set<string>();
    for (let bit = 0; bit < 160; bit += 1) {
      secrets.add(
        newTokenSecret((octets) => new Uint8Array(octets).map((_, at) => (at === bit >> 3 ? 1 << (bit & 7) : 0))),
      );
    }
    expect(secrets.size).toBe(160);
    for (const secret of secrets) expect(secret).toMatch(/^[a-z2-7]{32}$/);
  });
});
