/** The file of `dyndns token create --batch`: tokens as CSV or JSON, checked as a whole before anything is sent. */
import { nearest, quoteValue } from '../config/problem.ts';
import { readToken } from '../control/domain-values.ts';
import type { Input } from '../core/admin/operations.ts';
import { readInput } from '../core/admin/read-input.ts';
import { MAX_BATCH } from '../core/admin/token-operations.ts';
import { AppError, errorText, type FieldError, InputError } from '../core/errors.ts';
import { CsvError, parseCsv } from './csv.ts';
import { UsageError } from './output.ts';

export type BatchFormat = 'csv' | 'json';
type BatchToken = Input<'createTokens'>['tokens'][number];

export interface BatchFile {
  readonly tokens: readonly BatchToken[];
  /** One line for an error of the reply: where in the file it is, and what is wrong. */
  describe(error: FieldError): string;
}

/** Errors that are listed. */
const MAX_ERRORS = 20;

interface Column {
  readonly field: keyof BatchToken;
  readonly names: readonly string[];
  readonly read: (cell: string) => unknown;
}

/** Items in one cell are separated by spaces, semicolons or commas. */
const list = (cell: string) => cell.split(/[\s,;]+/).filter((item) => item !== '');
const one = (cell: string) => cell;

const COLUMNS: readonly Column[] = [
  { field: 'name', names: ['name', 'token'], read: one },
  { field: 'hosts', names: ['host', 'hosts'], read: list },
  { field: 'owner', names: ['owner', 'user'], read: one },
  { field: 'types', names: ['type', 'types'], read: list },
  { field: 'addresses', names: ['addresses'], read: list },
  { field: 'sources', names: ['from', 'sources'], read: list },
  { field: 'expires', names: ['expires'], read: one },
  { field: 'maxUnusedDays', names: ['max_unused_days', 'max-unused-days', 'maxunuseddays'], read: one },
  { field: 'register', names: ['register'], read: one },
];

interface Entry {
  /** `line 7` or `entry 3`. */
  readonly place: string;
  readonly token: unknown;
}

interface Entries {
  readonly entries: readonly Entry[];
  /** How the file calls a field. */
  readonly columnOf: (field: string) => string;
}

/** @param name of the file, for errors @throws UsageError with every error up to a limit */
export function readBatchFile(text: string, format: BatchFormat, name: string): BatchFile {
  const { entries, columnOf } = format === 'csv' ? csvEntries(text, name) : jsonEntries(text, name);
  if (entries.length === 0) throw new UsageError(`${name} has no tokens.`);
  if (entries.length > MAX_BATCH) {
    throw new UsageError(`${name} has ${entries.length} tokens, and one request at most ${MAX_BATCH}: split the file.`);
  }
  const faults: string[] = [];
  const names = new Map<string, string>();
  const where = (place: string, field: string) => `${name}, ${place}${field === '' ? '' : `, ${columnOf(field)}`}`;
  for (const { place, token } of entries) {
    const [fault, tokenName] = check(token);
    if (fault !== undefined) faults.push(`${where(place, fieldOf(fault.pointer))}: ${fault.detail}`);
    const first = tokenName === undefined ? undefined : names.get(tokenName);
    if (first !== undefined) faults.push(`${where(place, 'name')}: the token is in ${first} already.`);
    else if (tokenName !== undefined) names.set(tokenName, place);
  }
  if (faults.length > 0) {
    const more = faults.length > MAX_ERRORS ? [`and ${faults.length - MAX_ERRORS} more`] : [];
    throw new UsageError(['Nothing was created.', ...faults.slice(0, MAX_ERRORS), ...more].join('\n'));
  }
  return {
    tokens: entries.map(({ token }) => token as BatchToken),
    describe({ pointer, detail }) {
      const [, index, rest = ''] = /^\/tokens\/(\d{1,6})((?:\/.*)?)$/.exec(pointer) ?? [];
      const place = index === undefined ? undefined : entries[Number(index)]?.place;
      return place === undefined ? detail : `${where(place, fieldOf(rest))}: ${detail}`;
    },
  };
}

function fieldOf(pointer: string): string {
  return pointer.split('/')[1] ?? '';
}

/** The first fault of a token, and its name. */
function check(token: unknown): readonly [fault: FieldError | undefined, name: string | undefined] {
  if (typeof token !== 'object' || token === null || Array.isArray(token)) {
    return [{ pointer: '', detail: 'It must be an object with `name` and `hosts`.' }, undefined];
  }
  const { name } = token as { name?: unknown };
  const tokenName = typeof name === 'string' ? name : undefined;
  try {
    readToken(readInput('createToken', token));
    // It refuses fields of results, which the other one ignores.
    readInput('createTokens', { tokens: [token] });
    return [undefined, tokenName];
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const { pointer, detail } = (error instanceof InputError ? error.errors[0] : undefined) ?? {
      pointer: '',
      detail: error.message,
    };
    return [
      { pointer: pointer.replace(/^\/tokens\/0(?=\/|$)/, ''), detail: detail.replaceAll('tokens[0].', '') },
      tokenName,
    ];
  }
}

function csvEntries(text: string, name: string): Entries {
  let rows: ReturnType<typeof parseCsv>;
  try {
    rows = parseCsv(text);
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new UsageError(`${name}, line ${error.line}: ${error.message}.`);
  }
  const [head, ...body] = rows;
  if (head === undefined)
    throw new UsageError(`${name} is empty; its first line has the names of the columns: name,host,owner`);
  const columns = head.cells.map((cell) => columnOf(cell, `${name}, line ${head.line}`));
  const names = columns.map(({ field }) => field);
  const twice = names.find((field, index) => names.indexOf(field) !== index);
  if (twice !== undefined) throw new UsageError(`${name}, line ${head.line}: there are two columns for '${twice}'.`);
  const missing = COLUMNS.slice(0, 2).find(({ field }) => !names.includes(field));
  if (missing !== undefined) {
    throw new UsageError(
      `${name}, line ${head.line}: the column '${missing.names[0]}' is missing; the first line must have the names of the columns, like name,host,owner`,
    );
  }
  const entries = body.map(({ line, cells }) => {
    if (cells.length !== columns.length) {
      throw new UsageError(
        `Nothing was created.\n${name}, line ${line}: it has ${cells.length} cells, and the first line has ${columns.length}.`,
      );
    }
    const values = columns.flatMap(({ field, read }, index) => {
      const cell = cells[index]!.trim();
      return cell === '' ? [] : [[field, read(cell)] as const];
    });
    return { place: `line ${line}`, token: Object.fromEntries(values) };
  });
  const titles = new Map(columns.map(({ field }, index) => [String(field), head.cells[index]!.trim()]));
  return { entries, columnOf: (field) => `column ${titles.get(field) ?? field}` };
}

function columnOf(cell: string, place: string): Column {
  const wanted = cell.trim().toLowerCase();
  const column = COLUMNS.find(({ names }) => names.includes(wanted));
  if (column !== undefined) return column;
  const known = COLUMNS.map(({ names }) => names[0]!);
  const near = nearest(wanted, known)?.name;
  throw new UsageError(
    `${place}: there is no column ${quoteValue(cell.trim())}; the nearest one is ${near}. The columns are ${known.join(', ')}.`,
  );
}

function jsonEntries(text: string, name: string): Entries {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${name} is not valid JSON: ${errorText(error)}`);
  }
  const tokens = Array.isArray(value) ? value : (value as { tokens?: unknown } | null)?.tokens;
  if (!Array.isArray(tokens))
    throw new UsageError(`${name} must be a list of tokens, or an object with the list 'tokens'.`);
  return {
    entries: tokens.map((token: unknown, index) => ({ place: `entry ${index + 1}`, token })),
    columnOf: (field) => `'${field}'`,
  };
}
