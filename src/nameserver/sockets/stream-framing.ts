/**
 * The framing of DNS messages on TCP (RFC 1035 §4.2.2): two octets of length before each message, split across chunks
 * at any octet. A message that is complete in one chunk is not copied.
 */
import { HEADER_OCTETS } from '../answer/dns-service.ts';

/** Initial buffer of a message that arrives in parts; it grows with the octets that arrive, not with the length prefix. */
const FIRST_PART_OCTETS = 512;

/** Writes messages with their length prefixes into one buffer. @param octets their size, prefixes included */
export function frameMessages(messages: readonly Uint8Array[], octets: number): Buffer {
  const frames = Buffer.allocUnsafe(octets);
  let at = 0;
  for (const message of messages) {
    at = frames.writeUInt16BE(message.length, at);
    frames.set(message, at);
    at += message.length;
  }
  return frames;
}

/** Reads one message after the other from the chunks of a stream. */
export class MessageReader {
  /** The first octet of a length prefix whose second octet has not arrived, or -1. */
  #lengthOctet = -1;
  /** The incomplete message: its length, its buffer, and how many octets of it have arrived. */
  #length = 0;
  #part: Buffer | undefined;
  #partOctets = 0;
  #at = 0;
  #invalid = false;

  /** Offset in the chunk of the first octet that the last `read` left. */
  get at(): number {
    return this.#at;
  }

  /** True after a length shorter than a DNS header: the rest of the stream cannot be trusted. */
  get invalid(): boolean {
    return this.#invalid;
  }

  /** True while a message has arrived in part. */
  get hasPart(): boolean {
    return this.#part !== undefined || this.#lengthOctet >= 0;
  }

  /** Reads from `start` to the end of one message, which it returns, or to the end of the chunk. */
  read(chunk: Buffer, start: number): Buffer | undefined {
    let at = start;
    if (this.#part === undefined) {
      if (this.#lengthOctet < 0) {
        this.#lengthOctet = chunk[at]!;
        at += 1;
        if (at === chunk.length) {
          this.#at = at;
          return undefined;
        }
      }
      const length = (this.#lengthOctet << 8) | chunk[at]!;
      this.#lengthOctet = -1;
      at += 1;
      if (length < HEADER_OCTETS) {
        this.#at = at;
        this.#invalid = true;
        return undefined;
      }
      if (chunk.length - at >= length) {
        this.#at = at + length;
        return chunk.subarray(at, at + length);
      }
      this.#length = length;
      this.#part = Buffer.allocUnsafe(Math.min(length, Math.max(FIRST_PART_OCTETS, chunk.length - at)));
      this.#partOctets = 0;
    }
    return this.#addPart(this.#part, chunk, at);
  }

  /** Discards an incomplete message. */
  discard(): void {
    this.#part = undefined;
    this.#lengthOctet = -1;
  }

  #addPart(before: Buffer, chunk: Buffer, at: number): Buffer | undefined {
    let part = before;
    const end = Math.min(chunk.length, at + this.#length - this.#partOctets);
    const octets = this.#partOctets + end - at;
    if (octets > part.length) {
      part = Buffer.allocUnsafe(Math.min(this.#length, Math.max(octets, part.length * 2)));
      before.copy(part, 0, 0, this.#partOctets);
    }
    chunk.copy(part, this.#partOctets, at, end);
    this.#partOctets = octets;
    this.#at = end;
    const isComplete = octets === this.#length;
    this.#part = isComplete ? undefined : part;
    return isComplete ? part : undefined;
  }
}
