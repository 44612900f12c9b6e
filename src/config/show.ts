/**
 * The effective configuration for `dyndns config`: YAML with the origin of each value as a comment. It could be loaded
 * again but for the secrets, which are masked. Left out: options without a value.
 */
import type { ShownOption } from './config.ts';
import { plainKind } from './kinds/kind.ts';
import type { Option } from './options/option.ts';
import { OPTION_TREE, type OptionNode } from './options/options.ts';
import { formatOrigin, type Origin } from './problem.ts';
import { isInForce, type Scope, type Settings } from './settings.ts';

interface Line {
  readonly path?: string;
  readonly value?: string;
  readonly text: string;
  readonly origin?: Origin;
}

/** Comments are aligned, but not beyond this column. */
const MAX_COMMENT_COLUMN = 60;

export function renderConfig(settings: Settings): string {
  const lines = renderMap(OPTION_TREE, settings.root, '');
  const widest = Math.max(...lines.map(({ text, origin }) => (origin === undefined ? 0 : text.length)));
  const column = Math.min(widest, MAX_COMMENT_COLUMN);
  const texts = lines.map(({ text, origin }) =>
    origin === undefined ? text : `${text.padEnd(column)}  # ${formatOrigin(origin)}`,
  );
  return `${texts.join('\n')}\n`;
}

function renderMap(parent: OptionNode, scope: Scope, indent: string): Line[] {
  return [...parent.children.values()].flatMap((node) => {
    if (node.isList) return renderList(node, scope, indent);
    const { row } = node;
    if (row !== undefined && !isInForce(row, scope)) return [];
    const found = row === undefined ? undefined : scope.find(node.path);
    if (found !== undefined) {
      const value = formatValue(row!, found.value);
      const text = `${indent}${node.key}: ${value}`;
      return [{ text, value, path: scope.pathText(node.path), origin: found.origin }];
    }
    // The long form of a key is shown only if it is in the file: its default algorithm alone would be wrong.
    if (row !== undefined && !scope.isMap(node.path)) return [];
    const children = renderMap(node, scope, `${indent}  `);
    // `acme: {}` alone has an effect too.
    if (children.length === 0) return scope.isMentioned(node.path) ? [{ text: `${indent}${node.key}: {}` }] : [];
    return [{ text: `${indent}${node.key}:` }, ...children];
  });
}

function renderList(node: OptionNode, scope: Scope, indent: string): Line[] {
  const items = scope.items(node.path).flatMap((item) => {
    const short = item.find(node.path);
    const lines: Line[] =
      short === undefined
        ? renderMap(node, item, `${indent}    `)
        : [shortLine(formatValue(node.row as Option, short.value), item.label, short.origin)];
    return lines.map((line, index) =>
      index === 0 ? { ...line, text: `${indent}  - ${line.text.trimStart()}` } : line,
    );
  });
  return items.length === 0 ? [] : [{ text: `${indent}${node.key}:` }, ...items];
}

function shortLine(value: string, path: string, origin: Origin): Line {
  return { text: value, value, path, origin };
}

/** The options in effect, in the order of `dyndns config`. */
export function shownOptions(settings: Settings): readonly ShownOption[] {
  return renderMap(OPTION_TREE, settings.root, '').flatMap(({ path, value, origin }): readonly ShownOption[] => {
    if (path === undefined || value === undefined || origin === undefined) return [];
    const text = formatOrigin(origin);
    if (origin.kind === 'file') {
      const { kind, file, line } = origin;
      return [{ path, value, origin: { kind, text, file, line } }];
    }
    const { kind } = origin;
    const variable = origin.kind === 'environment' ? { variable: origin.variable } : {};
    return [{ path, value, origin: { kind, text, ...variable } }];
  });
}

/** A value as YAML in one line; a secret as `'[secret]'`. */
export function formatValue(row: Option, value: unknown): string {
  const kind = plainKind(row.kind, Array.isArray(value));
  if (kind.form === 'scalar') return kind.format(value);
  return `[${(value as readonly unknown[]).map((item) => kind.item.format(item)).join(', ')}]`;
}
