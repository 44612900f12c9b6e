/** The questions of `dyndns init` for values that no flag gives, and how it reads the answers. */
import { createInterface } from 'node:readline/promises';
import { AnswerError } from '../../setup/plan/answers.ts';
import { InterruptedError, UsageError } from '../output.ts';

export interface Question<T> {
  /** The option that answers it, `--zone`. */
  readonly flag: string;
  readonly text: string;
  /** The answer of an empty line; without a terminal the answer. */
  readonly preset?: string | undefined;
  /** An answer to propose on a terminal only: a script must not depend on what it is. */
  readonly proposal?: string | undefined;
  /** @throws UsageError, after which a terminal asks again */
  read(answer: string): T;
}

/** @throws UsageError that names the flag, without a terminal; InterruptedError */
export type Ask = <T>(question: Question<T>) => Promise<T>;

/** Asks on a terminal, until the answer can be used. Without one it takes the preset, or says which flag is missing. */
export const ask: Ask = async ({ flag, text, preset, proposal, read }) => {
  if (!process.stdin.isTTY) {
    if (preset !== undefined) return read(preset);
    throw new UsageError(`${flag} is missing, and there is no terminal to ask for it.`);
  }
  const offered = preset ?? proposal;
  for (;;) {
    const answer = await askTerminal(`${text}${offered === undefined ? '' : ` [${offered}]`}: `);
    try {
      return read(answer === '' ? (offered ?? '') : answer);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      process.stdout.write(`${error.message}\n`);
    }
  }
};

/** @throws InterruptedError after Ctrl-C or Ctrl-D */
async function askTerminal(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const ended = new Promise<never>((_, reject) => {
      lines.once('SIGINT', () => reject(new InterruptedError()));
      lines.once('close', () => reject(new InterruptedError()));
    });
    return (await Promise.race([lines.question(question), ended])).trim();
  } catch (error) {
    if (error instanceof InterruptedError) process.stdout.write('\n');
    throw error;
  } finally {
    lines.close();
  }
}

/** The value of a flag, else the answer to the question. */
export async function flagOr<T>(value: string | undefined, question: Question<T>, ask_: Ask): Promise<T> {
  return value === undefined ? ask_(question) : question.read(value);
}

/**
 * Errors of an answer as errors of the flag.
 * @param flag undefined: the message says what it is about
 */
export function asUsage<Answer, T>(flag: string | undefined, read: (answer: Answer) => T): (answer: Answer) => T {
  return (answer) => {
    try {
      return read(answer);
    } catch (error) {
      if (!(error instanceof AnswerError)) throw error;
      throw new UsageError(flag === undefined ? error.message : `${flag}: ${error.message}`);
    }
  };
}
