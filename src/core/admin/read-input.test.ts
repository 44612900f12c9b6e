// Inputs of operations: both forms that scripts send, and what the error says about the rest.
import { describe, expect, it } from 'vitest';
import type { OperationName } from './operations.ts';
import { readInput } from './read-input.ts';

const HOST = 'home.dyn.example.com';

const failure = (message: string) => expect.objectContaining({ code: 'request-malformed', message });

describe('the form of releases before 3.0 and the typed form give one input', () => {
  it.each<[OperationName, object, object]>([
    [
      'addHost',
      { host: HOST, ttl: '300', silentAfter: '3600', lease: '7200', allow: [], deny: [], fallback: [], replace: true },
      {
        host: HOST,
        ttl: 300,
        silentAfterSeconds: 3600,
        leaseSeconds: 7200,
        allow: [],
        deny: [],
        fallback: [],
        replace: true,
      },
    ],
    [
      'addMember',
      { host: HOST, member: `nas.${HOST}`, interfaceId: '::10', subnet: '7' },
      { host: HOST, name: `nas.${HOST}`, interfaceId: '::10', subnet: 7 },
    ],
    ['removeMember', { host: HOST, member: 'x' }, { host: HOST, name: 'x' }],
    ['readHistory', { host: HOST, limit: '20' }, { host: HOST, limit: 20 }],
    ['importZone', { zone: 'a', dry_run: '1' }, { zone: 'a', dry_run: true }],
    ['setSerial', { zone: 'a', serial: '9' }, { zone: 'a', serial: 9 }],
  ])('%s', (name, texts, typed) => {
    expect(readInput(name, texts)).toEqual(readInput(name, typed));
  });

  it('addHost: the names of both forms', () => {
    expect(readInput('addHost', { host: HOST, silentAfter: '60', lease: '90', replace: 'false' })).toEqual({
      host: HOST,
      silentAfterSeconds: 60,
      leaseSeconds: 90,
      replace: false,
    });
  });
});

it('fields that only results have are ignored, so that a host can be sent back', () => {
  const shown = {
    host: `${HOST}.`,
    origin: 'store',
    enabled: false,
    allow: ['192.0.2.0/24'],
    deny: [],
    members: [{ name: `nas.${HOST}.`, mac: '00:11:22:33:44:55', subnet: 3 }],
    ttl: 60,
    lastSeen: '2026-11-23T10:00:00.000Z',
    repeats: 3,
    pending: [],
  };
  const { origin, lastSeen, repeats, pending, ...settings } = shown;
  expect(readInput('addHost', { ...shown, replace: true })).toEqual({ ...settings, replace: true });
});

it('a field of the prototype is not a field', () => {
  expect(() => readInput('revokeToken', Object.create({ name: 'x' }))).toThrow("'name' is missing.");
  expect(() => readInput('status', JSON.parse('{"__proto__":{"x":1}}'))).toThrow("There is no field '__proto__'");
});

describe('a field that the operation does not have is an error: it may be a restriction that is misspelt', () => {
  const token = { name: 'x', hosts: [HOST] };
  it.each<[OperationName, object, string]>([
    ...['source', 'Sources', 'from', 'allowfrom', 'address', 'adresses', 'expire', 'type', 'maxUnused', ''].map(
      (field): [OperationName, object, string] => ['createToken', { ...token, [field]: ['192.0.2.1'] }, field],
    ),
    ['addHost', { host: HOST, alow: ['192.0.2.1'] }, 'alow'],
    ['addHost', { host: HOST, Deny: ['192.0.2.1'] }, 'Deny'],
    ['addHost', { host: HOST, members: [{ name: HOST, mac: '00:11:22:33:44:55', subnett: 3 }] }, 'members[0].subnett'],
    ['rotateToken', { name: 'x', expires: '2099-12-31' }, 'expires'],
    ['importZone', { zone: 'a', dryrun: '1' }, 'dryrun'],
    ['update', { fqdn: HOST, ips: [], tll: 5 }, 'tll'],
  ])('%s %j', (name, input, field) => {
    expect(() => readInput(name, input)).toThrow(
      expect.objectContaining({
        code: 'request-malformed',
        message: expect.stringContaining(`There is no field '${field}'; the fields are: `),
      }),
    );
  });

  it('a token that was shown may be sent back', () => {
    const shown = {
      ...token,
      origin: 'store',
      state: 'valid',
      created: 'x',
      revoked: 'x',
      lastUsed: 'x',
      register: true,
    };
    expect(readInput('createToken', { ...shown, maxUnusedDays: '9' })).toEqual({
      ...token,
      register: true,
      maxUnusedDays: 9,
    });
  });
});

describe('the error names the field and its rule', () => {
  it.each<[OperationName, object, string]>([
    ['addHost', { host: HOST, ttl: 'abc' }, "'ttl' must be an integer from 0 to 2147483647."],
    ['addHost', { host: HOST, ttl: '2147483648' }, "'ttl' must be an integer from 0 to 2147483647."],
    ['addHost', { host: HOST, ttl: -1 }, "'ttl' must be an integer from 0 to 2147483647."],
    ['addHost', { host: HOST, ttl: 1.5 }, "'ttl' must be an integer from 0 to 2147483647."],
    ['addHost', { host: HOST, lease: '315360001' }, "'leaseSeconds' must be an integer from 0 to 315360000."],
    ['addHost', { host: HOST, enabled: 'perhaps' }, "'enabled' must be true or false."],
    ['addHost', { host: HOST, members: [{ name: 'a' }, {}] }, "'members[1].name' is missing."],
    [
      'addHost',
      { host: HOST, members: [{ name: 'a', subnet: -1 }] },
      "'members[0].subnet' must be an integer from 0 to 281474976710655.",
    ],
    ['addHost', {}, "'host' is missing."],
    ['addHost', { host: HOST, allow: [1] }, "'allow[0]' must be an IP address or a prefix like 192.0.2.0/24."],
    [
      'addHost',
      { host: HOST, allow: Array(1001).fill('192.0.2.1') },
      "'allow' must be a list of at most 1000 entries, each an IP address or a prefix like 192.0.2.0/24.",
    ],
    [
      'createToken',
      { name: 'x', hosts: [HOST], addresses: 'all' },
      "'addresses' must be any, own, or a list of IP addresses and prefixes like [192.0.2.0/24].",
    ],
    ['createToken', { name: '😀'.repeat(65), hosts: [] }, "'name' must be a string of at most 64 characters."],
    ['readHistory', { host: HOST, limit: '0' }, "'limit' must be an integer from 1 to 500."],
    ['backup', { file: 'x' }, "'file' must be an absolute path."],
    ['importZone', { zone: 'a', mode: 'all' }, "'mode' must be merge or replace."],
  ])('%s %j', (name, input, message) => {
    expect(() => readInput(name, input)).toThrow(failure(message));
  });

  it('a text of 64 characters may have 128 UTF-16 units', () => {
    const name = '😀'.repeat(64);
    expect(readInput('revokeToken', { name })).toEqual({ name });
  });
});
