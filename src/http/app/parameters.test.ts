/** The parameters of a query and a form. */
import { parse as parseQuery } from 'node:querystring';
import { describe, expect, it } from 'vitest';
import { mergeParameters, parseParameters, repeatedTexts } from './parameters.ts';

/** As JSON, because an object without a prototype never equals a literal. */
const read = (text: string) => JSON.stringify(parseParameters(text));

describe('parseParameters', () => {
  it.each([
    ['', '{}'],
    ['hostname=home.example.com&myip=192.0.2.1', '{"hostname":"home.example.com","myip":"192.0.2.1"}'],
    ['a=1&a=2', '{"a":"1"}'],
    ['a=1&a=', '{"a":"1"}'],
    ['a=&a=1', '{"a":""}'],
    ['a=%31&a=2', '{"a":"1"}'],
    ['home.example.com', '{"home.example.com":""}'],
    ['a=b=c&=d&&e', '{"a":"b=c","":"d","e":""}'],
    ['a&b=1', '{"a":"","b":"1"}'],
    ['a=%31+2&b=%zz', '{"a":"1 2","b":"%zz"}'],
  ])('reads %j', (text, parameters) => {
    expect(read(text)).toBe(parameters);
  });

  it('reads unescaped text like node:querystring', () => {
    const signs = ['a', 'b', '=', '&', '.', '1', ',', '?', '#', ';'];
    for (let seed = 1, count = 0; count < 1_000; count++) {
      let text = '';
      for (let i = 0; i < 12; i++) {
        seed = (seed * 48_271) % 0x7fffffff;
        text += signs[seed % signs.length];
      }
      expect(read(text), text).toBe(JSON.stringify(mergeParameters(parseParameters(''), parseQuery(text))));
    }
  });

  it('has no name that was not sent, not even one of Object.prototype', () => {
    for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
      expect(parseParameters('a=1')[name]).toBeUndefined();
      expect(parseParameters(`${name}=x`)[name]).toBe('x');
    }
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });

  it('reads a long text with more names than any request has', () => {
    const text = Array.from({ length: 900 }, (_, n) => `name${n}=${n}`).join('&');
    expect(parseParameters(text)['name899']).toBe('899');
  });
});

describe('repeated names', () => {
  const repeated = (parameters: object) => [...(repeatedTexts(parameters) ?? [])];

  it('are there with all their texts, of query and body together, in their order', () => {
    expect(repeatedTexts(parseParameters('a=1&b=2'))).toBeUndefined();
    expect(repeated(parseParameters('a=1&b=2&a=&c&a=3'))).toEqual([['a', ['1', '', '3']]]);
    expect(repeated(parseParameters('a=1&b=%2&a=&c&a=3'))).toEqual([['a', ['1', '', '3']]]);
    const merged = mergeParameters(parseParameters('a=1&b=2&c=&a=0'), parseParameters('a=3&b=&d=4'));
    expect(JSON.stringify(merged)).toBe('{"a":"1","b":"2","c":"","d":"4"}');
    expect(repeated(merged)).toEqual([
      ['a', ['1', '0', '3']],
      ['b', ['2', '']],
    ]);
    // As multipart/form-data gives them.
    expect(repeated(mergeParameters(parseParameters('a=1'), { a: ['2', '3'], b: ['4'] }))).toEqual([
      ['a', ['1', '2', '3']],
    ]);
  });

  it('of a thousand texts take a moment', () => {
    const [[, texts] = ['', []]] = repeated(parseParameters(Array.from({ length: 900 }, (_, n) => `a=${n}`).join('&')));
    expect(texts).toHaveLength(900);
  });
});
