/** docs/errors.md matches the tables of the code, and no code, RCODE or TSIG error is missing. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ERROR_CODES } from '../../src/core/errors.ts';
import { ORIGINAL_ERRORS } from '../../src/core/updates/original-lines.ts';
import { TsigErrorCode } from '../../src/dns/tsig.ts';
import { errorDocument } from '../../src/docs/errors.ts';

const committed = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');

test('docs/errors.md is what the code says (npm run docs writes it)', () => {
  expect(committed).toBe(errorDocument());
});

test('every error code has a row with its meaning, its status and its level', () => {
  for (const [code, { means }] of Object.entries(ERROR_CODES)) {
    const [status, level] = ORIGINAL_ERRORS[code as keyof typeof ERROR_CODES];
    const rows = committed.split('\n').filter((line) => line.startsWith(`| \`${code}\` |`));
    expect(rows).toEqual([expect.stringContaining(means)]);
    expect(rows[0]).toContain(`| ${status} | \`${level}\` |`);
  }
});

test('every refusal of a primary has its advice', () => {
  const causes = ['REFUSED', 'SERVFAIL', 'NOTAUTH', 'NOTZONE', 'NOTIMP', 'FORMERR'];
  const tsig = Object.keys(TsigErrorCode).filter((name) => name !== 'NOERROR');
  for (const name of [...causes, ...tsig]) expect(committed).toMatch(new RegExp(`^\\| ${name} \\| \`primary-`, 'm'));
});
