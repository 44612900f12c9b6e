/** Literal names and patterns of a scope. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DomainName } from '../../dns/name.ts';
import { scopeCovers } from './name-scope.ts';

const name = (text: string) => DomainName.parse(text);

describe('a scope of owner names', () => {
  it.each<[string, string, boolean]>([
    ['home.example.com', 'home.example.com', true],
    ['home.example.com', 'HOME.example.com', true],
    ['home.example.com', 'a.home.example.com', false],
    ['*.lab.example.com', 'a.lab.example.com', true],
    ['*.lab.example.com', 'a.b.lab.example.com', true],
    ['*.lab.example.com', 'A.LAB.example.com', true],
    ['*.lab.example.com', 'lab.example.com', false],
    ['*.lab.example.com', '*.lab.example.com', true],
    ['*.lab.example.com', '*.b.lab.example.com', true],
    ['*.lab.example.com', 'notlab.example.com', false],
    ['*.lab.example.com', 'a.notlab.example.com', false],
    ['*.lab.example.com', 'a\\.lab.example.com', false],
    ['*', 'com', true],
  ])('%s and %s: %s', (pattern, ownerName, covered) => {
    const scope = [name('other.example.com'), name(pattern)];
    // A long scope has an index.
    const long = [...scope, ...Array.from({ length: 20 }, (_, i) => name(`h${i}.example.net`))];
    expect([scope, long].map((each) => scopeCovers(each, name(ownerName)))).toEqual([covered, covered]);
  });

  it('covers nothing when it is empty', () => {
    expect(scopeCovers([], name('home.example.com'))).toBe(false);
  });

  it('of many names covers what each of them covers', () => {
    const label = fc.constantFrom('a', 'B', 'ab', '*', 'example');
    const arbitraryName = fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => name(labels.join('.')));
    fc.assert(
      fc.property(fc.array(arbitraryName, { minLength: 9, maxLength: 20 }), arbitraryName, (scope, ownerName) => {
        expect(scopeCovers(scope, ownerName)).toBe(scope.some((pattern) => scopeCovers([pattern], ownerName)));
      }),
      { numRuns: 2000 },
    );
  });
});
