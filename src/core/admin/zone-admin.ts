/** Administration of the zones that this server is the primary of: the port that the nameserver implements. */
import type { DomainName } from '../../dns/name.ts';
import type { AlgorithmName, DnssecStatus, ExportedZoneKey, ZoneKeyView } from './dnssec-operations.ts';
import type { BackupReport } from './server-operations.ts';
import type { RecoveryReport, ZoneImportReport, ZoneState } from './zone-operations.ts';

export type {
  AlgorithmName,
  DnssecProcedure,
  DnssecStatus,
  ExportedZoneKey,
  SignedKeyView,
  ZoneKeyView,
} from './dnssec-operations.ts';
export type { BackupReport } from './server-operations.ts';
export type { RecoveryReport, SecondaryState, ZoneImportReport, ZoneState } from './zone-operations.ts';

export interface ZoneImportOptions {
  /** Dynamic RRsets that the file does not have are removed. */
  readonly replace: boolean;
  /** Nothing is changed; the report is the same, but for the serial. */
  readonly dryRun: boolean;
}

/** Signatures and keys of the embedded zones. Errors never have a part of a private key. */
export interface ZoneDnssec {
  /** From the published version, and from the keys on disk. @throws AppError name-invalid, primary-refused if the zone is not served */
  status(apex: DomainName): Promise<DnssecStatus>;
  /**
   * Begins a rollover, or with `isForced` goes on with one that waits for the parent.
   * @param algorithm undefined: that of the zone
   * @throws AppError name-invalid, request-malformed, conflict, primary-*
   */
  roll(apex: DomainName, algorithm: AlgorithmName | undefined, isForced: boolean): Promise<DnssecStatus>;
  /** Begins to leave DNSSEC, or with `isForced` unsigns the zone without waiting for the parent. @throws as `roll` */
  leave(apex: DomainName, isForced: boolean): Promise<DnssecStatus>;
  /** Takes `leave` back. @throws as `roll` */
  stay(apex: DomainName): Promise<DnssecStatus>;
  /** @throws AppError name-invalid, request-malformed if a key cannot be read */
  keys(apex: DomainName): Promise<readonly ZoneKeyView[]>;
  /** @throws AppError name-invalid, request-malformed */
  exportKey(apex: DomainName, keyTag: number): Promise<ExportedZoneKey>;
  /** @throws AppError name-invalid, request-malformed, conflict if a signed zone does not have the key */
  importKey(apex: DomainName, publicText: string, privateText: string): Promise<ZoneKeyView>;
}

export interface ZoneAdmin {
  dnssec(): Promise<ZoneDnssec>;
  zones(): Promise<readonly ZoneState[]>;
  /**
   * The zone as pieces of a zone file (RFC 1035 §5), of one version, sorted.
   * @param signed with the records of the signer: keys, signatures and chain
   * @throws AppError name-invalid, request-malformed for `signed` if the zone is not signed
   */
  exportZone(apex: DomainName, signed: boolean): AsyncIterable<string>;
  /**
   * Imports the records of a zone file as dynamic data. RRsets of the file replace those of the same name and type. The
   * SOA and static records stay, except that a later serial is adopted. Nothing is changed before the whole file is read.
   * A change of up to 5,000 names is one commit, a larger one several: each name as a whole.
   * @param text the file in pieces, UTF-8 decoded
   * @throws AppError name-invalid, request-malformed (with the line and advice), primary-*, publish-unknown
   */
  importZone(apex: DomainName, text: AsyncIterable<string>, options: ZoneImportOptions): Promise<ZoneImportReport>;
  /**
   * Sets a later serial, for a zone that was restored from an older backup.
   * @throws AppError name-invalid, request-malformed if it is not later (RFC 1982 §3.2), primary-*
   */
  setSerial(apex: DomainName, serial: number): Promise<{ readonly before: number; readonly serial: number }>;
  /**
   * Serves what is readable of a zone that is not served because its database lost changes or is damaged, under a serial
   * later than every known one.
   * @param serial without it one is chosen
   * @throws AppError name-invalid, request-malformed if the serial is not later or the zone is served, conflict, primary-*
   */
  recoverZone(apex: DomainName, serial?: number): Promise<RecoveryReport>;
  /**
   * Deletes dynamic data that is kept and not served. @param type undefined: of all types. @returns RRsets deleted
   * @throws AppError name-invalid where there is none, primary-*
   */
  discardUnserved(apex: DomainName, ownerName: DomainName, type: number | undefined): Promise<number>;
  /** Copies the databases, consistent while changes go on. @param file absolute path @throws AppError */
  backup(file: string): Promise<BackupReport>;
}
