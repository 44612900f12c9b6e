/** Records when tokens were last used. Uses are written once a second, so that no update waits for it; reads flush first. */
import type { TokenStore, TokenUse } from './token-store.ts';

const FLUSH_MS = 1000;
const MAX_UNWRITTEN = 100_000;

export type TokenUses = Pick<TokenStore, 'touchLastUsed' | 'lastUses'>;

export class TokenUseLog implements TokenUses {
  readonly #store: TokenUses;
  readonly #now: () => number;
  /** Mutable entries: a repeated use of a token allocates nothing. */
  #unwritten = new Map<string, { lastUsedMs: number }>();
  #cancel: (() => void) | undefined;
  #isClosed = false;
  readonly #after: (delayMs: number, call: () => void) => () => void;

  /** @param now milliseconds since 1970 @param after calls back once; returns a function that cancels it */
  constructor(store: TokenUses, now: () => number, after: (delayMs: number, call: () => void) => () => void) {
    this.#store = store;
    this.#now = now;
    this.#after = after;
  }

  used(tokenId: string): void {
    const use = this.#unwritten.get(tokenId);
    if (use !== undefined) {
      use.lastUsedMs = this.#now();
      return;
    }
    if (this.#unwritten.size >= MAX_UNWRITTEN) return;
    this.#unwritten.set(tokenId, { lastUsedMs: this.#now() });
    this.#flushLater();
  }

  #flushLater(): void {
    if (this.#isClosed) return;
    this.#cancel ??= this.#after(FLUSH_MS, () => {
      this.#cancel = undefined;
      void this.flush();
    });
  }

  /** Writes all uses. If the store does not answer, it tries again later: a token may end for lack of uses. */
  async flush(): Promise<void> {
    const flushed = this.#unwritten;
    const uses = [...flushed].map(([tokenId, { lastUsedMs }]) => ({ tokenId, lastUsedMs }));
    this.#unwritten = new Map();
    if (uses.length === 0) return;
    try {
      await this.#store.touchLastUsed(uses);
    } catch {
      for (const [tokenId, use] of flushed) {
        if (this.#unwritten.size < MAX_UNWRITTEN && !this.#unwritten.has(tokenId)) this.#unwritten.set(tokenId, use);
      }
      this.#flushLater();
    }
  }

  /** @throws AppError store-unreachable */
  async touchLastUsed(uses: readonly TokenUse[]): Promise<void> {
    await this.#store.touchLastUsed(uses);
  }

  /** @throws AppError store-unreachable */
  async lastUses(tokenIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
    await this.flush();
    return this.#store.lastUses(tokenIds);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancel?.();
    await this.flush();
  }
}
