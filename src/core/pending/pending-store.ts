/** Contract: where pending updates are stored. See core/store.ts for durability and errors. */
import type { DomainName } from '../../dns/name.ts';
import type { ErrorCode } from '../errors.ts';
import type { Family } from '../zones/family.ts';
import type { NewPendingUpdate, PendingUpdate } from './pending-update.ts';

export interface PendingStore {
  /** Saves all or none, each with a new sequence number in place of the one for the same name and family. */
  put(...updates: readonly NewPendingUpdate[]): Promise<void>;

  get(ownerName: DomainName, family: Family): Promise<PendingUpdate | undefined>;

  /** By age, the oldest first. */
  list(): Promise<readonly PendingUpdate[]>;

  /** Those of one site, by age. */
  listSite(site: string): Promise<readonly PendingUpdate[]>;

  count(): Promise<number>;

  /**
   * Takes those whose next attempt is due, the most overdue first. No one else gets them until `untilMs`, so that several
   * processes never retry the same one at once.
   */
  takeDue(nowMs: number, untilMs: number, limit: number): Promise<readonly PendingUpdate[]>;

  /** Postpones one after an attempt that failed, which is counted. Does nothing where a newer one has replaced it. */
  postpone(
    update: Pick<PendingUpdate, 'ownerName' | 'family' | 'sequence'>,
    nextAttemptMs: number,
    lastError: ErrorCode,
  ): Promise<void>;

  /** Removes the one for a name and family; with `sequence` only if it is that one. */
  remove(ownerName: DomainName, family: Family, sequence?: number): Promise<'removed' | 'unknown'>;
}
