/**
 * Configuration -> who is told of events: webhooks, which are loaded only where there are some. The part of the
 * composition root that commands without a server use, too.
 */
import type { WebhookConfig } from '../config/config.ts';
import { type Notice, type Notices, noticeId } from '../core/notices/notices.ts';
import { DomainName } from '../dns/name.ts';
import type { DeliveryOutcome, WebhookSettings } from '../notify/webhook-queue.ts';
import type { TestResult, WebhookState, Webhooks } from '../notify/webhooks.ts';
import { VERSION } from './version.ts';

export interface NoticeParts {
  readonly warn: (text: string) => void;
  readonly timers: { now(): number; after(delayMs: number, call: () => void): () => void };
  /** For counting. */
  readonly onDelivery: (webhook: string, outcome: DeliveryOutcome) => void;
}

/** How long the end waits for deliveries. */
const GRACE_MS = 3_000;

const USER_AGENT = `dyndns/${VERSION}`;

export class NoticeOutlet {
  readonly #parts: NoticeParts;
  #webhooks: Webhooks | undefined;
  #isWanted = false;

  constructor(parts: NoticeParts) {
    this.#parts = parts;
  }

  /** Undefined: nobody wants to know. */
  get notices(): Notices | undefined {
    return this.#isWanted ? this.#webhooks : undefined;
  }

  /** Puts the webhooks of a configuration in force. */
  async configure(webhooks: readonly WebhookConfig[]): Promise<void> {
    if (this.#webhooks === undefined && webhooks.length > 0) {
      const { Webhooks } = await import('../notify/webhooks.ts');
      const { onDelivery, ...parts } = this.#parts;
      this.#webhooks = new Webhooks({
        ...parts,
        userAgent: USER_AGENT,
        onOutcome: onDelivery,
        random: Math.random,
      });
    }
    this.#webhooks?.configure(webhooks.map(settingsOf), GRACE_MS);
    this.#isWanted = webhooks.length > 0;
  }

  states(): readonly WebhookState[] {
    return this.#webhooks?.states() ?? [];
  }

  /** Tries what waits once more; what cannot be delivered soon is lost. */
  async close(): Promise<void> {
    await this.#webhooks?.close(GRACE_MS);
  }
}

export interface WebhookTest extends TestResult {
  /** Its number in the file and its host. */
  readonly webhook: string;
}

/** Sends a test to each of the webhooks, one after the other. @param wanted their indices in the configuration */
export async function* testWebhooks(
  webhooks: readonly WebhookConfig[],
  wanted: readonly number[],
): AsyncGenerator<WebhookTest> {
  const { testWebhook, webhookName } = await import('../notify/webhooks.ts');
  for (const index of wanted) {
    const settings = settingsOf(webhooks[index]!);
    yield { webhook: webhookName(index, settings), ...(await testWebhook(settings, testNotice(), USER_AGENT)) };
  }
}

function testNotice(): Notice {
  const timeMs = Date.now();
  const ownerName = DomainName.parse('test.example.com');
  const who = { protocol: 'cli', actor: 'master', source: '' };
  return { id: noticeId(timeMs, 0), kind: 'test', ownerName, timeMs, ...who };
}

function settingsOf({ url, secret, events, format }: WebhookConfig): WebhookSettings {
  return { url: url.reveal(), secret: secret?.reveal(), events, format };
}
