/** What an administrator should know now: certificate, zones, secondaries, the primary, webhooks. Nothing where all is well. */
import type { ComponentChildren } from 'preact';
import type { Result } from '../api.ts';
import { count, duration, nowMs, relative } from '../clock.ts';
import { useOperation } from '../operation.ts';
import { texts } from '../texts.ts';
import type { Tone } from './state.tsx';
import { Banner } from './states.tsx';

type Status = Result<'GET /v1/status'>;

interface Notice {
  readonly key: string;
  readonly tone: Tone;
  readonly title: string;
  readonly text?: ComponentChildren;
}

const DAY_MS = 86_400_000;
const WARN_BEFORE_MS = 14 * DAY_MS;
const HEALTHY: ReadonlySet<string> = new Set(['unknown', 'up-to-date', 'sent']);
const t = texts.overview.banners;

export function ServerBanners() {
  const { data } = useOperation('GET /v1/status', {});
  if (data === undefined) return null;
  const notices = noticesOf(data, nowMs.value);
  if (notices.length === 0) return null;
  return (
    <div class="stack">
      {notices.map(({ key, tone, title, text }) => (
        <Banner key={key} tone={tone} title={title}>
          {text}
        </Banner>
      ))}
    </div>
  );
}

export function noticesOf(
  { certificate, embedded, pending, pendingProblem, webhooks = [] }: Status,
  atMs: number,
): Notice[] {
  const notices: Notice[] = [];
  if (certificate !== undefined) {
    const { ends } = certificate;
    if (ends === undefined) {
      notices.push({ key: 'certificate', tone: 'warn', title: t.certificateSelf, text: t.certificateSelfText });
    } else if (Date.parse(ends) - atMs < WARN_BEFORE_MS) {
      const title = t.certificateEnds(relative(Date.parse(ends), atMs));
      notices.push({
        key: 'certificate',
        tone: Date.parse(ends) < atMs ? 'bad' : 'warn',
        title,
        text: t.certificateText,
      });
    }
  }
  for (const { zone, notServed, secondaries } of embedded) {
    if (notServed !== undefined) notices.push({ key: zone, tone: 'bad', title: t.notServed(zone), text: notServed });
    for (const { endpoint, state = 'unknown', text = state } of secondaries) {
      if (HEALTHY.has(state)) continue;
      const key = `${zone} ${endpoint}`;
      notices.push({ key, tone: 'warn', title: t.secondary(endpoint, text), text: t.secondaryText });
    }
  }
  if (pending !== undefined && pending.count > 0) {
    const since = pending.oldest[0]?.since;
    const seconds = since === undefined ? 0 : (atMs - Date.parse(since)) / 1000;
    const title = t.pending(count(pending.count, texts.overview.words.updates));
    // One that is just being published is no news.
    if (seconds > 10) notices.push({ key: 'pending', tone: 'warn', title, text: t.pendingText(duration(seconds)) });
  }
  if (pendingProblem !== undefined) {
    notices.push({ key: 'pending', tone: 'warn', title: t.pendingUnknown, text: pendingProblem });
  }
  for (const { webhook, problem } of webhooks) {
    if (problem !== undefined)
      notices.push({ key: `webhook ${webhook}`, tone: 'warn', title: t.webhook(webhook), text: problem });
  }
  return notices;
}
