// docs/operating/control-api.md and the compiled validators are what the table of operations says.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { OPERATIONS } from '../../src/core/admin/operations.ts';
import { controlApiDocument } from '../../src/docs/operations.ts';
import { validatorsModule } from '../../src/docs/validators.ts';

const committed = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

test('docs/operating/control-api.md is what the table says (npm run docs writes it)', () => {
  expect(committed('docs/operating/control-api.md')).toBe(controlApiDocument());
});

test('the validators are what the schemas say (npm run docs writes them), and load no package', () => {
  const module = committed('src/core/admin/validators.ts');
  expect(module === validatorsModule()).toBe(true);
  expect(module).not.toMatch(/require\(|ajv/);
});

test('every operation is documented once, with each field of its input', () => {
  const document = committed('docs/operating/control-api.md');
  for (const { method, path, input } of Object.values(OPERATIONS)) {
    const sections = document.split(`\n### \`${method} ${path}\`\n`);
    expect([path, sections.length]).toEqual([path, 2]);
    const [section = ''] = sections[1]!.split('\n### ');
    for (const field of Object.keys(input.properties)) expect(section).toContain(`| \`${field}\``);
    expect(section).toContain('--unix-socket');
  }
});
