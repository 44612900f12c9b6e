/**
 * When the latest commits of a zone were published: to say since when a secondary is behind. Of a tenth of a second the
 * first and the newest are kept, for a minute.
 */
import { serialIsLater } from '../../dns/serial.ts';

/** A serial, and when it was (milliseconds since 1970). */
export interface SerialAt {
  readonly serial: number;
  readonly atMs: number;
}

const STEP_MS = 100;
const KEPT_STEPS = 600;

export class CommitTimes {
  #steps: SerialAt[] = [];
  #newest: SerialAt;

  constructor(first: SerialAt) {
    this.#newest = first;
  }

  add(commit: SerialAt): void {
    const last = this.#steps.at(-1);
    if (last === undefined || Math.abs(commit.atMs - last.atMs) >= STEP_MS) this.#steps.push(commit);
    if (this.#steps.length >= 2 * KEPT_STEPS) this.#steps = this.#steps.slice(-KEPT_STEPS);
    this.#newest = commit;
  }

  /** When the first commit after `serial` was published, as far as is known; undefined if there is none. */
  firstAfter(serial: number): number | undefined {
    if (!serialIsLater(this.#newest.serial, serial)) return undefined;
    return (this.#steps.find((step) => serialIsLater(step.serial, serial)) ?? this.#newest).atMs;
  }
}
