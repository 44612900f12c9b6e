/** The queue of a webhook in front of a real receiver, with a manual clock. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitUntil } from '../../test/support/process.ts';
import { type Reply, startWebhookReceiver, type WebhookReceiver } from '../../test/support/webhook-receiver.ts';
import type { Notice, NoticeKind } from '../core/notices/notices.ts';
import { DomainName } from '../dns/name.ts';
import { WebhookQueue, type WebhookQueueOptions } from './webhook-queue.ts';

const START_MS = Date.UTC(2026, 10, 23, 10);

let nowMs: number;
let due: { atMs: number; call: () => void }[];
let receiver: WebhookReceiver;
let queue: WebhookQueue;
let warnings: string[];
let outcomes: string[];
let sequence: number;

const timers: WebhookQueueOptions['timers'] = {
  now: () => nowMs,
  after: (delayMs, call) => {
    const entry = { atMs: nowMs + delayMs, call };
    due.push(entry);
    return () => {
      due = due.filter((other) => other !== entry);
    };
  },
};

/** Moves the clock, and fires the timers that are due. */
function pass(ms: number): void {
  nowMs += ms;
  for (const entry of [...due].sort((a, b) => a.atMs - b.atMs)) {
    if (entry.atMs > nowMs || !due.includes(entry)) continue;
    due = due.filter((other) => other !== entry);
    entry.call();
  }
}

function notice(host: string, kind: NoticeKind = 'changed'): Notice {
  sequence += 1;
  const who = { protocol: 'dyndns2', actor: 'router1', source: '' };
  return { id: `id-${sequence}`, kind, ownerName: DomainName.parse(`${host}.example.com`), timeMs: nowMs, ...who };
}

function open(more: Partial<WebhookQueueOptions> = {}): WebhookQueue {
  const settings = { url: `${receiver.url}/s3cretPath`, secret: 'k3yk3yk3y', format: 'json' } as const;
  return new WebhookQueue({
    settings: { ...settings, events: ['changed', 'failed', 'test'] },
    name: '1 (127.0.0.1)',
    userAgent: 'dyndns/test',
    warn: (text) => void warnings.push(text),
    onOutcome: (outcome) => void outcomes.push(outcome),
    timers,
    // No jitter.
    random: () => 0.5,
    ...more,
  });
}

const ids = () => receiver.received.map(({ headers }) => headers['x-dyndns-delivery']);
const attempts = (count: number) => waitUntil(`${count} attempts: ${outcomes}`, () => outcomes.length >= count);

beforeEach(async () => {
  nowMs = START_MS;
  due = [];
  warnings = [];
  outcomes = [];
  sequence = 0;
  receiver = await startWebhookReceiver();
  queue = open();
});
afterEach(async () => {
  const closing = queue.close(0);
  pass(0);
  await closing;
  await receiver.close();
});

describe('the queue of a webhook', () => {
  it('a request that cannot be made is a failed delivery', async () => {
    await queue.close(0);
    queue = open({ userAgent: 'dyndns/\n' });
    queue.enqueue(notice('a'));
    pass(0);
    await attempts(1);
    expect([outcomes, queue.problem]).toEqual([['retried'], expect.stringContaining('ERR_INVALID_CHAR')]);
  });

  it('delivers the kinds that the webhook subscribes to, and never within the call', async () => {
    queue.enqueue(notice('a'));
    queue.enqueue(notice('a', 'silent'));
    queue.enqueue(notice('a', 'failed'));
    expect(receiver.received).toEqual([]);
    pass(0);
    await attempts(2);
    expect(ids()).toEqual(['id-1', 'id-3']);
    expect([outcomes, queue.waiting, queue.problem]).toEqual([['delivered', 'delivered'], 0, undefined]);
  });

  it('retries with a backoff of up to ten minutes, and succeeds', async () => {
    receiver.answer(...Array<number>(12).fill(500));
    queue.enqueue(notice('a'));
    pass(0);
    const delays: number[] = [];
    for (let attempt = 1; attempt <= 12; attempt += 1) {
      await attempts(attempt);
      await waitUntil('the next time', () => due.length === 1);
      delays.push(due[0]!.atMs - nowMs);
      pass(delays.at(-1)! - 1);
      expect(outcomes).toHaveLength(attempt);
      pass(1);
    }
    await attempts(13);
    expect(delays.map((ms) => ms / 1000)).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]);
    expect([outcomes.at(-1), queue.problem]).toEqual(['delivered', undefined]);
    expect(new Set(ids())).toEqual(new Set(['id-1']));
    // Each attempt has its own signature.
    expect(new Set(receiver.received.map(({ headers }) => headers['x-dyndns-signature'])).size).toBe(13);
    expect(warnings).toEqual([
      'Webhook 1 (127.0.0.1) fails: status 500. Deliveries are retried for a day. The receiver has an internal error.',
    ]);
  });

  it.each([
    [429, '120', 120_000],
    [503, new Date(START_MS + 90_000).toUTCString(), 90_000],
    [503, '0', 1_000],
    [408, undefined, 1_000],
  ])('respects Retry-After: status %i with %s', async (status, retryAfter, expectedMs) => {
    receiver.answer((response) =>
      response.writeHead(status, retryAfter === undefined ? {} : { 'Retry-After': retryAfter }).end(),
    );
    queue.enqueue(notice('a'));
    queue.enqueue(notice('a'));
    pass(0);
    await attempts(1);
    await waitUntil('the next time', () => due.length === 1);
    expect(due[0]!.atMs - nowMs).toBe(expectedMs);
    pass(expectedMs);
    await attempts(3);
    expect(ids()).toEqual(['id-1', 'id-1', 'id-2']);
  });

  it.each([400, 401, 403, 404, 410, 302])('does not retry after status %i, and logs it once', async (status) => {
    receiver.answer(status, status);
    for (const host of ['a', 'a', 'a']) queue.enqueue(notice(host));
    pass(0);
    await attempts(3);
    expect(outcomes).toEqual(['refused', 'refused', 'delivered']);
    expect(warnings).toEqual([
      expect.stringMatching(`^Webhook 1 \\(127.0.0.1\\) refuses deliveries: status ${status}\\. `),
    ]);
    expect(warnings[0]).not.toMatch(/s3cret|k3y/);
    receiver.answer(status);
    queue.enqueue(notice('a'));
    pass(0);
    await attempts(4);
    expect(warnings).toHaveLength(2);
  });

  it('has two in flight, never two of one host, and keeps the order of each host', async () => {
    const held: (() => void)[] = [];
    const hold = (response: { end(): void }) => void held.push(() => response.end());
    receiver.answer(...Array<typeof hold>(5).fill(hold));
    for (const host of ['a', 'a', 'b', 'c', 'a']) queue.enqueue(notice(host));
    pass(0);
    await waitUntil('two', () => held.length === 2);
    // The first of a and the first of b; the second of a waits.
    expect(ids()).toEqual(['id-1', 'id-3']);
    held[1]!();
    await waitUntil('the next', () => held.length === 3);
    expect(ids()).toEqual(['id-1', 'id-3', 'id-4']);
    held[0]!();
    await waitUntil('the next', () => held.length === 4);
    held[2]!();
    held[3]!();
    await waitUntil('the last', () => held.length === 5);
    held[4]!();
    await attempts(5);
    expect(ids().filter((id) => ['id-1', 'id-2', 'id-5'].includes(String(id)))).toEqual(['id-1', 'id-2', 'id-5']);
    expect(receiver.mostConnections).toBe(2);
  });

  it('probes a failing receiver with one delivery at a time, and then delivers all', async () => {
    receiver.answer(500, 500, 500);
    for (let index = 0; index < 30; index += 1) queue.enqueue(notice(`h${index}`));
    pass(0);
    await attempts(2);
    await waitUntil('the next time', () => due.length === 1);
    pass(1_500);
    expect(outcomes).toHaveLength(2);
    pass(500);
    await attempts(3);
    await waitUntil('the next time', () => due.length === 1);
    expect([outcomes, receiver.received.length]).toEqual([['retried', 'retried', 'retried'], 3]);
    pass(600_000);
    await attempts(33);
    expect(queue.waiting).toBe(0);
    expect(new Set(ids()).size).toBe(30);
  });

  it('does not let a delivery that always fails block the others', async () => {
    queue.enqueue(notice('poison'));
    for (let index = 0; index < 5; index += 1) queue.enqueue(notice(`h${index}`));
    receiver.answer(
      // The first of the others also fails once.
      500,
      500,
      ...Array.from(
        { length: 100 },
        (): Reply =>
          (response, { headers }) => {
            response.writeHead(headers['x-dyndns-delivery'] === 'id-1' ? 500 : 200).end();
          },
      ),
    );
    pass(0);
    const delivered = () => outcomes.filter((outcome) => outcome === 'delivered').length;
    // Moves the clock whenever nothing is in flight.
    const deliver = (count: number) =>
      waitUntil(`${count} others`, () => {
        if (due.length > 0) pass(1_000);
        return delivered() === count;
      });
    await deliver(5);
    // A success does not bring the next attempt of the failing one forward.
    for (let count = 6; count <= 15; count += 1) {
      queue.enqueue(notice(`h${count}`));
      await deliver(count);
    }
    expect(outcomes.filter((outcome) => outcome === 'retried').length).toBeLessThan(10);
    expect(queue.waiting).toBe(1);
  });

  it('drops deliveries after a day, and logs how many', async () => {
    receiver.answer(...Array<number>(400).fill(500));
    queue.enqueue(notice('a'));
    queue.enqueue(notice('a'));
    pass(0);
    await attempts(1);
    for (let attempt = 2; queue.waiting > 0; attempt += 1) {
      await waitUntil('the next time', () => due.length === 1);
      pass(due[0]!.atMs - nowMs);
      if (queue.waiting > 0) await attempts(attempt);
    }
    expect(nowMs - START_MS).toBeGreaterThan(86_400_000);
    expect(nowMs - START_MS).toBeLessThan(86_400_000 + 700_000);
    expect(outcomes.slice(-2)).toEqual(['dropped', 'dropped']);
    expect(warnings.at(-1)).toBe('Webhook 1 (127.0.0.1): Deliveries dropped after failing for a day: 2.');
  });

  it('queues a thousand, drops the oldest of more, and logs it', async () => {
    receiver.answer(500);
    for (let index = 0; index < 1_003; index += 1) queue.enqueue(notice(`h${index % 7}`));
    expect([queue.waiting, outcomes]).toEqual([1_000, ['dropped', 'dropped', 'dropped']]);
    expect(warnings).toEqual([
      'Webhook 1 (127.0.0.1): 1000 deliveries are waiting. From now on, the oldest are dropped.',
    ]);
    const closing = queue.close(5_000);
    await waitUntil('the first attempt', () => receiver.received.length > 0);
    pass(5_000);
    await closing;
    expect(ids()[0]).toBe('id-4');
  });

  it('attempts each waiting delivery once more on close, and logs how many are lost', async () => {
    receiver.answer(500, 500);
    queue.enqueue(notice('a'));
    queue.enqueue(notice('b'));
    pass(0);
    await attempts(2);
    receiver.answer(500);
    await queue.close(5_000);
    expect(outcomes).toEqual(['retried', 'retried', 'retried', 'dropped', 'delivered']);
    expect(warnings.at(-1)).toBe('Webhook 1 (127.0.0.1): Deliveries lost at shutdown or reload: 1.');
    queue.enqueue(notice('a'));
    pass(0);
    expect(queue.waiting).toBe(0);
  });

  it('closes after the grace time, whatever is in flight', async () => {
    receiver.answer(() => undefined);
    queue.enqueue(notice('a'));
    queue.enqueue(notice('a'));
    pass(0);
    await waitUntil('the attempt', () => receiver.received.length === 1);
    const closing = queue.close(3_000);
    pass(3_000);
    await closing;
    expect(warnings).toEqual(['Webhook 1 (127.0.0.1): Deliveries lost at shutdown or reload: 2.']);
  });
});
