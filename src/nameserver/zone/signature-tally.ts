/** Counts the signatures of names: how many there are, how many have expired, and when the first and the last one expire. */
import { expirationOf } from './signatures.ts';
import { allRRsets, type ZoneNode } from './zone-node.ts';

export class SignatureTally {
  readonly #now: number;
  count = 0;
  expired = 0;
  /** Seconds since 1970; undefined without signatures. */
  firstExpiration: number | undefined;
  /** Seconds since 1970; undefined without signatures. */
  lastExpiration: number | undefined;

  /** @param now seconds since 1970 */
  constructor(now: number) {
    this.#now = now;
  }

  add(node: ZoneNode): void {
    for (const { signatures } of allRRsets(node)) {
      if (signatures === undefined) continue;
      for (const signature of signatures) this.#add(expirationOf(signature));
    }
  }

  #add(expiration: number): void {
    this.count += 1;
    if (expiration < this.#now) this.expired += 1;
    if (this.firstExpiration === undefined || expiration < this.firstExpiration) this.firstExpiration = expiration;
    if (this.lastExpiration === undefined || expiration > this.lastExpiration) this.lastExpiration = expiration;
  }
}
