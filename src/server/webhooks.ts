/** Webhooks of a configuration. Their code is loaded only when one is configured. Also for `dyndns webhook test`. */
import type { WebhookConfig } from '../config/config.ts';
import { type Notice, noticeId } from '../core/notices/notices.ts';
import { DomainName } from '../dns/name.ts';
import type { WebhookSettings } from '../notify/webhook-queue.ts';
import type { TestResult, Webhooks, WebhooksOptions } from '../notify/webhooks.ts';
import { timers } from './system-timers.ts';
import { VERSION } from './version.ts';

/** How long deliveries may take after their webhook was removed, or the end of the server began. */
const GRACE_MS = 3_000;

const USER_AGENT = `dyndns/${VERSION}`;

/** Starts with no webhook; see `configureWebhooks`. */
export async function openWebhooks(options: Pick<WebhooksOptions, 'warn' | 'onOutcome'>): Promise<Webhooks> {
  const { Webhooks } = await import('../notify/webhooks.ts');
  return new Webhooks({ ...options, timers, userAgent: USER_AGENT, random: Math.random });
}

/** Puts the webhooks of a configuration in force. Queues of unchanged webhooks go on. */
export function configureWebhooks(webhooks: Webhooks, config: readonly WebhookConfig[]): void {
  webhooks.configure(config.map(settingsOf), GRACE_MS);
}

/** Tries waiting deliveries once more, then drops them. */
export async function closeWebhooks(webhooks: Webhooks | undefined): Promise<void> {
  await webhooks?.close(GRACE_MS);
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
