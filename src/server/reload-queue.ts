/**
 * Runs reloads one at a time. Requests that arrive during a reload, or during the pause after it, share one more reload,
 * so that the newest file wins and each caller gets the outcome of a reload that began after its request. The pause leaves
 * time for requests of clients: without it, a burst of signals would do nothing but reload.
 */
export class ReloadQueue<Outcome> {
  readonly #reload: () => Promise<Outcome>;
  readonly #pause: () => Promise<void>;
  /** Resolves when the reload and the pause after it have ended, whatever its outcome. */
  #busy: Promise<void> | undefined;
  #next: Promise<Outcome> | undefined;

  /** @param pause resolves when the next reload may begin */
  constructor(reload: () => Promise<Outcome>, pause: () => Promise<void>) {
    this.#reload = reload;
    this.#pause = pause;
  }

  /** @throws what the reload throws */
  request(): Promise<Outcome> {
    if (this.#next !== undefined) return this.#next;
    if (this.#busy === undefined) return this.#run();
    this.#next = this.#busy.then(() => {
      this.#next = undefined;
      return this.#run();
    });
    return this.#next;
  }

  /** Resolves when no reload runs and none waits. */
  async idle(): Promise<void> {
    while (this.#busy !== undefined) await (this.#next ?? this.#busy).catch(() => undefined);
  }

  #run(): Promise<Outcome> {
    const run = this.#reload();
    const busy = run.then(this.#pause, this.#pause);
    this.#busy = busy;
    void busy.then(() => {
      if (this.#busy === busy) this.#busy = undefined;
    });
    return run;
  }
}
