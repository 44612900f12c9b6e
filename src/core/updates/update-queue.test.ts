// The limit, the deadline and the order of everything that publishes. The order itself is in name-order.test.ts.
import { expect, it } from 'vitest';
import { DomainName } from '../../dns/name.ts';
import { UpdateQueue } from './update-queue.ts';

const a = DomainName.parse('a.example.com');
const b = DomainName.parse('b.example.com');

function setUp() {
  const limits = { timeoutMs: 5_000, maxWaiting: 2 };
  const lab = { limits, nowMs: 100 };
  const queue = new UpdateQueue(
    () => lab.limits,
    () => lab.nowMs,
  );
  return Object.assign(lab, { queue });
}

/** A task that ends when the test says so. */
function held() {
  let end = (): void => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { task: () => ended, end: () => end() };
}

it('gives a task the deadline of its arrival, however long it waits', async () => {
  const lab = setUp();
  const first = held();
  const running = lab.queue.run([a], first.task);
  const deadline = lab.queue.run([a], async (deadlineMs) => deadlineMs);
  lab.nowMs = 4_000;
  first.end();
  expect([await running, await deadline]).toEqual([undefined, 5_100]);
});

it('refuses a request above the limit at once, of whatever name, and admits it when one has ended', async () => {
  const { queue } = setUp();
  const tasks = [held(), held()];
  const running = [queue.run([a], tasks[0]!.task), queue.run([a, b], tasks[1]!.task)];
  expect(queue.waiting).toBe(2);
  expect(() => queue.run([b], async () => 'too many')).toThrow(
    expect.objectContaining({ code: 'rate-limited', retryAfterSeconds: 5 }),
  );
  tasks[0]!.end();
  await running[0];
  expect(queue.waiting).toBe(1);
  const admitted = queue.run([b], async () => 'admitted');
  tasks[1]!.end();
  expect(await admitted).toBe('admitted');
  expect(queue.waiting).toBe(0);
});

it('counts no task that has failed', async () => {
  const { queue } = setUp();
  await expect(queue.run([a], () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(queue.waiting).toBe(0);
});

it('takes the limits of a reload for the next request', async () => {
  const lab = setUp();
  lab.limits = { timeoutMs: 10, maxWaiting: 1 };
  const first = held();
  const running = lab.queue.run([a], first.task);
  expect(() => lab.queue.run([b], async () => 0)).toThrow(expect.objectContaining({ retryAfterSeconds: 1 }));
  first.end();
  await running;
  expect(await lab.queue.run([b], async (deadlineMs) => deadlineMs)).toBe(110);
});

it("runs the server's own tasks in the same order, and neither counts nor refuses them", async () => {
  const { queue } = setUp();
  const log: string[] = [];
  const first = held();
  const running = queue.runOwn([a], async () => {
    await first.task();
    log.push('own');
  });
  const request = queue.run([a], async () => void log.push('request'));
  const other = queue.run([a, b], async () => void log.push('both'));
  const last = queue.runOwn([b], async () => void log.push('own again'));
  expect(queue.waiting).toBe(2);
  first.end();
  await Promise.all([running, request, other, last]);
  expect(log).toEqual(['own', 'request', 'both', 'own again']);
});
