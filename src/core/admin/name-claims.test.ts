// Names that members may take: on a store and a zone in memory.
import { describe, expect, it } from 'vitest';
import { newEvent, newPendingUpdate, newToken } from '../../../test/contract/store-fixtures.ts';
import { MemoryPublisher, MemoryZone } from '../../../test/support/memory-publisher.ts';
import { DomainName } from '../../dns/name.ts';
import { type Rdata, RRType } from '../../dns/rdata.ts';
import { openMemoryStore } from '../../store/memory.ts';
import { defaultHostSettings } from '../hosts/host.ts';
import { DEFAULT_QUOTAS, tokenOwner, type User } from '../users/user.ts';
import { type MembersRule, type Zone, ZoneTable } from '../zones/zone.ts';
import { NameClaims } from './name-claims.ts';

const APEX = DomainName.parse('dyn.example.com');
const nameOf = (text: string) => DomainName.parse(text.endsWith('.') ? text : `${text}.${APEX}`);
const ANNA: User = { id: 'anna-id', name: 'anna', role: 'member', quotas: DEFAULT_QUOTAS, createdMs: 0 };
const TEXT: Rdata = { kind: 'TXT', strings: [Buffer.from('x')] };

async function setUp(members: MembersRule | undefined = { claim: true, pattern: '*' }) {
  const store = openMemoryStore();
  await store.users.create(ANNA);
  const record = (name: string, type: number, rdata: Rdata) => ({
    ownerName: nameOf(name),
    type,
    ttl: 60,
    rdatas: [rdata],
  });
  const zone = new MemoryZone(APEX, [
    record('text', RRType.TXT, TEXT),
    record('address', RRType.A, { kind: 'A', address: '192.0.2.1' }),
    record('below.nonterminal', RRType.TXT, TEXT),
    record('delegated', RRType.NS, { kind: 'NS', host: DomainName.parse('ns.example.net') } as unknown as Rdata),
    record('*', RRType.A, { kind: 'A', address: '192.0.2.9' }),
  ]);
  const served: Zone = {
    apex: APEX,
    publisher: new MemoryPublisher(zone),
    ttl: {},
    apexAllowed: true,
    wildcardAllowed: true,
    reserved: new Set([nameOf('reserved').key]),
    staticNames: new Set([nameOf('static').key]),
    addresses: { allow: [], deny: [] },
    emptyValue: 'keep',
    ...(members && { members }),
  };
  const claims = new NameClaims({
    zones: () => new ZoneTable([served]),
    store,
    tokens: [newToken({ hosts: [nameOf('filed-token'), nameOf('_acme-challenge.filed-challenge')] })],
    hosts: [
      {
        ...defaultHostSettings(nameOf('filed')),
        members: [{ ownerName: nameOf('filed-member'), host: { kind: 'interface-id', text: '::1' }, subnet: 0 }],
      },
    ],
    deadlineMs: () => performance.now() + 1_000,
  });
  /** `free`, or the code of the error. */
  const claim = (name: string) =>
    claims.check(ANNA, nameOf(name)).then(
      () => 'free',
      (error: { code: string }) => error.code,
    );
  return { store, claim };
}

describe('a member may take', () => {
  it('a name one label below what the zone lets members have, and no other', async () => {
    const { claim } = await setUp();
    expect(await claim('home')).toBe('free');
    // It has no records of its own, whatever is below it or above it.
    expect(await claim('nonterminal')).toBe('free');
    for (const name of ['a.b', '*', '_tcp', 'a_b', 'reserved', 'dyn.example.com.', 'home.example.net.', '*.home']) {
      expect(await claim(name), name).toBe('not-permitted');
    }
    const lab = await setUp({ claim: true, pattern: '*.lab' });
    expect(await lab.claim('home.lab')).toBe('free');
    for (const name of ['home', 'lab', 'a.home.lab']) expect(await lab.claim(name), name).toBe('not-permitted');
    expect(await (await setUp({ claim: false, pattern: '*' })).claim('home')).toBe('not-permitted');
  });

  it('no name in the configuration, or with records of any type', async () => {
    const { claim } = await setUp();
    const names = ['static', 'filed', 'filed-member', 'filed-token', 'filed-challenge', 'text', 'address', 'delegated'];
    for (const name of names) expect(await claim(name), name).toBe('conflict');
  });

  it('no name that has settings, a token of someone else, a history or a pending update', async () => {
    const { store, claim } = await setUp();
    await store.hosts.put(defaultHostSettings(nameOf('settings')));
    await store.tokens.create(newToken({ hosts: [nameOf('token')] }));
    await store.tokens.create(newToken({ hosts: [nameOf('_acme-challenge.challenge')] }));
    await store.tokens.create(newToken({ hosts: [nameOf('own-token')], owner: tokenOwner(ANNA) }));
    await store.tokens.create(newToken({ hosts: [nameOf('*.')] }));
    await store.history.append([newEvent(`${nameOf('changed')}`, 1)]);
    await store.history.append([newEvent(`${nameOf('refused')}`, 1, { outcome: 'refused' })]);
    await store.history.countRepeats([{ ownerName: nameOf('seen'), repeats: 0, lastSeenMs: 1 }]);
    await store.pending.put(newPendingUpdate(`${nameOf('pending')}`, { family: 'AAAA' }));
    for (const name of ['settings', 'token', 'challenge', 'changed', 'seen', 'pending']) {
      expect(await claim(name), name).toBe('conflict');
    }
    // Whoever has a token can cause refused requests at any name.
    for (const name of ['own-token', 'refused', 'below-a-pattern']) expect(await claim(name), name).toBe('free');
  });
});
