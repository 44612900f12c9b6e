import { describe, expect, it } from 'vitest';
import { Passwords } from './password.ts';
import { browserMark, SignInGuard } from './sign-in-guard.ts';

const random = (octets: number) => new Uint8Array(octets).fill(7);

function setUp() {
  const clock = { ms: 0 };
  const guard = new SignInGuard(() => clock.ms);
  const attempts = (take: () => unknown) => {
    for (let count = 0; ; count += 1) {
      try {
        take();
      } catch {
        return count;
      }
    }
  };
  return { clock, guard, attempts };
}

describe('guesses of an account', () => {
  it('are ten, then one every 30 seconds', () => {
    const { clock, guard, attempts } = setUp();
    const take = () => guard.take('anna', 'a', 'phc', undefined);
    expect(attempts(take)).toBe(10);
    clock.ms = 29_999;
    expect(take).toThrow(expect.objectContaining({ code: 'rate-limited', retryAfterSeconds: 1 }));
    clock.ms = 30_000;
    expect(attempts(take)).toBe(1);
    clock.ms = 330_000;
    expect(attempts(take)).toBe(10);
  });

  it('that were right cost nothing', () => {
    const { guard, attempts } = setUp();
    for (let count = 0; count < 50; count += 1) guard.take('anna', 'a', 'phc', undefined)();
    expect(attempts(() => guard.take('anna', 'a', 'phc', undefined))).toBe(10);
  });

  it('by strangers do not stop a browser that signed in before, which has a budget of its own', () => {
    const { guard, attempts } = setUp();
    const mark = browserMark('a', 'phc', random);
    expect(attempts(() => guard.take('anna', 'a', 'phc', undefined))).toBe(10);
    expect(attempts(() => guard.take('anna', 'a', 'phc', mark))).toBe(10);
  });

  it.each([
    ['of another account', browserMark('b', 'phc', random)],
    ['from before the password changed', browserMark('a', 'old', random)],
    ['that was changed', `x${browserMark('a', 'phc', random)}`],
    ['that is not one', '.'],
    ['that is empty', ''],
  ])('are not helped by a mark %s', (_, mark) => {
    const { guard, attempts } = setUp();
    attempts(() => guard.take('anna', 'a', 'phc', undefined));
    expect(attempts(() => guard.take('anna', 'a', 'phc', mark))).toBe(0);
  });

  it('are limited for names that no user has, without an effect on accounts', () => {
    const { guard, attempts } = setUp();
    expect(attempts(() => guard.take('nobody', undefined, undefined, undefined))).toBe(10);
    expect(attempts(() => guard.take('anna', 'a', 'phc', undefined))).toBe(10);
    for (let name = 0; name < 5_000; name += 1) guard.take(`n${name}`, undefined, undefined, undefined);
    expect(attempts(() => guard.take('anna', 'a', 'phc', undefined))).toBe(0);
  });
});

describe('passwords', () => {
  const passwords = new Passwords();

  it('are PHC strings of scrypt with a salt each', async () => {
    const [one, two] = await Promise.all([passwords.hash('correct horse'), passwords.hash('correct horse')]);
    expect(one).toMatch(/^\$scrypt\$ln=15,r=8,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(one).not.toBe(two);
    expect(await passwords.verify('correct horse', one)).toBe(true);
    expect(await passwords.verify('correct Horse', one)).toBe(false);
    expect(await passwords.verify('', undefined)).toBe(false);
    expect(await passwords.verify('', '$scrypt$ln=15,r=8,p=1$$')).toBe(false);
  });

  it('are the same however letters are composed', async () => {
    expect(await passwords.verify('caf\u0065\u0301 am Morgen', await passwords.hash('caf\u00e9 am Morgen'))).toBe(true);
  });

  it('that too many send at the same time are refused, and the others are answered', async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: 40 }, () => passwords.verify('x', undefined)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(32);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'rate-limited' });
    }
  });
});
