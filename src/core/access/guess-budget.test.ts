/** The budget for wrong credentials, compared with a plain model, and its bounds. The clock is the test's. */
import { describe, expect, it } from 'vitest';
import { parseIpAddress } from '../../dns/address.ts';
import { GUESSES, GUESSES_PER_MINUTE, GuessBudget, type GuessOutcome } from './guess-budget.ts';
import { sourceKey } from './rate-limits.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const HOME = '192.0.2.1';
const keyOf = (text: string) => sourceKey(parseIpAddress(text));

function lab() {
  const clock = { ms: 1000 };
  const budget = new GuessBudget(() => clock.ms);
  /** Sends the candidates of one request. @returns the outcomes of those that were evaluated; else the seconds to wait */
  const send = async (source: string, request: Readonly<Record<string, GuessOutcome>>) => {
    const hashes = Object.keys(request);
    try {
      const { open, settle } = await budget.admit(source, hashes);
      settle(open.map((index) => request[hashes[index]!]!));
      return open.map((index) => hashes[index]);
    } catch (error) {
      expect(error).toMatchObject({ code: 'too-many-guesses' });
      return (error as { retryAfterSeconds: number }).retryAfterSeconds;
    }
  };
  /** Guesses until the budget is empty. @returns how many were evaluated */
  const exhaust = async (source: string) => {
    let evaluated = 0;
    while (typeof (await send(source, { [`guess ${evaluated} of ${source}`]: 'wrong' })) !== 'number') evaluated += 1;
    return evaluated;
  };
  return { clock, budget, send, exhaust };
}

describe('the budget of a source', () => {
  it('is 30 wrong candidates, refilled 10 a minute; then it says when the next one is evaluated', async () => {
    const { clock, send, exhaust } = lab();
    expect(await exhaust(HOME)).toBe(GUESSES);
    expect(await send(HOME, { a: 'right' })).toBe(6);
    expect(await send(HOME, { a: 'wrong', b: 'wrong', c: 'wrong' })).toBe(18);
    clock.ms += 5_999;
    expect(await send(HOME, { a: 'wrong' })).toBe(1);
    clock.ms += 1;
    expect(await send(HOME, { a: 'wrong' })).toEqual(['a']);
    expect(await send(HOME, { a: 'wrong' })).toBe(6);
    clock.ms += MINUTE_MS;
    expect(await exhaust(HOME)).toBe(GUESSES_PER_MINUTE);
    clock.ms += DAY_MS;
    expect(await exhaust(HOME)).toBe(GUESSES);
  });

  it('is that of an IPv4 address or an IPv6 /64; all sources that are not known are one', async () => {
    const { send, exhaust } = lab();
    for (const key of [keyOf(HOME), keyOf('2001:db8::1'), sourceKey(undefined)])
      expect(await exhaust(key)).toBe(GUESSES);
    expect(typeof (await send(keyOf('2001:db8::ffff:1'), { a: 'wrong' }))).toBe('number');
    expect(typeof (await send(sourceKey(undefined), { a: 'wrong' }))).toBe('number');
    for (const other of ['192.0.2.2', '2001:db8:0:1::1'])
      expect(await send(keyOf(other), { a: 'wrong' })).toEqual(['a']);
  });

  it('and ten times as much of an IPv6 /48', async () => {
    const { clock, send, exhaust } = lab();
    let evaluated = 0;
    for (let net = 0; net < 20; net += 1) evaluated += await exhaust(keyOf(`2001:db8:0:${net.toString(16)}::1`));
    expect(evaluated).toBe(10 * GUESSES);
    expect(await send(keyOf('2001:db8:0:ffff::1'), { a: 'right' })).toBe(1);
    expect(await exhaust(keyOf('2001:db8:1::1'))).toBe(GUESSES);
    clock.ms += MINUTE_MS;
    evaluated = 0;
    for (let net = 0; net < 20; net += 1) evaluated += await exhaust(keyOf(`2001:db8:0:${net.toString(16)}::1`));
    expect(evaluated).toBe(10 * GUESSES_PER_MINUTE);
  });

  it('pays for each candidate of a request, also beside a right one, and not for the right one', async () => {
    const { send, exhaust } = lab();
    expect(await send(HOME, { a: 'wrong', b: 'right', c: 'wrong', d: 'right', e: 'unknown' })).toHaveLength(5);
    expect(await exhaust(HOME)).toBe(GUESSES - 2);
  });

  it('does not evaluate a request that it cannot pay in full', async () => {
    const { send, exhaust } = lab();
    for (let guess = 0; guess < GUESSES - 2; guess += 1) await send(HOME, { [`x${guess}`]: 'wrong' });
    expect(await send(HOME, { a: 'wrong', b: 'wrong', c: 'right' })).toBe(6);
    expect(await exhaust(HOME)).toBe(2);
  });

  it('a wrong candidate that was sent beside a right one costs once in 24 hours: eight of them', async () => {
    const { clock, send, exhaust } = lab();
    const foreign = ['1', '2', '3', '4', '5', '6', '7', '8'];
    for (let round = 0; round < 50; round += 1) {
      for (const text of foreign) expect(await send(HOME, { [text]: 'wrong', ok: 'right' })).toEqual([text, 'ok']);
      expect(await send(HOME, { 1: 'wrong' })).toEqual(['1']);
    }
    expect(await exhaust(HOME)).toBe(GUESSES - 8);
    // With an empty budget it is not evaluated, either.
    expect(await send(HOME, { 1: 'wrong' })).toBe(6);
    expect(await send(HOME, { 1: 'wrong', ok: 'right' })).toEqual(['ok']);
    clock.ms += DAY_MS;
    await send(HOME, { 1: 'wrong', ok: 'right' });
    expect(await exhaust(HOME)).toBe(GUESSES - 1);
    clock.ms += MINUTE_MS;
    for (const text of [...foreign, '9']) await send(HOME, { [text]: 'wrong', ok: 'right' });
    expect(await exhaust(HOME)).toBe(GUESSES_PER_MINUTE - 8);
  });

  it('evaluates with an empty budget only what was right from this source within 24 hours: sixteen of them', async () => {
    const { clock, send, exhaust } = lab();
    for (let index = 0; index < 17; index += 1) await send(HOME, { [`right ${index}`]: 'right' });
    await exhaust(HOME);
    expect(await send(HOME, { 'right 0': 'right' })).toBe(6);
    for (let index = 1; index < 17; index += 1) {
      expect(await send(HOME, { x: 'wrong', [`right ${index}`]: 'right', y: 'right' })).toEqual([`right ${index}`]);
    }
    await exhaust('192.0.2.2');
    expect(await send('192.0.2.2', { 'right 1': 'right' })).toBe(6);
    clock.ms += DAY_MS;
    await exhaust(HOME);
    expect(await send(HOME, { 'right 1': 'right' })).toBe(6);
  });

  it('what was right and is wrong now is evaluated once more, costs, and is forgotten', async () => {
    const { send, exhaust } = lab();
    await send(HOME, { a: 'right' });
    await send(HOME, { a: 'wrong' });
    expect(await exhaust(HOME)).toBe(GUESSES - 1);
    const other = lab();
    await other.send(HOME, { a: 'right', b: 'right' });
    await other.exhaust(HOME);
    expect(await other.send(HOME, { a: 'wrong', b: 'right' })).toEqual(['a', 'b']);
    expect(await other.send(HOME, { a: 'wrong', b: 'right' })).toEqual(['b']);
    expect(await other.send(HOME, { a: 'right' })).toBe(6);
  });
});

describe('requests in flight together', () => {
  it('evaluate no more guesses than the budget; the others wait for a refund, and get none', async () => {
    const { budget } = lab();
    const settles: (() => void)[] = [];
    let refused = 0;
    const refuse = () => {
      refused += 1;
    };
    const requests = Array.from({ length: 64 }, (_, guess) =>
      budget.admit(HOME, [`guess ${guess}`]).then(({ settle }) => void settles.push(() => settle(['wrong'])), refuse),
    );
    await new Promise(setImmediate);
    expect([settles.length, refused]).toEqual([GUESSES, 0]);
    for (const settle of settles) settle();
    await Promise.all(requests);
    expect([settles.length, refused]).toEqual([GUESSES, 64 - GUESSES]);
  });

  it('that are right are all evaluated, at most 30 at a time', async () => {
    const { budget, exhaust } = lab();
    let inFlight = 0;
    let most = 0;
    const requests = Array.from({ length: 280 }, async (_, index) => {
      const { settle } = await budget.admit(HOME, [`right ${index}`]);
      inFlight += 1;
      most = Math.max(most, inFlight);
      await new Promise(setImmediate);
      inFlight -= 1;
      settle(['right']);
    });
    await Promise.all(requests);
    expect(most).toBe(GUESSES);
    expect(await exhaust(HOME)).toBe(GUESSES);
  });

  it('wait 256 at a time; more are refused at once', async () => {
    const { budget } = lab();
    const settles: (() => void)[] = [];
    let refused = 0;
    const refuse = () => {
      refused += 1;
    };
    for (let index = 0; index < GUESSES + 256 + 5; index += 1) {
      budget.admit(HOME, [`guess ${index}`]).then(({ settle }) => void settles.push(() => settle(['right'])), refuse);
    }
    await new Promise(setImmediate);
    expect(refused).toBe(5);
    while (settles.length > 0) {
      settles.pop()?.();
      await Promise.resolve();
    }
    await new Promise(setImmediate);
    for (const settle of settles) settle();
    expect(refused).toBe(5);
  });
});

describe('the memory', () => {
  it('of 10,000 sources: strangers do not evict a source that had a right credential', async () => {
    const { send, exhaust } = lab();
    await send(HOME, { a: 'right' });
    await exhaust(HOME);
    for (let source = 0; source < 12_000; source += 1) await send(`s${source}`, { x: 'wrong' });
    await exhaust(HOME);
    expect(await send(HOME, { a: 'right', b: 'wrong' })).toEqual(['a']);
  });

  it('keeps the 10,000 sources that had a right credential last', async () => {
    const { clock, send, exhaust } = lab();
    for (let source = 0; source < 10_000; source += 1) await send(`s${source}`, { a: 'right' });
    clock.ms += MINUTE_MS;
    await send('s0', { a: 'right' });
    await send('new', { a: 'right' });
    for (const source of ['s0', 's1', 's2']) await exhaust(source);
    expect(await send('s0', { a: 'right' })).toEqual(['a']);
    expect(await send('s1', { a: 'right' })).toBe(6);
    expect(await send('s2', { a: 'right' })).toEqual(['a']);
  });
});

it('behaves like a plain model, for generated requests of two sources', async () => {
  for (let seed = 1; seed <= 30; seed += 1) {
    let state = seed * 7919;
    const random = (limit: number) => {
      state = (state * 48_271) % 2_147_483_647;
      return state % limit;
    };
    const { clock, send } = lab();
    const rights = new Set(['r0', 'r1', 'r2']);
    const model = new Map<string, { level: number; right: Set<string>; foreign: string[] }>();
    for (let step = 0; step < 400; step += 1) {
      const passed = random(4) === 0 ? random(9_000) : 0;
      clock.ms += passed;
      for (const one of model.values())
        one.level = Math.min(GUESSES, one.level + (passed * GUESSES_PER_MINUTE) / MINUTE_MS);
      if (random(60) === 0) rights.delete(`r${random(3)}`);
      const source = `192.0.2.${random(2)}`;
      const texts = [
        ...new Set(Array.from({ length: 1 + random(4) }, () => (random(2) ? `r${random(3)}` : `w${random(14)}`))),
      ];
      const outcomeOf = (text: string) => (rights.has(text) ? 'right' : 'wrong');
      const one = model.get(source) ?? { level: GUESSES, right: new Set(), foreign: [] };
      model.set(source, one);
      const known = texts.filter((text) => one.right.has(text));
      const costing = texts.filter((text) => !one.right.has(text) && !one.foreign.includes(text));
      const isOpen = known.length === texts.length || one.level >= Math.max(1, costing.length);
      const evaluated = isOpen ? texts : known;
      const answer = await send(source, Object.fromEntries(texts.map((text) => [text, outcomeOf(text)])));
      if (evaluated.length === 0) {
        const seconds = (Math.max(1, costing.length) - one.level) * 6;
        // The model adds up in another order.
        expect([Math.ceil(seconds - 1e-6), Math.ceil(seconds + 1e-6)]).toContain(answer);
        continue;
      }
      expect(answer, `seed ${seed}, step ${step}`).toEqual(evaluated);
      const wrong = evaluated.filter((text) => outcomeOf(text) === 'wrong');
      const isBeside = wrong.length < evaluated.length;
      one.level = Math.max(0, one.level - wrong.filter((text) => !one.foreign.includes(text)).length);
      for (const text of evaluated) if (outcomeOf(text) === 'right') one.right.add(text);
      for (const text of wrong) {
        one.right.delete(text);
        if (isBeside) one.foreign = [...one.foreign.filter((other) => other !== text), text].slice(-8);
      }
    }
  }
});
