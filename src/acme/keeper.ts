/**
 * Loads the server's own certificates, one for each type of key, renews each when it is due, and retries after failures with
 * a backoff. An old certificate is served until there is a new one. Orders are made one after the other: two at a time would
 * remove one another's records.
 */
import type { Timers } from '../core/timers.ts';
import {
  formatCertificate,
  type KeyType,
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
  readonly #certificates = new Map<KeyType, OwnCertificate>();
  readonly #unsaved = new Set<KeyType>();
  #selfSigned: KeyAndChain | undefined;
  #failures = 0;
  /** The type of key whose order failed last. */
  #failed: KeyType | undefined;
  #cancelTimer: (() => void) | undefined;
  #work: Promise<void> | undefined;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /** The certificates to serve, of different types of keys; a self-signed one if there is no other. @throws TypeError before `load` */
  get served(): readonly KeyAndChain[] {
    if (this.#certificates.size > 0) return this.certificates;
    if (this.#selfSigned === undefined) throw new TypeError('load() was not called.');
    return [this.#selfSigned];
  }

  /** Those of the authority; none until there is one. */
  get certificates(): readonly OwnCertificate[] {
    return this.#options.requested.keyTypes.flatMap((keyType) => this.#certificates.get(keyType) ?? []);
  }

  /** Reads the certificate from disk, or makes a self-signed one. @throws Error if the folder cannot be used */
  async load(): Promise<void> {
    const { folder, requested, makeSelfSigned, warn } = this.#options;
    await folder.create();
    for (const keyType of requested.keyTypes) {
      const text = await folder.findCertificate(keyType);
      try {
        if (text !== undefined) this.#certificates.set(keyType, requireType(parseCertificate(text), keyType));
      } catch (error) {
        const file = folder.certificateFile(keyType);
        warn(`http.tls.acme: Cannot read ${file}, which will be replaced: ${reasonOf(error)}.`);
      }
    }
    if (this.#certificates.size > 0) return;
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
    // The one that failed comes last, so that it does not hold up the other. Authorities limit failures.
    const failed = this.#failed;
    const keyTypes = [...requested.keyTypes].sort((a, b) => Number(a === failed) - Number(b === failed));
    let keyType = keyTypes[0]!;
    try {
      await challenges.withdraw();
      for (keyType of keyTypes) {
        if (this.#unsaved.has(keyType)) await this.#save(keyType);
        if (this.#renewalMs(keyType) <= timers.now()) await this.#renew(keyType);
      }
      this.#failures = 0;
      this.#failed = undefined;
      const untilDueMs = Math.min(...keyTypes.map((type) => this.#renewalMs(type))) - timers.now();
      return Math.max(MIN_CHECK_MS, Math.min(untilDueMs, this.#withJitter(HOUR_MS)));
    } catch (error) {
      if (this.#end.signal.aborted) return 0;
      this.#failures += 1;
      this.#failed = keyType;
      const delayMs = this.#withJitter(retryDelayMs(this.#failures));
      warn(
        `http.tls.acme: Could not get a new certificate for ${this.#describe(keyType)} from ${requested.directory}: ` +
          `${reasonOf(error)}. ${this.#describeCurrent(keyType)} The next attempt is in ${describeDelay(delayMs)}, or at SIGHUP.`,
      );
      return delayMs;
    }
  }

  #renewalMs(keyType: KeyType): number {
    const certificate = this.#certificates.get(keyType);
    return certificate === undefined ? 0 : renewalMs(certificate, this.#options.requested);
  }

  async #renew(keyType: KeyType): Promise<void> {
    const { requested, email, folder, challenges, order, inform, changed } = this.#options;
    const { signal } = this.#end;
    let publishing: ReturnType<Challenges['publish']> | undefined;
    try {
      const accountKey = await folder.accountKey();
      const publish = async (values: readonly ChallengeValue[]) => {
        publishing = challenges.publish(values);
        await this.#wait(this.#options.propagationMs(await publishing));
      };
      const { names, directory } = requested;
      const { key, chain } = await order({ names, directory, email, keyType, accountKey }, publish, signal);
      const certificate = requireType(makeCertificate(key, chain, directory), keyType);
      const missing = names.filter((name) => !certificate.names.includes(name));
      if (missing.length > 0) throw new Error(`The new certificate does not cover ${missing.join(', ')}.`);
      this.#certificates.set(keyType, certificate);
      this.#unsaved.add(keyType);
      changed();
      const end = new Date(certificate.notAfterMs).toISOString();
      inform(`http.tls.acme: Installed a new certificate for ${this.#describe(keyType)}. It expires on ${end}.`);
    } finally {
      // A publication that is still in flight must end before its records can be removed.
      await publishing?.catch(() => undefined);
      await challenges.withdraw();
    }
    await this.#save(keyType);
    if (this.#renewalMs(keyType) <= this.#options.timers.now()) {
      throw new Error('The new certificate is already due for renewal. Check the clock of this machine.');
    }
  }

  /** A certificate that cannot be written is served nevertheless, and not ordered again. */
  async #save(keyType: KeyType): Promise<void> {
    const { folder, warn } = this.#options;
    try {
      await folder.writeCertificate(keyType, formatCertificate(this.#certificates.get(keyType)!));
      this.#unsaved.delete(keyType);
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

  /** The names, and the type of the key if it is not the usual one. */
  #describe(keyType: KeyType): string {
    return `${this.#options.requested.names.join(', ')}${keyType === 'rsa' ? ' with an RSA key' : ''}`;
  }

  #describeCurrent(keyType: KeyType): string {
    const certificate = this.#certificates.get(keyType);
    if (certificate === undefined) {
      return this.#certificates.size === 0
        ? 'Clients do not trust this server yet.'
        : 'The server has only one with a key of another type yet.';
    }
    const leftMs = certificate.notAfterMs - this.#options.timers.now();
    return leftMs > 0
      ? `The current one is valid for ${describeDelay(leftMs)} more.`
      : 'The current one has expired: clients do not trust this server.';
  }
}

/** @throws Error */
function requireType(certificate: OwnCertificate, keyType: KeyType): OwnCertificate {
  if (certificate.keyType === keyType) return certificate;
  throw new Error(`The certificate has a key of another type than '${keyType}'.`);
}

function describeDelay(delayMs: number): string {
  if (delayMs >= 2 * DAY_MS) return `${Math.floor(delayMs / DAY_MS)} days`;
  if (delayMs >= 2 * HOUR_MS) return `${Math.floor(delayMs / HOUR_MS)} hours`;
  return `${Math.max(1, Math.round(delayMs / 60_000))} min`;
}
