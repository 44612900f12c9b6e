/**
 * Stores which TXT values were written here, in which order, and when each is to be removed (the TextLog of UpdateTexts).
 * Values that others wrote are not in it, so they are never removed.
 */

import type { DomainName } from '../../dns/name.ts';
import { AppError } from '../errors.ts';
import type { TextLog } from '../updates/publish-texts.ts';
import type { Turns } from '../updates/turns.ts';
import type { TextStore } from './text-store.ts';

export class TextRecords implements TextLog {
  readonly #store: TextStore;
  readonly #now: () => number;
  readonly #turns: Turns | undefined;

  /** @param turns undefined: no other server uses the store */
  constructor(store: TextStore, now: () => number, turns?: Turns) {
    this.#store = store;
    this.#now = now;
    this.#turns = turns;
  }

  async known(ownerName: DomainName): Promise<readonly string[]> {
    return (await this.#store.at(ownerName)).map(({ text }) => text);
  }

  async adding(ownerName: DomainName, text: string, removeAfterSeconds: number): Promise<void> {
    // The value may be there and have expired: another server may be about to remove it.
    await this.#turns?.announce([ownerName]);
    const nowMs = this.#now();
    // Values of the same millisecond need an order as well.
    const newestMs = (await this.#store.at(ownerName)).at(-1)?.addedMs ?? 0;
    const addedMs = Math.max(nowMs, newestMs + 1);
    await this.#store.put({ ownerName, text, addedMs, removeAtMs: nowMs + removeAfterSeconds * 1000 });
  }

  async removed(ownerName: DomainName, texts: readonly string[]): Promise<void> {
    try {
      await this.#store.remove(ownerName, texts);
    } catch (error) {
      // The expiry will find that they are gone.
      if (!(error instanceof AppError)) throw error;
    }
  }
}
