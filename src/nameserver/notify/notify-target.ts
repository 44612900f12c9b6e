/**
 * NOTIFY (RFC 1996) from one zone to one secondary, as a state machine: at most one unanswered, the newest serial in
 * each, again after 1, 2, 4 … 60 seconds (§3.6), given up after ten minutes until the next commit.
 *
 * Under a stream of commits the first is told at once, the others together after the answer, a tenth of a second apart.
 * Left out: NOTIFY over TCP; the request is small, and a secondary asks for the SOA itself from time to time.
 */
import { RRClass, RRType } from '../../dns/rdata.ts';
import { rrsetRecords } from '../../dns/rrset.ts';
import { ClientTransaction, TsigError, TsigErrorCode } from '../../dns/tsig.ts';
import type { TsigKey } from '../../dns/tsig-key.ts';
import { encodeMessage, formatRcode, makeMessage, Opcode, Rcode } from '../../dns/wire/message.ts';
import { WireError } from '../../dns/wire/reader.ts';
import { messageId, type Reply, readReply } from '../../net/exchange.ts';
import type { EmbeddedZone } from '../zone/embedded-zone.ts';
import { rrsetOf } from '../zone/zone-version.ts';
import type { SerialAt } from './commit-times.ts';
import type { NotifySocket, OpenNotifySocket } from './notify-socket.ts';

/** A nameserver that serves copies of a zone. */
export interface Secondary {
  /** Canonical IP text. */
  readonly address: string;
  readonly port: number;
  /** Signs NOTIFY; answers must be signed with it then. */
  readonly key?: TsigKey | undefined;
  /** False: it is not told, and asks for itself. */
  readonly notify: boolean;
}

export interface NotifyClock {
  /** Milliseconds since 1970. */
  nowMs(): number;
  /** Runs once after so many milliseconds; gives what takes that back. */
  setTimer(delayMs: number, run: () => void): () => void;
}

export interface NotifyPorts {
  readonly clock: NotifyClock;
  readonly open: OpenNotifySocket;
  /** 16 bits that cannot be guessed. */
  readonly randomId: () => number;
  /** Once for each time that a secondary does not answer, or refuses, until it acknowledges again. */
  readonly onWarning: (warning: NotifyWarning) => void;
  readonly onSent?: () => void;
  readonly onAcknowledged?: () => void;
}

export interface NotifyWarning {
  readonly zone: EmbeddedZone;
  readonly secondary: Secondary;
  /** What is wrong, in words that complete "the secondary …". */
  readonly problem: string;
}

/** From the start of one NOTIFY to the next. */
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
  /** By message id: the answer to an earlier attempt counts, too. */
  readonly sent: Map<number, Sent>;
  cancelTimer: () => void;
}

export class NotifyTarget {
  readonly zone: EmbeddedZone;
  secondary: Secondary;
  /** The newest serial that it acknowledged to have been told. */
  acknowledged: SerialAt | undefined;
  /** The newest serial that it is known to hold. */
  held: SerialAt | undefined;
  /** When the oldest commit was published that it is not known to hold (milliseconds since 1970). */
  behindSinceMs: number | undefined;
  /** Attempts without an acknowledgement since the last one. */
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

  /** True while a NOTIFY is without an answer. */
  get isOutstanding(): boolean {
    return this.#round !== undefined;
  }

  /** There is a new version, or this server has started: the secondary is told, sooner or later. */
  notify(): void {
    // What is outstanding looks for a newer serial when it is sent again or answered.
    if (!this.secondary.notify || this.#round !== undefined || this.#cancelPace !== undefined) return;
    const elapsedMs = Math.max(0, this.#ports.clock.nowMs() - this.#lastSentMs);
    if (elapsedMs >= PACE_MS) this.#begin();
    else this.#cancelPace = this.#ports.clock.setTimer(PACE_MS - elapsedMs, () => this.#begin());
  }

  /** It has asked for the zone: it is there, so it is not to wait for the next of many attempts. */
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
      startedMs: this.#ports.clock.nowMs(),
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
    const nowMs = this.#ports.clock.nowMs();
    const version = this.zone.published;
    let id = this.#ports.randomId();
    while (round.sent.has(id)) id = (id + 1) & 0xffff;
    const question = { qname: version.apex, qtype: RRType.SOA, qclass: RRClass.IN };
    const message = makeMessage({
      id,
      opcode: Opcode.NOTIFY,
      authoritative: true,
      questions: [question],
      // RFC 1996 §3.7: a hint of what is new.
      answers: rrsetRecords(rrsetOf(version.apex, version.soa)),
    });
    const transaction = this.secondary.key && new ClientTransaction(this.secondary.key);
    const octets = encodeMessage(message);
    const request = transaction?.sign(octets, Math.floor(nowMs / 1000)) ?? octets;
    round.sent.set(id, { serial: version.serial, request, transaction });
    this.failures += 1;
    this.#lastSentMs = nowMs;
    round.cancelTimer = this.#ports.clock.setTimer(round.retryMs, () => this.#onTimer(round));
    round.retryMs = Math.min(2 * round.retryMs, LAST_RETRY_MS);
    round.socket.send(request);
    this.#ports.onSent?.();
  }

  #onTimer(round: Round): void {
    if (this.#ports.clock.nowMs() - round.startedMs < GIVE_UP_MS) {
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
      // Perhaps it is starting, or the datagram is forged: the attempts go on.
      this.#warn(problem);
      return;
    }
    this.#end();
    this.acknowledged = { serial: sent.serial, atMs: this.#ports.clock.nowMs() };
    this.failures = 0;
    this.problem = undefined;
    this.#ports.onAcknowledged?.();
    if (this.zone.published.serial !== sent.serial) this.notify();
  }

  /** Why the reply is no acknowledgement. */
  #problemOf({ transaction }: Sent, { octets, message }: Reply): string | undefined {
    try {
      transaction?.verify(octets, message, Math.floor(this.#ports.clock.nowMs() / 1000));
    } catch (error) {
      if (!(error instanceof TsigError)) throw error;
      return tsigProblem(error);
    }
    return message.rcode === Rcode.NOERROR ? undefined : `answers NOTIFY with ${formatRcode(message.rcode)}`;
  }

  #warn(problem: string): void {
    const isFirst = this.problem === undefined;
    this.problem = problem;
    if (isFirst) this.#ports.onWarning({ zone: this.zone, secondary: this.secondary, problem });
  }
}

function readOrIgnore(request: Uint8Array, octets: Uint8Array): Reply | undefined {
  try {
    return readReply(request, octets);
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

function tsigProblem({ failure, rcode }: TsigError): string {
  if (failure.side === 'theirs') {
    const name = Object.entries(TsigErrorCode).find(([, code]) => code === failure.error)?.[0] ?? failure.error;
    return `rejects the signature of NOTIFY (${formatRcode(rcode)}, ${name})`;
  }
  if (failure.reason === 'unsigned') return `answers signed NOTIFY without a signature (${formatRcode(rcode)})`;
  return `answers NOTIFY with a signature that does not verify (${failure.reason})`;
}
