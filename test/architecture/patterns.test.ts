// No regular expression that reads a client's text may need more than linear time: one request would stop HTTP and DNS for
// all others. The bound is measured by bench/fuzz-growth.mjs; this test refuses the patterns before.
import { describe, expect, it } from 'vitest';
import { readSources } from './imports.ts';
import { patternProblem, patternProblems, type ReviewedPattern } from './patterns.ts';

/** Rooms whose texts are the operator's alone. */
const OPERATOR_ROOMS = ['acme/', 'cli/', 'config/', 'docs/', 'doctor/'];

const REVIEWED: readonly ReviewedPattern[] = [
  {
    file: 'core/admin/read-input.ts',
    pattern: "new RegExp(textForm.pattern ?? '', 'u')",
    reason: 'a pattern of the schema of an operation; validators.ts has all of them, and they are checked there',
  },
  {
    file: 'dns/presentation/svcb-text.ts',
    pattern: '/\\\\(.)|,|[^\\\\,]+|\\\\$/gs',
    reason: 'one of the alternatives matches every character at once',
  },
  {
    file: 'dns/presentation/text-numbers.ts',
    pattern: '/^(\\d{1,12}[smhdw])+$/i',
    reason: 'a unit ends each repetition, and no digit is a unit',
  },
];

describe('the patterns of the source', () => {
  it('need linear time, or were reviewed', () => {
    const sources = new Map(
      [...readSources()].filter(([file]) => !OPERATOR_ROOMS.some((room) => file.startsWith(room))),
    );
    expect(sources.size).toBeGreaterThan(100);
    expect(patternProblems(sources, REVIEWED)).toEqual([]);
  });
});

describe('the rule', () => {
  it.each([
    /=+$/,
    /\s+$/,
    /^\s*for\s*=\s*(.*?)\s*$/i,
    /^(a+)+$/,
    /^(a|a)*$|b/,
    /^x|a*b/,
    /^a*b/m,
    /^\s*form-data\s*;(?:.*;)?\s*name=/,
    /(\d+)(\D)/g,
    /"[^"]{2,}"/,
    /[a-z]*;/,
    /^(?:a{1,30}){1,30}$/,
    /^(?:a|b)*$/,
    /^(?:(?:a?)){30}$/,
  ])('refuses %s', ({ source, flags }) => expect(patternProblem(source, flags)).toBeDefined());

  it.each([
    /^[a-z+*]+$/,
    /\s+/,
    /[,\s]+/g,
    /\/{2,}/g,
    /^(?:ab)*$/,
    /a?b{1,30}$/,
    /\*\+/,
    /^\d{1,3}$/,
    /[^\]*+]/,
    /\p{Cc}/u,
    /a*b/y,
  ])('accepts %s', ({ source, flags }) => expect(patternProblem(source, flags)).toBeUndefined());

  it('finds a literal, a constructor and a review that is out of date', () => {
    const sources = new Map([
      ['a.ts', 'const a: RegExp = /=+$/;\nexport const b = new RegExp(String(a));\n// /x+$/\n'],
    ]);
    const reviewed = [
      { file: 'a.ts', pattern: '/=+$/', reason: 'short' },
      { file: 'a.ts', pattern: '/b+$/', reason: 'gone' },
    ];
    expect(patternProblems(sources, reviewed)).toEqual([
      'a.ts: new RegExp(String(a)) is made at run time',
      'a.ts: no pattern /b+$/',
    ]);
  });
});
