/** Writes administrative changes into the audit list of the store. */
import { randomBytes } from 'node:crypto';
import type { AdminChange } from '../core/admin/dispatch.ts';
import { AppError } from '../core/errors.ts';
import { eventId } from '../core/history/history.ts';
import type { AuditStore } from '../core/users/audit.ts';

/** @param warn called where an entry cannot be written: the change itself was made, or refused, and is not undone */
export function auditWriter(store: AuditStore, warn: (text: string) => void): (change: AdminChange) => Promise<void> {
  let sequence = 0;
  return async ({ caller, operation, target, outcome }) => {
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
