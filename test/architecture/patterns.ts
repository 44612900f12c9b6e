// Finds regular expressions that can need more than linear time, by a simple rule that no clever pattern passes.
import { parseAst } from 'vitest/node';
import type { SourceTree } from './imports.ts';

/** A pattern that breaks the rule, and why it is harmless. */
export interface ReviewedPattern {
  readonly file: string;
  readonly pattern: string;
  readonly reason: string;
}

/**
 * Why a pattern may need more than linear time; undefined where it cannot. Of unbounded quantifiers (`*`, `+`, `{2,}`) it may
 * have one: as the whole pattern, or in a pattern that begins with `^`. A group that repeats may contain neither a quantifier
 * nor an alternative. Other bounded quantifiers (`?`, `{1,30}`) are free.
 */
export function patternProblem(pattern: string, flags: string): string | undefined {
  // An escape or a character class is one atom, and a literal `*` in it is no quantifier.
  const atoms = pattern.replace(/\\(?:[pPu]\{[^}]*\}|[\s\S])|\[(?:\\[\s\S]|[^\]\\])*\]/g, 'x');
  if (hasNestedRepetition(atoms)) return 'repeats a group that has a quantifier or an alternative';
  const unbounded = atoms.match(/[*+]|\{\d+,\}/g)?.length ?? 0;
  if (unbounded === 0 || /^x(?:[*+]|\{\d+,\})\??$/.test(atoms)) return undefined;
  if (unbounded > 1) return `has ${unbounded} unbounded quantifiers`;
  if (flags.includes('y')) return undefined;
  if (flags.includes('m') || !atoms.startsWith('^')) return 'has an unbounded quantifier and does not begin with ^';
  if (withoutGroups(atoms).includes('|')) return 'has an alternative that does not begin with ^';
  return undefined;
}

/** A group without groups inside: its content, and the quantifier behind it if it can repeat the group. */
const INNERMOST = /\((?:\?(?:[:=!]|<[=!]|<\w+>))?([^()]*)\)([*+]|\{\d+(?:,\d*)?\})?/g;

function hasNestedRepetition(atoms: string): boolean {
  let rest = atoms;
  for (let before = ''; rest !== before; ) {
    before = rest;
    let isNested = false;
    rest = rest.replace(INNERMOST, (_all, content: string, quantifier: string | undefined) => {
      const varies = /[*+?|]|\{\d+,\d*\}/.test(content);
      isNested ||= varies && quantifier !== undefined;
      return `x${varies ? '?' : ''}${quantifier ?? ''}`;
    });
    if (isNested) return true;
  }
  return false;
}

function withoutGroups(atoms: string): string {
  const rest = atoms.replace(/\([^()]*\)/g, 'x');
  return rest === atoms ? rest : withoutGroups(rest);
}

interface AstNode {
  readonly type?: string;
  readonly regex?: { readonly pattern: string; readonly flags: string };
  readonly callee?: { readonly name?: string };
  readonly arguments?: readonly { readonly value?: unknown }[];
  readonly start?: number;
  readonly end?: number;
}

/** What is wrong, one sentence for each pattern; also for a reviewed one that is no longer there. */
export function patternProblems(sources: SourceTree, reviewed: readonly ReviewedPattern[]): string[] {
  const problems: string[] = [];
  const used = new Set<ReviewedPattern>();
  for (const [file, text] of sources) {
    const visit = (node: unknown): void => {
      if (typeof node !== 'object' || node === null) return;
      const { type, regex, callee, arguments: [source, flags] = [], start, end } = node as AstNode;
      const isMade = (type === 'NewExpression' || type === 'CallExpression') && callee?.name === 'RegExp';
      if (regex !== undefined || isMade) {
        const shown = text.slice(start, end);
        const pattern = regex?.pattern ?? source?.value;
        const problem =
          typeof pattern === 'string'
            ? patternProblem(pattern, regex?.flags ?? String(flags?.value ?? ''))
            : 'is made at run time';
        const entry = reviewed.find((one) => one.file === file && one.pattern === shown);
        if (entry !== undefined) used.add(entry);
        if (problem !== undefined && entry === undefined) problems.push(`${file}: ${shown} ${problem}`);
        if (problem === undefined && entry !== undefined) problems.push(`${file}: ${shown} needs no review`);
      }
      for (const child of Object.values(node)) {
        if (Array.isArray(child)) child.forEach(visit);
        else visit(child);
      }
    };
    visit(parseAst(text, { lang: 'ts' }));
  }
  for (const entry of reviewed) if (!used.has(entry)) problems.push(`${entry.file}: no pattern ${entry.pattern}`);
  return problems;
}
