import { beforeEach, describe, expect, it } from 'vitest';
import { DomainName } from '../../dns/name.ts';
import { openMemoryStore } from '../../store/memory.ts';
import { AppError } from '../errors.ts';
import type { NewHistoryEvent } from './history.ts';
import { HistoryRecorder } from './history-recorder.ts';
import type { HistoryStore } from './history-store.ts';

const home = DomainName.parse('home.example.com');
const event = (timeMs: number): NewHistoryEvent => ({
  ownerName: home,
  timeMs,
  protocol: 'dyndns2',
  actor: 'router1',
  source: '192.0.2.7',
  userAgent: '',
  origin: 'client',
  outcome: 'changed',
});

let store: HistoryStore;
let failure: AppError | undefined;
let calls: (() => void)[];
let warnings: string[];
let recorder: HistoryRecorder;

/** Lets the second pass, and what is written then. */
async function second(): Promise<void> {
  for (const call of calls.splice(0)) call();
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

beforeEach(() => {
  const memory = openMemoryStore().history;
  failure = undefined;
  calls = [];
  warnings = [];
  const failing =
    <A extends unknown[], R>(method: (...args: A) => Promise<R>) =>
    (...args: A) =>
      failure === undefined ? method(...args) : Promise.reject(failure);
  store = Object.assign(Object.create(memory) as HistoryStore, {
    append: failing((events: Parameters<HistoryStore['append']>[0]) => memory.append(events)),
    appendReceipts: failing((receipts: Parameters<HistoryStore['appendReceipts']>[0]) =>
      memory.appendReceipts(receipts),
    ),
    countRepeats: failing((counts: Parameters<HistoryStore['countRepeats']>[0]) => memory.countRepeats(counts)),
  });
  recorder = new HistoryRecorder({
    store,
    timers: {
      after: (_, call) => {
        calls.push(call);
        return () => void calls.splice(calls.indexOf(call), 1);
      },
    },
    warn: (text) => warnings.push(text),
  });
});

describe('HistoryRecorder', () => {
  it('writes events and counts once a second', async () => {
    recorder.record(event(1));
    recorder.record(event(2));
    for (let i = 0; i < 5; i++) recorder.repeat(home, 3 + i);
    expect([calls.length, await store.read(home, 10)]).toEqual([1, []]);
    await second();
    expect((await store.read(home, 10)).map(({ timeMs }) => timeMs)).toEqual([2, 1]);
    expect(await store.activity(home)).toEqual({ ownerName: home, repeats: 5, lastSeenMs: 7 });
    expect(calls).toEqual([]);
  });

  it('writes receipts with the events, and keeps those that the store did not take', async () => {
    const receipt = (serial: number) => ({ zone: 'example.com.', secondary: '192.0.2.53:53', serial, timeMs: serial });
    const served = async () => {
      const events = [{ ...event(5), id: 'x', serial: 3 }];
      return (await store.receipts(events, 'example.com.', ['192.0.2.53:53'])).map(({ timeMs }) => timeMs);
    };
    failure = new AppError('store-unreachable', 'away');
    recorder.served(receipt(2));
    await second();
    recorder.served(receipt(7));
    failure = undefined;
    await second();
    expect(await served()).toEqual([7]);
    expect(warnings).toEqual([]);
    for (let serial = 8; serial < 20_000; serial += 1) recorder.served(receipt(serial));
    await recorder.close();
    expect(await store.pruneReceipts(0, 1)).toBe(10_001);
  });

  it('an update of a client is a sign of life, unless it was refused', async () => {
    recorder.record(event(1));
    recorder.record({ ...event(2), outcome: 'failed' });
    recorder.record({ ...event(3), origin: 'server' });
    recorder.record({ ...event(4), origin: 'operator' });
    recorder.record({ ...event(5), outcome: 'refused' });
    await second();
    expect(await store.activity(home)).toEqual({ ownerName: home, repeats: 0, lastSeenMs: 2 });
    expect(await store.read(home, 10)).toHaveLength(5);
    // The origin is not stored.
    expect((await store.read(home, 10)).some((stored) => 'origin' in stored)).toBe(false);
  });

  it('saves what the store did not take, in its order', async () => {
    failure = new AppError('store-unreachable', 'away');
    recorder.record(event(1));
    recorder.repeat(home, 2);
    await second();
    recorder.record(event(3));
    recorder.repeat(home, 4);
    failure = undefined;
    await second();
    expect((await store.read(home, 10)).map(({ timeMs }) => timeMs)).toEqual([3, 1]);
    expect(await store.activity(home)).toEqual({ ownerName: home, repeats: 2, lastSeenMs: 4 });
    expect(warnings).toEqual([]);
  });

  it('does not retry forever what the store refuses, and says so', async () => {
    failure = new AppError('internal', 'no such column');
    recorder.record(event(1));
    await second();
    failure = undefined;
    recorder.record(event(2));
    await second();
    expect((await store.read(home, 10)).map(({ timeMs }) => timeMs)).toEqual([2]);
    expect(warnings).toEqual(['1 events of the history were lost: the store did not answer, or refused them.']);
  });

  it('has a limit while the store is unreachable: the oldest are lost', async () => {
    failure = new AppError('store-unreachable', 'away');
    for (let i = 1; i <= 50_001; i++) recorder.record(event(i));
    failure = undefined;
    await recorder.close();
    const [newest] = await store.read(home, 1);
    expect(newest?.timeMs).toBe(50_001);
    expect(warnings).toEqual(['25001 events of the history were lost: the store did not answer, or refused them.']);
  });

  it('loses no newer event when the oldest are dropped during a write', async () => {
    const written: number[] = [];
    let wake: () => void = () => undefined;
    const append = store.append.bind(store);
    store.append = async (events) => {
      written.push(...events.map(({ timeMs }) => timeMs));
      if (written.length === 1_000) await new Promise<void>((resolve) => (wake = resolve));
      await append(events.slice(0, 1));
    };
    for (let i = 1; i <= 2_000; i++) recorder.record(event(i));
    const flushed = recorder.flush();
    while (written.length === 0) await Promise.resolve();
    for (let i = 2_001; i <= 50_001; i++) recorder.record(event(i));
    wake();
    await flushed;
    await recorder.flush();
    expect(written.slice(1_000)).toEqual(Array.from({ length: 25_000 }, (_, n) => 25_002 + n));
  });

  it('reports what was stored to its listener: each event once and in order, however writes overlap', async () => {
    const heard: string[] = [];
    recorder.listener = {
      stored: (events) => heard.push(...events.map(({ timeMs }) => String(timeMs))),
      uncertain: () => heard.push('uncertain'),
      repeated: (counts) => heard.push(...counts.map(({ repeats }) => `${repeats} repeats`)),
    };
    recorder.record(event(1));
    recorder.record(event(2));
    expect(heard).toEqual([]);
    const first = recorder.flush();
    recorder.record(event(3));
    await Promise.all([first, recorder.flush(), recorder.flush()]);
    expect(heard.filter((text) => !text.includes('repeats'))).toEqual(['1', '2', '3']);
    heard.length = 0;
    failure = new AppError('store-unreachable', 'away');
    recorder.record(event(4));
    recorder.repeat(home, 5);
    await second();
    failure = undefined;
    // Counters are written with each fourth write of events.
    for (let write = 0; write < 4; write++) await second();
    expect(heard).toEqual(['uncertain', '4', '1 repeats']);
    heard.length = 0;
    failure = new AppError('internal', 'no such column');
    recorder.record({ ...event(6), origin: 'server' });
    await second();
    expect(heard).toEqual([]);
  });

  it('saves the first characters of long texts only, of which many could wait', async () => {
    recorder.record({ ...event(1), userAgent: 'ä'.repeat(16_000), detail: 'b'.repeat(16_000) });
    await second();
    const [stored] = await store.read(home, 1);
    expect([stored?.userAgent, stored?.detail]).toEqual(['ä'.repeat(500), 'b'.repeat(500)]);
  });
});
