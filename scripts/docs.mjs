// Writes the files that come from tables of the code; with --check compares them and fails where they differ.
// Reads dist/, so that `npm run build` comes first.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readArguments } from '../bench/usage.mjs';

/**
 * One row for each generated file: its path, the module in dist/, the function that gives the text. It gets the committed text,
 * of which it may keep parts, and the path.
 */
const DOCUMENTS = [
  ['docs/configuration.md', 'docs/configuration.js', 'configurationDocument'],
  ['docs/dyndns.example.yml', 'docs/configuration.js', 'exampleFile'],
  ['docs/errors.md', 'docs/errors.js', 'errorDocument'],
  ['docs/operating/control-api.md', 'docs/operations.js', 'controlApiDocument'],
  ['docs/api/openapi.json', 'docs/openapi.js', 'openApiFile'],
  ['src/core/admin/validators.ts', 'docs/validators.js', 'validatorsModule'],
  ['web/src/api-types.ts', 'docs/api-types.js', 'apiTypes'],
];

const { options } = readArguments({
  command: 'npm run docs --',
  options: { '--check': 'Only compares them, and fails where they differ.' },
  about: 'Writes the files that come from tables of the code.',
});
const project = new URL('../', import.meta.url);
const { CLIENT_PAGES } = await import(new URL('dist/docs/clients.js', project).href);
DOCUMENTS.push(...CLIENT_PAGES.map((path) => [path, 'docs/clients.js', 'clientPage']));

const check = options['--check'] !== undefined;
for (const [path, module, name] of DOCUMENTS) {
  const file = fileURLToPath(new URL(path, project));
  const text = (await import(new URL(`dist/${module}`, project).href))[name](read(file), path);
  if (!check) {
    writeFileSync(file, text);
    console.log(`${path} written`);
  } else if (read(file) === text) {
    console.log(`${path} is as the code says`);
  } else {
    console.error(`${path} differs from the code; npm run docs writes it`);
    process.exitCode = 1;
  }
}

function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
