/** Writes administrative changes into the audit list of the store. */
import { randomBytes } from 'node:crypto';
import { MinuteLimiter } from '../core/access/rate-limits.ts';
import type { AdminChange } from '../core/admin/dispatch.ts';
import { AppError } from '../core/errors.ts';
import { eventId } from '../core/history/history.ts';
import type { AuditStore } from '../core/users/audit.ts';

/** Failed changes of a user that one minute records. */
const MAX_FAILURES = 60;

/** @param warn called where an entry cannot be written: the change itself was made, or refused, and is not undone */
export function auditWriter(store: AuditStore, warn: (text: string) => void): (change: AdminChange) => Promise<void> {
  let sequence = 0;
  // A member can cause as many failures as requests.
  const failures = new MinuteLimiter(MAX_FAILURES, () => performance.now());
  return async ({ caller, operation, target, outcome }) => {
    if (outcome !== 'done' && caller.kind === 'user') {
      if (failures.isFull(caller.user.id)) return;
      failures.count(caller.user.id);
    }
    sequence += 1;
    const timeMs = Date.now();
    const who =
      caller.kind === 'operator'
        ? { actor: 'operator', source: '' }
        : { actor: caller.user.name, key: caller.key.name, source: caller.source?.text ?? '' };
    const id = eventId(timeMs, sequence, randomBytes(10));
    try {
      await store.append([{ id, timeMs, ...who, operation, target, outcome }]);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      warn(`The audit list has no entry of '${operation}' (${target}) by ${who.actor}: ${error.message}`);
    }
  };
}
