/**
 * What lets threads read octets that the main thread changes: a block that was given up is used again only when every thread has
 * ended the turn in which it may have found it.
 *
 * Each reading thread has a number in shared memory that it raises at the begin and at the end of a turn: it is odd meanwhile.
 */

/**
 * The main thread counts in the same way while it publishes a version: a thread that reads several names of one answer then looks
 * whether it saw parts of two versions.
 */
export class ReadTurns {
  /** One number for each reading thread. */
  readonly #turns: Int32Array[] = [];
  /** Of the main thread. */
  readonly #publications = counterIn(newCounter());

  get publications(): SharedArrayBuffer {
    return this.#publications.buffer as SharedArrayBuffer;
  }

  /** Runs what changes the octets of zones. */
  publish(change: () => void): void {
    Atomics.add(this.#publications, 0, 1);
    try {
      change();
    } finally {
      Atomics.add(this.#publications, 0, 1);
    }
  }

  /** @returns memory for the TurnCounter of one more thread */
  addThread(): SharedArrayBuffer {
    const memory = newCounter();
    this.#turns.push(counterIn(memory));
    return memory;
  }

  /** Of a thread that has ended. */
  removeThread(memory: SharedArrayBuffer): void {
    const at = this.#turns.findIndex(({ buffer }) => buffer === memory);
    if (at >= 0) this.#turns.splice(at, 1);
  }

  /** What threads do now. Empty if none reads. */
  current(): readonly (readonly [turns: Int32Array, turn: number])[] {
    const reading: [Int32Array, number][] = [];
    for (const turns of this.#turns) {
      const turn = Atomics.load(turns, 0);
      if (turn % 2 !== 0) reading.push([turns, turn]);
    }
    return reading;
  }
}

/** Whether each turn that was read at `ReadTurns.current()` has ended. */
function arePast(reading: ReturnType<ReadTurns['current']>): boolean {
  for (const [turns, turn] of reading) if (Atomics.load(turns, 0) === turn) return false;
  return true;
}

const CACHE_LINE_OCTETS = 64;

/** Memory of one number. No other memory is in its cache line, which threads would then wait for. */
function newCounter(): SharedArrayBuffer {
  return new SharedArrayBuffer(2 * CACHE_LINE_OCTETS);
}

function counterIn(memory: SharedArrayBuffer): Int32Array {
  return new Int32Array(memory, CACHE_LINE_OCTETS, 1);
}

/** In the thread that reads. */
export class TurnCounter {
  readonly #turns: Int32Array;

  readonly #publications: Int32Array;

  /** @param publications of ReadTurns */
  constructor(memory: SharedArrayBuffer, publications: SharedArrayBuffer) {
    this.#turns = counterIn(memory);
    this.#publications = counterIn(publications);
  }

  /** A number that changes with each publication; odd during one. */
  get publication(): number {
    // An addition is a full barrier: nothing that was read before it moves behind it.
    return Atomics.add(this.#publications, 0, 0);
  }

  begin(): void {
    Atomics.add(this.#turns, 0, 1);
  }

  end(): void {
    Atomics.add(this.#turns, 0, 1);
  }
}

/** Of this process; the main thread alone uses it. */
export const readTurns = new ReadTurns();

const NONE: readonly number[] = [];

/** Blocks that were given up, by their numbers, until no thread can still read them. */
export class GivenUpBlocks {
  /** Those that were given up since, and those of before whose readers are known. */
  #since: number[] = [];
  #awaited: number[] = [];
  #readers: ReturnType<ReadTurns['current']> = [];

  add(block: number): void {
    this.#since.push(block);
  }

  /** Takes those that no thread reads any more. */
  reclaim(): readonly number[] {
    if (this.#since.length + this.#awaited.length === 0 || !arePast(this.#readers)) return NONE;
    const past = this.#awaited;
    this.#awaited = this.#since;
    this.#since = [];
    this.#readers = readTurns.current();
    if (this.#readers.length > 0) return past;
    const all = past.length === 0 ? this.#awaited : past.concat(this.#awaited);
    this.#awaited = [];
    return all;
  }
}
