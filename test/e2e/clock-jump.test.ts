/**
 * A start with a clock that is far ahead of what the store saw last deletes nothing by its age. For a server this is the same as data
 * that is a year old: the store is written as it was a year ago, and a real server is started on it.
 */
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { DomainName } from '../../src/dns/name.ts';
import { openStore } from '../../src/store/open-store.ts';
import { newEvent, newPendingUpdate } from '../contract/store-fixtures.ts';
import { type RunningDyndns, startDyndns } from '../support/dyndns.ts';
import { waitUntil } from '../support/process.ts';
import { testDirectory } from '../support/test-directory.ts';

const YEAR_MS = 365 * 86_400_000;
const DAY_MS = 86_400_000;
const HOST = 'home.dyn.example.com';
const name = DomainName.parse(HOST);

let server: RunningDyndns | undefined;
afterEach(() => server?.stop());

/** Starts a server on a store of 20 days of history, the newest event at `lastMs`; waits until it has pruned, and stops it. */
async function eventsAfterStart(lastMs: number, isNoted: boolean, historyDays = 30): Promise<number> {
  const url = `sqlite:${join(testDirectory('clock'), 'store.db')}`;
  const store = await openStore(url);
  await store.history.append(Array.from({ length: 20 }, (_, day) => newEvent(HOST, lastMs - day * DAY_MS)));
  if (isNoted) await store.history.noteTime(lastMs);
  await store.close();
  server = await startDyndns({
    secret: 'secret12',
    log_level: 20,
    http: { listen: ['127.0.0.1:0'] },
    store: url,
    history_days: historyDays,
    zones: [{ name: 'dyn.example.com', nameserver: '127.0.0.1', port: 1, tsig_key: 'c2VjcmV0' }],
  });
  await server.stop();
  const after = await openStore(url);
  try {
    return (await after.history.read(name, 100)).length;
  } finally {
    await after.close();
  }
}

it.each([
  ['that noted the time', true],
  ['of an earlier version, which has events alone', false],
])('a clock a year ahead deletes no history of a store %s', async (_, isNoted) => {
  expect(await eventsAfterStart(Date.now() - YEAR_MS, isNoted)).toBe(20);
  expect(server?.log().map(({ msg }) => msg)).toContainEqual(
    expect.stringContaining('The system clock is 365 days ahead of the last time that the store saw'),
  );
});

it('with the right clock old history is deleted at the start, as always', async () => {
  expect(await eventsAfterStart(Date.now() - 60_000, true, 7)).toBe(7);
  expect(server?.log().some(({ msg }) => msg.includes('The system clock'))).toBe(false);
});

it('no pending update is given up because of a clock that is ahead', async () => {
  const url = `sqlite:${join(testDirectory('clock'), 'store.db')}`;
  const store = await openStore(url);
  const lastMs = Date.now() - YEAR_MS;
  await store.history.noteTime(lastMs);
  // A zone that is not configured: after an hour it would be dropped.
  await store.pending.put(newPendingUpdate('home.other.example.org', { createdMs: lastMs, nextAttemptMs: lastMs }));
  await store.close();
  server = await startDyndns({
    secret: 'secret12',
    log_level: 20,
    http: { listen: ['127.0.0.1:0'] },
    store: url,
    zones: [{ name: 'dyn.example.com', nameserver: '127.0.0.1', port: 1, tsig_key: 'c2VjcmV0' }],
  });
  await waitUntil('the line about the clock', () => {
    return server!.log().some(({ msg }) => msg.includes('The system clock is 365 days ahead'));
  });
  await server.stop();
  const after = await openStore(url);
  expect(await after.pending.count()).toBe(1);
  await after.close();
});
