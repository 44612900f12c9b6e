/**
 * Deliveries of one webhook: two at a time, those of one host one after the other in their order. What fails is tried
 * again for a day, later and later; while the receiver fails, one delivery at a time asks for it. Waiting ones are kept in
 * memory only, and at most so many: then the oldest are dropped.
 */
import type { Notice, NoticeKind } from '../core/notices/notices.ts';
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
  /** Its number in the file and its host: `1 (hooks.example.net)`. */
  readonly name: string;
  readonly userAgent: string;
  readonly warn: (text: string) => void;
  /** For counting. */
  readonly onOutcome: (outcome: DeliveryOutcome) => void;
  readonly timers: {
    /** Milliseconds since 1970. */
    now(): number;
    /** Calls back once, after so many milliseconds; gives what prevents it. */
    after(delayMs: number, call: () => void): () => void;
  };
  /** From 0 to 1. */
  readonly random: () => number;
}

export const POST_TIMEOUT_MS = 10_000;
const PARALLEL = 2;
const MAX_WAITING = 1_000;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 600_000;
const MAX_AGE_MS = 86_400_000;
/** A single failure is told to nobody: the next attempt comes soon. */
const TOLD_FAILURES = 2;

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
  /** Oldest first, those under way included. */
  #waiting: Delivery[] = [];
  readonly #underWay = new Set<Delivery>();
  /** In a row. */
  #failures = 0;
  #pausedUntilMs = 0;
  #lastProblem: string | undefined;
  #dropped = 0;
  #refusalTold = false;
  #cancel: () => void = () => undefined;
  /** Set when the end has begun: called when nothing waits any more. */
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

  /** What went wrong last; undefined while it works. */
  get problem(): string | undefined {
    return this.#lastProblem;
  }

  tell(notice: Notice): void {
    const { settings, timers } = this.#options;
    if (this.#ended !== undefined || !settings.events.includes(notice.kind)) return;
    this.#makeRoom();
    const message = webhookMessage(notice, settings.format);
    const nowMs = timers.now();
    this.#waiting.push({ hostKey: notice.ownerName.key, message, createdMs: nowMs, attempts: 0, nextMs: nowMs });
    // Not now: whoever tells is answering a client.
    this.#pumpAfter(0);
  }

  /** Tries everything that waits once more, then ends; what is not delivered after the grace is lost, and told. */
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
    this.#tellDropped('deliveries that are lost because the server ends');
  }

  #makeRoom(): void {
    if (this.#waiting.length < MAX_WAITING) return;
    const oldest = this.#waiting.find((delivery) => !this.#underWay.has(delivery));
    if (oldest === undefined) return;
    if (this.#dropped === 0) {
      this.#options.warn(
        `Webhook ${this.#options.name}: ${MAX_WAITING} deliveries wait; the oldest are dropped from now on.`,
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

  #tellDropped(why: string): void {
    if (this.#dropped === 0) return;
    this.#options.warn(`Webhook ${this.#options.name}: ${why}: ${this.#dropped}.`);
    this.#dropped = 0;
  }

  #pumpAfter(delayMs: number): void {
    this.#cancel();
    this.#cancel = this.#options.timers.after(delayMs, () => this.#pump());
  }

  #pump(): void {
    const nowMs = this.#options.timers.now();
    this.#dropOld(nowMs);
    while (nowMs >= this.#pausedUntilMs && this.#underWay.size < (this.#failures > 0 ? 1 : PARALLEL)) {
      const delivery = this.#nextDue(nowMs);
      if (delivery === undefined) break;
      this.#underWay.add(delivery);
      void this.#attempt(delivery);
    }
    if (this.#waiting.length === 0) {
      this.#ended?.();
      return;
    }
    // What is under way comes here by itself when it has ended.
    if (this.#underWay.size > 0) return;
    const nextMs = Math.min(...this.#waiting.map((delivery) => delivery.nextMs));
    this.#pumpAfter(Math.max(this.#pausedUntilMs, nextMs) - nowMs);
  }

  #dropOld(nowMs: number): void {
    if (this.#underWay.size > 0) return;
    const old = this.#waiting.filter(({ createdMs }) => nowMs - createdMs > MAX_AGE_MS);
    for (const delivery of old) this.#drop(delivery);
    if (old.length > 0) this.#tellDropped('deliveries that failed for a day and are given up');
  }

  /**
   * Of those that are due and have none of their host before them the one that was tried least, then the oldest: one that
   * is never taken does not keep the others.
   */
  #nextDue(nowMs: number): Delivery | undefined {
    const hosts = new Set<string>();
    let next: Delivery | undefined;
    for (const delivery of this.#waiting) {
      const isFirst = !hosts.has(delivery.hostKey);
      hosts.add(delivery.hostKey);
      if (!isFirst || delivery.nextMs > nowMs || this.#underWay.has(delivery)) continue;
      if (next === undefined || delivery.attempts < next.attempts) next = delivery;
    }
    return next;
  }

  async #attempt(delivery: Delivery): Promise<void> {
    const { settings, timers, userAgent } = this.#options;
    const { body, headers } = delivery.message;
    const nowMs = timers.now();
    const signature = signatureHeaders(body, settings.secret, nowMs);
    delivery.attempts += 1;
    const outcome = await this.#poster.post(body, { ...headers, ...signature, 'User-Agent': userAgent }, nowMs);
    this.#underWay.delete(delivery);
    this.#settle(delivery, outcome);
    this.#pump();
  }

  #settle(delivery: Delivery, outcome: PostOutcome): void {
    const { onOutcome, name, warn } = this.#options;
    switch (judge(outcome)) {
      case 'delivered':
        this.#remove(delivery);
        this.#works();
        this.#lastProblem = undefined;
        this.#refusalTold = false;
        onOutcome('delivered');
        return;
      case 'refused':
        this.#remove(delivery);
        this.#works();
        this.#lastProblem = describeOutcome(outcome);
        onOutcome('refused');
        if (!this.#refusalTold) {
          warn(
            `Webhook ${name} refuses deliveries: ${describeOutcome(outcome)}. They are not repeated. ${adviceFor(outcome)}`,
          );
        }
        this.#refusalTold = true;
        return;
      case 'retry':
        this.#lastProblem = describeOutcome(outcome);
        onOutcome('retried');
        this.#failed(delivery, outcome);
    }
  }

  #works(): void {
    this.#failures = 0;
    this.#pausedUntilMs = 0;
    if (this.#ended === undefined) this.#tellDropped('deliveries that were dropped while it did not work');
  }

  #failed(delivery: Delivery, outcome: PostOutcome): void {
    const { name, timers, warn } = this.#options;
    if (this.#ended !== undefined) {
      this.#drop(delivery);
      return;
    }
    this.#failures += 1;
    const nowMs = timers.now();
    const asked = outcome.kind === 'answered' ? (outcome.retryAfterMs ?? 0) : 0;
    this.#pausedUntilMs = nowMs + Math.max(Math.min(asked, MAX_AGE_MS), this.#retryDelayMs(this.#failures));
    delivery.nextMs = nowMs + this.#retryDelayMs(delivery.attempts);
    if (this.#failures !== TOLD_FAILURES) return;
    warn(
      `Webhook ${name} does not work: ${describeOutcome(outcome)}. Deliveries are tried again for a day. ${adviceFor(outcome)}`,
    );
  }

  /** Twice as long each time, up to a fifth more or less, so that many senders do not come back at once. */
  #retryDelayMs(attempts: number): number {
    const delayMs = Math.min(FIRST_RETRY_MS * 2 ** Math.min(attempts - 1, 20), LAST_RETRY_MS);
    return Math.round(delayMs * (0.8 + 0.4 * this.#options.random()));
  }
}
