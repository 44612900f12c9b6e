// Silent hosts and leases on a zone and a store in memory, with a clock that stands still until it is moved.

import { beforeEach, describe, expect, it } from 'vitest';
import { testQueue } from '../../../test/support/address-updates.ts';
import { ManualTimers, turns } from '../../../test/support/manual-timers.ts';
import { MemoryPublisher, MemoryZone } from '../../../test/support/memory-publisher.ts';
import { type WantedTexts, wantedOf } from '../../../test/support/wanted-addresses.ts';
import { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { rrsetAddresses } from '../../dns/rrset.ts';
import type { ZoneChange } from '../../dns/zone-change.ts';
import { openMemoryStore } from '../../store/memory.ts';
import { OPERATOR, type RequestContext } from '../access/request-context.ts';
import { AppError, type ErrorCode } from '../errors.ts';
import type { NewHistoryEvent } from '../history/history.ts';
import { HistoryRecorder } from '../history/history-recorder.ts';
import { defaultHostSettings, type HostSettings } from '../hosts/host.ts';
import { UpdateAddresses } from '../updates/update-addresses.ts';
import { UpdateHost } from '../updates/update-host.ts';
import type { UpdateQueue } from '../updates/update-queue.ts';
import { UpdateRecord } from '../updates/update-record.ts';
import { FAMILIES } from '../zones/family.ts';
import type { PublishOutcome } from '../zones/publisher.ts';
import { type Zone, ZoneTable } from '../zones/zone.ts';
import { HostWatch, type HostWatchOptions } from './host-watch.ts';

const apex = DomainName.parse('example.com');
const home = DomainName.parse('home.example.com');
const START_MS = Date.UTC(2026, 10, 23, 10);
const MINUTE = 60_000;
const HOUR = 3_600_000;
const CLIENT: RequestContext = { ...OPERATOR, protocol: 'dyndns2', origin: 'client' };

class FailingPublisher extends MemoryPublisher {
  failure: ErrorCode | undefined;
  /** The change lands, and its reply is lost. */
  isLost = false;
  attempts = 0;
  before: (() => Promise<unknown>) | undefined;

  override async publish(change: ZoneChange, deadlineMs: number): Promise<PublishOutcome> {
    this.attempts += 1;
    await this.before?.();
    if (this.failure !== undefined && !this.isLost) throw new AppError(this.failure, 'It failed.');
    const outcome = await super.publish(change, deadlineMs);
    if (this.failure !== undefined) throw new AppError(this.failure, 'It failed.');
    return outcome;
  }
}

const settings = (more: Partial<HostSettings>): HostSettings => ({ ...defaultHostSettings(home), ...more });

let timers: ManualTimers;
let store: ReturnType<typeof openMemoryStore>;
let model: MemoryZone;
let publisher: FailingPublisher;
let queue: UpdateQueue;
let updates: UpdateAddresses;
let zone: Zone;
let configured: HostSettings[];
let events: NewHistoryEvent[];
let silences: string[];
let warnings: string[];

/** One server of those that share the store. */
function openProcess(more: Partial<HostWatchOptions> = {}) {
  const recorder = new HistoryRecorder({ store: store.history, timers, warn: () => undefined });
  const record = (event: NewHistoryEvent) => {
    events.push(event);
    recorder.record(event);
  };
  const watch = new HostWatch({
    history: store.history,
    hosts: store.hosts,
    pending: store.pending,
    configured: () => configured,
    isOn: () => true,
    flush: async (ownerName) => {
      await recorder.flush();
      return !recorder.hasUnwritten(ownerName);
    },
    zones: () => new ZoneTable([zone]),
    updates,
    record,
    silent: (ownerName, lastSeenMs, nowMs) => {
      silences.push(`${ownerName} ${(nowMs - lastSeenMs) / MINUTE} min`);
    },
    warn: (text) => void warnings.push(text),
    timers,
    ...more,
  });
  watch.start();
  const updateRecord = new UpdateRecord({
    recorder: { record, repeat: (ownerName, timeMs) => recorder.repeat(ownerName, timeMs) },
    now: () => timers.now(),
  });
  const doors = new UpdateHost(updates, updateRecord);
  const update = (wanted: WantedTexts, context = CLIENT, ownerName = home) =>
    doors
      .run(
        { zone, ownerName, families: FAMILIES, fallbackTtl: 60, choose: () => ({ wanted: wantedOf(wanted) }) },
        context,
      )
      .then(
        ({ changed }) => (changed ? 'good' : 'nochg'),
        (error: AppError) => error.code,
      );
  const close = async () => {
    await watch.close();
    await recorder.close();
  };
  return { update, close };
}

const addresses = (ownerName = home) =>
  [RRType.A, RRType.AAAA].map((type) => rrsetAddresses(model.rrsetAt(ownerName, type)?.rdatas ?? []).join());

beforeEach(() => {
  timers = new ManualTimers(START_MS);
  queue = testQueue({ timeoutMs: 5000, maxWaiting: 1000 });
  store = openMemoryStore();
  model = new MemoryZone(apex);
  publisher = new FailingPublisher(model);
  updates = new UpdateAddresses(queue);
  const none = { apexAllowed: false, wildcardAllowed: false, reserved: new Set<string>() };
  zone = { apex, publisher, ttl: {}, ...none, addresses: { allow: [], deny: [] }, emptyValue: 'keep' };
  configured = [];
  events = [];
  silences = [];
  warnings = [];
});

describe('a silent host', () => {
  it('is reported once, a minute after its time at the latest, and again after it was back', async () => {
    configured = [settings({ silentAfterSeconds: 3600 })];
    const { update } = openProcess();
    expect(await update({ A: '192.0.2.1' })).toBe('good');
    await timers.pass(HOUR - 1);
    expect(silences).toEqual([]);
    await timers.pass(MINUTE + 1);
    expect(silences).toEqual(['home.example.com. 60 min']);
    await timers.pass(5 * HOUR);
    expect(silences).toHaveLength(1);
    expect(await update({ A: '192.0.2.1' })).toBe('nochg');
    await timers.pass(HOUR - MINUTE);
    expect(silences).toHaveLength(1);
    await timers.pass(2 * MINUTE);
    expect(silences).toHaveLength(2);
    expect(warnings[0]).toBe(
      "The host 'home.example.com.' is silent: its last update came at 2026-11-23T10:00:00.000Z.",
    );
    // Nothing of this is an event of the history.
    expect(events.map(({ protocol }) => protocol)).toEqual(['dyndns2']);
  });

  it('may be one of the store; settings of the configuration come before', async () => {
    await store.hosts.put(settings({ silentAfterSeconds: 600 }));
    const { update } = openProcess();
    await update({ A: '192.0.2.1' });
    await timers.pass(15 * MINUTE);
    expect(silences).toHaveLength(1);
    configured = [settings({})];
    await update({ A: '192.0.2.1' });
    await timers.pass(HOUR);
    expect(silences).toHaveLength(1);
  });

  it('is not one that was never seen, nor one that is switched off', async () => {
    configured = [settings({ silentAfterSeconds: 600, leaseSeconds: 600 })];
    const { update } = openProcess();
    await timers.pass(HOUR);
    configured = [settings({ silentAfterSeconds: 600, leaseSeconds: 600, enabled: false })];
    await update({ A: '192.0.2.1' });
    await timers.pass(HOUR);
    expect([silences, addresses()]).toEqual([[], ['192.0.2.1', '']]);
  });

  it('is not one whose updates fail at the primary', async () => {
    configured = [settings({ silentAfterSeconds: 600, leaseSeconds: 600 })];
    const { update } = openProcess();
    await update({ A: '192.0.2.1' });
    publisher.failure = 'primary-unreachable';
    for (let round = 0; round < 6; round += 1) {
      await timers.pass(5 * MINUTE);
      expect(await update({ A: '192.0.2.1' })).toBe('primary-unreachable');
    }
    publisher.failure = undefined;
    await timers.pass(5 * MINUTE);
    expect([silences, addresses()]).toEqual([[], ['192.0.2.1', '']]);
  });

  it('is still silent when the operator types an update of it', async () => {
    configured = [settings({ silentAfterSeconds: 3600 })];
    const { update } = openProcess();
    await update({ A: '192.0.2.1' });
    await timers.pass(30 * MINUTE);
    await update({ A: '192.0.2.2' }, OPERATOR);
    await update({ A: '192.0.2.2' }, OPERATOR);
    await timers.pass(31 * MINUTE);
    expect(silences).toHaveLength(1);
  });

  it('is reported by one of several servers', async () => {
    configured = [settings({ silentAfterSeconds: 600 })];
    const opened = [openProcess(), openProcess(), openProcess()];
    await opened[0]!.update({ A: '192.0.2.1' });
    await timers.pass(HOUR);
    expect(silences).toHaveLength(1);
  });

  it('is not reported again after a restart', async () => {
    configured = [settings({ silentAfterSeconds: 600 })];
    const first = openProcess();
    await first.update({ A: '192.0.2.1' });
    await timers.pass(15 * MINUTE);
    await first.close();
    openProcess();
    await timers.pass(HOUR);
    expect(silences).toHaveLength(1);
  });

  it('has its whole time again after a pause without a server', async () => {
    configured = [settings({ silentAfterSeconds: 3600, leaseSeconds: 3600 })];
    const first = openProcess();
    await first.update({ A: '192.0.2.1' });
    await timers.pass(10 * MINUTE);
    await first.close();
    await timers.pass(24 * HOUR);
    openProcess();
    await timers.pass(59 * MINUTE);
    expect([silences, addresses()]).toEqual([[], ['192.0.2.1', '']]);
    await timers.pass(2 * MINUTE);
    expect([silences.length, addresses()]).toEqual([1, ['', '']]);
  });

  it('has its whole time from the moment at which the first limit is set', async () => {
    const { update } = openProcess();
    await update({ A: '192.0.2.1' });
    await timers.pass(24 * HOUR);
    configured = [settings({ silentAfterSeconds: 3600, leaseSeconds: 3600 })];
    await timers.pass(59 * MINUTE);
    expect([silences, addresses()]).toEqual([[], ['192.0.2.1', '']]);
    await timers.pass(2 * MINUTE);
    expect([silences.length, addresses()]).toEqual([1, ['', '']]);
  });

  it('loses no time by a short restart', async () => {
    configured = [settings({ silentAfterSeconds: 3600 })];
    const first = openProcess();
    await first.update({ A: '192.0.2.1' });
    await timers.pass(50 * MINUTE);
    await first.close();
    await timers.pass(MINUTE);
    openProcess();
    await timers.pass(10 * MINUTE);
    expect(silences).toHaveLength(1);
  });
});

describe('a lease', () => {
  const lease = (more: Partial<HostSettings> = {}) => settings({ leaseSeconds: 3600, ...more });

  it('takes the addresses away, and the next update restores them, also the same', async () => {
    configured = [lease()];
    const { update } = openProcess();
    await update({ A: '192.0.2.1', AAAA: '2001:db8::1' });
    await timers.pass(HOUR - 1);
    expect(addresses()).toEqual(['192.0.2.1', '2001:db8::1']);
    await timers.pass(2 * MINUTE);
    expect(addresses()).toEqual(['', '']);
    expect(events.at(-1)).toEqual({
      ownerName: home,
      timeMs: START_MS + HOUR,
      protocol: 'lease',
      actor: 'server',
      source: '',
      userAgent: '',
      origin: 'server',
      outcome: 'changed',
      A: { before: ['192.0.2.1'], after: [] },
      AAAA: { before: ['2001:db8::1'], after: [] },
    });
    expect(await update({ A: '192.0.2.1', AAAA: '2001:db8::1' })).toBe('good');
    expect(addresses()).toEqual(['192.0.2.1', '2001:db8::1']);
    await timers.pass(2 * HOUR);
    expect(addresses()).toEqual(['', '']);
  });

  it('publishes the fallback of a family, whatever the rules of the zone are, with the TTL of the host', async () => {
    zone = { ...zone, addresses: { allow: [], deny: [{ family: 4, octets: new Uint8Array(4), length: 0 }] } };
    configured = [lease({ fallback: ['192.0.2.99'], ttl: 7 })];
    const { update } = openProcess();
    await update({ AAAA: '2001:db8::1' });
    await timers.pass(2 * HOUR);
    expect(addresses()).toEqual(['192.0.2.99', '']);
    expect(model.rrsetAt(home, RRType.A)?.ttl).toBe(7);
  });

  it('publishes several addresses of one family, and the next update replaces them all', async () => {
    configured = [lease({ fallback: ['192.0.2.99', '192.0.2.98', '2001:db8::99', '192.0.2.97'] })];
    const { update } = openProcess();
    await update({ A: '192.0.2.1,192.0.2.2' });
    await timers.pass(2 * HOUR);
    expect(addresses()).toEqual(['192.0.2.97,192.0.2.98,192.0.2.99', '2001:db8::99']);
    await timers.pass(5 * HOUR);
    expect(await update({ A: '192.0.2.2,192.0.2.1' })).toBe('good');
    expect(addresses()[0]).toBe('192.0.2.1,192.0.2.2');
  });

  it('is done once: what is set by hand afterwards stays, also over a restart', async () => {
    configured = [lease()];
    const first = openProcess();
    await first.update({ A: '192.0.2.1' });
    await timers.pass(2 * HOUR);
    expect(await first.update({ A: '192.0.2.55' }, OPERATOR)).toBe('good');
    await timers.pass(5 * HOUR);
    await first.close();
    openProcess();
    await timers.pass(5 * HOUR);
    expect(addresses()).toEqual(['192.0.2.55', '']);
    expect(events.filter(({ protocol }) => protocol === 'lease')).toHaveLength(1);
  });

  it('changes and records nothing where there is nothing to remove', async () => {
    configured = [lease()];
    const { update } = openProcess();
    await update({ A: '192.0.2.1' });
    await update({ A: null }, OPERATOR);
    await timers.pass(2 * HOUR);
    expect(events.map(({ protocol }) => protocol)).toEqual(['dyndns2', 'cli']);
  });

  /** Holds the order of the name until it is called: what comes meanwhile waits one behind the other. */
  const hold = () => {
    let release = (): void => undefined;
    void queue.runOwn([home], () => new Promise<void>((resolve) => (release = resolve)));
    return () => release();
  };

  it('does nothing where an update of the host was published just before it', async () => {
    configured = [lease()];
    const { update } = openProcess();
    await update({ A: '192.0.2.1' });
    await timers.pass(HOUR - MINUTE / 2);
    const release = hold();
    const live = update({ A: '192.0.2.2' });
    await timers.pass(MINUTE);
    release();
    expect(await live).toBe('good');
    await timers.pass(MINUTE / 2);
    expect(addresses()).toEqual(['192.0.2.2', '']);
    expect(events.some(({ protocol }) => protocol === 'lease')).toBe(false);
  });

  it('reads the activity of the host only when the update before it is in the history', async () => {
    configured = [lease()];
    const heard: number[] = [];
    const { update } = openProcess({
      flush: async () => {
        heard.push(events.length);
        return false;
      },
    });
    await update({ A: '192.0.2.1' });
    await timers.pass(HOUR - MINUTE / 2);
    const release = hold();
    const live = update({ A: '192.0.2.2' });
    await timers.pass(MINUTE);
    release();
    await live;
    await turns();
    expect(heard).toEqual([2]);
  });

  it('does nothing where an update just before it changed nothing', async () => {
    configured = [lease()];
    const { update } = openProcess();
    await update({ A: '192.0.2.1' });
    await timers.pass(HOUR - MINUTE / 2);
    const release = hold();
    const live = update({ A: '192.0.2.1' });
    await timers.pass(MINUTE);
    release();
    expect(await live).toBe('nochg');
    await timers.pass(MINUTE / 2);
    expect(addresses()).toEqual(['192.0.2.1', '']);
  });

  it('is overwritten by an update that comes while it is published', async () => {
    configured = [lease()];
    const { update } = openProcess();
    await update({ A: '192.0.2.1' });
    await timers.pass(HOUR - MINUTE / 2);
    const release = hold();
    await timers.pass(MINUTE);
    const live = update({ A: '192.0.2.1' });
    release();
    expect(await live).toBe('good');
    await timers.pass(HOUR - 2 * MINUTE);
    expect(addresses()).toEqual(['192.0.2.1', '']);
    expect(events.map(({ protocol }) => protocol)).toEqual(['dyndns2', 'lease', 'dyndns2']);
  });

  it('leaves a host alone whose update waits for the primary', async () => {
    configured = [lease()];
    const { update } = openProcess();
    await update({ A: '192.0.2.1' });
    const pending = { ownerName: home, family: 'A', wanted: ['192.0.2.2'], ttl: 60, before: [['192.0.2.1']] } as const;
    await store.pending.put({ ...pending, createdMs: START_MS, nextAttemptMs: START_MS });
    await timers.pass(2 * HOUR);
    expect(addresses()).toEqual(['192.0.2.1', '']);
    await store.pending.remove(home, 'A');
    await timers.pass(MINUTE);
    expect(addresses()).toEqual(['', '']);
  });

  it('is retried at each check while the primary fails, leaves no pending update, and reports the failure once', async () => {
    configured = [lease()];
    updates = new UpdateAddresses(queue, {
      failed: () => Promise.reject(new Error('a pending update')),
      settled: () => undefined,
    });
    const { update } = openProcess();
    await update({ A: '192.0.2.1' });
    publisher.failure = 'primary-refused';
    await timers.pass(HOUR + 10 * MINUTE);
    expect(publisher.attempts).toBeGreaterThan(10);
    expect(events.filter(({ protocol }) => protocol === 'lease')).toMatchObject([
      { outcome: 'failed', code: 'primary-refused', detail: 'It failed.' },
    ]);
    expect(warnings).toEqual([
      "The lease of 'home.example.com.' has ended, but its addresses could not be replaced: It failed. The server will try again.",
    ]);
    publisher.failure = undefined;
    await timers.pass(MINUTE);
    expect(addresses()).toEqual(['', '']);
    expect(events.at(-1)).toMatchObject({ protocol: 'lease', outcome: 'changed', A: { before: ['192.0.2.1'] } });
  });

  it('tries a primary that does not answer once at each check, for all its hosts', async () => {
    const names = Array.from({ length: 20 }, (_, index) => DomainName.parse(`h${index}.example.com`));
    configured = names.map((ownerName) => lease({ ownerName }));
    const { update } = openProcess();
    for (const ownerName of names) await update({ A: '192.0.2.1' }, CLIENT, ownerName);
    publisher.attempts = 0;
    publisher.failure = 'primary-unreachable';
    await timers.pass(HOUR + MINUTE);
    // Those in flight when the first one fails are as many as run in parallel.
    expect(publisher.attempts).toBeLessThanOrEqual(2 * 8);
    publisher.failure = undefined;
    await timers.pass(MINUTE);
    expect(new Set(names.map((name) => addresses(name).join()))).toEqual(new Set([',']));
  });

  it('is recorded with the addresses before it, also where the reply of the primary was lost', async () => {
    configured = [lease({ fallback: ['192.0.2.99'] })];
    const { update } = openProcess();
    await update({ A: '192.0.2.1' });
    publisher.failure = 'publish-unknown';
    publisher.isLost = true;
    await timers.pass(HOUR + MINUTE / 2);
    expect(addresses()).toEqual(['192.0.2.99', '']);
    publisher.failure = undefined;
    await timers.pass(MINUTE);
    expect(events.at(-1)).toMatchObject({
      protocol: 'lease',
      outcome: 'changed',
      A: { before: ['192.0.2.1'], after: ['192.0.2.99'] },
    });
    const before = events.length;
    await timers.pass(HOUR);
    expect(events).toHaveLength(before);
  });

  it('waits where the store does not take what was heard of the host', async () => {
    configured = [lease()];
    let isTaken = false;
    const { update } = openProcess({ flush: async () => isTaken });
    await update({ A: '192.0.2.1' });
    await timers.pass(3 * HOUR);
    expect(addresses()).toEqual(['192.0.2.1', '']);
    isTaken = true;
    await timers.pass(MINUTE);
    expect(addresses()).toEqual(['', '']);
  });

  it('ends no lease without a history: it is not known when a host was seen', async () => {
    configured = [lease()];
    const { update } = openProcess({ isOn: () => false });
    await update({ A: '192.0.2.1' });
    await timers.pass(3 * HOUR);
    expect(addresses()).toEqual(['192.0.2.1', '']);
  });
});
