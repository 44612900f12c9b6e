/** Contract: updates report here that they were published or failed, so that failed ones can be retried later. */
import type { DomainName } from '../../dns/name.ts';
import type { AppError } from '../errors.ts';
import type { Family } from '../zones/family.ts';
import type { WantedAddresses } from '../zones/plan-change.ts';
import type { PublishedAddresses } from '../zones/publisher.ts';

/** An accepted update that was not published. */
export interface UnpublishedUpdate {
  readonly ownerName: DomainName;
  readonly wanted: WantedAddresses;
  /** Seconds, for what is written. */
  readonly ttl: number;
  /** What was read or recalled; undefined: nothing is known. */
  readonly before: PublishedAddresses | undefined;
}

/** What UpdateAddresses tells of each update, within the order of its name. */
export interface UnpublishedUpdates {
  /** It failed, and its members with it. Resolves when the wishes are kept, if some come of it. Never rejects. */
  failed(updates: readonly UnpublishedUpdate[], error: AppError): Promise<'kept' | 'not-kept'>;
  /** It was published or confirmed: older wishes for these families end. Never rejects. */
  settled(ownerName: DomainName, families: readonly Family[]): Promise<void> | undefined;
}
