/** The questions of `dyndns init` for values that no flag gives, and how it reads the answers. */
import { createInterface } from 'node:readline/promises';
import { type ScalarKind, ValueError } from '../../config/kinds/kind.ts';
import { NameError } from '../../dns/name.ts';
import { UsageError } from '../output.ts';

/** @throws UsageError that names the flag, without a terminal */
export type Ask = (question: string, preset: string | undefined, flag: string) => Promise<string>;

/** Asks on a terminal. Without one it takes the preset, or says which flag is missing. */
export function asker(): Ask {
  return async (question, preset, flag) => {
    if (!process.stdin.isTTY) {
      if (preset !== undefined) return preset;
      throw new UsageError(`${flag} is missing, and there is no terminal to ask for it.`);
    }
    const lines = createInterface({ input: process.stdin, output: process.stdout });
    try {
      const answer = (await lines.question(`${question}${preset === undefined ? '' : ` [${preset}]`}: `)).trim();
      return answer === '' ? (preset ?? '') : answer;
    } finally {
      lines.close();
    }
  };
}

/** Reads an answer as the configuration file reads the value. @throws UsageError */
export function readAnswer<T>(text: string, kind: ScalarKind<T>, flag: string): T {
  try {
    const value = kind.parse(text);
    if (value !== undefined) return value;
  } catch (error) {
    if (!(error instanceof NameError || error instanceof ValueError)) throw error;
    throw new UsageError(`${flag}: ${error.message} It must be ${kind.allowed}.`);
  }
  throw new UsageError(`${flag}: '${text}' is not ${kind.allowed}.`);
}

/** Splits an answer at commas and spaces. */
export function splitAnswer(text: string): string[] {
  return text.split(/[\s,]+/).filter((part) => part !== '');
}
