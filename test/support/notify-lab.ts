/** A Notifier with a clock that only the test advances, and secondaries whose messages the test answers. */
import type { Timers } from '../../src/core/timers.ts';
import type { Receipt } from '../../src/core/zones/secondaries.ts';
import { type DecodedMessage, decodeMessage, type Message, Opcode } from '../../src/dns/wire/message.ts';
import { Notifier } from '../../src/nameserver/notify/notify.ts';
import type { SecondaryChange } from '../../src/nameserver/notify/secondary-alarm.ts';
import type { EmbeddedZone } from '../../src/nameserver/zone/embedded-zone.ts';
import { replyTo } from './dns-listener.ts';
import { setAddresses } from './published-zone.ts';

export const START_MS = 1_700_000_000_000;

/** Time that only the test advances. */
class ManualClock implements Timers {
  #nowMs = START_MS;
  readonly #timers = new Set<{ readonly atMs: number; readonly run: () => void }>();

  now(): number {
    return this.#nowMs;
  }

  get pending(): number {
    return this.#timers.size;
  }

  after(delayMs: number, run: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (;;) {
      let next: { readonly atMs: number; readonly run: () => void } | undefined;
      for (const timer of this.#timers) if (next === undefined || timer.atMs < next.atMs) next = timer;
      if (next === undefined || next.atMs > endMs) break;
      this.#timers.delete(next);
      this.#nowMs = next.atMs;
      next.run();
    }
    this.#nowMs = endMs;
  }

  /** Sets the wall clock, as an administrator does. */
  set(ms: number): void {
    this.#nowMs = ms;
  }
}

/** A NOTIFY, or a query for the SOA. */
export interface SentMessage {
  readonly at: number;
  readonly to: string;
  readonly octets: Buffer;
  readonly message: DecodedMessage;
  readonly serial: number | undefined;
  /** Delivers octets to the socket that sent this. */
  readonly receive: (octets: Uint8Array) => void;
  readonly answer: (fields?: Partial<Message>) => void;
}

/** A Notifier with scripted secondaries. */
export function notifyLab() {
  const timers = new ManualClock();
  const sent: SentMessage[] = [];
  /** The queries for the SOA, which are not in `sent`. */
  const queries: SentMessage[] = [];
  const receipts: Receipt[] = [];
  const changes: SecondaryChange[] = [];
  const warnings: string[] = [];
  const sockets = new Set<object>();
  let id = 0xfffe;
  const notifier = new Notifier(
    ({ zone, secondary, problem }) => warnings.push(`${zone.apex} ${secondary.address} ${problem}`),
    {
      timers,
      onServed: (receipt) => receipts.push(receipt),
      onChange: (change) => changes.push(change),
      randomId: () => id++ & 0xffff,
      open({ host, port }, onMessage) {
        const socket = {
          send(octets: Uint8Array) {
            const message = decodeMessage(octets);
            const rdata = message.answers[0]?.rdata;
            const receive = (reply: Uint8Array) => void (sockets.has(socket) && onMessage(reply));
            (message.opcode === Opcode.NOTIFY ? sent : queries).push({
              at: timers.now() - START_MS,
              to: `${host}:${port}`,
              octets: Buffer.from(octets),
              message,
              serial: rdata?.kind === 'SOA' ? rdata.serial : undefined,
              receive,
              answer: (fields) => receive(replyTo(octets, fields)),
            });
          },
          close: () => void sockets.delete(socket),
        };
        sockets.add(socket);
        return socket;
      },
    },
  );
  const publish = (zone: EmbeddedZone) => {
    setAddresses(zone, 'home', [`192.0.2.${zone.published.serial % 256}`]);
    notifier.published(zone);
  };
  return { timers, sent, queries, receipts, changes, warnings, sockets, notifier, publish };
}
