/**
 * Faults between the publisher and a real BIND: lost replies, a primary that is stopped, frozen or restarted, and wrong
 * keys, clocks and permissions. Each gives its error with advice before the request's deadline, and the publisher works
 * again afterwards.
 */
import { createSocket } from 'node:dgram';
import { mkdirSync, rmdirSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AddressUpdate } from '../../src/core/updates/update-addresses.ts';
import type { Zone } from '../../src/core/zones/zone.ts';
import { DomainName } from '../../src/dns/name.ts';
import { makeTsigKey, type TsigAlgorithm } from '../../src/dns/tsig-key.ts';
import { TcpExchanger } from '../../src/net/tcp.ts';
import { UdpExchanger } from '../../src/net/udp.ts';
import { PrimaryPublisher } from '../../src/primary/publisher.ts';
import { AddressUpdates } from '../support/address-updates.ts';
import { startBind } from '../support/bind.ts';
import { dig, type ServerAddress } from '../support/dig.ts';
import { type Fault, type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { freePort } from '../support/free-port.ts';
import type { PrimaryServer } from '../support/primary-server.ts';
import { waitUntil } from '../support/process.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';
import { type WantedTexts, wantedOf } from '../support/wanted-addresses.ts';

const ZONE = 'dyndns.example.com';
const SECRET = Buffer.alloc(64, 'not a secret');
const TIMEOUT_MS = 1200;

interface ClientOptions {
  readonly zone?: string;
  readonly keyName?: string;
  readonly algorithm?: TsigAlgorithm;
  readonly secret?: Buffer;
  readonly transport?: 'tcp' | 'udp';
}

const cleanups: (() => unknown)[] = [];

/** A publisher and its use-case. */
class Client {
  /** How far our clock is ahead, in seconds. */
  clockOffset = 0;
  readonly batches: string[] = [];
  readonly #useCase = new AddressUpdates({ timeoutMs: TIMEOUT_MS, maxWaiting: 1000 });
  readonly zone: Zone;

  constructor(endpoint: ServerAddress, options: ClientOptions = {}) {
    const { zone = ZONE, keyName = zone, algorithm = 'hmac-sha512', secret = SECRET, transport = 'tcp' } = options;
    const apex = DomainName.parse(zone);
    const exchanger = () => (transport === 'tcp' ? new TcpExchanger(endpoint) : new UdpExchanger(endpoint));
    const publisher = new PrimaryPublisher({
      zone: apex,
      endpoint,
      key: makeTsigKey(DomainName.parse(keyName), algorithm, secret),
      signedReads: false,
      reads: exchanger(),
      updates: exchanger(),
      now: () => Math.floor(Date.now() / 1000) + this.clockOffset,
      onBatch: (changes, outcome) => this.batches.push(`${changes} ${outcome}`),
    });
    cleanups.push(() => publisher.close());
    const rules = {
      apexAllowed: false,
      wildcardAllowed: false,
      reserved: new Set<string>(),
      emptyValue: 'keep',
    } as const;
    this.zone = { apex, publisher, ttl: {}, ...rules, addresses: { allow: [], deny: [] } };
  }

  update(label: string, wanted: WantedTexts): Promise<AddressUpdate> {
    const ownerName = DomainName.parse(label, this.zone.apex);
    return this.#useCase.run({ zone: this.zone, ownerName, wanted: wantedOf(wanted), fallbackTtl: 60 });
  }

  /** The change of the A records as `192.0.2.1 -> 192.0.2.2`. */
  async put(label: string, address: string): Promise<string> {
    const { A } = await this.update(label, { A: address });
    return `${A.before.join() || 'None'} -> ${A.after.join()}`;
  }

  /** The failure of an update, which must occur before the request's deadline. */
  async failure(label: string): Promise<{ code: string; message: string }> {
    const started = performance.now();
    const error: unknown = await this.put(label, '192.0.2.99').then(
      (line) => new Error(`it did not fail: ${line}`),
      (reason: unknown) => reason,
    );
    expect(performance.now() - started).toBeLessThan(TIMEOUT_MS + 400);
    const { code, message } = error as { code?: string; message: string };
    return { code: code ?? 'none', message };
  }
}

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

describeWith(BIND_PROGRAMS, 'BIND with faults', () => {
  const key = { name: ZONE, algorithm: 'hmac-sha512', secret: SECRET.toString('base64') };
  let bind: PrimaryServer;

  beforeAll(async () => {
    bind = await startBind({
      zones: [{ name: ZONE }, { name: 'closed.example.com', keys: [] }],
      keys: [key],
      configure: (config) =>
        `${config}zone "broken.example.com" { type primary; file "missing.db"; allow-update { key "${ZONE}"; }; };\n`,
    });
  }, 30_000);
  afterAll(() => bind?.stop());

  async function serial(): Promise<number> {
    return Number((await dig(bind, [ZONE, 'SOA'])).short[0]?.split(' ')[2]);
  }

  async function addressesAt(label: string): Promise<readonly string[]> {
    return (await dig(bind, [`${label}.${ZONE}`, 'A'])).short;
  }

  describe('a lost reply', () => {
    let proxy: FaultProxy;
    let client: Client;

    beforeEach(async () => {
      proxy = await startFaultProxy(bind);
      cleanups.push(() => proxy.close());
      client = new Client(proxy);
      await client.put('home', '192.0.2.1');
    });

    it.each<Fault>(['drop reply', 'late reply', 'garbage', 'unsigned', 'cut after', 'cut before'])(
      '%s: the change is published exactly once, and told as published',
      async (fault) => {
        const before = await serial();
        const updates = proxy.updates;
        proxy.delayMs = TIMEOUT_MS;
        proxy.faults.push(fault);
        expect(await client.put('home', '192.0.2.2')).toBe('192.0.2.1 -> 192.0.2.2');
        expect(await addressesAt('home')).toEqual(['192.0.2.2']);
        expect(await serial()).toBe(before + 1);
        expect(proxy.updates - updates).toBe(fault === 'cut before' ? 3 : 2);
        expect(await client.put('home', '192.0.2.1')).toBe('192.0.2.2 -> 192.0.2.1');
      },
    );

    it('of 50 names: all are published, with one increment of the serial', async () => {
      const labels = Array.from({ length: 50 }, (_, index) => `lost${index}`);
      await Promise.all(labels.map((label) => client.put(label, '192.0.2.1')));
      const before = await serial();
      client.batches.length = 0;
      proxy.faults.push('cut after');
      const lines = await Promise.all(labels.map((label) => client.put(label, '192.0.2.2')));
      expect(new Set(lines)).toEqual(new Set(['192.0.2.1 -> 192.0.2.2']));
      expect(await serial()).toBe(before + client.batches.filter((batch) => !batch.includes('lost')).length + 1);
      expect(client.batches).toContain('50 lost');
    });

    it('of a deletion and of a change that writes nothing', async () => {
      proxy.faults.push('cut after');
      expect((await client.update('home', { A: '192.0.2.1' })).changed).toBe(false);
      proxy.faults.push('cut after');
      expect((await client.update('home', { A: null })).changed).toBe(true);
      expect(await addressesAt('home')).toEqual([]);
    });

    it('and no further replies: publish-unknown by the deadline, and the published state once replies arrive', async () => {
      proxy.otherwise = 'drop reply';
      expect(await client.failure('home')).toEqual({
        code: 'publish-unknown',
        message: expect.stringMatching(/was sent .* may have been applied.*again is safe/),
      });
      proxy.otherwise = 'none';
      expect(await client.put('home', '192.0.2.3')).toBe('192.0.2.99 -> 192.0.2.3');
    });

    it('over UDP: the resent copy finds the first one applied, and is not reported as stale', async () => {
      const port = await freePort();
      const front = createSocket('udp4');
      let dropped = 0;
      front.on('message', (request, from) => {
        const back = createSocket('udp4');
        back.on('message', (reply) => {
          back.close();
          if (((request[2]! >> 3) & 0xf) === 5 && dropped++ === 0) return;
          front.send(reply, from.port, from.address);
        });
        back.send(request, bind.port, bind.host);
      });
      await new Promise<void>((resolve) => front.bind(port, '127.0.0.1', resolve));
      cleanups.push(() => front.close());
      const byUdp = new Client({ host: '127.0.0.1', port }, { transport: 'udp' });
      await byUdp.put('home', '192.0.2.1');
      dropped = 0;
      // The copy is sent after a second, before the deadline of this request.
      const slow = new AddressUpdates({ timeoutMs: 5000, maxWaiting: 1 });
      const request = {
        ownerName: DomainName.parse(`home.${ZONE}`),
        wanted: wantedOf({ A: '192.0.2.2' }),
        fallbackTtl: 60,
      };
      const { A } = await slow.run({ ...request, zone: byUdp.zone });
      expect(A).toEqual({ before: ['192.0.2.1'], after: ['192.0.2.2'], changed: true });
      expect(byUdp.batches.slice(-2)).toEqual(['1 lost', '1 lost, then published']);
    });
  });

  describe('a primary that', () => {
    it('is stopped, and started again', async () => {
      const client = new Client(bind);
      await client.put('stopped', '192.0.2.1');
      await bind.halt();
      try {
        for (const label of ['stopped', 'unseen']) {
          expect(await client.failure(label)).toEqual({
            code: 'primary-unreachable',
            message: expect.stringMatching(/ECONNREFUSED.*is the primary of 'dyndns\.example\.com\.' running/),
          });
        }
      } finally {
        await bind.restart();
      }
      expect(await client.put('stopped', '192.0.2.2')).toBe('192.0.2.1 -> 192.0.2.2');
    });

    it('is killed and restarted between two updates', async () => {
      const client = new Client(bind);
      await client.put('killed', '192.0.2.1');
      await bind.halt('SIGKILL');
      await bind.restart();
      expect(await client.put('killed', '192.0.2.2')).toBe('192.0.2.1 -> 192.0.2.2');
    });

    it('is frozen, and thawed', async () => {
      const client = new Client(bind);
      await client.put('frozen', '192.0.2.1');
      bind.freeze();
      try {
        // The threads of a process do not stop at the same time.
        await waitUntil('silence', async () => (await dig(bind, [ZONE, 'SOA', '+timeout=1'])).rcode === 'none');
        const failures = await Promise.all([client.failure('frozen'), client.failure('unseen')]);
        expect(failures).toEqual([
          // The first one was sent without a read, as its last state was cached.
          { code: 'publish-unknown', message: expect.stringMatching(/may have been applied/) },
          { code: 'primary-unreachable', message: expect.stringMatching(/no reply from .* in time.*running/) },
        ]);
      } finally {
        bind.thaw();
      }
      // The sent change may be applied or not: the old value is the published one.
      const [before] = await addressesAt('frozen');
      expect(['192.0.2.1', '192.0.2.99']).toContain(before);
      expect(await client.put('frozen', '192.0.2.2')).toMatch(/^192\.0\.2\.(1|99) -> 192\.0\.2\.2$/);
      expect(await addressesAt('frozen')).toEqual(['192.0.2.2']);
    });

    it.each<[string, ClientOptions, RegExp]>([
      [
        'does not know the key',
        { keyName: 'other.example.com' },
        /'other\.example\.com\.'.*BADKEY.*key name and algorithm/,
      ],
      [
        'has the key with another algorithm',
        { algorithm: 'hmac-sha256' },
        /hmac-sha256.*BADKEY.*key name and algorithm/,
      ],
      ['has a different secret', { secret: Buffer.from('x') }, /secret.*BADSIG.*copy the secret/],
    ])('%s', async (_, options, pattern) => {
      const failure = await new Client(bind, options).failure('keys');
      expect(failure).toEqual({ code: 'primary-key-rejected', message: expect.stringMatching(pattern) });
      expect(failure.message).toContain(`127.0.0.1:${bind.port}`);
      expect(await addressesAt('keys')).toEqual([]);
    });

    it.each([
      [1000, 'ahead of'],
      [-1000, 'behind'],
    ])('has a clock that differs by %i s', async (offset, order) => {
      const client = new Client(bind);
      client.clockOffset = offset;
      const { code, message } = await client.failure('clock');
      expect(code).toBe('primary-key-rejected');
      const seconds = /BADTIME\): ours is (\d+) s (.*) its; set both by NTP/.exec(message);
      expect(seconds?.[2]).toBe(order);
      expect(Math.abs(Number(seconds?.[1]) - 1000)).toBeLessThanOrEqual(2);
      client.clockOffset = 0;
      await client.put('clock', '192.0.2.1');
      expect(await addressesAt('clock')).toEqual(['192.0.2.1']);
    });

    it('does not let the key change the zone', async () => {
      const options = { zone: 'closed.example.com', keyName: ZONE };
      expect(await new Client(bind, options).failure('home')).toEqual({
        code: 'primary-refused',
        message: expect.stringMatching(
          /update with REFUSED: let the key 'dyndns\.example\.com\.' change .*allow-update/,
        ),
      });
    });

    it('has not loaded the zone', async () => {
      const options = { zone: 'broken.example.com', keyName: ZONE };
      expect(await new Client(bind, options).failure('home')).toEqual({
        code: 'primary-refused',
        message: expect.stringMatching(/query with SERVFAIL: .*'broken\.example\.com\.' .*not loaded.*log/),
      });
    });

    it('does not have the zone', async () => {
      const options = { zone: 'nowhere.example.net', keyName: ZONE };
      expect(await new Client(bind, options).failure('home')).toEqual({
        code: 'primary-refused',
        message: expect.stringMatching(/query with REFUSED: the zone 'nowhere\.example\.net\.' is not served there/),
      });
    });

    it('cannot write its journal', async () => {
      const fresh = await startBind({ zones: [{ name: ZONE }], keys: [key] });
      cleanups.push(() => fresh.stop());
      // A directory in place of the journal, so that the test also works as root.
      const journal = join(fresh.directory, 'zone0.db.jnl');
      mkdirSync(journal);
      const client = new Client(fresh);
      expect(await client.failure('home')).toEqual({
        code: 'primary-refused',
        message: expect.stringMatching(/update with SERVFAIL: .*log.*journal.*not writable/),
      });
      rmdirSync(journal);
      expect(await client.put('home', '192.0.2.1')).toBe('None -> 192.0.2.1');
    }, 30_000);

    it('is not a DNS server', async () => {
      const server = createHttpServer((_, response) => response.end());
      const port = await freePort();
      await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
      cleanups.push(() => {
        server.closeAllConnections();
        return new Promise((resolve) => server.close(resolve));
      });
      expect(await new Client({ host: '127.0.0.1', port }).failure('home')).toEqual({
        code: 'primary-unreachable',
        message: expect.stringMatching(/not a DNS reply; is a DNS server listening at that port\?/),
      });
    });
  });
});
