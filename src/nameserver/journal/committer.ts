/**
 * Group commit for all embedded zones: while one transaction is in flight, changes collect in drafts; the next transaction
 * writes them all, with one serial step for each zone. A change is acknowledged only after its transaction is on disk.
 * A no-op is also acknowledged only after the state it was compared with is durable.
 */
import { AppError } from '../../core/errors.ts';
import type { SealedDraft, ZoneDraft } from '../zone/draft.ts';
import type { EmbeddedZone } from '../zone/embedded-zone.ts';

/** The part of a transaction that belongs to one zone. */
export interface Commit extends SealedDraft {
  readonly zone: EmbeddedZone;
}

export interface CommitLog {
  /** Writes all commits in one transaction and resolves when it is on disk. An error means that none was written. */
  append(commits: readonly Commit[]): Promise<void>;
}

export interface CommitterOptions {
  readonly log: CommitLog;
  /** Called after publication; must not throw. */
  readonly onPublished?: (commits: readonly Commit[], changes: number, durationMs: number) => void;
  /** Called once for a transaction that takes longer than SLOW_MS, while it is in flight. */
  readonly onSlow?: () => void;
  /** Called when a transaction failed. */
  readonly onFailed?: (error: unknown) => void;
}

/** A disk that needs longer for a transaction is reported. */
export const SLOW_MS = 5000;

interface Waiter {
  readonly zone: EmbeddedZone;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class Committer {
  readonly #options: CommitterOptions;
  #waiters: Waiter[] = [];
  #running = false;
  #slowTimer: NodeJS.Timeout | undefined;

  constructor(options: CommitterOptions) {
    this.#options = options;
  }

  /**
   * Runs an edit on the zone's draft synchronously; resolves to its result when the draft it saw is on disk. An edit
   * that throws is rolled back.
   * @throws AppError primary-refused if the zone cannot be changed; what `edit` throws, and the log's error
   */
  async change<T>(zone: EmbeddedZone, edit: (draft: ZoneDraft) => T): Promise<T> {
    if (zone.refusal !== undefined) throw new AppError('primary-refused', `${zone.refusal} Nothing was changed.`);
    const { draft } = zone;
    const mark = draft.mark();
    let result: T;
    try {
      result = edit(draft);
    } catch (error) {
      draft.rollBack(mark);
      throw error;
    }
    if (zone.isPending) {
      await new Promise<void>((resolve, reject) => {
        this.#waiters.push({ zone, resolve, reject });
        // Deferred, so that other changes of this turn of the event loop share the transaction.
        if (!this.#running) {
          this.#running = true;
          setImmediate(() => void this.#run());
        }
      });
    }
    return result;
  }

  /** Resolves when no transaction is in flight. */
  async settled(): Promise<void> {
    while (this.#running) await new Promise((resolve) => setImmediate(resolve));
  }

  async #run(): Promise<void> {
    while (this.#waiters.length > 0) {
      const waiters = this.#waiters;
      this.#waiters = [];
      const commits: Commit[] = [];
      for (const zone of new Set(waiters.map((waiter) => waiter.zone))) {
        const sealed = zone.seal();
        if (sealed !== undefined) commits.push({ zone, ...sealed });
      }
      const startMs = performance.now();
      this.#watch();
      try {
        // Without commits, the state that these waiters depend on is already on disk.
        if (commits.length > 0) await this.#options.log.append(commits);
      } catch (error) {
        this.#fail(commits, waiters, error);
        continue;
      }
      for (const commit of commits) commit.zone.publish(commit);
      if (commits.length > 0) {
        this.#options.onPublished?.(commits, waiters.length, performance.now() - startMs);
      }
      for (const { resolve } of waiters) resolve();
    }
    this.#running = false;
    clearTimeout(this.#slowTimer);
  }

  /** Starts the time limit of a transaction; one timer serves them all. */
  #watch(): void {
    const { onSlow } = this.#options;
    if (onSlow === undefined) return;
    clearTimeout(this.#slowTimer);
    this.#slowTimer = setTimeout(onSlow, SLOW_MS).unref();
  }

  /** Also fails changes that arrived during the transaction: they were applied on top of the discarded draft. */
  #fail(commits: readonly Commit[], waiters: readonly Waiter[], error: unknown): void {
    const failed = new Set(commits.map(({ zone }) => zone));
    for (const zone of failed) zone.abandon();
    const later = this.#waiters.filter(({ zone }) => failed.has(zone));
    this.#waiters = this.#waiters.filter(({ zone }) => !failed.has(zone));
    this.#options.onFailed?.(error);
    for (const { reject } of [...waiters, ...later]) reject(error);
  }
}
