/** Formats a notice for people: a subject and a text, each on one line and without control characters. */
import type { DomainName } from '../../dns/name.ts';
import { FAMILIES } from '../zones/family.ts';
import type { Notice, SigningState } from './notices.ts';

/** Without the final dot. */
export function hostText(ownerName: DomainName): string {
  const text = ownerName.toString();
  return text === '.' ? text : text.slice(0, -1);
}

export function noticeSubject(notice: Notice): string {
  const host = hostText(notice.ownerName);
  switch (notice.kind) {
    case 'changed': {
      const now = FAMILIES.flatMap((family) => notice[family]?.after ?? []);
      return now.length === 0 ? `${host} has no address` : `${host} is ${now.join(' and ')}`;
    }
    case 'failed':
      return `${host} could not be updated${notice.code === undefined ? '' : `: ${notice.code}`}`;
    case 'silent':
      return `${host} is silent`;
    case 'secondary':
      return `${host}: secondary ${notice.secondary?.place} ${notice.detail}`;
    case 'signatures':
      return `${host}: ${SIGNATURES[notice.signatures?.state ?? 'ok']}`;
    case 'test':
      return 'Test of dyndns';
  }
}

const SIGNATURES: Readonly<Record<SigningState, string>> = {
  ok: 'signatures are renewed again',
  'keys-missing': 'keys of the signed zone are missing',
  expiring: 'signatures expire soon',
  expired: 'signatures have expired',
};

export function noticeText(notice: Notice): string {
  const { kind, ownerName, protocol, actor, source, code, detail, lastSeenMs, timeMs } = notice;
  const host = hostText(ownerName);
  const by = ` By ${actor} (${protocol}${source === '' ? '' : ` from ${source}`}).`;
  switch (kind) {
    case 'changed': {
      const steps = FAMILIES.flatMap((family) => {
        const step = notice[family];
        if (step === undefined || step.before.join() === step.after.join()) return [];
        return [`${family} ${step.before.join(', ') || 'none'} -> ${step.after.join(', ') || 'none'}`];
      });
      return oneLine(`${host} changed: ${steps.join('; ')}.${by}`);
    }
    case 'failed':
      return oneLine(
        `${host} could not be updated: ${[code, detail].filter(Boolean).join(': ') || 'the reason is unknown'}${/[.?!]$/.test(detail ?? '') ? '' : '.'}${by}`,
      );
    case 'silent': {
      const silentMs = timeMs - (lastSeenMs ?? timeMs);
      const since = new Date(lastSeenMs ?? timeMs).toISOString();
      return `${host} is silent: its last update was ${duration(silentMs)} ago (${since}).`;
    }
    case 'secondary': {
      const { place, sinceMs } = notice.secondary ?? { place: '', sinceMs: timeMs };
      const since = new Date(sinceMs).toISOString();
      return oneLine(`The secondary ${place} of the zone ${host} ${detail}, since ${since}.`);
    }
    case 'signatures':
      return oneLine(detail ?? '');
    case 'test':
      return 'This is a test of dyndns. Deliveries to this webhook arrive.';
  }
}

/** In the largest unit that gives at least 2. */
function duration(ms: number): string {
  for (const [unit, length] of [
    ['days', 86_400_000],
    ['hours', 3_600_000],
    ['minutes', 60_000],
  ] as const) {
    if (ms >= 2 * length) return `${Math.floor(ms / length)} ${unit}`;
  }
  return `${Math.max(0, Math.round(ms / 1000))} seconds`;
}

function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ');
}
