/**
 * The Markdown files: every relative link leads to a file and to one of its headings, every path in a code span exists,
 * every test that is quoted beside a link is in the linked file, and no page is an orphan.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { describe, expect, it } from 'vitest';
import { REPOSITORY } from '../support/installation.ts';

const FOLDERS = ['', 'docs', 'docs/api', 'docs/clients', 'docs/decisions', 'docs/operating', 'docs/protocols', 'openwrt'];

const PAGES: ReadonlyMap<string, string> = new Map(
  FOLDERS.flatMap((folder) =>
    readdirSync(join(REPOSITORY, folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => posix.join(folder, name)),
  ).map((page) => [page, readFileSync(join(REPOSITORY, page), 'utf8')]),
);

interface Link {
  readonly text: string;
  /** Path relative to the root of the checkout. */
  readonly path: string;
  readonly anchor: string | undefined;
}

function withoutCode(markdown: string): string {
  return markdown.replaceAll(/^```[\s\S]*?^```$/gm, '');
}

/** Links to files of the checkout. */
function relativeLinks(page: string, markdown: string): Link[] {
  return [...withoutCode(markdown).matchAll(/\[([^\]]*)\]\(([^)\s]+)\)/g)]
    .filter(([, , target]) => !/^[a-z]+:/.test(target!))
    .map(([, text, target]) => {
      const [path, anchor] = target!.split('#', 2);
      return { text: text!, path: path === '' ? page : posix.join(posix.dirname(page), path!), anchor };
    });
}

/** The anchors of headings, as hosting sites make them: lower case, no punctuation, hyphens for spaces. */
function anchors(markdown: string): string[] {
  return [...withoutCode(markdown).matchAll(/^#{1,6} (.+)$/gm)].map((match) =>
    match[1]!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(/\s/g, '-'),
  );
}

describe('each Markdown file', () => {
  for (const [page, markdown] of PAGES) {
    it(`${page}: every relative link leads to a file and a heading`, () => {
      const broken = relativeLinks(page, markdown).filter(({ path, anchor }) => {
        if (!existsSync(join(REPOSITORY, path))) return true;
        return anchor !== undefined && !anchors(PAGES.get(path) ?? '').includes(anchor);
      });
      expect(broken).toEqual([]);
    });

    it(`${page}: every path of the checkout in a code span exists`, () => {
      const planned = /^src\/client$/;
      const missing = [
        ...withoutCode(markdown).matchAll(/`((?:src|test|docs|deploy|openwrt|scripts|bench)\/[\w./-]*)`/g),
      ]
        .map((match) => match[1]!)
        .filter((path) => !planned.test(path) && !existsSync(join(REPOSITORY, path)));
      expect(missing).toEqual([]);
    });
  }
});

describe('the documents together', () => {
  it('every page below docs is linked from README.md, ARCHITECTURE.md or a page that is', () => {
    const reached = new Set(['README.md', 'ARCHITECTURE.md']);
    for (const page of reached) {
      for (const { path } of relativeLinks(page, PAGES.get(page) ?? '')) if (PAGES.has(path)) reached.add(path);
    }
    expect([...PAGES.keys()].filter((page) => !reached.has(page))).toEqual([]);
  });

  it('each invariant of ARCHITECTURE.md quotes a test that is in the file it links to', () => {
    const rows = [...PAGES.get('ARCHITECTURE.md')!.matchAll(/^\| .* \| \[[^\]]+\]\(([^)]+)\) "(.+)" \|$/gm)];
    expect(rows.length).toBeGreaterThan(8);
    for (const [, path, title] of rows) expect(readFileSync(join(REPOSITORY, path!), 'utf8')).toContain(title);
  });

  it('the commands that CONTRIBUTING.md and README.md name are scripts of package.json', () => {
    const { scripts } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8'));
    for (const page of ['README.md', 'CONTRIBUTING.md', 'ARCHITECTURE.md', 'SECURITY.md']) {
      for (const [, name] of PAGES.get(page)!.matchAll(/`npm run ([\w-]+)/g))
        expect(Object.keys(scripts)).toContain(name);
    }
  });

  it('CHANGELOG.md has the version of package.json', () => {
    const { version } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8'));
    expect(PAGES.get('CHANGELOG.md')).toContain(`### ${version}\n`);
  });
});

describe('a broken link is found', () => {
  it('headings become anchors as hosting sites make them', () => {
    expect(anchors('# To add …\n## `http`\n### 2. The zone and its key\n```\n# no heading\n```\n')).toEqual([
      'to-add-',
      'http',
      '2-the-zone-and-its-key',
    ]);
  });

  it('paths start from the page, and code is no text', () => {
    const text = 'see [a](../b.md#c), [d](#e), [f](https://example.com)\n```\n[g](h.md)\n```\n';
    expect(relativeLinks('docs/x.md', text)).toEqual([
      { text: 'a', path: 'b.md', anchor: 'c' },
      { text: 'd', path: 'docs/x.md', anchor: 'e' },
    ]);
  });
});
