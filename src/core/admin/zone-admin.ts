/**
 * What an operator does to the zones that this server is the primary of: contracts for the control socket and the
 * command line, which do the same with and without a running server.
 */
import type { DomainName } from '../../dns/name.ts';

/** One zone as `dyndns status` and `dyndns zone list` tell it. */
export interface ZoneState {
  /** Presentation form with the final dot. */
  readonly zone: string;
  readonly serial: number;
  /** Names with records, and empty ones between them. */
  readonly names: number;
  readonly secondaries: readonly SecondaryState[];
}

export interface SecondaryState {
  /** `address:port`. */
  readonly endpoint: string;
  /** The newest serial that it is known to hold; absent if it never asked. */
  readonly serial?: number;
  /** Seconds since the oldest commit that it does not hold; absent if it holds all, or never asked. */
  readonly behindSeconds?: number;
  /** What is wrong with it; completes "the secondary …". */
  readonly problem?: string;
}

export interface ZoneImportOptions {
  /** Dynamic RRsets that the file does not have are removed. */
  readonly replace: boolean;
  /** Nothing is changed; the report is the same, but for the serial. */
  readonly dryRun: boolean;
}

export interface ZoneImportReport {
  /** RRsets. */
  readonly added: number;
  readonly changed: number;
  readonly unchanged: number;
  readonly removed: number;
  /** What was not taken, and why; the first of many. */
  readonly skipped: readonly string[];
  readonly skippedCount: number;
  /** Of the zone, afterwards. */
  readonly serial: number;
}

export interface BackupReport {
  /** In the order in which they were copied. */
  readonly copies: readonly { readonly what: string; readonly from: string; readonly to: string }[];
}

/** Implemented by the nameserver, and by the client of a running server's control socket. */
export interface ZoneAdmin {
  zones(): Promise<readonly ZoneState[]>;
  /**
   * The zone as pieces of a zone file (RFC 1035 §5), of one version, sorted.
   * @throws AppError name-invalid
   */
  exportZone(apex: DomainName): AsyncIterable<string>;
  /**
   * Takes the records of a zone file as dynamic data. RRsets of the file take the place of those of the same name and
   * type; the SOA and what is static stays, but for a serial later than ours. Nothing is changed before the whole file
   * is read. What changes up to 5,000 names lands in one commit, more in several: each name as a whole.
   * @param text the file in pieces, UTF-8 decoded
   * @throws AppError name-invalid, request-malformed (with the line and advice), primary-*, publish-unknown
   */
  importZone(apex: DomainName, text: AsyncIterable<string>, options: ZoneImportOptions): Promise<ZoneImportReport>;
  /**
   * Sets a later serial, for zones that came back from an older backup.
   * @throws AppError name-invalid, request-malformed when it is not later (RFC 1982 §3.2), primary-*
   */
  setSerial(apex: DomainName, serial: number): Promise<{ readonly before: number; readonly serial: number }>;
  /** Copies the databases, consistent while changes go on. @param file absolute path @throws AppError */
  backup(file: string): Promise<BackupReport>;
}
