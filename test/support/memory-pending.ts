/** A small PendingStore for unit tests: it can be unreachable, and it lists the calls it gets. */

import { AppError } from '../../src/core/errors.ts';
import type { PendingStore } from '../../src/core/pending/pending-store.ts';
import type { NewPendingUpdate, PendingUpdate } from '../../src/core/pending/pending-update.ts';
import type { Family } from '../../src/core/zones/family.ts';
import type { DomainName } from '../../src/dns/name.ts';

type Place = Pick<PendingUpdate, 'ownerName' | 'family'>;
const keyOf = ({ ownerName, family }: Place) => `${family}/${ownerName.key}`;

export class MemoryPendingStore implements PendingStore {
  readonly pending = new Map<string, PendingUpdate>();
  readonly calls: string[] = [];
  isAway = false;
  #sequence = 0;

  put(...updates: readonly NewPendingUpdate[]): Promise<void> {
    return this.#answer('put', () => {
      for (const update of updates) {
        this.#sequence += 1;
        this.pending.set(keyOf(update), { ...update, sequence: this.#sequence, attempts: 0 });
      }
    });
  }

  listSite(site: string): Promise<readonly PendingUpdate[]> {
    return this.#answer('listSite', () => [...this.pending.values()].filter((update) => update.site === site));
  }

  get(ownerName: DomainName, family: Family): Promise<PendingUpdate | undefined> {
    return this.#answer('get', () => this.pending.get(keyOf({ ownerName, family })));
  }

  list(): Promise<readonly PendingUpdate[]> {
    return this.#answer('list', () => [...this.pending.values()].sort((a, b) => a.createdMs - b.createdMs));
  }

  count(): Promise<number> {
    return this.#answer('count', () => this.pending.size);
  }

  takeDue(nowMs: number, untilMs: number, limit: number): Promise<readonly PendingUpdate[]> {
    return this.#answer('takeDue', () => {
      const due = [...this.pending.values()].filter(({ nextAttemptMs }) => nextAttemptMs <= nowMs);
      const taken = due.sort((a, b) => a.nextAttemptMs - b.nextAttemptMs).slice(0, limit);
      for (const update of taken) this.pending.set(keyOf(update), { ...update, nextAttemptMs: untilMs });
      return taken;
    });
  }

  postpone(
    update: Place & Pick<PendingUpdate, 'sequence'>,
    nextAttemptMs: number,
    lastError: AppError['code'],
  ): Promise<void> {
    return this.#answer('postpone', () => {
      const now = this.pending.get(keyOf(update));
      if (now?.sequence !== update.sequence) return;
      this.pending.set(keyOf(update), { ...now, attempts: now.attempts + 1, nextAttemptMs, lastError });
    });
  }

  remove(ownerName: DomainName, family: Family, sequence?: number): Promise<'removed' | 'unknown'> {
    return this.#answer('remove', () => {
      const key = keyOf({ ownerName, family });
      if (sequence !== undefined && this.pending.get(key)?.sequence !== sequence) return 'unknown';
      return this.pending.delete(key) ? 'removed' : 'unknown';
    });
  }

  /** Acts in a later turn of the event loop, as a database does. */
  async #answer<T>(call: string, act: () => T): Promise<T> {
    this.calls.push(call);
    await new Promise((resolve) => setImmediate(resolve));
    if (this.isAway) throw new AppError('store-unreachable', 'The store does not answer.');
    return act();
  }
}
