// The master secret: who has it, who has not, and that the comparison takes the same time for every credential.
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Authenticator } from './authenticate.ts';

const compared: [number, number][] = [];
vi.mock('node:crypto', async (importOriginal) => {
  const crypto = await importOriginal<typeof import('node:crypto')>();
  return {
    ...crypto,
    timingSafeEqual: (a: Uint8Array, b: Uint8Array) => {
      compared.push([a.length, b.length]);
      return crypto.timingSafeEqual(a, b);
    },
  };
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

  it('that is not set belongs to nobody, not even to who has none', () => {
    for (const nobody of [
      new Authenticator({ masterSecret: undefined, now: () => 0 }),
      new Authenticator({ masterSecret: '', now: () => 0 }),
    ]) {
      for (const credential of [undefined, '', 'undefined', SECRET]) {
        expect(nobody.authenticate(credential)).toBeUndefined();
      }
    }
  });
});
