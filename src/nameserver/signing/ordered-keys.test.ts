/** The ordered set against a sorted list, and what its readers see. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OrderedKeys } from './ordered-keys.ts';
import { OrderReader } from './ordered-octets.ts';

const text = (key: Uint8Array | undefined) => key && Buffer.from(key).toString('latin1');
const octets = (key: string) => Buffer.from(key, 'latin1');

/** The same by a list. */
class SortedList {
  readonly keys: string[];

  constructor(keys: readonly string[] = []) {
    this.keys = [...keys];
  }

  add(key: string): boolean {
    if (this.keys.includes(key)) return false;
    this.keys.push(key);
    this.keys.sort();
    return true;
  }

  delete(key: string): boolean {
    const at = this.keys.indexOf(key);
    if (at >= 0) this.keys.splice(at, 1);
    return at >= 0;
  }

  floor(key: string): string | undefined {
    return this.keys.findLast((each) => each <= key) ?? this.keys.at(-1);
  }

  after(key: string): string | undefined {
    return this.keys.find((each) => each > key) ?? this.keys[0];
  }
}

function expectSame(set: OrderedKeys, list: SortedList, probes: readonly string[]): void {
  expect([...set.keys()].map(text)).toEqual(list.keys);
  for (const probe of probes) {
    const key = octets(probe);
    expect([set.has(key), text(set.floor(key)), text(set.after(key))]).toEqual([
      list.keys.includes(probe),
      list.floor(probe),
      list.after(probe),
    ]);
  }
}

/** Of few octets, so that keys are prefixes of one another, and long, so that a few fill a block. */
const key = fc
  .tuple(fc.array(fc.constantFrom('\x00', 'a', '\xff'), { maxLength: 4 }), fc.constantFrom(0, 0, 20, 251))
  .map(([ends, length]) => 'k'.repeat(length) + ends.join(''));
const command = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('add' as const), key }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('delete' as const), key }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('seal' as const, 'publish' as const, 'abandon' as const) }),
  },
);

describe('an ordered set of octets', () => {
  it('is empty at first', () => expectSame(new OrderedKeys(), new SortedList(), ['', 'a']));

  it('has the keys of a sorted list after any changes, commits and failures, and readers see what is published', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 300, size: 'max' }), (commands) => {
        const set = new OrderedKeys();
        let list = new SortedList();
        let published = new SortedList();
        let waiting: SortedList[] = [];
        for (const each of commands) {
          if (each.kind === 'add') expect(set.add(octets(each.key))).toBe(list.add(each.key));
          else if (each.kind === 'delete') expect(set.delete(octets(each.key))).toBe(list.delete(each.key));
          else if (each.kind === 'seal') {
            set.seal();
            waiting.push(new SortedList(list.keys));
          } else if (each.kind === 'abandon') {
            set.abandon();
            waiting = [];
            list = new SortedList(published.keys);
          } else {
            const [next, ...rest] = waiting;
            if (next === undefined) continue;
            set.publish();
            published = next;
            waiting = rest;
          }
        }
        expectSame(set, list, ['', 'a', 'k', ...list.keys]);
        const reader = new OrderReader(set.share());
        for (const probe of ['', 'a', 'k', ...published.keys]) {
          expect(text(reader.floor(reader.root, octets(probe)))).toBe(published.floor(probe));
          expect(reader.has(reader.root, octets(probe))).toBe(published.keys.includes(probe));
        }
      }),
      { numRuns: 200 },
    );
  });

  it('holds a hundred thousand keys, and gives its memory back to later ones', () => {
    const set = new OrderedKeys();
    const keys = Array.from({ length: 100_000 }, (_, i) => octets(`${(i * 7919) % 100_000}`.padStart(20, '0')));
    const commit = () => {
      set.seal();
      set.publish();
    };
    const change = (call: (key: Buffer) => boolean) => {
      for (const [i, each] of keys.entries()) {
        if (!call(each)) throw new Error('not changed');
        if (i % 100 === 0) commit();
      }
      commit();
    };
    change((each) => set.add(each));
    expect([...set.keys()].map(text)).toEqual(keys.map(text).sort());
    const { octets: size } = set;
    expect(size / keys.length).toBeLessThan(60);
    for (let round = 0; round < 2; round++) {
      change((each) => set.delete(each));
      expect([...set.keys()]).toEqual([]);
      change((each) => set.add(each));
    }
    expect(set.octets).toBeLessThanOrEqual(1.1 * size);
  });

  it('fills its blocks with keys that arrive in their order', () => {
    const set = new OrderedKeys();
    for (let i = 0; i < 20_000; i++) set.add(octets(`${i}`.padStart(20, '0')));
    set.seal();
    set.publish();
    expect(set.octets / 20_000).toBeLessThan(30);
  });

  it('refuses a key that is longer than a name', () => {
    expect(() => new OrderedKeys().add(Buffer.alloc(256))).toThrow(RangeError);
  });
});
