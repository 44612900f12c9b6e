// Who may import whom inside src. The rules are data (import-table.ts), the same table is in ARCHITECTURE.md, and
// each kind of breach is shown on a small tree of its own, so that this test is known to be able to fail.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { IMPORT_TABLE, type ImportRow, importTableMarkdown } from './import-table.ts';
import {
  hidingNames,
  importCycles,
  importProblems,
  importsOf,
  loadedWith,
  readSources,
  roomCycles,
} from './imports.ts';

const project = new URL('../../', import.meta.url);

describe('the source', () => {
  const sources = readSources();

  it('imports only what the table allows, and the table allows nothing that is not used', () => {
    expect(sources.size).toBeGreaterThan(40);
    expect(importProblems(sources, IMPORT_TABLE)).toEqual([]);
  });

  it('has no files that import one another in a circle', () => {
    expect(importCycles(sources)).toEqual([]);
  });

  it('has no rooms that import one another in a circle', () => {
    expect(roomCycles(sources)).toEqual([]);
  });

  it('has no barrels and no files whose name says nothing', () => {
    expect(hidingNames(sources)).toEqual([]);
  });

  // Each file is about a millisecond of the start and 20 KiB of memory.
  it.each([
    [
      'a server whose zones are all on other primaries',
      'cli/run-server.ts',
      /^nameserver\/(?:nameserver|journal|update|transfer)/,
    ],
    [
      'a server whose zones are unsigned',
      'cli/run-server.ts',
      /^(?:doctor|core\/doctor|nameserver\/(?:dnssec|keys\/key-store\.ts))/,
    ],
    ['a nameserver whose zones are unsigned', 'nameserver/nameserver.ts', /^nameserver\/(?:dnssec|signing|keys)\//],
  ])('%s does not load what it does not need', (_, entry, unneeded) => {
    const loaded = [...loadedWith(sources, entry)];
    expect(loaded.length).toBeGreaterThan(80);
    expect(loaded.filter((file) => unneeded.test(file))).toEqual([]);
  });

  it('ARCHITECTURE.md has the same table', () => {
    const document = readFileSync(new URL('ARCHITECTURE.md', project), 'utf8');
    expect(document).toContain(importTableMarkdown(IMPORT_TABLE));
  });
});

describe('a breach is found', () => {
  const row = (part: string, fields: Partial<ImportRow>): ImportRow => {
    return { part, mayImport: [], builtins: [], packages: [], never: 'what it must not', ...fields };
  };
  const TABLE = [
    row('core', { mayImport: ['core', 'dns'], withoutGlobals: ['Date.now'] }),
    row('dns', { mayImport: ['dns/wire'], builtins: ['crypto'], packages: ['yaml'] }),
  ];
  const SOUND: readonly (readonly [string, string])[] = [
    ['core/a.ts', "import { b } from './b.ts';\nimport type { N } from '../dns/name.ts';\n"],
    ['core/b.ts', '// Date.now in a comment\nexport const b = 1; // Date.now\n'],
    ['dns/name.ts', "import { hash } from 'node:crypto';\nimport 'yaml';\nimport { r } from './wire/reader.ts';\n"],
    ['dns/wire/reader.ts', 'export const r = 1;\n'],
  ];
  const problems = (...more: readonly (readonly [string, string])[]) =>
    importProblems(new Map([...SOUND, ...more]), TABLE);

  it('and a tree without one has none', () => {
    expect(problems()).toEqual([]);
  });

  const BREACHES: readonly (readonly [string, string, string, RegExp])[] = [
    ['an import of a folder below an allowed one', 'core/c.ts', "import '../dns/wire/reader.ts';", /dns\/wire\/reader/],
    ['an import of types', 'dns/x.ts', "import type { A } from '../core/a.ts';", /core\/a\.ts; .*what it must not/],
    ['an export from', 'dns/x.ts', "export { a } from '../core/a.ts';", /imports core\/a\.ts/],
    ['an import of several lines', 'dns/x.ts', "import {\n  a,\n  b,\n} from '../core/a.ts';", /imports core\/a\.ts/],
    ['a dynamic import', 'dns/x.ts', "const a = await import('../core/a.ts');", /imports core\/a\.ts/],
    ['a module of Node.js', 'core/c.ts', "import { readFileSync } from 'node:fs';", /imports node:fs/],
    ['a package', 'core/c.ts', "import { parse } from 'yaml';", /imports the package yaml/],
    ['a global', 'core/c.ts', 'export const now = Date.now();', /uses Date\.now/],
    ['a file outside of src', 'core/c.ts', "import '../../test/x.ts';", /no file of src/],
    ['a file that no row covers', 'stray/x.ts', '', /no row/],
  ];
  for (const [what, file, text, expected] of BREACHES) {
    it(what, () => expect(problems([file, text])).toEqual([expect.stringMatching(expected)]));
  }

  it('a row and an entry that nothing uses any more', () => {
    const sources = new Map(SOUND.filter(([file]) => !file.startsWith('core')));
    const stale = [...TABLE, row('net', { builtins: ['net'] })];
    expect(importProblems(sources, stale)).toEqual([
      'the row of core covers no file',
      'core may import core, and nothing does',
      'core may import dns, and nothing does',
      'the row of net covers no file',
      'net may import node:net, and nothing does',
    ]);
  });

  it('an import() whose module is computed', () => {
    expect(() => importsOf('const a = await import(name);')).toThrow('cannot be checked');
  });

  it('what is loaded: not types, and not what is imported later', () => {
    const tree = new Map([
      ['a.ts', "import type { B } from './b.ts';\nimport { C } from './c/c.ts';\nconst d = await import('./d.ts');"],
      ['c/c.ts', "export { E } from '../e.ts';"],
    ]);
    expect([...loadedWith(tree, 'a.ts')]).toEqual(['a.ts', 'c/c.ts', 'e.ts']);
  });

  it('but not a method of that name', () => {
    expect(importsOf('class A {\n  async #import(a) {}\n  b() { this.#import(a); a.import(b); }\n}')).toEqual([]);
  });

  it('a circle, also one of types', () => {
    const circle = new Map([
      ['a.ts', "import type { B } from './b.ts';"],
      ['b.ts', "import './c/c.ts';"],
      ['c/c.ts', "import '../a.ts';"],
      ['d.ts', "import './a.ts';"],
    ]);
    expect(importCycles(circle)).toEqual(['a.ts > b.ts > c/c.ts > a.ts']);
  });

  it('a circle of rooms whose files have none', () => {
    const tree = new Map([
      ['core/a.ts', "import './hosts/host.ts';"],
      ['core/hosts/host.ts', "import '../zones/zone.ts';"],
      ['core/zones/zone.ts', "import '../a2.ts';"],
      ['core/zones/policy.ts', "import '../hosts/site.ts';"],
    ]);
    expect(importCycles(tree)).toEqual([]);
    expect(roomCycles(tree)).toEqual(['core/hosts > core/zones > core/hosts']);
  });

  it('a barrel and a name that says nothing', () => {
    const names = ['core/index.ts', 'dns/utils.ts', 'helpers/x.ts', 'core/common-name.ts', 'net/tcp.ts'];
    expect(hidingNames(new Map(names.map((name) => [name, ''])))).toEqual(names.slice(0, 3));
  });
});
