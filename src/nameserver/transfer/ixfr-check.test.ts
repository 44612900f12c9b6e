/** Which diffs a secondary can apply: valid RDATA, and each record added and removed in turns. */
import { describe, expect, it } from 'vitest';
import { commit, makeZone } from '../../../test/support/published-zone.ts';
import { change, signedZone } from '../../../test/support/signed-zone.ts';
import { DomainName } from '../../dns/name.ts';
import type { EmbeddedZone } from '../zone/embedded-zone.ts';
import { canApplyDiffs } from './ixfr-check.ts';

const RP = 17;
const LOC = 29;
const rp = (text: string): string => DomainName.parse(text).wireText + DomainName.root.wireText;

/** A zone after commits that each set one RRset. */
function zoneAfter(...rrsets: readonly (readonly [type: number, ...rdatas: string[]])[]): EmbeddedZone {
  const zone = makeZone('example.com', 1);
  for (const [type, ...rdatas] of rrsets) {
    commit(zone, (draft) => draft.setRRset(zone.apex.prepend('a'), { type, ttl: 60, rdatas }));
  }
  return zone;
}

const canApply = (zone: EmbeddedZone, from = 0): boolean => canApplyDiffs(zone.recent.slice(from), zone.published);

describe('diffs for IXFR', () => {
  it('are applied if all RDATA is valid', () => {
    expect(canApply(zoneAfter([RP, rp('Foo')], [RP, rp('Foo'), rp('bar')], [RP]))).toBe(true);
    expect(canApply(zoneAfter([1, '\xc0\x00\x02\x01'], [1]))).toBe(true);
  });

  it('are not applied if one has RDATA that is refused today, also if it is gone', () => {
    const zone = zoneAfter([LOC, '\x00\x01\x02'], [LOC], [1, '\xc0\x00\x02\x01']);
    expect(canApply(zone)).toBe(false);
    expect(canApply(zone, 1)).toBe(false);
    expect(canApply(zone, 2)).toBe(true);
  });

  it('RFC 4034 §6.2: are applied if a record is replaced by itself in another case', () => {
    expect(canApply(zoneAfter([RP, rp('Foo')], [RP, rp('foo')], [RP]))).toBe(true);
  });

  it.each(['nsec3', 'nsec'] as const)('of a signed zone with %s are applied', (chain) => {
    const zone = signedZone('example.com', { chain });
    const from = zone.recent.length;
    const address = { type: 1, ttl: 60, rdatas: ['\xc0\x00\x02\x01'] };
    for (const label of ['a', 'b', '*']) change(zone, (draft) => draft.setRRset(zone.apex.prepend(label), address));
    change(zone, (draft) => draft.deleteRRset(zone.apex.prepend('a').key, 1));
    expect(zone.recent).toHaveLength(from + 4);
    expect(canApply(zone, from)).toBe(true);
  });

  it('are not applied if one adds a record that is there in another case', () => {
    const zone = zoneAfter([RP, rp('Foo')], [RP, rp('Foo'), rp('foo')]);
    expect(canApply(zone)).toBe(false);
    expect(canApply(zone, 1)).toBe(true);
  });

  it('are not applied if one removes a record that stays in another case', () => {
    const zone = zoneAfter([RP, rp('Foo'), rp('foo')], [RP, rp('Foo')]);
    expect(canApply(zone)).toBe(false);
    expect(canApply(zone, 1)).toBe(false);
  });
});
