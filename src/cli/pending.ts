/** What was accepted and could not be published yet, for people. */
import type { PendingUpdateView, PendingView } from '../core/admin/views.ts';
import { formatTime } from './local-time.ts';

export function formatPendingUpdate({
  family,
  wanted,
  since,
  attempts,
  nextAttempt,
  lastError,
}: PendingUpdateView): string {
  const tried = attempts === 1 ? 'tried again once' : `tried again ${attempts} times`;
  return `${family} ${wanted ?? 'none'} since ${formatTime(since)}: ${lastError ?? 'not tried yet'}; ${tried}, next ${formatTime(nextAttempt)}`;
}

/** A line for each wish, none where nothing is pending. */
export function formatPending({ count, oldest }: PendingView): string {
  if (count === 0) return '';
  const lines = oldest.map((wish) => `  ${wish.host}  ${formatPendingUpdate(wish)}\n`).join('');
  const more = count > oldest.length ? `  and ${count - oldest.length} more\n` : '';
  return `${count} ${count === 1 ? 'update waits' : 'updates wait'} for a primary:\n${lines}${more}`;
}
