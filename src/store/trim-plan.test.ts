import { expect, it } from 'vitest';
import { type EventCount, trimPlan } from './trim-plan.ts';

const counts = (...events: number[]): EventCount[] =>
  events.map((count, index) => ({ name: `h${index}`, events: count }));
const removed = (plan: readonly EventCount[]) => plan.map(({ name, events }) => `${name} ${events}`);

it('the host with the most loses first, then those with the most lose together', () => {
  expect(removed(trimPlan(counts(10, 6, 5), 4))).toEqual(['h0 4']);
  expect(removed(trimPlan(counts(10, 6, 5), 6))).toEqual(['h0 5', 'h1 1']);
  expect(removed(trimPlan(counts(10, 6, 5), 9))).toEqual(['h0 6', 'h1 2', 'h2 1']);
  expect(removed(trimPlan(counts(10, 6, 5), 21))).toEqual(['h0 10', 'h1 6', 'h2 5']);
  expect(removed(trimPlan([], 5))).toEqual([]);
});

it('removes as many as it should, and brings no host below one that lost nothing', () => {
  for (let seed = 1; seed <= 500; seed++) {
    const random = (limit: number) => ((seed * 7919 + limit * 104_729 + random.calls++ * 1_299_709) >>> 0) % limit;
    random.calls = 0;
    const list = counts(...Array.from({ length: 1 + random(20) }, () => 1 + random(50)).sort((a, b) => b - a));
    const sum = list.reduce((total, { events }) => total + events, 0);
    const excess = 1 + random(sum);
    const plan = new Map(trimPlan(list, excess).map(({ name, events }) => [name, events]));
    const left = list.map(({ name, events }) => ({ before: events, after: events - (plan.get(name) ?? 0) }));
    expect(left.reduce((total, { before, after }) => total + before - after, 0)).toBe(excess);
    const lost = left.filter(({ before, after }) => after < before).map(({ after }) => after);
    const others = left.filter(({ before, after }) => after === before).map(({ after }) => after);
    expect(Math.min(...left.map(({ after }) => after))).toBeGreaterThanOrEqual(0);
    expect(Math.max(...lost) - Math.min(...lost)).toBeLessThanOrEqual(1);
    expect(Math.min(...lost)).toBeGreaterThanOrEqual(Math.max(0, ...others) - 1);
  }
});
