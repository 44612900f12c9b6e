/**
 * The text of what was thrown comes from errorText and errorStack of src/core/errors.ts. Rooms that must not import core use
 * errorText of src/dns, and src/sqlite, which imports no other room, has its own.
 */
import { expect, it } from 'vitest';
import { readSources } from './imports.ts';

const BY_HAND = /(\w+) instanceof Error\s*\?\s*\(?\1\.(?:message|stack)\b/;

it('no other file of src writes the text of an error by hand', () => {
  const files = [...readSources()].filter(([, text]) => BY_HAND.test(text)).map(([file]) => file);
  expect(files).toEqual(['core/errors.ts', 'dns/error-text.ts', 'sqlite/sqlite-error.ts']);
});
