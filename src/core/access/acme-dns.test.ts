/** Accounts of acme-dns: the token of an account, registration and its limits. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parseIpAddress, parseIpPrefix } from '../../dns/address.ts';
import { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { openMemoryStore } from '../../store/memory.ts';
import { AppError } from '../errors.ts';
import { AcmeDns, type AcmeDnsOptions, acmeDnsOwnerName, acmeDnsTokenName } from './acme-dns.ts';
import { MinuteLimiter } from './rate-limits.ts';
import { tokenSha256 } from './token.ts';

const above = DomainName.parse('challenges.example.com');
const caller = parseIpAddress('192.0.2.7');

function accounts(options: Partial<AcmeDnsOptions> = {}) {
  const { tokens } = openMemoryStore();
  let counter = 0;
  const random = (octets: number) => {
    counter += 1;
    return createHash('sha256').update(String(counter)).digest().subarray(0, octets);
  };
  const acmeDns = new AcmeDns({
    above,
    register: [parseIpPrefix('192.0.2.0/24')!],
    values: 2,
    maxAccounts: 3,
    store: tokens,
    registrations: new MinuteLimiter(2, () => 0),
    random,
    now: () => 5,
    ...options,
  });
  return { acmeDns, tokens };
}

async function codeOf(run: () => unknown): Promise<string> {
  try {
    await run();
    return 'done';
  } catch (error) {
    return error instanceof AppError ? error.code : String(error);
  }
}

describe('an account', () => {
  it('is a token for TXT at one name of its own, and the store has only its SHA-256', async () => {
    const { acmeDns, tokens } = accounts();
    const sources = [parseIpPrefix('10.0.0.0/8')!];
    const { username, password, subdomain, ownerName } = await acmeDns.register(sources);
    const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
    expect([username, subdomain]).toEqual([expect.stringMatching(uuid), expect.stringMatching(uuid)]);
    expect(username).not.toBe(subdomain);
    expect(password).toMatch(/^[A-Za-z0-9_-]{40}$/);
    expect(ownerName.toString()).toBe(`${subdomain}.challenges.example.com.`);
    const token = await tokens.findBySha256(tokenSha256(password));
    expect(token).toMatchObject({
      name: `acme-dns-${username}`,
      hosts: [ownerName],
      types: [RRType.TXT],
      addresses: 'any',
      sources,
      createdMs: 5,
    });
    expect(JSON.stringify(await tokens.list())).not.toContain(password);
    expect(acmeDnsOwnerName(token!)).toBe(ownerName);
  });

  it('is not a token with another name, with several hosts, or with a pattern', () => {
    const name = acmeDnsTokenName('x');
    const [one, pattern] = [above.prepend('x'), above.prepend('*')];
    expect(acmeDnsOwnerName({ name, hosts: [one] })).toBe(one);
    for (const token of [
      { name: 'router', hosts: [one] },
      { name, hosts: [one, above] },
      { name, hosts: [pattern] },
      { name, hosts: [] },
    ]) {
      expect(acmeDnsOwnerName(token)).toBeUndefined();
    }
  });
});

describe('registration', () => {
  it.each([
    ['192.0.2.255', 'done'],
    ['::ffff:192.0.2.1', 'done'],
    ['192.0.3.0', 'not-permitted'],
    ['2001:db8::1', 'not-permitted'],
    [undefined, 'caller-unknown'],
  ])('from %s: %s', async (from, expected) => {
    const { acmeDns } = accounts();
    expect(await codeOf(() => acmeDns.admit(from === undefined ? undefined : parseIpAddress(from)))).toBe(expected);
  });

  it('is closed unless the operator opens it', async () => {
    expect(await codeOf(() => accounts({ register: [] }).acmeDns.admit(caller))).toBe('not-permitted');
  });

  it('is limited per minute for each source', async () => {
    const { acmeDns } = accounts();
    acmeDns.admit(caller);
    acmeDns.admit(caller);
    expect(await codeOf(() => acmeDns.admit(caller))).toBe('rate-limited');
    expect(await codeOf(() => acmeDns.admit(parseIpAddress('192.0.2.8')))).toBe('done');
  });

  it('stops at the maximum number of accounts, and continues when one is revoked', async () => {
    const { acmeDns, tokens } = accounts();
    const accountsMade = [await acmeDns.register([]), await acmeDns.register([]), await acmeDns.register([])];
    expect(await codeOf(() => acmeDns.register([]))).toBe('conflict');
    await tokens.revoke(acmeDnsTokenName(accountsMade[1]!.username), 9);
    expect(await codeOf(() => acmeDns.register([]))).toBe('done');
  });
});
