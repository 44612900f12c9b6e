/** The messages between ordering.ts and its thread. */
import type { KeyType } from './certificate.ts';
import type { ChallengeValue } from './challenges.ts';

export type ThreadStart =
  | ({ readonly kind: 'order' } & CertificateOrder)
  | { readonly kind: 'self-signed'; readonly names: readonly string[] };

/** What one order sends to the ACME server. */
export interface CertificateOrder {
  /** URL of the ACME directory. */
  readonly directory: string;
  readonly email: string | undefined;
  /** Host names in lower case, without a final dot. */
  readonly names: readonly string[];
  readonly keyType: KeyType;
  /** PEM. */
  readonly accountKey: string;
}

/** PEM. */
export interface KeyAndChain {
  readonly key: string;
  readonly chain: string;
}

export type FromThread =
  /** The thread waits for `published`. */
  | { readonly kind: 'publish'; readonly challenges: readonly ChallengeValue[] }
  | ({ readonly kind: 'done' } & KeyAndChain)
  | { readonly kind: 'failed'; readonly reason: string };

export type ToThread = { readonly kind: 'published' };
