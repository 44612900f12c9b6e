/**
 * A problem of a configuration and its origin: file:line:column or the name of an environment variable.
 * A message never quotes a value that may be secret.
 */

/** Where a value comes from. Lines and columns start at 1. */
export type Origin =
  | { readonly kind: 'file'; readonly file: string; readonly line: number; readonly column: number }
  | { readonly kind: 'environment'; readonly variable: string }
  /** The reason is set for a default that depends on other options. */
  | { readonly kind: 'default'; readonly reason?: string };

export interface Problem {
  readonly origin: Origin;
  /** The option's path, for example `zones[0].ttl.min`; empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
}

/** Thrown with all problems at once; `message` has one line for each. */
export class ConfigError extends Error {
  readonly lines: readonly string[];

  constructor(lines: readonly string[]) {
    super(lines.join('\n'));
    this.name = 'ConfigError';
    this.lines = lines;
  }
}

/** No configuration file was found. A class of its own: a new user needs other advice than after a wrong file. */
export class NoConfigFileError extends ConfigError {}

export function formatOrigin(origin: Origin): string {
  switch (origin.kind) {
    case 'file':
      return `${origin.file}:${origin.line}:${origin.column}`;
    case 'environment':
      return `environment variable ${origin.variable}`;
    case 'default':
      return origin.reason === undefined ? 'default' : `default (${origin.reason})`;
  }
}

export function formatProblem(problem: Problem): string {
  const path = problem.path === '' ? '' : `${problem.path}: `;
  return `${formatOrigin(problem.origin)}: ${path}${problem.message}`;
}

/** Sorts problems by their place in the file; those of the environment are last. */
export function sortProblems(problems: readonly Problem[]): Problem[] {
  const rank = ({ origin }: Problem) => (origin.kind === 'file' ? [origin.line, origin.column] : [Infinity, 0]);
  return [...problems].sort((a, b) => {
    const [left, right] = [rank(a), rank(b)];
    return left[0] === right[0] ? left[1]! - right[1]! : left[0]! - right[0]!;
  });
}

/** A value for an error text: one line, at most 80 characters. Never call it with a secret. */
export function quoteValue(text: string): string {
  const clean = text.replace(/\p{Cc}/gu, '?');
  return `'${clean.length > 80 ? `${clean.slice(0, 80)}…` : clean}'`;
}

/** The candidate with the smallest edit distance (insert, delete, replace, swap of neighbours), the first of equals. */
export function nearest(word: string, candidates: Iterable<string>): { name: string; distance: number } | undefined {
  let best: { name: string; distance: number } | undefined;
  for (const name of candidates) {
    const distance = editDistance(word.slice(0, 64).toLowerCase(), name.toLowerCase());
    if (best === undefined || distance < best.distance) best = { name, distance };
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, beforeLast[j - 2]! + 1);
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
