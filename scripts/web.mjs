/**
 * Builds the dashboard into DIST/web. Beside each file it writes the same one compressed (FILE.gz,
 * FILE.br), which the server sends to browsers that take it.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { brotliCompressSync, gzipSync, constants as zlib } from 'node:zlib';
import { anyText, readArguments } from '../bench/usage.mjs';

const [dist] = readArguments({
  command: 'node scripts/web.mjs',
  takes: [anyText('DIST')],
  about: 'Builds the dashboard into DIST/web, by default into dist/web.',
}).values;
// Not before: the usage needs no package.
const { build } = await import('vite');
const root = join(import.meta.dirname, '..');
const folder = join(resolve(dist ?? join(root, 'dist')), 'web');
/** Below it a compressed file saves nothing. */
const SMALLEST_OCTETS = 300;

await build({
  configFile: join(root, 'web', 'vite.config.mjs'),
  root: join(root, 'web'),
  logLevel: 'warn',
  build: { outDir: folder, emptyOutDir: true },
});
for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !/\.(?:html|js|css|svg)$/.test(entry.name)) continue;
  const file = join(entry.parentPath, entry.name);
  const content = readFileSync(file);
  if (content.length < SMALLEST_OCTETS) continue;
  // No time and no name in the header: the same sources give the same octets.
  writeFileSync(`${file}.gz`, gzipSync(content, { level: 9 }));
  writeFileSync(`${file}.br`, brotliCompressSync(content, { params: { [zlib.BROTLI_PARAM_QUALITY]: 11 } }));
}
