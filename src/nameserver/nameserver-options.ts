/** What the nameserver is opened with, and the settings that a reload can change. */
import type { ChangeOfSignatures } from '../core/notices/notices.ts';
import type { DnsUpdateEvent } from '../core/observer.ts';
import type { DnsUpdate, UpdateKey } from '../core/updates/dns-update.ts';
import type { KnownSerial } from '../core/zones/known-serials.ts';
import type { ParentZone } from '../core/zones/parent-zone.ts';
import type { UpdateOutcome } from '../core/zones/publisher.ts';
import type { Receipt } from '../core/zones/secondaries.ts';
import type { DomainName } from '../dns/name.ts';
import type { TsigKey } from '../dns/tsig-key.ts';
import type { RateLimiter } from './answer/rate-limit.ts';
import type { ProcedurePace } from './dnssec/key-pace.ts';
import type { DnssecSettings } from './dnssec/zone-signing.ts';
import type { Secondary } from './notify/notify-target.ts';
import type { SecondaryChange } from './notify/secondary-alarm.ts';
import type { TransferAccess } from './transfer/transfer-access.ts';
import type { ZoneLimits } from './zone/limits.ts';
import type { StaticContent } from './zone/static-records.ts';

/** A TSIG key and its permissions in one zone. */
export interface NameserverKey extends UpdateKey {
  readonly tsig: TsigKey;
  readonly mayTransfer: boolean;
}

/** The configuration of one zone. */
export interface NameserverZone {
  readonly content: StaticContent;
  /** How the zone is to be signed; absent: not. Algorithm and chain of a zone that is signed stay as they are. */
  readonly dnssec?: DnssecSettings;
  readonly keys: readonly NameserverKey[];
  readonly secondaries: readonly Secondary[];
  /** Networks whose addresses may transfer. */
  readonly transferPrefixes?: TransferAccess['prefixes'];
  /** Rules for addresses and TTLs. */
  readonly rules: DnsUpdate['zone'];
}

/** Settings that a reload can change. */
export interface NameserverSettings {
  readonly zones: readonly NameserverZone[];
  readonly limiter: RateLimiter | undefined;
  readonly nsid: string | undefined;
  readonly chaosVersion: string | undefined;
  /** Time limit of one UPDATE. */
  readonly timeoutMs: number;
  readonly limits: ZoneLimits;
  /** Time after which an idle TCP connection is closed; undefined: TCP_LIMITS. */
  readonly tcpIdleSeconds?: number | undefined;
  /** See `checkRequest`. */
  readonly tsigFudgeMax?: number | undefined;
}

export interface NameserverOptions {
  readonly database: string;
  /** Of dyndns; recorded in a new database. */
  readonly version?: string;
  readonly settings: NameserverSettings;
  /** 16 random octets. Not a setting: clients keep their cookies over a reload. */
  readonly cookieKey: Uint8Array;
  readonly applyUpdate: (update: DnsUpdate) => Promise<UpdateOutcome>;
  readonly onBatch: (event: {
    readonly zone: DomainName;
    readonly changes: number;
    readonly outcome: string;
    readonly durationMs: number;
  }) => void;
  readonly onUpdate: (event: DnsUpdateEvent) => void;
  /** See NotifierPorts. */
  readonly onServed?: ((receipt: Receipt) => void) | undefined;
  readonly onSecondary?: ((change: SecondaryChange) => void) | undefined;
  readonly onSignatures?: ((change: ChangeOfSignatures) => void) | undefined;
  readonly onWarning: (text: string) => void;
  /** What the parents of signed zones show; undefined in a command, which does not wait for them. */
  readonly parent?: ParentZone | undefined;
  /** For tests: how fast keys are changed. */
  readonly keyPace?: ProcedurePace & { /** Seconds. */ readonly keyTtl: number };
  /** How far long work is, at intervals, in full sentences. */
  readonly onProgress?: ((text: string) => void) | undefined;
  /** A thread died, and no change will succeed any more, or no query be answered: the process must end. */
  readonly onDeath?: (error: Error) => void;
  /** The known serials of the store, which is elsewhere than the database. */
  readonly copied?: readonly KnownSerial[];
  readonly copyKnown?: (known: readonly KnownSerial[]) => Promise<void>;
}
