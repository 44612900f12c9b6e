/** Contract: where pending updates are stored. See core/store.ts for durability and errors. */
import type { DomainName } from '../../dns/name.ts';
import type { ErrorCode } from '../errors.ts';
import type { Family } from '../zones/family.ts';
import type { NewPendingUpdate, PendingUpdate } from './pending-update.ts';

export interface PendingStore {
  /** Keeps wishes, all or none, each with a new sequence number in place of the one for the same name and family. */
  put(...wishes: readonly NewPendingUpdate[]): Promise<void>;

  get(ownerName: DomainName, family: Family): Promise<PendingUpdate | undefined>;

  /** By age, the oldest first. */
  list(): Promise<readonly PendingUpdate[]>;

  /** Those of one site, by age. */
  listSite(site: string): Promise<readonly PendingUpdate[]>;

  count(): Promise<number>;

  /**
   * Takes wishes whose next attempt is due: the most overdue first. Until `untilMs` nobody else is given them, so that
   * several processes never try the same one at once.
   */
  takeDue(nowMs: number, untilMs: number, limit: number): Promise<readonly PendingUpdate[]>;

  /** Puts off a wish after an attempt that failed, which is counted. Nothing happens when a newer one is in its place. */
  postpone(
    wish: Pick<PendingUpdate, 'ownerName' | 'family' | 'sequence'>,
    nextAttemptMs: number,
    lastError: ErrorCode,
  ): Promise<void>;

  /** Removes the wish for a name and family, with `sequence` only that one. */
  remove(ownerName: DomainName, family: Family, sequence?: number): Promise<'removed' | 'unknown'>;
}
