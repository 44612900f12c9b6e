/** Domain names: labels, order, presentation form (RFC 1035, 4034, 4343), and the names that people enter (IDNA). */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DomainName, findNearestAncestor, NameError, type NameErrorCode, parseHostName } from './name.ts';

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

describe('parseHostName', () => {
  it.each([
    ['example.com', 'example.com.'],
    ['example.com.', 'example.com.'],
    ['Home.Example.COM', 'Home.Example.COM.'],
    ['exämple.com', 'xn--exmple-cua.com.'],
    ['www.EXÄMPLE.com', 'www.xn--exmple-cua.com.'],
    ['straße.example', 'xn--strae-oqa.example.'],
    ['日本語.example', 'xn--wgv71a119e.example.'],
    ['xn--exmple-cua.com', 'xn--exmple-cua.com.'],
    ['ｗｗｗ.example', 'www.example.'],
    ['*.example.com', '*.example.com.'],
    ['*.exämple.com', '*.xn--exmple-cua.com.'],
    ['_acme-challenge.example.com', '_acme-challenge.example.com.'],
    ['1.2.example', '1.2.example.'],
    ['777.example', '777.example.'],
    ['0x7f.1.example', '0x7f.1.example.'],
    ['localhost', 'localhost.'],
    [LONGEST, `${LONGEST}.`],
    [`${LABEL_63}.example.`, `${LABEL_63}.example.`],
  ])('%s is %s', (text, expected) => {
    expect(parseHostName(text).toString()).toBe(expected);
  });

  it.each<[string, NameErrorCode]>([
    ['', 'empty-label'],
    ['.', 'empty-label'],
    ['..', 'empty-label'],
    ['a..b', 'empty-label'],
    ['.example.com', 'empty-label'],
    ['example.com..', 'empty-label'],
    ['1.2', 'numeric-tld'],
    ['192.0.2.1', 'numeric-tld'],
    ['www.example.777', 'numeric-tld'],
    ['www.example.777.', 'numeric-tld'],
    ['a'.repeat(64), 'label-too-long'],
    [`${'ä'.repeat(60)}.example`, 'label-too-long'],
    [`${LONGEST}a`, 'name-too-long'],
    [`${LONGEST}.a`, 'name-too-long'],
    ['a b.example', 'bad-label'],
    ['a%62.example', 'bad-label'],
    ['ä%62.example', 'bad-label'],
    ['a/b.example', 'bad-label'],
    ['-a.example', 'bad-label'],
    ['a-.example', 'bad-label'],
    ['-ä.example', 'bad-label'],
    ['ä-.example', 'bad-label'],
    ['a.*.example', 'bad-label'],
    ['**.example', 'bad-label'],
    ['*a.example', 'bad-label'],
    ['*ä.example', 'bad-label'],
    ['a\\.b.example', 'bad-label'],
    ['a@b.example', 'bad-label'],
    ['[::1]', 'bad-label'],
    ['a\u0000b.example', 'bad-label'],
    ['a\nb.example', 'bad-label'],
    // Characters that become a dot would split the label: U+3002, U+FF0E, U+FF61.
    ['a。example', 'bad-label'],
    ['a．example', 'bad-label'],
    ['a｡example', 'bad-label'],
    // Characters that IDNA maps to digits would become an address.
    ['１.example', 'bad-label'],
    ['www.example.７７７', 'bad-label'],
    // Labels of characters that IDNA drops become empty; a lone surrogate is not a character.
    ['\u00ad.example', 'bad-label'],
    ['\ud800.example', 'bad-label'],
    ['xn--ä.example', 'bad-label'],
  ])('%j is refused: %s', (text, code) => {
    expect(errorCode(() => parseHostName(text))).toBe(code);
  });

  it.each(['/', '?', '#', '\\', ':', '@', '%', '\t', '\r', '\n', ' ', '*', '[', ']', '|', '<', '^', '\u0000'])(
    'an ASCII character that is special in a URL is refused beside non-ASCII ones: %j',
    (character) => {
      expect(errorCode(() => parseHostName(`ä${character}b.example`))).toBe('bad-label');
      expect(errorCode(() => parseHostName(`ä${character}.example`))).toBe('bad-label');
      expect(errorCode(() => parseHostName(`${character}ä.example`))).toBe('bad-label');
    },
  );

  it('the texts name the label and the name, as the original did', () => {
    expect(() => parseHostName('www.ex%mple.com')).toThrow(
      "The label 'ex%mple' of the DNS name 'www.ex%mple.com' is invalid.",
    );
    expect(() => parseHostName('www.example.777')).toThrow(
      "The TLD '777' of the DNS name 'www.example.777' must be not purely numeric.",
    );
  });

  it('an error text is short, and free of control and direction characters, whatever was sent', () => {
    const worst = [
      `${'x'.repeat(10_000)} .example`,
      `${'b.'.repeat(5000)}1`,
      'a\u0007\u001b[31m.example',
      'ä\u202e.example',
      'ä\u2028\u0085.example',
      `${'😀'.repeat(200)}%.example`,
    ];
    for (const text of worst) {
      let message = '';
      try {
        parseHostName(text);
      } catch (error) {
        message = (error as Error).message;
      }
      expect(message).not.toBe('');
      expect(message.length).toBeLessThan(700);
      expect(message).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
    }
  });

  it('any text is parsed to a name of host-name labels or a NameError', () => {
    const characters = fc.constantFrom(
      'a',
      'Z',
      '0',
      '9',
      '-',
      '_',
      '*',
      '.',
      '.',
      'ä',
      '。',
      '％',
      '/',
      '%41',
      '\u200d',
      '١',
    );
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.array(characters).map((list) => list.join('')),
    );
    fc.assert(
      fc.property(text, (input) => {
        const code = errorCode(() => parseHostName(input));
        if (code !== undefined) return;
        const parsed = parseHostName(input);
        expect(parsed.labelCount).toBe(input.replace(/\.$/, '').split('.').length);
        expect(parsed.toString()).toMatch(/^(\*\.)?([a-z0-9_]([a-z0-9_-]*[a-z0-9_])?\.)*$/i);
      }),
      { numRuns: 2000 },
    );
  });
});
