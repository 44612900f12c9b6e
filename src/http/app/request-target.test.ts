/** Request targets as routers send them. */
import { describe, expect, it } from 'vitest';
import { queryOf, routedTarget as route, routeMatcher } from './request-target.ts';

const isRoute = routeMatcher([
  '/',
  '/nic/update',
  '/update',
  '/myip',
  '/metrics',
  '/update/:domains/:token',
  '/update-by-path/:secret/:fqdn',
  '/update-by-path/:secret/:fqdn/:ip_1',
  '/u/:secret',
]);
const routedTarget = (target: string, host?: string) => route(target, host, isRoute);
const normalizeTarget = (target: string) => routedTarget(target);

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

describe('a mangled target', () => {
  it.each([
    ['/nic%2Fupdate?x=1', '/nic/update?x=1'],
    ['/nic%2fupdate', '/nic/update'],
    ['/%2Fnic%2Fupdate%2F', '/nic/update'],
    ['/%2fmyip', '/myip'],
    ['/update-by-path%2FSECRET%2Fhome.example.com', '/update-by-path/SECRET/home.example.com'],
    ['/update-by-path/SECRET%2Fhome.example.com', '/update-by-path/SECRET/home.example.com'],
    ['/update-by-path/SECRET/home.example.com%2F192.0.2.1', '/update-by-path/SECRET/home.example.com/192.0.2.1'],
    ['/update%2Fhome%2FTOKEN', '/update/home/TOKEN'],
    ['/u%2FSECRET', '/u/SECRET'],
    // An escaped slash of a credential stays where the path is a route with it.
    ['/u/SE%2FCRET', '/u/SE%2FCRET'],
    ['/update-by-path/SE%2FCRET/home.example.com', '/update-by-path/SE%2FCRET/home.example.com'],
    ['//host.example/u/SE%2FCRET', '/u/SE%2FCRET'],
    ['/other%2Fpath', '/other%2Fpath'],
    ['//host.example/nic/update?a=1', '/nic/update?a=1'],
    ['//HOST.example:8245/nic/update', '/nic/update'],
    ['///host.example/nic/update', '/host.example/nic/update'],
    ['//host.example//nic/update/', '/nic/update'],
    ['//host.example', '/'],
    ['//host.example/?x=1', '/?x=1'],
    ['//other.example/nic/update', '/other.example/nic/update'],
    ['/host.example/nic/update', '/host.example/nic/update'],
    ['/\\/host.example/nic/update', '/nic/update'],
    ['/%2Fhost.example%2Fnic%2Fupdate', '/nic/update'],
    ['/nic/update?hostname=a?myip=192.0.2.1', '/nic/update?hostname=a&myip=192.0.2.1'],
    ['/nic/update??hostname=a', '/nic/update?hostname=a'],
    ['/nic/update???hostname=a??myip=1', '/nic/update?hostname=a&myip=1'],
    ['/nic/update?myipv6:a.b=::1?h[]=x?y%5B=z', '/nic/update?myipv6:a.b=::1&h[]=x&y%5B=z'],
    ['/nic/update?password=a?b&x=c?', '/nic/update?password=a?b&x=c?'],
    ['/nic/update?', '/nic/update?'],
    ['/nic/update??', '/nic/update?'],
  ])('%j becomes %j', (target, expected) => {
    const host = 'host.example';
    expect(routedTarget(target, host)).toBe(expected);
    expect(routedTarget(target, `${host}:8080`)).toBe(expected);
  });

  it('never leads to a guarded path', () => {
    for (const guarded of [
      '/v1',
      '/v1/zones',
      '/ui',
      '/ui/app.js',
      '/api/v1',
      '/api/v1/hosts',
      '/metrics',
      '/metrics/x',
    ]) {
      // As it is written, it is left alone.
      for (const target of [guarded, `${guarded}?a=b?c=d`, `${guarded}/a%2Fb//c`])
        expect(routedTarget(target)).toBe(target);
      expect(routedTarget(`http://host.example${guarded}`)).toBe(guarded);
      const escaped = guarded.replace(/[a-z]/, (sign) => `%${sign.charCodeAt(0).toString(16)}`);
      for (const target of [
        `/${guarded}`,
        `/\\${guarded}`,
        `//host.example${guarded}`,
        `/%5c${guarded}`,
        `/%2F${guarded.slice(1)}`,
        guarded.replace(/(?<=.)\//g, '%2F').replace(/^\//, '/%2f'),
        `/\\${guarded.slice(1)}`,
        `${guarded.slice(0, 2)}\\${guarded.slice(2)}`,
        `http://host.example/${guarded}`,
        escaped,
        `/${escaped}`,
      ]) {
        expect(decodeURIComponent(routedTarget(target, 'host.example')), target).not.toMatch(
          /^\/(?:v1|ui|api\/v1|metrics)(?:\/|$)/,
        );
      }
    }
    expect(routedTarget('/api%2Fv1/hosts')).toBe('/%00');
    expect(routedTarget('/v1%2Fzones')).toBe('/%00');
    // Other paths only begin like one.
    expect(routedTarget('//v1x')).toBe('/v1x');
    expect(routedTarget('//metrics2')).toBe('/metrics2');
  });

  it('never throws, and repairing again changes nothing', () => {
    const signs = [
      '/',
      '//',
      '%2F',
      '%2f',
      '\\',
      '%5c',
      '?',
      '%',
      '=',
      'nic',
      'update',
      'host.example',
      'v1',
      'metrics',
      ':80',
      '*',
    ];
    let state = 1;
    for (let count = 0; count < 20_000; count++) {
      const target = Array.from({ length: 1 + (count % 9) }, () => {
        state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
        return signs[(state >> 8) % signs.length];
      }).join('');
      const path = routedTarget(target, 'host.example').split('?')[0]!;
      expect(path, target).not.toMatch(/^\/\/|\\/);
      if (/^\/(v1|metrics)(\/|$)/.test(path)) expect(target.startsWith(path), target).toBe(true);
    }
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
