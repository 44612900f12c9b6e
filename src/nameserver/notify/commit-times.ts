/**
 * Publication times of the latest commits of a zone, to tell since when a secondary is behind. Resolution is a tenth of a
 * second, for at least a minute.
 */
import { serialIsLater } from '../../dns/serial.ts';

/** A serial and a time in milliseconds since 1970. */
export interface SerialAt {
  readonly serial: number;
  readonly atMs: number;
}

const STEP_MS = 100;
const MAX_STEPS = 600;

export class CommitTimes {
  #steps: SerialAt[] = [];
  #newest: SerialAt;

  constructor(first: SerialAt) {
    this.#newest = first;
  }

  add(commit: SerialAt): void {
    const last = this.#steps.at(-1);
    if (last === undefined || Math.abs(commit.atMs - last.atMs) >= STEP_MS) this.#steps.push(commit);
    if (this.#steps.length >= 2 * MAX_STEPS) this.#steps = this.#steps.slice(-MAX_STEPS);
    this.#newest = commit;
  }

  /** Publication time of the oldest remembered commit after `serial`; undefined if there is no later commit. */
  firstAfter(serial: number): number | undefined {
    if (!serialIsLater(this.#newest.serial, serial)) return undefined;
    return (this.#steps.find((step) => serialIsLater(step.serial, serial)) ?? this.#newest).atMs;
  }
}
