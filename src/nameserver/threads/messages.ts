/** The messages between the main thread and one that answers queries: values that survive a structured clone. */
import type { ServerIdentity } from '../answer/chaos.ts';
import type { SharedRateLimit } from '../answer/rate-limit.ts';
import type { SharedChain } from '../zone/chain-order.ts';
import type { SharedOctets } from '../zone/packed-octets.ts';

/** `workerData` of the thread. */
export interface ThreadStart {
  /** For its TurnCounter. */
  readonly turns: SharedArrayBuffer;
  /** See ReadTurns. */
  readonly publications: SharedArrayBuffer;
  /** For its ReplyCounts. */
  readonly counts: SharedArrayBuffer;
}

/** What answers depend on besides the zones. */
export interface AnswerSettings extends ServerIdentity {
  readonly tcpIdleSeconds: number;
  /** See dailySecrets. */
  readonly cookieKey: Uint8Array;
  readonly limiter: SharedRateLimit | undefined;
}

export interface SharedZone {
  /** In wire form. */
  readonly apex: Uint8Array;
  /** Undefined: the main thread answers for this zone. */
  readonly octets: SharedOctets | undefined;
  /** Of a signed zone. */
  readonly chain: SharedChain | undefined;
}

/** A datagram that the main thread answers. */
export interface ForwardedRequest {
  readonly id: number;
  readonly octets: Uint8Array;
  readonly address: string;
  readonly port: number;
}

export interface ForwardedReply {
  readonly id: number;
  /** Undefined: no reply. */
  readonly octets: Uint8Array | undefined;
}

export type ToThread =
  /** In place of what was sent before. */
  | { readonly kind: 'zones'; readonly zones: readonly SharedZone[]; readonly settings: AnswerSettings }
  /** The memory of one of these zones. */
  | { readonly kind: 'octets'; readonly zone: SharedZone }
  | {
      readonly kind: 'open';
      readonly socket: number;
      readonly host: string;
      readonly port: number;
      readonly sharers: number;
    }
  | { readonly kind: 'close'; readonly socket: number; readonly graceMs: number }
  | { readonly kind: 'replies'; readonly replies: readonly ForwardedReply[] };

/** The system's error. */
export interface OpenFailure {
  readonly code?: string | undefined;
  readonly message: string;
}

export type FromThread =
  | { readonly kind: 'opened'; readonly socket: number; readonly failed: OpenFailure | undefined }
  | { readonly kind: 'closed'; readonly socket: number }
  | { readonly kind: 'requests'; readonly requests: readonly ForwardedRequest[] }
  | { readonly kind: 'fault'; readonly message: string };

/** Octets in a buffer of their own: the clone of a view copies the whole buffer that it is a view of. */
export function ownOctets(octets: Uint8Array): Uint8Array {
  return octets.byteLength === octets.buffer.byteLength ? octets : new Uint8Array(octets);
}
