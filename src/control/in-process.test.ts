// The operations on a store in memory: results have the form of their schemas, and can be sent back.
import { Ajv } from 'ajv';
import { beforeEach, describe, expect, it } from 'vitest';
import { makeAdministration } from '../core/admin/administration.ts';
import { type Input, OPERATIONS, type OperationName, type Operations, type Result } from '../core/admin/operations.ts';
import type { Schema } from '../core/admin/schema.ts';
import { DomainName } from '../dns/name.ts';
import { openMemoryStore } from '../store/memory.ts';
import { operationsInProcess } from './in-process.ts';

const HOST = 'home.dyn.example.com';
const NOW = Date.parse('2026-11-23T10:00:00Z');
const none = { addresses: [], ttl: 0 };

let operations: Operations;

beforeEach(() => {
  let counter = 0;
  const administration = makeAdministration({
    store: openMemoryStore(),
    tokens: [],
    hosts: [],
    claim: async () => undefined,
    signIn: { sessionDays: 1, url: () => undefined },
    zones: [{ apex: DomainName.parse('dyn.example.com'), ttl: {} }],
    read: async () => ({ kind: 'addresses', published: { A: { addresses: ['192.0.2.1'], ttl: 60 }, AAAA: none } }),
    now: () => NOW,
    random: (octets) => {
      counter += 1;
      return new Uint8Array(octets).fill(counter);
    },
  });
  const unused = () => {
    throw new Error('not called here');
  };
  operations = operationsInProcess({
    services: unused,
    zoneAdmin: () => undefined,
    administration: () => administration,
    server: undefined,
  });
});

/** The schema without tolerance for fields that it does not describe. */
function strict(schema: Schema): object {
  return JSON.parse(JSON.stringify(schema), (_, value) =>
    value?.type === 'object' && value.properties !== undefined ? { ...value, additionalProperties: false } : value,
  );
}

/** Calls an operation and compares the result, as JSON, with its schema. */
async function call<Name extends OperationName>(name: Name, input: Input<Name>): Promise<Result<Name>> {
  const result = await operations.call(name, input);
  const ajv = new Ajv();
  const matches = ajv.validate(strict(OPERATIONS[name].result as Schema), JSON.parse(JSON.stringify(result)));
  expect([name, matches, ajv.errorsText()]).toEqual([name, true, 'No errors']);
  return result;
}

describe('tokens', () => {
  it.each<[string, Omit<Input<'createToken'>, 'name'>]>([
    ['as texts', { hosts: [HOST], types: ['a'], addresses: ['ANY'], sources: [], expires: '2099-12-31' }],
    ['as values', { hosts: [HOST], types: ['A'], addresses: 'any', expires: '2099-12-31' }],
  ])('one that was created %s is shown in one form, and can be created again as it is shown', async (_, input) => {
    const { token } = await call('createToken', { name: 'router1', ...input });
    expect(token).toMatchObject({ hosts: [`${HOST}.`], types: ['A'], addresses: 'any', expires: '2099-12-31' });
    await call('revokeToken', { name: 'router1' });
    const [shown] = (await call('listTokens', {})).tokens;
    const again = await call('createToken', shown!);
    const { revoked: _when, ...rest } = shown!;
    expect(again.token).toEqual({ ...rest, state: 'valid' });
  });

  it.each([
    ['own', ['own']],
    [['192.0.2.0/24'], ['192.0.2.0/24']],
    ['any', []],
  ])('addresses %j and %j are the same', async (typed, texts) => {
    const first = await call('createToken', { name: 'a', hosts: [HOST], addresses: typed as 'own' });
    const second = await call('createToken', { name: 'b', hosts: [HOST], addresses: texts });
    expect(second.token.addresses).toEqual(first.token.addresses);
    expect(first.token.addresses).toEqual(typed);
  });

  it.each([
    [{ hosts: [] }, "'hosts' must have at least one name."],
    [{ hosts: ['a..b'] }, /^'hosts' must be a full name, like .*, and 'a\.\.b' is not/],
    [
      { hosts: [HOST], types: ['NS'] },
      "'types' must be one of A, AAAA, TXT, CNAME, MX, SRV, CAA, PTR, TLSA, SSHFP, HTTPS, SVCB, and 'NS' is not.",
    ],
    [{ hosts: [HOST], expires: '2026-02-30' }, /^'expires' must be a day/],
    [{ hosts: [HOST], addresses: ['192.0.2.1/24'] }, /^'addresses' must be any, own, or a list/],
  ])('%j is refused', async (input, message) => {
    const matching = typeof message === 'string' ? message : expect.stringMatching(message);
    await expect(operations.call('createToken', { name: 'x', ...input })).rejects.toMatchObject({
      code: 'request-malformed',
      message: matching,
    });
  });

  it('rotates one', async () => {
    await call('createToken', { name: 'x', hosts: [HOST] });
    expect(await call('rotateToken', { name: 'x', freednsUser: 'alice' })).toMatchObject({ freednsUser: 'alice' });
  });
});

describe('hosts', () => {
  const typed = {
    host: HOST,
    ttl: 300,
    allow: ['192.0.2.0/24'],
    deny: ['198.51.100.0/25'],
    silentAfterSeconds: 3600,
    leaseSeconds: 7200,
    fallback: ['192.0.2.9', '192.0.2.10', '2001:db8::9'],
    interfaceId: '::1',
    prefixLength: 56,
    enabled: false,
    members: [{ name: 'nas.dyn.example.com', interfaceId: '::10', subnet: 1 }],
  };

  it('one can be sent back as it is shown', async () => {
    const added = await call('addHost', typed);
    expect(added).toMatchObject({
      ...typed,
      host: `${HOST}.`,
      members: [{ name: 'nas.dyn.example.com.', interfaceId: '::10', subnet: 1 }],
    });
    const shown = await call('showHost', { host: HOST });
    expect(await call('addHost', { ...shown, replace: true })).toEqual(added);
    expect((await call('listHosts', {})).hosts).toEqual([added]);
  });

  it('texts give the same settings as values; members and state stay as they were without the new fields', async () => {
    const { members, enabled, ...settings } = typed;
    const first = await call('addHost', settings);
    const texts = {
      host: HOST,
      ttl: '300',
      allow: settings.allow,
      deny: settings.deny,
      silentAfter: '3600',
      lease: '7200',
      fallback: settings.fallback,
      interfaceId: '::1',
      prefixLength: '56',
      replace: true,
    };
    expect(await call('addHost', texts)).toEqual(first);
    await call('addMember', { host: HOST, member: members[0]!.name, interfaceId: '::10', subnet: '1' });
    expect(await call('addHost', texts)).toMatchObject({
      enabled: true,
      members: [{ name: 'nas.dyn.example.com.', interfaceId: '::10', subnet: 1 }],
    });
    expect(await call('addHost', { ...texts, members: [] })).toMatchObject({ members: [] });
  });

  it('members are added under both names of the field, and removed', async () => {
    const member = { host: HOST, mac: '00:11:22:33:44:55' };
    await call('addMember', { ...member, member: 'a.dyn.example.com' });
    await operations.call('addMember', { ...member, name: 'b.dyn.example.com' } as Input<'addMember'> &
      object as never);
    expect((await call('listMembers', { host: HOST })).members.map(({ name }) => name)).toEqual([
      'a.dyn.example.com.',
      'b.dyn.example.com.',
    ]);
    expect((await call('removeMember', { host: HOST, member: 'a.dyn.example.com' })).members).toHaveLength(1);
    for (const address of [{}, { interfaceId: '::1', mac: member.mac }]) {
      const both = operations.call('addMember', { host: HOST, member: 'c.dyn.example.com', ...address });
      await expect(both).rejects.toThrow("A member needs either 'interfaceId' or 'mac'.");
    }
    const elsewhere = operations.call('addHost', {
      host: HOST,
      replace: true,
      members: [{ name: 'a.example.org', interfaceId: '::1' }],
    });
    await expect(elsewhere).rejects.toMatchObject({ code: 'name-invalid' });
  });

  it('0 seconds are never', async () => {
    const added = await call('addHost', { host: HOST, silentAfterSeconds: 0, lease: '0' });
    expect(added).not.toHaveProperty('silentAfterSeconds');
    expect(added).not.toHaveProperty('leaseSeconds');
    await call('disableHost', { host: HOST });
    expect(await call('enableHost', { host: HOST })).toMatchObject({ enabled: true });
    expect(await call('removeHost', { host: HOST })).toMatchObject({ origin: 'none' });
  });
});

it('the history of a host without events', async () => {
  expect(await call('readHistory', { host: HOST })).toEqual({ host: `${HOST}.`, events: [], more: false });
  const { past } = await call('readHistory', { host: HOST, at: '2026-11-23T10:00:00Z' });
  expect(past).toEqual({ time: '2026-11-23T10:00:00.000Z' });
  expect(await call('purgeHistory', { host: HOST })).toEqual({ host: `${HOST}.`, events: 0 });
  await expect(operations.call('readHistory', { host: HOST, at: 'x' })).rejects.toThrow("'at' must be a time");
});

it('without a server and an embedded zone the error says so', async () => {
  await expect(operations.call('reload', {})).rejects.toThrow('needs a running server');
  await expect(operations.call('listZones', {})).rejects.toThrow('No zone of the configuration is embedded');
});
