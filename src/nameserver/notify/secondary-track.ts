/**
 * What is known of one secondary: the serials that it named itself (in our queries for its SOA, and in the SOA of its IXFR,
 * RFC 1995 §3), and what it was sent. A transfer that was sent is not proof that it was taken: a secondary may refuse the data.
 */
import { serialIsLater } from '../../dns/serial.ts';
import type { EmbeddedZone } from '../zone/embedded-zone.ts';
import type { SerialAt } from './commit-times.ts';

/** How long a secondary may take to serve what it was sent: at least this, and a second for each megabyte. */
const PATIENCE_MS = 10_000;
const OCTETS_PER_MS = 1000;
/** Unanswered queries in a row after which it is not answering. */
const SILENT = 2;

export type SecondaryStateKind =
  /** Not known yet. */
  | 'unknown'
  | 'up-to-date'
  /** It is not asked, was sent the newest version, and has not named an older one since. */
  | 'sent'
  | 'behind'
  /** It was sent a serial in full, and still names an older one. */
  | 'refused'
  /** Its serial is later than that of this primary. */
  | 'ahead'
  | 'not-answering'
  /** It answers, but not for this zone. */
  | 'not-serving';

export interface SecondaryCondition {
  readonly state: SecondaryStateKind;
  /** Milliseconds since 1970. */
  readonly sinceMs: number;
  /** The newest serial that it was sent and does not have; where `state` is `refused`. */
  readonly refusedSerial?: number;
  /** Completes the sentence "The secondary …". */
  readonly text: string;
}

interface Sent extends SerialAt {
  readonly patienceMs: number;
}

export class SecondaryTrack {
  /** The serial that it named last, and when it first named it. */
  held: SerialAt | undefined;
  /** When it last named its serial. */
  namedMs: number | undefined;
  /** When it last answered a query of ours. */
  answeredMs: number | undefined;
  /** Publication time of the oldest commit that it does not hold. */
  behindSinceMs: number | undefined;
  /** The newest serial that it served in an answer to a query. */
  served: number | undefined;
  /** The last transfer that it took in full. */
  transferred: (SerialAt & { readonly kind: 'AXFR' | 'IXFR' }) | undefined;
  readonly #zone: EmbeddedZone;
  readonly #sinceMs: number;
  #unanswered = 0;
  #silentSinceMs = 0;
  #problem: { readonly text: string; readonly sinceMs: number } | undefined;
  /** Transfers of serials that it has not named: the oldest and the newest. */
  #firstSent: Sent | undefined;
  #lastSent: Sent | undefined;

  constructor(zone: EmbeddedZone, nowMs: number) {
    this.#zone = zone;
    this.#sinceMs = nowMs;
  }

  /** Its answers show what it serves, so that its IXFR need not. */
  get isAnswering(): boolean {
    return this.served !== undefined && this.#unanswered === 0;
  }

  /** It serves this serial or a later one of ours: one that is ahead has another zone. */
  hasServed(serial: number): boolean {
    return this.served !== undefined && !this.isAhead(this.served) && !serialIsLater(serial, this.served);
  }

  /** True for a serial that this primary has not published yet. */
  isAhead(serial: number): boolean {
    return serialIsLater(serial, this.#zone.published.serial);
  }

  /** @param firstAfter publication time of the first commit after a serial */
  named(serial: number, nowMs: number, firstAfter: (serial: number) => number | undefined): void {
    this.namedMs = nowMs;
    if (this.held?.serial !== serial) this.held = { serial, atMs: nowMs };
    if (this.#lastSent !== undefined && !serialIsLater(this.#lastSent.serial, serial)) {
      this.#firstSent = undefined;
      this.#lastSent = undefined;
    } else if (this.#firstSent !== undefined && !serialIsLater(this.#firstSent.serial, serial)) {
      this.#firstSent = this.#lastSent;
    }
    this.behindSinceMs = firstAfter(serial);
  }

  /** It answered a query with its SOA. */
  answered(serial: number, nowMs: number, firstAfter: (serial: number) => number | undefined): void {
    this.answeredMs = nowMs;
    this.served = serial;
    this.#unanswered = 0;
    this.#problem = undefined;
    this.named(serial, nowMs, firstAfter);
  }

  /** It answered a query without serving the zone. */
  notServing(text: string, nowMs: number): void {
    this.answeredMs = nowMs;
    this.#unanswered = 0;
    if (this.#problem?.text !== text) this.#problem = { text, sinceMs: nowMs };
  }

  /** It left a query unanswered. */
  silent(nowMs: number): void {
    if (this.#unanswered === 0) this.#silentSinceMs = this.answeredMs ?? nowMs;
    this.#unanswered += 1;
  }

  /** It took the last message of a transfer. */
  sent(serial: number, octets: number, nowMs: number, kind: 'AXFR' | 'IXFR' = 'AXFR'): void {
    this.transferred = { serial, atMs: nowMs, kind };
    if (this.held !== undefined && !serialIsLater(serial, this.held.serial)) return;
    const sent = { serial, atMs: nowMs, patienceMs: PATIENCE_MS + octets / OCTETS_PER_MS };
    this.#firstSent ??= sent;
    this.#lastSent = sent;
  }

  condition(isPolled: boolean): SecondaryCondition {
    const { held } = this;
    const { published } = this.#zone;
    if (isPolled && this.#unanswered >= SILENT) {
      const when = this.answeredMs === undefined ? 'does not answer queries' : 'does not answer queries any more';
      return { state: 'not-answering', sinceMs: this.#silentSinceMs, text: when };
    }
    if (isPolled && this.#problem !== undefined) {
      return { state: 'not-serving', sinceMs: this.#problem.sinceMs, text: this.#problem.text };
    }
    const sent = this.#lastSent;
    const refused = this.#refused();
    if (refused !== undefined) {
      const { serial, atMs } = refused;
      const text = `refused the transfer of serial ${serial}: it still has ${held?.serial}`;
      return { state: 'refused', sinceMs: atMs, refusedSerial: serial, text };
    }
    if (!isPolled && sent?.serial === published.serial) {
      return { state: 'sent', sinceMs: sent.atMs, text: `was sent serial ${sent.serial}` };
    }
    if (held === undefined) return { state: 'unknown', sinceMs: this.#sinceMs, text: 'has not named its serial yet' };
    if (held.serial === published.serial) return { state: 'up-to-date', sinceMs: held.atMs, text: 'is up to date' };
    if (this.isAhead(held.serial)) {
      const text = `has the serial ${held.serial}, which is later than ${published.serial} here`;
      return { state: 'ahead', sinceMs: held.atMs, text };
    }
    const text = `is behind by ${this.#missing(held.serial)}`;
    return { state: 'behind', sinceMs: this.behindSinceMs ?? held.atMs, text };
  }

  /** The transfer that it did not take; undefined: none, or it may still take it. */
  #refused(): Sent | undefined {
    const { held, namedMs } = this;
    if (held === undefined || namedMs === undefined) return undefined;
    return [this.#lastSent, this.#firstSent].find((sent) => sent && namedMs >= sent.atMs + sent.patienceMs);
  }

  /** The number of commits after a serial: from the latest differences, else the distance of the serials. */
  #missing(serial: number): number {
    const { recent, published } = this.#zone;
    const first = recent.findIndex(({ serialBefore }) => serialBefore === serial);
    return first < 0 ? (published.serial - serial) >>> 0 : recent.length - first;
  }
}
