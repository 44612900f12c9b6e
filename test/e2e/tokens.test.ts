// Tokens, settings of hosts, limits and history on the whole server with the store in SQLite: what a credential may do,
// and what is remembered of it. The store is opened by the test after the server has ended.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DomainName } from '../../src/dns/name.ts';
import { openStore } from '../../src/store/open-store.ts';
import { dig } from '../support/dig.ts';
import { type EmbeddedServer, startEmbedded } from '../support/embedded-server.ts';
import { nsupdate } from '../support/nsupdate.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';

const ZONE = 'dyn.example.com';
const KEY = { name: 'updater', algorithm: 'hmac-sha256', secret: Buffer.alloc(32, 7).toString('base64') } as const;
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const token = (name: string, more: object) => ({ name, sha256: sha256(`${name}-secret`), ...more });

let server: EmbeddedServer;

beforeAll(async () => {
  server = await startEmbedded({
    zone: ZONE,
    keys: [KEY],
    config: {
      store: 'sqlite:dyndns.db',
      limits: { changes_per_minute_per_token: 3 },
      tokens: [
        token('router', { hosts: [`home.${ZONE}`, `*.lab.${ZONE}`] }),
        token('own', { hosts: [`own.${ZONE}`], addresses: 'own' }),
        token('prefix', { hosts: [`prefix.${ZONE}`], addresses: ['203.0.113.0/24'] }),
        token('v6', { hosts: [`six.${ZONE}`], types: ['AAAA'] }),
        token('old', { hosts: [`home.${ZONE}`], expires: '2020-01-01' }),
        token('busy', { hosts: [`busy.${ZONE}`] }),
        token('switched', { hosts: [`off.${ZONE}`] }),
      ],
      hosts: [
        { name: `off.${ZONE}`, enabled: false },
        { name: `*.lab.${ZONE}`, ttl: 5 },
        { name: `home.${ZONE}`, ttl: 42 },
      ],
    },
  });
});
afterAll(() => server?.stop());

async function update(name: string, host: string, address: string, family = 'ipv4'): Promise<string> {
  const target = `/update-by-query?fqdn=${host}.${ZONE}&${family}=${address}`;
  const { status, body } = await server.dyndns.ask(target, { headers: { Authorization: `Bearer ${name}-secret` } });
  return `${status} ${body.split('\n')[0]}`;
}

async function published(host: string, type = 'A'): Promise<readonly string[]> {
  return (await dig(server, [`${host}.${ZONE}`, type, '+norecurse'])).short;
}

describeWith(BIND_PROGRAMS, 'tokens on the original API', () => {
  it('change the names of their scope, with the TTL of the host', async () => {
    expect(await update('router', 'home', '192.0.2.1')).toBe(`200 UPDATED: home.${ZONE}. A None -> 192.0.2.1`);
    expect(await update('router', 'a.b.lab', '192.0.2.2')).toMatch(/^200 UPDATED/);
    const { answers } = await dig(server, [`home.${ZONE}`, 'A', '+norecurse']);
    expect(answers).toMatchObject([{ ttl: 42, rdata: '192.0.2.1' }]);
  });

  it('are told the same of a name outside of their scope and of one that no zone has', async () => {
    const words = (name: string) =>
      `453 DNS_NAME_ERROR: The fully qualified domain name '${name}.' could not be split into a record and a zone name.`;
    expect(await update('router', 'other', '192.0.2.1')).toBe(words(`other.${ZONE}`));
    expect(await update('router', 'lab', '192.0.2.1')).toBe(words(`lab.${ZONE}`));
    expect(await update('router', 'own', '192.0.2.1')).toBe(words(`own.${ZONE}`));
    const { status, body } = await server.dyndns.ask('/update-by-query?fqdn=home.example.org&ipv4=192.0.2.1', {
      headers: { Authorization: 'Bearer router-secret' },
    });
    expect(`${status} ${body.trim()}`).toBe(words('home.example.org'));
    const zoned = await server.dyndns.ask(`/update-by-query?zone_name=${ZONE}&record_name=other&ipv4=192.0.2.1`, {
      headers: { Authorization: 'Bearer router-secret' },
    });
    expect(`${zoned.status} ${zoned.body.trim()}`).toBe(`453 DNS_NAME_ERROR: Unknown zone "${ZONE}".`);
    expect(await published('other')).toEqual([]);
  });

  it('publish the addresses that they may', async () => {
    expect(await update('own', 'own', '127.0.0.1')).toMatch(/^454 IP_ADDRESS_ERROR: .*loopback/);
    expect(await update('own', 'own', '192.0.2.1')).toMatch(/^454 IP_ADDRESS_ERROR: .*caller's own/);
    expect(await update('prefix', 'prefix', '192.0.2.1')).toMatch(/^454 .*203\.0\.113\.0\/24/);
    expect(await update('prefix', 'prefix', '203.0.113.9')).toMatch(/^200 UPDATED/);
  });

  it('touch no family that they have not', async () => {
    expect(await update('v6', 'six', '192.0.2.1')).toMatch(/^453 /);
    expect(await update('v6', 'six', '2001:db8::6', 'ipv6')).toMatch(/^200 /);
    expect([await published('six'), await published('six', 'AAAA')]).toEqual([[], ['2001:db8::6']]);
  });

  it.each([
    ['an expired one', 'old-secret'],
    ['an unknown one', 'nobody-secret'],
    ['the SHA-256 instead of the secret', sha256('router-secret')],
  ])('count only as they are: %s is a wrong secret', async (_, secret) => {
    const { status, body } = await server.dyndns.ask(`/update-by-query?fqdn=home.${ZONE}&ipv4=192.0.2.66`, {
      headers: { Authorization: `Bearer ${secret}` },
    });
    expect([status, body]).toEqual([456, 'PARAMETER_ERROR: You specified a wrong secret key.\n']);
  });

  it.each([['Basic Og=='], ['Basic cm91dGVyOg=='], ['Bearer '], ['Basic ']])(
    '%j authenticates nobody',
    async (header) => {
      const { status } = await server.dyndns.ask(`/update-by-query?fqdn=home.${ZONE}&ipv4=192.0.2.66`, {
        headers: { Authorization: header },
      });
      expect(status).toBe(456);
      expect(await published('home')).not.toContain('192.0.2.66');
    },
  );

  it('change so much a minute, and confirm as often as they like', async () => {
    for (const last of [1, 2, 3]) expect(await update('busy', 'busy', `192.0.2.${last}`)).toMatch(/^200 UPDATED/);
    expect(await update('busy', 'busy', '192.0.2.4')).toMatch(/^503 ERROR: This token has made too many changes/);
    for (let i = 0; i < 5; i++) expect(await update('busy', 'busy', '192.0.2.3')).toMatch(/^200 UNCHANGED/);
    expect(await published('busy')).toEqual(['192.0.2.3']);
  });

  it('do nothing for a host that is switched off', async () => {
    expect(await update('switched', 'off', '192.0.2.1')).toBe(`452 ERROR: Updates of 'off.${ZONE}.' are switched off.`);
    expect(await published('off')).toEqual([]);
  });

  it('do not show in the log', async () => {
    const log = server.dyndns.process.output();
    for (const name of ['router', 'own', 'prefix', 'v6', 'old', 'busy', 'nobody']) {
      expect(log).not.toContain(`${name}-secret`);
    }
  });
});

describeWith(BIND_PROGRAMS, 'the history', () => {
  it('has changes of HTTP and of DNS UPDATE with who made them, refusals, and repeats as a count', async () => {
    await nsupdate(server, KEY, ZONE, [`update delete home.${ZONE} A`, `update add home.${ZONE} 60 A 192.0.2.77`]);
    await server.dyndns.process.stop();
    const store = await openStore(`sqlite:${join(server.dyndns.directory, 'dyndns.db')}`);
    try {
      const read = (host: string) => store.history.read(DomainName.parse(`${host}.${ZONE}`), 10);
      expect(await read('home')).toMatchObject([
        {
          protocol: 'update',
          actor: 'updater.',
          outcome: 'changed',
          A: { before: ['192.0.2.1'], after: ['192.0.2.77'] },
        },
        { protocol: 'original', actor: 'router', outcome: 'changed', source: '127.0.0.1', A: { after: ['192.0.2.1'] } },
      ]);
      expect(await read('off')).toMatchObject([{ outcome: 'refused', code: 'host-disabled', actor: 'switched' }]);
      expect(await read('other')).toMatchObject([{ outcome: 'refused', code: 'not-permitted', actor: 'router' }]);
      expect(await store.history.activity(DomainName.parse(`busy.${ZONE}`))).toMatchObject({ repeats: 5 });
    } finally {
      await store.close();
    }
  });
});

describe('without a store', () => {
  it('the log says what is off, and tokens of the configuration count all the same', async () => {
    const alone = await startEmbedded({
      zone: ZONE,
      config: { tokens: [token('router', { hosts: [`home.${ZONE}`] })] },
    });
    try {
      expect(alone.dyndns.log().map(({ msg }) => msg)).toContain(
        'no store: there is no history, failed updates are not retried, and only tokens of the configuration are valid',
      );
      const { status } = await alone.dyndns.ask(`/update-by-query?fqdn=home.${ZONE}&ipv4=192.0.2.1`, {
        headers: { Authorization: 'Bearer router-secret' },
      });
      expect(status).toBe(200);
    } finally {
      await alone.stop();
    }
  });
});
