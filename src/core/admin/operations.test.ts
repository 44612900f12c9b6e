import { describe, expect, it } from 'vitest';
import { OPERATIONS, type Operation, type OperationName } from './operations.ts';
import { readInput } from './read-input.ts';
import type { Schema } from './schema.ts';

const ROWS = Object.entries(OPERATIONS) as [OperationName, Operation][];

function* subschemas(schema: Schema): Generator<Schema> {
  yield schema;
  const below = [...(schema.anyOf ?? []), ...Object.values(schema.properties ?? {})];
  if (schema.items !== undefined) below.push(schema.items);
  for (const each of below) yield* subschemas(each);
}

it('no two operations have the same method and path', () => {
  const routes = ROWS.map(([, { method, path }]) => `${method} ${path}`);
  expect(new Set(routes).size).toBe(routes.length);
});

describe.each(ROWS)('%s', (name, { input, path, aliases = {}, example, summary }) => {
  it('names what a member needs in a field of its input', () => {
    const { needs } = OPERATIONS[name];
    if (needs?.field === 'host') expect(input.required).toContain('host');
    if (needs?.field === 'token') expect(input.required).toContain('name');
  });

  it('has limits for every text and list of its input, and no pattern that could backtrack', () => {
    for (const schema of subschemas(input)) {
      if (schema.type === 'array') expect(schema.maxItems).toBeGreaterThan(0);
      if (schema.type === 'integer' && name !== 'update') expect(schema.maximum).toBeGreaterThan(0);
      if (schema.type === 'string') expect(schema.maxLength ?? schema.pattern).toBeDefined();
      if (schema.pattern !== undefined) expect(schema.pattern).toMatch(/^\^(\/|-?\??\[[^\]]+\]\{\d+(,\d+)?\}\$)$/);
    }
  });

  it('has fields for its path and its aliases, a sentence, and an example that is valid', () => {
    for (const [, field] of path.matchAll(/\{(\w+)\}/g)) expect(input.required).toContain(field);
    for (const field of Object.values(aliases)) expect(input.properties).toHaveProperty(field);
    expect(summary).toMatch(/^[A-Z].*\.$/);
    expect(readInput(name, example)).toBeDefined();
  });
});
