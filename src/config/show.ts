/**
 * The effective configuration for `dyndns config`: YAML that could be loaded again, were it not for the secrets, with the
 * origin of each value as a comment. Options that have no value are left out.
 */
import type { Option, OptionNode } from './options.ts';
import { OPTION_TREE } from './options.ts';
import { formatOrigin, type Origin } from './problem.ts';
import type { Scope, Settings } from './settings.ts';

interface Line {
  readonly text: string;
  readonly origin?: Origin;
}

/** Comments begin in the same column, at most this one. */
const MAX_COMMENT_COLUMN = 60;

export function renderConfig(settings: Settings): string {
  const lines = renderMap(OPTION_TREE, settings.root, settings, '');
  const widest = Math.max(...lines.map(({ text, origin }) => (origin === undefined ? 0 : text.length)));
  const column = Math.min(widest, MAX_COMMENT_COLUMN);
  const texts = lines.map(({ text, origin }) =>
    origin === undefined ? text : `${text.padEnd(column)}  # ${formatOrigin(origin)}`,
  );
  return `${texts.join('\n')}\n`;
}

function renderMap(parent: OptionNode, scope: Scope, settings: Settings, indent: string): Line[] {
  return [...parent.children.values()].flatMap((node) => {
    if (node.isList) return renderZones(node, settings);
    const found = node.row?.available ? scope.find(node.path) : undefined;
    if (found !== undefined) {
      const text = `${indent}${node.key}: ${formatValue(node.row as Option, found.value)}`;
      return [{ text, origin: found.origin }];
    }
    // The long form of a key is shown where it was written; else its default algorithm would stand alone.
    if (node.row !== undefined && !scope.isMap(node.path)) return [];
    const children = renderMap(node, scope, settings, `${indent}  `);
    return children.length === 0 ? [] : [{ text: `${indent}${node.key}:` }, ...children];
  });
}

function renderZones(node: OptionNode, settings: Settings): Line[] {
  const zones = settings.zones.flatMap((zone) =>
    renderMap(node, zone, settings, '    ').map((line, index) =>
      index === 0 ? { ...line, text: `  - ${line.text.trimStart()}` } : line,
    ),
  );
  return [{ text: `${node.key}:` }, ...zones];
}

/** A value as YAML in one line; a secret as `'[secret]'`. */
export function formatValue(row: Option, value: unknown): string {
  const { kind } = row;
  if (kind.form === 'scalar') return kind.format(value);
  return `[${(value as readonly unknown[]).map((item) => kind.item.format(item)).join(', ')}]`;
}
