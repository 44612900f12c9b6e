/**
 * The queue of one webhook: two deliveries in flight, those of one host in order. A failed delivery is retried with an
 * exponential backoff for a day; while the receiver fails, only one delivery is in flight. The queue is bounded and in
 * memory only: when it is full, the oldest delivery is dropped.
 */
import type { Notice, NoticeKind } from '../core/notices/notices.ts';
import type { Timers } from '../core/timers.ts';
import { adviceFor, describeOutcome, judge } from './delivery-verdict.ts';
import { HttpPoster, type PostOutcome } from './http-post.ts';
import { signatureHeaders, type WebhookFormat, type WebhookMessage, webhookMessage } from './webhook-message.ts';

export interface WebhookSettings {
  readonly url: string;
  readonly secret: string | undefined;
  readonly events: readonly NoticeKind[];
  readonly format: WebhookFormat;
}

export type DeliveryOutcome = 'delivered' | 'retried' | 'refused' | 'dropped';

export interface WebhookQueueOptions {
  readonly settings: WebhookSettings;
  /** Its position in the configuration and its host: `1 (hooks.example.net)`. */
  readonly name: string;
  readonly userAgent: string;
  readonly warn: (text: string) => void;
  /** For metrics. */
  readonly onOutcome: (outcome: DeliveryOutcome) => void;
  readonly timers: Timers;
  /** From 0 up to, not including, 1. */
  readonly random: () => number;
}

export const POST_TIMEOUT_MS = 10_000;
const PARALLEL = 2;
const MAX_WAITING = 1_000;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 600_000;
const MAX_AGE_MS = 86_400_000;
/** The first failure in a row is not logged: the retry follows soon. */
const LOGGED_FAILURE = 2;

interface Delivery {
  readonly hostKey: string;
  readonly message: WebhookMessage;
  readonly createdMs: number;
  attempts: number;
  nextMs: number;
}

export class WebhookQueue {
  readonly #options: WebhookQueueOptions;
  readonly #poster: HttpPoster;
  /** Oldest first, with those in flight. */
  #waiting: Delivery[] = [];
  readonly #inFlight = new Set<Delivery>();
  /** Failures in a row. */
  #failures = 0;
  #pausedUntilMs = 0;
  #lastProblem: string | undefined;
  #dropped = 0;
  #refusalLogged = false;
  #cancel: () => void = () => undefined;
  /** Set by `close`, and called when the queue is empty. */
  #ended: (() => void) | undefined;

  constructor(options: WebhookQueueOptions) {
    this.#options = options;
    this.#poster = new HttpPoster(options.settings.url, POST_TIMEOUT_MS, PARALLEL);
  }

  get name(): string {
    return this.#options.name;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** The last error; undefined while deliveries succeed. */
  get problem(): string | undefined {
    return this.#lastProblem;
  }

  enqueue(notice: Notice): void {
    const { settings, timers } = this.#options;
    if (this.#ended !== undefined || !settings.events.includes(notice.kind)) return;
    this.#makeRoom();
    const message = webhookMessage(notice, settings.format);
    const nowMs = timers.now();
    this.#waiting.push({ hostKey: notice.ownerName.key, message, createdMs: nowMs, attempts: 0, nextMs: nowMs });
    // Not in this call: the caller is about to answer a client.
    this.#pumpAfter(0);
  }

  /** Attempts each waiting delivery once more, for `graceMs` at most, and logs how many were lost. */
  async close(graceMs: number): Promise<void> {
    this.#cancel();
    let lost = 0;
    if (this.#waiting.length > 0) {
      this.#pausedUntilMs = 0;
      this.#failures = 0;
      for (const delivery of this.#waiting) delivery.nextMs = 0;
      await new Promise<void>((resolve) => {
        const cancel = this.#options.timers.after(graceMs, () => {
          lost = this.#waiting.length;
          this.#waiting = [];
          resolve();
        });
        this.#ended = () => {
          cancel();
          resolve();
        };
        this.#pump();
      });
    }
    this.#ended = () => undefined;
    this.#poster.close();
    this.#dropped += lost;
    this.#logDropped('Deliveries lost at shutdown or reload');
  }

  #makeRoom(): void {
    if (this.#waiting.length < MAX_WAITING) return;
    const oldest = this.#waiting.find((delivery) => !this.#inFlight.has(delivery));
    if (oldest === undefined) return;
    if (this.#dropped === 0) {
      this.#options.warn(
        `Webhook ${this.#options.name}: ${MAX_WAITING} deliveries are waiting. From now on, the oldest are dropped.`,
      );
    }
    this.#drop(oldest);
  }

  #drop(delivery: Delivery): void {
    this.#remove(delivery);
    this.#dropped += 1;
    this.#options.onOutcome('dropped');
  }

  #remove(delivery: Delivery): void {
    const index = this.#waiting.indexOf(delivery);
    if (index >= 0) this.#waiting.splice(index, 1);
  }

  #logDropped(text: string): void {
    if (this.#dropped === 0) return;
    this.#options.warn(`Webhook ${this.#options.name}: ${text}: ${this.#dropped}.`);
    this.#dropped = 0;
  }

  #pumpAfter(delayMs: number): void {
    this.#cancel();
    this.#cancel = this.#options.timers.after(delayMs, () => this.#pump());
  }

  #pump(): void {
    const nowMs = this.#options.timers.now();
    this.#dropExpired(nowMs);
    while (nowMs >= this.#pausedUntilMs && this.#inFlight.size < (this.#failures > 0 ? 1 : PARALLEL)) {
      const delivery = this.#nextDue(nowMs);
      if (delivery === undefined) break;
      this.#inFlight.add(delivery);
      void this.#attempt(delivery);
    }
    if (this.#waiting.length === 0) {
      this.#ended?.();
      return;
    }
    // A delivery in flight calls this again when it has ended.
    if (this.#inFlight.size > 0) return;
    const nextMs = Math.min(...this.#waiting.map((delivery) => delivery.nextMs));
    this.#pumpAfter(Math.max(this.#pausedUntilMs, nextMs) - nowMs);
  }

  #dropExpired(nowMs: number): void {
    if (this.#inFlight.size > 0) return;
    const expired = this.#waiting.filter(({ createdMs }) => nowMs - createdMs > MAX_AGE_MS);
    for (const delivery of expired) this.#drop(delivery);
    if (expired.length > 0) this.#logDropped('Deliveries dropped after failing for a day');
  }

  /**
   * Of the deliveries that are due and first of their host: the one with the fewest attempts, then the oldest. So a
   * delivery that always fails does not block the others.
   */
  #nextDue(nowMs: number): Delivery | undefined {
    const hosts = new Set<string>();
    let next: Delivery | undefined;
    for (const delivery of this.#waiting) {
      const isFirst = !hosts.has(delivery.hostKey);
      hosts.add(delivery.hostKey);
      if (!isFirst || delivery.nextMs > nowMs || this.#inFlight.has(delivery)) continue;
      if (next === undefined || delivery.attempts < next.attempts) next = delivery;
    }
    return next;
  }

  async #attempt(delivery: Delivery): Promise<void> {
    const { settings, timers, userAgent } = this.#options;
    const { body, headers } = delivery.message;
    const nowMs = timers.now();
    const signature = signatureHeaders(delivery.message, settings.secret, nowMs);
    delivery.attempts += 1;
    const outcome = await this.#poster.post(body, { ...headers, ...signature, 'User-Agent': userAgent }, nowMs);
    this.#inFlight.delete(delivery);
    this.#settle(delivery, outcome);
    this.#pump();
  }

  #settle(delivery: Delivery, outcome: PostOutcome): void {
    const { onOutcome, name, warn } = this.#options;
    switch (judge(outcome)) {
      case 'delivered':
        this.#remove(delivery);
        this.#succeeded();
        this.#lastProblem = undefined;
        this.#refusalLogged = false;
        onOutcome('delivered');
        return;
      case 'refused':
        this.#remove(delivery);
        this.#succeeded();
        this.#lastProblem = describeOutcome(outcome);
        onOutcome('refused');
        if (!this.#refusalLogged) {
          warn(
            `Webhook ${name} refuses deliveries: ${describeOutcome(outcome)}. They are not retried. ${adviceFor(outcome)}`,
          );
        }
        this.#refusalLogged = true;
        return;
      case 'retry':
        this.#lastProblem = describeOutcome(outcome);
        onOutcome('retried');
        this.#failed(delivery, outcome);
    }
  }

  /** The receiver answered, so the backoff ends. */
  #succeeded(): void {
    this.#failures = 0;
    this.#pausedUntilMs = 0;
    if (this.#ended === undefined) this.#logDropped('Deliveries dropped while the receiver failed');
  }

  #failed(delivery: Delivery, outcome: PostOutcome): void {
    const { name, timers, warn } = this.#options;
    if (this.#ended !== undefined) {
      this.#drop(delivery);
      return;
    }
    this.#failures += 1;
    const nowMs = timers.now();
    const retryAfterMs = outcome.kind === 'answered' ? (outcome.retryAfterMs ?? 0) : 0;
    this.#pausedUntilMs = nowMs + Math.max(Math.min(retryAfterMs, MAX_AGE_MS), this.#retryDelayMs(this.#failures));
    delivery.nextMs = nowMs + this.#retryDelayMs(delivery.attempts);
    if (this.#failures !== LOGGED_FAILURE) return;
    warn(`Webhook ${name} fails: ${describeOutcome(outcome)}. Deliveries are retried for a day. ${adviceFor(outcome)}`);
  }

  /** Doubles each time, with a jitter of 20 % so that many senders do not retry at once. */
  #retryDelayMs(attempts: number): number {
    const delayMs = Math.min(FIRST_RETRY_MS * 2 ** Math.min(attempts - 1, 20), LAST_RETRY_MS);
    return Math.round(delayMs * (0.8 + 0.4 * this.#options.random()));
  }
}
