/** Pending updates as text: those that were accepted and could not be published yet. */
import type { PendingUpdateView } from '../core/admin/host-operations.ts';
import type { PendingView } from '../core/admin/server-operations.ts';
import { formatTime } from './local-time.ts';

export function formatPendingUpdate({
  family,
  wanted,
  since,
  attempts,
  nextAttempt,
  lastError,
}: PendingUpdateView): string {
  const retries = attempts === 1 ? 'retried once' : `retried ${attempts} times`;
  return `${family} ${wanted ?? 'none'} since ${formatTime(since)}: ${lastError ?? 'not tried yet'}; ${retries}, next ${formatTime(nextAttempt)}`;
}

/** A line for each pending update; empty if there are none. */
export function formatPending({ count, oldest }: PendingView): string {
  if (count === 0) return '';
  const lines = oldest.map((update) => `  ${update.host}  ${formatPendingUpdate(update)}\n`).join('');
  const more = count > oldest.length ? `  and ${count - oldest.length} more\n` : '';
  return `${count} ${count === 1 ? 'update waits' : 'updates wait'} for a primary:\n${lines}${more}`;
}
