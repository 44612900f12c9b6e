/**
 * NOTIFY (RFC 1996) from one zone to one secondary, as a state machine: one NOTIFY in flight with the newest serial; retries
 * with backoff after 1, 2, 4 … 60 seconds (RFC 1996 §3.6); after ten minutes it gives up until the next commit.
 *
 * Frequent commits are throttled: the first one sends a NOTIFY at once, later ones share the next NOTIFY, at least a tenth
 * of a second later. Left out: NOTIFY over TCP; the request is small, and secondaries also poll the SOA.
 */
import type { Timers } from '../../core/timers.ts';
import { RRClass, RRType } from '../../dns/rdata.ts';
import { rrsetRecords } from '../../dns/rrset.ts';
import { ClientTransaction } from '../../dns/tsig.ts';
import type { TsigKey } from '../../dns/tsig-key.ts';
import { encodeMessage, formatRcode, makeMessage, Opcode, Rcode } from '../../dns/wire/message.ts';
import { messageId, type Reply } from '../../net/exchange.ts';
import type { EmbeddedZone } from '../zone/embedded-zone.ts';
import { rrsetOf } from '../zone/zone-version.ts';
import type { SerialAt } from './commit-times.ts';
import type { NotifySocket, OpenNotifySocket } from './notify-socket.ts';
import { readOrIgnore, signatureProblem } from './readable-reply.ts';

/** A nameserver that serves copies of a zone. */
export interface Secondary {
  /** Canonical IP text. */
  readonly address: string;
  readonly port: number;
  /** Signs NOTIFY and our queries; replies must then be signed with it, too. */
  readonly key?: TsigKey | undefined;
  /** False: no NOTIFY is sent; the secondary polls. */
  readonly notify: boolean;
  /** False: it is not asked for its SOA, because it does not serve the zone, like a hidden distribution server. */
  readonly poll: boolean;
}

export interface NotifyPorts {
  readonly timers: Timers;
  readonly open: OpenNotifySocket;
  /** 16 bits that cannot be guessed. */
  readonly randomId: () => number;
  /** Called once when a secondary stops acknowledging, and again only after it has acknowledged in between. */
  readonly onWarning: (warning: NotifyWarning) => void;
  readonly onSent?: () => void;
  readonly onAcknowledged?: () => void;
}

export interface NotifyWarning {
  readonly zone: EmbeddedZone;
  readonly secondary: Secondary;
  /** Completes the sentence "The secondary …". */
  readonly problem: string;
}

/** Minimum time between two rounds. */
const PACE_MS = 100;
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 60_000;
const GIVE_UP_MS = 600_000;

interface Sent {
  readonly serial: number;
  readonly request: Uint8Array;
  readonly transaction: ClientTransaction | undefined;
}

interface Round {
  readonly socket: NotifySocket;
  readonly startedMs: number;
  retryMs: number;
  /** By message id, because a reply to an earlier attempt is also an acknowledgement. */
  readonly sent: Map<number, Sent>;
  cancelTimer: () => void;
}

export class NotifyTarget {
  readonly zone: EmbeddedZone;
  secondary: Secondary;
  /** The serial of the latest acknowledged NOTIFY. */
  acknowledged: SerialAt | undefined;
  /** Attempts since the last acknowledgement. */
  failures = 0;
  /** Why the last attempts failed; undefined since the last acknowledgement. */
  problem: string | undefined;
  readonly #ports: NotifyPorts;
  #round: Round | undefined;
  #cancelPace: (() => void) | undefined;
  #lastSentMs = Number.NEGATIVE_INFINITY;

  constructor(zone: EmbeddedZone, secondary: Secondary, ports: NotifyPorts) {
    this.zone = zone;
    this.secondary = secondary;
    this.#ports = ports;
  }

  /** True while a NOTIFY is in flight. */
  get isOutstanding(): boolean {
    return this.#round !== undefined;
  }

  /** Sends a NOTIFY, at once or when the throttling permits. Called for a new version and at the start. */
  notify(): void {
    // A NOTIFY in flight checks for a newer serial when it is retried or answered.
    if (!this.secondary.notify || this.#round !== undefined || this.#cancelPace !== undefined) return;
    const elapsedMs = Math.max(0, this.#ports.timers.now() - this.#lastSentMs);
    if (elapsedMs >= PACE_MS) this.#begin();
    else this.#cancelPace = this.#ports.timers.after(PACE_MS - elapsedMs, () => this.#begin());
  }

  /** The secondary has sent a request, so it is up: restarts a round that is in backoff. */
  wake(): void {
    if (this.#round === undefined || this.#round.sent.size < 2) return;
    this.#end();
    this.notify();
  }

  close(): void {
    this.#cancelPace?.();
    this.#cancelPace = undefined;
    this.#end();
  }

  #begin(): void {
    this.#cancelPace = undefined;
    const { address, port } = this.secondary;
    this.#round = {
      socket: this.#ports.open({ host: address, port }, (octets) => this.#onMessage(octets)),
      startedMs: this.#ports.timers.now(),
      retryMs: FIRST_RETRY_MS,
      sent: new Map(),
      cancelTimer: () => undefined,
    };
    this.#send(this.#round);
  }

  #end(): void {
    this.#round?.cancelTimer();
    this.#round?.socket.close();
    this.#round = undefined;
  }

  #send(round: Round): void {
    const nowMs = this.#ports.timers.now();
    const version = this.zone.published;
    let id = this.#ports.randomId();
    while (round.sent.has(id)) id = (id + 1) & 0xffff;
    const question = { qname: version.apex, qtype: RRType.SOA, qclass: RRClass.IN };
    const message = makeMessage({
      id,
      opcode: Opcode.NOTIFY,
      authoritative: true,
      questions: [question],
      // RFC 1996 §3.7: the new SOA as a hint.
      answers: rrsetRecords(rrsetOf(version.apex, version.soa)),
    });
    const transaction = this.secondary.key && new ClientTransaction(this.secondary.key);
    const octets = encodeMessage(message);
    const request = transaction?.sign(octets, Math.floor(nowMs / 1000)) ?? octets;
    round.sent.set(id, { serial: version.serial, request, transaction });
    this.failures += 1;
    this.#lastSentMs = nowMs;
    round.cancelTimer = this.#ports.timers.after(round.retryMs, () => this.#onTimer(round));
    round.retryMs = Math.min(2 * round.retryMs, LAST_RETRY_MS);
    round.socket.send(request);
    this.#ports.onSent?.();
  }

  #onTimer(round: Round): void {
    if (this.#ports.timers.now() - round.startedMs < GIVE_UP_MS) {
      this.#send(round);
      return;
    }
    this.#end();
    this.#warn(this.problem ?? 'does not answer NOTIFY');
  }

  #onMessage(octets: Uint8Array): void {
    const sent = octets.length < 2 ? undefined : this.#round?.sent.get(messageId(octets));
    if (sent === undefined) return;
    const reply = readOrIgnore(sent.request, octets);
    if (reply === undefined) return;
    const problem = this.#problemOf(sent, reply);
    if (problem !== undefined) {
      // The secondary may be starting, or the datagram may be forged: keep retrying.
      this.#warn(problem);
      return;
    }
    this.#end();
    this.acknowledged = { serial: sent.serial, atMs: this.#ports.timers.now() };
    this.failures = 0;
    this.problem = undefined;
    this.#ports.onAcknowledged?.();
    if (this.zone.published.serial !== sent.serial) this.notify();
  }

  /** Why the reply is not an acknowledgement; undefined if it is one. */
  #problemOf({ transaction }: Sent, reply: Reply): string | undefined {
    const { rcode } = reply.message;
    return (
      signatureProblem(transaction, reply, this.#ports.timers.now(), 'NOTIFY') ??
      (rcode === Rcode.NOERROR ? undefined : `answers NOTIFY with ${formatRcode(rcode)}`)
    );
  }

  #warn(problem: string): void {
    const isFirst = this.problem === undefined;
    this.problem = problem;
    if (isFirst) this.#ports.onWarning({ zone: this.zone, secondary: this.secondary, problem });
  }
}
