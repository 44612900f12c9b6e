/** Contract: a copy of the known serials of embedded zones, apart from their database (src/nameserver/journal). */
import type { DomainName } from '../../dns/name.ts';

export interface KnownSerial {
  readonly apex: DomainName;
  /** The highest acknowledged SOA serial, or an earlier one. */
  readonly serial: number;
  /** When the zone was added to its database, in ms since 1970. */
  readonly created: number;
}

export interface KnownSerialStore {
  all(): Promise<readonly KnownSerial[]>;
  /** Replaces those of the same zones. */
  put(known: readonly KnownSerial[]): Promise<void>;
}
