/** Tables of text for people. Control characters in foreign texts (a User-Agent) do not reach the terminal. */

/** Columns of minimal width with two spaces between them; no spaces at the ends of lines. */
export function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, ...rows].map((cells) => cells.map(printable));
  const widths = head.map((_, column) => Math.max(...lines.map((cells) => cells[column]?.length ?? 0)));
  const format = (cells: readonly string[]) => cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
  return lines.map((cells) => `${format(cells).trimEnd()}\n`).join('');
}

/** The text without control and format characters. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, '?');
}

/** Lines of at most `width` characters, if no word is longer. */
export function wrapText(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + word.length >= width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

/** `a, b`, or `none` for an empty list. */
export function listed(items: readonly string[], none = '-'): string {
  return items.length === 0 ? none : items.join(', ');
}

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

/** Writes a result as JSON or as text. */
export function print<T>(result: T, json: boolean | undefined, format: (result: T) => string): void {
  if (json) printJson(result);
  else process.stdout.write(format(result));
}
