/**
 * Limits how often something may happen in a minute, for each key: changes with one token, refusals of one source. Fixed
 * windows: a key's minute begins with its first event. Over the limit, a caller has to wait for the next minute.
 */
import { addressOctets, type IpAddress } from '../../dns/address.ts';
import { setBounded } from '../bounded-map.ts';

const MINUTE_MS = 60_000;
const MAX_KEYS = 100_000;

interface Window {
  readonly endMs: number;
  count: number;
}

export class MinuteLimiter {
  readonly #limit: number;
  readonly #nowMs: () => number;
  readonly #windows = new Map<string, Window>();

  /** @param limit events in a minute; 0: unlimited */
  constructor(limit: number, nowMs: () => number) {
    this.#limit = limit;
    this.#nowMs = nowMs;
  }

  /** Seconds until the next event is allowed; undefined if it is allowed now. @param limit of this key */
  retryAfterSeconds(key: string, limit = this.#limit): number | undefined {
    const window = limit > 0 ? this.#windowOf(key) : undefined;
    if (window === undefined || window.count < limit) return undefined;
    return Math.max(1, Math.ceil((window.endMs - this.#nowMs()) / 1000));
  }

  isFull(key: string): boolean {
    return this.retryAfterSeconds(key) !== undefined;
  }

  count(key: string, limit = this.#limit): void {
    if (limit === 0) return;
    const window = this.#windowOf(key);
    if (window !== undefined) window.count += 1;
    else setBounded(this.#windows, key, { endMs: this.#nowMs() + MINUTE_MS, count: 1 }, MAX_KEYS);
  }

  /** The current window; undefined if the last one is over. */
  #windowOf(key: string): Window | undefined {
    const window = this.#windows.get(key);
    if (window === undefined) return undefined;
    const leftMs = window.endMs - this.#nowMs();
    // A clock that was set back does not make a minute longer.
    return leftMs > 0 && leftMs <= MINUTE_MS ? window : undefined;
  }
}

/** The key of a source: one household has one IPv4 address or one IPv6 /64. */
export function sourceKey(source: IpAddress | undefined): string {
  if (source === undefined) return 'unknown';
  if (source.family === 4) return source.text;
  const cached = cachedKeys.get(source.text);
  if (cached !== undefined) return cached;
  const key = Buffer.from(addressOctets(source).subarray(0, 8)).toString('hex');
  setBounded(cachedKeys, source.text, key, MAX_CACHED_KEYS);
  return key;
}

/** Of IPv6 addresses by their text: to parse one takes longer than all else that a limit does. */
const cachedKeys = new Map<string, string>();
const MAX_CACHED_KEYS = 1_000;
