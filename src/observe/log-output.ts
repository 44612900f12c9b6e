/**
 * Standard output as the destination of the log. It never blocks the process and never fails: while the output takes
 * nothing (a full disk, a reader that stalls or is gone), lines wait in memory; above a limit new lines are dropped and
 * counted.
 *
 * A pipe or terminal is opened once more: only then is the non-blocking mode of this process alone, and a program that
 * shares the output is not affected. Regular files do block, and are written by libuv's threads.
 */
import { closeSync, constants, fstatSync, openSync, write, writeSync } from 'node:fs';
import { isatty } from 'node:tty';

export interface LogOutputOptions {
  readonly fd: number;
  /** Lines are written together after this time, or as soon as there are some dozens; 0: each one at once. */
  readonly flushMs: number;
  /** Called when the output works again. @param count of the lines that were dropped since the last call */
  readonly reportDropped: (count: number) => void;
}

const FLUSH_LINES = 128;
/** Characters that wait at most: some 15,000 lines. */
export const MAX_WAITING = 4 * 1024 * 1024;
/** Between attempts while the output takes nothing. */
const MIN_RETRY_MS = 5;
const MAX_RETRY_MS = 1000;
/** While the process waits for its last lines to be written. */
const MAX_RETRY_AT_END_MS = 20;

export class LogOutput {
  readonly #options: LogOutputOptions;
  readonly #fd: number;
  /** Not in `#batch` yet. */
  #lines: string[] = [];
  /** The rest of the lines that are being written. */
  #batch: Uint8Array | undefined;
  #batchLength = 0;
  /** Characters of `#lines` and of the batch. */
  #waiting = 0;
  #isWriting = false;
  #timer: NodeJS.Timeout | undefined;
  #retryMs = MIN_RETRY_MS;
  #maxRetryMs = MAX_RETRY_MS;
  #dropped = 0;
  #reported = 0;
  #whenWritten: (() => void) | undefined;

  constructor(options: LogOutputOptions) {
    this.#options = options;
    this.#fd = openNonBlocking(options.fd);
    process.on('exit', this.#writeLast);
  }

  /** Lines that were dropped since the start of the process. */
  get dropped(): number {
    return this.#dropped;
  }

  /** @param line with its line break */
  write(line: string): void {
    if (this.#waiting + line.length > MAX_WAITING) {
      this.#dropped += 1;
      return;
    }
    this.#waiting += line.length;
    const count = this.#lines.push(line);
    // A batch that is written, or waits for the next attempt, is followed by these lines.
    if (this.#batch !== undefined) return;
    if (count >= FLUSH_LINES || this.#options.flushMs === 0) this.#writeBatch();
    else this.#timer ??= setTimeout(this.#writeBatch, this.#options.flushMs).unref();
  }

  /** Resolves when all lines are written, or after the timeout. */
  async flush(timeoutMs: number): Promise<void> {
    if (this.#waiting === 0) return;
    this.#maxRetryMs = MAX_RETRY_AT_END_MS;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#whenWritten = () => {
        clearTimeout(timer);
        resolve();
      };
      this.#retryMs = MIN_RETRY_MS;
      if (!this.#isWriting) this.#writeBatch();
    });
    this.#whenWritten = undefined;
    this.#maxRetryMs = MAX_RETRY_MS;
  }

  /** Closes what was opened, without writing; for tests. */
  close(): void {
    clearTimeout(this.#timer);
    process.off('exit', this.#writeLast);
    if (this.#fd !== this.#options.fd) closeSync(this.#fd);
  }

  /** Starts to write what waits, or goes on with it. */
  readonly #writeBatch = (): void => {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#batch ??= this.#nextBatch();
    if (this.#batch === undefined) return;
    this.#isWriting = true;
    write(this.#fd, this.#batch, this.#written);
  };

  readonly #written = (error: NodeJS.ErrnoException | null, octets: number): void => {
    this.#isWriting = false;
    if (error !== null || octets === 0) {
      this.#timer = setTimeout(this.#writeBatch, this.#retryMs).unref();
      this.#retryMs = Math.min(this.#retryMs * 2, this.#maxRetryMs);
      return;
    }
    this.#retryMs = MIN_RETRY_MS;
    this.#remove(octets);
    if (this.#waiting < MAX_WAITING / 2 && this.#dropped > this.#reported) {
      const count = this.#dropped - this.#reported;
      this.#reported = this.#dropped;
      this.#options.reportDropped(count);
    }
    if (this.#batch !== undefined || this.#lines.length > 0) this.#writeBatch();
    else this.#whenWritten?.();
  };

  #nextBatch(): Uint8Array | undefined {
    if (this.#lines.length === 0) return undefined;
    const text = this.#lines.join('');
    this.#lines = [];
    this.#batchLength = text.length;
    return Buffer.from(text);
  }

  #remove(octets: number): void {
    if (octets < this.#batch!.length) {
      this.#batch = this.#batch!.subarray(octets);
      return;
    }
    this.#batch = undefined;
    this.#waiting -= this.#batchLength;
  }

  /** The process ends now: one attempt for what waits. A write in progress is finished by its thread. */
  readonly #writeLast = (): void => {
    if (this.#isWriting) this.#batch = undefined;
    try {
      for (;;) {
        this.#batch ??= this.#nextBatch();
        if (this.#batch === undefined) return;
        this.#remove(writeSync(this.#fd, this.#batch));
      }
    } catch {
      // The output takes nothing, and no one can be told.
    }
  };
}

/**
 * @returns another descriptor of the same pipe or terminal, in non-blocking mode; else `fd` itself, which is put into
 *   that mode if it is a socket or a pipe that may not be opened again
 */
function openNonBlocking(fd: number): number {
  const status = fstatSync(fd);
  if (!status.isFIFO() && !status.isSocket() && !isatty(fd)) return fd;
  try {
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    // Node.js puts a pipe or socket of its own standard output into non-blocking mode when it is used for the first time.
    if (fd === 1) void process.stdout.writable;
    return fd;
  }
}
