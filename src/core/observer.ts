/** Contract: events that the core and its adapters report to the operator. Adapters write logs and metrics. */
import type { DomainName } from '../dns/name.ts';
import type { AppError } from './errors.ts';

export interface Observer {
  /** An UPDATE message was answered or timed out; a transaction of embedded zones is on disk. */
  batchPublished(event: {
    readonly zone: DomainName;
    readonly changes: number;
    readonly outcome: string;
    readonly durationMs: number;
  }): void;
  /** An HTTP request was answered. */
  requestAnswered(event: RequestEvent): void;
  /** An UPDATE message to an embedded zone was answered. */
  dnsUpdateAnswered(event: DnsUpdateEvent): void;
  /** A problem outside of any request. */
  warn(text: string): void;
  /** A normal event outside of any request. */
  info?(text: string): void;
}

export interface DnsUpdateEvent {
  /** The key that signed it; undefined: unknown, or not signed. */
  readonly keyName: string | undefined;
  readonly source: string;
  /** RFC spelling. */
  readonly rcode: string;
  /** The names of the update, or why it failed. */
  readonly detail: string;
  readonly error?: AppError | undefined;
  /** It published a private address. */
  readonly isPrivate?: boolean;
}

export interface RequestEvent {
  readonly requestId: string;
  readonly method: string;
  /** The route's pattern, never the URL: that may hold a secret. */
  readonly route: string;
  readonly source: string;
  /** The name of the token, or `master`; undefined without a credential that is one. */
  readonly actor?: string | undefined;
  readonly status: number;
  readonly durationMs: number;
  readonly outcome: 'updated' | 'unchanged' | 'info' | 'failed';
  /** The name that was changed and its lines, or the error's text. */
  readonly detail: string;
  readonly error?: AppError | undefined;
  /** It published or confirmed a private address. */
  readonly isPrivate?: boolean;
}
