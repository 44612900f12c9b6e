/**
 * Whether this process is ready to serve: its zones, its nameserver, its store. A remote primary that is down is left
 * out on purpose: updates for it stay pending, and a load balancer that removed every process for it would cause an
 * outage.
 */

export interface ReadinessPart {
  /** One word, which the reply repeats; never a secret. */
  readonly name: string;
  /** To throw or to reject means false. */
  readonly works: () => boolean | Promise<boolean>;
  /** Why it does not, in a few words that anyone may read; undefined: not known. */
  readonly reason?: () => string | undefined;
}

/** A part that does not answer within this time counts as broken. */
const PART_TIMEOUT_MS = 1000;
/** The answer is cached, because /readyz needs no credential. */
const CACHE_MS = 1000;

export class Readiness {
  readonly #parts: readonly ReadinessPart[];
  readonly #nowMs: () => number;
  readonly #timeoutMs: number;
  #cached: { readonly atMs: number; readonly answer: Promise<readonly string[]> } | undefined;

  /** @param nowMs monotonic */
  constructor(parts: readonly ReadinessPart[], nowMs = () => performance.now(), timeoutMs = PART_TIMEOUT_MS) {
    this.#parts = parts;
    this.#nowMs = nowMs;
    this.#timeoutMs = timeoutMs;
  }

  /** Names of the parts that do not work, with their reason where it is known: `store (connection refused)`. Never rejects. */
  notReady(): Promise<readonly string[]> {
    const atMs = this.#nowMs();
    if (this.#cached === undefined || atMs >= this.#cached.atMs + CACHE_MS) {
      this.#cached = { atMs, answer: this.#check() };
    }
    return this.#cached.answer;
  }

  async #check(): Promise<readonly string[]> {
    const answers = await Promise.all(this.#parts.map(({ works }) => inTime(works, this.#timeoutMs)));
    const broken = this.#parts.filter((_part, index) => !answers[index]);
    return broken.map(({ name, reason }) => {
      const why = reason?.();
      return why === undefined ? name : `${name} (${why})`;
    });
  }
}

/** Returns what `check` resolves to; false if it fails or takes longer than the timeout. */
export async function inTime(check: () => boolean | Promise<boolean>, timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), timeoutMs);
  });
  try {
    return await Promise.race([check(), timeout]);
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}
