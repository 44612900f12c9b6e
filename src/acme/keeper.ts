/**
 * Keeps the server's own certificate: loads it, asks for one when it is due, and tries again after failures. While there
 * is none, or none that is new, what there is goes on being served.
 */

import {
  formatCertificate,
  makeCertificate,
  type OwnCertificate,
  parseCertificate,
  type RequestedCertificate,
  renewalMs,
  retryDelayMs,
} from './certificate.ts';
import type { ChallengeValue } from './challenges.ts';
import { type Challenges, reasonOf } from './challenges.ts';
import type { AcmeFolder } from './folder.ts';
import type { CertificateOrder, KeyAndChain } from './thread-messages.ts';

/** A clock and timers. */
export interface KeeperTimers {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls back once, after so many milliseconds. @returns what prevents it */
  after(delayMs: number, call: () => void): () => void;
}

export interface KeeperOptions {
  readonly requested: RequestedCertificate;
  readonly email: string | undefined;
  readonly folder: AcmeFolder;
  readonly challenges: Pick<Challenges, 'publish' | 'withdraw'>;
  /** How long the secondaries of these zones may take. */
  readonly propagationMs: (zones: Awaited<ReturnType<Challenges['publish']>>) => number;
  readonly order: (
    order: CertificateOrder,
    publish: (challenges: readonly ChallengeValue[]) => Promise<void>,
    signal: AbortSignal,
  ) => Promise<KeyAndChain>;
  readonly makeSelfSigned: (names: readonly string[]) => Promise<KeyAndChain>;
  readonly timers: KeeperTimers;
  /** 0 up to 1. */
  readonly random: () => number;
  /** There is another certificate to serve. */
  readonly changed: () => void;
  readonly warn: (text: string) => void;
  readonly inform: (text: string) => void;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** Between two looks, even where a certificate lives for seconds. */
const MIN_LOOK_MS = 1_000;

export class CertificateKeeper {
  readonly #options: KeeperOptions;
  readonly #end = new AbortController();
  #certificate: OwnCertificate | undefined;
  #selfSigned: KeyAndChain | undefined;
  #isSaved = true;
  #failures = 0;
  #cancelTimer: (() => void) | undefined;
  #work: Promise<void> | undefined;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /** What to serve. @throws TypeError before `load` */
  get served(): KeyAndChain {
    const served = this.#certificate ?? this.#selfSigned;
    if (served === undefined) throw new TypeError('load() comes first');
    return served;
  }

  /** The certificate of the authority, if there is one. */
  get certificate(): OwnCertificate | undefined {
    return this.#certificate;
  }

  /** Reads what is on disk; makes something to serve where there is nothing. @throws Error where the folder cannot be used */
  async load(): Promise<void> {
    const { folder, requested, makeSelfSigned, warn } = this.#options;
    await folder.make();
    const text = await folder.findCertificate();
    try {
      if (text !== undefined) this.#certificate = parseCertificate(text);
    } catch (error) {
      warn(`http.tls.acme: ${folder.certificateFile} cannot be used, and is replaced: ${reasonOf(error)}.`);
    }
    if (this.#certificate !== undefined) return;
    this.#selfSigned = await makeSelfSigned(requested.names);
    const names = requested.names.join(', ');
    warn(
      `http.tls.acme: there is no certificate for ${names} yet; until there is one, clients will not trust this server.`,
    );
  }

  /** Begins to look after it; what authorities look up must be served by now. */
  start(): void {
    this.#look();
  }

  /** Looks at once, also where it would wait after a failure. */
  wake(): void {
    if (this.#cancelTimer !== undefined) this.#look();
  }

  /** Ends what is under way; its records are taken away when this resolves. */
  async close(): Promise<void> {
    this.#end.abort(new Error('the server ends'));
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    await this.#work;
  }

  #look(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#work = this.#lookAfterIt().then((delayMs) => {
      this.#work = undefined;
      if (this.#end.signal.aborted) return;
      this.#cancelTimer = this.#options.timers.after(delayMs, () => this.#look());
    });
  }

  /** @returns milliseconds until the next look. Never rejects. */
  async #lookAfterIt(): Promise<number> {
    const { requested, timers, challenges, warn } = this.#options;
    try {
      await challenges.withdraw();
      if (!this.#isSaved) await this.#save();
      if (this.#renewalMs() <= timers.now()) await this.#renew();
      this.#failures = 0;
      const untilDueMs = this.#renewalMs() - timers.now();
      return Math.max(MIN_LOOK_MS, Math.min(untilDueMs, this.#aroundMs(HOUR_MS)));
    } catch (error) {
      if (this.#end.signal.aborted) return 0;
      this.#failures += 1;
      const delayMs = this.#aroundMs(retryDelayMs(this.#failures));
      const state = this.#describe();
      warn(
        `http.tls.acme: no new certificate for ${requested.names.join(', ')} from ${requested.directory}: ${reasonOf(error)}. ` +
          `${state} The next attempt is in ${describeDelay(delayMs)}, or at SIGHUP.`,
      );
      return delayMs;
    }
  }

  #renewalMs(): number {
    return this.#certificate === undefined ? 0 : renewalMs(this.#certificate, this.#options.requested);
  }

  async #renew(): Promise<void> {
    const { requested, email, folder, challenges, order, inform, changed } = this.#options;
    const { signal } = this.#end;
    let publishing: ReturnType<Challenges['publish']> | undefined;
    try {
      const accountKey = await folder.accountKey();
      const publish = async (values: readonly ChallengeValue[]) => {
        publishing = challenges.publish(values);
        await this.#wait(this.#options.propagationMs(await publishing));
      };
      const { key, chain } = await order({ ...requested, email, accountKey }, publish, signal);
      const certificate = makeCertificate(key, chain, requested.directory);
      const missing = requested.names.filter((name) => !certificate.names.includes(name));
      if (missing.length > 0) throw new Error(`the new certificate is not for ${missing.join(', ')}`);
      this.#certificate = certificate;
      this.#isSaved = false;
      changed();
      const end = new Date(certificate.notAfterMs).toISOString();
      inform(`http.tls.acme: a new certificate for ${requested.names.join(', ')} is served; it ends ${end}`);
    } finally {
      // What is still being published when the order ends must be there before it is taken away.
      await publishing?.catch(() => undefined);
      await challenges.withdraw();
    }
    await this.#save();
    if (this.#renewalMs() <= this.#options.timers.now()) {
      throw new Error('the new one is due for renewal at once; is the clock of this machine right?');
    }
  }

  /** One that could not be written is served all the same, and is not asked for again. */
  async #save(): Promise<void> {
    const { folder, warn } = this.#options;
    try {
      await folder.writeCertificate(formatCertificate(this.#certificate!));
      this.#isSaved = true;
    } catch (error) {
      const advice = 'a restart would have to ask for another one';
      warn(`http.tls.acme: the new certificate cannot be written to ${folder.path} (${reasonOf(error)}): ${advice}.`);
    }
  }

  #wait(delayMs: number): Promise<void> {
    const { signal } = this.#end;
    signal.throwIfAborted();
    if (delayMs === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const cancel = this.#options.timers.after(delayMs, resolve);
      signal.addEventListener('abort', () => {
        cancel();
        reject(signal.reason);
      });
    });
  }

  /** Ten per cent more or less, so that servers that were started together do not ask together. */
  #aroundMs(delayMs: number): number {
    return delayMs * (0.9 + 0.2 * this.#options.random());
  }

  #describe(): string {
    if (this.#certificate === undefined) return 'Clients do not trust this server yet.';
    const leftMs = this.#certificate.notAfterMs - this.#options.timers.now();
    return leftMs > 0
      ? `The one that is served goes on for ${describeDelay(leftMs)}.`
      : 'The one that is served has ended: clients do not trust this server.';
  }
}

function describeDelay(delayMs: number): string {
  if (delayMs >= 2 * DAY_MS) return `${Math.floor(delayMs / DAY_MS)} days`;
  if (delayMs >= 2 * HOUR_MS) return `${Math.floor(delayMs / HOUR_MS)} hours`;
  return `${Math.max(1, Math.round(delayMs / 60_000))} min`;
}
