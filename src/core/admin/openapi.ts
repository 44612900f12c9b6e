/**
 * The description of the HTTP API (OpenAPI 3.1), made from the table of operations: docs/api/openapi.json, and
 * `/v1/openapi.json` of a server.
 */
import { fieldsOfPath } from './operation-routes.ts';
import { isInQuery, OPERATIONS, type Operation } from './operations.ts';
import type { ObjectSchema, Schema } from './schema.ts';

/** @param problems status and title of each error code */
export function openApiDocument(
  problems: Readonly<Record<string, readonly [number, string]>>,
): Readonly<Record<string, unknown>> {
  const components: Record<string, object> = { Problem: PROBLEM_SCHEMA };
  const paths: Record<string, Record<string, object>> = {};
  for (const [name, operation] of Object.entries(OPERATIONS)) {
    if (operation.allowed === 'operator') continue;
    paths[operation.path] ??= {};
    paths[operation.path]![operation.method.toLowerCase()] = describeOperation(name, operation, components);
  }
  const statuses = [...new Set(Object.values(problems).map(([status]) => status))].sort();
  return {
    openapi: '3.1.0',
    info: {
      title: 'dyndns',
      version: '1',
      summary: 'Administration of a dynamic-DNS server: hosts, tokens, users, zones and their records.',
      description: `Errors are problem documents (RFC 9457) with these statuses: ${statuses.join(', ')}, and 412 for \`If-Match\`, 413 for a body that is too large, 421 for another Host.`,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/', description: 'This server' }],
    security: [{ key: [] }, { session: [] }],
    tags: TAGS.map(([tag, description]) => ({ name: tag, description })),
    paths: { ...paths, '/v1/openapi.json': DOCUMENT_PATH },
    components: {
      securitySchemes: {
        key: {
          type: 'http',
          scheme: 'bearer',
          description: 'A management key, `dyn_…`. `X-Api-Key` takes it as well.',
        },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: '__Host-dyndns',
          description:
            'The session of a browser that signed in; without https the cookie is `dyndns_session`. Changes need `Origin` and `Sec-Fetch-Site`, as a browser sends them for the pages of the server.',
        },
      },
      schemas: components,
      responses: {
        Problem: {
          description: 'An error.',
          content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
        },
      },
    },
  };
}

const TAGS: readonly (readonly [string, string])[] = [
  ['sign-in', 'Signing in with a browser.'],
  ['me', 'The user who asks.'],
  ['users', 'Users, their management keys and sessions.'],
  ['invitations', 'Links by which a person becomes a user.'],
  ['hosts', 'Hosts: settings, addresses, members, shares, history.'],
  ['tokens', 'Credentials of clients.'],
  ['history', 'Events of all hosts.'],
  ['zones', 'Embedded zones and their records.'],
  ['server', 'The server as a whole.'],
];

const PROBLEM_RESPONSES = {
  '4XX': { $ref: '#/components/responses/Problem' },
  '5XX': { $ref: '#/components/responses/Problem' },
};

const DOCUMENT_PATH = {
  get: {
    operationId: 'describe',
    tags: ['server'],
    summary: 'This document.',
    security: [],
    responses: {
      '200': { description: 'The document.', content: { 'application/json': { schema: { type: 'object' } } } },
      ...PROBLEM_RESPONSES,
    },
  },
};

const PROBLEM_SCHEMA = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail', 'code', 'requestId'],
  properties: {
    type: { type: 'string', format: 'uri-reference' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string', description: 'What is wrong, and what to do.' },
    code: { type: 'string', description: 'A code of docs/errors.md.' },
    requestId: { type: 'string', description: 'Finds the request in the log of the server.' },
    retryAfterSeconds: { type: 'number' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['detail'],
        properties: {
          pointer: { type: 'string', description: 'JSON Pointer to a value of the body.' },
          parameter: { type: 'string', description: 'The name of a parameter of the path or the query.' },
          detail: { type: 'string' },
        },
      },
    },
  },
};

function describeOperation(name: string, operation: Operation, components: Record<string, object>): object {
  const { path, summary, allowed, needs, input, body, creates, etag, method } = operation;
  const { pathFields, others } = splitInput(operation);
  const isQuery = isInQuery(operation);
  const parameters = [
    ...pathFields.map((field) => parameter(field, input, 'path', components)),
    ...(isQuery ? others.map((field) => parameter(field, input, 'query', components)) : []),
    ...(etag !== undefined && method !== 'GET' ? [IF_MATCH] : []),
  ];
  const headers = {
    ...(etag !== undefined && { ETag: { description: 'The entity tag.', schema: { type: 'string' } } }),
    ...(creates !== undefined && {
      Location: { description: 'The path of the new object.', schema: { type: 'string' } },
    }),
  };
  return {
    operationId: name,
    tags: [tagOf(path)],
    summary,
    description: `Allowed: ${whoMay(allowed, needs)}.`,
    ...(allowed === 'anyone' && { security: [] }),
    ...(parameters.length > 0 && { parameters }),
    ...(body === 'zone file'
      ? { requestBody: { required: true, content: { 'text/dns': { schema: { type: 'string' } } } } }
      : !isQuery && others.length > 0 && { requestBody: requestBody(operation, others, components) }),
    responses: {
      [creates === undefined ? '200' : '201']: {
        description: 'Done.',
        ...(Object.keys(headers).length > 0 && { headers }),
        content: resultContent(operation, components),
      },
      ...PROBLEM_RESPONSES,
    },
  };
}

const IF_MATCH = {
  name: 'If-Match',
  in: 'header',
  description: 'The entity tag that the object must have still; otherwise 412, and nothing is changed.',
  schema: { type: 'string' },
};

function whoMay(allowed: Operation['allowed'], needs: Operation['needs']): string {
  if (allowed === 'anyone') return 'a browser that is not signed in';
  if (allowed === 'admin') return 'admins';
  if (needs === undefined) return 'every user';
  if (needs.field === 'token') return 'admins, and the member whom the token belongs to';
  return {
    own: 'admins, and the owner of the host',
    change: 'admins, the owner of the host, and users who may change it',
    view: 'admins, and users who see the host',
  }[needs.access];
}

function splitInput({ path, input }: Operation): { readonly pathFields: string[]; readonly others: string[] } {
  const pathFields = [...fieldsOfPath(path)];
  return { pathFields, others: Object.keys(input.properties).filter((field) => !pathFields.includes(field)) };
}

function parameter(
  field: string,
  input: ObjectSchema,
  place: 'path' | 'query',
  components: Record<string, object>,
): object {
  const { description, ...schema } = input.properties[field]!;
  const isList = schema.type === 'array';
  return {
    name: field,
    in: place,
    required: place === 'path' || input.required.includes(field),
    ...(description !== undefined && { description }),
    ...(isList && { style: 'form', explode: true }),
    schema: convert(schema, components),
  };
}

function requestBody({ input }: Operation, fields: readonly string[], components: Record<string, object>): object {
  const properties = Object.fromEntries(fields.map((field) => [field, convert(input.properties[field]!, components)]));
  const required = input.required.filter((field) => fields.includes(field));
  const schema = { type: 'object', properties, ...(required.length > 0 && { required }) };
  return { required: required.length > 0, content: { 'application/json': { schema } } };
}

function resultContent({ result }: Operation, components: Record<string, object>): object {
  if (result === 'zone file') return { 'text/dns': { schema: { type: 'string' } } };
  if (result === 'event stream') return { 'text/event-stream': { schema: { type: 'string' } } };
  return { 'application/json': { schema: convert(result, components) } };
}

/** JSON Schema without our own marks. Objects with a name become components. */
function convert(schema: Schema, components: Record<string, object>): object {
  const { title, properties, items, anyOf, $comment: _, enum: values, ...rest } = schema;
  if (properties !== undefined && title !== undefined) {
    const name = componentName(title);
    if (components[name] === undefined) {
      components[name] = {};
      components[name] = convert({ ...schema, title: undefined as never }, components);
    }
    return { $ref: `#/components/schemas/${name}` };
  }
  const alternatives = anyOf?.filter(({ $comment }) => $comment === undefined);
  const [only, ...more] = alternatives ?? [];
  const { required, ...others } = rest;
  return {
    ...others,
    ...(values !== undefined && {
      ...(values.every((value) => typeof value === 'string') && { type: 'string' }),
      enum: values,
    }),
    ...(only !== undefined && more.length === 0 && convert(only, components)),
    ...(more.length > 0 && { anyOf: alternatives!.map((one) => convert(one, components)) }),
    ...(items !== undefined && { items: convert(items, components) }),
    ...(properties !== undefined && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([field, one]) => [field, convert(one, components)]),
      ),
      ...(required !== undefined && required.length > 0 && { required }),
    }),
  };
}

/** `a host with details` as `HostWithDetails`. */
function componentName(title: string): string {
  const words = title.replace(/^an? /, '').split(/[^A-Za-z]+/);
  return words.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join('');
}

function tagOf(path: string): string {
  const noun = path.split('/')[2]!.split(':')[0]!;
  return TAGS.some(([tag]) => tag === noun) ? noun : noun === 'stream' ? 'history' : 'server';
}
