/** The master secret: which credentials match it, and that the comparison takes the same time for every credential. */
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseIpAddress, parseIpPrefix } from '../../dns/address.ts';
import { Authenticator, sameText } from './authenticate.ts';
import { type HostToken, tokenSha256 } from './token.ts';

const compared: [number, number][] = [];
const { timingSafeEqual } = crypto;

beforeAll(() => {
  crypto.timingSafeEqual = (a, b) => {
    compared.push([a.byteLength, b.byteLength]);
    return timingSafeEqual(a, b);
  };
  syncBuiltinESMExports();
});
afterAll(() => {
  crypto.timingSafeEqual = timingSafeEqual;
  syncBuiltinESMExports();
});

const SECRET = 'Top5ecretWord';

beforeEach(() => {
  compared.length = 0;
});

describe('the master secret', () => {
  it('authenticates as the master', () => {
    expect(new Authenticator({ masterSecret: SECRET, now: () => 0 }).authenticate(SECRET)).toEqual({ kind: 'master' });
  });

  it.each([
    undefined,
    '',
    'top5ecretword',
    `${SECRET} `,
    `${SECRET}x`,
    SECRET.slice(0, -1),
    'T',
    '\0',
    'x'.repeat(100_000),
  ])('is not %j', (credential) => {
    expect(new Authenticator({ masterSecret: SECRET, now: () => 0 }).authenticate(credential)).toBeUndefined();
  });

  it('is compared by one comparison in constant time of 32 octets, whatever the length of the credential', () => {
    const master = new Authenticator({ masterSecret: SECRET, now: () => 0 });
    for (const credential of [SECRET, '', undefined, 'T', 'x'.repeat(1000)]) void master.authenticate(credential);
    expect(compared).toEqual(Array(5).fill([32, 32]));
  });

  it('matches no credential where it is not set, not even a missing one', () => {
    for (const authenticator of [
      new Authenticator({ masterSecret: undefined, now: () => 0 }),
      new Authenticator({ masterSecret: '', now: () => 0 }),
    ]) {
      for (const credential of [undefined, '', 'undefined', SECRET]) {
        expect(authenticator.authenticate(credential)).toBeUndefined();
      }
    }
  });
});

describe('a token with sources', () => {
  const token: HostToken = {
    id: 't1',
    name: 'inside',
    sha256: tokenSha256('secretOfInside'),
    hosts: [],
    types: [],
    addresses: 'any',
    sources: [parseIpPrefix('192.0.2.0/24')!, parseIpPrefix('2001:db8::/48')!],
    createdMs: 0,
  };
  const used: string[] = [];
  const of = (options: object) =>
    new Authenticator({ now: () => 0, onUse: ({ name }) => void used.push(name), ...options });

  it.each([
    ['192.0.2.200', true],
    ['::ffff:192.0.2.200', true],
    ['2001:db8::1', true],
    ['192.0.3.1', false],
    ['2001:db8:1::1', false],
  ])('from %s: %s, also with a token of the store', async (from, counts) => {
    used.length = 0;
    const caller = from === undefined ? undefined : parseIpAddress(from);
    const stored = { findBySha256: async () => token };
    for (const authenticator of [of({ tokens: [token] }), of({ store: stored })]) {
      const principal = await authenticator.authenticate('secretOfInside', caller);
      expect(principal).toEqual(counts ? { kind: 'token', token } : undefined);
    }
    // A refused credential does not count as a use.
    expect(used).toEqual(counts ? ['inside', 'inside'] : []);
  });

  it('from an unknown address it is no wrong credential: the caller must be known', async () => {
    used.length = 0;
    const stored = { findBySha256: async () => token };
    for (const authenticator of [of({ tokens: [token] }), of({ store: stored })]) {
      const asked = async () => authenticator.authenticate('secretOfInside', undefined);
      await expect(asked()).rejects.toMatchObject({ code: 'caller-unknown' });
    }
    expect(of({ tokens: [token] }).authenticate('secretOfNoOne', undefined)).toBeUndefined();
    expect(used).toEqual([]);
  });

  it('a token without sources is valid from anywhere', () => {
    const { sources: _, ...anywhere } = token;
    expect(of({ tokens: [anywhere] }).authenticate('secretOfInside')).toMatchObject({ kind: 'token' });
  });
});

it('texts are compared by their hashes in constant time', () => {
  compared.length = 0;
  expect([sameText('abc', 'abc'), sameText('abc', 'abd'), sameText('abc', 'ab'), sameText('', '')]).toEqual([
    true,
    false,
    false,
    true,
  ]);
  expect(compared).toEqual(Array(4).fill([32, 32]));
});
