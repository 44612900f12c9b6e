/**
 * Runs reloads one at a time. Requests that arrive during a reload share one more reload after it, so that the newest
 * file wins and each caller gets the outcome of a reload that began after its request.
 */
export class ReloadQueue<Outcome> {
  readonly #reload: () => Promise<Outcome>;
  /** Resolves when the reload has ended, whatever its outcome. */
  #running: Promise<void> | undefined;
  #next: Promise<Outcome> | undefined;

  constructor(reload: () => Promise<Outcome>) {
    this.#reload = reload;
  }

  /** @throws what the reload throws */
  request(): Promise<Outcome> {
    if (this.#next !== undefined) return this.#next;
    if (this.#running === undefined) return this.#run();
    this.#next = this.#running.then(() => {
      this.#next = undefined;
      return this.#run();
    });
    return this.#next;
  }

  /** Resolves when no reload runs and none waits. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await (this.#next ?? this.#running).catch(() => undefined);
  }

  #run(): Promise<Outcome> {
    const run = this.#reload();
    const ended = run.then(
      () => undefined,
      () => undefined,
    );
    this.#running = ended;
    void ended.then(() => {
      if (this.#running === ended) this.#running = undefined;
    });
    return run;
  }
}
