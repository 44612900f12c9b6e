/** Names of zones, compared with a Map: at each state, also while and after the table goes on. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashOfKey, NameHashes } from './name-hash.ts';
import { PackedNodes } from './packed-nodes.ts';
import type { ZoneNode } from './zone-node.ts';
import { ZoneNodes } from './zone-nodes.ts';

const sorted = (nodes: Iterable<ZoneNode>) => [...nodes].sort((a, b) => (a.key < b.key ? -1 : 1));

const label = (n: number) => `h${n}`;
const keyOf = (n: number) => `${String.fromCharCode(label(n).length)}${label(n)}\x07example\x00`;

/** Few RDATA are large, so that blocks of all sizes are freed and used again; some names are too large to be packed. */
const rdata = fc
  .oneof(
    { weight: 20, arbitrary: fc.integer({ min: 0, max: 60 }) },
    { weight: 2, arbitrary: fc.integer({ min: 200, max: 3_000 }) },
    { weight: 1, arbitrary: fc.constant(20_000) },
  )
  .chain((length) => fc.integer({ min: 0, max: 255 }).map((octet) => String.fromCharCode(octet).repeat(length)));
const rrset = fc.record({
  type: fc.integer({ min: 1, max: 65_535 }),
  ttl: fc.oneof(fc.integer({ min: 0, max: 0xffff_ffff }), fc.constant(60)),
  rdatas: fc.array(rdata, { minLength: 1, maxLength: 3 }),
});
const node = fc
  .record({
    n: fc.integer({ min: 0, max: 60 }),
    isUpper: fc.boolean(),
    rrsets: fc.oneof(
      { weight: 60, arbitrary: fc.array(rrset, { maxLength: 3 }) },
      { weight: 1, arbitrary: fc.array(rrset, { minLength: 256, maxLength: 256 }) },
    ),
    children: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff_ffff })),
  })
  .map(({ n, isUpper, rrsets, children }): ZoneNode => {
    const key = keyOf(n);
    return { key, wireText: isUpper ? key.toUpperCase() : key, rrsets, children };
  });

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

interface State {
  readonly nodes: ZoneNodes;
  readonly expected: ReadonlyMap<string, ZoneNode>;
}

function check({ nodes, expected }: State) {
  expect(sorted(nodes.values())).toEqual(sorted(expected.values()));
  expect(nodes.size).toBe(expected.size);
  for (let n = 0; n <= 60; n++) {
    expect(nodes.get(keyOf(n))).toEqual(expected.get(keyOf(n)));
    expect(nodes.has(keyOf(n))).toBe(expected.has(keyOf(n)));
  }
}

const step = fc.oneof(
  { weight: 12, arbitrary: fc.record({ kind: fc.constant('set' as const), node }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('delete' as const), n: fc.integer({ min: 0, max: 60 }) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('commit' as const) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('publish' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('abandon' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('read' as const), of: fc.nat(), names: fc.nat(20) }) },
);

describe('ZoneNodes', () => {
  it('of each version stay as they were, also for one that goes through them meanwhile', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const first: State = { nodes: ZoneNodes.of([]), expected: new Map() };
        let published = first;
        let committing: State | undefined;
        let draft: State = { nodes: first.nodes.layer(), expected: first.expected };
        const versions: State[] = [first];
        const readers: { state: State; values: Generator<ZoneNode>; seen: ZoneNode[] }[] = [];
        for (const step of steps) {
          const { nodes, expected } = draft;
          if (step.kind === 'set') {
            draft = { nodes: nodes.set(step.node), expected: new Map(expected).set(step.node.key, step.node) };
          } else if (step.kind === 'delete') {
            const less = new Map(expected);
            less.delete(keyOf(step.n));
            draft = { nodes: nodes.delete(keyOf(step.n)), expected: less };
          } else if (step.kind === 'commit' && committing === undefined) {
            committing = draft;
            versions.push(draft);
            draft = { nodes: nodes.layer(), expected };
          } else if (step.kind === 'publish' && committing !== undefined) {
            committing.nodes.pack();
            published = committing;
            committing = undefined;
          } else if (step.kind === 'abandon') {
            committing = undefined;
            draft = { nodes: published.nodes.layer(), expected: published.expected };
          } else if (step.kind === 'read') {
            const state = versions[step.of % versions.length]!;
            const values = state.nodes.values();
            const seen: ZoneNode[] = [];
            for (let i = 0; i < step.names; i++)
              seen.push(...[values.next().value].filter((each) => each !== undefined));
            readers.push({ state, values, seen });
          }
        }
        for (const state of [...versions, draft]) check(state);
        for (const { state, values, seen } of readers) {
          expect(sorted([...seen, ...values])).toEqual(sorted(state.expected.values()));
        }
      }),
      { numRuns: 150 },
    );
  });

  it('are the same after deleting an absent name', () => {
    const nodes = ZoneNodes.of([{ key: keyOf(0), wireText: keyOf(0), rrsets: [], children: 0 }]);
    expect(nodes.delete(keyOf(1))).toBe(nodes);
  });

  it('pack a version whose base was replaced by another one into a table of its own', () => {
    const [a, b, c] = [0, 1, 2].map((n): ZoneNode => ({ key: keyOf(n), wireText: keyOf(n), rrsets: [], children: n }));
    const start = ZoneNodes.of([a!]);
    const [left, right] = [start.layer().set(b!), start.layer().set(c!).delete(a!.key)];
    left.pack();
    right.pack();
    expect(sorted(start.values())).toEqual([a]);
    expect(sorted(left.values())).toEqual([a, b]);
    expect(sorted(right.values())).toEqual([c]);
    expect([start.packed, left.packed, right.packed].map((table) => table?.size)).toEqual([undefined, 2, 1]);
  });

  it('of an old version that someone goes through slowly keep each name once', () => {
    const nodeOf = (n: number, ttl: number): ZoneNode => {
      return { key: keyOf(n), wireText: keyOf(n), rrsets: [{ type: 1, ttl, rdatas: ['abcd'] }], children: 0 };
    };
    const old = ZoneNodes.of(Array.from({ length: 100 }, (_, n) => nodeOf(n, 0)));
    const reader = old.values();
    reader.next();
    let nodes = old;
    const grow = (rounds: number) => {
      for (let round = 1; round <= rounds; round++) {
        let next = nodes.layer();
        for (let n = 0; n < 10; n++) next = next.set(nodeOf((round * 10 + n) % 100, round));
        next.pack();
        nodes = next;
      }
      collectGarbage();
      const { heapUsed, external } = process.memoryUsage();
      return heapUsed + external;
    };
    const before = grow(5_000);
    // 500,000 changes of some 300 octets each would be 150 MB.
    expect(grow(50_000) - before).toBeLessThan(20e6);
    const rest = [...reader];
    expect(rest.length).toBe(99);
    expect(rest.every(({ rrsets }) => rrsets[0]!.ttl === 0)).toBe(true);
  });
});

describe('PackedNodes', () => {
  it('find each of many names, by text and in messages of any letter case, and none that was removed', () => {
    const table = new PackedNodes();
    const names = new NameHashes();
    // Among so many some ten pairs share all 32 bits of the hash.
    const count = 300_000;
    const find = (key: string) => {
      const octets = Buffer.from(`xx${key.toUpperCase()}yy`, 'latin1');
      const end = names.read(octets, 2);
      return table.placeOfOctets(octets, 2, end, names.hashes[0]!);
    };
    for (let n = 0; n < count; n++) table.put({ key: keyOf(n), wireText: keyOf(n), rrsets: [], children: n });
    for (let n = 0; n < count; n += 2) table.remove(keyOf(n), hashOfKey(keyOf(n)));
    expect(table.size).toBe(count / 2);
    for (let n = 0; n < count; n++) {
      const place = table.placeOf(keyOf(n), hashOfKey(keyOf(n)));
      if (find(keyOf(n)) !== place || (table.nodeAt(Math.max(place, 0))?.children === n) !== (n % 2 === 1))
        throw new Error(keyOf(n));
    }
  });

  it('use the blocks of removed names again', () => {
    const table = new PackedNodes();
    const put = (n: number) => table.put({ key: keyOf(n), wireText: keyOf(n), rrsets: [], children: 0 });
    for (let n = 100; n < 1_000; n++) put(n);
    const { end } = table;
    for (let n = 100; n < 1_000; n++) table.remove(keyOf(n), hashOfKey(keyOf(n)));
    for (let n = 999; n >= 100; n--) put(n);
    expect(table.end).toBe(end);
  });
});

describe('NameHashes', () => {
  it('are those of the keys of a name and of its ancestors', () => {
    const names = new NameHashes();
    const octets = Buffer.from('\x03WwW\x07eXample\x00', 'latin1');
    expect(names.read(octets, 0)).toBe(octets.length);
    const keys = ['\x03www\x07example\x00', '\x07example\x00', '\x00'];
    expect([...names.hashes.subarray(0, names.count)]).toEqual(keys.map(hashOfKey));
    expect([...names.starts.subarray(0, names.count)]).toEqual([0, 4, 12]);
  });

  it.each([
    ['a compressed name', '\x03www\xc0\x0c'],
    ['a name that ends too early', '\x03ww'],
    ['a name without a root', '\x03www'],
    ['256 octets', `${'\x3f'.padEnd(64, 'a').repeat(3)}${'\x3e'.padEnd(63, 'a')}\x00`],
    ['no octets', ''],
  ])('are not of %s', (_, text) => {
    const octets = Buffer.from(text, 'latin1');
    expect(new NameHashes().read(octets, 0)).toBe(-1);
  });

  it('are of the longest name, and of none with an octet more', () => {
    const longest = `${'\x01a'.repeat(127)}\x00`;
    expect(new NameHashes().read(Buffer.from(longest, 'latin1'), 0)).toBe(255);
    expect(new NameHashes().read(Buffer.from(`\x01a${longest}`, 'latin1'), 0)).toBe(-1);
  });
});
