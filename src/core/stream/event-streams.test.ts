import { beforeEach, describe, expect, it } from 'vitest';
import { ManualTimers } from '../../../test/support/manual-timers.ts';
import { DomainName } from '../../dns/name.ts';
import { openMemoryStore } from '../../store/memory.ts';
import { KeyAuthenticator } from '../access/authenticate-key.ts';
import { GuessBudget } from '../access/guess-budget.ts';
import { AppError } from '../errors.ts';
import type { EventOutcome } from '../history/history.ts';
import { HistoryRecorder } from '../history/history-recorder.ts';
import { defaultHostSettings, type HostSettings } from '../hosts/host.ts';
import { HostDirectory } from '../hosts/host-directory.ts';
import { credentialChecker } from '../sign-in/credential-checker.ts';
import type { Store } from '../store.ts';
import { DEFAULT_QUOTAS, type ListedKey, type User, type UserRole } from '../users/user.ts';
import {
  EventStreams,
  type EventStreamsOptions,
  MAX_PENDING_OCTETS,
  MAX_STREAMS,
  MAX_STREAMS_OF_USER,
} from './event-streams.ts';
import type { StreamCaller, StreamSink } from './reader.ts';

const OPERATOR: StreamCaller = { kind: 'operator' };
const nameOf = (text: string) => DomainName.parse(`${text}.example.com`);

/** A client: what it got, and what it has not taken. */
class Client implements StreamSink {
  text = '';
  pendingOctets = 0;
  state: 'open' | 'ended' | 'destroyed' = 'open';
  isReading = true;
  leave: () => void = () => undefined;
  write(octets: Uint8Array) {
    if (this.isReading) this.text += Buffer.from(octets).toString();
    else this.pendingOctets += octets.length;
  }
  end() {
    this.state = 'ended';
    this.leave();
  }
  destroy() {
    this.state = 'destroyed';
    this.leave();
  }
  get messages() {
    return this.text
      .split('\n\n')
      .map((block) => new Map(block.split('\n').map((line) => line.split(/: (.*)/s) as [string, string])));
  }
  get events(): { host: string; outcome: string }[] {
    return this.messages
      .filter((message) => message.get('event') === 'history')
      .map((message) => JSON.parse(message.get('data')!));
  }
  get hosts() {
    return this.events.map(({ host }) => host.replace('.example.com.', '').replace('.example.com', ''));
  }
  get rates(): { changed: number; unchanged: number; events: string }[] {
    return this.messages
      .filter((message) => message.get('event') === 'rate')
      .map((message) => JSON.parse(message.get('data')!));
  }
  get resyncs(): string[] {
    return this.messages
      .filter((message) => message.get('event') === 'resync')
      .map((message) => JSON.parse(message.get('data')!).reason);
  }
  get lastId() {
    return this.messages.findLast((message) => message.has('id'))?.get('id');
  }
  get heartbeats() {
    return this.text.split('\n').filter((line) => line === ': heartbeat').length;
  }
}

let timers: ManualTimers;
let store: Store;
let recorder: HistoryRecorder;
let hosts: HostDirectory;
let keys: Map<string, { key: ListedKey; user: User }>;
let keyQueries: (readonly string[])[];
let streams: EventStreams;
let isRecorded: boolean;
let faults: unknown[];

const unused = () => {
  throw new Error('not called here');
};

function makeStreams(options: Partial<EventStreamsOptions> = {}) {
  const checkedKeys = new KeyAuthenticator({
    users: {
      findKey: unused,
      findKeys: async (ids) => {
        keyQueries.push(ids);
        return ids.flatMap((id) => keys.get(id) ?? []);
      },
    },
    guesses: new GuessBudget(timers.now),
    unused: {
      hasEnded: ({ maxUnusedDays, createdMs }) =>
        maxUnusedDays !== undefined && createdMs + maxUnusedDays * 86_400_000 < timers.now(),
    },
    now: timers.now,
    onUse: unused,
  });
  return new EventStreams({
    history: store.history,
    recorder,
    isShared: false,
    timers,
    onFault: (error) => faults.push(error),
    isRecorded: () => isRecorded,
    hosts: () => hosts,
    credentials: () => credentialChecker({ keys: checkedKeys, sessions: { stillValid: unused }, users: store.users }),
    ...options,
  });
}

beforeEach(async () => {
  timers = new ManualTimers(Date.UTC(2026, 0, 2));
  store = openMemoryStore();
  recorder = new HistoryRecorder({ store: store.history, timers, warn: () => undefined });
  hosts = new HostDirectory({
    configured: [],
    store: store.hosts,
    exclusive: true,
    nowMs: timers.now,
    after: timers.after,
  });
  await hosts.load();
  keys = new Map();
  keyQueries = [];
  isRecorded = true;
  faults = [];
  streams = makeStreams();
});

function makeUser(id: string, role: UserRole = 'member', fields: Partial<ListedKey> = {}): StreamCaller {
  const user = { id, name: id, role, quotas: DEFAULT_QUOTAS, createdMs: timers.nowMs };
  const key = { id: `key-${id}`, userId: id, name: 'k', sha256: '', createdMs: timers.nowMs, ...fields };
  keys.set(key.id, { key, user });
  return { kind: 'user', user, credential: { kind: 'key', id: key.id } };
}

function setHost(name: string, fields: Partial<HostSettings>) {
  hosts.changed(nameOf(name), { ...defaultHostSettings(nameOf(name)), ...fields });
}

async function open(
  caller: StreamCaller,
  {
    lastEventId,
    watched = [],
    at = streams,
  }: { lastEventId?: string | undefined; watched?: readonly string[]; at?: EventStreams } = {},
) {
  const client = new Client();
  client.leave = at.open({ caller, lastEventId, watched: watched.map(nameOf) }, client);
  await timers.pass(0);
  return client;
}

function record(name: string, outcome: EventOutcome = 'changed') {
  recorder.record({
    ownerName: nameOf(name),
    timeMs: timers.nowMs,
    protocol: 'dyndns2',
    actor: 'router1',
    source: '192.0.2.7',
    userAgent: 'x\ny',
    origin: 'client',
    outcome,
    A: { before: [], after: ['192.0.2.1'] },
  });
}

describe('a stream', () => {
  it('sends events as JSON objects with their ids, soon after they happen', async () => {
    const client = await open(OPERATOR);
    record('home');
    await timers.pass(300);
    const [stored] = await store.history.read(nameOf('home'), 1);
    const message = client.messages.find((each) => each.get('event') === 'history');
    expect(message?.get('id')).toBe(stored?.id);
    expect(client.events[0]).toMatchObject({
      id: stored?.id,
      outcome: 'changed',
      protocol: 'dyndns2',
      userAgent: 'x\ny',
      time: '2026-01-02T00:00:00.000Z',
      A: { before: [], after: ['192.0.2.1'] },
    });
    expect(client.hosts).toEqual(['home']);
  });

  it('sends a heartbeat every 10 s', async () => {
    const client = await open(OPERATOR);
    const start = client.heartbeats;
    await timers.pass(35_000);
    expect(client.heartbeats - start).toBe(3);
  });

  it('costs nothing while none is open', async () => {
    expect(recorder.listener).toBeUndefined();
    const client = await open(OPERATOR);
    expect(recorder.listener).toBeDefined();
    client.leave();
    expect(recorder.listener).toBeUndefined();
    record('home');
    await timers.pass(5_000);
    expect([client.hosts, keyQueries]).toEqual([[], []]);
  });

  it('ends with the server, which opens no more', async () => {
    const client = await open(OPERATOR);
    streams.close();
    expect(client.state).toBe('ended');
    await expect(open(OPERATOR)).rejects.toMatchObject({ code: 'rate-limited' });
  });
});

describe('permissions', () => {
  it('an admin sees all hosts, a member those that are owned or shared', async () => {
    setHost('own', { ownerId: 'anna' });
    setHost('shared', { ownerId: 'otto', shares: [{ userId: 'anna', access: 'view' }] });
    setHost('other', { ownerId: 'otto' });
    const [admin, anna, otto, eve] = [
      await open(makeUser('root', 'admin')),
      await open(makeUser('anna')),
      await open(makeUser('otto')),
      await open(makeUser('eve')),
    ];
    for (const name of ['own', 'shared', 'other', 'nobody']) record(name, 'refused');
    await timers.pass(2_000);
    expect(admin.hosts).toEqual(['own', 'shared', 'other', 'nobody']);
    expect(anna.hosts).toEqual(['own', 'shared']);
    expect(otto.hosts).toEqual(['shared', 'other']);
    expect(eve.hosts).toEqual([]);
    expect(admin.rates[0]).toMatchObject({ refused: 4, changed: 0 });
    expect(anna.rates[0]).toMatchObject({ refused: 2 });
    expect(eve.rates).toEqual([]);
  });

  it('a share or an owner that is removed ends visibility at once, also of events that are not sent yet', async () => {
    setHost('shared', { ownerId: 'otto', shares: [{ userId: 'anna', access: 'change' }] });
    const [anna, otto] = [await open(makeUser('anna')), await open(makeUser('otto'))];
    record('shared');
    await timers.pass(300);
    record('shared');
    setHost('shared', { ownerId: 'otto' });
    await timers.pass(300);
    record('shared');
    hosts.changed(nameOf('shared'), undefined);
    await timers.pass(300);
    expect([anna.hosts.length, otto.hosts.length]).toEqual([1, 2]);
  });

  it('are those of now where events are replayed', async () => {
    setHost('own', { ownerId: 'anna' });
    setHost('lost', { ownerId: 'anna' });
    const caller = makeUser('anna');
    const first = await open(caller);
    record('own');
    await timers.pass(300);
    first.leave();
    for (const name of ['own', 'lost', 'other']) record(name);
    await timers.pass(2_000);
    setHost('lost', { ownerId: 'otto' });
    const second = await open(caller, { lastEventId: first.lastId });
    expect(second.hosts).toEqual(['own']);
  });

  it('change with the role of the user within a second', async () => {
    const caller = makeUser('root', 'admin');
    const client = await open(caller);
    record('other');
    await timers.pass(300);
    const known = keys.get('key-root')!;
    keys.set('key-root', { ...known, user: { ...known.user, role: 'member' } });
    await timers.pass(700);
    record('other');
    await timers.pass(2_000);
    expect(client.hosts).toEqual(['other']);
  });
});

describe('the end of a key', () => {
  const ends: readonly (readonly [
    string,
    (each: { key: ListedKey; user: User }) => { key: ListedKey; user: User } | undefined,
  ])[] = [
    ['revoked', ({ key, user }) => ({ user, key: { ...key, revokedMs: 1 } })],
    ['expired', ({ key, user }) => ({ user, key: { ...key, expires: '2026-01-01' } })],
    ['unused', ({ key, user }) => ({ user, key: { ...key, maxUnusedDays: 1, createdMs: 0, lastUsedMs: 0 } })],
    ['of a disabled user', ({ key, user }) => ({ key, user: { ...user, disabledMs: 1 } })],
    ['of a removed user', () => undefined],
  ];
  for (const [what, change] of ends) {
    it(`${what} ends its streams within a second, and no others`, async () => {
      const [client, other] = [await open(makeUser('anna')), await open(makeUser('otto'))];
      const changed = change(keys.get('key-anna')!);
      if (changed === undefined) keys.delete('key-anna');
      else keys.set('key-anna', changed);
      await timers.pass(1_000);
      expect([client.state, other.state]).toEqual(['ended', 'open']);
    });
  }

  it('is found with one query for all streams, about twice a second', async () => {
    for (let n = 0; n < 10; n++) await open(makeUser('anna'));
    await open(makeUser('otto'));
    keyQueries = [];
    await timers.pass(2_000);
    expect(keyQueries.length).toBeGreaterThanOrEqual(4);
    expect(keyQueries.length).toBeLessThanOrEqual(6);
    expect(keyQueries[0]).toEqual(['key-anna', 'key-otto']);
  });

  it('is assumed where keys cannot be checked for some seconds', async () => {
    const client = await open(makeUser('anna'));
    const operator = await open(OPERATOR);
    keys.get = () => {
      throw new AppError('store-unreachable', 'away');
    };
    await timers.pass(4_000);
    expect(client.state).toBe('open');
    await timers.pass(2_000);
    expect([client.state, operator.state]).toEqual(['ended', 'open']);
  });
});

describe('limits', () => {
  it('a user has at most 20 streams, and others are not limited by that', async () => {
    const clients = [];
    for (let n = 0; n < MAX_STREAMS_OF_USER; n++) clients.push(await open(makeUser('anna')));
    await expect(open(makeUser('anna'))).rejects.toMatchObject({ code: 'rate-limited', retryAfterSeconds: 10 });
    await open(makeUser('otto'));
    clients[0]!.leave();
    await open(makeUser('anna'));
  });

  it('there are at most 1,000 in all', () => {
    for (let n = 0; n < MAX_STREAMS; n++) {
      streams.open({ caller: makeUser(`u${n % 100}`), watched: [], lastEventId: undefined }, new Client());
    }
    const one = () => streams.open({ caller: makeUser('new'), watched: [], lastEventId: undefined }, new Client());
    expect(one).toThrow(AppError);
    expect(streams.size).toBe(MAX_STREAMS);
  });

  it('a reader that does not take what it gets is disconnected, and others go on', async () => {
    const [slow, other] = [await open(OPERATOR), await open(OPERATOR)];
    slow.isReading = false;
    let most = 0;
    for (let n = 0; n < 40 && slow.state === 'open'; n++) {
      for (let i = 0; i < 90; i++) record(`h${i}`);
      await timers.pass(1_000);
      most = Math.max(most, slow.pendingOctets);
    }
    expect([slow.state, other.state]).toEqual(['destroyed', 'open']);
    expect(most).toBeGreaterThan(MAX_PENDING_OCTETS);
    expect(most).toBeLessThan(MAX_PENDING_OCTETS * 1.5);
    expect(streams.size).toBe(1);
  });
});

describe('many events', () => {
  async function second(events: number) {
    for (let i = 0; i < events; i++) record(`h${i}`);
    await timers.pass(1_000);
  }

  it('are counted instead, with the events of watched hosts, until they are few again', async () => {
    const [plain, watching] = [await open(OPERATOR), await open(OPERATOR, { watched: ['h1500', 'h7'] })];
    await second(3_000);
    await second(3_000);
    expect(plain.hosts.length).toBe(0);
    expect([...new Set(watching.hosts)]).toEqual(['h7', 'h1500']);
    expect(plain.rates.at(-1)).toMatchObject({ events: 'watched' });
    for (let n = 0; n < 6; n++) await second(5);
    expect(plain.rates.reduce((sum, { changed }) => sum + changed, 0)).toBe(6_030);
    expect(plain.rates.at(-1)).toMatchObject({ events: 'all' });
    plain.text = '';
    await second(5);
    expect(plain.hosts).toEqual(['h0', 'h1', 'h2', 'h3', 'h4']);
  });

  it('that a reader got who is gone do not matter to the next one', async () => {
    const first = await open(OPERATOR);
    await second(3_000);
    first.leave();
    const next = await open(OPERATOR);
    await second(5);
    expect(next.hosts.length).toBe(5);
  });

  it('of hosts that the reader may not see change nothing for it, and cannot be watched', async () => {
    setHost('h3', { ownerId: 'anna' });
    const anna = await open(makeUser('anna'), { watched: ['h3', 'h4'] });
    await second(2_000);
    await second(2_000);
    expect(anna.hosts).toEqual(['h3', 'h3']);
    expect(anna.rates.at(-1)).toMatchObject({ changed: 1, events: 'all' });
  });

  it('repeats are only counted', async () => {
    setHost('home', { ownerId: 'anna' });
    const [anna, otto] = [await open(makeUser('anna')), await open(makeUser('otto'))];
    for (let i = 0; i < 30; i++) recorder.repeat(nameOf('home'), timers.nowMs);
    await timers.pass(3_500);
    expect(anna.hosts).toEqual([]);
    expect(anna.rates.map(({ unchanged }) => unchanged)).toEqual([30, 0]);
    expect(otto.rates).toEqual([]);
  });
});

describe('Last-Event-ID', () => {
  it('replays what was missed, and goes on without a loss or a repetition', async () => {
    const first = await open(OPERATOR);
    record('a');
    record('b');
    await timers.pass(300);
    first.leave();
    record('c');
    await timers.pass(1_100);
    const [a] = await store.history.read(nameOf('a'), 1);
    record('d');
    const second = await open(OPERATOR, { lastEventId: a!.id });
    record('e');
    await timers.pass(1_100);
    expect(second.hosts).toEqual(['b', 'c', 'd', 'e']);
    expect(second.resyncs).toEqual([]);
  });

  it('replays the same objects as were sent live', async () => {
    const start = await open(OPERATOR);
    record('Home');
    record('other', 'failed');
    await timers.pass(300);
    expect(start.events[0]).toMatchObject({ host: 'home.example.com.' });
    expect(start.events[0]).not.toHaveProperty('origin');
    const second = await open(OPERATOR, {
      lastEventId: start.messages.find((message) => message.has('id'))?.get('id'),
    });
    expect(second.events).toEqual(start.events);
  });

  it('is a mark where the client has seen no event', async () => {
    record('old');
    await timers.pass(1_100);
    const first = await open(OPERATOR);
    expect(first.hosts).toEqual([]);
    first.leave();
    record('new');
    await timers.pass(1_100);
    const second = await open(OPERATOR, { lastEventId: first.lastId });
    expect(second.hosts).toEqual(['new']);
  });

  it('is moved on by heartbeats, so that events of others are not read again', async () => {
    const anna = makeUser('anna');
    const first = await open(anna);
    for (let n = 0; n < 12; n++) {
      for (let i = 0; i < 1_000; i++) record(`other${i}`);
      await timers.pass(1_000);
    }
    await timers.pass(10_000);
    first.leave();
    setHost('own', { ownerId: 'anna' });
    record('own');
    await timers.pass(1_100);
    const second = await open(anna, { lastEventId: first.lastId });
    expect([second.hosts, second.resyncs]).toEqual([['own'], []]);
  });

  it('in the order in which events were stored, also where a clock went back', async () => {
    const first = await open(OPERATOR);
    record('a');
    await timers.pass(300);
    timers.nowMs -= 60_000;
    record('b');
    await timers.pass(60_300);
    first.leave();
    expect(first.hosts).toEqual(['a', 'b']);
    const [a] = await store.history.read(nameOf('a'), 1);
    expect((await open(OPERATOR, { lastEventId: a!.id })).hosts).toEqual(['b']);
  });

  it('of a server that is ahead of this one, misses nothing', async () => {
    let untilRead = Promise.resolve();
    let goOn = () => {};
    const behind: EventStreamsOptions['history'] = {
      newestPosition: () => store.history.newestPosition(),
      positionOf: (id) => store.history.positionOf(id),
      hasMoreAfter: (position, events) => store.history.hasMoreAfter(position, events),
      readAfter: async (position, limit) => {
        await untilRead;
        return store.history.readAfter(position, limit);
      },
    };
    const ahead = makeStreams({ isShared: true });
    const other = makeStreams({ isShared: true, history: behind, recorder: { listener: undefined } });
    const [first, watching] = [await open(OPERATOR, { at: ahead }), await open(OPERATOR, { at: other })];
    untilRead = new Promise((resolve) => {
      goOn = resolve;
    });
    for (let n = 0; n < 3; n++) {
      record(`early${n}`);
      await timers.pass(1_100);
    }
    first.leave();
    expect([first.hosts, watching.hosts]).toEqual([['early0', 'early1', 'early2'], []]);
    const second = await open(OPERATOR, { at: other, lastEventId: first.lastId });
    record('late');
    await timers.pass(1_100);
    goOn();
    await timers.pass(1_100);
    expect([second.resyncs, second.hosts]).toEqual([[], ['late']]);
    expect(watching.hosts).toEqual(['early0', 'early1', 'early2', 'late']);
    for (const each of [ahead, other]) each.close();
  });

  const unknown = ['', 'x', 'ffffffffffffffffffffffff', '019b7a4e5000p7fffffff', `${'0'.repeat(12)}1234`];
  it.each(unknown)("that is unknown ('%s') gives resync, and then live events", async (lastEventId) => {
    const client = await open(OPERATOR, { lastEventId });
    record('home');
    await timers.pass(300);
    expect(client.resyncs.length).toBe(1);
    expect(client.hosts).toEqual(['home']);
  });

  it('gives resync where the event was removed from the history, is too old, or too many were missed', async () => {
    const first = await open(OPERATOR);
    record('home');
    await timers.pass(300);
    first.leave();
    const { lastId } = first;
    for (let i = 0; i < 5_001; i++) record(`h${i}`);
    await timers.pass(1_100);
    expect((await open(OPERATOR, { lastEventId: lastId })).resyncs).toEqual(['too-many']);
    timers.nowMs += 86_400_000;
    expect((await open(OPERATOR, { lastEventId: lastId })).resyncs).toEqual(['too-old']);
    const third = await open(OPERATOR);
    record('gone');
    await timers.pass(300);
    const [gone] = await store.history.read(nameOf('gone'), 1);
    await store.history.purge(nameOf('gone'));
    third.leave();
    expect((await open(OPERATOR, { lastEventId: gone!.id })).resyncs).toEqual(['unknown-id']);
  });

  it('gives resync while no history is stored', async () => {
    isRecorded = false;
    const client = await open(OPERATOR, { lastEventId: (await open(OPERATOR)).lastId ?? 'x' });
    expect(client.resyncs).toEqual(['history-off']);
  });

  it('gives resync where a write failed that may have been made', async () => {
    const client = await open(OPERATOR);
    const { append } = store.history;
    store.history.append = async (events) => {
      await append(events);
      throw new AppError('store-unreachable', 'no reply');
    };
    record('home');
    await timers.pass(300);
    store.history.append = append;
    await timers.pass(1_100);
    expect(client.resyncs).toEqual(['overload']);
    record('next');
    await timers.pass(300);
    expect(client.hosts).toEqual(['next']);
  });

  it('loses nothing while events are stored during the replay, whatever is in flight', async () => {
    const first = await open(OPERATOR);
    record('start');
    await timers.pass(300);
    first.leave();
    for (let i = 0; i < 1_200; i++) record(`h${i}`);
    await timers.pass(1_100);
    const expected = Array.from({ length: 1_200 }, (_, i) => `h${i}`);
    const { readAfter } = store.history;
    let extra = 0;
    store.history.readAfter = async (position, limit) => {
      const page = await readAfter(position, limit);
      // A page is read, and then something is stored before it is sent.
      if (extra < 5) {
        expected.push(`extra${extra}`);
        record(`extra${extra}`);
        extra += 1;
        await recorder.flush();
        for (let i = 0; i < 20; i++) await Promise.resolve();
      }
      return page;
    };
    const second = await open(OPERATOR, { lastEventId: first.lastId });
    await timers.pass(2_000);
    expect(extra).toBe(5);
    expect(second.hosts).toEqual(expected);
    expect(faults).toEqual([]);
  });
});
