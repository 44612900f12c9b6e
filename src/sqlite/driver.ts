/**
 * Loads the SQLite driver: node:sqlite since Node.js 24, else @photostructure/sqlite with the same interface. Never both in
 * one process: two copies of the SQLite library do not see each other's file locks. The types declare only what this
 * folder uses and both drivers have in common.
 */

/** The value of a column or a parameter. A BLOB is a Uint8Array. */
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
  /** @photostructure/sqlite keeps connection and locks until all prepared statements are garbage collected. */
  close(): void;
}

export interface DriverOptions {
  readonly readOnly: boolean;
  /** Milliseconds to wait for a lock of another connection (SQLite's busy_timeout). */
  readonly timeout: number;
}

export interface Driver {
  readonly DatabaseSync: new (file: string, options: DriverOptions) => DriverConnection;
}

const FIRST_NODE_WITH_SQLITE = 24;

let loading: Promise<Driver> | undefined;

/** The driver for this Node.js version, loaded on first use. */
export function loadDriver(): Promise<Driver> {
  loading ??= Number.parseInt(process.versions.node, 10) >= FIRST_NODE_WITH_SQLITE ? loadBuiltin() : loadPackage();
  return loading;
}

/** Suppresses the warning of early Node.js 24 versions that node:sqlite is experimental: operators cannot act on it. */
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

async function loadPackage(): Promise<Driver> {
  try {
    return (await import('@photostructure/sqlite')) as unknown as Driver;
  } catch (cause) {
    const advice = 'Install the packages again without omitting optional ones, or use Node.js 24 or newer.';
    throw new Error(`The SQLite driver @photostructure/sqlite cannot be loaded. ${advice}`, { cause });
  }
}
