import { describe, expect, it } from 'vitest';
import { BeliefTrust } from './belief-trust.ts';

/** Counts beliefs about names of their own. */
function count(trust: BeliefTrust, right: number, wrong: number): void {
  for (let i = 0; i < right; i++) trust.right(`right${i}`);
  for (let i = 0; i < wrong; i++) trust.wrong(`wrong${i}`);
}

describe('what was last published at a name', () => {
  it('is believed while no more than one belief in twenty is wrong', () => {
    const trust = new BeliefTrust();
    expect(trust.believes('any')).toBe(true);
    for (let round = 0; round < 20; round++) count(trust, 49, 1);
    expect(trust.believes('any')).toBe(true);
    count(trust, 0, 12);
    expect(trust.believes('any')).toBe(false);
  });

  it('is believed again when what is read is what would have been believed', () => {
    const trust = new BeliefTrust();
    count(trust, 0, 64);
    expect(trust.believes('any')).toBe(false);
    count(trust, 700, 0);
    expect(trust.believes('any')).toBe(false);
    count(trust, 200, 0);
    expect(trust.believes('any')).toBe(true);
  });

  it('of a name that others changed is read first until it was right twice', () => {
    const trust = new BeliefTrust();
    count(trust, 1000, 0);
    trust.wrong('theirs');
    expect([trust.believes('theirs'), trust.believes('any')]).toEqual([false, true]);
    trust.right('theirs');
    expect(trust.believes('theirs')).toBe(false);
    trust.right('theirs');
    expect(trust.believes('theirs')).toBe(true);
  });

  it('remembers a bounded number of names, the latest', () => {
    const trust = new BeliefTrust();
    count(trust, 0, 20_000);
    count(trust, 2000, 0);
    expect([trust.believes('wrong0'), trust.believes('wrong19999')]).toEqual([true, false]);
  });
});
