/**
 * All webhooks of the configuration; each gets the kinds of notices that it subscribes to (docs/operating/webhooks.md).
 */
import type { Notice, Notices } from '../core/notices/notices.ts';
import { adviceFor, describeOutcome, judge } from './delivery-verdict.ts';
import { HttpPoster } from './http-post.ts';
import { signatureHeaders, webhookMessage } from './webhook-message.ts';
import { POST_TIMEOUT_MS, WebhookQueue, type WebhookQueueOptions, type WebhookSettings } from './webhook-queue.ts';

export interface WebhooksOptions extends Pick<WebhookQueueOptions, 'userAgent' | 'warn' | 'timers' | 'random'> {
  /** For metrics. @param webhook its name */
  readonly onOutcome: (webhook: string, outcome: Parameters<WebhookQueueOptions['onOutcome']>[0]) => void;
}

export interface WebhookState {
  /** Its position in the configuration and its host. */
  readonly webhook: string;
  /** Number of deliveries that are not done. */
  readonly waiting: number;
  /** Why the last attempt failed; absent if it succeeded. */
  readonly problem?: string;
}

/** Never the whole URL, which may contain a secret. */
export function webhookName(index: number, { url }: Pick<WebhookSettings, 'url'>): string {
  return `${index + 1} (${new URL(url).host})`;
}

export class Webhooks implements Notices {
  readonly #options: WebhooksOptions;
  #queues: ReadonlyMap<string, WebhookQueue> = new Map();

  constructor(options: WebhooksOptions) {
    this.#options = options;
  }

  /** Applies other settings. Webhooks that are unchanged keep their queue; the queues of the others are closed. */
  configure(settings: readonly WebhookSettings[], graceMs: number): void {
    const old = new Map(this.#queues);
    const queues = new Map<string, WebhookQueue>();
    settings.forEach((each, index) => {
      const id = JSON.stringify([index, each]);
      queues.set(id, old.get(id) ?? this.#open(index, each));
      old.delete(id);
    });
    this.#queues = queues;
    for (const queue of old.values()) void queue.close(graceMs);
  }

  send(notice: Notice): void {
    for (const queue of this.#queues.values()) queue.enqueue(notice);
  }

  states(): readonly WebhookState[] {
    return [...this.#queues.values()].map(({ name, waiting, problem }) => {
      return { webhook: name, waiting, ...(problem !== undefined && { problem }) };
    });
  }

  /** Closes all queues; see WebhookQueue.close. */
  async close(graceMs: number): Promise<void> {
    await Promise.all([...this.#queues.values()].map((queue) => queue.close(graceMs)));
  }

  #open(index: number, settings: WebhookSettings): WebhookQueue {
    const { onOutcome, ...options } = this.#options;
    const name = webhookName(index, settings);
    return new WebhookQueue({ ...options, settings, name, onOutcome: (outcome) => onOutcome(name, outcome) });
  }
}

export interface TestResult {
  readonly outcome: 'delivered' | 'failed';
  /** `status 200`, or why there was no answer. */
  readonly text: string;
  readonly advice: string;
  readonly durationMs: number;
}

/** Sends one notice once, without retries. */
export async function testWebhook(
  { url, secret, format }: WebhookSettings,
  notice: Notice,
  userAgent: string,
): Promise<TestResult> {
  const poster = new HttpPoster(url, POST_TIMEOUT_MS, 1);
  const startMs = performance.now();
  try {
    const message = webhookMessage(notice, format);
    const { body, headers } = message;
    const signature = signatureHeaders(message, secret, notice.timeMs);
    const result = await poster.post(body, { ...headers, ...signature, 'User-Agent': userAgent }, notice.timeMs);
    return {
      outcome: judge(result) === 'delivered' ? 'delivered' : 'failed',
      text: describeOutcome(result),
      advice: adviceFor(result),
      durationMs: performance.now() - startMs,
    };
  } finally {
    poster.close();
  }
}
