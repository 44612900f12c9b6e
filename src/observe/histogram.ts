/** A Prometheus histogram in typed arrays, so that an observation allocates nothing. */

/** Bounds in seconds: from a write to an idle disk to the longest that a client waits. */
export const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

export class Histogram {
  /** Upper bounds, inclusive, ascending. */
  readonly bounds: readonly number[];
  /** One count for each bound; the last is of values above all bounds. */
  readonly #counts: Float64Array;
  readonly #sum = new Float64Array(1);

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    let index = 0;
    while (index < this.bounds.length && value > this.bounds[index]!) index += 1;
    this.#counts[index]! += 1;
    this.#sum[0]! += value;
  }

  get sum(): number {
    return this.#sum[0]!;
  }

  get count(): number {
    return this.#counts.reduce((sum, count) => sum + count, 0);
  }

  /** For each bound, the number of values up to it. */
  cumulative(): readonly number[] {
    let sum = 0;
    return this.bounds.map((_bound, index) => {
      sum += this.#counts[index]!;
      return sum;
    });
  }
}
