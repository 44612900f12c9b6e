// Loads the SQLite driver: node:sqlite from Node.js 24 on, else its twin @photostructure/sqlite with the same interface.
// Never both in one process: two copies of the SQLite library do not see each other's locks on a file.
// What is declared here is what this folder uses of either, and what both do alike.

/** What a column of a row or a parameter of a statement can be. A BLOB is a Uint8Array. */
export type SqlValue = null | number | bigint | string | Uint8Array;

export interface DriverStatement {
  run(...params: readonly SqlValue[]): { readonly changes: number | bigint };
  all(...params: readonly SqlValue[]): readonly unknown[];
  iterate(...params: readonly SqlValue[]): IterableIterator<unknown>;
  /** Rows as arrays of columns instead of objects. */
  setReturnArrays(enabled: boolean): void;
}

export interface DriverConnection {
  readonly isTransaction: boolean;
  exec(sql: string): void;
  prepare(sql: string): DriverStatement;
  /** The twin keeps the connection, with its locks, until the garbage collector has taken every statement of it. */
  close(): void;
}

export interface DriverOptions {
  readonly readOnly: boolean;
  /** Milliseconds to wait for a lock of another connection (busy_timeout). */
  readonly timeout: number;
}

export interface Driver {
  readonly DatabaseSync: new (file: string, options: DriverOptions) => DriverConnection;
}

const FIRST_NODE_WITH_SQLITE = 24;

let loading: Promise<Driver> | undefined;

/** The driver of this Node.js, loaded at the first call. */
export function loadDriver(): Promise<Driver> {
  loading ??= Number.parseInt(process.versions.node, 10) >= FIRST_NODE_WITH_SQLITE ? loadBuiltin() : loadTwin();
  return loading;
}

/** Early versions of Node.js 24 warn that node:sqlite is experimental: nothing that the operator of a server could act on. */
async function loadBuiltin(): Promise<Driver> {
  const { emitWarning } = process;
  const filtered = (warning: string | Error, ...rest: unknown[]): void => {
    if (String(warning).includes('SQLite is an experimental feature')) return;
    Reflect.apply(emitWarning, process, [warning, ...rest]);
  };
  process.emitWarning = filtered;
  try {
    // @ts-expect-error: the types of Node.js 20 do not have this module
    return (await import('node:sqlite')) as unknown as Driver;
  } finally {
    process.emitWarning = emitWarning;
  }
}

async function loadTwin(): Promise<Driver> {
  try {
    return (await import('@photostructure/sqlite')) as unknown as Driver;
  } catch (cause) {
    const advice = 'install the packages again without omitting optional ones, or use Node.js 24 or newer';
    throw new Error(`the SQLite driver @photostructure/sqlite does not load on this system: ${advice}`, { cause });
  }
}
