/**
 * Group commit of changes to all embedded zones: while one transaction is on its way to the disk, changes gather in
 * drafts; the next transaction takes them all, one serial step for each zone. Nobody is told that a change is published
 * before its transaction is on disk, nor that nothing had to change while what it was judged by is not.
 */
import type { SealedDraft, ZoneDraft } from '../zone/draft.ts';
import type { EmbeddedZone } from '../zone/embedded-zone.ts';

/** One zone's part of a transaction. */
export interface Commit extends SealedDraft {
  readonly zone: EmbeddedZone;
}

export interface CommitLog {
  /** Resolves when all commits are on disk, together. Any error means that none is. */
  append(commits: readonly Commit[]): Promise<void>;
}

export interface CommitterOptions {
  readonly log: CommitLog;
  /** After publication; must not throw. */
  readonly onPublished?: (commits: readonly Commit[], changes: number, durationMs: number) => void;
  /** A transaction failed. */
  readonly onFailed?: (error: unknown) => void;
}

interface Waiter {
  readonly zone: EmbeddedZone;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class Committer {
  readonly #options: CommitterOptions;
  #waiters: Waiter[] = [];
  #running = false;

  constructor(options: CommitterOptions) {
    this.#options = options;
  }

  /**
   * Runs an edit on the zone's draft, at once; resolves to its result when all that it rests on is on disk. An edit that
   * throws leaves nothing behind.
   * @throws what `edit` throws, and the log's error
   */
  async change<T>(zone: EmbeddedZone, edit: (draft: ZoneDraft) => T): Promise<T> {
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
        // Not at once: what else has come in with this turn of the event loop shares the transaction.
        if (!this.#running) {
          this.#running = true;
          setImmediate(() => void this.#run());
        }
      });
    }
    return result;
  }

  /** Resolves when nothing is on its way to the disk any more. */
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
      try {
        // Without commits all that these waiters rest on has been written by now.
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
  }

  /** Those who came meanwhile were judged by what is not there now: they fail, too. */
  #fail(commits: readonly Commit[], waiters: readonly Waiter[], error: unknown): void {
    const failed = new Set(commits.map(({ zone }) => zone));
    for (const zone of failed) zone.abandon();
    const later = this.#waiters.filter(({ zone }) => failed.has(zone));
    this.#waiters = this.#waiters.filter(({ zone }) => !failed.has(zone));
    this.#options.onFailed?.(error);
    for (const { reject } of [...waiters, ...later]) reject(error);
  }
}
