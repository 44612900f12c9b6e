/**
 * Tokens of users, as clients use them: what ends or changes for the user ends or changes for the tokens, at once where a server has
 * the store alone, and within a second where several servers share one PostgreSQL.
 */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStore } from '../../src/store/open-store.ts';
import { API_ZONE, type ApiLab, operate, startApiLab } from '../support/api-lab.ts';
import type { RunningDyndns } from '../support/dyndns.ts';
import type { HttpPlace } from '../support/http-client.ts';
import { POSTGRES_PROGRAMS, type PostgresServer, startPostgres } from '../support/postgres.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';
import { expectEndWithinOneSecond } from '../support/timing.ts';
import { type Lab, openLab, ZONE } from './lab.ts';

let octet = 0;
/** An address that no update had before. */
function nextAddress(): string {
  octet = (octet % 250) + 1;
  return `192.0.2.${octet}`;
}

/** The first word of the reply to an update. */
async function updateAt(server: RunningDyndns, secret: string, host: string, address = nextAddress()): Promise<string> {
  const headers = { Authorization: `Bearer ${secret}` };
  const { body } = await server.ask(`/nic/update?hostname=${host}&myip=${address}`, { headers });
  return body.split(/\s/)[0]!;
}

describe('a server alone', () => {
  let lab: ApiLab;

  beforeAll(async () => {
    lab = await startApiLab({ config: { limits: { refused_per_minute_per_source: 0 } } });
  });
  afterAll(() => lab?.stop());

  const update = (secret: string, host: string, address?: string) => updateAt(lab.server.dyndns, secret, host, address);
  const newName = (label: string) => `${label}${randomBytes(4).toString('hex')}`;

  /** A user with a host and a token for it. */
  async function customer(fields: { quotas?: { changesPerMinute: number } } = {}) {
    const owner = newName('u');
    const host = `${owner}.${API_ZONE}`;
    await lab.operate('createUser', { name: owner, ...fields });
    await lab.operate('addHost', { host, owner });
    const { secret } = await lab.operate('createToken', { name: owner, hosts: [host], owner });
    return { owner, host, secret };
  }

  it('a share that ends, ends for the tokens of the user', async () => {
    const { host } = await customer();
    const { owner: user } = await customer();
    await lab.operate('shareHost', { host, user, access: 'change' });
    const { secret } = await lab.operate('createToken', { name: newName('t'), hosts: [host], owner: user });
    expect(await update(secret, host)).toBe('good');
    await lab.operate('shareHost', { host, user, access: 'view' });
    expect(await update(secret, host)).toBe('nohost');
    await lab.operate('shareHost', { host, user, access: 'change' });
    expect(await update(secret, host)).toBe('good');
    await lab.operate('unshareHost', { host, user });
    expect(await update(secret, host)).toBe('nohost');
    // Also where nothing would change, and what another protocol says.
    const answer = await lab.server.dyndns.ask(`/update-by-path/${secret}/${host}/192.0.2.1`);
    const elsewhere = await lab.server.dyndns.ask(`/update-by-path/${secret}/other.${API_ZONE}/192.0.2.1`);
    expect(answer.status).toBe(elsewhere.status);
    expect(answer.body.replaceAll(host, 'HOST')).toBe(elsewhere.body.replaceAll(`other.${API_ZONE}`, 'HOST'));
  });

  it('a host with another owner is changed by tokens of that owner', async () => {
    const { host, secret } = await customer();
    const { owner } = await customer();
    expect(await update(secret, host)).toBe('good');
    await lab.operate('changeHost', { host, owner });
    expect(await update(secret, host)).toBe('nohost');
    const { secret: next } = await lab.operate('createToken', { name: newName('t'), hosts: [host], owner });
    expect(await update(next, host)).toBe('good');
    await lab.operate('changeHost', { host, owner: null });
    expect(await update(next, host)).toBe('nohost');
    await lab.operate('removeHost', { host });
    expect(await update(next, host)).toBe('nohost');
  });

  it('tokens of a disabled user are wrong, until the user is enabled again', async () => {
    const { owner, host, secret } = await customer();
    expect(await update(secret, host)).toBe('good');
    await lab.operate('changeUser', { name: owner, enabled: false });
    expect(await update(secret, host)).toBe('badauth');
    await lab.operate('changeUser', { name: owner, enabled: true });
    expect(await update(secret, host)).toBe('good');
  });

  it('tokens of a removed user are revoked, or the operator has them', async () => {
    const [first, second] = [await customer(), await customer()];
    const removal = { hosts: 'operator', history: 'keep' } as const;
    await lab.operate('removeUser', { name: first.owner, tokens: 'revoke', ...removal });
    await lab.operate('removeUser', { name: second.owner, tokens: 'operator', ...removal });
    expect(await update(first.secret, first.host)).toBe('badauth');
    expect(await update(second.secret, second.host)).toBe('good');
  });

  it('the changes of all tokens of a user are limited together, and repeats are not', async () => {
    const { owner, host, secret } = await customer({ quotas: { changesPerMinute: 3 } });
    const { secret: other } = await lab.operate('createToken', { name: newName('t'), hosts: [host], owner });
    expect(await update(secret, host)).toBe('good');
    expect(await update(other, host)).toBe('good');
    const address = nextAddress();
    expect(await update(secret, host, address)).toBe('good');
    for (const each of [secret, other]) expect(await update(each, host)).toBe('911');
    for (const each of [secret, other]) expect(await update(each, host, address)).toBe('nochg');
    await lab.operate('changeUser', { name: owner, quotas: { changesPerMinute: 0 } });
    expect(await update(secret, host)).toBe('good');
  });
});

describeWith([...BIND_PROGRAMS, ...POSTGRES_PROGRAMS], 'three servers on one PostgreSQL', () => {
  let lab: Lab;
  let postgres: PostgresServer;
  let servers: readonly RunningDyndns[];

  beforeAll(async () => {
    [lab, postgres] = await Promise.all([openLab(), startPostgres()]);
    const serve = (number: number) =>
      lab.serve({ store: postgres.url, control: `unix:${control(number).socketPath}`, log_level: 20 });
    servers = await Promise.all([serve(0), serve(1), serve(2)]);
  });
  afterAll(async () => {
    await lab?.stop();
    await postgres?.stop();
  });

  const control = (server: number): HttpPlace & { readonly socketPath: string } => ({
    socketPath: `${lab.primary.directory}/control${server}`,
  });

  /** The words of all servers, after each has accepted the token. */
  async function accepted(secret: string, host: string): Promise<() => Promise<readonly string[]>> {
    const words = () => Promise.all(servers.map((server) => updateAt(server, secret, host, '192.0.2.1')));
    for (let round = 0; round < 10; round += 1) {
      for (const word of await words()) expect(['good', 'nochg']).toContain(word);
    }
    return words;
  }

  it('the end of a user ends the tokens at all of them within a second', { timeout: 60_000 }, async () => {
    const host = `ended.${ZONE}`;
    await operate(control(0), 'createUser', { name: 'anna' });
    await operate(control(1), 'addHost', { host, owner: 'anna' });
    const { secret } = await operate(control(2), 'createToken', { name: 'ended', hosts: [host], owner: 'anna' });
    const words = await accepted(secret, host);
    await operate(control(1), 'changeUser', { name: 'anna', enabled: false });
    // 911: too many wrong ones, which are not compared any more.
    const refused = ['badauth', '911'];
    await expectEndWithinOneSecond(async () => (await words()).some((word) => !refused.includes(word)));
  });

  it('the end of a share ends the updates at all of them within a second', { timeout: 60_000 }, async () => {
    const host = `shared.${ZONE}`;
    await operate(control(0), 'createUser', { name: 'bert' });
    await operate(control(0), 'createUser', { name: 'carl' });
    await operate(control(0), 'addHost', { host, owner: 'bert' });
    await operate(control(0), 'shareHost', { host, user: 'carl', access: 'change' });
    const { secret } = await operate(control(1), 'createToken', { name: 'shared', hosts: [host], owner: 'carl' });
    const words = await accepted(secret, host);
    await operate(control(2), 'unshareHost', { host, user: 'carl' });
    await expectEndWithinOneSecond(async () => (await words()).some((word) => word !== 'nohost'));
  });

  it('creations at all of them together stay within the quota of a user', { timeout: 60_000 }, async () => {
    await operate(control(0), 'createUser', { name: 'dora', quotas: { hosts: 4, tokens: 5 } });
    const create = (number: number) => {
      const place = control(number % servers.length);
      const host = `dora${number}.${ZONE}`;
      return Promise.allSettled([
        operate(place, 'addHost', { host, owner: 'dora' }),
        operate(place, 'createToken', { name: `dora${number}`, hosts: [`dora0.${ZONE}`], owner: 'dora' }),
      ]);
    };
    await operate(control(0), 'addHost', { host: `dora0.${ZONE}`, owner: 'dora' });
    await Promise.all(Array.from({ length: 15 }, (_, number) => create(number + 1)));
    const store = await openStore(postgres.url);
    try {
      const user = (await store.users.get('dora'))!;
      expect([await store.hosts.countOwned(user.id), await store.tokens.countOwned(user.id)]).toEqual([4, 5]);
    } finally {
      await store.close();
    }
  });
});
