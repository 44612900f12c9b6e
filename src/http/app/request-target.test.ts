/** Request targets as routers send them. */
import { describe, expect, it } from 'vitest';
import { normalizeTarget, queryOf, routedTarget } from './request-target.ts';

describe('the target of a request', () => {
  it.each([
    ['/', '/'],
    ['', '/'],
    ['//', '/'],
    ['/a/b', '/a/b'],
    ['//nic/update?x=1', '/nic/update?x=1'],
    ['/\\/nic/update?x=1', '/nic/update?x=1'],
    ['/%5c/nic/update?x=1', '/nic/update?x=1'],
    ['/%5C//nic/update', '/nic/update'],
    ['/a/%5c/b', '/a/%5c/b'],
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

describe('the target that is routed', () => {
  it.each([
    ['/', 'checkip.example.com', '/checkip'],
    ['//?format=json', 'CheckIP.example.com:8080', '/checkip?format=json'],
    ['/nic/update', 'checkip.example.com', '/nic/update'],
    ['/', 'notcheckip.example.com', '/'],
    ['/', undefined, '/'],
  ])('%j with the Host %j becomes %j', (target, host, expected) => {
    expect(routedTarget(target, host)).toBe(expected);
  });
});

describe('the query of a target', () => {
  it.each([
    ['/a', ''],
    ['/a?', ''],
    ['/a?b=c?d', 'b=c?d'],
  ])('%j has %j', (target, expected) => {
    expect(queryOf(target)).toBe(expected);
  });
});
