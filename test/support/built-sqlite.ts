/**
 * Runs programs that use the built src/sqlite, and checks that the build is up to date: tests start threads from dist.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from './installation.ts';
import { type RunningProcess, startProcess } from './process.ts';

const SOURCE = join(REPOSITORY, 'src/sqlite');
const BUILT = join(REPOSITORY, 'dist/sqlite');

/** @throws Error if `npm run build` is needed */
export function requireBuiltSqlite(): void {
  const sources = readdirSync(SOURCE).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
  for (const source of sources) {
    const built = statSync(join(BUILT, source.replace(/ts$/, 'js')), { throwIfNoEntry: false });
    if (built === undefined || built.mtimeMs < statSync(join(SOURCE, source)).mtimeMs)
      throw new Error(`dist is older than src/sqlite/${source}. Run npm run build.`);
  }
}

/** Runs the text of a module in a new Node.js process; it can import the build as 'sqlite/worker.js'. */
export function startWithSqlite(code: string, ready?: (output: string) => boolean): Promise<RunningProcess> {
  const text = code.replace(/from 'sqlite\//g, `from 'file://${BUILT}/`);
  const args = ['--input-type=module', '-e', text];
  return startProcess({ command: process.execPath, args, ...(ready === undefined ? {} : { ready }) });
}
