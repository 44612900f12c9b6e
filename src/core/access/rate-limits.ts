/**
 * How often something may happen in a minute, counted for each key by itself: changes of a token, refusals of a source.
 * What is over the limit is put off, never banned: the next minute begins with nothing.
 */
import { addressOctets, type IpAddress } from '../../dns/address.ts';

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

  /** @param limit a minute; 0: none @param nowMs never goes back */
  constructor(limit: number, nowMs: () => number) {
    this.#limit = limit;
    this.#nowMs = nowMs;
  }

  /** Seconds until there is room again; undefined: there is. */
  retryAfterSeconds(key: string): number | undefined {
    const window = this.#limit > 0 ? this.#windowOf(key) : undefined;
    if (window === undefined || window.count < this.#limit) return undefined;
    return Math.max(1, Math.ceil((window.endMs - this.#nowMs()) / 1000));
  }

  count(key: string): void {
    if (this.#limit === 0) return;
    const window = this.#windowOf(key);
    if (window !== undefined) {
      window.count += 1;
      return;
    }
    this.#windows.delete(key);
    this.#windows.set(key, { endMs: this.#nowMs() + MINUTE_MS, count: 1 });
    if (this.#windows.size <= MAX_KEYS) return;
    for (const oldest of this.#windows.keys()) {
      this.#windows.delete(oldest);
      break;
    }
  }

  #windowOf(key: string): Window | undefined {
    const window = this.#windows.get(key);
    return window !== undefined && this.#nowMs() < window.endMs ? window : undefined;
  }
}

/** The key of a source: one household has one IPv4 address or one IPv6 /64. */
export function sourceKey(source: IpAddress | undefined): string {
  if (source === undefined) return 'unknown';
  if (source.family === 4) return source.text;
  return Buffer.from(addressOctets(source).subarray(0, 8)).toString('hex');
}
