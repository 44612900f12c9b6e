/** Excerpts of untrusted input: length, and characters that could steer a terminal. */
import { expect, it } from 'vitest';
import { excerpt } from './excerpt.ts';

it.each([
  ['a text of the limit is unchanged', 'ä'.repeat(100), 'ä'.repeat(100)],
  ['a longer text is truncated', 'x'.repeat(101), `${'x'.repeat(100)}…`],
  ['a character beyond U+FFFF counts once', '😀'.repeat(101), `${'😀'.repeat(100)}…`],
  ['control, format and line-separator characters are replaced', 'a\u001b[2J\u202e\u2028\ud800b', 'a?[2J???b'],
])('%s', (_, text, expected) => {
  expect(excerpt(text)).toBe(expected);
});
