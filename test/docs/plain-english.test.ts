/**
 * The documents are in plain English: phrases that are hard to read or to search for do not occur. Code blocks and code
 * spans are not checked, because they contain replies and messages of this and other programs.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { describe, expect, it } from 'vitest';
import { REPOSITORY } from '../support/installation.ts';

/** Phrase, and what to write instead. */
const PHRASES: readonly (readonly [RegExp, string])[] = [
  [/\bnobody\b/, 'no one, or the noun: "no client"'],
  [/\bwhoever\b|[.;:|] who (?:has|knows|owns|wants|sends|may|can) /, 'the noun: "a client that …", "anyone who …"'],
  [/\b(?:is|are|be|was|were|been) told\b|\btells? (?!apart)|\btold\b/, 'reports, shows, notifies, says'],
  [/\b(?:is|are|be|was|were) asked\b|\basks (?:each|any|all|DNS|at)\b/, 'queries, requests'],
  [/\btaken away\b|\btakes? (?:it |them |both )?away\b/, 'removes, deletes'],
  [/\bcomes of\b|\bcame of\b|\bcome of\b/, 'results from'],
  [/\bstands? (?:in|beside|side|behind|for|there|alone|with)\b/, 'is in, is next to, means'],
  [/\bunder way\b/, 'in flight, in progress'],
  [/\bas ever\b/, '"as usual"'],
  [/\b(?:is|are) no (?:text|JSON|name|host|prefix|address|match|longer a)\b/, '"is not a (valid) …"'],
  [/\ball the same\b/, '"in any case", or nothing'],
  [/\bagain and again\b/, 'repeatedly, periodically'],
  [/\bcounts? no more\b|\bno more than that\b/, 'expired, is not valid'],
  [/\bthe like\b|\band what else\b/, 'name them, or "similar …"'],
  [/\bhere too\b|\bof use\b/, '"useful", or nothing'],
  [/\bheld against\b|\bgets? on with\b/, 'the standard verb'],
  [/\bfor ever\b|\bonce and for\b/, '"permanently"'],
  [/\bwithout a word\b|\bsays? nothing of\b/, '"silently", "does not depend on"'],
  [/\bis gone\b|\bare gone\b|\bwent away\b/, '"is deleted", "is lost"'],
  [/\bof (?:its|their|your|our) own (?:that|who|which)\b/, 'a shorter clause'],
  [/\bin (?:its|their) turn\b|\bby and by\b/, 'the order itself'],
  [/\bas it is typed\b|\bis typed as\b/, '"run as root"'],
  [/\bswitche[sd] (?:off|on)\b|\bswitch (?:it|them) (?:off|on)\b/, 'disabled, enabled'],
  [/\btries again\b|\btried again\b|\btry again\b/, 'retries, is retried'],
  [/\bwishe[sd]?\b|\bwish\b/, '"pending update"'],
  [/\bdoors?\b/, '"client protocol"'],
  [/\blook(?:s|ed)? at\b/, 'checks, reads'],
  [/\bin force\b/, '"in effect"'],
  [/\bgo(?:es)? on\b/, 'continues'],
  [/\bbeside\b/, '"next to"'],
  [/\b(?:is|are|be) kept\b/, '"is stored", "does not change"'],
];

/** Documents that are not checked yet, or on purpose, with the reason. */
const EXCLUDED: readonly (readonly [RegExp, string])[] = [
  [/^docs\/decisions\//, 'A decision is a dated record, and is not edited afterwards.'],
];

const PAGES = [
  'README.md',
  'SECURITY.md',
  'CONTRIBUTING.md',
  'ARCHITECTURE.md',
  'CHANGELOG.md',
  ...readdirSync(join(REPOSITORY, 'docs'), { encoding: 'utf8', recursive: true })
    .filter((name) => name.endsWith('.md'))
    .map((name) => posix.join('docs', name)),
].filter((page) => !EXCLUDED.some(([pattern]) => pattern.test(page)));

/** The prose with its line numbers: code is blank, and of CHANGELOG.md only the newest section counts. */
function prose(page: string, text: string): string {
  const part = page === 'CHANGELOG.md' ? (/^[\s\S]*?^## [\s\S]*?(?=^## )/m.exec(text)?.[0] ?? text) : text;
  const blank = (code: string) => code.replaceAll(/[^\n]/g, ' ');
  return part.replaceAll(/^ *```[\s\S]*?^ *```$/gm, blank).replaceAll(/`[^`\n]*`|\]\([^)]*\)|"[^"\n]*"/g, blank);
}

/** `page:line: "phrase": better word` for each phrase; a phrase may continue on the next line. */
function findings(page: string, text: string): readonly string[] {
  const checked = prose(page, text);
  return PHRASES.flatMap(([phrase, better]) =>
    [...checked.matchAll(new RegExp(phrase.source.replaceAll(' ', String.raw`\s+`), 'gi'))].map((match) => {
      const line = checked.slice(0, match.index).split('\n').length;
      return `${page}:${line}: "${match[0].trim()}" – better: ${better}`;
    }),
  );
}

describe('plain English', () => {
  it.each(PAGES)('%s', (page) => {
    expect(findings(page, readFileSync(join(REPOSITORY, page), 'utf8'))).toEqual([]);
  });
});

describe('a phrase of the list', () => {
  it('is found in prose, across lines and in any case, with its line', () => {
    expect(findings('a.md', 'One\n\nThe operator is\ntold of it, which Nobody reads.\n')).toEqual([
      'a.md:3: "Nobody" – better: no one, or the noun: "no client"'.replace(':3:', ':4:'),
      'a.md:3: "is\ntold" – better: reports, shows, notifies, says',
    ]);
  });

  it('is not found in code, in quotations and in the addresses of links', () => {
    expect(findings('a.md', '```\nnobody\n```\n`nobody` "nobody" [x](nobody.md)\n')).toEqual([]);
  });

  it('in CHANGELOG.md is found in the newest section only', () => {
    const text = '# Changelog\n\n## Unreleased\n\nnobody\n\n## 1.0\n\nnobody\n';
    expect(findings('CHANGELOG.md', text)).toHaveLength(1);
  });
});
