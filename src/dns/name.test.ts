/** Domain names: labels, order, presentation form (RFC 1035, RFC 4034, RFC 4343). */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DomainName, findNearestAncestor, NameError, type NameErrorCode } from './name.ts';

const name = (text: string): DomainName => DomainName.parse(text);
const wire = (text: string): string => Buffer.from(name(text).octets).toString('hex');
const errorCode = (work: () => unknown): NameErrorCode | undefined => {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof NameError) return error.code;
    throw error;
  }
};
const LABEL_63 = 'a'.repeat(63);
/** 253 characters, 255 octets in wire form. */
const LONGEST = `${LABEL_63}.${LABEL_63}.${LABEL_63}.${'a'.repeat(61)}`;

describe('presentation form (RFC 1035 §5.1)', () => {
  it.each([
    ['example.com', '076578616d706c6503636f6d00'],
    ['example.com.', '076578616d706c6503636f6d00'],
    ['.', '00'],
    ['ExAmPlE', '074578416d506c4500'],
    ['a\\.b.c', '03612e62016300'],
    ['a\\046b', '03612e6200'],
    ['\\000\\255', '0200ff00'],
    ['\\\\', '015c00'],
    ['a\\"b', '03612262 00'.replace(' ', '')],
    ['ä', '02c3a400'],
    ['*.example', '012a076578616d706c6500'],
    ['@', '014000'],
  ])('%s is %s', (text, octets) => {
    expect(wire(text)).toBe(octets);
  });

  it('a text without the final dot is relative to the origin, one with it is not', () => {
    expect(DomainName.parse('www', name('example.com')).toString()).toBe('www.example.com.');
    expect(DomainName.parse('www.', name('example.com')).toString()).toBe('www.');
    expect(DomainName.parse('.', name('example.com')).isRoot).toBe(true);
    expect(DomainName.parse('a\\.', name('com')).toString()).toBe('a\\..com.');
  });

  it.each<[string, NameErrorCode]>([
    ['', 'empty-label'],
    ['..', 'empty-label'],
    ['a..b', 'empty-label'],
    ['.a', 'empty-label'],
    ['a..', 'empty-label'],
    ['\\', 'bad-escape'],
    ['a\\1', 'bad-escape'],
    ['a\\12b', 'bad-escape'],
    ['a\\256', 'bad-escape'],
    ['a'.repeat(64), 'label-too-long'],
    [`${LONGEST}a`, 'name-too-long'],
    [`${LONGEST}.a`, 'name-too-long'],
  ])('%s is refused: %s', (text, code) => {
    expect(errorCode(() => name(text))).toBe(code);
  });

  it('a label of 63 octets and a name of 255 octets are allowed, with the final dot too', () => {
    expect(name(LABEL_63).labels()[0]).toHaveLength(63);
    expect(name(LONGEST).octets).toHaveLength(255);
    expect(name(`${LONGEST}.`).octets).toHaveLength(255);
  });

  it('special characters of zone files are escaped', () => {
    const labels = ['a.b', 'a b', '"();@$\\', '\u0000\u007f', '*', '_tcp'].map((text) => Buffer.from(text, 'latin1'));
    expect(DomainName.ofLabels(labels).toString()).toBe('a\\.b.a\\032b.\\"\\(\\)\\;\\@\\$\\\\.\\000\\127.*._tcp.');
    expect(DomainName.root.toString()).toBe('.');
    expect(JSON.stringify(name('Example.com'))).toBe('"Example.com."');
  });

  it('a text with escapes and a text without that mean the same name give the same name', () => {
    expect(name('\\101x\\097mple.com').toString()).toBe('example.com.');
    expect(name('\\069xample.com').equals(name('example.com'))).toBe(true);
  });
});

describe('labels', () => {
  it('a label that contains a dot is one label', () => {
    const dotted = DomainName.ofLabels([Buffer.from('www.example'), Buffer.from('com')]);
    expect(dotted.labelCount).toBe(2);
    expect(dotted.toString()).toBe('www\\.example.com.');
    expect(dotted.equals(name('www.example.com'))).toBe(false);
    expect(dotted.isAtOrBelow(name('example.com'))).toBe(false);
    expect(dotted.isAtOrBelow(name('com'))).toBe(true);
  });

  it('ofLabels refuses a label of 64 octets, an empty one, and more than 255 octets', () => {
    expect(errorCode(() => DomainName.ofLabels([new Uint8Array(64)]))).toBe('label-too-long');
    expect(errorCode(() => DomainName.ofLabels([new Uint8Array(0)]))).toBe('empty-label');
    const four = [63, 63, 63, 62].map((length) => new Uint8Array(length));
    expect(errorCode(() => DomainName.ofLabels(four))).toBe('name-too-long');
  });

  it('the root has no labels and no parent; every other name has its parent to the right', () => {
    expect(DomainName.root.labelCount).toBe(0);
    expect(DomainName.root.parent()).toBeUndefined();
    expect(name('com').parent()?.isRoot).toBe(true);
    expect(name('a\\.b.example.com').parent()?.toString()).toBe('example.com.');
  });

  it('prepend adds one label, even one that contains a dot, and refuses a name that gets too long', () => {
    expect(name('example.com').prepend('*').isWildcard).toBe(true);
    expect(name('example.com').prepend('a.b').labelCount).toBe(3);
    expect(errorCode(() => name(LONGEST).prepend('a'))).toBe('name-too-long');
    expect(errorCode(() => DomainName.root.prepend('a'.repeat(64)))).toBe('label-too-long');
  });

  it('RFC 4592 §2.1.1: only a left-most label that is exactly one asterisk makes a wildcard', () => {
    expect(name('*.example.com').isWildcard).toBe(true);
    expect(name('*').isWildcard).toBe(true);
    expect(name('**.example.com').isWildcard).toBe(false);
    expect(name('a.*.example.com').isWildcard).toBe(false);
    expect(DomainName.root.isWildcard).toBe(false);
  });
});

describe('comparison without case (RFC 4343)', () => {
  it('the case of ASCII letters is ignored in comparisons and preserved', () => {
    expect(name('WWW.Example.COM').equals(name('www.example.com'))).toBe(true);
    expect(name('WWW.Example.COM').toString()).toBe('WWW.Example.COM.');
    expect(name('WWW.Example.COM').key).toBe(name('www.example.com').key);
  });

  it('only ASCII letters are folded: not [ and {, not Ä and ä', () => {
    expect(name('[').equals(name('{'))).toBe(false);
    expect(name('@').equals(name('`'))).toBe(false);
    expect(name('\\196').equals(name('\\228'))).toBe(false);
  });

  it('labels that join to the same letters differ: ab.c and a.bc', () => {
    expect(name('ab.c').equals(name('a.bc'))).toBe(false);
  });
});

describe('isAtOrBelow', () => {
  it.each([
    ['example.com', 'example.com', true],
    ['WWW.EXAMPLE.COM', 'example.com', true],
    ['a.b.example.com', 'Example.Com', true],
    ['example.com', '.', true],
    ['.', '.', true],
    ['notexample.com', 'example.com', false],
    ['evildyndns.example.com', 'dyndns.example.com', false],
    ['com', 'example.com', false],
    ['.', 'com', false],
    ['example.net', 'example.com', false],
    ['example.com.evil.example', 'example.com', false],
  ])('%s under %s: %s', (text, ancestor, expected) => {
    expect(name(text).isAtOrBelow(name(ancestor))).toBe(expected);
  });

  it('a label whose content looks like the wire form of the ancestor does not match', () => {
    // One label that ends in the octets 07 "example" 03 "com".
    const forged = DomainName.ofLabels([Buffer.from('x\x07example\x03com', 'latin1')]);
    expect(forged.isAtOrBelow(name('example.com'))).toBe(false);
  });

  it('agrees with a comparison of label lists', () => {
    const label = fc.constantFrom('a', 'A', 'b', 'ab', '\\001a', 'a\\.b');
    const text = fc.array(label, { maxLength: 4 }).map((labels) => labels.join('.') || '.');
    fc.assert(
      fc.property(text, text, (left, right) => {
        const lower = (n: DomainName) =>
          n.labels().map((octets) => Buffer.from(octets).toString('latin1').toLowerCase());
        const below = lower(name(left));
        const above = lower(name(right));
        const expected =
          above.length <= below.length && below.slice(below.length - above.length).join('|') === above.join('|');
        expect(name(left).isAtOrBelow(name(right))).toBe(expected);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('findNearestAncestor', () => {
  const byKey = (...texts: string[]) => new Map(texts.map((text) => [name(text).key, text]));

  it.each([
    ['example.com', 'example.com'],
    ['a.EXAMPLE.com', 'example.com'],
    ['b.example.com', 'b.example.com'],
    ['x.y.b.example.com', 'b.example.com'],
    ['notexample.com', '.'],
    ['.', '.'],
  ])('of %s is %s', (text, expected) => {
    expect(findNearestAncestor(byKey('example.com', 'b.example.com', '.'), name(text).key)).toBe(expected);
  });

  it('is undefined if no entry is at or above the name', () => {
    for (const text of ['notexample.com', 'com', '.']) {
      expect(findNearestAncestor(byKey('example.com'), name(text).key)).toBeUndefined();
    }
  });
});

describe('canonical order (RFC 4034 §6.1)', () => {
  const SORTED = [
    'example',
    'a.example',
    'yljkjljk.a.example',
    'Z.a.example',
    'zABC.a.EXAMPLE',
    'z.example',
    '\\001.z.example',
    '*.z.example',
    '\\200.z.example',
  ];

  it("sorts the RFC's example as the RFC does", () => {
    const shuffled = [4, 8, 0, 6, 2, 7, 5, 1, 3].map((index) => name(SORTED[index]!));
    const sorted = shuffled.sort(DomainName.compare).map(String);
    expect(sorted).toEqual(SORTED.map((text) => name(text).toString()));
  });

  it('the root is first, and names that differ in case only are the same', () => {
    expect(DomainName.compare(DomainName.root, name('a'))).toBeLessThan(0);
    expect(DomainName.compare(name('A.Example'), name('a.example'))).toBe(0);
    expect(DomainName.compare(name('a'), name('aa'))).toBeLessThan(0);
  });
});
