/** Contract: updates report here whether they were published or failed, so that failed ones can be retried later. */
import type { DomainName } from '../../dns/name.ts';
import type { AppError } from '../errors.ts';
import type { Family } from '../zones/family.ts';
import type { WantedAddresses } from '../zones/plan-change.ts';
import type { PublishedAddresses } from '../zones/publisher.ts';

/** An accepted update that was not published. */
export interface FailedUpdate {
  readonly ownerName: DomainName;
  readonly wanted: WantedAddresses;
  /** Seconds, for what is written. */
  readonly ttl: number;
  /** What was published before, as read or recalled; undefined where it is not known. */
  readonly before: PublishedAddresses | undefined;
}

/** Called within the order of the names. */
export interface PendingUpdates {
  /** An update failed, and its members with it. Resolves when the pending updates that result are saved. Never rejects. */
  failed(updates: readonly FailedUpdate[], error: AppError): Promise<'saved' | 'not-saved'>;
  /** An update was published or confirmed: older pending ones for these families end. Never rejects. */
  settled(ownerName: DomainName, families: readonly Family[]): Promise<void> | undefined;
}
