/**
 * src/core/admin/validators.ts, compiled from the schemas of the operations by Ajv. `npm run docs` writes it, so that the
 * program loads no schema library. Only this generator needs the development dependency `ajv`.
 */
import { Ajv } from 'ajv';
import standalone from 'ajv/dist/standalone/index.js';
import { OPERATIONS } from '../core/admin/operations.ts';
import type { Schema } from '../core/admin/schema.ts';

const HEAD = [
  '// @ts-nocheck',
  '// Written by `npm run docs` from the schemas of src/core/admin/operations.ts. Change them there.',
  "import type { OperationName } from './operations.ts';",
  "import { characterCount, type Validator } from './schema-runtime.ts';",
  '',
];

/** Ajv leaves this `require` in its ES modules. */
const RUNTIME = /require\("ajv\/dist\/runtime\/ucs2length"\)\.default/g;

export function validatorsModule(): string {
  const entries = Object.entries(OPERATIONS);
  const schemas = entries.map(([name, { input }]) => ({ $id: name, ...withoutAnnotations(input) }));
  const ajv = new Ajv({ schemas, messages: false, code: { source: true, esm: true } });
  const names = entries.map(([name]) => name);
  const code = standalone
    .default(ajv, Object.fromEntries(names.map((name) => [`check_${name}`, name])))
    .replace('"use strict";', '')
    .replaceAll(/(?=(?:export const|const schema|function validate)\d*)/g, '\n')
    .replaceAll(RUNTIME, 'characterCount');
  if (code.includes('require(')) throw new Error('a validator requires a module of Ajv that has no counterpart here');
  const table = names.map((name) => `  ${name}: check_${name},\n`).join('');
  return `${HEAD.join('\n')}${code}
export const VALIDATORS: Readonly<Record<OperationName, Validator>> = {
${table}};
`;
}

/** Ajv writes the schemas into its code; rules alone are needed there. */
function withoutAnnotations(schema: Schema): object {
  return JSON.parse(JSON.stringify(schema, (key, value) => (isAnnotation(key, value) ? undefined : value)));
}

/** A field of an input may be named like an annotation. */
function isAnnotation(key: string, value: unknown): boolean {
  return typeof value === 'string' && ['title', 'description', '$comment'].includes(key);
}
