/** Bootstrapping records: where they are, when, and that the zone with them is signed as a whole. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { change, newSigningKey, signedZone, signingFaults } from '../../../test/support/signed-zone.ts';
import type { ParentReport } from '../../core/zones/parent-zone.ts';
import { dsOfKey } from '../../dns/dnssec/delegation.ts';
import { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { Committer } from '../journal/committer.ts';
import type { EmbeddedZone } from '../zone/embedded-zone.ts';
import { allRRsets, findRRset } from '../zone/zone-node.ts';
import { nameOf, rdataText } from '../zone/zone-version.ts';
import { BootstrapRecords } from './bootstrap-records.ts';

const PACE = { tickMs: 1_000_000, pollSeconds: 300, slowestPollSeconds: 3_600, unseenDsTtl: 86_400 };

let zones: Map<string, EmbeddedZone>;
let records: BootstrapRecords;
let state: { hasDs: readonly boolean[] | undefined; polled: string[]; nowMs: number; warnings: string[] };

beforeEach(() => {
  zones = new Map();
  state = { hasDs: [false, false], polled: [], nowMs: 0, warnings: [] };
  restart();
});
afterEach(async () => {
  await records.close();
  expect(state.warnings).toEqual([]);
});

function restart(): void {
  records = new BootstrapRecords({
    zones: () => zones,
    committer: new Committer({ log: { append: async () => {} } }),
    parent: {
      readDs: async (zone): Promise<ParentReport> => {
        state.polled.push(zone.toString());
        if (state.hasDs === undefined) return { kind: 'unknown', reason: 'no resolver answers' };
        const ds = dsOfKey(zone, newSigningKey(zone).dnskey);
        const servers = state.hasDs.map((has, i) => ({ place: `ns${i}`, ds: has ? [ds] : [], ttl: 300 }));
        return { kind: 'asked', parent: zone.parent()!, servers };
      },
      notifyCds: async () => [],
    },
    pace: PACE,
    monotonicMs: () => state.nowMs,
    onWarning: (text) => state.warnings.push(text),
  });
}

/** A signed zone with CDS, and its nameservers. */
function serve(name: string, nameservers: readonly string[] = [], policy: Parameters<typeof signedZone>[1] = {}) {
  const key = newSigningKey(DomainName.parse(name));
  const zone = signedZone(name, { keys: [key], announced: [key], ...policy });
  if (nameservers.length > 0) setNameservers(zone, nameservers);
  zones.set(zone.apex.key, zone);
  return zone;
}

function setNameservers(zone: EmbeddedZone, names: readonly string[]): void {
  const rdatas = names.map((name) => rdataText({ kind: 'NS', target: DomainName.parse(name) }));
  change(zone, (draft) => draft.setRRset(zone.apex, { type: RRType.NS, ttl: 300, rdatas }));
}

/** Names with copies, and that these are right. */
function copiesIn(zone: EmbeddedZone): string[] {
  const names: string[] = [];
  for (const node of zone.published.nodes.values()) {
    if (node.key === zone.apex.key || findRRset(node, RRType.CDS) === undefined) continue;
    names.push(nameOf(node.wireText).toString());
    expect(allRRsets(node).map(({ type }) => type)).toEqual(expect.arrayContaining([RRType.CDS, RRType.CDNSKEY]));
  }
  expect(signingFaults(zone.published)).toEqual([]);
  return names.sort();
}

const dataAt = (zone: EmbeddedZone, name: string, type: number) => {
  const rrset = findRRset(zone.published.find(DomainName.parse(name).key)!, type);
  return rrset && { ttl: rrset.ttl, rdatas: rrset.rdatas };
};

const AT_NS1 = '_dsboot.customer.test._signal.ns1.provider.example.';
const AT_NS2 = '_dsboot.customer.test._signal.ns2.provider.example.';
const NAMESERVERS = ['ns1.provider.example', 'ns2.provider.example'];

describe.each(['nsec3', 'nsec'] as const)('bootstrapping records in a zone with %s', (chain) => {
  it('are copies below the name of each nameserver, and follow the zone', async () => {
    const host = serve('provider.example', [], { chain });
    const customer = serve('customer.test', NAMESERVERS);
    await records.update();
    expect(copiesIn(host)).toEqual([AT_NS1, AT_NS2]);
    for (const type of [RRType.CDS, RRType.CDNSKEY])
      expect(dataAt(host, AT_NS1, type)).toEqual(dataAt(customer, 'customer.test', type));
    const { serial } = host.published;
    await records.update();
    expect(host.published.serial).toBe(serial);
    setNameservers(customer, [NAMESERVERS[1]!]);
    await records.update();
    expect(copiesIn(host)).toEqual([AT_NS2]);
    const next = newSigningKey(customer.apex);
    const signer = customer.signer as unknown as { policy: { announced: unknown } };
    signer.policy = { ...signer.policy, announced: [next] };
    change(customer, (draft) => customer.signer!.setKeys(draft));
    await records.update();
    expect(dataAt(host, AT_NS2, RRType.CDS)).toEqual(dataAt(customer, 'customer.test', RRType.CDS));
    signer.policy = { ...signer.policy, announced: 'delete' };
    change(customer, (draft) => customer.signer!.setKeys(draft));
    await records.update();
    expect(copiesIn(host)).toEqual([]);
  });

  it('go when the zone is not there any more, also over a restart', async () => {
    const host = serve('provider.example', [], { chain });
    serve('customer.test', NAMESERVERS);
    serve('other.test', [NAMESERVERS[0]!]);
    await records.update();
    expect(copiesIn(host)).toHaveLength(3);
    zones.delete(DomainName.parse('customer.test').key);
    await records.update();
    expect(copiesIn(host)).toEqual(['_dsboot.other.test._signal.ns1.provider.example.']);
    zones.delete(DomainName.parse('other.test').key);
    await records.close();
    restart();
    await records.update();
    expect(copiesIn(host)).toEqual([]);
    expect(host.published.find(DomainName.parse('ns1.provider.example').key)).toBeUndefined();
  });
});

describe('zones without copies', () => {
  /** With 19 octets its name at ns1.provider.example has 255. */
  const longName = (octets: number) => `${[63, 63, 63, octets].map((length) => 'a'.repeat(length)).join('.')}.test`;
  const edit = (name: string, type: number, target: string) => (host: EmbeddedZone) =>
    change(host, (draft) => {
      const rdata = rdataText({ kind: type === RRType.NS ? 'NS' : 'DNAME', target: DomainName.parse(target) });
      draft.setRRset(DomainName.parse(name), { type, ttl: 300, rdatas: [rdata] });
    });
  it.each([
    ['nameservers in the zone itself', 'sub.provider.example', ['ns1.sub.provider.example', 'sub.provider.example']],
    ['a nameserver of others', 'customer.test', ['ns1.elsewhere.example']],
    ['a name that only ends like ours', 'customer.test', ['ns1.myprovider.example']],
    ['a name that would be too long', longName(20), NAMESERVERS],
    ['a delegated nameserver', 'customer.test', NAMESERVERS, edit('ns1.provider.example', RRType.NS, 'x.test')],
    ['a DNAME above', 'customer.test', NAMESERVERS, edit('provider.example', RRType.DNAME, 'x.test')],
  ])('%s', async (title, name, nameservers, prepare?: (host: EmbeddedZone) => unknown) => {
    const host = serve('provider.example');
    prepare?.(host);
    serve(name, nameservers);
    await records.update();
    expect(copiesIn(host)).toEqual(title === 'a delegated nameserver' ? [AT_NS2] : []);
  });

  it('only what would be too long', async () => {
    const host = serve('provider.example', [], { chain: 'nsec' });
    serve(longName(19), NAMESERVERS);
    await records.update();
    expect(copiesIn(host)).toHaveLength(2);
  });

  it('a zone without CDS, one that is not signed, and a host that is not', async () => {
    const host = serve('provider.example');
    serve('customer.test', NAMESERVERS, { announced: undefined });
    await records.update();
    expect(copiesIn(host)).toEqual([]);
    expect(state.polled).toEqual([]);
  });

  it('the copies are in the closest zone that this server has', async () => {
    const host = serve('provider.example');
    const signal = serve('_signal.ns1.provider.example');
    serve('customer.test', NAMESERVERS);
    await records.update();
    expect([copiesIn(host), copiesIn(signal)]).toEqual([[AT_NS2], [AT_NS1]]);
  });
});

describe('the DS record at the parent', () => {
  it('ends the copies when each nameserver has it, and they come back without it', async () => {
    const host = serve('provider.example');
    serve('customer.test', NAMESERVERS);
    const seen = async (hasDs: typeof state.hasDs, passedMs: number) => {
      state.hasDs = hasDs;
      state.nowMs += passedMs;
      await records.update();
      return copiesIn(host).length;
    };
    expect(await seen(undefined, 0)).toBe(2);
    expect(await seen([true, false], 300_000)).toBe(2);
    expect(await seen([true, true], 299_000)).toBe(2);
    expect(await seen([true, true], 1_000)).toBe(0);
    expect(await seen([false, false], 86_399_000)).toBe(0);
    expect(await seen([false, false], 1_000)).toBe(2);
  });

  it('that is not known yet changes nothing after a restart', async () => {
    const host = serve('provider.example');
    serve('customer.test', NAMESERVERS);
    await records.update();
    const { serial } = host.published;
    await records.close();
    restart();
    await records.update();
    expect([copiesIn(host).length, host.published.serial]).toEqual([2, serial]);
    state.hasDs = [true];
    await records.close();
    restart();
    serve('another.test', NAMESERVERS);
    const [changes, seen] = [host.published.serial, copiesIn(host).length];
    await records.update();
    expect([copiesIn(host).length, host.published.serial - changes, seen]).toEqual([0, 1, 2]);
  });

  it('is queried less often the longer it is missing', async () => {
    serve('provider.example');
    serve('customer.test', NAMESERVERS);
    for (let minute = 0; minute < 30 * 24 * 60; minute += 5) {
      await records.update();
      state.nowMs += 300_000;
    }
    expect(state.polled.length).toBeLessThan(110);
    expect(state.polled.length).toBeGreaterThan(40);
  });
});
