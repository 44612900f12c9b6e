/**
 * The key that encrypts TLS session tickets (RFC 5077 §4, RFC 8446 §4.6.1). A ticket holds the secret of a session, so that a client that
 * comes again needs no full handshake. All servers on one store have the same key, also after a restart, and it is random: not derived
 * from the certificate or anything else that lives longer.
 *
 * Whoever has the key can decrypt recorded connections of TLS 1.2 whose tickets it encrypted. So it is replaced after 12 hours, by the
 * clock of the store, and the old one is overwritten (RFC 9325 §4.3). Node.js has one key at a time: a ticket of the old one
 * costs its client one full handshake.
 */
import { randomBytes } from 'node:crypto';
import { PeriodicTask } from './periodic-task.ts';
import type { Clock, Timers } from './timers.ts';

/** As Node.js wants it: 16 octets of name, 16 of HMAC, 16 of AES. */
export const TICKET_KEY_OCTETS = 48;
/** How long a key is used. */
export const TICKET_KEY_MS = 12 * 3_600_000;
/** How late a server may learn of a new key. */
const CHECK_MS = 5_000;

export interface TicketKey {
  /** TICKET_KEY_OCTETS octets. */
  readonly secret: Buffer;
  /** By the clock of the store. */
  readonly ageMs: number;
}

export interface TicketKeyStore {
  /**
   * Finds the key of all servers on the store. If there is none, or it is `maxAgeMs` old, `fresh` overwrites it; of several callers at
   * once all get the same key.
   * @param fresh TICKET_KEY_OCTETS random octets
   */
  current(fresh: Buffer, maxAgeMs: number): Promise<TicketKey>;
}

export interface TicketKeysOptions {
  readonly store: TicketKeyStore;
  /** Puts a key in force at the listeners. */
  readonly use: (secret: Buffer) => void;
  readonly clock: Clock;
  readonly timers: Pick<Timers, 'after'>;
}

/** Keeps the key of this process the same as that of the store. */
export class TicketKeys {
  readonly #options: TicketKeysOptions;
  readonly #task: PeriodicTask;
  #secret: Buffer | undefined;
  /** By the monotonic clock. */
  #endsMs = Number.NEGATIVE_INFINITY;

  constructor(options: TicketKeysOptions) {
    this.#options = options;
    const { timers } = options;
    this.#task = new PeriodicTask({ run: () => this.#check(), pauseMs: () => CHECK_MS, timers });
  }

  /** Resolves when there is a key; never rejects. */
  async start(): Promise<void> {
    await this.#check();
    this.#task.restartPause();
  }

  close(): Promise<void> {
    return this.#task.close();
  }

  async #check(): Promise<void> {
    const { store, clock } = this.#options;
    try {
      const { secret, ageMs } = await store.current(randomBytes(TICKET_KEY_OCTETS), TICKET_KEY_MS);
      this.#put(secret, TICKET_KEY_MS - ageMs);
    } catch {
      // Who watches the store reports it. Meanwhile a key stays in use until its end, and then the server has one of its own.
      if (clock() >= this.#endsMs) this.#put(randomBytes(TICKET_KEY_OCTETS), TICKET_KEY_MS);
    }
  }

  #put(secret: Buffer, leftMs: number): void {
    const { use, clock } = this.#options;
    this.#endsMs = clock() + leftMs;
    if (this.#secret?.equals(secret)) return;
    use(secret);
    this.#secret = secret;
  }
}
