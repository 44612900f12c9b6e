/**
 * Loads the server's own certificate, renews it when it is due, and retries after failures with a backoff. The old
 * certificate is served until there is a new one.
 */
import type { Timers } from '../core/timers.ts';
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

export interface KeeperOptions {
  readonly requested: RequestedCertificate;
  readonly email: string | undefined;
  readonly folder: AcmeFolder;
  readonly challenges: Pick<Challenges, 'publish' | 'withdraw'>;
  /** How long the secondaries of these zones may need to transfer a change. */
  readonly propagationMs: (zones: Awaited<ReturnType<Challenges['publish']>>) => number;
  readonly order: (
    order: CertificateOrder,
    publish: (challenges: readonly ChallengeValue[]) => Promise<void>,
    signal: AbortSignal,
  ) => Promise<KeyAndChain>;
  readonly makeSelfSigned: (names: readonly string[]) => Promise<KeyAndChain>;
  readonly timers: Timers;
  /** From 0 up to, not including, 1. */
  readonly random: () => number;
  /** Called when there is a new certificate to serve. */
  readonly changed: () => void;
  readonly warn: (text: string) => void;
  readonly inform: (text: string) => void;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** The least time between two checks, for certificates that are valid for seconds. */
const MIN_CHECK_MS = 1_000;

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

  /** The certificate to serve, self-signed if there is no other. @throws TypeError before `load` */
  get served(): KeyAndChain {
    const served = this.#certificate ?? this.#selfSigned;
    if (served === undefined) throw new TypeError('load() was not called.');
    return served;
  }

  /** The certificate of the authority; undefined until there is one. */
  get certificate(): OwnCertificate | undefined {
    return this.#certificate;
  }

  /** Reads the certificate from disk, or makes a self-signed one. @throws Error if the folder cannot be used */
  async load(): Promise<void> {
    const { folder, requested, makeSelfSigned, warn } = this.#options;
    await folder.create();
    const text = await folder.findCertificate();
    try {
      if (text !== undefined) this.#certificate = parseCertificate(text);
    } catch (error) {
      warn(`http.tls.acme: Cannot read ${folder.certificateFile}, which will be replaced: ${reasonOf(error)}.`);
    }
    if (this.#certificate !== undefined) return;
    this.#selfSigned = await makeSelfSigned(requested.names);
    const names = requested.names.join(', ');
    warn(
      `http.tls.acme: There is no certificate for ${names} yet. Clients do not trust this server until there is one.`,
    );
  }

  /** Starts the checks. The zones must be served by now: the authority queries them. */
  start(): void {
    this.#check();
  }

  /** Checks at once, also during the backoff after a failure. */
  wake(): void {
    if (this.#cancelTimer !== undefined) this.#check();
  }

  /** Aborts an order in flight; its records are removed when this resolves. */
  async close(): Promise<void> {
    this.#end.abort(new Error('The server is stopping.'));
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    await this.#work;
  }

  #check(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#work = this.#renewIfDue().then((delayMs) => {
      this.#work = undefined;
      if (this.#end.signal.aborted) return;
      this.#cancelTimer = this.#options.timers.after(delayMs, () => this.#check());
    });
  }

  /** @returns milliseconds until the next check; never rejects */
  async #renewIfDue(): Promise<number> {
    const { requested, timers, challenges, warn } = this.#options;
    try {
      await challenges.withdraw();
      if (!this.#isSaved) await this.#save();
      if (this.#renewalMs() <= timers.now()) await this.#renew();
      this.#failures = 0;
      const untilDueMs = this.#renewalMs() - timers.now();
      return Math.max(MIN_CHECK_MS, Math.min(untilDueMs, this.#withJitter(HOUR_MS)));
    } catch (error) {
      if (this.#end.signal.aborted) return 0;
      this.#failures += 1;
      const delayMs = this.#withJitter(retryDelayMs(this.#failures));
      warn(
        `http.tls.acme: Could not get a new certificate for ${requested.names.join(', ')} from ${requested.directory}: ` +
          `${reasonOf(error)}. ${this.#describeCurrent()} The next attempt is in ${describeDelay(delayMs)}, or at SIGHUP.`,
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
      if (missing.length > 0) throw new Error(`The new certificate does not cover ${missing.join(', ')}.`);
      this.#certificate = certificate;
      this.#isSaved = false;
      changed();
      const end = new Date(certificate.notAfterMs).toISOString();
      inform(`http.tls.acme: Installed a new certificate for ${requested.names.join(', ')}. It expires on ${end}.`);
    } finally {
      // A publication that is still in flight must end before its records can be removed.
      await publishing?.catch(() => undefined);
      await challenges.withdraw();
    }
    await this.#save();
    if (this.#renewalMs() <= this.#options.timers.now()) {
      throw new Error('The new certificate is already due for renewal. Check the clock of this machine.');
    }
  }

  /** A certificate that cannot be written is served nevertheless, and not ordered again. */
  async #save(): Promise<void> {
    const { folder, warn } = this.#options;
    try {
      await folder.writeCertificate(formatCertificate(this.#certificate!));
      this.#isSaved = true;
    } catch (error) {
      const warning = 'After a restart, the server must order another one.';
      warn(`http.tls.acme: Cannot write the new certificate to ${folder.path}: ${reasonOf(error)}. ${warning}`);
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

  /** Plus or minus ten per cent, so that servers that started together do not order together. */
  #withJitter(delayMs: number): number {
    return delayMs * (0.9 + 0.2 * this.#options.random());
  }

  #describeCurrent(): string {
    if (this.#certificate === undefined) return 'Clients do not trust this server yet.';
    const leftMs = this.#certificate.notAfterMs - this.#options.timers.now();
    return leftMs > 0
      ? `The current one is valid for ${describeDelay(leftMs)} more.`
      : 'The current one has expired: clients do not trust this server.';
  }
}

function describeDelay(delayMs: number): string {
  if (delayMs >= 2 * DAY_MS) return `${Math.floor(delayMs / DAY_MS)} days`;
  if (delayMs >= 2 * HOUR_MS) return `${Math.floor(delayMs / HOUR_MS)} hours`;
  return `${Math.max(1, Math.round(delayMs / 60_000))} min`;
}
