// Targets as routers send them, made regular before a route is looked for.
import { describe, expect, it } from 'vitest';
import { normalizeTarget } from './app.ts';

describe('the target of a request', () => {
  it.each([
    ['/', '/'],
    ['', '/'],
    ['//', '/'],
    ['/a/b', '/a/b'],
    ['//nic/update?x=1', '/nic/update?x=1'],
    ['/\\/nic/update?x=1', '/nic/update?x=1'],
    ['/nic/update/?x=1', '/nic/update?x=1'],
    ['/nic/update//', '/nic/update'],
    ['/a///b//c', '/a/b/c'],
    ['http://host.example:8080/a?b', '/a?b'],
    ['HTTPS://host.example/a//b', '/a/b'],
    ['http://host.example', '/'],
    ['http://host.example?x=1', '/?x=1'],
    ['/a?b=//c/&d=\\e/', '/a?b=//c/&d=\\e/'],
    ['/a?b?c', '/a?b?c'],
    ['/?', '/?'],
    ['/a%2Fb%2f', '/a%2Fb%2f'],
    ['*', '*'],
  ])('%j becomes %j', (target, expected) => {
    expect(normalizeTarget(target)).toBe(expected);
  });
});
