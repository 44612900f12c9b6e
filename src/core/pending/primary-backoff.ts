/**
 * Which primaries are silent, by zone: while one is, a single attempt at a time tries it, with exponential backoff, and all
 * other pending updates of the zone wait. Its first answer ends that.
 */
import type { Zone } from '../zones/zone.ts';
import { LAST_RETRY_MS, retryDelayMs } from './pending-update.ts';

export class PrimaryBackoff {
  readonly #nowMs: () => number;
  /** By the key of the zone's apex. */
  readonly #silent = new Map<string, { failures: number; untilMs: number }>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** False: all primaries answer, as far as is known. */
  get isAnySilent(): boolean {
    return this.#silent.size > 0;
  }

  /** True while no attempt may be made in the zone. */
  mustWait({ apex }: Zone): boolean {
    return this.#nowMs() < (this.#silent.get(apex.key)?.untilMs ?? 0);
  }

  /** An attempt starts. If the primary is silent, the others of the zone wait for its result. */
  starts({ apex }: Zone): void {
    const silence = this.#silent.get(apex.key);
    if (silence !== undefined) silence.untilMs = this.#nowMs() + LAST_RETRY_MS;
  }

  /** The primary did not take an attempt. */
  failed({ apex }: Zone): void {
    const failures = (this.#silent.get(apex.key)?.failures ?? -1) + 1;
    this.#silent.set(apex.key, { failures, untilMs: this.#nowMs() + retryDelayMs(failures) });
  }

  /** The primary has answered. @returns true if it was silent before */
  answered({ apex }: Zone): boolean {
    return this.#silent.delete(apex.key);
  }
}
