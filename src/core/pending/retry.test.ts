// Pending updates on a zone in memory whose primary can be unreachable, with a clock that stands still until it is moved.

import { describe, expect, it, vi } from 'vitest';
import { AddressUpdates, type TestUpdate, testQueue } from '../../../test/support/address-updates.ts';
import { ManualTimers, turns } from '../../../test/support/manual-timers.ts';
import { MemoryPendingStore } from '../../../test/support/memory-pending.ts';
import { MemoryPublisher, MemoryZone } from '../../../test/support/memory-publisher.ts';
import { type WantedTexts, wantedOf } from '../../../test/support/wanted-addresses.ts';
import { parseIpAddress, prefixOf } from '../../dns/address.ts';
import { DomainName } from '../../dns/name.ts';
import { type Rdata, RRType } from '../../dns/rdata.ts';
import { addressRdata, rrsetAddresses } from '../../dns/rrset.ts';
import type { ZoneChange } from '../../dns/zone-change.ts';
import { AppError } from '../errors.ts';
import type { NewHistoryEvent } from '../history/history.ts';
import type { PublishedAddresses, PublishOutcome, ReadOutcome } from '../zones/publisher.ts';
import { type Zone, ZoneTable } from '../zones/zone.ts';
import { PendingRetry, type PendingRetryOptions } from './retry.ts';

const apex = DomainName.parse('example.com');
const home = DomainName.parse('home.example.com');

type Mood = 'up' | 'away' | 'frozen' | 'applies and is lost' | 'SERVFAIL' | 'REFUSED';

class MoodyPublisher extends MemoryPublisher {
  mood: Mood = 'up';
  reads = 0;
  beforePublish: ((change: ZoneChange) => unknown) | undefined;
  #forgotten = false;

  override recall(ownerName: DomainName): PublishedAddresses | undefined {
    return this.#forgotten ? undefined : super.recall(ownerName);
  }

  override async read(ownerName: DomainName, deadlineMs: number): Promise<ReadOutcome> {
    this.reads += 1;
    const outcome = await super.read(ownerName, deadlineMs);
    if (this.mood === 'away' || this.mood === 'frozen') throw new AppError('primary-unreachable', 'No answer.');
    return outcome;
  }

  override async publish(change: ZoneChange, deadlineMs: number): Promise<PublishOutcome> {
    await this.beforePublish?.(change);
    const { mood } = this;
    this.#forgotten = mood !== 'up';
    if (mood === 'away') throw new AppError('primary-unreachable', 'No answer.');
    if (mood === 'frozen') throw new AppError('publish-unknown', 'No reply.');
    if (mood === 'SERVFAIL' || mood === 'REFUSED') throw new AppError('primary-refused', mood, { rcode: mood });
    const outcome = await super.publish(change, deadlineMs);
    if (mood === 'applies and is lost') throw new AppError('publish-unknown', 'No reply.');
    return outcome;
  }
}

function setUp(more: Partial<PendingRetryOptions> = {}) {
  const model = new MemoryZone(apex);
  const timers = new ManualTimers();
  const publisher = new MoodyPublisher(model);
  const none = { apexAllowed: false, wildcardAllowed: false, reserved: new Set<string>() };
  const zone: Zone = { apex, publisher, ttl: {}, ...none, addresses: { allow: [], deny: [] }, emptyValue: 'keep' };
  const queue = testQueue({ timeoutMs: 5000, maxWaiting: 1000 });
  const store = new MemoryPendingStore();
  const warnings: string[] = [];
  const events: NewHistoryEvent[] = [];
  const open = (options: Partial<PendingRetryOptions> = {}) =>
    new PendingRetry({
      store,
      shared: false,
      queue,
      zones: () => new ZoneTable([zone]),
      reconcile: () => 'report',
      timeoutMs: () => 5000,
      warn: (text) => void warnings.push(text),
      record: (event) => void events.push(event),
      timers,
      ...more,
      ...options,
    });
  const retry = open();
  const updates = new AddressUpdates(queue, retry);
  const update = (wanted: WantedTexts, ownerName = home) =>
    updates.run({ zone, ownerName, wanted: wantedOf(wanted), fallbackTtl: 60 }).then(
      () => 'good',
      (error: AppError) => error.code,
    );
  return { model, publisher, queue, updates, zone, store, timers, warnings, events, retry, open, update };
}

function put(model: MemoryZone, address: string, ownerName = home): void {
  const rrset = { ownerName, type: RRType.A, ttl: 60, rdatas: [addressRdata(RRType.A, address)] };
  model.apply([{ zone: apex, ownerName, prerequisites: [], edits: [{ kind: 'replace-rrset', rrset }] }]);
}

const addressAt = (model: MemoryZone, ownerName = home) =>
  rrsetAddresses(model.rrsetAt(ownerName, RRType.A)?.rdatas ?? []).join();

describe('several addresses of one family', () => {
  it('wait and are published together, with the old and the new ones in the event', async () => {
    const { model, publisher, store, timers, retry, update, events } = setUp();
    retry.start();
    expect(await update({ A: '192.0.2.2,192.0.2.10' })).toBe('good');
    publisher.mood = 'away';
    expect(await update({ A: '192.0.2.3,192.0.2.20,192.0.2.1' })).toBe('primary-unreachable');
    expect([...store.pending.values()].map(({ wanted, before }) => [wanted, before])).toEqual([
      [['192.0.2.1', '192.0.2.20', '192.0.2.3'], [['192.0.2.10', '192.0.2.2']]],
    ]);
    publisher.mood = 'up';
    await timers.pass(10_000);
    expect(addressAt(model)).toBe('192.0.2.1,192.0.2.20,192.0.2.3');
    expect(events).toMatchObject([
      {
        outcome: 'changed',
        A: { before: ['192.0.2.10', '192.0.2.2'], after: ['192.0.2.1', '192.0.2.20', '192.0.2.3'] },
      },
    ]);
    expect(store.pending.size).toBe(0);
  });

  it('one of them that someone else has removed meanwhile is a foreign edit', async () => {
    const { model, publisher, timers, retry, update, warnings } = setUp();
    retry.start();
    await update({ A: '192.0.2.1,192.0.2.2' });
    publisher.mood = 'away';
    await update({ A: '192.0.2.3,192.0.2.4' });
    put(model, '192.0.2.2');
    publisher.mood = 'up';
    await timers.pass(10_000);
    expect(addressAt(model)).toBe('192.0.2.2');
    expect(warnings.join()).toMatch(/A: 192\.0\.2\.3, 192\.0\.2\.4\) is dropped/);
  });
});

describe('a list of hosts that could not be published', () => {
  it('is published in one step when the primary is back; a CNAME at one does not hold up the others', async () => {
    const { model, publisher, store, timers, retry, updates, zone } = setUp();
    retry.start();
    const names = ['a', 'b', 'c'].map((label) => apex.prepend(label));
    const list = (A: string) => names.map((ownerName) => ({ zone, ownerName, wanted: wantedOf({ A }) }));
    const outcomes = async (A: string) =>
      (await updates.runAll(list(A))).map((one) => (one.status === 'fulfilled' ? 'good' : one.reason.code));
    expect(await outcomes('192.0.2.1')).toEqual(['good', 'good', 'good']);
    publisher.mood = 'away';
    expect(await outcomes('192.0.2.2')).toEqual(names.map(() => 'primary-unreachable'));
    expect(store.pending.size).toBe(3);
    const { serial } = model;
    publisher.mood = 'up';
    await timers.pass(10_000);
    expect(names.map((name) => addressAt(model, name))).toEqual(names.map(() => '192.0.2.2'));
    expect(model.serial).toBe(serial + 1);
    publisher.mood = 'SERVFAIL';
    expect(await outcomes('192.0.2.3')).toEqual(names.map(() => 'primary-refused'));
    const ownerName = names[1]!;
    const rdatas = [{ kind: 'CNAME', target: home } as const];
    const edits = [
      { kind: 'delete-rrset', ownerName, type: RRType.A },
      { kind: 'add-to-rrset', rrset: { ownerName, type: RRType.CNAME, ttl: 60, rdatas } },
    ] as const;
    model.apply([{ zone: apex, ownerName, prerequisites: [], edits }]);
    publisher.mood = 'up';
    await timers.pass(60_000);
    expect(names.map((name) => addressAt(model, name))).toEqual(['192.0.2.3', '', '192.0.2.3']);
  });
});

describe('a whole site that could not be published', () => {
  const names = ['a', 'b', 'c'].map((label) => apex.prepend(label));
  const siteOf = (prefix: string) =>
    names.map((ownerName, index) => ({
      ownerName,
      address: parseIpAddress(`2001:db8:${prefix}::${index + 1}`)!,
      ttl: 60,
    }));
  const site = (model: MemoryZone) =>
    [home, ...names].map((name) => rrsetAddresses(model.rrsetAt(name, RRType.AAAA)?.rdatas ?? []).join());
  const all = (prefix: string) => [`2001:db8:${prefix}::9`, ...[1, 2, 3].map((n) => `2001:db8:${prefix}::${n}`)];

  function setUpSite() {
    const lab = setUp();
    const move = (prefix: string) =>
      lab.updates
        .run({
          zone: lab.zone,
          ownerName: home,
          wanted: wantedOf({ A: `192.0.2.${prefix}`, AAAA: `2001:db8:${prefix}::9` }),
          fallbackTtl: 60,
          members: siteOf(prefix),
        })
        .then(
          () => 'good',
          (error: AppError) => error.code,
        );
    return { ...lab, move };
  }

  it('is published in one step when the primary is back', async () => {
    const { model, publisher, store, timers, retry, move, events } = setUpSite();
    retry.start();
    expect(await move('1')).toBe('good');
    publisher.mood = 'away';
    expect(await move('2')).toBe('primary-unreachable');
    expect(store.pending.size).toBe(5);
    await timers.pass(10_000);
    expect(site(model)).toEqual(all('1'));
    const { serial } = model;
    publisher.mood = 'up';
    await timers.pass(31_000);
    expect([site(model), addressAt(model)]).toEqual([all('2'), '192.0.2.2']);
    expect(model.serial).toBe(serial + 1);
    expect(store.pending.size).toBe(0);
    expect(events).toHaveLength(5);
  });

  it('is published also where only one of its pending updates is due', async () => {
    const { model, publisher, store, timers, retry, move } = setUpSite();
    publisher.mood = 'away';
    expect(await move('2')).toBe('primary-unreachable');
    for (const [key, pending] of store.pending) {
      if (!pending.ownerName.equals(home)) store.pending.set(key, { ...pending, nextAttemptMs: 2_000_000 });
    }
    const { serial } = model;
    publisher.mood = 'up';
    retry.start();
    await timers.pass(5_000);
    expect(site(model)).toEqual(all('2'));
    expect(model.serial).toBe(serial + 1);
  });

  it('leaves out a name with a CNAME in the first attempt that a silent primary answers', async () => {
    const { model, publisher, timers, retry, move } = setUpSite();
    retry.start();
    await move('1');
    publisher.mood = 'away';
    await move('2');
    await timers.pass(5_000);
    const rrset = {
      ownerName: names[1]!,
      type: RRType.CNAME,
      ttl: 60,
      rdatas: [{ kind: 'CNAME', target: home } satisfies Rdata],
    };
    const edits = [{ kind: 'delete-name', ownerName: names[1]! } as const, { kind: 'replace-rrset', rrset } as const];
    model.apply([{ zone: apex, ownerName: names[1]!, prerequisites: [], edits }]);
    publisher.mood = 'up';
    await timers.pass(9_000);
    expect(site(model)).toEqual(['2001:db8:2::9', '2001:db8:2::1', '', '2001:db8:2::3']);
  });

  it('leaves out what someone else has changed, and names with a CNAME', async () => {
    const { model, publisher, store, timers, retry, move, warnings } = setUpSite();
    retry.start();
    await move('1');
    publisher.mood = 'away';
    await move('2');
    const write = (type: number, rdata: Rdata, ownerName: DomainName) => {
      const rrset = { ownerName, type, ttl: 60, rdatas: [rdata] };
      const edits = [{ kind: 'delete-name', ownerName } as const, { kind: 'replace-rrset', rrset } as const];
      model.apply([{ zone: apex, ownerName, prerequisites: [], edits }]);
    };
    write(RRType.AAAA, addressRdata(RRType.AAAA, '2001:db8:99::1'), names[0]!);
    write(RRType.CNAME, { kind: 'name', name: home } as unknown as Rdata, names[1]!);
    publisher.mood = 'up';
    await timers.pass(31_000);
    expect(site(model)).toEqual(['2001:db8:2::9', '2001:db8:99::1', '', '2001:db8:2::3']);
    expect(store.pending.size).toBe(0);
    expect(warnings.join()).toContain('a.example.com');
    expect(warnings.join()).toContain('b.example.com');
  });

  it('ends with a newer update of the site', async () => {
    const { model, publisher, store, timers, retry, move } = setUpSite();
    retry.start();
    await move('1');
    publisher.mood = 'away';
    await move('2');
    publisher.mood = 'up';
    expect(await move('3')).toBe('good');
    expect(store.pending.size).toBe(0);
    await timers.pass(60_000);
    expect(site(model)).toEqual(all('3'));
  });

  it('is saved as well where only the prefix is named and the published address is known', async () => {
    const { model, publisher, updates, zone, timers, retry } = setUpSite();
    retry.start();
    const run = (more: Partial<TestUpdate>) =>
      updates.run({ zone, ownerName: home, wanted: {}, fallbackTtl: 60, ...more }).catch(() => undefined);
    await run({ wanted: wantedOf({ AAAA: '2001:db8:1::9' }) });
    publisher.mood = 'away';
    await run({ prefix: prefixOf(parseIpAddress('2001:db8:5::')!, 64) });
    publisher.mood = 'up';
    await timers.pass(31_000);
    expect(site(model)[0]).toBe('2001:db8:5::9');
  });
});

describe('an update that could not be published', () => {
  it('is published when the primary is back, and recorded in the history', async () => {
    const { model, publisher, store, timers, retry, update, events } = setUp();
    retry.start();
    await update({ A: '192.0.2.1' });
    publisher.mood = 'away';
    expect(await update({ A: '192.0.2.2' })).toBe('primary-unreachable');
    expect([...store.pending.values()]).toMatchObject([
      {
        ownerName: home,
        family: 'A',
        wanted: ['192.0.2.2'],
        createdMs: 1_000_000,
        attempts: 0,
        nextAttemptMs: 1_002_000,
        lastError: 'primary-unreachable',
      },
    ]);
    await timers.pass(10_000);
    expect([...store.pending.values()][0]).toMatchObject({ attempts: 2, before: [['192.0.2.1']] });
    expect(addressAt(model)).toBe('192.0.2.1');
    publisher.mood = 'up';
    await timers.pass(31_000);
    expect(addressAt(model)).toBe('192.0.2.2');
    expect(store.pending.size).toBe(0);
    expect(events).toMatchObject([
      {
        protocol: 'retry',
        origin: 'server',
        outcome: 'changed',
        A: { before: ['192.0.2.1'], after: ['192.0.2.2'] },
      },
    ]);
  });

  it('says so, where it is saved', async () => {
    const { publisher, updates, zone, store } = setUp();
    publisher.mood = 'away';
    const failure = () =>
      updates
        .run({ zone, ownerName: home, wanted: wantedOf({ A: '192.0.2.2' }), fallbackTtl: 60 })
        .catch(({ message }) => message);
    expect(await failure()).toBe('No answer. The update is kept and will be tried again.');
    store.isAway = true;
    expect(await failure()).toBe('No answer.');
  });

  it('leaves the family alone that it did not name', async () => {
    const { model, publisher, store, timers, retry, update } = setUp();
    retry.start();
    await update({ A: '192.0.2.1', AAAA: '2001:db8::1' });
    publisher.mood = 'SERVFAIL';
    expect(await update({ AAAA: null })).toBe('primary-refused');
    expect([...store.pending.values()]).toMatchObject([{ family: 'AAAA', wanted: [] }]);
    publisher.mood = 'up';
    await timers.pass(31_000);
    expect(model.contents().length).toBe(1);
    expect(addressAt(model)).toBe('192.0.2.1');
  });

  it('is settled where it had been applied after all', async () => {
    const { model, publisher, store, timers, retry, update, warnings } = setUp();
    retry.start();
    await update({ A: '192.0.2.1' });
    publisher.mood = 'applies and is lost';
    expect(await update({ A: '192.0.2.2' })).toBe('publish-unknown');
    publisher.mood = 'up';
    const { serial } = model;
    await timers.pass(31_000);
    expect(store.pending.size).toBe(0);
    expect(model.serial).toBe(serial);
    expect(warnings).toEqual([]);
  });

  it('a refusal by the primary is not retried, and ends an older pending update', async () => {
    const { publisher, store, update } = setUp();
    publisher.mood = 'away';
    await update({ A: '192.0.2.2' });
    publisher.mood = 'REFUSED';
    expect(await update({ A: '192.0.2.3' })).toBe('primary-refused');
    expect(store.pending.size).toBe(0);
  });

  it('is taken up by the next start, at once', async () => {
    const { model, publisher, store, timers, open, update } = setUp();
    publisher.mood = 'away';
    await update({ A: '192.0.2.2' });
    await store.takeDue(timers.nowMs + 2000, timers.nowMs + 31_000, 1);
    publisher.mood = 'up';
    const next = open();
    next.start();
    await timers.pass(2_000);
    expect(addressAt(model)).toBe('192.0.2.2');
    await next.close();
  });

  it('a live update that reaches the primary has all others retried at once', async () => {
    const { model, publisher, store, timers, retry, update } = setUp();
    retry.start();
    publisher.mood = 'away';
    const names = Array.from({ length: 300 }, (_, i) => apex.prepend(`host${i}`));
    await Promise.all(names.map((name) => update({ A: '192.0.2.7' }, name).catch(() => undefined)));
    await timers.pass(120_000);
    const reads = publisher.reads;
    await timers.pass(30_000);
    expect(publisher.reads - reads).toBeLessThan(40);
    publisher.mood = 'up';
    await update({ A: '192.0.2.1' });
    const waiting = store.pending.size;
    await timers.pass(6_000);
    expect([waiting > 100, store.pending.size]).toEqual([true, 0]);
    expect(addressAt(model, names[299])).toBe('192.0.2.7');
  });
});

describe('a newer update', () => {
  it('replaces the pending one, whatever of the older messages arrives late', async () => {
    const { model, publisher, store, timers, retry, update } = setUp();
    retry.start();
    await update({ A: '192.0.2.1' });
    publisher.mood = 'frozen';
    await update({ A: '192.0.2.2' });
    await update({ A: '192.0.2.3' });
    expect(store.pending.size).toBe(1);
    put(model, '192.0.2.2');
    publisher.mood = 'up';
    await timers.pass(31_000);
    expect(addressAt(model)).toBe('192.0.2.3');
  });

  it('ends the pending one when it is published', async () => {
    const { model, publisher, store, timers, retry, update } = setUp();
    retry.start();
    publisher.mood = 'away';
    await update({ A: '192.0.2.2' });
    publisher.mood = 'up';
    expect(await update({ A: '192.0.2.3' })).toBe('good');
    expect(store.pending.size).toBe(0);
    await timers.pass(60_000);
    expect(addressAt(model)).toBe('192.0.2.3');
  });

  it('is not overtaken by an attempt for an older one in flight', async () => {
    const { model, publisher, timers, retry, update, store } = setUp();
    retry.start();
    publisher.mood = 'away';
    await update({ A: '192.0.2.2' });
    publisher.mood = 'up';
    let newer: Promise<string> | undefined;
    publisher.beforePublish = () => {
      newer ??= update({ A: '192.0.2.3' });
    };
    await timers.pass(10_000);
    expect(await newer).toBe('good');
    expect(addressAt(model)).toBe('192.0.2.3');
    expect(store.pending.size).toBe(0);
  });

  it('that is in flight when the pending one is due goes first, and ends it', async () => {
    const { model, publisher, timers, retry, update, store } = setUp();
    retry.start();
    await update({ A: '192.0.2.1' });
    publisher.mood = 'SERVFAIL';
    await update({ A: '192.0.2.2' });
    publisher.mood = 'up';
    const { serial } = model;
    let letGo: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    publisher.beforePublish = () => {
      publisher.beforePublish = undefined;
      return gate;
    };
    const newer = update({ A: '192.0.2.1' });
    await timers.pass(5_000);
    letGo();
    expect(await newer).toBe('good');
    await timers.pass(60_000);
    // The older address was never published, not even for a moment.
    expect([addressAt(model), model.serial, store.pending.size]).toEqual(['192.0.2.1', serial, 0]);
  });

  it('makes no call to the store where nothing is pending', async () => {
    const { timers, retry, update, store } = setUp();
    retry.start();
    await timers.pass(2_000);
    store.calls.length = 0;
    await update({ A: '192.0.2.1' });
    await timers.pass(10_000);
    expect(store.calls).toEqual([]);
  });

  it('by DNS UPDATE ends pending ones for the families that it touches', async () => {
    const { publisher, retry, update, store } = setUp();
    publisher.mood = 'away';
    await update({ A: '192.0.2.2', AAAA: '2001:db8::2' });
    await retry.updated([{ kind: 'delete-rrset', ownerName: home, type: RRType.TXT }]);
    expect(store.pending.size).toBe(2);
    await retry.updated([{ kind: 'delete-rrset', ownerName: home, type: RRType.A }]);
    expect([...store.pending.values()].map(({ family }) => family)).toEqual(['AAAA']);
    await retry.updated([{ kind: 'delete-name', ownerName: home }]);
    expect(store.pending.size).toBe(0);
  });
});

describe('a foreign edit', () => {
  const edited = async (reconcile: 'report' | 'enforce') => {
    const all = setUp({ reconcile: () => reconcile });
    all.retry.start();
    await all.update({ A: '192.0.2.1' });
    all.publisher.mood = 'away';
    await all.update({ A: '192.0.2.2' });
    put(all.model, '192.0.2.99');
    all.publisher.mood = 'up';
    await all.timers.pass(31_000);
    expect(all.store.pending.size).toBe(0);
    return all;
  };

  it('is reported and stays', async () => {
    const { model, warnings, events } = await edited('report');
    expect(addressAt(model)).toBe('192.0.2.99');
    expect(warnings).toEqual([
      'The pending update of home.example.com. (A: 192.0.2.2) is dropped: somebody else has changed its A address meanwhile (now: 192.0.2.99).',
    ]);
    expect(events).toMatchObject([{ outcome: 'refused', code: 'conflict' }]);
  });

  it('that comes again and again between looking and writing puts it off', async () => {
    const { model, publisher, store, timers, retry, update } = setUp({ reconcile: () => 'enforce' });
    retry.start();
    publisher.mood = 'away';
    await update({ A: '192.0.2.2' });
    publisher.mood = 'up';
    let last = 1;
    publisher.beforePublish = () => put(model, `198.51.100.${last++}`);
    await timers.pass(31_000);
    await vi.waitFor(() => {
      expect([...store.pending.values()]).toMatchObject([{ wanted: ['192.0.2.2'], lastError: 'contended' }]);
    });
    publisher.beforePublish = undefined;
    await timers.pass(120_000);
    expect([addressAt(model), store.pending.size]).toEqual(['192.0.2.2', 0]);
  });

  it('is written over where that is wanted', async () => {
    const { model, warnings } = await edited('enforce');
    expect(addressAt(model)).toBe('192.0.2.2');
    expect(warnings.length).toBe(1);
  });

  it('is not seen in the answer of a wildcard', async () => {
    const { model, publisher, timers, retry, update } = setUp();
    put(model, '192.0.2.50', DomainName.parse('*.example.com'));
    retry.start();
    publisher.mood = 'SERVFAIL';
    await update({ A: '192.0.2.2' });
    publisher.mood = 'up';
    await timers.pass(31_000);
    expect(addressAt(model)).toBe('192.0.2.2');
  });

  it('a CNAME ends the pending update, also where foreign edits are written over', async () => {
    const { model, publisher, timers, retry, update, warnings, store } = setUp({ reconcile: () => 'enforce' });
    retry.start();
    publisher.mood = 'away';
    await update({ A: '192.0.2.2' });
    const rrset = { ownerName: home, type: RRType.CNAME, ttl: 60, rdatas: [{ type: RRType.CNAME, target: apex }] };
    model.apply([
      { zone: apex, ownerName: home, prerequisites: [], edits: [{ kind: 'add-to-rrset', rrset: rrset as never }] },
    ]);
    publisher.mood = 'up';
    await timers.pass(31_000);
    expect([store.pending.size, warnings.length, addressAt(model)]).toEqual([0, 1, '']);
  });
});

describe('several processes on one store', () => {
  it('what another process has published is not a foreign edit once the pending update has ended', async () => {
    const { model, publisher, timers, retry, update, store, warnings } = setUp({
      shared: true,
      reconcile: () => 'enforce',
    });
    retry.start();
    publisher.mood = 'away';
    await update({ A: '192.0.2.2' });
    await store.put({ ...[...store.pending.values()][0]!, before: [[]] });
    publisher.mood = 'up';
    put(model, '192.0.2.3');
    publisher.beforePublish = () => {
      publisher.beforePublish = undefined;
      void turns(10).then(() => store.remove(home, 'A'));
    };
    await timers.pass(60_000);
    expect(addressAt(model)).toBe('192.0.2.3');
    expect(warnings).toEqual([]);
  });

  it('a pending update of another process ends when a newer update was published here before this one heard of it', async () => {
    const { model, timers, retry, update, store } = setUp({ shared: true });
    retry.start();
    await timers.pass(2_000);
    const createdMs = timers.nowMs;
    await timers.pass(500);
    await update({ A: '192.0.2.3' });
    const pending = { ownerName: home, family: 'A', wanted: ['192.0.2.2'], ttl: 60, before: [[]], createdMs } as const;
    await store.put({ ...pending, nextAttemptMs: createdMs + 2000 });
    await timers.pass(60_000);
    expect(addressAt(model)).toBe('192.0.2.3');
    expect(store.pending.size).toBe(0);
  });
});

describe('a store that is away', () => {
  it('fails no update, makes none wait and is reported once', async () => {
    const { publisher, timers, retry, update, store, warnings } = setUp();
    retry.start();
    store.isAway = true;
    publisher.mood = 'away';
    expect(await update({ A: '192.0.2.2' })).toBe('primary-unreachable');
    expect(await update({ A: '192.0.2.3' })).toBe('primary-unreachable');
    await timers.pass(10_000);
    expect(warnings.length).toBe(1);
    publisher.mood = 'up';
    expect(await update({ A: '192.0.2.4' })).toBe('good');
  });

  it.each([false, true])('learns the end of a pending update when it is back; shared: %s', async (shared) => {
    const { model, publisher, timers, retry, update, store } = setUp({ shared, reconcile: () => 'enforce' });
    retry.start();
    publisher.mood = 'away';
    await update({ A: '192.0.2.2' });
    publisher.mood = 'up';
    store.isAway = true;
    expect(await update({ A: '192.0.2.3' })).toBe('good');
    store.isAway = false;
    await timers.pass(60_000);
    expect([addressAt(model), store.pending.size]).toEqual(['192.0.2.3', 0]);
  });

  it('and is shared keeps what another process saved after the update here', async () => {
    const { model, publisher, timers, retry, update, store } = setUp({ shared: true });
    retry.start();
    publisher.mood = 'away';
    await update({ A: '192.0.2.2' });
    publisher.mood = 'up';
    store.isAway = true;
    expect(await update({ A: '192.0.2.3' })).toBe('good');
    store.isAway = false;
    await timers.pass(0);
    const times = { createdMs: timers.nowMs + 1, nextAttemptMs: timers.nowMs + 2000 };
    await store.put({
      ownerName: home,
      family: 'A',
      wanted: ['192.0.2.4'],
      ttl: 60,
      before: [['192.0.2.3']],
      ...times,
    });
    await timers.pass(60_000);
    expect([addressAt(model), store.pending.size]).toEqual(['192.0.2.4', 0]);
  });

  it('that hangs holds no reply for longer than half a second', async () => {
    const { publisher, timers, update, store } = setUp();
    store.put = () => new Promise(() => undefined);
    publisher.mood = 'away';
    const answer = update({ A: '192.0.2.2' });
    await timers.pass(500);
    expect(await answer).toBe('primary-unreachable');
  });
});

describe('the end', () => {
  it('waits for attempts in flight and starts nothing', async () => {
    const { publisher, timers, retry, update, store } = setUp();
    retry.start();
    publisher.mood = 'away';
    await update({ A: '192.0.2.2' });
    let ended = false;
    publisher.beforePublish = async () => {
      ended = true;
    };
    await retry.close();
    publisher.mood = 'up';
    await timers.pass(60_000);
    expect([ended, store.pending.size]).toEqual([false, 1]);
  });

  it('a host that is switched off meanwhile is left alone', async () => {
    const { model, publisher, timers, retry, update, store } = setUp({ isDisabled: () => true });
    retry.start();
    publisher.mood = 'away';
    await update({ A: '192.0.2.2' });
    publisher.mood = 'up';
    await timers.pass(31_000);
    expect([addressAt(model), store.pending.size]).toEqual(['', 0]);
  });
});
