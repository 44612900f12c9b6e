// Programs that use the built src/sqlite in a process of their own, and a check that what is built is not older than its
// source: threads are started from dist in tests too.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from './installation.ts';
import { type RunningProcess, startProcess } from './process.ts';

const SOURCE = join(REPOSITORY, 'src/sqlite');
const BUILT = join(REPOSITORY, 'dist/sqlite');

/** @throws Error when `npm run build` is due */
export function requireBuiltSqlite(): void {
  const sources = readdirSync(SOURCE).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
  for (const source of sources) {
    const built = statSync(join(BUILT, source.replace(/ts$/, 'js')), { throwIfNoEntry: false });
    if (built === undefined || built.mtimeMs < statSync(join(SOURCE, source)).mtimeMs)
      throw new Error(`dist is older than src/sqlite/${source}: npm run build`);
  }
}

/** Runs a module's text in a Node.js of its own; `import … from 'sqlite/worker.js'` there means the built one. */
export function startWithSqlite(code: string, ready?: (output: string) => boolean): Promise<RunningProcess> {
  const text = code.replace(/from 'sqlite\//g, `from 'file://${BUILT}/`);
  const args = ['--input-type=module', '-e', text];
  return startProcess({ command: process.execPath, args, ...(ready === undefined ? {} : { ready }) });
}
