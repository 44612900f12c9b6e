/** Which candidate of a request is its credential, what wrong ones cost, and that comparisons take the same time for all. */
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseIpAddress, parseIpPrefix } from '../../dns/address.ts';
import { AppError } from '../errors.ts';
import {
  type Authentication,
  Authenticator,
  type AuthenticatorOptions,
  type Candidate,
  sameText,
} from './authenticate.ts';
import { GUESSES, GuessBudget } from './guess-budget.ts';
import type { Principal } from './principal.ts';
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

const open = (options: Partial<AuthenticatorOptions> = {}) =>
  new Authenticator({ guesses: new GuessBudget(() => 0), now: () => 0, ...options });

/** Texts are candidates of any place; `user:TEXT` is the user name of Basic. */
const candidates = (...texts: readonly string[]): Candidate[] =>
  texts.map((text) => ({ text: text.replace(/^user:/, ''), isUserName: text.startsWith('user:') }));

/** The name of what decided: `master`, a token's name, `wrong`, `other-kind`. */
const nameOf = (found: Authentication) => {
  if (typeof found === 'string') return found;
  return found.principal.kind === 'master' ? 'master' : found.principal.token.name;
};

const token = (name: string, fields: Partial<HostToken> = {}): HostToken => ({
  id: `id of ${name}`,
  name,
  sha256: tokenSha256(`secretOf${name}`),
  hosts: [],
  types: [],
  addresses: 'any',
  createdMs: 0,
  ...fields,
});

/** A store that answers each query with a promise, and records queries. */
function slowStore(...tokens: readonly HostToken[]) {
  const store = {
    queries: [] as string[][],
    isDown: false,
    tokens: [...tokens],
    cachedBySha256: () => undefined,
    findBySha256: async (sha256: string) => (await store.findAllBySha256([sha256]))[0],
    findAllBySha256: async (secrets: readonly string[]) => {
      store.queries.push([...secrets]);
      await Promise.resolve();
      if (store.isDown) throw new AppError('store-unreachable', 'The store is down.');
      return secrets.map((sha256) => store.tokens.find((one) => one.sha256 === sha256));
    },
  };
  return store;
}

describe('the master secret', () => {
  it('authenticates as the master, without a promise', () => {
    const [candidate] = candidates(SECRET);
    expect(open({ masterSecret: SECRET }).authenticate([candidate!])).toEqual({
      principal: { kind: 'master' },
      candidate,
    });
  });

  it.each(['top5ecretword', `${SECRET} `, `${SECRET}x`, SECRET.slice(0, -1), 'T', '\0', 'x'.repeat(100_000)])(
    'is not %j',
    async (text) => {
      expect(await open({ masterSecret: SECRET }).authenticate(candidates(text))).toBe('wrong');
    },
  );

  it('does not count as a user name of Basic, where a token does', async () => {
    const master = open({ masterSecret: SECRET, tokens: [token('a')] });
    expect(await master.authenticate(candidates(`user:${SECRET}`))).toBe('wrong');
    expect(await master.authenticate(candidates('x', `user:${SECRET}`))).toBe('wrong');
    expect(nameOf(await master.authenticate(candidates('x', 'user:secretOfa')))).toBe('a');
    expect(nameOf(await master.authenticate(candidates('user:secretOfa')))).toBe('a');
  });

  it('is compared in constant time of 32 octets, whatever the length of the candidate', async () => {
    const master = open({ masterSecret: SECRET });
    for (const text of [SECRET, 'T', 'x'.repeat(1000)]) await master.authenticate(candidates(text, 'y'));
    expect(compared.length).toBeGreaterThanOrEqual(6);
    expect(new Set(compared.map(String))).toEqual(new Set(['32,32']));
  });

  it('matches nothing where it is not set, and a request without a candidate is wrong', async () => {
    for (const masterSecret of [undefined, '']) {
      for (const text of ['undefined', SECRET]) {
        expect(await open({ masterSecret }).authenticate(candidates(text))).toBe('wrong');
      }
    }
    expect(open({ masterSecret: SECRET }).authenticate([])).toBe('wrong');
  });
});

describe('a token with sources', () => {
  const inside = token('inside', { sources: [parseIpPrefix('192.0.2.0/24')!, parseIpPrefix('2001:db8::/48')!] });
  const used: string[] = [];
  const onUse = ({ name }: HostToken) => void used.push(name);

  it.each([
    ['192.0.2.200', true],
    ['::ffff:192.0.2.200', true],
    ['2001:db8::1', true],
    ['192.0.3.1', false],
    ['2001:db8:1::1', false],
  ])('from %s: %s, also with a token of the store', async (from, counts) => {
    used.length = 0;
    const caller = from === undefined ? undefined : parseIpAddress(from);
    for (const authenticator of [open({ tokens: [inside], onUse }), open({ store: slowStore(inside), onUse })]) {
      const found = await authenticator.authenticate(candidates('secretOfinside'), { caller });
      expect(nameOf(found)).toBe(counts ? 'inside' : 'wrong');
    }
    // A refused credential does not count as a use.
    expect(used).toEqual(counts ? ['inside', 'inside'] : []);
  });

  it('from an unknown address it is no wrong credential: the caller must be known, and it costs nothing', async () => {
    used.length = 0;
    for (const options of [{ tokens: [inside] }, { store: slowStore(inside) }]) {
      const authenticator = open({ ...options, masterSecret: SECRET, onUse });
      for (let attempt = 0; attempt < 40; attempt += 1) {
        const asked = async () => authenticator.authenticate(candidates('secretOfinside'), {});
        await expect(asked()).rejects.toMatchObject({ code: 'caller-unknown' });
      }
      // Another candidate that is right needs no caller.
      expect(nameOf(await authenticator.authenticate(candidates('secretOfinside', SECRET), {}))).toBe('master');
      expect(await authenticator.authenticate(candidates('secretOfNoOne'), {})).toBe('wrong');
    }
    expect(used).toEqual([]);
  });

  it('a token without sources is valid from anywhere', () => {
    const anywhere = open({ tokens: [token('anywhere')] });
    expect(nameOf(anywhere.authenticate(candidates('secretOfanywhere')) as Authentication)).toBe('anywhere');
  });
});

describe('several candidates', () => {
  const used: string[] = [];
  const options = (store = slowStore(token('stored'), token('revoked', { revokedMs: 1 }))) => ({
    masterSecret: SECRET,
    tokens: [token('a'), token('b'), token('ended', { expires: '1960-01-01' })],
    store,
    onUse: ({ name }: HostToken) => void used.push(name),
  });

  it.each([
    ['a', ['secretOfa', 'secretOfb']],
    ['b', ['x', 'secretOfb', 'secretOfa']],
    ['master', ['x', 'y', 'z', '1', '2', SECRET]],
    ['a', ['secretOfended', 'secretOfrevoked', 'secretOfa', SECRET]],
    ['stored', ['x', 'secretOfstored', SECRET]],
    ['a', ['secretOfa', 'user:secretOfstored']],
    ['stored', ['none', 'user:secretOfstored', SECRET]],
    ['wrong', ['secretOfended', 'secretOfrevoked', 'x']],
  ])('%s decides of %j, and it alone counts as used', async (expected, texts) => {
    used.length = 0;
    const authenticator = open(options());
    for (let round = 0; round < 3; round += 1) {
      expect(nameOf(await authenticator.authenticate(candidates(...texts)))).toBe(expected);
    }
    expect(used).toEqual(['wrong', 'master'].includes(expected) ? [] : Array(3).fill(expected));
  });

  it('one is valid for this door only if it is of its kind', async () => {
    const isMaster = ({ kind }: Principal) => kind === 'master';
    const authenticator = open(options());
    const decide = async (...texts: string[]) =>
      nameOf(await authenticator.authenticate(candidates(...texts), undefined, isMaster));
    expect(await decide('secretOfa', SECRET)).toBe('master');
    expect([await decide('secretOfa'), await decide('x', 'secretOfstored')]).toEqual(['other-kind', 'other-kind']);
    expect(await decide('x', 'secretOfended')).toBe('wrong');
  });

  it('the store is queried once for all that need it', async () => {
    const store = slowStore(token('stored'));
    const authenticator = open(options(store));
    await authenticator.authenticate(candidates('x', 'user:y', 'secretOfa', 'secretOfstored', SECRET, 'z'));
    expect(store.queries).toEqual([['x', 'y', 'secretOfstored', 'z'].map(tokenSha256)]);
    await authenticator.authenticate(candidates('secretOfstored', 'user:x'));
    expect(store.queries).toHaveLength(2);
  });

  it('while the store is unreachable, one that needs no store decides', async () => {
    const store = slowStore(token('stored'));
    const authenticator = open(options(store));
    store.isDown = true;
    // A candidate that could not be evaluated is not charged.
    for (let request = 0; request < 2 * GUESSES; request += 1) {
      expect(nameOf(await authenticator.authenticate(candidates(`x${request}`, SECRET)))).toBe('master');
      await expect(authenticator.authenticate(candidates(`y${request}`, 'z'))).rejects.toMatchObject({
        code: 'store-unreachable',
      });
    }
    store.isDown = false;
    expect(nameOf(await authenticator.authenticate(candidates('secretOfstored')))).toBe('stored');
  });
});

describe('guessing', () => {
  const empty = async (authenticator: Authenticator) => {
    for (let guess = 0; guess < GUESSES; guess += 1) {
      expect(await authenticator.authenticate(candidates(`guess${guess}`))).toBe('wrong');
    }
  };
  const refused = { code: 'too-many-guesses', retryAfterSeconds: 6 };

  it('with an empty budget right and wrong are refused alike, without a query', async () => {
    const store = slowStore(token('stored'));
    const authenticator = open({ masterSecret: SECRET, tokens: [token('a')], store });
    await empty(authenticator);
    store.queries.length = 0;
    compared.length = 0;
    for (const text of ['guess', SECRET, 'secretOfa', 'secretOfstored']) {
      await expect(authenticator.authenticate(candidates(text))).rejects.toMatchObject(refused);
    }
    expect([store.queries, compared]).toEqual([[], []]);
  });

  it('requests in flight together evaluate no more than the budget, and right ones cost nothing', async () => {
    const tokens = Array.from({ length: 200 }, (_, index) => token(`t${index}`));
    const store = slowStore(...tokens);
    const authenticator = open({ store });
    const right = tokens.map(({ name }) => authenticator.authenticate(candidates(`secretOf${name}`)));
    expect((await Promise.all(right)).map(nameOf)).toEqual(tokens.map(({ name }) => name));
    store.queries.length = 0;
    const guesses = Array.from({ length: 64 }, (_, guess) => authenticator.authenticate(candidates(`guess${guess}`)));
    const outcomes = await Promise.allSettled(guesses);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(GUESSES);
    expect(store.queries).toHaveLength(GUESSES);
  });

  it('a token that was right is evaluated with an empty budget, until it is revoked', async () => {
    const store = slowStore(token('stored'));
    const authenticator = open({ masterSecret: SECRET, store });
    expect(nameOf(await authenticator.authenticate(candidates('secretOfstored')))).toBe('stored');
    await empty(authenticator);
    expect(nameOf(await authenticator.authenticate(candidates(SECRET, 'x', 'secretOfstored')))).toBe('stored');
    store.tokens = [token('stored', { revokedMs: 1 })];
    expect(await authenticator.authenticate(candidates('secretOfstored'))).toBe('wrong');
    await expect(authenticator.authenticate(candidates('secretOfstored'))).rejects.toMatchObject(refused);
  });

  it('a user name beside its right password costs nothing, however many there are', async () => {
    const authenticator = open({ masterSecret: SECRET, store: slowStore(token('stored')) });
    for (let user = 0; user < 3 * GUESSES; user += 1) {
      expect(nameOf(await authenticator.authenticate(candidates(SECRET, `user:${user}`)))).toBe('master');
      expect(nameOf(await authenticator.authenticate(candidates('secretOfstored', `user:${user}`)))).toBe('stored');
    }
    await empty(authenticator);
  });

  it.each([
    ['master', SECRET],
    ['stored', 'secretOfstored'],
  ])(
    'a user name that was sent beside its right password (%s) costs nothing beside a wrong one',
    async (name, secret) => {
      const authenticator = open({ masterSecret: SECRET, store: slowStore(token('stored')) });
      expect(nameOf(await authenticator.authenticate(candidates(secret, 'user:alice')))).toBe(name);
      for (let guess = 0; guess < GUESSES; guess += 1) {
        expect(await authenticator.authenticate(candidates(`guess${guess}`, 'user:alice'))).toBe('wrong');
      }
      await expect(authenticator.authenticate(candidates('more', 'user:alice'))).rejects.toMatchObject(refused);
    },
  );

  it.each([
    ['before', (guess: string) => [guess, SECRET]],
    ['behind', (guess: string) => [SECRET, guess]],
    ['as the user in front of', (guess: string) => ['x', `user:${guess}`, SECRET]],
  ])('a new wrong candidate %s a right one costs as much as alone', async (_, texts) => {
    const authenticator = open({ masterSecret: SECRET });
    for (let guess = 0; guess < 2 * GUESSES; guess += 1) {
      expect(nameOf(await authenticator.authenticate(candidates(...texts(`guess${guess}`))))).toBe('master');
    }
    await expect(authenticator.authenticate(candidates('more'))).rejects.toMatchObject({ code: 'too-many-guesses' });
  });

  it("a proxy's own credential beside a right one costs once", async () => {
    const authenticator = open({ masterSecret: SECRET });
    for (let request = 0; request < 10 * GUESSES; request += 1) {
      const found = await authenticator.authenticate(candidates('of the proxy', 'user:proxy', SECRET));
      expect(nameOf(found)).toBe('master');
    }
    for (let guess = 0; guess < GUESSES - 2; guess += 1) {
      expect(await authenticator.authenticate(candidates(`guess${guess}`))).toBe('wrong');
    }
    await expect(authenticator.authenticate(candidates('more'))).rejects.toMatchObject(refused);
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

describe('a token of a disabled user', () => {
  it('is a wrong credential, from the store or its cache', async () => {
    const owner = { id: 'u', name: 'anna', role: 'member', isDisabled: true, changesPerMinute: 0 } as const;
    const [disabled, enabled] = [token('a', { owner }), token('b', { owner: { ...owner, isDisabled: false } })];
    const store = slowStore(disabled, enabled);
    for (const cachedBySha256 of [
      store.cachedBySha256,
      (sha256: string) => store.tokens.find((one) => one.sha256 === sha256),
    ]) {
      const authenticator = open({ store: { ...store, cachedBySha256 } });
      expect(nameOf(await authenticator.authenticate(candidates('secretOfa')))).toBe('wrong');
      expect(nameOf(await authenticator.authenticate(candidates('secretOfb')))).toBe('b');
    }
  });
});
