/**
 * Thousands of malformed requests for each operation of the HTTP API, the same ones in each run, with a key that may do
 * everything. Every reply is a problem document, none is a 500, and nothing changes.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requestOf } from '../../src/core/admin/operation-routes.ts';
import { isInQuery, OPERATIONS, type Operation, type OperationName } from '../../src/core/admin/operations.ts';
import type { Schema } from '../../src/core/admin/schema.ts';
import { type Random, seededRandom } from '../differential/random.ts';
import { API_ZONE, type ApiLab, startApiLab } from '../support/api-lab.ts';
import { type Answer, ask } from '../support/http-client.ts';

const SEED = 20_261;
/** A twentieth of the campaign is a test; `npm run fuzz -- requests` sends all of it. */
const PART = process.env['MALFORMED_REQUESTS'] === 'all' ? 1 : 20;
const REQUESTS = 5_000 / PART;
const AT_ONCE = 20;

let lab: ApiLab;
let key: string;

beforeAll(async () => {
  lab = await startApiLab({
    records: 'static IN A 192.0.2.80\n',
    config: { store: 'sqlite:dyndns.db', admin: { enabled: true } },
  });
  key = await lab.user('admin', 'admin');
  await lab.operate('addHost', { host: `home.${API_ZONE}` });
  await lab.operate('createToken', { name: 'router1', hosts: [`home.${API_ZONE}`] });
});
afterAll(() => lab?.stop());

interface Sent {
  readonly method: string;
  readonly target: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const NOISE = [
  '',
  ' ',
  '\u0000',
  '"',
  '\\',
  '%',
  '..',
  'a..b',
  '*',
  '-1',
  '1e99',
  '{}',
  '[]',
  'null',

  'ü'.repeat(300),
  'x'.repeat(5000),
];

/** A value that no schema of the table accepts in the place of this one. */
function wrongValue(schema: Schema, random: Random): unknown {
  const types = [schema.type, ...(schema.anyOf ?? []).map(({ type }) => type)];
  const isEnum = schema.enum !== undefined || schema.anyOf?.some((one) => one.enum !== undefined);
  if (types.includes('array')) return random.pick([{}, 7, { 0: 'x' }, [{}], [[[]]], [null], [7, {}]]);
  if (isEnum || types.includes('integer')) return random.pick(['\u0000', {}, [], 'yes!', 1e300, 0.5]);
  if (types.includes('object')) return random.pick([[], 7, 'x', { unknown: 1 }]);
  const wrong = [{}, [], 7, true, 'x'.repeat(70_000 / 10) + '\u0000'.repeat(64)];
  return random.pick(types.includes('null') ? wrong : [...wrong, null]);
}

/** A request that is malformed for sure, whatever else it has. */
function malformed(operation: Operation, random: Random): Sent {
  const { method, example, input, path } = operation;
  const name = (Object.keys(OPERATIONS) as OperationName[]).find((each) => OPERATIONS[each] === operation)!;
  const fields = Object.keys(input.properties);
  const build = (values: object): Sent => {
    const { target, json } = requestOf(name, values);
    return { method, target, ...(json !== undefined && { body: JSON.stringify(json) }) };
  };
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, field]) => field!);
  const hasBody = !isInQuery(operation);
  const ways: (() => Sent)[] = [
    () => build({ ...example, [`unknown${random.below(1000)}`]: random.pick(NOISE) }),
    () => ({
      ...build(example),
      method: random.pick(['OPTIONS', 'TRACE', 'PROPFIND', method === 'PUT' ? 'POST' : 'PUT']),
      target: `${path}/${random.below(99)}`,
    }),
    () => ({
      ...build(example),
      target: `${build(example).target.split('?')[0]}/${encodeURIComponent(random.pick(NOISE)) || 'x'}/x/x/x`,
    }),
  ];
  if (hasBody) {
    const { body = '{}' } = build({ ...example, unknown: 1 });
    ways.push(
      () => ({ ...build(example), body: body.slice(0, 1 + random.below(body.length - 1)) }),
      () => ({
        ...build(example),
        body: random.pick(['[]', '"x"', '7', 'null', 'true', '{"a":}', '{', 'x=1&y=2', '\u0000']),
      }),
      () => ({ ...build(example), body: `${'['.repeat(1 + random.below(20_000))}` }),
      () => ({ ...build(example), body: `{"__proto__":{"admin":true},"constructor":${random.below(9)}}` }),
    );
  }
  const outside = fields.filter((field) => !inPath.includes(field));
  const required = input.required.filter((field) => !inPath.includes(field));
  if (required.length > 0) {
    ways.push(() => {
      const { [random.pick(required)]: _, ...others } = example;
      return build(others);
    });
  }
  // In a query every value is a text, which a field of type text accepts.
  if (outside.length > 0 && hasBody) {
    ways.push(() => {
      const field = random.pick(outside);
      return build({ ...example, [field]: wrongValue(input.properties[field]!, random) });
    });
  }
  for (const field of inPath) {
    ways.push(() => {
      const { target } = build(example);
      const segment = random.pick(['%ff', '%', '%zz', 'a..b', `${'x'.repeat(64)}.${API_ZONE}`, `${'a.'.repeat(140)}x`]);
      return {
        ...build(example),
        target: target.replace(`/${encodeURIComponent(String(example[field]))}`, `/${segment}`),
      };
    });
  }
  return random.pick(ways)();
}

async function state(): Promise<unknown> {
  const { hosts } = await lab.operate('listHosts', {});
  const { tokens } = await lab.operate('listTokens', {});
  const { users } = await lab.operate('listUsers', {});
  const { keys } = await lab.operate('listKeys', { user: 'admin' });
  const { rrsets, serial } = await lab.operate('listRRsets', { zone: API_ZONE });
  const { lastUsed: _, ...own } = keys[0]!;
  return { hosts, tokens, users, keys: [own], rrsets, serial };
}

const rows = (Object.entries(OPERATIONS) as [OperationName, Operation][]).filter(
  ([, { allowed }]) => allowed !== 'operator',
);

describe('malformed requests', () => {
  it.each(rows)('%s', { timeout: 600_000 }, async (_, operation) => {
    const random = seededRandom(SEED + rows.findIndex(([, row]) => row === operation));
    const before = await state();
    for (let sent = 0; sent < REQUESTS; sent += AT_ONCE) {
      const batch = Array.from({ length: AT_ONCE }, () => malformed(operation, random));
      const answers = await Promise.all(batch.map(send));
      for (const [index, { status, body }] of answers.entries()) {
        const what = JSON.stringify(batch[index]).slice(0, 500);
        expect(status, `${what} ${body}`).toBeGreaterThanOrEqual(400);
        expect(status, `${what} ${body}`).toBeLessThan(500);
        if (body !== '' && !body.startsWith('{')) expect.fail(`${status} ${body} ${what}`);
        if (body !== '') expect(JSON.parse(body), what).toMatchObject({ status, code: expect.any(String) });
      }
    }
    expect(await state()).toEqual(before);
  });
});

function send({ method, target, body, headers }: Sent): Promise<Answer> {
  const options = { method, headers: { ...headers, Authorization: `Bearer ${key}` } };
  return ask({ port: lab.server.dyndns.port }, target, body === undefined ? options : { ...options, body });
}
