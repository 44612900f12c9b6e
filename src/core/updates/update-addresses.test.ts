// Updates on a zone in memory: what they report, how many queries they need, and what happens when others interfere.
// What every publisher must show is in test/contract/zone-publisher.ts; here are the cases that need a fault inside.

import { describe, expect, it } from 'vitest';
import { AddressUpdates, type TestUpdate, testQueue } from '../../../test/support/address-updates.ts';
import { ManualTimers } from '../../../test/support/manual-timers.ts';
import { MemoryPublisher, MemoryZone } from '../../../test/support/memory-publisher.ts';
import { type WantedTexts, wantedOf } from '../../../test/support/wanted-addresses.ts';
import { parseIpPrefix } from '../../dns/address.ts';
import { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { addressRdata, rrsetAddresses } from '../../dns/rrset.ts';
import type { ZoneChange } from '../../dns/zone-change.ts';
import { DEFAULT_TOKEN_TYPES, type HostToken } from '../access/token.ts';
import { AppError } from '../errors.ts';
import type { PublishedAddresses, PublishOutcome, ReadOutcome } from '../zones/publisher.ts';
import type { Zone } from '../zones/zone.ts';
import { prepareUpdate } from './prepare-update.ts';

const apex = DomainName.parse('example.com');
const home = DomainName.parse('home.example.com');
const TOKEN: HostToken = {
  id: 't1',
  name: 'router1',
  sha256: '',
  hosts: [home],
  types: DEFAULT_TOKEN_TYPES,
  addresses: 'any',
  createdMs: 0,
};

/** A memory publisher that counts, and lets a test act before each step. */
class WatchedPublisher extends MemoryPublisher {
  reads = 0;
  publishes = 0;
  beforePublish: (() => unknown) | undefined;
  afterRead: (() => unknown) | undefined;

  override async read(ownerName: DomainName, deadlineMs: number): Promise<ReadOutcome> {
    this.reads += 1;
    const outcome = await super.read(ownerName, deadlineMs);
    await this.afterRead?.();
    return outcome;
  }

  override async publish(change: ZoneChange, deadlineMs: number): Promise<PublishOutcome> {
    this.publishes += 1;
    await this.beforePublish?.();
    return super.publish(change, deadlineMs);
  }
}

function setUp(limits = { timeoutMs: 5000, maxWaiting: 100 }, rules: Partial<Zone> = {}) {
  const model = new MemoryZone(apex);
  const timers = new ManualTimers();
  const publisher = new WatchedPublisher(model, timers.now);
  const none = { apexAllowed: false, wildcardAllowed: false, reserved: new Set<string>() };
  const addresses = { allow: [], deny: [] };
  const zone: Zone = { apex, publisher, ttl: {}, ...none, addresses, emptyValue: 'keep', ...rules };
  const useCase = new AddressUpdates(testQueue(limits, timers.now));
  const update = (wanted: WantedTexts, more: Partial<TestUpdate> = {}) =>
    useCase.run({ zone, ownerName: home, wanted: wantedOf(wanted), fallbackTtl: 60, ...more });
  return { model, publisher, useCase, update, zone, timers };
}

function put(model: MemoryZone, address: string, ownerName = home): void {
  const rrset = { ownerName, type: RRType.A, ttl: 60, rdatas: [addressRdata(RRType.A, address)] };
  model.apply([{ zone: apex, ownerName, prerequisites: [], edits: [{ kind: 'replace-rrset', rrset }] }]);
}

const addressAt = (model: MemoryZone) => rrsetAddresses(model.rrsetAt(home, RRType.A)?.rdatas ?? []).join();

describe('how often the primary is queried', () => {
  it('a name that was never seen is read once, a name that was seen is not read', async () => {
    const { publisher, update } = setUp();
    await update({ A: '192.0.2.1' });
    expect([publisher.reads, publisher.publishes]).toEqual([1, 1]);
    await update({ A: '192.0.2.2' });
    await update({ A: '192.0.2.2' });
    expect([publisher.reads, publisher.publishes]).toEqual([1, 3]);
  });

  it('an unchanged update is confirmed by the primary, not from memory', async () => {
    const { model, publisher, update } = setUp();
    await update({ A: '192.0.2.1' });
    put(model, '192.0.2.99');
    const { A } = await update({ A: '192.0.2.1' });
    expect(A).toEqual({ before: ['192.0.2.99'], after: ['192.0.2.1'], changed: true });
    expect([publisher.reads, publisher.publishes]).toEqual([2, 3]);
  });

  it('an explicit TTL is compared with what the primary answers', async () => {
    const { model, publisher, update } = setUp();
    await update({ A: '192.0.2.1' }, { ttl: 600 });
    expect((await update({ A: '192.0.2.1' }, { ttl: 600 })).changed).toBe(false);
    expect((await update({ A: '192.0.2.1' }, { ttl: 601 })).changed).toBe(true);
    expect(publisher.reads).toBe(3);
    expect(model.rrsetAt(home, RRType.A)?.ttl).toBe(601);
  });
});

describe('when others change the name at the same time', () => {
  it('between reading and publishing: the old value is the one that was replaced', async () => {
    const { model, publisher, update } = setUp();
    put(model, '192.0.2.1');
    publisher.afterRead = () => {
      publisher.afterRead = undefined;
      put(model, '192.0.2.50');
    };
    const { A } = await update({ A: '192.0.2.2' });
    expect(A.before).toEqual(['192.0.2.50']);
    expect(addressAt(model)).toBe('192.0.2.2');
  });

  it('again and again: it gives up for now, and writes nothing', async () => {
    const { model, publisher, update } = setUp();
    let last = 1;
    publisher.beforePublish = () => put(model, `198.51.100.${last++}`);
    await expect(update({ A: '192.0.2.2' })).rejects.toMatchObject({
      code: 'contended',
      message: expect.stringMatching(/changed by others/),
    });
    expect(publisher.publishes).toBeLessThan(100);
    expect(addressAt(model)).toMatch(/^198\.51\.100\./);
  });

  it('twenty times: it tries again, as each race has another winner', async () => {
    const { model, publisher, update } = setUp();
    let last = 1;
    publisher.beforePublish = () => {
      if (last <= 20) put(model, `198.51.100.${last++}`);
    };
    await update({ A: '192.0.2.2' });
    expect(addressAt(model)).toBe('192.0.2.2');
  });

  it('a CNAME that comes between reading and publishing is a conflict', async () => {
    const { model, publisher, update } = setUp();
    publisher.afterRead = () => {
      const rdatas = [{ kind: 'CNAME', target: DomainName.parse('www.example.net') } as const];
      const rrset = { ownerName: home, type: RRType.CNAME, ttl: 60, rdatas };
      model.apply([{ zone: apex, ownerName: home, prerequisites: [], edits: [{ kind: 'replace-rrset', rrset }] }]);
    };
    await expect(update({ A: '192.0.2.2' })).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringMatching(/CNAME/),
    });
    expect(addressAt(model)).toBe('');
  });
});

describe('updates of one name', () => {
  it('are applied in the order in which they came', async () => {
    const { publisher, update } = setUp();
    let first = true;
    publisher.beforePublish = async () => {
      if (!first) return;
      first = false;
      for (let step = 0; step < 20; step++) await new Promise((resolve) => setImmediate(resolve));
    };
    const updates = ['192.0.2.1', '192.0.2.2', '192.0.2.3'].map((A) => update({ A }));
    const befores = (await Promise.all(updates)).map(({ A }) => A.before.join());
    expect(befores).toEqual(['', '192.0.2.1', '192.0.2.2']);
  });

  it('go on after one that failed', async () => {
    const { publisher, update } = setUp();
    publisher.beforePublish = () => {
      publisher.beforePublish = undefined;
      throw new AppError('primary-refused', 'no');
    };
    const [first, second] = await Promise.allSettled([update({ A: '192.0.2.1' }), update({ A: '192.0.2.2' })]);
    expect(first).toMatchObject({ status: 'rejected', reason: { code: 'primary-refused' } });
    expect(second).toMatchObject({ status: 'fulfilled', value: { A: { before: [], after: ['192.0.2.2'] } } });
  });
});

describe('limits', () => {
  it('requests above the limit get rate-limited with a time to retry', async () => {
    const { useCase, update } = setUp({ timeoutMs: 5000, maxWaiting: 3 });
    const waiting = [1, 2, 3].map((last) => update({ A: `192.0.2.${last}` }));
    expect(useCase.waiting).toBe(3);
    await expect(update({ A: '192.0.2.4' })).rejects.toMatchObject({ code: 'rate-limited', retryAfterSeconds: 5 });
    await Promise.all(waiting);
    expect(useCase.waiting).toBe(0);
    expect((await update({ A: '192.0.2.4' })).A.before).toEqual(['192.0.2.3']);
  });

  it('a request that failed waits no more', async () => {
    const { publisher, useCase, update } = setUp();
    publisher.close();
    await expect(update({ A: '192.0.2.1' })).rejects.toMatchObject({ code: 'primary-unreachable' });
    expect(useCase.waiting).toBe(0);
  });

  it('a request whose time went by behind others fails without being sent', async () => {
    const { publisher, update, timers } = setUp({ timeoutMs: 30, maxWaiting: 10 });
    publisher.beforePublish = () => {
      timers.nowMs += 50;
    };
    const [, second] = await Promise.allSettled([update({ A: '192.0.2.1' }), update({ A: '192.0.2.2' })]);
    expect(second).toMatchObject({ status: 'rejected', reason: { code: 'primary-unreachable' } });
    expect(publisher.publishes).toBe(1);
  });
});

describe('input is checked before anything is sent', () => {
  it.each<[string, WantedTexts, Partial<TestUpdate>, string]>([
    ['a loopback address', { A: '127.0.0.1' }, {}, 'address-refused'],
    ['a bad address beside a good one', { A: '192.0.2.1', AAAA: 'fe80::1' }, {}, 'address-refused'],
    ['the apex', { A: '192.0.2.1' }, { ownerName: apex }, 'name-invalid'],
    ['a wildcard', { A: '192.0.2.1' }, { ownerName: DomainName.parse('*.example.com') }, 'name-invalid'],
    ['a TTL below the least', { A: '192.0.2.1' }, { ttl: 10 }, 'request-malformed'],
  ])('%s', async (_, wanted, more, code) => {
    const { model, publisher, update } = setUp(undefined, { ttl: { min: 30 } });
    await expect(update(wanted, more)).rejects.toMatchObject({ code });
    expect([publisher.reads, publisher.publishes, model.serial]).toEqual([0, 0, 1]);
  });
});

it('the TTL is the request’s, else the zone’s, else the fallback', async () => {
  const ttlOf = async (rule: Zone['ttl'], ttl?: number) => {
    const { model, update } = setUp(undefined, { ttl: rule });
    await update({ A: '192.0.2.1' }, ttl === undefined ? {} : { ttl });
    return model.rrsetAt(home, RRType.A)?.ttl;
  };
  expect(await ttlOf({})).toBe(60);
  expect(await ttlOf({ default: 120 })).toBe(120);
  expect(await ttlOf({ default: 120 }, 240)).toBe(240);
});

it('what a publisher recalls wrongly is read again', async () => {
  const { model, publisher, update } = setUp();
  put(model, '192.0.2.7');
  const wrong: PublishedAddresses = { A: { addresses: ['192.0.2.1'], ttl: 60 }, AAAA: { addresses: [], ttl: 0 } };
  publisher.recall = () => wrong;
  const { A } = await update({ A: '192.0.2.1' });
  expect(A).toEqual({ before: ['192.0.2.7'], after: ['192.0.2.1'], changed: true });
});

describe('a prefix', () => {
  const prefix = parseIpPrefix('2001:db8:5:10::/60')!;
  const AAAA = '2001:db8:1:f3::10';

  it('takes the AAAA record with it, which keeps its subnet and its host part', async () => {
    const { update } = setUp();
    await update({ A: '192.0.2.1', AAAA });
    const moved = { before: [AAAA], after: ['2001:db8:5:13::10'], changed: true };
    expect(await update({}, { prefix })).toMatchObject({ AAAA: moved, A: { changed: false }, changed: true });
    expect(await update({}, { prefix })).toMatchObject({ changed: false });
    expect(await update({ AAAA: '2001:db8::9' }, { prefix })).toMatchObject({ AAAA: { after: ['2001:db8::9'] } });
  });

  it('changes nothing where there is no AAAA record', async () => {
    const { update } = setUp();
    expect(await update({ A: '192.0.2.1' }, { prefix })).toMatchObject({ A: { changed: true }, AAAA: { after: [] } });
  });

  it('moves what is published now, also where the belief was wrong', async () => {
    const { model, publisher, update } = setUp();
    await update({ AAAA });
    const rrset = { ownerName: home, type: RRType.AAAA, ttl: 60, rdatas: [addressRdata(RRType.AAAA, '2001:db8::7')] };
    model.apply([{ zone: apex, ownerName: home, prerequisites: [], edits: [{ kind: 'replace-rrset', rrset }] }]);
    expect(publisher.recall(home)?.AAAA.addresses).toEqual([AAAA]);
    expect((await update({}, { prefix })).AAAA).toMatchObject({ after: ['2001:db8:5:10::7'] });
  });

  it('is refused where the resulting address is, and nothing is written', async () => {
    const { update, publisher, model } = setUp(undefined, { addresses: { allow: [], deny: [prefix] } });
    await update({ AAAA });
    const { serial } = model;
    await expect(update({}, { prefix })).rejects.toMatchObject({ code: 'address-refused' });
    const other = parseIpPrefix('2001:db8:7::/48')!;
    const token = { ...TOKEN, addresses: [parseIpPrefix('2001:db8:8::/48')!] };
    await expect(update({}, { prefix: other, token })).rejects.toThrow(/2001:db8:7:f3::10.*this token allows/);
    expect([model.serial, publisher.publishes]).toEqual([serial, 1]);
  });

  it('of several AAAA records none is moved', async () => {
    const { model, update } = setUp();
    const rdatas = ['2001:db8::1', '2001:db8::2'].map((address) => addressRdata(RRType.AAAA, address));
    const rrset = { ownerName: home, type: RRType.AAAA, ttl: 60, rdatas };
    model.apply([{ zone: apex, ownerName: home, prerequisites: [], edits: [{ kind: 'replace-rrset', rrset }] }]);
    await expect(update({}, { prefix })).rejects.toMatchObject({ code: 'conflict' });
  });
});

describe('an IPv4 prefix', () => {
  const prefix4 = parseIpPrefix('10.1.0.0/16')!;

  it('moves the published A record, which keeps its host bits', async () => {
    const { update } = setUp();
    await update({ A: '192.0.2.7', AAAA: '2001:db8::1' });
    const moved = await update({}, { prefix4 });
    expect(moved.A).toEqual({ before: ['192.0.2.7'], after: ['10.1.2.7'], changed: true });
    expect(moved.AAAA.changed).toBe(false);
    expect((await update({}, { prefix4 })).changed).toBe(false);
    const both = await update({}, { prefix4: parseIpPrefix('10.0.0.0/8')!, prefix: parseIpPrefix('2001:db8:5::/64')! });
    expect([both.A.after, both.AAAA.after]).toEqual([['10.1.2.7'], ['2001:db8:5::1']]);
  });

  it('without an A record, with several, or into a refused address changes nothing, also of the other family', async () => {
    const { update, model } = setUp();
    const message = (text: RegExp) => ({ code: 'conflict', message: expect.stringMatching(text) });
    await expect(update({ AAAA: '2001:db8::1' }, { prefix4 })).rejects.toMatchObject(message(/has no A record/));
    expect(model.rrsetAt(home, RRType.AAAA)).toBeUndefined();
    await update({ A: '192.0.2.7,192.0.2.8' });
    await expect(update({}, { prefix4 })).rejects.toMatchObject(message(/has several A records/));
    await update({ A: '192.0.2.7' });
    const loopback = parseIpPrefix('127.0.0.0/8')!;
    await expect(update({}, { prefix4: loopback })).rejects.toMatchObject({ code: 'address-refused' });
    expect(addressAt(model)).toBe('192.0.2.7');
  });

  it('needs the permission for A, and does not apply where the request has an A address', async () => {
    const { update } = setUp();
    expect((await update({ A: '192.0.2.9' }, { prefix4 })).A.after).toEqual(['192.0.2.9']);
    const aaaaOnly = { zone: setUp().zone, ownerName: home, families: ['AAAA'] as const };
    const context = { principal: { kind: 'token', token: TOKEN }, caller: undefined, origin: 'client' } as const;
    const rules = { policies: [], hostTtl: undefined, fallbackTtl: 60 };
    expect(() => prepareUpdate(aaaaOnly, context, { wanted: {}, prefix4 }, rules)).toThrow(
      expect.objectContaining({ code: 'not-permitted' }),
    );
  });
});
