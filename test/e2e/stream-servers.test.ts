/**
 * Streams of three servers on one PostgreSQL: each has the events of all, in one order, so that a client that connects again to
 * another server loses none and sees none twice.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { defaultHostSettings } from '../../src/core/hosts/host.ts';
import type { Store } from '../../src/core/store.ts';
import type { HostShare } from '../../src/core/users/user.ts';
import { DomainName } from '../../src/dns/name.ts';
import { openStore } from '../../src/store/open-store.ts';
import { type EventReader, readEvents } from '../support/event-reader.ts';
import { POSTGRES_PROGRAMS, type PostgresServer, startPostgres } from '../support/postgres.ts';
import { waitUntil } from '../support/process.ts';
import { describeWith } from '../support/require-server.ts';
import { createUser, type StreamServer, startStreamServer } from '../support/stream-server.ts';

/** Events of each server; watched hosts are sent at every rate. */
const EVENTS = 600;
const HOSTS = ['a', 'b', 'c'].map((label) => `${label}.example.com`);
const WATCHED = `/?${HOSTS.map((host) => `host=${host}`).join('&')}`;

describeWith(POSTGRES_PROGRAMS, 'three servers on one PostgreSQL', () => {
  let postgres: PostgresServer;
  let stores: readonly Store[];
  let servers: readonly StreamServer[];

  beforeAll(async () => {
    postgres = await startPostgres();
    stores = await Promise.all(HOSTS.map(() => openStore(postgres.url)));
    servers = await Promise.all(stores.map((store) => startStreamServer(store, { isShared: true })));
  });
  afterAll(async () => {
    for (const server of servers) await server.close(0);
    for (const store of stores) await store.close();
    await postgres.stop();
    for (const server of servers) expect(server.faults).toEqual([]);
  });

  const detailsOf = (reader: EventReader) => reader.of('history').map(({ detail }) => detail as string);

  it('have the events of one another in a stream, in the same order at each', async () => {
    const readers = await Promise.all(servers.map(({ port }) => readEvents({ port })));
    await waitUntil('all to be live', () => readers.every(({ lastId }) => lastId !== undefined));
    for (let n = 0; n < 30; n++) servers[n % 3]!.record(HOSTS[n % 3]!, 'changed', `first ${n}`);
    await waitUntil('all events', () => readers.every((reader) => detailsOf(reader).length >= 30));
    const [order, ...others] = readers.map(detailsOf);
    expect(new Set(order)).toEqual(new Set(Array.from({ length: 30 }, (_, n) => `first ${n}`)));
    for (const other of others) expect(other).toEqual(order);
    for (const reader of readers) reader.close();
  });

  it('lose no event and repeat none for clients that go from server to server', { timeout: 60_000 }, async () => {
    let written = 0;
    const write = async (server: StreamServer, number: number) => {
      for (let n = 0; n < EVENTS; n++) {
        server.record(HOSTS[number]!, 'changed', `${number}-${n}`);
        written += 1;
        if (n % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 15));
      }
    };
    const seen: string[][] = [[], [], []];
    let connections = 0;
    const follow = async (client: number) => {
      let lastId: string | undefined;
      for (let at = client; ; at += 1) {
        const headers = lastId === undefined ? {} : { 'Last-Event-ID': lastId };
        const reader = await readEvents({ port: servers[at % 3]!.port, path: WATCHED, headers });
        connections += 1;
        if (lastId === undefined) await waitUntil('the stream', () => reader.lastId !== undefined);
        // Some connections end during the replay.
        await new Promise((resolve) => setTimeout(resolve, [5, 120, 400, 900][at % 4]));
        if (written === 3 * EVENTS) {
          await waitUntil('the last events', () => seen[client]!.length + detailsOf(reader).length >= written, 10_000);
        }
        reader.close();
        expect(reader.of('resync')).toEqual([]);
        seen[client]!.push(...detailsOf(reader));
        lastId = reader.lastId ?? lastId;
        if (seen[client]!.length >= 3 * EVENTS) return;
      }
    };
    const following = [0, 1, 2].map(follow);
    await waitUntil('all clients', () => connections >= 3);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await Promise.all([...servers.map(write), ...following]);
    expect(connections).toBeGreaterThan(20);
    for (const own of seen) {
      expect(own.length).toBe(3 * EVENTS);
      expect(new Set(own).size).toBe(3 * EVENTS);
    }
    expect(seen[1]).toEqual(seen[0]);
    expect(seen[2]).toEqual(seen[0]);
  });

  it('end the streams of a key that is revoked at one of them within a second, and of a user who is disabled', async () => {
    const [anna, otto] = [await createUser(stores[0]!, 'anna'), await createUser(stores[0]!, 'otto')];
    const open = (key: string) =>
      Promise.all(servers.map(({ port }) => readEvents({ port, headers: { 'X-Api-Key': key } })));
    const [ofAnna, ofOtto] = [await open(anna), await open(otto)];
    const end = async (readers: readonly EventReader[], change: Promise<unknown>) => {
      await change;
      const beganMs = performance.now();
      await Promise.all(readers.map((reader) => reader.ended()));
      return performance.now() - beganMs;
    };
    // Half a second for the processor of a busy machine.
    expect(await end(ofAnna, stores[1]!.users.revokeKey('anna', 'test', Date.now()))).toBeLessThan(1_500);
    expect(ofOtto.some((reader) => reader.isEnded())).toBe(false);
    expect(await end(ofOtto, stores[2]!.users.update('otto', { disabledMs: 1 }))).toBeLessThan(1_500);
  });

  it('end what a member sees with the share, also at servers that did not remove it', async () => {
    const key = await createUser(stores[0]!, 'mia');
    const ownerName = DomainName.parse('shared.example.com');
    const put = (shares: HostShare[]) =>
      stores[0]!.hosts.put({ ...defaultHostSettings(ownerName), ownerId: 'anna', shares });
    await put([{ userId: 'mia', access: 'view' }]);
    const reader = await readEvents({ port: servers[2]!.port, headers: { 'X-Api-Key': key } });
    await waitUntil('the stream', () => reader.lastId !== undefined);
    servers[1]!.record('shared.example.com', 'changed', 'seen');
    servers[1]!.record('other.example.com', 'changed', 'never seen');
    await waitUntil('the event', () => detailsOf(reader).length > 0);
    await put([]);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    servers[1]!.record('shared.example.com', 'changed', 'too late');
    await servers[1]!.recorder.flush();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await put([{ userId: 'mia', access: 'change' }]);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    servers[1]!.record('shared.example.com', 'changed', 'seen again');
    await waitUntil('the last event', () => detailsOf(reader).length > 1);
    expect(detailsOf(reader)).toEqual(['seen', 'seen again']);
    reader.close();
  });

  it('go on where the database was away', { timeout: 60_000 }, async () => {
    const reader = await readEvents({ port: servers[0]!.port });
    await waitUntil('the stream', () => reader.lastId !== undefined);
    await postgres.halt();
    servers[1]!.record(HOSTS[1]!, 'changed', 'while away');
    await new Promise((resolve) => setTimeout(resolve, 500));
    await postgres.restart();
    await waitUntil('the event', () => detailsOf(reader).includes('while away'), 20_000);
    expect(detailsOf(reader)).toEqual(['while away']);
    reader.close();
  });
});
