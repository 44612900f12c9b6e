/**
 * Is this process ready to serve? About this process only: its zones, its nameserver, its store. A primary elsewhere that
 * is away makes nobody unready: updates for it wait as wishes or fail with advice, and a balancer that took all
 * processes out because of it would make that worse.
 */

export interface ReadinessPart {
  /** One word for the reply; nothing in it is secret. */
  readonly name: string;
  /** Throws or rejects like false. */
  readonly works: () => boolean | Promise<boolean>;
}

/** A part that does not answer for so long does not work. */
const PART_TIMEOUT_MS = 1000;
/** Whoever asks more often gets the last answer: asking needs no credential. */
const ANSWER_LASTS_MS = 1000;

export class Readiness {
  readonly #parts: readonly ReadinessPart[];
  readonly #nowMs: () => number;
  readonly #timeoutMs: number;
  #asked: { readonly atMs: number; readonly answer: Promise<readonly string[]> } | undefined;

  /** @param nowMs monotonic */
  constructor(parts: readonly ReadinessPart[], nowMs = () => performance.now(), timeoutMs = PART_TIMEOUT_MS) {
    this.#parts = parts;
    this.#nowMs = nowMs;
    this.#timeoutMs = timeoutMs;
  }

  /** Names of the parts that do not work. Never rejects. */
  notReady(): Promise<readonly string[]> {
    const atMs = this.#nowMs();
    if (this.#asked === undefined || atMs >= this.#asked.atMs + ANSWER_LASTS_MS) {
      this.#asked = { atMs, answer: this.#ask() };
    }
    return this.#asked.answer;
  }

  async #ask(): Promise<readonly string[]> {
    const answers = await Promise.all(this.#parts.map(({ works }) => inTime(works, this.#timeoutMs)));
    return this.#parts.filter((_part, index) => !answers[index]).map(({ name }) => name);
  }
}

/** What `ask` resolves to; false if it fails, or takes longer. */
export async function inTime(ask: () => boolean | Promise<boolean>, timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), timeoutMs);
  });
  try {
    return await Promise.race([ask(), late]);
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}
