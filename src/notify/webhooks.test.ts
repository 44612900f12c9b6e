/** Reconfiguring webhooks, in front of real receivers and with a manual clock. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitUntil } from '../../test/support/process.ts';
import { startWebhookReceiver, type WebhookReceiver } from '../../test/support/webhook-receiver.ts';
import type { Notice } from '../core/notices/notices.ts';
import { DomainName } from '../dns/name.ts';
import type { WebhookSettings } from './webhook-queue.ts';
import { Webhooks } from './webhooks.ts';

let receivers: WebhookReceiver[];
let webhooks: Webhooks;
let due: (() => void)[];
let outcomes: string[];

const notice = (id: string): Notice => ({
  id,
  kind: 'changed',
  ownerName: DomainName.parse('home.example.com'),
  timeMs: 0,
  protocol: 'dyndns2',
  actor: 'router1',
  source: '',
});
const to = (index: number): WebhookSettings => ({
  url: `${receivers[index]!.url}/x`,
  secret: undefined,
  events: ['changed'],
  format: 'json',
});
const pass = () => {
  for (const call of due.splice(0)) call();
};
const idsAt = (index: number) => receivers[index]!.received.map(({ headers }) => headers['x-dyndns-delivery']);
const counts = (count: number) => waitUntil(`${count} attempts`, () => outcomes.length >= count);

beforeEach(async () => {
  receivers = [await startWebhookReceiver(), await startWebhookReceiver()];
  due = [];
  outcomes = [];
  let nowMs = 0;
  webhooks = new Webhooks({
    userAgent: 'dyndns/test',
    warn: () => undefined,
    random: () => 0.5,
    onOutcome: (webhook, outcome) => outcomes.push(`${webhook.slice(0, 1)} ${outcome}`),
    timers: {
      // A timer is fired when its time has come.
      now: () => nowMs,
      after: (delayMs, call) => {
        const timed = () => {
          nowMs += delayMs;
          call();
        };
        due.push(timed);
        return () => {
          due = due.filter((other) => other !== timed);
        };
      },
    },
  });
});
afterEach(async () => {
  await webhooks.close(1_000);
  for (const receiver of receivers) await receiver.close();
});

describe('another configuration', () => {
  it('keeps the queues of unchanged webhooks', async () => {
    webhooks.configure([to(0)], 1_000);
    receivers[0]!.answer(500);
    webhooks.send(notice('1'));
    pass();
    await counts(1);
    webhooks.configure([to(0), to(1)], 1_000);
    expect(webhooks.states()).toMatchObject([{ waiting: 1, problem: 'status 500' }, { waiting: 0 }]);
    webhooks.send(notice('2'));
    pass();
    await waitUntil('all', () => {
      pass();
      return outcomes.filter((outcome) => outcome.endsWith('delivered')).length === 3;
    });
    expect([idsAt(0), idsAt(1)]).toEqual([['1', '1', '2'], ['2']]);
    expect([...outcomes].sort()).toEqual(['1 delivered', '1 delivered', '1 retried', '2 delivered']);
  });

  it('closes the queues of changed webhooks after one more attempt', async () => {
    webhooks.configure([to(0)], 1_000);
    receivers[0]!.answer(500);
    webhooks.send(notice('1'));
    pass();
    await counts(1);
    webhooks.configure([{ ...to(1), secret: 'another secret' }], 1_000);
    webhooks.send(notice('2'));
    await counts(2);
    await waitUntil('the new one', () => {
      pass();
      return idsAt(1).length === 1;
    });
    expect([idsAt(0), idsAt(1)]).toEqual([['1', '1'], ['2']]);
  });
});
