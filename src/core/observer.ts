/** Contract: what the core and its adapters report to the operator. Adapters write logs and metrics. */
import type { DomainName } from '../dns/name.ts';
import type { AppError } from './errors.ts';

/** What the core and its adapters have to tell an operator. Adapters write logs and metrics. */
export interface Observer {
  /** One UPDATE message was answered, or not; one transaction of embedded zones is on the disk. */
  batchPublished(event: {
    readonly zone: DomainName;
    readonly changes: number;
    readonly outcome: string;
    readonly durationMs: number;
  }): void;
  /** A request to one of the doors was answered. */
  requestAnswered(event: RequestEvent): void;
  /** An UPDATE message to an embedded zone was answered. */
  dnsUpdateAnswered(event: DnsUpdateEvent): void;
  /** Something an operator should know, outside of any request. */
  warn(text: string): void;
  /** Something that went as it should, outside of any request. */
  info?(text: string): void;
}

export interface DnsUpdateEvent {
  /** The key that signed it; undefined: nobody that we know. */
  readonly keyName: string | undefined;
  readonly source: string;
  /** RFC spelling. */
  readonly rcode: string;
  /** Names that were to be changed, or why they were not. */
  readonly detail: string;
  readonly error?: AppError | undefined;
}

export interface RequestEvent {
  readonly requestId: string;
  readonly method: string;
  /** The route's pattern, never the URL: that may hold a secret. */
  readonly route: string;
  readonly source: string;
  readonly status: number;
  readonly durationMs: number;
  readonly outcome: 'updated' | 'unchanged' | 'info' | 'failed';
  /** The name that was changed and its lines, or the error's text. */
  readonly detail: string;
  readonly error?: AppError | undefined;
}
