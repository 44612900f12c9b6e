import { describe, expect, it } from 'vitest';
import { MemoryPublisher, MemoryZone } from '../../../test/support/memory-publisher.ts';
import { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import type { HostToken } from '../access/token.ts';
import { type Zone, ZoneTable } from '../zones/zone.ts';
import { hostOf, hostsScope, operatorScope, placesIn, type RecordScope, tokenScope } from './record-scope.ts';

const name = (text: string) => DomainName.parse(text);
const names = (...texts: readonly string[]) => texts.map((text) => name(text));
const { A, TXT, MX, NS } = RRType;

function zone(apex: string): Zone {
  return {
    apex: name(apex),
    publisher: new MemoryPublisher(new MemoryZone(name(apex))),
    ttl: {},
    apexAllowed: false,
    wildcardAllowed: false,
    reserved: new Set(),
    addresses: { allow: [], deny: [] },
    emptyValue: 'keep',
  };
}

const zones = new ZoneTable([zone('example.com'), zone('deep.example.com'), zone('_acme-challenge.own.example.com')]);
const scopeOf = (hosts: readonly DomainName[], types: readonly number[] = [A, TXT]) =>
  tokenScope({ name: 't', hosts, types } as unknown as HostToken);

/** The names, or which of these names a search would find. */
function places(scope: RecordScope, apex: string, ...tried: readonly string[]): readonly string[] | 'none' {
  const found = placesIn(zones, zones.findByApex(name(apex))!, scope);
  if (found.kind === 'none') return 'none';
  if (found.kind === 'names') return found.names.map(String);
  return tried.filter((text) => found.isWanted(name(text).key));
}

describe('where a scope has records', () => {
  it('literal names, with their challenges, each in its zone', () => {
    const scope = scopeOf(names('a.example.com', 'b.deep.example.com', 'own.example.com', 'x.example.net'));
    expect(places(scope, 'example.com')).toEqual([
      'a.example.com.',
      '_acme-challenge.a.example.com.',
      'own.example.com.',
    ]);
    expect(places(scope, 'deep.example.com')).toEqual(['b.deep.example.com.', '_acme-challenge.b.deep.example.com.']);
    expect(places(scope, '_acme-challenge.own.example.com')).toEqual(['_acme-challenge.own.example.com.']);
  });

  it('nothing in a zone of which it has no name', () => {
    expect(places(scopeOf(names('x.example.net', '*.example.net')), 'example.com')).toBe('none');
    expect(places(scopeOf(names('a.deep.example.com')), 'example.com')).toBe('none');
    expect(places(scopeOf(names('notexample.com', '*.notexample.com')), 'example.com')).toBe('none');
  });

  it('a pattern: what is below it, and challenges of what else it has', () => {
    const scope = scopeOf(names('*.lab.example.com', 'a.example.com'));
    const tried = ['x.lab.example.com', 'x.y.lab.example.com', 'lab.example.com', 'a.example.com', 'b.example.com'];
    expect(places(scope, 'example.com', ...tried, '_acme-challenge.a.example.com')).toEqual([
      'x.lab.example.com',
      'x.y.lab.example.com',
      'a.example.com',
      '_acme-challenge.a.example.com',
    ]);
    expect(places(scope, 'deep.example.com')).toBe('none');
  });

  it('a pattern above the zone', () => {
    expect(places(scopeOf(names('*.com')), 'example.com', 'example.com', 'a.example.com')).toHaveLength(2);
  });

  it('everywhere, for an operator', () => {
    expect(places(operatorScope('admin'), 'example.com', 'a.example.com')).toEqual(['a.example.com']);
  });
});

describe('what a scope may', () => {
  it('a token: its types at its names, to see and to change', () => {
    const scope = scopeOf(names('a.example.com'), [A, TXT]);
    for (const may of [scope.mayRead, scope.mayChange]) {
      expect([may(name('a.example.com'), A), may(name('a.example.com'), MX), may(name('b.example.com'), A)]).toEqual([
        true,
        false,
        false,
      ]);
      expect(may(name('_acme-challenge.a.example.com'), TXT)).toBe(true);
      expect(may(name('_acme-challenge.a.example.com'), A)).toBe(false);
    }
  });

  it('a member: the types of clients at hosts that may be changed; others may be seen', () => {
    const hosts = names('a.example.com', 'b.example.com');
    const scope = hostsScope('the user u', hosts, hosts.slice(0, 1));
    expect([scope.mayRead(hosts[1]!, MX), scope.mayChange(hosts[1]!, MX)]).toEqual([true, false]);
    expect([scope.mayChange(hosts[0]!, MX), scope.mayChange(hosts[0]!, NS), scope.mayRead(hosts[0]!, NS)]).toEqual([
      true,
      false,
      false,
    ]);
    expect(scope.mayChange(name('_acme-challenge.a.example.com'), TXT)).toBe(true);
    expect(scope.mayChange(name('_acme-challenge.b.example.com'), TXT)).toBe(false);
  });
});

describe('the host whose settings hold', () => {
  it.each([
    ['a.example.com', A, 'a.example.com.'],
    ['_acme-challenge.a.example.com', TXT, 'a.example.com.'],
    ['_sip._tcp.a.example.com', RRType.SRV, 'a.example.com.'],
    ['_text.a.example.com', TXT, '_text.a.example.com.'],
    ['_x.a.example.com', undefined, '_x.a.example.com.'],
  ])('%s', (ownerName, type, host) => {
    expect(String(hostOf(name(ownerName), type))).toBe(host);
  });
});
