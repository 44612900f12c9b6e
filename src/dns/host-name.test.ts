/** Host names as people and routers enter them: accepted characters, IDNA, errors. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseHostName } from './host-name.ts';
import { NameError, type NameErrorCode } from './name.ts';

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
    // IDNA would remove the soft hyphens, but takes quadratic time for labels of many characters.
    [`ä${'\u00ad'.repeat(252)}.example`, 'label-too-long'],
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
