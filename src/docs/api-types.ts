/**
 * web/src/api-types.ts: the types of the dashboard, from the same table of operations as docs/api/openapi.json. `npm run docs` writes
 * it; the check of the documents compares both.
 */
import { openApiDocument } from '../core/admin/openapi.ts';
import { PROBLEMS } from '../http/api/problem.ts';

/** The subset of JSON Schema that `openApiDocument` writes. */
interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly description?: string;
}

interface Content {
  readonly content?: Readonly<Record<string, { readonly schema: Schema }>>;
}

interface DescribedOperation {
  readonly operationId: string;
  readonly summary: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly description?: string;
    readonly schema: Schema;
  }[];
  readonly requestBody?: Content;
  readonly responses: Readonly<Record<string, Content>>;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, DescribedOperation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

const HEADER = `/** Types of the HTTP API, made from docs/api/openapi.json by \`npm run docs\`. Do not edit. */
`;

/** The text of web/src/api-types.ts. */
export function apiTypes(): string {
  const { paths, components } = openApiDocument(PROBLEMS) as unknown as Document;
  const named = Object.entries(components.schemas).map(([name, schema]) =>
    schema.properties === undefined
      ? `export type ${typeName(name)} = ${typeOf(schema, '')};\n`
      : `export interface ${typeName(name)} ${typeOf(schema, '')}\n`,
  );
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => describe(`${method.toUpperCase()} ${path}`, operation)),
  );
  const table = `/** Each operation: method and path -> input (fields of path, query and body together) and result. */
export interface Operations {
${operations.join('')}}
`;
  return [HEADER, ...named, table].join('\n');
}

function describe(title: string, { summary, parameters = [], requestBody, responses }: DescribedOperation): string {
  const properties: Record<string, Schema> = {};
  const required: string[] = [];
  for (const { name, in: place, required: isRequired, schema, description } of parameters) {
    if (place === 'header') continue;
    properties[name] = { ...schema, ...(description !== undefined && { description }) };
    if (isRequired) required.push(name);
  }
  const body = requestBody?.content?.['application/json']?.schema;
  Object.assign(properties, body?.properties);
  required.push(...(body?.required ?? []));
  const result = Object.values(responses)[0]?.content?.['application/json']?.schema ?? { type: 'string' };
  return `  ${comment(summary)}
  '${title}': {
    input: ${typeOf({ properties, required }, '    ', ' | undefined')};
    result: ${typeOf(result, '    ')};
  };
`;
}

/** `Event` and others are names of the browser. */
function typeName(component: string): string {
  return `${component}View`;
}

/** @param orUndefined follows the type of a field that may be absent */
function typeOf(schema: Schema, indent: string, orUndefined = ''): string {
  const { $ref, enum: values, anyOf, items, properties, required = [], type } = schema;
  if ($ref !== undefined) return typeName($ref.slice($ref.lastIndexOf('/') + 1));
  if (values !== undefined) return values.map(literal).join(' | ');
  if (anyOf !== undefined) return [...new Set(anyOf.map((one) => typeOf(one, indent)))].join(' | ');
  if (items !== undefined) {
    const item = typeOf(items, indent);
    return `readonly ${/ \| /.test(item) && !item.startsWith('{') ? `(${item})` : item}[]`;
  }
  if (properties !== undefined) {
    const fields = Object.entries(properties).map(([name, field]) => {
      const isOptional = !required.includes(name);
      const note = field.description === undefined ? '' : `${indent}  ${comment(field.description)}\n`;
      return `${note}${indent}  readonly ${fieldName(name)}${isOptional ? '?' : ''}: ${typeOf(field, `${indent}  `)}${isOptional ? orUndefined : ''};\n`;
    });
    return fields.length === 0 ? 'Record<never, never>' : `{\n${fields.join('')}${indent}}`;
  }
  if (type === 'integer' || type === 'number') return 'number';
  if (type === 'object') return 'Readonly<Record<string, unknown>>';
  return type ?? 'unknown';
}

function literal(value: unknown): string {
  return typeof value === 'string' ? `'${value.replaceAll(/['\\]/g, '\\$&')}'` : String(value);
}

function fieldName(name: string): string {
  return /^\w+$/.test(name) ? name : `'${name}'`;
}

function comment(text: string): string {
  return `/** ${text.replaceAll('*/', '* /')} */`;
}
