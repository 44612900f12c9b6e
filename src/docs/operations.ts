/** docs/operating/control-api.md, written from the table of operations. `npm run docs` writes it; a test compares both. */

import { requestOf } from '../core/admin/operation-routes.ts';
import { OPERATIONS, type Operation, type OperationName } from '../core/admin/operations.ts';
import { type ObjectSchema, ruleOf, type Schema } from '../core/admin/schema.ts';

const SOCKET = '/run/dyndns/control.sock';

const INTRODUCTION = `<!-- Written by \`npm run docs\` from src/core/admin/operations.ts. Change it there. -->

# The control API

The command line controls a running server over a Unix socket, and scripts can use the same socket. The requests are those of
the [HTTP API](../api/README.md), and this page describes each of them. The protocol is HTTP with JSON. The option \`control\` names the socket; without it the socket is \`control.sock\` next to the database
([configuration](../configuration.md#control)).

The mode of the socket is 0600. There is no other authentication: only the user of the server and root can open it, and
both may do everything.

## Requests

- Words in braces in a path are fields, percent-encoded: \`{host}\` is the name of a host. The other fields of a GET and of a
  DELETE are in the query, those of a POST, PUT and PATCH in a JSON object of at most 64 KiB; a request for many objects may have
  2 MiB. An import has its fields in the query, because its body is the zone file, of at most 64 MiB.
- A number or \`true\`/\`false\` may also be sent as a string: \`"ttl": "300"\`. A query has only strings.
- A field that the operation does not have is an error. You may send back an object that the API returned: you can read a host,
  change a field, and send it with \`PUT\`, or create a token from one that was shown. Then the additional fields of that object
  are ignored.
- A list has at most 500 objects, and \`next\` if there are more: send it as \`cursor\` for the next page.
- \`If-Match\` with the \`ETag\` of an earlier reply refuses a change (412) if the object was changed since.
- Older names of fields are accepted; they are listed with each operation.

## Replies

The status of a success is 200, or 201 for a new object, whose path is in \`Location\`. An error has another status and a problem
document (RFC 9457): \`code\`, one of [errors](../errors.md#the-http-api), \`detail\`, which is also in \`message\`, \`requestId\`, and
for some codes \`retryAfterSeconds\`. A field that is not valid is a \`request-malformed\` (400); \`errors\` names each field and its
rule. Times are in UTC (ISO 8601), names end with a dot. Fields without a value are absent.
Later releases may add fields to replies.
`;

const TOPICS: readonly (readonly [title: string, path: RegExp])[] = [
  ['The server', /^\/v1\/(status|health|reload|check|config|webhooks|audit|backup)/],
  ['Users and invitations', /^\/v1\/(users|invitations)/],
  ['Tokens', /^\/v1\/tokens/],
  ['Hosts', /^\/v1\/(hosts|overview)/],
  ['The history', /^\/v1\/history/],
  ['Embedded zones', /^\/v1\/zones/],
];

/** The text of docs/operating/control-api.md. */
export function controlApiDocument(): string {
  const objects = new Map<string, ObjectSchema>();
  const all = Object.entries(OPERATIONS) as [OperationName, Operation][];
  const entries = all.filter(([, { httpOnly }]) => httpOnly === undefined);
  const topics = TOPICS.map(([title, path]) => {
    const operations = entries.filter(([, operation]) => path.test(operation.path));
    return [`## ${title}\n`, ...operations.map(([name, operation]) => describe(name, operation, objects))].join('\n');
  });
  return [INTRODUCTION, ...topics, describeObjects(objects)].join('\n');
}

function describe(name: OperationName, operation: Operation, objects: Map<string, ObjectSchema>): string {
  const { method, path, summary, input, aliases = {}, body, result } = operation;
  const lines = [`### \`${method} ${path}\``, '', summary, ''];
  const aliasesOf = (field: string) => Object.keys(aliases).filter((alias) => aliases[alias] === field);
  if (Object.keys(input.properties).length > 0) lines.push(...fieldTable('field', input, objects, aliasesOf), '');
  if (body === 'zone file') lines.push(`Body: a ${body}, as text in UTF-8.`, '');
  lines.push(...describeResult(result, objects), '', '```sh', curl(name, operation), '```', '');
  return lines.join('\n');
}

function describeResult(result: Operation['result'], objects: Map<string, ObjectSchema>): readonly string[] {
  if (result === 'zone file') return ['Result: the zone file, as text.'];
  if (result === 'event stream') return [];
  if (result.title !== undefined) return [`Result: ${ruleIn(result, objects)}.`];
  return fieldTable('result', result as ObjectSchema, objects);
}

function fieldTable(
  head: string,
  { properties, required }: ObjectSchema,
  objects: Map<string, ObjectSchema>,
  aliasesOf: (field: string) => readonly string[] = () => [],
): readonly string[] {
  const rows = Object.entries(properties).map(([field, schema]) => {
    const names = [field, ...aliasesOf(field)].map((name) => `\`${name}\``).join(', also ');
    const optional = required.includes(field) ? '' : ' (optional)';
    return `| ${names}${optional} | ${ruleIn(schema, objects)} | ${schema.description ?? ''} |`;
  });
  return [`| ${head} | value | |`, '|---|---|---|', ...rows];
}

/** The rule of a schema, with links to objects, which are collected. */
function ruleIn(schema: Schema, objects: Map<string, ObjectSchema>): string {
  if (schema.type === 'array' && schema.items !== undefined) {
    const limit = schema.maxItems === undefined ? '' : ` of at most ${schema.maxItems} entries`;
    return `a list${limit}, each ${ruleIn(schema.items, objects)}`;
  }
  if (schema.properties === undefined) return ruleOf(schema).replaceAll('|', '\\|');
  const { title } = schema;
  if (title === undefined) {
    const fields = Object.entries(schema.properties).map(([field, rule]) => `\`${field}\` ${ruleIn(rule, objects)}`);
    return `an object: ${fields.join('; ')}`;
  }
  objects.set(title, schema as ObjectSchema);
  return `[${title}](#${anchorOf(title)})`;
}

function describeObjects(objects: Map<string, ObjectSchema>): string {
  const sections: string[] = ['## Objects', ''];
  // Describing an object can add those of its fields.
  for (const [title, schema] of objects) {
    sections.push(`### ${headingOf(title)}`, '', ...fieldTable('field', schema, objects), '');
  }
  return sections.join('\n');
}

function headingOf(title: string): string {
  const noun = title.replace(/^an? /, '');
  return noun.slice(0, 1).toUpperCase() + noun.slice(1);
}

function anchorOf(title: string): string {
  return headingOf(title).toLowerCase().replaceAll(' ', '-');
}

function curl(name: OperationName, { example, body }: Operation): string {
  const { method, target, json } = requestOf(name, example);
  const url = `http://localhost${target}`;
  const parts = ['curl --silent --show-error', `--unix-socket ${SOCKET}`];
  const hasJson = json !== undefined && Object.keys(json).length > 0;
  if (method !== 'GET' && (method !== 'POST' || (body !== 'zone file' && !hasJson))) parts.push(`--request ${method}`);
  if (body === 'zone file') parts.push('--data-binary @zone.txt');
  else if (hasJson) parts.push(`--data '${JSON.stringify(json)}'`);
  return [...parts, /[?&*]/.test(url) ? `'${url}'` : url].join(' ');
}
