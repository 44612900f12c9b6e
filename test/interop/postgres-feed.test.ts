/** What servers on one PostgreSQL tell each other: two stores on a real one, which is also stopped, frozen and restarted. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Store } from '../../src/core/store.ts';
import type { PublishedAddresses } from '../../src/core/zones/publisher.ts';
import { DomainName } from '../../src/dns/name.ts';
import { openStore } from '../../src/store/open-store.ts';
import { POSTGRES_PROGRAMS, type PostgresServer, startPostgres } from '../support/postgres.ts';
import { waitUntil } from '../support/process.ts';
import { describeWith } from '../support/require-server.ts';

const apex = DomainName.parse('dyn.example.com');
const nameOf = (label: string) => DomainName.parse(label, apex);
const addressOf = (index: number) => `10.0.${index >> 8}.${index & 255}`;
const published = (...addresses: string[]): PublishedAddresses => ({
  A: { addresses, ttl: addresses.length > 0 ? 60 : 0 },
  AAAA: { addresses: ['2001:db8::1'], ttl: 300 },
});

describeWith(POSTGRES_PROGRAMS, 'servers on one PostgreSQL', () => {
  let postgres: PostgresServer;
  let stores: readonly [Store, Store];
  /** What each has heard, by the key of the name. */
  let heard: readonly [Map<string, PublishedAddresses>, Map<string, PublishedAddresses>];

  beforeEach(async () => {
    postgres = await startPostgres();
    stores = [await openStore(postgres.url), await openStore(postgres.url)];
    heard = [new Map(), new Map()];
    for (const [index, store] of stores.entries()) {
      store.published!.follow(apex, (key, addresses) => heard[index]!.set(key, addresses));
    }
    await heardOf();
  });
  afterEach(async () => {
    for (const store of stores ?? []) await store.close();
    await postgres?.stop();
  });

  let probes = 0;
  /** Waits until the second hears of the first, and the first of the second. */
  async function heardOf(): Promise<void> {
    probes += 1;
    const probe = nameOf(`probe${probes}`);
    await waitUntil('both to hear of one another', () => {
      for (const store of stores) store.published!.announce(apex, probe, published('192.0.2.1'));
      return heard.every((names) => names.has(probe.key));
    });
  }

  it('hear what the others have published in their zones, and not what they say themselves', async () => {
    const [first, second] = stores;
    first.published!.announce(apex, nameOf('a'), published('192.0.2.1', '192.0.2.2'));
    first.published!.announce(apex, nameOf('b'), published());
    first.published!.announce(DomainName.parse('other.example.com'), nameOf('c'), published('192.0.2.3'));
    await waitUntil('the news', () => heard[1].has(nameOf('b').key));
    expect(heard[1].get(nameOf('a').key)).toEqual(published('192.0.2.1', '192.0.2.2'));
    expect(heard[1].get(nameOf('b').key)).toEqual(published());
    second.published!.announce(apex, nameOf('d'), published('192.0.2.4'));
    await waitUntil('the answer', () => heard[0].has(nameOf('d').key));
    expect([heard[0].has(nameOf('a').key), heard[1].has(nameOf('c').key), heard[1].has(nameOf('d').key)]).toEqual([
      false,
      false,
      false,
    ]);
  });

  it('hear of many names at once, the last addresses of each', async () => {
    const names = Array.from({ length: 1500 }, (_, index) => nameOf(`h${index}.a-label-that-makes-the-text-longer`));
    for (const [index, name] of names.entries()) {
      stores[0].published!.announce(apex, name, published('192.0.2.99'));
      stores[0].published!.announce(apex, name, published(addressOf(index)));
    }
    await waitUntil('all names', () => names.every((name) => heard[1].has(name.key)));
    for (const [index, name] of names.entries()) {
      expect(heard[1].get(name.key)?.A.addresses).toEqual([addressOf(index)]);
    }
  });

  it('no longer hear what they do not follow', async () => {
    let calls = 0;
    const other = DomainName.parse('second.example.com');
    const unfollow = stores[1].published!.follow(other, () => {
      calls += 1;
    });
    stores[0].published!.announce(other, nameOf('a'), published());
    await waitUntil('the news', () => calls === 1);
    unfollow();
    stores[0].published!.announce(other, nameOf('a'), published());
    stores[0].published!.announce(apex, nameOf('after'), published());
    await waitUntil('later news', () => heard[1].has(nameOf('after').key));
    expect(calls).toBe(1);
  });

  it('announce nothing while they are alone', async () => {
    const alone = await openStore(await postgres.createDatabase('alone'));
    const { default: pg } = await import('pg');
    const listener = new pg.Client({ connectionString: postgres.url.replace(/postgres$/, 'alone') });
    const texts: string[] = [];
    try {
      await listener.connect();
      listener.on('notification', ({ payload }) => texts.push(payload ?? ''));
      await listener.query('listen dyndns_published');
      alone.published!.follow(apex, () => undefined);
      await waitUntil('that it is there', () => texts.length === 1);
      alone.published!.announce(apex, nameOf('a'), published('192.0.2.1'));
      await listener.query(`select pg_notify('dyndns_published', 'hello')`);
      await waitUntil('that it answers', () => texts.includes('here'));
      alone.published!.announce(apex, nameOf('b'), published('192.0.2.1'));
      await waitUntil('its news', () => texts.length === 4);
      expect(texts.slice(0, 3)).toEqual(['hello', 'hello', 'here']);
      expect(texts[3]).toContain(JSON.stringify(nameOf('b').key).slice(1, -1));
    } finally {
      await listener.end();
      await alone.close();
    }
  });

  it('hear of one another again after a restart of PostgreSQL', { timeout: 30_000 }, async () => {
    await postgres.restart();
    await heardOf();
  });

  it('while PostgreSQL is frozen nothing waits; afterwards they go on', { timeout: 30_000 }, async () => {
    postgres.freeze();
    const beginMs = performance.now();
    for (let index = 0; index < 20_000; index++) {
      stores[0].published!.announce(apex, nameOf(`h${index}`), published(addressOf(index)));
    }
    expect(performance.now() - beginMs).toBeLessThan(2000);
    postgres.thaw();
    await heardOf();
  });
});
