// Which zone a name lies in, which names may be changed, which TTL is used.
import { describe, expect, it } from 'vitest';
import { MemoryPublisher, MemoryZone } from '../../../test/support/memory-publisher.ts';
import { DomainName } from '../../dns/name.ts';
import { checkOwnerName, chooseTtl, type Zone, ZoneTable } from './zone.ts';

function zoneNamed(name: string, rules: Partial<Zone> = {}): Zone {
  const apex = DomainName.parse(name);
  const publisher = new MemoryPublisher(new MemoryZone(apex));
  const none = { apexAllowed: false, wildcardAllowed: false, reserved: new Set<string>() };
  return { apex, publisher, ttl: {}, ...none, addresses: { allow: [], deny: [] }, emptyValue: 'keep', ...rules };
}

describe('the zone of a name', () => {
  const table = new ZoneTable(['example.com', 'dyn.example.com', 'a.b.c.example.net'].map((name) => zoneNamed(name)));

  it.each<[string, string | undefined]>([
    ['example.com', 'example.com.'],
    ['home.example.com', 'example.com.'],
    ['a.b.c.d.example.com', 'example.com.'],
    ['dyn.example.com', 'dyn.example.com.'],
    ['home.dyn.example.com', 'dyn.example.com.'],
    ['HOME.Dyn.EXAMPLE.com', 'dyn.example.com.'],
    ['notdyn.example.com', 'example.com.'],
    ['evilexample.com', undefined],
    ['home.evilexample.com', undefined],
    ['evil-dyn.example.com', 'example.com.'],
    ['evil\\.dyn.example.com', 'example.com.'],
    ['evil\\.example.com', undefined],
    ['example.com.example.org', undefined],
    // A label that holds the octets of `\\007example`, so that the zone's wire form is in the name, but not at a label.
    ['evil\\007example.com', undefined],
    ['evil\\003dyn.example.com', 'example.com.'],
    ['b.c.example.net', undefined],
    ['x.a.b.c.example.net', 'a.b.c.example.net.'],
    ['com', undefined],
    ['.', undefined],
  ])('%s lies in %s', (name, expected) => {
    expect(table.find(DomainName.parse(name))?.apex.toString()).toBe(expected);
  });

  it('of the root zone is found for every name', () => {
    const root = new ZoneTable([zoneNamed('.')]);
    expect(root.find(DomainName.parse('a.b'))?.apex.isRoot).toBe(true);
    expect(root.find(DomainName.root)?.apex.isRoot).toBe(true);
  });

  it('is found by its apex alone, without case', () => {
    expect(table.findByApex(DomainName.parse('DYN.example.com'))?.apex.toString()).toBe('dyn.example.com.');
    expect(table.findByApex(DomainName.parse('home.example.com'))).toBeUndefined();
    expect(table.all).toHaveLength(3);
  });
});

describe('a name that clients may change', () => {
  const check = (name: string, rules: Partial<Zone> = {}) => {
    checkOwnerName(zoneNamed('example.com', rules), DomainName.parse(name));
  };

  it('is any host name below the apex', () => {
    for (const name of ['home.example.com', 'a.b.example.com', 'xn--bcher-kva.example.com']) {
      expect(() => check(name)).not.toThrow();
    }
  });

  it.each<[string, Partial<Zone>, RegExp]>([
    ['example.com', { apexAllowed: true }, /'apex: true'/],
    ['EXAMPLE.com', { apexAllowed: true }, /'apex: true'/],
    ['*.example.com', { wildcardAllowed: true }, /'wildcard: true'/],
    ['*.home.example.com', { wildcardAllowed: true }, /'wildcard: true'/],
  ])('%s only where the zone says so', (name, allowing, words) => {
    expect(() => check(name)).toThrow(
      expect.objectContaining({ code: 'name-invalid', message: expect.stringMatching(words) }),
    );
    expect(() => check(name, allowing)).not.toThrow();
  });

  it('is none that is reserved, in whatever case', () => {
    const reserved = new Set([DomainName.parse('www.example.com').key]);
    expect(() => check('WWW.example.com', { reserved })).toThrow(/reserved/);
    expect(() => check('a.www.example.com', { reserved })).not.toThrow();
  });

  it.each(['_acme-challenge.example.com', 'a._tcp.example.com', 'a_b.example.com'])(
    '%s is none: it has a _',
    (name) => {
      expect(() => check(name)).toThrow(/_/);
    },
  );
});

describe('the TTL', () => {
  it.each<[string, Zone['ttl'], number | undefined, number, number]>([
    ['of the request comes first', { default: 100 }, 200, 300, 200],
    ['of the request may be 0', { default: 100 }, 0, 300, 0],
    ['of the zone comes second', { default: 100 }, undefined, 300, 100],
    ['falls back', {}, undefined, 300, 300],
    ['falls back to no less than the least', { min: 600 }, undefined, 300, 600],
    ['falls back to no more than the most', { max: 60 }, undefined, 300, 60],
    ['may be the greatest of RFC 2181 §8', {}, 2_147_483_647, 300, 2_147_483_647],
    ['may be the limits themselves', { min: 60, max: 60 }, 60, 300, 60],
  ])('%s', (_, ttl, requested, fallback, expected) => {
    expect(chooseTtl(zoneNamed('example.com', { ttl }), requested, fallback)).toBe(expected);
  });

  it.each<[Zone['ttl'], number, RegExp]>([
    [{ min: 60 }, 59, /59 is not between 60 and 2147483647/],
    [{ max: 3600 }, 3601, /3601 is not between 0 and 3600/],
    [{}, -1, /-1 is not between 0 and 2147483647/],
    [{}, 2_147_483_648, /2147483648/],
  ])('of a request is refused out of %j', (ttl, requested, words) => {
    const choose = () => chooseTtl(zoneNamed('example.com', { ttl }), requested, 300);
    expect(choose).toThrow(
      expect.objectContaining({ code: 'request-malformed', message: expect.stringMatching(words) }),
    );
  });
});
