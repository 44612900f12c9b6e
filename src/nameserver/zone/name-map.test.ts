/** The persistent map, compared with a Map. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NameMap } from './name-map.ts';

interface Entry {
  readonly key: string;
  readonly value: number;
}

const sorted = (entries: Iterable<Entry>) => [...entries].sort((a, b) => (a.key < b.key ? -1 : 1));

describe('NameMap', () => {
  it('behaves like a Map, and does not change earlier versions', () => {
    // Few keys, so that they repeat; enough keys for branches to grow.
    const key = fc.integer({ min: 0, max: 400 }).map((n) => `\x04h${n}\x07example\x00`);
    const step = fc.record({ key, value: fc.nat() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 600 }), (steps) => {
        const model = new Map<string, Entry>();
        let map = NameMap.empty<Entry>();
        const versions: { map: NameMap<Entry>; expected: Entry[] }[] = [];
        for (const [index, { key, value }] of steps.entries()) {
          model.set(key, { key, value });
          map = map.set({ key, value });
          if (index % 50 === 0) versions.push({ map, expected: sorted(model.values()) });
        }
        versions.push({ map, expected: sorted(model.values()) });
        for (const version of versions) {
          expect(sorted(version.map.values())).toEqual(version.expected);
          expect(version.map.size).toBe(version.expected.length);
        }
        for (const { key } of steps) expect(map.get(key)).toEqual(model.get(key));
        const visited: Entry[] = [];
        map.forEach((entry) => void visited.push(entry));
        expect(sorted(visited)).toEqual(sorted(model.values()));
      }),
      { numRuns: 60 },
    );
  });

  it('distinguishes names with the same hash', () => {
    // A birthday search: among 300,000 keys some ten pairs share all 32 bits.
    const names = Array.from({ length: 300_000 }, (_, i) => ({ key: `n${i}` }));
    const map = names.reduce((rest, name) => rest.set(name), NameMap.empty<(typeof names)[0]>());
    expect(map.size).toBe(names.length);
    expect(names.every((name) => map.get(name.key) === name)).toBe(true);
  });
});
