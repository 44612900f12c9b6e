/** Hashes of NSEC3, and which names an NSEC or NSEC3 record covers. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryName } from '../../../test/support/arbitrary-message.ts';
import { compareNameKeys, DomainName } from '../name.ts';
import { findNsec3Hash, MAX_NSEC3_ITERATIONS, nsec3Covers, nsec3Hash, nsec3OwnerName, nsecCovers } from './denial.ts';

const key = (text: string): string => DomainName.parse(text).key;
const EXAMPLE = DomainName.parse('example.');
const SALTED = { iterations: 12, salt: Buffer.from('aabbccdd', 'hex') };
const PLAIN = { iterations: 0, salt: Buffer.alloc(0) };

/** RFC 5155 appendix A. */
const HASHES = {
  'example.': '0p9mhaveqvm6t7vbl5lop2u3t2rp3tom',
  'a.example.': '35mthgpgcu1qg68fab165klnsnk3dpvl',
  'ai.example.': 'gjeqe526plbf1g8mklp59enfd789njgi',
  'ns1.example.': '2t7b4g4vsa5smi47k61mv5bv1a22bojr',
  'ns2.example.': 'q04jkcevqvmu85r014c7dkba38o0ji5r',
  'w.example.': 'k8udemvp1j2f7eg6jebps17vp3n8i58h',
  '*.w.example.': 'r53bq7cc2uvmubfu5ocmm6pers9tk9en',
  'x.w.example.': 'b4um86eghhds6nea196smvmlo4ors995',
  'y.w.example.': 'ji6neoaepv8b5o6k4ev33abha8ht9fgc',
  'x.y.w.example.': '2vptu5timamqttgl4luu9kg21e0aor3s',
  'xx.example.': 't644ebqk9bibcna874givr6joj62mlhv',
  '2t7b4g4vsa5smi47k61mv5bv1a22bojr.example.': 'kohar7mbb8dc2ce8a9qvl8hon4k53uhi',
};

describe('hashed owner names (RFC 5155 §5)', () => {
  for (const [name, label] of Object.entries(HASHES)) {
    it(`RFC 5155 appendix A: ${name}`, () => {
      const hash = nsec3Hash(key(name), SALTED);
      expect(nsec3OwnerName(hash, EXAMPLE).toString()).toBe(`${label}.example.`);
      expect(findNsec3Hash(DomainName.parse(`${label.toUpperCase()}.Example.`), EXAMPLE)).toBe(hash);
    });
  }

  it('without iterations and salt it is SHA-1 of the lower-cased name (RFC 9276 §3.1)', () => {
    // printf '\007example\003com\000' | sha1sum
    const hash = Buffer.from(nsec3Hash(key('Example.COM.'), PLAIN), 'latin1').toString('hex');
    expect(hash).toBe('c5e4b4da1e5a620ddaa3635e55c3732a5b49c7f4');
  });

  it('a salt without iterations, and iterations without a salt, make other hashes', () => {
    const hashes = [PLAIN, { ...PLAIN, salt: SALTED.salt }, { ...PLAIN, iterations: 1 }, SALTED].map((parameters) =>
      nsec3Hash(EXAMPLE.key, parameters),
    );
    expect(new Set(hashes).size).toBe(4);
  });

  it('more than 150 iterations are not computed', () => {
    expect(nsec3Hash(EXAMPLE.key, { ...PLAIN, iterations: MAX_NSEC3_ITERATIONS }).length).toBe(20);
    expect(() => nsec3Hash(EXAMPLE.key, { ...PLAIN, iterations: MAX_NSEC3_ITERATIONS + 1 })).toThrow(RangeError);
  });

  it('the owner name in the root zone, too, is what its text says', () => {
    const name = nsec3OwnerName(nsec3Hash(key('example.'), PLAIN), DomainName.root);
    expect(DomainName.parse(name.toString()).equals(name)).toBe(true);
    expect(findNsec3Hash(name, DomainName.root)).toBe(nsec3Hash(key('example.'), PLAIN));
  });

  it('other owner names have no hash', () => {
    const label = '0p9mhaveqvm6t7vbl5lop2u3t2rp3tom';
    for (const name of [
      `${label}.a.example.`,
      `a.${label}.example.`,
      'w'.repeat(32),
      'example.',
      '.',
      `${label}0.example.`,
    ]) {
      expect(findNsec3Hash(DomainName.parse(name), EXAMPLE), name).toBeUndefined();
    }
    expect(findNsec3Hash(DomainName.parse(`${'w'.repeat(32)}.example.`), EXAMPLE)).toBeUndefined();
  });
});

describe('covered hashes (RFC 5155 §1.3)', () => {
  it('are between the two hashes, and not one of them', () => {
    expect(['b', 'c', 'd', 'a', 'e'].map((hash) => nsec3Covers(hash, 'b', 'd'))).toEqual([
      false,
      true,
      false,
      false,
      false,
    ]);
  });

  it('of the last record are after it or before the first', () => {
    expect(['b', 'c', 'd', 'a', 'e'].map((hash) => nsec3Covers(hash, 'd', 'b'))).toEqual([
      false,
      false,
      false,
      true,
      true,
    ]);
  });

  it('of the only record are all others', () => {
    expect(['a', 'b', 'c'].map((hash) => nsec3Covers(hash, 'b', 'b'))).toEqual([true, false, true]);
  });
});

describe('covered names (RFC 4034 §4.1.1)', () => {
  const covers = (name: string, owner: string, next: string): boolean => nsecCovers(key(name), key(owner), key(next));

  it('are between the two names in canonical order, and not one of them', () => {
    const names = ['a.example.', 'b.a.example.', 'z.z.a.example.', 'B.example.', 'c.example.', 'example.'];
    expect(names.map((name) => covers(name, 'a.example.', 'c.example.'))).toEqual([
      false,
      true,
      true,
      true,
      false,
      false,
    ]);
  });

  it('of the last record are all after it, as its next name is the apex', () => {
    const names = ['a.example.', 'z.example.', 'zz.example.', 'example.', 'a.z.example.'];
    expect(names.map((name) => covers(name, 'z.example.', 'example.'))).toEqual([false, false, true, false, true]);
  });

  it('of the only record are all but the apex', () => {
    expect(covers('a.example.', 'example.', 'example.')).toBe(true);
    expect(covers('example.', 'example.', 'example.')).toBe(false);
  });
});

describe('any names', () => {
  /** Names with few different labels, so that many are equal or near; `[` and `_` are before and after the letters. */
  const label = fc
    .array(fc.constantFrom(0, 1, 0x2a, 0x41, 0x5a, 0x5b, 0x5f, 0x61, 0x62, 0xff), { minLength: 1, maxLength: 3 })
    .map((octets) => Uint8Array.from(octets));
  const near = fc.array(label, { maxLength: 5 }).map((labels) => DomainName.ofLabels(labels));
  const anyName = fc.oneof({ weight: 3, arbitrary: near }, arbitraryName);

  /** RFC 4034 §6.1 in its own words: labels from the right, as lower-case octets, where no octet is before octet 0. */
  function compareLabels(a: DomainName, b: DomainName): number {
    const [left, right] = [a, b].map((name) =>
      name
        .labels()
        .reverse()
        .map((octets) => Buffer.from(octets.map((octet) => (octet >= 0x41 && octet <= 0x5a ? octet + 32 : octet)))),
    ) as [Buffer[], Buffer[]];
    for (const [i, octets] of left.entries()) {
      const other = right[i];
      if (other === undefined) return 1;
      const order = Buffer.compare(octets, other);
      if (order !== 0) return order;
    }
    return Math.sign(left.length - right.length);
  }

  it('RFC 4034 §6.1: their order is that of their labels, and total', () => {
    fc.assert(
      fc.property(anyName, anyName, anyName, (a, b, c) => {
        const order = (x: DomainName, y: DomainName): number => Math.sign(compareNameKeys(x.key, y.key));
        expect(order(a, b)).toBe(compareLabels(a, b));
        expect(order(b, a)).toBe(-compareLabels(a, b) || 0);
        expect(order(a, b) === 0).toBe(a.equals(b));
        if (order(a, b) <= 0 && order(b, c) <= 0) expect(order(a, c)).toBeLessThanOrEqual(0);
      }),
      { numRuns: 2000 },
    );
  });

  it('each is in a chain, or covered by one of its NSEC records and one of its NSEC3 records', () => {
    const below = near.map((name) => DomainName.ofLabels([...name.labels(), ...EXAMPLE.labels()]));
    const zone = fc.array(below, { maxLength: 40, size: 'max' }).map((names) => [...names, EXAMPLE]);
    const unique = (keys: readonly string[]): string[] => [...new Set(keys)];
    fc.assert(
      fc.property(zone, below, (names, name) => {
        const keys = unique(names.map((each) => each.key)).sort(compareNameKeys);
        const hashes = keys.map((nameKey) => nsec3Hash(nameKey, PLAIN)).sort();
        const exists = keys.includes(name.key);
        const covering = keys.filter((owner, i) => nsecCovers(name.key, owner, keys[(i + 1) % keys.length]!));
        expect(covering.length).toBe(exists ? 0 : 1);
        const hash = nsec3Hash(name.key, PLAIN);
        const hashed = hashes.filter((owner, i) => nsec3Covers(hash, owner, hashes[(i + 1) % hashes.length]!));
        expect(hashed.length).toBe(exists ? 0 : 1);
      }),
    );
  });

  it('the owner name of a hash has it, and no name throws', () => {
    fc.assert(
      fc.property(anyName, anyName, fc.uint8Array({ minLength: 20, maxLength: 20 }), (zone, name, octets) => {
        const hash = Buffer.from(octets).toString('latin1');
        if (zone.octets.length < 220) expect(findNsec3Hash(nsec3OwnerName(hash, zone), zone)).toBe(hash);
        const found = findNsec3Hash(name, zone);
        if (found !== undefined) expect(nsec3OwnerName(found, zone).equals(name)).toBe(true);
      }),
    );
  });
});
