/**
 * Asks one secondary for the SOA of a zone (RFC 1035 §4.3.1), over UDP from a connected socket with an unpredictable id:
 * only its answer shows what it serves. One query is in flight at a time.
 *
 * While the secondary is behind, the pauses grow with the time since the reason to ask, so that the time at which it served a
 * change is known to about a third. Frequent commits share queries, as they share NOTIFY. Otherwise it is asked rarely.
 * Left out: TCP. A truncated answer, as of response rate limiting, counts as none; the next query follows.
 */
import type { Timers } from '../../core/timers.ts';
import { RRClass, RRType } from '../../dns/rdata.ts';
import { ClientTransaction } from '../../dns/tsig.ts';
import { encodeMessage, formatRcode, makeMessage, Rcode } from '../../dns/wire/message.ts';
import { messageId, type Reply } from '../../net/exchange.ts';
import type { EmbeddedZone } from '../zone/embedded-zone.ts';
import type { NotifySocket, OpenNotifySocket } from './notify-socket.ts';
import type { Secondary } from './notify-target.ts';
import { readOrIgnore, signatureProblem } from './readable-reply.ts';

export type PollResult =
  /** The serial of its SOA, from an authoritative answer. */
  | { readonly kind: 'serial'; readonly serial: number }
  /** It answers, but does not serve the zone. Completes the sentence "The secondary …". */
  | { readonly kind: 'problem'; readonly problem: string }
  | { readonly kind: 'silent' };

export interface PollPorts {
  readonly timers: Timers;
  readonly open: OpenNotifySocket;
  /** 16 bits that cannot be guessed. */
  readonly randomId: () => number;
  /** Queries in flight to all secondaries together. */
  readonly load: { inFlight: number };
  /** How often a secondary is asked that is up to date. */
  readonly idleMs: () => number;
  /** @returns true if nothing has to be waited for: it is up to date */
  readonly onResult: (result: PollResult) => boolean;
}

/** Between two queries to one secondary. */
const PACE_MS = 20;
/** The same while commits keep coming. */
const BUSY_PACE_MS = 100;
/** Number of commits in quick succession from which on the zone is taken to be busy. */
const BUSY_COMMITS = 10;
const BUSY_GAP_MS = 150;
const REPLY_MS = 1000;
const GROWTH = 0.3;
const LONGEST_PAUSE_MS = 30_000;
const MAX_IN_FLIGHT = 200;
/** A socket is used again for a pause of at most this length, and until this age. */
const SOCKET_PAUSE_MS = 1000;
const SOCKET_AGE_MS = 10_000;

interface Query {
  readonly id: number;
  readonly request: Uint8Array;
  readonly transaction: ClientTransaction | undefined;
}

export class SoaPoll {
  readonly #zone: EmbeddedZone;
  readonly #ports: PollPorts;
  #secondary: Secondary;
  #socket: { readonly socket: NotifySocket; readonly openedMs: number } | undefined;
  #query: Query | undefined;
  #cancelTimer: (() => void) | undefined;
  #dueMs = Number.POSITIVE_INFINITY;
  #lastSentMs = Number.NEGATIVE_INFINITY;
  /** When there was a reason to ask; undefined: there is none. */
  #reasonMs: number | undefined;
  #commits = 0;
  #lastCommitMs = Number.NEGATIVE_INFINITY;
  /** There was another reason while a query was in flight. */
  #isAgain = false;

  constructor(zone: EmbeddedZone, secondary: Secondary, ports: PollPorts) {
    this.#zone = zone;
    this.#secondary = secondary;
    this.#ports = ports;
  }

  /** The secondary may have something new, or be there again: asks at once, as far as the pace allows. */
  soon(): void {
    if (!this.#secondary.poll) return;
    this.#reasonMs = this.#ports.timers.now();
    if (this.#query === undefined) this.#schedule(PACE_MS);
    else this.#isAgain = true;
  }

  /** The zone has a new version. Does not speed up the queries to a secondary that is behind already. */
  published(): void {
    const nowMs = this.#ports.timers.now();
    this.#commits = nowMs - this.#lastCommitMs > BUSY_GAP_MS ? 1 : this.#commits + 1;
    this.#lastCommitMs = nowMs;
    if (this.#reasonMs === undefined) this.soon();
  }

  /** Other settings of the same secondary. */
  configure(secondary: Secondary): void {
    this.close();
    this.#secondary = secondary;
    this.soon();
  }

  close(): void {
    this.#cancel();
    this.#endQuery();
    this.#closeSocket();
    this.#reasonMs = undefined;
  }

  #cancel(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#dueMs = Number.POSITIVE_INFINITY;
  }

  #endQuery(): void {
    if (this.#query === undefined) return;
    this.#query = undefined;
    this.#ports.load.inFlight -= 1;
  }

  #closeSocket(): void {
    this.#socket?.socket.close();
    this.#socket = undefined;
  }

  /** Sends the next query after a pause, or earlier if that was planned already. */
  #schedule(pauseMs: number): void {
    const { timers } = this.#ports;
    const nowMs = timers.now();
    const sinceMs = Math.max(0, nowMs - this.#lastSentMs);
    const paceMs = this.#commits > BUSY_COMMITS ? BUSY_PACE_MS : PACE_MS;
    const delayMs = Math.max(pauseMs, paceMs - sinceMs);
    if (this.#dueMs <= nowMs + delayMs) return;
    this.#cancel();
    this.#dueMs = nowMs + delayMs;
    this.#cancelTimer = timers.after(delayMs, () => this.#send());
    if (delayMs > SOCKET_PAUSE_MS) this.#closeSocket();
  }

  #send(): void {
    const { timers, load } = this.#ports;
    this.#cancel();
    if (load.inFlight >= MAX_IN_FLIGHT) {
      this.#schedule(BUSY_PACE_MS);
      return;
    }
    const nowMs = timers.now();
    const id = this.#ports.randomId();
    const question = { qname: this.#zone.apex, qtype: RRType.SOA, qclass: RRClass.IN };
    const transaction = this.#secondary.key && new ClientTransaction(this.#secondary.key);
    const octets = encodeMessage(makeMessage({ id, questions: [question] }));
    const request = transaction?.sign(octets, Math.floor(nowMs / 1000)) ?? octets;
    this.#query = { id, request, transaction };
    this.#isAgain = false;
    this.#lastSentMs = nowMs;
    load.inFlight += 1;
    this.#cancelTimer = timers.after(REPLY_MS, () => this.#done({ kind: 'silent' }));
    this.#openSocket(nowMs).send(request);
  }

  #openSocket(nowMs: number): NotifySocket {
    if (this.#socket !== undefined && Math.abs(nowMs - this.#socket.openedMs) > SOCKET_AGE_MS) this.#closeSocket();
    if (this.#socket === undefined) {
      const { address, port } = this.#secondary;
      const socket = this.#ports.open({ host: address, port }, (octets) => this.#onMessage(octets));
      this.#socket = { socket, openedMs: nowMs };
    }
    return this.#socket.socket;
  }

  #onMessage(octets: Uint8Array): void {
    const query = this.#query;
    if (query === undefined || octets.length < 2 || messageId(octets) !== query.id) return;
    const reply = readOrIgnore(query.request, octets);
    if (reply === undefined || reply.message.truncated) return;
    this.#done(this.#judge(query, reply));
  }

  #judge({ transaction }: Query, reply: Reply): PollResult {
    const { message } = reply;
    const problem =
      signatureProblem(transaction, reply, this.#ports.timers.now(), 'queries') ?? problemOf(message.rcode);
    if (problem !== undefined) return { kind: 'problem', problem };
    const { apex } = this.#zone;
    const soa = message.answers.find(({ ownerName, rdata }) => rdata.kind === 'SOA' && ownerName.equals(apex))?.rdata;
    if (soa?.kind !== 'SOA') return { kind: 'problem', problem: 'does not serve the zone (no SOA in its answer)' };
    if (!message.authoritative) return { kind: 'problem', problem: 'does not serve the zone (not authoritative)' };
    return { kind: 'serial', serial: soa.serial };
  }

  #done(result: PollResult): void {
    const { timers, onResult, idleMs } = this.#ports;
    this.#cancel();
    this.#endQuery();
    const isSettled = onResult(result) && !this.#isAgain;
    // Closed meanwhile, or planned already.
    if (this.#dueMs !== Number.POSITIVE_INFINITY) return;
    if (isSettled) {
      this.#reasonMs = undefined;
      this.#schedule(idleMs());
      return;
    }
    const nowMs = timers.now();
    this.#reasonMs ??= nowMs;
    const pauseMs = GROWTH * Math.max(0, nowMs - this.#reasonMs);
    this.#schedule(this.#isAgain ? PACE_MS : Math.min(pauseMs, LONGEST_PAUSE_MS));
  }
}

/** An RCODE in words; undefined for NOERROR. */
function problemOf(rcode: number): string | undefined {
  if (rcode === Rcode.NOERROR) return undefined;
  return rcode === Rcode.SERVFAIL
    ? 'cannot serve the zone (SERVFAIL)'
    : `does not serve the zone (${formatRcode(rcode)})`;
}
