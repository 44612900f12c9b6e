// Finds the imports of source texts and compares them with a table of who may import whom.
// Texts are formatted (npm run lint sees to it), so that an import begins at the start of its line.
import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import type { ImportRow } from './import-table.ts';

/** Path below src -> text. */
export type SourceTree = ReadonlyMap<string, string>;

/** All source files but the unit tests. */
export function readSources(): SourceTree {
  const source = new URL('../../src/', import.meta.url);
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .sort();
  return new Map(files.map((file) => [file, readFileSync(new URL(file, source), 'utf8')]));
}

/** The specifiers of all imports, exports from, type imports and dynamic imports. @throws Error where one is no text */
export function importsOf(text: string): string[] {
  const found = [...text.matchAll(/^(?:import|export)\s(?:[^'"`;]*?\sfrom\s)?\s*['"]([^'"]+)['"]/gm)].map(
    (match) => match[1]!,
  );
  for (const match of text.matchAll(/(?<![\w.#])import\s*\(\s*(?:(['"])([^'"]+)\1)?/g)) {
    if (match[2] === undefined) throw new Error('an import() whose module is not written out cannot be checked');
    found.push(match[2]);
  }
  return found;
}

/** The row that a file belongs to: the one of the file itself, else of the nearest folder. */
export function rowOf(file: string, table: readonly ImportRow[]): ImportRow | undefined {
  return table
    .filter(({ part }) => part === file || file.startsWith(`${part}/`))
    .sort((a, b) => b.part.length - a.part.length)[0];
}

/** What is wrong, one sentence each, with the reason of the row. */
export function importProblems(sources: SourceTree, table: readonly ImportRow[]): string[] {
  const problems: string[] = [];
  const used = new Set<string>();
  const note = (row: ImportRow, entry: string) => used.add(`${row.part} > ${entry}`);
  for (const [file, text] of sources) {
    const row = rowOf(file, table);
    if (row === undefined) {
      problems.push(`${file}: no row of the import table covers it`);
      continue;
    }
    note(row, '');
    for (const specifier of importsOf(text)) {
      const refuse = (what: string) => problems.push(`${file} imports ${what}; ${row.part} never imports ${row.never}`);
      if (specifier.startsWith('.')) {
        const target = posix.normalize(posix.join(posix.dirname(file), specifier));
        const entry = row.mayImport.find((allowed) => allowed === target || allowed === posix.dirname(target));
        if (!sources.has(target)) problems.push(`${file} imports ${specifier}, which is no file of src`);
        else if (entry === undefined) refuse(target);
        else note(row, entry);
      } else if (specifier.startsWith('node:')) {
        if (!row.builtins.includes(specifier.slice(5))) refuse(`${specifier}, which its row does not list`);
        else note(row, specifier);
      } else if (row.packages.includes(specifier)) note(row, specifier);
      else refuse(`the package ${specifier}, which its row does not list`);
    }
    for (const word of row.withoutGlobals ?? []) {
      if (code(text).includes(word)) problems.push(`${file} uses ${word}; ${row.part} never uses ${row.never}`);
    }
  }
  for (const row of table) {
    const entries = ['', ...row.mayImport, ...row.builtins.map((name) => `node:${name}`), ...row.packages];
    for (const entry of entries) {
      if (used.has(`${row.part} > ${entry}`)) continue;
      problems.push(
        entry === '' ? `the row of ${row.part} covers no file` : `${row.part} may import ${entry}, and nothing does`,
      );
    }
  }
  return problems;
}

/** The text without comments, roughly: enough to look for words. */
function code(text: string): string {
  return text.replace(/^\s*(\/\*\*|\*|\/\/).*$/gm, '').replace(/ \/\/ .*$/gm, '');
}

/** Files that import one another in a circle, each circle once, as `a.ts > b.ts > a.ts`. */
export function importCycles(sources: SourceTree): string[] {
  const cycles: string[] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): void => {
    const at = path.indexOf(file);
    if (at >= 0) {
      cycles.push([...path.slice(at), file].join(' > '));
      return;
    }
    if (done.has(file)) return;
    path.push(file);
    for (const specifier of importsOf(sources.get(file) ?? '')) {
      if (specifier.startsWith('.')) visit(posix.normalize(posix.join(posix.dirname(file), specifier)));
    }
    path.pop();
    done.add(file);
  };
  for (const file of sources.keys()) visit(file);
  return cycles;
}

/** The files that are loaded with a file: it, what it imports, and so on; not those of types and of dynamic imports. */
export function loadedWith(sources: SourceTree, file: string): ReadonlySet<string> {
  const loaded = new Set([file]);
  for (const each of loaded) {
    const imports = /^(?:import|export)\s(?!type\s)(?:[^'"`;]*?\sfrom\s)?\s*['"](\.[^'"]+)['"]/gm;
    for (const match of (sources.get(each) ?? '').matchAll(imports)) {
      loaded.add(posix.normalize(posix.join(posix.dirname(each), match[1]!)));
    }
  }
  return loaded;
}

/** The room of a file: the folder inside its part of src, or the file itself where it lies in no such folder. */
function roomOf(file: string): string {
  const steps = file.split('/');
  return steps.length > 2 ? steps.slice(0, -1).join('/') : file;
}

/** Rooms that import one another in a circle: in such a folder no file can be read before the others. */
export function roomCycles(sources: SourceTree): string[] {
  const rooms = new Map<string, string>();
  for (const [file, text] of sources) {
    const from = roomOf(file);
    const targets = importsOf(text)
      .filter((specifier) => specifier.startsWith('.'))
      .map((specifier) => roomOf(posix.normalize(posix.join(posix.dirname(file), specifier))))
      .filter((to) => to !== from);
    rooms.set(from, (rooms.get(from) ?? '') + targets.map((to) => `import '${relative(from, to)}';\n`).join(''));
  }
  return importCycles(rooms);
}

function relative(from: string, to: string): string {
  return `./${posix.relative(posix.dirname(from), to)}`;
}

const HIDING = new Set(['index', 'utils', 'util', 'helpers', 'helper', 'common', 'misc', 'shared']);

/** Names that say nothing of what is inside. A barrel hides the arrows besides. */
export function hidingNames(sources: SourceTree): string[] {
  return [...sources.keys()].filter((file) => file.split('/').some((step) => HIDING.has(step.replace(/\.ts$/, ''))));
}
