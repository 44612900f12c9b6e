/**
 * Parses one YAML 1.2 document with the line and column of every node; the `yaml` package does the parsing.
 * Refuses a second document, duplicate keys, unknown tags, `%YAML 1.1` and aliases that expand without bound.
 * The messages are our own: those of the package quote the source, which may be a secret.
 */
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
} from 'yaml';
import type { Origin, Problem } from './problem.ts';

/** Larger files are refused before they are parsed. */
const MAX_CHARACTERS = 1_000_000;
/** The limit of nodes that all aliases together may expand to. */
const MAX_ALIASED_NODES = 10_000;

export interface YamlSource {
  /** The content of the document; undefined when it is empty or there are problems. */
  readonly root: Node | undefined;
  readonly problems: readonly Problem[];
  originOf(node: unknown): Origin;
  /** The node itself, or the target of an alias. */
  target(node: unknown): unknown;
}

const MESSAGES: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: 'this key is in the same map twice; remove one of the two.',
  MULTIPLE_DOCS: 'a second document begins here; the file must contain one document.',
  BAD_ALIAS: 'the alias has no name; quote a text that begins with *.',
  TAG_RESOLVE_FAILED: 'the tag is unknown; quote a text that begins with !.',
  BAD_DQ_ESCAPE:
    'the escape sequence in the double-quoted text is unknown; use single quotes for a text without escapes.',
  BAD_INDENT: 'the indentation does not match the lines above; indent all keys of a map by the same number of spaces.',
  TAB_AS_INDENT: 'indent with spaces, not with tabs.',
  BAD_SCALAR_START: 'a text cannot begin with this character; quote it.',
  MISSING_CHAR: 'a closing quote, bracket or comma is missing.',
  BLOCK_AS_IMPLICIT_KEY: 'a map cannot begin here; quote a text with a colon in it.',
  MULTILINE_IMPLICIT_KEY: 'a key must be on one line and be followed by a colon and a space.',
  RESOURCE_EXHAUSTION: 'the nesting is too deep; remove levels.',
};

/** @param file the name for error texts */
export function parseYaml(text: string, file: string): YamlSource {
  const problems: Problem[] = [];
  const lines = new LineCounter();
  const originAt = (offset: number): Origin => {
    const { line, col } = lines.linePos(offset);
    return { kind: 'file', file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const targets = new Map<unknown, unknown>();
  const refuse = (offset: number, message: string) => problems.push({ origin: originAt(offset), path: '', message });
  const source = (root: Node | undefined): YamlSource => ({
    root,
    problems,
    originOf: (node) => originAt(isNode(node) ? startOf(node, text) : 0),
    target: (node) => (targets.has(node) ? targets.get(node) : node),
  });

  if (text.length > MAX_CHARACTERS) {
    refuse(0, `the file is too large; the limit is ${MAX_CHARACTERS} characters.`);
    return source(undefined);
  }
  let document: Document;
  try {
    document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
    for (const { code, pos } of [...document.errors, ...document.warnings]) {
      const key = code === 'DUPLICATE_KEY' ? /^[a-z_]{1,40}(?=:)/.exec(text.slice(pos[0]))?.[0] : undefined;
      refuse(pos[0], `${key === undefined ? '' : `${key}: `}${MESSAGES[code] ?? 'this is not valid YAML.'}`);
    }
    if (document.directives?.yaml.explicit === true && document.directives.yaml.version !== '1.2') {
      refuse(0, 'only YAML 1.2 is supported; remove the %YAML line.');
    }
    if (problems.length === 0) findTargets(document.contents, targets, refuse);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    refuse(0, MESSAGES['RESOURCE_EXHAUSTION']!);
    return source(undefined);
  }
  return source(problems.length === 0 && isNode(document.contents) ? document.contents : undefined);
}

/** Where the content begins; that of a block text begins in the line after its `|`. */
function startOf(node: Node, text: string): number {
  const start = node.range?.[0] ?? 0;
  if (!isScalar(node) || (node.type !== 'BLOCK_LITERAL' && node.type !== 'BLOCK_FOLDED')) return start;
  const end = text.indexOf('\n', start);
  return end < 0 ? start : end + 1;
}

/** Maps every alias to its target and counts the nodes that the aliases expand to, without expanding them. */
function findTargets(root: unknown, targets: Map<unknown, unknown>, refuse: (offset: number, message: string) => void) {
  const anchors = new Map<string, unknown>();
  const sizes = new Map<unknown, number>();
  let aliased = 0;
  const visit = (node: unknown): number => {
    if (isAlias(node)) {
      if (!anchors.has(node.source)) {
        refuse(node.range?.[0] ?? 0, 'the alias has no anchor before it; quote a text that begins with *.');
        return 1;
      }
      const target = anchors.get(node.source);
      targets.set(node, target);
      const size = sizes.get(target);
      // A target without a size is still being visited: the alias is inside its own target.
      const total = size ?? Number.POSITIVE_INFINITY;
      const before = aliased;
      aliased += total;
      if (before <= MAX_ALIASED_NODES && aliased > MAX_ALIASED_NODES) {
        refuse(
          node.range?.[0] ?? 0,
          `the aliases up to here expand to more than ${MAX_ALIASED_NODES} values; write the values out.`,
        );
      }
      return total;
    }
    if (isPair(node)) return visit(node.key) + visit(node.value);
    if (isNode(node) && 'anchor' in node && typeof node.anchor === 'string') anchors.set(node.anchor, node);
    let size = 1;
    if (isMap(node) || isSeq(node)) for (const item of node.items) size += visit(item);
    sizes.set(node, size);
    return size;
  };
  visit(root);
}

/** The type of a node, in words for an error text. */
export function describeNode(node: unknown): string {
  if (isMap(node)) return 'a map';
  if (isSeq(node)) return 'a list';
  if (!isScalar(node) || node.value === null) return 'empty';
  return typeof node.value === 'string' ? 'text' : `a ${typeof node.value}`;
}
