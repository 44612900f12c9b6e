/** The options in the help text of the command line: one entry for each row of the table. */
import type { Option } from './options/option.ts';
import { ROWS } from './options/options.ts';
import { formatValue } from './show.ts';

/** Path, allowed values, and what happens without the option. */
export function optionsHelp(): string {
  const lines = [...ROWS].map(
    ([path, row]) => `  ${path}\n      ${row.kind.allowed}; without it: ${describeDefault(row).replaceAll('`', '')}`,
  );
  return `${lines.join('\n')}\n`;
}

/** Completes "Without it: …". Markdown with code spans only. */
export function describeDefault(row: Option): string {
  if (row.required !== undefined) return 'an error';
  if (row.inherits !== undefined) return `the \`${row.inherits}\` at the top of the file`;
  return row.default === undefined ? row.otherwise! : `\`${formatValue(row, row.default)}\``;
}
