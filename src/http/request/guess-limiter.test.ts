// The slow-down of wrong credentials: per source, never more than 64 waiting; clock and waiting are injected.
import { describe, expect, it } from 'vitest';
import { parseIpAddress } from '../../dns/address.ts';
import { GuessLimiter } from './guess-limiter.ts';

function lab() {
  const waits: { ms: number; end: () => void }[] = [];
  const clock = { ms: 1000 };
  const limiter = new GuessLimiter(
    () => clock.ms,
    (ms) => new Promise((resolve) => waits.push({ ms, end: resolve })),
  );
  return {
    limiter,
    waits,
    clock,
    wrong: (text: string | undefined) => limiter.wrong(text === undefined ? undefined : parseIpAddress(text)),
  };
}

describe('wrong credentials', () => {
  it('are answered at once ten times a minute, then after a second each', async () => {
    const { wrong, waits } = lab();
    for (let guess = 0; guess < 10; guess++) expect(await wrong('192.0.2.1')).toBe('answer');
    expect(waits).toEqual([]);
    let answered = false;
    const eleventh = wrong('192.0.2.1').then((outcome) => {
      answered = true;
      return outcome;
    });
    await Promise.resolve();
    expect([answered, waits.map(({ ms }) => ms)]).toEqual([false, [1000]]);
    waits[0]!.end();
    expect(await eleventh).toBe('answer');
  });

  it('are free again after a minute', async () => {
    const { wrong, waits, clock } = lab();
    for (let guess = 0; guess < 10; guess++) await wrong('192.0.2.1');
    clock.ms += 59_999;
    void wrong('192.0.2.1');
    expect(waits).toHaveLength(1);
    clock.ms += 1;
    expect(await wrong('192.0.2.1')).toBe('answer');
    expect(waits).toHaveLength(1);
  });

  it('of one source do not slow down another; an IPv6 /64 is one source, and so are all unknown ones', async () => {
    const { wrong, waits } = lab();
    for (let guess = 0; guess < 10; guess++) {
      await wrong('192.0.2.1');
      await wrong(`2001:db8::${guess}`);
      await wrong(undefined);
    }
    expect(await wrong('192.0.2.2')).toBe('answer');
    expect(await wrong('2001:db8:0:1::1')).toBe('answer');
    expect(waits).toHaveLength(0);
    for (const source of ['192.0.2.1', '2001:db8::ffff:0:0:1', undefined]) void wrong(source);
    expect(waits).toHaveLength(3);
  });

  it('wait 64 at a time at most; beyond that the server says that it is overloaded', async () => {
    const { wrong, waits } = lab();
    for (let guess = 0; guess < 10; guess++) await wrong('192.0.2.1');
    const waiting = Array.from({ length: 64 }, () => wrong('192.0.2.1'));
    expect(waits).toHaveLength(64);
    expect(await wrong('192.0.2.1')).toBe('overloaded');
    expect(await wrong('192.0.2.9')).toBe('answer');
    waits[0]!.end();
    await waiting[0];
    void wrong('192.0.2.1');
    expect(waits).toHaveLength(65);
    for (const { end } of waits) end();
    expect(await Promise.all(waiting)).toEqual(Array(64).fill('answer'));
  });

  it('of ten thousand other sources let the oldest be forgotten, not the memory grow', async () => {
    const { wrong, waits } = lab();
    for (let guess = 0; guess < 10; guess++) await wrong('192.0.2.1');
    for (let source = 0; source < 10_000; source++) await wrong(`10.0.${source >> 8}.${source & 255}`);
    expect(await wrong('192.0.2.1')).toBe('answer');
    expect(waits).toHaveLength(0);
  });
});
