// docs/operating/control-api.md, docs/api/openapi.json and the compiled validators are what the table of operations says.
import { readFileSync } from 'node:fs';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { expect, test } from 'vitest';
import { OPERATIONS } from '../../src/core/admin/operations.ts';
import { openApiFile } from '../../src/docs/openapi.ts';
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
  for (const { method, path, input, httpOnly } of Object.values(OPERATIONS)) {
    if (httpOnly) continue;
    const sections = document.split(`\n### \`${method} ${path}\`\n`);
    expect([path, sections.length]).toEqual([path, 2]);
    const [section = ''] = sections[1]!.split('\n### ');
    for (const field of Object.keys(input.properties)) expect(section).toContain(`| \`${field}\``);
    expect(section).toContain('--unix-socket');
  }
});

test('docs/api/openapi.json is what the table says (npm run docs writes it)', () => {
  expect(committed('docs/api/openapi.json') === openApiFile()).toBe(true);
});

test('a linter has nothing to say against docs/api/openapi.json', async () => {
  const config = await createConfig({ extends: ['recommended'] });
  const source = committed('docs/api/openapi.json');
  const problems = await lintFromString({ source, absoluteRef: '/openapi.json', config });
  expect(problems.map(({ ruleId, message, location }) => `${ruleId}: ${message} ${location[0]?.pointer}`)).toEqual([]);
});

test('docs/api/openapi.json has each operation of the HTTP API, and no other', () => {
  const { paths } = JSON.parse(committed('docs/api/openapi.json')) as { paths: Record<string, object> };
  const described = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const expected = Object.values(OPERATIONS)
    .filter(({ allowed }) => allowed !== 'operator')
    .map(({ method, path }) => `${method} ${path}`);
  expect(described.sort()).toEqual([...expected, 'GET /v1/openapi.json'].sort());
});
