// JSON bodies as Go reads them, and as parameters.
import { describe, expect, it } from 'vitest';
import { isBlank, jsonParameters, looksLikeJson, parseJson, readJsonObject, textField } from './json-body.ts';

/** Some spellings of a name: all of them would be too many. */
function spellings(name: string): string[] {
  const each = (change: (letter: string, index: number) => string) => [...name].map(change).join('');
  return [
    name,
    name.toUpperCase(),
    each((letter, index) => (index === 0 ? letter.toUpperCase() : letter)),
    each((letter, index) => (index % 2 === 0 ? letter : letter.toUpperCase())),
    name.replaceAll('s', '\u017f'),
    name.replaceAll('k', '\u212a'),
  ];
}

describe('names', () => {
  const names = ['subdomain', 'txt', 'fqdn', 'value', 'domain', 'token', 'keyauth', 'allowfrom', 'hostname', 'myip'];
  it.each(names)('%s in any case', (name) => {
    for (const spelling of spellings(name)) {
      expect(textField(readJsonObject(JSON.stringify({ [spelling]: 'x' })), name)).toBe('x');
    }
  });

  it.each(names)('%s twice, in whatever spelling, is refused', (name) => {
    for (const first of spellings(name)) {
      for (const second of spellings(name)) {
        const text = `{"x":{"a":1,"a":2},${JSON.stringify(first)}:"1", ${JSON.stringify(second)} : "2"}`;
        expect(() => readJsonObject(text)).toThrow(expect.objectContaining({ code: 'body-malformed' }));
      }
    }
  });

  it.each([
    '{"a":"\\"b\\":","c":[{"a":1},{"a":2}],"d":"{\\"a\\":1}"}',
    '{"a":"\\\\","b":"x:y"}',
    '{"":"","__proto__":"x","constructor":"y"}',
    ' {"a":{"b":{"a":1}}} ',
    '{}',
  ])('once each: %s', (text) => {
    expect(Object.keys(readJsonObject(text))).toEqual(Object.keys(JSON.parse(text) as object));
  });

  it('an escape does not hide a repeated name', () => {
    expect(() => readJsonObject('{"txt":"a","\\u0074xt":"b"}')).toThrow('a name twice');
    expect(() => readJsonObject('{"__proto__":"a","__proto__":"b"}')).toThrow('a name twice');
  });

  it('of the prototype are not there', () => {
    expect(textField(readJsonObject('{}'), 'constructor')).toBeUndefined();
    expect(textField(readJsonObject('{"__proto__":{"txt":"x"}}'), 'txt')).toBeUndefined();
  });
});

describe('values', () => {
  it('null is an empty object, and a field that is null is absent', () => {
    expect(readJsonObject(' null\n')).toEqual({});
    expect(textField(readJsonObject('{"txt":null}'), 'txt')).toBeUndefined();
    expect(jsonParameters(readJsonObject('{"a":null,"b":""}'))).toEqual({ parameters: { b: '' }, problem: undefined });
  });

  it.each(['', ' ', '1', '"x"', 'true', '[]', '[{}]', '{', '{"a":}', "{'a':1}", 'a=b', '{"a":1}x', '\u00a0{}'])(
    '%j is not an object',
    (text) => {
      expect(parseJson(text).fields).toBeUndefined();
      expect(() => readJsonObject(text)).toThrow(expect.objectContaining({ code: 'body-malformed' }));
    },
  );

  it('are parameters as their text, a list as a repeated parameter', () => {
    const fields = readJsonObject('{"a":"x","B":60,"c":-0.5,"d":true,"e":["x","",1,false],"f":[]}');
    expect(jsonParameters(fields)).toEqual({
      parameters: { a: 'x', b: '60', c: '-0.5', d: 'true', e: ['x', '', '1', 'false'], f: [] },
      problem: undefined,
    });
  });

  it.each(['{}', '[{}]', '[[]]', '[null]', '1e400', '9007199254740993', '["x",{"y":1}]'])(
    '%s is a problem',
    (value) => {
      const { parameters, problem } = jsonParameters(readJsonObject(`{"hostname":${value},"myip":"192.0.2.1"}`));
      expect(problem?.code).toBe('body-malformed');
      // The name still says whose request it is.
      expect(Object.keys(parameters)).toEqual(['hostname', 'myip']);
    },
  );
});

it('a body that begins with a brace is JSON; white space alone is none', () => {
  for (const text of ['{}', ' \t\r\n{"a":1}', '{x']) expect(looksLikeJson(text)).toBe(true);
  for (const text of ['', 'a={}', 'null', '[1]', '\u00a0{}']) expect(looksLikeJson(text)).toBe(false);
  expect(['', ' \r\n\t', 'x', ' x'].map(isBlank)).toEqual([true, true, false, false]);
});
