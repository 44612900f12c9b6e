import type { TokenStore } from './token-store.ts';

/** When tokens were used last, written once a second: an update never waits for it. Who asks is told of every use. */

const FLUSH_MS = 1000;
const MAX_UNWRITTEN = 100_000;

export type TokenUses = Pick<TokenStore, 'touchLastUsed' | 'lastUses'>;

export class TokenUseLog implements Pick<TokenUses, 'lastUses'> {
  readonly #store: TokenUses;
  readonly #now: () => number;
  /** One object for each, so that a further use of a token allocates nothing. */
  #unwritten = new Map<string, { lastUsedMs: number }>();
  #cancel: (() => void) | undefined;
  readonly #after: (delayMs: number, call: () => void) => () => void;

  /** @param now milliseconds since 1970 @param after calls back once; gives what prevents it */
  constructor(store: TokenUses, now: () => number, after: (delayMs: number, call: () => void) => () => void) {
    this.#store = store;
    this.#now = now;
    this.#after = after;
  }

  used(tokenId: string): void {
    const known = this.#unwritten.get(tokenId);
    if (known !== undefined) {
      known.lastUsedMs = this.#now();
      return;
    }
    if (this.#unwritten.size >= MAX_UNWRITTEN) return;
    this.#unwritten.set(tokenId, { lastUsedMs: this.#now() });
    this.#cancel ??= this.#after(FLUSH_MS, () => {
      this.#cancel = undefined;
      void this.flush();
    });
  }

  /** Writes what there is. A store that does not answer loses it: the next use is written again. */
  async flush(): Promise<void> {
    const uses = [...this.#unwritten].map(([tokenId, { lastUsedMs }]) => ({ tokenId, lastUsedMs }));
    this.#unwritten = new Map();
    if (uses.length > 0) await this.#store.touchLastUsed(uses).catch(() => undefined);
  }

  /** @throws AppError store-unreachable */
  async lastUses(tokenIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
    await this.flush();
    return this.#store.lastUses(tokenIds);
  }

  async close(): Promise<void> {
    this.#cancel?.();
    await this.flush();
  }
}
