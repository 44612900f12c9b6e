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

it('has the paths of the first release, which scripts use', () => {
  const routes = ROWS.map(([, { method, path }]) => `${method} ${path.replace('{zone}', '*')}`);
  expect(routes.sort()).toEqual(
    `GET /v1/health
GET /v1/history
GET /v1/history/all
GET /v1/history/at
GET /v1/hosts
GET /v1/hosts/members
GET /v1/hosts/show
GET /v1/status
GET /v1/tokens
GET /v1/zones
GET /v1/zones/*/file
POST /v1/backup
POST /v1/check
POST /v1/delete
POST /v1/history/purge
POST /v1/hosts/add
POST /v1/hosts/disable
POST /v1/hosts/enable
POST /v1/hosts/members/add
POST /v1/hosts/members/remove
POST /v1/hosts/remove
POST /v1/reload
POST /v1/tokens/create
POST /v1/tokens/revoke
POST /v1/tokens/rotate
POST /v1/update
POST /v1/zones/*/discard
POST /v1/zones/*/import
POST /v1/zones/*/recover
POST /v1/zones/*/serial`.split('\n'),
  );
});

describe.each(ROWS)('%s', (name, { input, path, aliases = {}, example, summary }) => {
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
