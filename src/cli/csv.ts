/** CSV (RFC 4180): rows of cells with the lines where they begin. Lines may also end with LF alone; empty lines are left out. */

export interface CsvRow {
  /** From 1. */
  readonly line: number;
  readonly cells: readonly string[];
}

export class CsvError extends Error {
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

/** @throws CsvError */
export function parseCsv(text: string): readonly CsvRow[] {
  const rows: CsvRow[] = [];
  let at = text.startsWith('\ufeff') ? 1 : 0;
  let line = 1;
  while (at < text.length) {
    const row: { line: number; cells: string[] } = { line, cells: [] };
    for (;;) {
      const cell = text[at] === '"' ? quotedCell(text, at, line) : plainCell(text, at, line);
      row.cells.push(cell.value);
      at = cell.end;
      line += cell.lines;
      if (text[at] !== ',') break;
      at += 1;
    }
    if (text[at] === '\r') at += 1;
    if (text[at] === '\n') at += 1;
    line += 1;
    if (row.cells.length > 1 || row.cells[0] !== '') rows.push(row);
  }
  return rows;
}

interface Cell {
  readonly value: string;
  /** The position behind it: a comma, the end of a line or of the text. */
  readonly end: number;
  /** Line ends in it. */
  readonly lines: number;
}

function plainCell(text: string, start: number, line: number): Cell {
  let end = start;
  while (end < text.length && text[end] !== ',' && text[end] !== '\n' && text[end] !== '\r') {
    if (text[end] === '"')
      throw new CsvError(line, 'a cell with a quotation mark must be in quotation marks, with "" for each');
    end += 1;
  }
  if (text[end] === '\r' && end + 1 < text.length && text[end + 1] !== '\n') {
    throw new CsvError(line, 'a carriage return is not followed by a line feed');
  }
  return { value: text.slice(start, end), end, lines: 0 };
}

function quotedCell(text: string, start: number, line: number): Cell {
  const pieces: string[] = [];
  let from = start + 1;
  for (;;) {
    const quote = text.indexOf('"', from);
    if (quote === -1) throw new CsvError(line, 'a quotation mark is not closed');
    pieces.push(text.slice(from, quote));
    if (text[quote + 1] !== '"') {
      const end = quote + 1;
      if (end < text.length && !/[,\r\n]/.test(text[end]!)) {
        throw new CsvError(line, 'there is text after a closing quotation mark');
      }
      const value = pieces.join('"');
      return { value, end, lines: value.split('\n').length - 1 };
    }
    from = quote + 2;
  }
}

/** One line, with LF at its end. */
export function formatCsvRow(cells: readonly string[]): string {
  return `${cells.map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',')}\n`;
}
