/**
 * One notice as the request that a webhook gets (docs/operating/webhooks.md): body, headers, signature. Pure.
 *
 * The signature covers the time of the attempt too, so that a receiver can refuse what somebody has recorded and sends
 * again. Repeated attempts differ in that time and the signature alone.
 */
import { createHmac } from 'node:crypto';
import { hostText, noticeSubject, noticeText } from '../core/notices/notice-text.ts';
import type { Notice, NoticeKind } from '../core/notices/notices.ts';

export type WebhookFormat = 'json' | 'ntfy' | 'text';

export interface WebhookMessage {
  readonly body: string;
  /** Without those of an attempt. */
  readonly headers: Readonly<Record<string, string>>;
}

/** What ntfy.sh shows: short names of emoji, and how loud it is (1 to 5). */
const NTFY = {
  changed: { tags: 'arrows_counterclockwise', priority: '3' },
  failed: { tags: 'warning', priority: '4' },
  silent: { tags: 'zzz', priority: '4' },
  test: { tags: 'white_check_mark', priority: '3' },
} satisfies Record<NoticeKind, { readonly tags: string; readonly priority: string }>;

export function webhookMessage(notice: Notice, format: WebhookFormat): WebhookMessage {
  const { id, kind } = notice;
  const subject = noticeSubject(notice);
  const headers = { 'X-Dyndns-Event': kind, 'X-Dyndns-Delivery': id };
  const plain = { ...headers, 'Content-Type': 'text/plain; charset=utf-8' };
  switch (format) {
    case 'json':
      return { body: JSON.stringify(payload(notice)), headers: { ...headers, 'Content-Type': 'application/json' } };
    case 'text':
      return { body: `${noticeText(notice)}\n`, headers: { ...plain, 'X-Dyndns-Subject': headerText(subject) } };
    case 'ntfy': {
      const { tags, priority } = NTFY[kind];
      const title = { Title: headerText(subject), Tags: tags, Priority: priority };
      return { body: noticeText(notice), headers: { ...plain, ...title } };
    }
  }
}

/** The JSON object. Keys are only ever added. What is not known is left out. */
function payload(notice: Notice): Readonly<Record<string, unknown>> {
  const { id, kind, ownerName, timeMs, protocol, actor, source, A, AAAA, code, detail, lastSeenMs } = notice;
  return {
    id,
    time: new Date(timeMs).toISOString(),
    event: kind,
    host: hostText(ownerName),
    protocol,
    actor,
    source,
    ...(A && { A }),
    ...(AAAA && { AAAA }),
    ...(code && { code }),
    ...(detail && { detail }),
    ...(lastSeenMs !== undefined && { lastSeen: new Date(lastSeenMs).toISOString() }),
    subject: noticeSubject(notice),
    text: noticeText(notice),
  };
}

/** The headers of one attempt. @param timeMs milliseconds since 1970 */
export function signatureHeaders(body: string, secret: string | undefined, timeMs: number): Record<string, string> {
  const timestamp = String(Math.floor(timeMs / 1000));
  const headers = { 'X-Dyndns-Timestamp': timestamp };
  if (secret === undefined) return headers;
  const hmac = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex');
  return { ...headers, 'X-Dyndns-Signature': `sha256=${hmac}` };
}

/** What a header can hold everywhere. */
function headerText(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?');
}
