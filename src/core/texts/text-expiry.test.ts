import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { testQueue } from '../../../test/support/address-updates.ts';
import { ManualTimers, turns } from '../../../test/support/manual-timers.ts';
import { MemoryPublisher, MemoryZone } from '../../../test/support/memory-publisher.ts';
import { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { readTextRdata, textRdata } from '../../dns/rrset.ts';
import type { ZoneEdit } from '../../dns/zone-change.ts';
import { openMemoryStore } from '../../store/memory.ts';
import { AppError } from '../errors.ts';
import { publishTexts } from '../updates/publish-texts.ts';
import type { TurnStore } from '../updates/turn-store.ts';
import { Turns } from '../updates/turns.ts';
import type { UpdateQueue } from '../updates/update-queue.ts';
import { type Zone, ZoneTable } from '../zones/zone.ts';
import { TextKeeper } from './text-expiry.ts';
import { TextRecords } from './text-records.ts';
import type { TextStore } from './text-store.ts';

const apex = DomainName.parse('example.com');
const name = apex.prepend('home').prepend('_acme-challenge');
const MINUTE_MS = 60_000;

let memory: MemoryZone;
let zone: Zone;
let zones: ZoneTable;
let store: TextStore;
let queue: UpdateQueue;
let timers: ManualTimers;
let warnings: string[];
let keepers: TextKeeper[];

beforeEach(() => {
  memory = new MemoryZone(apex);
  zone = {
    apex,
    publisher: new MemoryPublisher(memory),
    ttl: {},
    apexAllowed: false,
    wildcardAllowed: false,
    reserved: new Set(),
    addresses: { allow: [], deny: [] },
    emptyValue: 'keep',
  };
  zones = new ZoneTable([zone]);
  store = openMemoryStore().texts;
  queue = testQueue({ timeoutMs: 1000, maxWaiting: 10 });
  timers = new ManualTimers();
  warnings = [];
  keepers = [];
});
afterEach(() => Promise.all(keepers.map((keeper) => keeper.close())));

function start(of = store, shared?: Turns): TextKeeper {
  const warn = (text: string) => void warnings.push(text);
  const keeper = new TextKeeper({
    store: of,
    queue,
    zones: () => zones,
    timeoutMs: () => 1000,
    warn,
    timers,
    turns: shared,
  });
  keepers.push(keeper);
  keeper.start();
  return keeper;
}

const pass = (ms: number) => timers.pass(ms);

const write = (text: string, removeAfterSeconds = 60, ownerName = name) =>
  publishTexts(
    {
      zone,
      ownerName,
      edit: { kind: 'add', text },
      log: new TextRecords(store, timers.now),
      removeAfterSeconds,
      clock: queue.clock,
    },
    performance.now() + 1000,
  );
const texts = (ownerName = name) =>
  (memory.rrsetAt(ownerName, RRType.TXT)?.rdatas ?? []).map((rdata) => readTextRdata(rdata)).sort();
const kept = async (ownerName = name) => (await store.at(ownerName)).map(({ text }) => text);
const edit = (one: ZoneEdit) => memory.apply([{ zone: apex, ownerName: name, prerequisites: [], edits: [one] }]);

describe('TXT values that were written here', () => {
  it('are removed within a minute of their time, each at its own', async () => {
    start();
    await write('a', 60);
    await write('b', 3600);
    await pass(59_000);
    expect(texts()).toEqual(['a', 'b']);
    await pass(MINUTE_MS);
    expect(texts()).toEqual(['b']);
    expect(await kept()).toEqual(['b']);
    await pass(3600_000);
    expect(texts()).toEqual([]);
    expect(await kept()).toEqual([]);
    expect(warnings).toEqual([]);
  });

  it('also those of before the start', async () => {
    await write('a');
    timers.nowMs += 3600_000;
    start();
    await pass(0);
    expect(texts()).toEqual([]);
  });

  it('more than one batch of them, at many names', async () => {
    const names = Array.from({ length: 300 }, (_, index) => apex.prepend(`h${index}`));
    for (const ownerName of names) await write('a', 60, ownerName);
    start();
    await pass(2 * MINUTE_MS);
    expect(names.flatMap((ownerName) => texts(ownerName))).toEqual([]);
  });

  it('not those of others at the same name', async () => {
    const foreign = { ownerName: name, type: RRType.TXT, ttl: 60, rdatas: [textRdata('foreign')] };
    edit({ kind: 'add-to-rrset', rrset: foreign });
    await write('ours');
    await write('foreign');
    start();
    await pass(10 * MINUTE_MS);
    expect(texts()).toEqual(['foreign']);
  });

  it('not before a client that writes the same again lets it', async () => {
    start();
    await write('a', 60);
    await pass(30_000);
    await write('a', 300);
    await pass(MINUTE_MS * 3);
    expect(texts()).toEqual(['a']);
    await pass(MINUTE_MS * 4);
    expect(texts()).toEqual([]);
  });

  it('not where a client writes it again while the removal waits for its turn', async () => {
    await write('a', 60);
    timers.nowMs += MINUTE_MS;
    let release = () => {};
    const busy = queue.runOwn([name], () => new Promise<void>((resolve) => (release = resolve)));
    start();
    const passing = pass(0);
    await write('a', 600);
    release();
    await Promise.all([busy, passing]);
    expect(texts()).toEqual(['a']);
    expect(await kept()).toEqual(['a']);
  });

  it('once, where several processes share a store', async () => {
    for (let index = 0; index < 20; index++) await write('a', 60, apex.prepend(`h${index}`));
    const { publisher } = zone;
    const publish = publisher.publish.bind(publisher);
    let removals = 0;
    publisher.publish = (change, deadlineMs) => {
      removals += 1;
      return publish(change, deadlineMs);
    };
    start();
    start();
    await pass(2 * MINUTE_MS);
    expect(removals).toBe(20);
  });
});

describe('two servers that share a store', () => {
  /** The turns of one server; their store has a clock of its own. */
  const turnsOf = (shared: TurnStore) => {
    const after = (delayMs: number, call: () => void) => {
      const timer = setTimeout(call, delayMs);
      return () => clearTimeout(timer);
    };
    const clock = () => performance.now();
    return new Turns({ store: shared, timeoutMs: () => 10_000, clock, timers: { after } });
  };

  it('a value that one writes again while the other removes it is there afterwards', async () => {
    const shared = openMemoryStore().turns;
    await write('a', 60);
    timers.nowMs += MINUTE_MS;
    const { publisher } = zone;
    const publish = publisher.publish.bind(publisher);
    let release = () => {};
    let isHeld = false;
    publisher.publish = async (change, deadlineMs) => {
      isHeld = true;
      await new Promise<void>((resolve) => (release = resolve));
      return publish(change, deadlineMs);
    };
    start(store, turnsOf(shared));
    await timers.pass(0);
    expect(isHeld).toBe(true);
    const other = { ...zone, publisher: new MemoryPublisher(memory) };
    const log = new TextRecords(store, timers.now, turnsOf(shared));
    const edited = { kind: 'add', text: 'a' } as const;
    const publication = { zone: other, ownerName: name, edit: edited, log, removeAfterSeconds: 600 };
    const writing = publishTexts({ ...publication, clock: queue.clock }, performance.now() + 10_000);
    await turns();
    release();
    await Promise.all([writing, timers.pass(0)]);
    expect(texts()).toEqual(['a']);
    expect(await kept()).toEqual(['a']);
  });

  it('a value that one has just written is not removed by the other, whatever its clock says', async () => {
    const shared = openMemoryStore().turns;
    const log = new TextRecords(store, timers.now, turnsOf(shared));
    const edited = { kind: 'add', text: 'a' } as const;
    const publication = { zone, ownerName: name, edit: edited, log, removeAfterSeconds: 60, clock: queue.clock };
    await publishTexts(publication, performance.now() + 10_000);
    timers.nowMs += 365 * 24 * 60 * MINUTE_MS;
    start(store, turnsOf(shared));
    await timers.pass(0);
    expect(texts()).toEqual(['a']);
  });
});

describe('what goes wrong', () => {
  it('a primary that does not answer: it is retried, with one warning for each poll', async () => {
    for (const text of ['a', 'b', 'c']) await write(text);
    const { publisher } = zone;
    const publish = publisher.publish.bind(publisher);
    publisher.publish = () => Promise.reject(new AppError('primary-unreachable', 'away'));
    start();
    await pass(2 * MINUTE_MS);
    expect(warnings).toEqual([
      '3 expired TXT values could not be removed yet, the first of _acme-challenge.home.example.com.: away',
    ]);
    expect(texts()).toEqual(['a', 'b', 'c']);
    publisher.publish = publish;
    await pass(10 * MINUTE_MS);
    expect(texts()).toEqual([]);
    expect(await kept()).toEqual([]);
  });

  it('a value that someone has removed, or that a CNAME has replaced, is forgotten', async () => {
    const other = apex.prepend('other');
    await write('a');
    await write('b', 60, other);
    edit({ kind: 'delete-name', ownerName: name });
    edit({ kind: 'delete-name', ownerName: other });
    const rdatas = [{ kind: 'CNAME' as const, target: apex }];
    edit({ kind: 'add-to-rrset', rrset: { ownerName: other, type: RRType.CNAME, ttl: 60, rdatas } });
    start();
    await pass(2 * MINUTE_MS);
    expect([...(await kept()), ...(await kept(other))]).toEqual([]);
    expect(memory.rrsetAt(other, RRType.CNAME)?.rdatas).toEqual(rdatas);
    expect(warnings).toEqual([]);
  });

  it('a store that is away: later', async () => {
    await write('a');
    const { takeDue } = store;
    store.takeDue = () => Promise.reject(new AppError('store-unreachable', 'away'));
    start();
    await pass(5 * MINUTE_MS);
    expect(texts()).toEqual(['a']);
    store.takeDue = takeDue;
    await pass(MINUTE_MS);
    expect(texts()).toEqual([]);
  });

  it('a zone that is not configured any more: its values wait a week, and are forgotten', async () => {
    await write('a');
    zones = new ZoneTable([]);
    start();
    await pass(86_400_000);
    expect(await kept()).toEqual(['a']);
    await pass(7 * 86_400_000);
    expect(await kept()).toEqual([]);
  });

  it('after its end it removes nothing', async () => {
    const keeper = start();
    await pass(0);
    await write('a');
    await keeper.close();
    await pass(10 * MINUTE_MS);
    expect(texts()).toEqual(['a']);
  });
});
