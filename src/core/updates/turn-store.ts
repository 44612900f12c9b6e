/**
 * Contract: turns of names among servers that share a store. A live update announces itself before it is published; work of a
 * server itself (the end of a lease, a retry, an expiry) claims the name first. The store settles which of both came first: the
 * row of the name is locked by either. All times are those of the store, so that the clocks of the servers do not matter.
 */
import type { DomainName } from '../../dns/name.ts';

export interface Claim {
  /** Unique: of one piece of work of one process. */
  readonly holder: string;
  /** No live update may have announced itself for this time: it may still be in flight. */
  readonly quietMs: number;
  /** After this time a claim is void: its process has ended without releasing it. */
  readonly limitMs: number;
}

export interface TurnStore {
  /**
   * A live update of these names is about to be published. From now on no one can claim them for `Claim.quietMs`.
   * @param limitMs as in Claim @returns who has claimed one of them before, each once: the update must wait for their release
   */
  announce(ownerNames: readonly DomainName[], limitMs: number): Promise<readonly string[]>;

  /** `announcedMs`: milliseconds since the last live update announced itself; undefined if none is known. */
  claim(ownerName: DomainName, claim: Claim): Promise<{ readonly announcedMs: number | undefined } | 'taken'>;

  /** Ends the claims of a holder. */
  release(holder: string): Promise<void>;

  /** Deletes names without an announcement or a claim for this time. @returns their number */
  forget(unusedMs: number): Promise<number>;
}
