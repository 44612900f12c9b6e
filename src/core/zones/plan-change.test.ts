// Plans, applied to a zone in memory: they give the wanted state and nothing else, and hold only for what was believed.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryZone } from '../../../test/support/memory-publisher.ts';
import { type WantedTexts, wantedOf } from '../../../test/support/wanted-addresses.ts';
import { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { addressRdata, type RRset, rrsetAddresses, textRdata } from '../../dns/rrset.ts';
import { type PlanInput, planChange } from './plan-change.ts';
import type { AddressSet, PublishedAddresses } from './publisher.ts';

const zone = DomainName.parse('example.com');
const ownerName = DomainName.parse('a.b.example.com');

const v4 = fc.constantFrom('192.0.2.1', '192.0.2.2', '198.51.100.3', '203.0.113.40');
const v6 = fc.constantFrom('2001:db8::1', '2001:db8::2', '2001:db8:0:1::');
const ttl = fc.constantFrom(0, 60, 300, 2_147_483_647);

function addressSet(address: fc.Arbitrary<string>): fc.Arbitrary<AddressSet> {
  return fc
    .tuple(fc.uniqueArray(address, { maxLength: 3 }), ttl)
    .map(([list, seconds]) => ({ addresses: list.sort(), ttl: list.length > 0 ? seconds : 0 }));
}

const state: fc.Arbitrary<PublishedAddresses> = fc.record({ A: addressSet(v4), AAAA: addressSet(v6) });
const several = (address: fc.Arbitrary<string>) =>
  fc.array(address, { minLength: 1, maxLength: 3 }).map((list) => list.join(','));
const request = (address: fc.Arbitrary<string>) => fc.oneof(several(address), fc.constantFrom(null, undefined));
const wanted: fc.Arbitrary<WantedTexts> = fc
  .tuple(request(v4), request(v6))
  .map(([A, AAAA]) => ({ ...(A === undefined ? {} : { A }), ...(AAAA === undefined ? {} : { AAAA }) }));

const BYSTANDERS: readonly RRset[] = [
  { ownerName, type: RRType.TXT, ttl: 5, rdatas: [textRdata('kept')] },
  {
    ownerName: DomainName.parse('b.example.com'),
    type: RRType.A,
    ttl: 5,
    rdatas: [addressRdata(RRType.A, '192.0.2.9')],
  },
  { ownerName: zone, type: RRType.NS, ttl: 5, rdatas: [{ kind: 'NS', target: DomainName.parse('ns1.example.com') }] },
];

function zoneWith(published: PublishedAddresses): MemoryZone {
  const rrsets = (['A', 'AAAA'] as const).map((family): RRset => {
    const rdatas = published[family].addresses.map((address) => addressRdata(RRType[family], address));
    return { ownerName, type: RRType[family], ttl: published[family].ttl, rdatas };
  });
  return new MemoryZone(zone, [...BYSTANDERS, ...rrsets.filter((rrset) => rrset.rdatas.length > 0)]);
}

function stateOf(model: MemoryZone): PublishedAddresses {
  const of = (type: number): AddressSet => {
    const rrset = model.rrsetAt(ownerName, type);
    return { addresses: rrsetAddresses(rrset?.rdatas ?? []).sort(), ttl: rrset?.ttl ?? 0 };
  };
  return { A: of(RRType.A), AAAA: of(RRType.AAAA) };
}

function bystanders(model: MemoryZone): (RRset | undefined)[] {
  return BYSTANDERS.map((rrset) => model.rrsetAt(rrset.ownerName, rrset.type));
}

/** What is wanted, said once more without reading plan-change.ts. */
function expected(before: AddressSet, want: string | null | undefined, input: PlanInput): AddressSet {
  if (want === undefined) return before;
  if (want === null) return { addresses: [], ttl: 0 };
  const addresses = [...new Set(want.split(','))].sort();
  const same = before.addresses.join() === addresses.join();
  return same && !input.ttlIsExplicit ? before : { addresses, ttl: input.ttl };
}

const anyInput = fc.record({ wanted, published: state, ttl, ttlIsExplicit: fc.boolean() });

describe('a plan', () => {
  it('gives the wanted state and nothing else, and says what it was and will be', () => {
    fc.assert(
      fc.property(anyInput, (parts) => {
        const input: PlanInput = { zone, ownerName, ...parts, wanted: wantedOf(parts.wanted) };
        const model = zoneWith(parts.published);
        const plan = planChange(input);
        expect(model.apply([plan.change])).toBe('published');
        const after = {
          A: expected(parts.published.A, parts.wanted.A, input),
          AAAA: expected(parts.published.AAAA, parts.wanted.AAAA, input),
        };
        expect(stateOf(model)).toEqual(after);
        expect(bystanders(model)).toEqual(BYSTANDERS);
        for (const family of ['A', 'AAAA'] as const) {
          expect(plan[family].before).toEqual(parts.published[family].addresses);
          expect(plan[family].after).toEqual(after[family].addresses);
        }
      }),
    );
  });

  it('has edits exactly where something changes, and then the serial rises', () => {
    fc.assert(
      fc.property(anyInput, (parts) => {
        const input: PlanInput = { zone, ownerName, ...parts, wanted: wantedOf(parts.wanted) };
        const model = zoneWith(parts.published);
        const plan = planChange(input);
        model.apply([plan.change]);
        const differs = JSON.stringify(stateOf(model)) !== JSON.stringify(parts.published);
        expect(plan.changed).toBe(differs);
        expect(plan.change.edits.length > 0).toBe(differs);
        expect(model.serial).toBe(differs ? 2 : 1);
      }),
    );
  });

  it('holds only for what was believed; a TTL is not part of a prerequisite', () => {
    fc.assert(
      fc.property(anyInput, state, (parts, real) => {
        const model = zoneWith(real);
        const before = model.contents();
        const believed = (['A', 'AAAA'] as const).every(
          (family) => real[family].addresses.join() === parts.published[family].addresses.join(),
        );
        const outcome = model.apply([planChange({ zone, ownerName, ...parts, wanted: wantedOf(parts.wanted) }).change]);
        expect(outcome).toBe(believed ? 'published' : 'stale');
        if (!believed) expect(model.contents()).toEqual(before);
      }),
    );
  });

  it.each<[string, string, number, 'stale' | 'published']>([
    ['a CNAME at the name', 'a.b', RRType.CNAME, 'stale'],
    ['a delegation at the name', 'a.b', RRType.NS, 'stale'],
    ['a delegation above it', 'b', RRType.NS, 'stale'],
    ['a DNAME above it', 'b', RRType.DNAME, 'stale'],
    ['a DNAME at the apex', '@', RRType.DNAME, 'stale'],
    ['the NS records of the zone itself', '@', RRType.NS, 'published'],
    ['a DNAME at the name, which is for what is below', 'a.b', RRType.DNAME, 'published'],
    ['a CNAME above it', 'b', RRType.CNAME, 'published'],
    ['a delegation below it', 'x.a.b', RRType.NS, 'published'],
    ['a delegation beside it', 'c.b', RRType.NS, 'published'],
  ])('with %s', (_, label, type, outcome) => {
    const kind = type === RRType.NS ? 'NS' : type === RRType.DNAME ? 'DNAME' : 'CNAME';
    const at = label === '@' ? zone : DomainName.parse(label, zone);
    const rdatas = [{ kind, target: DomainName.parse('elsewhere.example.net') } as const];
    const model = new MemoryZone(zone, [{ ownerName: at, type, ttl: 60, rdatas }]);
    const none = { addresses: [], ttl: 0 };
    const published = { A: none, AAAA: none };
    const input = { zone, ownerName, wanted: wantedOf({ A: '192.0.2.1' }), published, ttl: 60, ttlIsExplicit: false };
    expect(model.apply([planChange(input).change])).toBe(outcome);
  });

  it('of the apex has no prerequisite about a delegation: every apex has NS records', () => {
    const none = { addresses: [], ttl: 0 };
    const published = { A: none, AAAA: none };
    const input = {
      zone,
      ownerName: zone,
      wanted: wantedOf({ A: '192.0.2.1' }),
      published,
      ttl: 60,
      ttlIsExplicit: false,
    };
    const { prerequisites } = planChange(input).change;
    expect(prerequisites.map((each) => ('type' in each ? each.type : each.kind))).toEqual([
      RRType.CNAME,
      RRType.A,
      RRType.AAAA,
    ]);
  });
});
