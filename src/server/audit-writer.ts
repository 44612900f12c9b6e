/** Writes administrative changes into the audit list of the store. */
import { randomBytes } from 'node:crypto';
import { MinuteLimiter } from '../core/access/rate-limits.ts';
import type { AdminCaller } from '../core/admin/caller.ts';
import type { AdminChange } from '../core/admin/dispatch.ts';
import { AppError } from '../core/errors.ts';
import { eventId } from '../core/history/history.ts';
import type { AuditEntry, AuditStore } from '../core/users/audit.ts';

/** Failed changes of a user, and failed sign-ins, that one minute records. */
const MAX_FAILURES = 60;

/** @param warn called where an entry cannot be written: the change itself was made, or refused, and is not undone */
export function auditWriter(store: AuditStore, warn: (text: string) => void): (change: AdminChange) => Promise<void> {
  let sequence = 0;
  // A member can cause as many failures as requests.
  const failures = new MinuteLimiter(MAX_FAILURES, () => performance.now());
  return async ({ caller, signedIn, operation, target, outcome }) => {
    if (outcome !== 'done' && caller.kind !== 'operator') {
      const who = caller.kind === 'user' ? caller.user.id : '';
      if (failures.isFull(who)) return;
      failures.count(who);
    }
    sequence += 1;
    const timeMs = Date.now();
    const who = actorOf(caller, signedIn);
    const id = eventId(timeMs, sequence, randomBytes(10));
    try {
      await store.append([{ id, timeMs, ...who, operation, target, outcome }]);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      warn(`The audit list has no entry of '${operation}' (${target}) by ${who.actor}: ${error.message}`);
    }
  };
}

function actorOf(caller: AdminCaller, signedIn: string | undefined): Pick<AuditEntry, 'actor' | 'key' | 'source'> {
  if (caller.kind === 'operator') return { actor: 'operator', source: '' };
  const source = caller.source?.text ?? '';
  if (caller.kind === 'anonymous') return { actor: signedIn ?? '', source };
  const { user, credential } = caller;
  return { actor: user.name, ...(credential.kind === 'key' && { key: credential.name }), source };
}
