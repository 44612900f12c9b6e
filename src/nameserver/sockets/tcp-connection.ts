/**
 * One TCP connection of the nameserver (RFC 1035 §4.2.2, RFC 7766): messages with two octets of length in front, cut
 * anywhere; replies in the order in which they are ready (§6.2.1.1); replies of one turn leave in one write.
 *
 * Memory is bounded: nothing more is read while too many messages wait for their reply, or while the client does not
 * take what was written. No connection keeps the others waiting: a long one goes on in another turn. A length of less than a header ends the connection, as the stream cannot be trusted any more.
 */
import type { Socket } from 'node:net';
import { type DnsPeer, type DnsService, HEADER_OCTETS, type StreamReply } from '../answer/dns-service.ts';
import type { TcpLimits } from './tcp-limits.ts';

/** With so much still to be sent nothing more is read, and a transfer pauses. */
const HIGH_WATER_OCTETS = 65_536;
/** With so many octets of messages waiting for their replies nothing more is read. */
const MAX_WAITING_OCTETS = 131_072;
/** Messages of one connection that are answered in one turn of the event loop. */
const MESSAGES_IN_A_TURN = 256;
/** First size of the buffer for a message that came in parts; it doubles with what really comes. */
const FIRST_PART_OCTETS = 512;
export const MAX_MESSAGE_OCTETS = 65_535;

export class TcpConnection {
  readonly #socket: Socket;
  readonly #peer: DnsPeer;
  readonly #service: DnsService;
  readonly #limits: TcpLimits;
  readonly #onFault: (error: unknown) => void;

  /** What was read and not looked at, because the connection is stalled. */
  #unread: Buffer | undefined;
  /** The first octet of a length whose second has not come, or -1. */
  #lengthOctet = -1;
  /** The message that has come in part: its length, its octets so far. */
  #length = 0;
  #part: Buffer | undefined;
  #partOctets = 0;

  /** All messages so far. */
  #answered = 0;
  /** Messages that wait for a reply, and how many octets they have. */
  #waiting = 0;
  #waitingOctets = 0;
  readonly #streams: AsyncIterable<Uint8Array>[] = [];
  #streaming = false;

  /** Replies that leave at the end of this turn. */
  #outgoing: Uint8Array[] = [];
  #outgoingOctets = 0;
  #flushSoon = false;
  #onRoom: (() => void) | undefined;

  /** Reading has stopped until there is room, or for the rest of this turn. */
  #stalled = false;
  #continueSoon = false;
  /** No more messages will be read. */
  #ending = false;
  #closed = false;
  /** Last time that something was read or answered. */
  #activeAtMs: number;
  /** Last time that the client took something, or that there was something to take again. */
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

  /** Nothing is asked and nothing is to be sent; a message may have come in part. */
  get idle(): boolean {
    return this.#waiting === 0 && !this.#stalled && this.#toSend() === 0;
  }

  get activeAtMs(): number {
    return this.#activeAtMs;
  }

  /** Reads no more; closes when all replies have left. */
  finish(): void {
    this.#ending = true;
    this.#unread = undefined;
    this.#part = undefined;
    this.#lengthOctet = -1;
    this.#socket.pause();
    this.#closeIfDone();
  }

  cut(): void {
    this.#socket.destroy();
  }

  /** Ends what takes too long. */
  expire(now: number): void {
    const { idleMs, messageMs, readerMs } = this.#limits;
    if (this.#toSend() > 0 && now - this.#takenAtMs > readerMs) this.cut();
    else if (this.#hasPart() && !this.#stalled) {
      if (now - this.#partSinceMs > messageMs) this.finish();
    } else if (this.idle && now - this.#activeAtMs > idleMs) this.finish();
  }

  #hasPart(): boolean {
    return this.#part !== undefined || this.#lengthOctet >= 0;
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

  /** Takes messages out of a chunk until it is used up or the connection is full. */
  #read(chunk: Buffer): void {
    let at = 0;
    const answered = this.#answered + MESSAGES_IN_A_TURN;
    while (at < chunk.length && !this.#ending) {
      if (this.#isFull() || this.#answered === answered) {
        this.#unread = chunk.subarray(at);
        this.#stalled = true;
        this.#socket.pause();
        return;
      }
      if (this.#part !== undefined) {
        at += this.#addPart(chunk, at);
        continue;
      }
      if (this.#lengthOctet < 0) {
        this.#lengthOctet = chunk[at]!;
        this.#partSinceMs = this.#activeAtMs;
        at += 1;
        continue;
      }
      const length = (this.#lengthOctet << 8) | chunk[at]!;
      this.#lengthOctet = -1;
      at += 1;
      if (length < HEADER_OCTETS) {
        this.finish();
        return;
      }
      if (chunk.length - at >= length) {
        this.#answer(chunk.subarray(at, at + length));
        at += length;
      } else {
        this.#length = length;
        this.#part = Buffer.allocUnsafe(Math.min(length, Math.max(FIRST_PART_OCTETS, chunk.length - at)));
        this.#partOctets = 0;
      }
    }
  }

  /** Adds to the message that has come in part; how many octets were taken. */
  #addPart(chunk: Buffer, at: number): number {
    let part = this.#part!;
    const end = Math.min(chunk.length, at + this.#length - this.#partOctets);
    const octets = this.#partOctets + end - at;
    if (octets > part.length) {
      const larger = Buffer.allocUnsafe(Math.min(this.#length, Math.max(octets, part.length * 2)));
      part.copy(larger, 0, 0, this.#partOctets);
      this.#part = part = larger;
    }
    chunk.copy(part, this.#partOctets, at, end);
    this.#partOctets = octets;
    if (octets === this.#length) {
      this.#part = undefined;
      this.#answer(part);
    }
    return end - at;
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
      // A stream's request is small, and the stream may run for long: what counts is that there is one more of them.
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

  /** Sends the streams that wait, one after the other, no faster than the client reads. */
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
          // Also where the kernel takes all at once: the other connections have their turn.
          await new Promise(setImmediate);
          if (this.#toSend() >= HIGH_WATER_OCTETS && !this.#socket.destroyed) await this.#room();
          if (this.#socket.destroyed) break;
        }
      } catch (error) {
        this.#onFault(error);
        // The client would wait for the rest of a transfer that does not come.
        this.cut();
      }
      this.#done();
    }
    this.#streaming = false;
  }

  /** Resolves when the client has taken enough, or is gone. */
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
      this.#onFault(new RangeError(`a reply of ${message.length} octets does not fit into a message`));
      this.cut();
      return;
    }
    // The reader's time starts with the first octet that it could take.
    if (this.#toSend() === 0) this.#takenAtMs = performance.now();
    this.#outgoing.push(message);
    this.#outgoingOctets += message.length + 2;
    if (this.#outgoingOctets >= HIGH_WATER_OCTETS) this.#flush();
    else this.#flushLater();
  }

  /** After all that is ready in this turn. */
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
    const frames = Buffer.allocUnsafe(this.#outgoingOctets);
    this.#outgoing = [];
    this.#outgoingOctets = 0;
    let at = 0;
    for (const message of messages) {
      at = frames.writeUInt16BE(message.length, at);
      frames.set(message, at);
      at += message.length;
    }
    if (this.#socket.writable) this.#socket.write(frames, this.#onTaken);
  }

  readonly #onTaken = (): void => {
    this.#takenAtMs = performance.now();
    this.#proceed();
  };

  /** Goes on with what had to wait for room, and ends what is done. */
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
    this.#part = undefined;
    this.#outgoing = [];
    this.#outgoingOctets = 0;
    this.#waiting -= this.#streams.splice(0).length;
    this.#onRoom?.();
    this.#onRoom = undefined;
  }
}
