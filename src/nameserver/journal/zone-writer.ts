/**
 * Changes of one zone on behalf of a caller who waits: with a deadline, and with the journal's failures in words that
 * say what to do. Both ways into a zone go through here: ZonePublisher (publisher.ts) and UPDATE (updatable-zone.ts).
 */
import { AppError } from '../../core/errors.ts';
import type { ZoneDraft } from '../zone/draft.ts';
import type { EmbeddedZone } from '../zone/embedded-zone.ts';
import type { Committer } from './committer.ts';

/** How late a deadline may be noticed: one timer looks after all who wait. */
const TICK_MS = 20;

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
   * Runs an edit on the draft and resolves to its result when that is on disk.
   * @param deadlineMs of `performance.now()`; a change that has begun may land after it
   * @throws AppError primary-unreachable if the time is over before anything was done, publish-unknown if it is over
   *   while the disk works or if the disk fails, primary-refused if the database refuses; and what `edit` throws
   */
  change<T>(edit: (draft: ZoneDraft) => T, deadlineMs: number): Promise<T> {
    return new Promise((resolve, reject) => {
      if (performance.now() >= deadlineMs) {
        reject(new AppError('primary-unreachable', 'The time was over before the change began. Nothing was changed.'));
        return;
      }
      const waiter = { deadlineMs, reject };
      this.#waiting.add(waiter);
      this.#timer ??= setInterval(() => this.#expire(), TICK_MS);
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
          "The disk of the zone's database did not confirm the change in time: it may still be applied. Sending it again is safe.",
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
    'it is read-only; let the user of this server write the file and its directory, and see how its disk is mounted',
  busy: 'another process keeps it locked; end that one',
  corrupt: 'it is damaged; restore a backup',
  io: 'its disk or its directory fails; see the system log',
};

/**
 * A disk that fails may do so when all of the transaction is written and only the wait for it (fsync) failed: SQLite takes
 * it back, and yet finds it complete in the write-ahead log when the database is opened the next time.
 */
const IN_DOUBT: ReadonlySet<unknown> = new Set(['io', 'read-only']);

/** What the journal threw, for the caller; the cause, with the file's name, is for the log. */
function writeError(cause: unknown): AppError {
  const reason = typeof cause === 'object' && cause !== null ? Reflect.get(cause, 'reason') : undefined;
  const advice = typeof reason === 'string' ? ADVICE[reason] : undefined;
  if (advice !== undefined && IN_DOUBT.has(reason)) {
    const text = `The zone's database could not be written: ${advice}. The change is not in force, but may be there after the next start. Sending it again is safe.`;
    return new AppError('publish-unknown', text, { cause });
  }
  if (advice !== undefined) {
    const text = `The zone's database could not be written: ${advice}. Nothing was changed.`;
    return new AppError('primary-refused', text, { cause, rcode: 'SERVFAIL' });
  }
  // Among the others is the end of the thread that writes: then nobody knows.
  const text =
    "The zone's database could not be written, and whether the change was applied is not known: see the log.";
  return new AppError('publish-unknown', text, { cause });
}
