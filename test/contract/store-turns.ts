/** The contract of a store: turns of names among servers (TurnStore). */
import { describe, expect, it } from 'vitest';
import type { Store } from '../../src/core/store.ts';
import { waitUntil } from '../support/process.ts';
import { nameOf } from './store-fixtures.ts';

const LIMIT_MS = 60_000;

export function describeTurnStore(store: () => Store): void {
  describe('turns', () => {
    const [a, b] = [nameOf('A.turn.example.com'), nameOf('b.turn.example.com')];
    const claim = (ownerName: typeof a, holder: string, quietMs = 0, limitMs = LIMIT_MS) =>
      store().turns.claim(ownerName, { holder, quietMs, limitMs });
    const announce = (...names: readonly (typeof a)[]) => store().turns.announce(names, LIMIT_MS);

    it('a name that was claimed is announced with its holder until it is released', async () => {
      expect(await claim(a, 'one')).toEqual({ announcedMs: undefined });
      expect(await announce(b, nameOf('a.TURN.example.com'), a)).toEqual(['one']);
      await store().turns.release('other');
      expect(await announce(a)).toEqual(['one']);
      await store().turns.release('one');
      expect(await announce(a, b)).toEqual([]);
    });

    it('no one can claim a name that was announced a moment ago, or is claimed', async () => {
      await announce(a);
      expect(await claim(a, 'two', 60_000)).toBe('taken');
      const claimed = await claim(a, 'two');
      expect(claimed).not.toBe('taken');
      if (claimed !== 'taken') expect(claimed.announcedMs).toBeLessThan(30_000);
      expect(await claim(a, 'three')).toBe('taken');
      expect(await claim(b, 'two')).not.toBe('taken');
      await store().turns.release('two');
      expect([await claim(a, 'three'), await claim(b, 'three')]).not.toContain('taken');
      await store().turns.release('three');
    });

    it('the quiet time is over when it has passed', async () => {
      await announce(a);
      await waitUntil('the quiet time', async () => (await claim(a, 'quiet', 50)) !== 'taken');
      await store().turns.release('quiet');
    });

    it('a claim is void after its time', async () => {
      expect(await claim(a, 'dead')).not.toBe('taken');
      await waitUntil('the limit', async () => (await store().turns.announce([a], 30)).length === 0);
      expect(await claim(a, 'next', 0, 30)).not.toBe('taken');
      // The first holder ends nothing of the second.
      await store().turns.release('dead');
      expect(await announce(a)).toEqual(['next']);
      await store().turns.release('next');
    });

    it('of several callers at once one gets the claim, and either it or an update comes first', async () => {
      for (let round = 0; round < 20; round += 1) {
        const name = nameOf(`race${round}.turn.example.com`);
        const [claims, holders] = await Promise.all([
          Promise.all(Array.from({ length: 4 }, (_, index) => claim(name, `race ${round} ${index}`, 60_000))),
          announce(name),
        ]);
        const winners = claims.flatMap((outcome, index) => (outcome === 'taken' ? [] : [`race ${round} ${index}`]));
        expect(winners.length).toBeLessThanOrEqual(1);
        // An update that was announced before makes all of them wait; one that came behind knows of the winner.
        expect(holders).toEqual(winners);
      }
    });

    it('forgets names that were not used for some time', async () => {
      await announce(a, b);
      await claim(b, 'kept');
      expect(await store().turns.forget(3_600_000)).toBe(0);
      await waitUntil('the time', async () => (await store().turns.forget(20)) > 0);
      expect(await announce(a)).toEqual([]);
    });
  });
}
