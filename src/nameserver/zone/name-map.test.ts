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
    // Few keys, so that they repeat; enough keys for branches to grow and collapse.
    const key = fc.integer({ min: 0, max: 400 }).map((n) => `\x04h${n}\x07example\x00`);
    const step = fc.record({ key, remove: fc.boolean(), value: fc.nat() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 600 }), (steps) => {
        const model = new Map<string, Entry>();
        let map = NameMap.empty<Entry>();
        const versions: { map: NameMap<Entry>; expected: Entry[] }[] = [];
        for (const [index, { key, remove, value }] of steps.entries()) {
          if (remove) model.delete(key);
          else model.set(key, { key, value });
          map = remove ? map.delete(key) : map.set({ key, value });
          if (index % 50 === 0) versions.push({ map, expected: sorted(model.values()) });
        }
        versions.push({ map, expected: sorted(model.values()) });
        for (const version of versions) {
          expect(sorted(version.map.values())).toEqual(version.expected);
          expect(version.map.size).toBe(version.expected.length);
        }
        for (const { key } of steps) expect(map.get(key)).toEqual(model.get(key));
      }),
      { numRuns: 60 },
    );
  });

  it('is the same map after deleting an absent key', () => {
    const map = NameMap.of([{ key: 'a' }]);
    expect(map.delete('b')).toBe(map);
  });

  it('stores a hundred thousand names added at once, and more one by one', () => {
    const names = Array.from({ length: 100_000 }, (_, i) => ({ key: `host${i}.example.com` }));
    let map = NameMap.of(names);
    expect(map.size).toBe(names.length);
    for (const name of names) if (map.get(name.key) !== name) throw new Error(name.key);
    for (const name of names) map = map.delete(name.key);
    expect([...map.values()]).toEqual([]);
  });

  it('distinguishes names with the same hash', () => {
    // A birthday search: among 300,000 keys some ten pairs share all 32 bits.
    const names = Array.from({ length: 300_000 }, (_, i) => ({ key: `n${i}` }));
    const map = NameMap.of(names);
    expect(names.every((name) => map.get(name.key) === name)).toBe(true);
    expect(names.slice(0, 150_000).reduce((rest, { key }) => rest.delete(key), map).size).toBe(150_000);
  });
});
