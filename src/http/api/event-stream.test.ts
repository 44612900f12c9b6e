import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type EventReader, readEvents, stall } from '../../../test/support/event-reader.ts';
import { waitUntil } from '../../../test/support/process.ts';
import { createUser, type StreamServer, startStreamServer } from '../../../test/support/stream-server.ts';
import type { Store } from '../../core/store.ts';
import { openMemoryStore } from '../../store/memory.ts';

let server: StreamServer;
let store: Store;
let readers: EventReader[];

beforeEach(async () => {
  store = openMemoryStore();
  readers = [];
  server = await startStreamServer(store, {
    isShared: false,
    times: { readerMs: 1_500, sweepMs: 100, betweenMs: 300, lingerMs: 200 },
  });
});
afterEach(async () => {
  await server.close(0);
  expect(server.faults).toEqual([]);
});

async function read(headers: Record<string, string> = {}, path = '/') {
  const reader = await readEvents({ port: server.port, headers, path });
  readers.push(reader);
  return reader;
}

const hostsOf = (reader: EventReader) => reader.of('history').map(({ host }) => host.replace(/\.$/, ''));

describe('a stream over HTTP', () => {
  it('is text/event-stream that proxies and caches do not hold back', async () => {
    const reader = await read();
    expect(reader.status).toBe(200);
    expect(reader.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      'x-content-type-options': 'nosniff',
      connection: 'close',
    });
    await waitUntil('the first id', () => reader.lastId !== undefined);
    server.record('home.example.com');
    await waitUntil('the event', () => hostsOf(reader).length > 0);
    expect(reader.of('history')[0]).toMatchObject({
      host: 'home.example.com.',
      outcome: 'changed',
      protocol: 'dyndns2',
    });
  });

  it('goes on after Last-Event-ID', async () => {
    const first = await read();
    server.record('a.example.com');
    await waitUntil('the event', () => hostsOf(first).length > 0);
    first.close();
    await waitUntil('the server to notice', () => server.streams.size === 0);
    server.record('b.example.com');
    await server.recorder.flush();
    const second = await read({ 'Last-Event-ID': first.lastId! });
    server.record('c.example.com');
    await waitUntil('all events', () => hostsOf(second).length >= 2);
    expect(hostsOf(second)).toEqual(['b.example.com', 'c.example.com']);
  });

  it('stays open while nothing happens, however short the limits of connections are', async () => {
    const reader = await read();
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    server.record('home.example.com');
    await waitUntil('the event', () => hostsOf(reader).length > 0);
  });

  it('ends with its key', async () => {
    const reader = await read({ 'X-Api-Key': await createUser(store, 'anna', 'admin') });
    await store.users.revokeKey('anna', 'test', Date.now());
    const beganMs = performance.now();
    await reader.ended();
    expect(performance.now() - beganMs).toBeLessThan(1_500);
    expect(server.streams.size).toBe(0);
  });

  it('executes no request behind it on the same connection', async () => {
    stall({ port: server.port, headers: { 'X-Second': '\r\n\r\nGET / HTTP/1.1' } });
    await waitUntil('the stream', () => server.streams.size > 0);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(server.streams.size).toBe(1);
  });

  it('whose client does not read is disconnected, and what it would have got does not stay in memory', async () => {
    stall({ port: server.port, path: '/?host=home.example.com' });
    const reader = await read();
    await waitUntil('both', () => server.streams.size === 2);
    await waitUntil(
      'the end of one',
      async () => {
        for (let i = 0; i < 2_000; i++) server.record('home.example.com', 'failed', 'x'.repeat(500));
        await server.recorder.flush();
        return server.streams.size === 1;
      },
      25_000,
    );
    expect(reader.isEnded()).toBe(false);
  });

  it('ends gracefully with the server, at once and before the grace time', async () => {
    const reader = await read();
    stall({ port: server.port });
    await waitUntil('both', () => server.streams.size === 2);
    server.record('last.example.com');
    await waitUntil('the event', () => hostsOf(reader).length > 0);
    const beganMs = performance.now();
    await server.close(10_000);
    expect(performance.now() - beganMs).toBeLessThan(3_000);
    await reader.ended();
    expect(reader.text().endsWith('\n\n')).toBe(true);
  });

  it('leaves nothing behind when its client goes away', async () => {
    const clients = await Promise.all(Array.from({ length: 20 }, () => read()));
    expect(server.streams.size).toBe(20);
    expect((await read()).status).toBe(429);
    for (const client of clients) client.close();
    await waitUntil('all to be noticed', () => server.streams.size === 0);
    expect(server.recorder.listener).toBeUndefined();
  });
});
