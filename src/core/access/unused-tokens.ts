/**
 * Tokens that end when they are not used (`maxUnusedDays`). The time counts from the later of creation and last use; of a
 * token of the configuration file, whose creation is not known, from the first start with this server's store.
 *
 * The last use is in the store, where every server writes its own once a second (token-use.ts). It is read when what this
 * process knows does not prove that the token is still valid: at its first request here, and again after `maxUnusedDays`.
 * All other requests compare two numbers. A use by another server that is not written yet is allowed for by GRACE_MS.
 */
import { setBounded } from '../bounded-map.ts';
import { type HostToken, unusedEndMs } from './token.ts';
import type { TokenUses } from './token-use.ts';

type UnusedToken = Pick<HostToken, 'id' | 'createdMs' | 'maxUnusedDays'>;

/** Longer than a use takes to be written, by a server that the store keeps waiting. */
const GRACE_MS = 60_000;
const MAX_KNOWN = 100_000;

export class UnusedTokens {
  readonly #uses: TokenUses;
  readonly #now: () => number;
  /** By token id: a time at which the token was valid. */
  readonly #known = new Map<string, number>();

  /** @param uses includes those of this process that are not written yet @param now milliseconds since 1970 */
  constructor(uses: TokenUses, now: () => number) {
    this.#uses = uses;
    this.#now = now;
  }

  /**
   * Has the token ended, because it was not used? A promise only where the store must be queried.
   * @throws AppError store-unreachable (rejects)
   */
  hasEnded(token: UnusedToken): boolean | Promise<boolean> {
    if (token.maxUnusedDays === undefined) return false;
    const knownMs = Math.max(token.createdMs, this.#known.get(token.id) ?? 0);
    return this.#now() < unusedEndMs(token, knownMs)! ? false : this.#queryForUse(token);
  }

  /** Begins the time of tokens of the configuration file that were never seen before. @returns those that have ended */
  async note<Token extends UnusedToken>(configured: readonly Token[]): Promise<readonly Token[]> {
    const limited = configured.filter(({ maxUnusedDays }) => maxUnusedDays !== undefined);
    const ended: Token[] = [];
    for (const token of limited) if (await this.#query(token)) ended.push(token);
    return ended;
  }

  async #query(token: UnusedToken): Promise<boolean> {
    const nowMs = this.#now();
    const lastMs = await this.#lastMs(token);
    setBounded(this.#known, token.id, lastMs, MAX_KNOWN);
    return nowMs >= unusedEndMs(token, lastMs)! + GRACE_MS;
  }

  /**
   * The same for a request. What is accepted in the grace is written at once, so that no server refuses the next one.
   */
  async #queryForUse(token: UnusedToken): Promise<boolean> {
    const ended = await this.#query(token);
    const nowMs = this.#now();
    if (!ended && nowMs >= unusedEndMs(token, this.#known.get(token.id)!)!) {
      await this.#uses.touchLastUsed([{ tokenId: token.id, lastUsedMs: nowMs }]);
      setBounded(this.#known, token.id, nowMs, MAX_KNOWN);
    }
    return ended;
  }

  /** The later of creation and last use. */
  async #lastMs({ id, createdMs }: UnusedToken): Promise<number> {
    const firstSeenId = firstSeenKey(id);
    const uses = await this.#uses.lastUses([id, firstSeenId]);
    const lastMs = lastKnownMs(createdMs, uses.get(id), uses.get(firstSeenId));
    if (lastMs > 0) return lastMs;
    const nowMs = this.#now();
    await this.#uses.touchLastUsed([{ tokenId: firstSeenId, lastUsedMs: nowMs }]);
    return nowMs;
  }
}

/** Under this id, the store has the time at which a token of the configuration file was first seen. */
export function firstSeenKey(tokenId: string): string {
  return `first-seen ${tokenId}`;
}

/** The later of creation and last use; 0: neither is known. */
export function lastKnownMs(createdMs: number, usedMs: number | undefined, firstSeenMs: number | undefined): number {
  return Math.max(createdMs, usedMs ?? 0, firstSeenMs ?? 0);
}
