/** Anything can be thrown, and each of them has a text. */
import { expect, it } from 'vitest';
import { errorText } from './error-text.ts';

it.each([
  ['an Error: its message alone', new TypeError('no such file'), 'no such file'],
  ['a text: itself', 'no such file', 'no such file'],
  ['nothing', undefined, 'undefined'],
  ['an object that is not an Error: as String() writes it', new URL('http://example.com'), 'http://example.com/'],
])('%s', (_, thrown, expected) => {
  expect(errorText(thrown)).toBe(expected);
});
