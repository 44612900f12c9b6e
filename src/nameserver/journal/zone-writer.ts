/**
 * Commits changes of one zone with a deadline, and turns failures of the journal into AppErrors that say what to do. Both
 * ZonePublisher (publisher.ts) and UPDATE (updatable-zone.ts) change zones through it.
 *
 * A change that was started cannot be taken back: others may rest on it. At its deadline the caller either learns that its
 * outcome is unknown, or waits on.
 */
import { AppError } from '../../core/errors.ts';
import type { ZoneDraft } from '../zone/draft.ts';
import type { EmbeddedZone } from '../zone/embedded-zone.ts';
import type { Committer } from './committer.ts';

/** Interval of the one timer that checks the deadlines of all waiting changes. */
const TICK_MS = 20;

/**
 * What a caller wants whose change was started and is not on disk at the deadline: `error` is for those that can say
 * "unknown" (HTTP); `wait` for those that cannot: an RCODE says either that the change was made or that it was not.
 */
export type WhenLate = 'error' | 'wait';

interface Waiter {
  readonly deadlineMs: number;
  readonly reject: (error: AppError) => void;
}

export class ZoneWriter {
  readonly zone: EmbeddedZone;
  readonly #committer: Committer;
  readonly #waiting = new Set<Waiter>();
  #timer: NodeJS.Timeout | undefined;

  constructor(zone: EmbeddedZone, committer: Committer) {
    this.zone = zone;
    this.#committer = committer;
  }

  /**
   * Runs an edit on the draft and resolves to its result when it is on disk.
   * @param deadlineMs in terms of `performance.now()`; a change that was started can still be committed after it
   * @throws AppError primary-unreachable if the deadline passed before the change was started, publish-unknown if it
   *   passed during the commit (unless the caller waits) or the disk failed, primary-refused if the database refused;
   *   and what `edit` throws
   */
  change<T>(edit: (draft: ZoneDraft) => T, deadlineMs: number, whenLate: WhenLate = 'error'): Promise<T> {
    return new Promise((resolve, reject) => {
      if (performance.now() >= deadlineMs) {
        reject(
          new AppError(
            'primary-unreachable',
            'The request timed out before the change was started. Nothing was changed.',
          ),
        );
        return;
      }
      const waiter = { deadlineMs, reject };
      if (whenLate === 'error') {
        this.#waiting.add(waiter);
        this.#timer ??= setInterval(() => this.#expire(), TICK_MS);
      }
      this.#committer.change(this.zone, edit).then(
        (result) => {
          this.#waiting.delete(waiter);
          resolve(result);
        },
        (error: unknown) => {
          this.#waiting.delete(waiter);
          reject(error instanceof AppError ? error : writeError(error));
        },
      );
    });
  }

  #expire(): void {
    const nowMs = performance.now();
    for (const waiter of this.#waiting) {
      if (nowMs < waiter.deadlineMs) continue;
      this.#waiting.delete(waiter);
      waiter.reject(
        new AppError(
          'publish-unknown',
          'The disk of the zone database did not confirm the change in time. It may still be applied. Sending it again is safe.',
        ),
      );
    }
    if (this.#waiting.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

const ADVICE: Readonly<Record<string, string>> = {
  full: 'the disk is full; free some space',
  'read-only':
    'it is read-only; give the user of this server write permission for the file and its directory, and check how its disk is mounted',
  busy: 'another process has locked it; stop that process',
  corrupt: 'it is damaged; restore a backup',
  io: 'reading or writing its disk failed; see the system log',
};

/**
 * A disk can fail in fsync, after the whole transaction was written: SQLite rolls it back, but finds it complete in the
 * write-ahead log when the database is opened the next time.
 */
const IN_DOUBT: ReadonlySet<unknown> = new Set(['io', 'read-only']);

/** The error for the caller. Its cause, which names the file, is for the log. */
function writeError(cause: unknown): AppError {
  const reason = typeof cause === 'object' && cause !== null ? Reflect.get(cause, 'reason') : undefined;
  const advice = typeof reason === 'string' ? ADVICE[reason] : undefined;
  if (advice !== undefined && IN_DOUBT.has(reason)) {
    const text = `The zone database could not be written: ${advice}. The change is not in effect now, but may be after the next start. Sending it again is safe.`;
    return new AppError('publish-unknown', text, { cause });
  }
  if (advice !== undefined) {
    const text = `The zone database could not be written: ${advice}. Nothing was changed.`;
    return new AppError('primary-refused', text, { cause, rcode: 'SERVFAIL' });
  }
  // For example the writing thread ended: whether it committed is unknown.
  const text =
    'The zone database could not be written, and it is not known whether the change was applied. See the log.';
  return new AppError('publish-unknown', text, { cause });
}
