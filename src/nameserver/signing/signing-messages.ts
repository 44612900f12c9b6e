/** Messages between the main thread (bulk-signer.ts) and a thread that signs names (signing-thread.ts). */
import type { KeyObject } from 'node:crypto';
import type { Validity } from './name-signer.ts';

export interface ThreadStart {
  /** The apex in wire form. */
  readonly apex: Uint8Array;
  readonly keys: readonly { readonly privateKey: KeyObject; readonly flags: number }[];
}

/** Names, each after one octet of NameFlag, in the octets of zone/node-octets.ts. */
export interface SigningJob extends Validity {
  readonly octets: Uint8Array;
}

/** The same names, signed, without the octet before them: their octets, and where each ends. */
export interface SignedNames {
  readonly octets: Uint8Array;
  readonly ends: readonly number[];
  /** Their number. */
  readonly signatures: number;
}

export const NameFlag = { isApex: 1, isCovered: 2 } as const;
