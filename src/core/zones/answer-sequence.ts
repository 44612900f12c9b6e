/** What a primary answered, in order, to who tries to change the same records: whether others change them meanwhile. */
import { AppError } from '../errors.ts';

/** Answers at most: a bound for a primary that answers at random, as of several servers that differ. */
const MAX_ANSWERS = 40;
/** So many changes by others are why time ran out. With fewer, the primary was slow. */
const MANY_CHANGES = 5;

export class AnswerSequence {
  #last: string | undefined;
  #count = 0;
  /** How often the last answer was given in succession. */
  #same = 0;
  #changes = 0;

  answered(answer: string): void {
    if (answer !== this.#last) {
      if (this.#count > 0) this.#changes += 1;
      this.#same = 0;
    }
    this.#last = answer;
    this.#count += 1;
    this.#same += 1;
  }

  /** Whether to try again. @param maxSame the same answer so often means that no one else is writing */
  mayGoOn(maxSame: number): boolean {
    return this.#same < maxSame && this.#count < MAX_ANSWERS;
  }

  /** Whether others changed the records again and again. */
  get isContended(): boolean {
    return this.#changes >= MANY_CHANGES;
  }
}

/** @param records whose, as the subject of a sentence */
export function contended(records: string): AppError {
  return new AppError('contended', `${records} were changed by others again and again; nothing was written.`);
}
