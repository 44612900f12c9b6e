/**
 * Decides whether to believe what was last published at a name, or to read it first: other servers or programs may have changed it. A
 * wrong belief costs every change of its message a refusal, a read costs two queries. So a zone is read first while more than about one
 * belief in twenty is wrong, and a name that others changed lately until beliefs about it are right again.
 *
 * What is read is compared with what would have been believed, so that a zone that others leave alone is believed again.
 */
import { setBounded } from '../core/bounded-map.ts';

/** Weight of one belief in the share of wrong ones. */
const WEIGHT = 1 / 256;
/** Shares of wrong beliefs at which a zone is read first, and is believed again. */
const DOUBT_ABOVE = 0.05;
const BELIEVE_BELOW = 0.01;
/** Beliefs about a name that must have been right before it is believed again. */
const RIGHT_ENOUGH = 2;
/** The oldest are forgotten first. */
const MAX_DOUBTED = 10_000;

export class BeliefTrust {
  #wrongShare = 0;
  #doubtsZone = false;
  /** By the key of the name: beliefs that must still be right. */
  readonly #doubted = new Map<string, number>();

  /** Whether a belief about the name should be sent without reading first. */
  believes(key: string): boolean {
    return !this.#doubtsZone && !this.#doubted.has(key);
  }

  /** A belief turned out right: it was confirmed, or is what was read. */
  right(key: string): void {
    this.#count(0);
    const left = this.#doubted.get(key);
    if (left === undefined) return;
    if (left > 1) this.#doubted.set(key, left - 1);
    else this.#doubted.delete(key);
  }

  wrong(key: string): void {
    this.#count(1);
    setBounded(this.#doubted, key, RIGHT_ENOUGH, MAX_DOUBTED);
  }

  #count(wrong: 0 | 1): void {
    this.#wrongShare += (wrong - this.#wrongShare) * WEIGHT;
    if (this.#wrongShare > DOUBT_ABOVE) this.#doubtsZone = true;
    else if (this.#wrongShare < BELIEVE_BELOW) this.#doubtsZone = false;
  }
}
