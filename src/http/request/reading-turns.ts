/** Records that are read before queries are answered again. */
const RECORDS_PER_TURN = 500;

/** Lets the event loop answer queries while the many records of one request are read. */
export class ReadingTurns {
  #records = 0;

  /** Resolves when the next records may be read. @param records that were read since the last call */
  async take(records: number): Promise<void> {
    this.#records += records;
    if (this.#records < RECORDS_PER_TURN) return;
    this.#records = 0;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
