/**
 * One TCP connection of the nameserver (RFC 7766) as a state machine: messages in, replies out in the order in which they
 * are ready (§6.2.1.1), replies of one turn of the event loop in one write.
 *
 * Memory is bounded: reading stops while too many messages wait for a reply, or while the client does not read its
 * replies. A busy connection yields to the others after a number of messages. An invalid length ends the connection.
 */
import type { Socket } from 'node:net';
import { MAX_MESSAGE_OCTETS } from '../../dns/wire/writer.ts';
import type { DnsPeer, DnsService, StreamReply } from '../answer/dns-service.ts';
import { frameMessages, MessageReader } from './stream-framing.ts';
import type { TcpLimits } from './tcp-limits.ts';

/** Octets of unsent replies at which reading stops and a transfer pauses. */
const HIGH_WATER_OCTETS = 65_536;
/** Octets of unanswered messages at which reading stops. */
const MAX_WAITING_OCTETS = 131_072;
/** Messages of one connection answered in one turn of the event loop. */
const MESSAGES_IN_A_TURN = 256;

export class TcpConnection {
  readonly #socket: Socket;
  readonly #peer: DnsPeer;
  readonly #service: DnsService;
  readonly #limits: TcpLimits;
  readonly #onFault: (error: unknown) => void;

  readonly #reader = new MessageReader();
  /** Octets received while the connection is stalled. */
  #unread: Buffer | undefined;

  /** Number of messages so far. */
  #answered = 0;
  /** Unanswered messages, and their size. */
  #waiting = 0;
  #waitingOctets = 0;
  readonly #streams: AsyncIterable<Uint8Array>[] = [];
  #streaming = false;

  /** Replies to write at the end of this turn. */
  #outgoing: Uint8Array[] = [];
  #outgoingOctets = 0;
  #flushSoon = false;
  #onRoom: (() => void) | undefined;

  /** Reading is paused until there is room, or until the next turn. */
  #stalled = false;
  #continueSoon = false;
  /** No more messages will be read. */
  #ending = false;
  #closed = false;
  /** Last time that octets arrived or a reply was ready. */
  #activeAtMs: number;
  /** Last time that the client took octets, or that the send queue stopped being empty. */
  #takenAtMs = 0;
  #partSinceMs = 0;

  constructor(
    socket: Socket,
    peer: DnsPeer,
    service: DnsService,
    limits: TcpLimits,
    onFault: (error: unknown) => void,
  ) {
    this.#socket = socket;
    this.#peer = peer;
    this.#service = service;
    this.#limits = limits;
    this.#onFault = onFault;
    this.#activeAtMs = performance.now();
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('drain', () => this.#proceed());
    socket.on('end', () => this.finish());
    socket.on('close', () => this.#gone());
  }

  /** True without unanswered messages and unsent replies; a message may have arrived in part. */
  get idle(): boolean {
    return this.#waiting === 0 && !this.#stalled && this.#toSend() === 0;
  }

  get activeAtMs(): number {
    return this.#activeAtMs;
  }

  /** Stops reading; closes when all replies are sent. */
  finish(): void {
    this.#ending = true;
    this.#unread = undefined;
    this.#reader.discard();
    this.#socket.pause();
    this.#closeIfDone();
  }

  cut(): void {
    this.#socket.destroy();
  }

  /** Enforces the time limits. */
  expire(now: number): void {
    const { idleMs, messageMs, readerMs } = this.#limits;
    if (this.#toSend() > 0 && now - this.#takenAtMs > readerMs) this.cut();
    else if (this.#reader.hasPart && !this.#stalled) {
      if (now - this.#partSinceMs > messageMs) this.finish();
    } else if (this.idle && now - this.#activeAtMs > idleMs) this.finish();
  }

  #toSend(): number {
    return this.#outgoingOctets + this.#socket.writableLength;
  }

  #isFull(): boolean {
    return (
      this.#waiting >= this.#limits.inFlight ||
      this.#waitingOctets >= MAX_WAITING_OCTETS ||
      this.#toSend() >= HIGH_WATER_OCTETS
    );
  }

  #receive(chunk: Buffer): void {
    this.#activeAtMs = performance.now();
    this.#read(chunk);
    this.#flush();
    this.#proceed();
  }

  /** Answers the messages of a chunk until its end, or until the connection is full. */
  #read(chunk: Buffer): void {
    const reader = this.#reader;
    let at = 0;
    const answered = this.#answered + MESSAGES_IN_A_TURN;
    while (at < chunk.length && !this.#ending) {
      if (this.#isFull() || this.#answered === answered) {
        this.#unread = chunk.subarray(at);
        this.#stalled = true;
        this.#socket.pause();
        return;
      }
      if (!reader.hasPart) this.#partSinceMs = this.#activeAtMs;
      const message = reader.read(chunk, at);
      at = reader.at;
      if (message !== undefined) this.#answer(message);
      else if (reader.invalid) this.finish();
    }
  }

  #answer(message: Buffer): void {
    this.#answered += 1;
    let reply: StreamReply;
    try {
      reply = this.#service.answerStream(message, this.#peer);
    } catch (error) {
      this.#onFault(error);
      return;
    }
    if (reply === undefined) return;
    if (reply instanceof Uint8Array) {
      this.#send(reply);
      return;
    }
    this.#waiting += 1;
    this.#waitingOctets += message.length;
    if (reply instanceof Promise) void this.#answerLater(reply, message.length);
    else {
      this.#streams.push(reply);
      // A stream can run for long: its small request counts as one message, not by its octets.
      this.#waitingOctets -= message.length;
      if (!this.#streaming) void this.#stream();
    }
  }

  async #answerLater(reply: Promise<Uint8Array | undefined>, octets: number): Promise<void> {
    try {
      const message = await reply;
      if (message !== undefined) this.#send(message);
    } catch (error) {
      this.#onFault(error);
    }
    this.#waitingOctets -= octets;
    this.#done();
  }

  /** Sends the queued streams one after the other, no faster than the client reads. */
  async #stream(): Promise<void> {
    this.#streaming = true;
    for (let stream = this.#streams.shift(); stream !== undefined; stream = this.#streams.shift()) {
      let octets = 0;
      try {
        for await (const message of stream) {
          if (this.#socket.destroyed) break;
          this.#send(message);
          octets += message.length;
          if (octets < HIGH_WATER_OCTETS) continue;
          octets = 0;
          // Yields to other connections also when the kernel takes everything at once.
          await new Promise(setImmediate);
          if (this.#toSend() >= HIGH_WATER_OCTETS && !this.#socket.destroyed) await this.#room();
          if (this.#socket.destroyed) break;
        }
      } catch (error) {
        this.#onFault(error);
        // Otherwise the client would wait for the rest of the transfer.
        this.cut();
      }
      this.#done();
    }
    this.#streaming = false;
  }

  /** Resolves when the send queue has room, or the connection is closed. */
  #room(): Promise<void> {
    return new Promise((resolve) => {
      this.#onRoom = resolve;
    });
  }

  #done(): void {
    this.#waiting -= 1;
    this.#activeAtMs = performance.now();
    this.#flushLater();
  }

  #send(message: Uint8Array): void {
    if (message.length > MAX_MESSAGE_OCTETS) {
      this.#onFault(new RangeError(`a reply of ${message.length} octets does not fit into a DNS message`));
      this.cut();
      return;
    }
    // The time limit for the client starts with the first octet that it can take.
    if (this.#toSend() === 0) this.#takenAtMs = performance.now();
    this.#outgoing.push(message);
    this.#outgoingOctets += message.length + 2;
    if (this.#outgoingOctets >= HIGH_WATER_OCTETS) this.#flush();
    else this.#flushLater();
  }

  /** Flushes at the end of this turn. */
  #flushLater(): void {
    if (this.#flushSoon) return;
    this.#flushSoon = true;
    process.nextTick(() => {
      this.#flushSoon = false;
      this.#flush();
      this.#proceed();
    });
  }

  #flush(): void {
    const messages = this.#outgoing;
    if (messages.length === 0) return;
    const frames = frameMessages(messages, this.#outgoingOctets);
    this.#outgoing = [];
    this.#outgoingOctets = 0;
    if (this.#socket.writable) this.#socket.write(frames, this.#onTaken);
  }

  readonly #onTaken = (): void => {
    this.#takenAtMs = performance.now();
    this.#proceed();
  };

  /** Resumes what waited for room, and closes the connection if it is done. */
  #proceed(): void {
    if (this.#onRoom !== undefined && this.#toSend() < HIGH_WATER_OCTETS) {
      const onRoom = this.#onRoom;
      this.#onRoom = undefined;
      onRoom();
    }
    if (this.#stalled && !this.#continueSoon && !this.#ending && !this.#isFull()) {
      this.#continueSoon = true;
      setImmediate(this.#continue);
    }
    this.#closeIfDone();
  }

  readonly #continue = (): void => {
    this.#continueSoon = false;
    if (this.#ending) return;
    const chunk = this.#unread!;
    this.#unread = undefined;
    this.#stalled = false;
    this.#activeAtMs = this.#partSinceMs = performance.now();
    this.#read(chunk);
    this.#flush();
    if (!this.#stalled && !this.#ending) this.#socket.resume();
    this.#proceed();
  };

  #closeIfDone(): void {
    if (!this.#ending || this.#closed || this.#waiting > 0 || this.#outgoingOctets > 0) return;
    this.#closed = true;
    this.#socket.destroySoon();
  }

  #gone(): void {
    this.#ending = true;
    this.#unread = undefined;
    this.#reader.discard();
    this.#outgoing = [];
    this.#outgoingOctets = 0;
    this.#waiting -= this.#streams.splice(0).length;
    this.#onRoom?.();
    this.#onRoom = undefined;
  }
}
