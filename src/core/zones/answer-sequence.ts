/** What a primary answered, in order, to who tries to change the same records: whether others change them meanwhile. */

/** Answers at most: a bound for a primary that answers at random, as of several servers that differ. */
const MAX_ANSWERS = 40;

export class AnswerSequence {
  #last: string | undefined;
  #count = 0;
  /** How often the last answer was given in succession. */
  #same = 0;
  #hasChanged = false;

  answered(answer: string): void {
    if (answer !== this.#last) {
      this.#hasChanged = this.#count > 0;
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

  get hasChanged(): boolean {
    return this.#hasChanged;
  }
}
