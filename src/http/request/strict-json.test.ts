import { describe, expect, it } from 'vitest';
import { fieldOf, isJsonObject, parseStrictJson } from './strict-json.ts';

describe('strict JSON', () => {
  it.each([
    '{}',
    '[]',
    'null',
    '"a:b"',
    '{"a":{"a":1},"b":[{"a":1},{"a":2}]}',
    '{"a":"\\"","b":":{"}',
    '{"A":1,"a":2}',
    '{"a":"a","b":"a"}',
  ])('reads %s as JSON.parse does', (text) => {
    expect(parseStrictJson(text)).toEqual(JSON.parse(text));
  });

  it.each([
    '{"a":1,"a":1}',
    '{"a":1,"\\u0061":1}',
    '{"x":[{"y":{"a":1,"b":2,"a":3}}]}',
    '{"__proto__":1,"__proto__":2}',
    '{"a" :1, "a"\n:2}',
  ])('refuses a name twice: %s', (text) => {
    expect(() => parseStrictJson(text)).toThrow('a name twice');
  });

  it.each(['', '{', '{"a"}', '{"a":1}}', "{'a':1}", '{"a":"\\u00"}', '{"\\x":1}', '"', '{"a":1,}', '{:1}'])(
    'refuses what is no JSON: %s',
    (text) => {
      expect(() => parseStrictJson(text)).toThrow(expect.objectContaining({ code: 'body-malformed' }));
    },
  );

  it('limits the depth, before anything is built', () => {
    expect(parseStrictJson(`${'['.repeat(32)}${']'.repeat(32)}`)).toBeInstanceOf(Array);
    expect(() => parseStrictJson(`${'['.repeat(33)}${']'.repeat(33)}`)).toThrow('deep');
    expect(() => parseStrictJson('{"a":'.repeat(1_000_000))).toThrow('deep');
  });

  it('finds own fields alone', () => {
    const object = parseStrictJson('{"__proto__":{"rrsets":[]},"own":1}');
    if (!isJsonObject(object)) throw new Error('not an object');
    expect([fieldOf(object, 'own'), fieldOf(object, 'rrsets'), fieldOf(object, 'constructor')]).toEqual([
      1,
      undefined,
      undefined,
    ]);
  });
});
