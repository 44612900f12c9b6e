/**
 * Formats a notice as the request to a webhook (docs/operating/webhooks.md): body, headers, signature. Pure.
 *
 * Signatures cover the time of the attempt, so that a receiver can refuse a replayed request. Retries differ in that time
 * and in the signatures only.
 */
import { createHmac } from 'node:crypto';
import { hostText, noticeSubject, noticeText } from '../core/notices/notice-text.ts';
import type { Notice, NoticeKind } from '../core/notices/notices.ts';

export type WebhookFormat = 'json' | 'ntfy' | 'text';

export interface WebhookMessage {
  readonly body: string;
  /** Without `signatureHeaders`, which differ between attempts. */
  readonly headers: Readonly<Record<string, string>>;
}

const DELIVERY_HEADER = 'X-Dyndns-Delivery';

/** ntfy's tags (short names of emoji) and priority (1 to 5). */
const NTFY = {
  changed: { tags: 'arrows_counterclockwise', priority: '3' },
  failed: { tags: 'warning', priority: '4' },
  silent: { tags: 'zzz', priority: '4' },
  secondary: { tags: 'satellite', priority: '4' },
  signatures: { tags: 'lock', priority: '4' },
  test: { tags: 'white_check_mark', priority: '3' },
} satisfies Record<NoticeKind, { readonly tags: string; readonly priority: string }>;

export function webhookMessage(notice: Notice, format: WebhookFormat): WebhookMessage {
  const { id, kind } = notice;
  const subject = noticeSubject(notice);
  const headers = { 'X-Dyndns-Event': kind, [DELIVERY_HEADER]: id };
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

/** The JSON body. Keys may be added, never removed. Unknown values are omitted. */
function payload(notice: Notice): Readonly<Record<string, unknown>> {
  const { id, kind, ownerName, timeMs, protocol, actor, source, A, AAAA, code, detail, lastSeenMs, secondary } = notice;
  const { signatures } = notice;
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
    ...(secondary && {
      zone: hostText(ownerName),
      secondary: secondary.place,
      state: secondary.state,
      since: new Date(secondary.sinceMs).toISOString(),
      ...(secondary.serial !== undefined && { serial: secondary.serial }),
    }),
    ...(signatures && {
      zone: hostText(ownerName),
      state: signatures.state,
      ...(signatures.firstExpirationMs !== undefined && {
        firstExpiration: new Date(signatures.firstExpirationMs).toISOString(),
      }),
    }),
    subject: noticeSubject(notice),
    text: noticeText(notice),
  };
}

/**
 * The headers of one attempt. `X-Dyndns-Signature` leaves the id out, so that a delivery could be repeated under another
 * id; it is removed in 4.0.
 * @param timeMs milliseconds since 1970
 */
export function signatureHeaders(
  { body, headers }: WebhookMessage,
  secret: string | undefined,
  timeMs: number,
): Record<string, string> {
  const timestamp = String(Math.floor(timeMs / 1000));
  const time = { 'X-Dyndns-Timestamp': timestamp };
  if (secret === undefined) return time;
  const sign = (text: string) => `sha256=${createHmac('sha256', secret).update(text).digest('hex')}`;
  return {
    ...time,
    'X-Dyndns-Signature': sign(`${timestamp}.${body}`),
    'X-Dyndns-Signature-2': sign(`${timestamp}.${headers[DELIVERY_HEADER]}.${body}`),
  };
}

/** Printable ASCII: every server accepts it in a header. */
function headerText(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?');
}
