/** Literal names and patterns of a scope. */
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
    expect(scopeCovers([name('other.example.com'), name(pattern)], name(ownerName))).toBe(covered);
  });

  it('covers nothing when it is empty', () => {
    expect(scopeCovers([], name('home.example.com'))).toBe(false);
  });
});
