/**
 * Contract: what the parent of a zone shows of it, as each of its nameservers answers. A rollover and leaving DNSSEC depend on it, so
 * whatever is unreachable or unclear is a problem, and never "no DS".
 */
import type { DomainName } from '../../dns/name.ts';
import type { DsFields } from '../../dns/rdata.ts';

export interface ParentServer {
  /** Its name and address, for texts. */
  readonly place: string;
  /** The DS RRset that it answers with; empty: none, with authority. */
  readonly ds: readonly DsFields[];
  /** TTL of the DS RRset in seconds; 0 without one. */
  readonly ttl: number;
  /** Why its answer cannot be used: completes the sentence "The nameserver …". Then `ds` is empty. */
  readonly problem?: string;
}

export type ParentReport =
  /** @property servers each address of each nameserver of the parent that this machine has a route to; at least one */
  | { readonly kind: 'asked'; readonly parent: DomainName; readonly servers: readonly ParentServer[] }
  /** Completes the sentence "The parent could not be checked: …". */
  | { readonly kind: 'unknown'; readonly reason: string };

export interface ParentZone {
  /** Queries all nameservers of the parent, within half a minute. Never rejects. */
  readDs(zone: DomainName): Promise<ParentReport>;
  /**
   * Reports changed CDS records to the parent, where it publishes whom to notify (RFC 9859). Never rejects.
   * @returns what failed, in sentences
   */
  notifyCds(zone: DomainName): Promise<readonly string[]>;
}
