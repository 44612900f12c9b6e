import { beforeEach, describe, expect, it } from 'vitest';
import { newUser } from '../../../test/contract/store-fixtures.ts';
import { testQueue } from '../../../test/support/address-updates.ts';
import { MemoryPublisher, MemoryZone } from '../../../test/support/memory-publisher.ts';
import { wantedOf } from '../../../test/support/wanted-addresses.ts';
import { parseIpAddress, parseIpPrefix } from '../../dns/address.ts';
import { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { rrsetAddresses } from '../../dns/rrset.ts';
import { findPermittedHost } from '../access/authorize.ts';
import { MASTER } from '../access/principal.ts';
import { MinuteLimiter } from '../access/rate-limits.ts';
import { OPERATOR, type RequestContext } from '../access/request-context.ts';
import { DEFAULT_TOKEN_TYPES, type HostToken } from '../access/token.ts';
import { AppError } from '../errors.ts';
import type { NewHistoryEvent } from '../history/history.ts';
import { defaultHostSettings, type HostMember, type HostSettings } from '../hosts/host.ts';
import type { TokenOwner, User } from '../users/user.ts';
import { type Zone, ZoneTable } from '../zones/zone.ts';
import type { FailedUpdate, PendingUpdates } from './pending-updates.ts';
import type { AddressChoice, CheckedUpdate } from './prepare-update.ts';
import { UpdateAddresses } from './update-addresses.ts';
import { type HostUpdate, UpdateHost } from './update-host.ts';
import { UpdateRecord, type UpdateRecordOptions } from './update-record.ts';

const apex = DomainName.parse('example.com');
const home = apex.prepend('home');
const other = apex.prepend('other');

let memory: MemoryZone;
let zone: Zone;
let nowMs: number;
let events: NewHistoryEvent[];
let repeats: string[];

beforeEach(() => {
  memory = new MemoryZone(apex);
  nowMs = 1_000_000;
  events = [];
  repeats = [];
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
});

/** What a protocol does with a request: it finds the host, and replies to a refusal once. */
class Door {
  readonly #record: UpdateRecord;
  readonly #updates: UpdateHost;

  constructor(options: Partial<UpdateRecordOptions>, pending?: PendingUpdates) {
    this.#record = new UpdateRecord({
      recorder: {
        record: (event) => void events.push(event),
        repeat: (ownerName) => void repeats.push(ownerName.toString()),
      },
      now: () => nowMs,
      ...options,
    });
    const queue = testQueue({ timeoutMs: 1000, maxWaiting: 10 });
    this.#updates = new UpdateHost(new UpdateAddresses(queue, pending), this.#record);
  }

  run(update: Request, context: RequestContext) {
    return this.#answer(update, context, (host) => this.#updates.run(host, context));
  }

  check(update: Request, context: RequestContext) {
    return this.#answer(update, context, (host) => this.#updates.check(host, context));
  }

  /** `changed` of each, or the code of its error. */
  async list(updates: readonly Request[], context: RequestContext): Promise<(boolean | string)[]> {
    const checked: CheckedUpdate[] = [];
    for (const update of updates) checked.push(await this.check(update, context));
    const settled = await this.#updates.publishAll(checked, context);
    return settled.map((one) => (one.status === 'fulfilled' ? one.value.changed : (one.reason as AppError).code));
  }

  async #answer<T>(update: Request, context: RequestContext, act: (host: HostUpdate) => Promise<T>): Promise<T> {
    try {
      const { families } = findPermittedHost(new ZoneTable([update.zone]), context.principal, update.ownerName);
      return await act({ ...update, families });
    } catch (error) {
      throw error instanceof AppError ? this.#record.refuse(error, context) : error;
    }
  }
}

type Request = Omit<HostUpdate, 'families'>;

function useCase(options: Partial<UpdateRecordOptions> = {}, pending?: PendingUpdates): Door {
  return new Door(options, pending);
}

const token = (fields: Partial<HostToken> = {}): HostToken => ({
  id: 't1',
  name: 'router1',
  sha256: '',
  hosts: [home],
  types: DEFAULT_TOKEN_TYPES,
  addresses: 'any',
  createdMs: 0,
  ...fields,
});
const by = (fields?: Partial<HostToken>, caller = '198.51.100.9'): RequestContext => ({
  principal: { kind: 'token', token: token(fields) },
  caller: parseIpAddress(caller),
  protocol: 'dyndns2',
  userAgent: 'ddclient',
  origin: 'client',
});
const master: RequestContext = { ...by(), principal: MASTER };
const request = (ownerName = home, A: string | null = '192.0.2.1') => ({
  zone,
  ownerName,
  fallbackTtl: 60,
  choose: (): AddressChoice => ({ wanted: wantedOf({ A }) }),
});
const TOO_LONG = { wanted: wantedOf({ A: '192.0.2.1' }), ttl: 2 ** 32 };
const DENIED = { allow: [], deny: [parseIpPrefix('192.0.2.0/24')!] };
const hosts = (settings: Partial<HostSettings>) => ({
  find: () => ({ ...defaultHostSettings(home), ...settings }),
});

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => new AppError('internal', 'no error'),
    (thrown: unknown) => thrown,
  );
  return error instanceof AppError ? error.code : String(error);
}

describe('a token', () => {
  it('changes what is in its scope, and nothing else', async () => {
    expect((await useCase().run(request(), by())).changed).toBe(true);
    expect(await codeOf(useCase().run(request(other), by()))).toBe('not-permitted');
    expect(memory.answer(other, RRType.A).kind).not.toBe('rrset');
  });

  it('needs the type of each family that it changes', async () => {
    const choose = () => ({ wanted: wantedOf({ A: '192.0.2.1', AAAA: '2001:db8::1' }) });
    const both = { ...request(), choose };
    expect(await codeOf(useCase().run(both, by({ types: [RRType.A] })))).toBe('not-permitted');
    expect((await useCase().run(request(), by({ types: [RRType.A] }))).changed).toBe(true);
  });

  it.each([
    ['own', '198.51.100.9', 'internal'],
    ['own', '192.0.2.1', 'address-refused'],
    [[parseIpPrefix('192.0.2.0/24')!], '192.0.2.1', 'internal'],
    [[parseIpPrefix('192.0.2.0/24')!], '198.51.100.9', 'address-refused'],
  ] as const)('with the addresses %j and %s: %s', async (addresses, address, code) => {
    expect(await codeOf(useCase().run(request(home, address), by({ addresses })))).toBe(code);
  });

  it('makes a limited number of changes a minute, and any number of repeats', async () => {
    const changes = new MinuteLimiter(2, () => nowMs);
    const update = useCase({ changes });
    await update.run(request(home, '192.0.2.1'), by());
    await update.run(request(home, '192.0.2.2'), by());
    const refused = update.run(request(home, '192.0.2.3'), by());
    await expect(refused).rejects.toMatchObject({ code: 'rate-limited', retryAfterSeconds: 60 });
    for (let i = 0; i < 5; i++) expect((await update.run(request(home, '192.0.2.2'), by())).changed).toBe(false);
    expect((await update.run(request(other, '192.0.2.3'), by({ id: 't2', hosts: [other] }))).changed).toBe(true);
    expect((await update.run(request(home, '192.0.2.3'), master)).changed).toBe(true);
    nowMs += 60_000;
    expect((await update.run(request(home, '192.0.2.4'), by())).changed).toBe(true);
  });
});

describe('a token of a user', () => {
  const owner: TokenOwner = { id: 'anna', name: 'anna', role: 'member', isDisabled: false, changesPerMinute: 0 };
  const settingsOf = (settings: Partial<HostSettings> | undefined) => ({
    find: () => settings && { ...defaultHostSettings(home), ...settings },
  });
  const share = (userId: string, access: 'change' | 'view') => ({ shares: [{ userId, access }] });

  it.each([
    ['the own host of the user', { ownerId: 'anna' }, 'internal'],
    ['a host that the user may change', { ownerId: 'bert', ...share('anna', 'change') }, 'internal'],
    ['a host that the user may see', { ownerId: 'bert', ...share('anna', 'view') }, 'not-permitted'],
    ['a host of someone else', { ownerId: 'bert', ...share('carl', 'change') }, 'not-permitted'],
    ['a host of the operator', {}, 'not-permitted'],
    ['a host without settings', undefined, 'not-permitted'],
    ['a host of someone else that is off', { ownerId: 'bert', enabled: false }, 'not-permitted'],
    ['the own host of the user that is off', { ownerId: 'anna', enabled: false }, 'host-disabled'],
  ] as const)('%s', async (_, settings, code) => {
    const update = useCase({ hosts: settingsOf(settings) });
    expect(await codeOf(update.run(request(), by({ owner })))).toBe(code);
    const later = useCase({ hosts: { find: async () => settingsOf(settings).find() } });
    expect(await codeOf(later.check(request(), by({ owner })))).toBe(code);
    expect(memory.answer(home, RRType.A).kind === 'rrset').toBe(code === 'internal');
    // A user of the HTTP API has the same right.
    const user: User = { ...newUser(), id: 'anna', name: 'anna' };
    const api = { ...by(), principal: { kind: 'master', user } } as const;
    expect(await codeOf(update.check(request(), api))).toBe(code);
  });

  it('gets the error of a name that is not in its scope, word for word', async () => {
    const messageOf = (promise: Promise<unknown>) => promise.catch((error: AppError) => error.message);
    const hidden = await messageOf(useCase({ hosts: settingsOf({}) }).run(request(), by({ owner })));
    expect(hidden).toBe(await messageOf(useCase().run(request(), by({ hosts: [other] }))));
  });

  it('of an admin changes every host in its scope', async () => {
    const admin = { ...owner, role: 'admin' } as const;
    const update = useCase({ hosts: settingsOf({ ownerId: 'bert' }) });
    expect((await update.run(request(), by({ owner: admin }))).changed).toBe(true);
  });

  it('shares the changes of a minute with all other tokens of the user', async () => {
    const limited = { ...owner, changesPerMinute: 2 };
    const update = useCase({ hosts: settingsOf({ ownerId: 'anna' }) });
    await update.run(request(home, '192.0.2.1'), by({ id: 't1', owner: limited }));
    await update.run(request(home, '192.0.2.2'), by({ id: 't2', owner: limited }));
    const refused = update.run(request(home, '192.0.2.3'), by({ id: 't3', owner: limited }));
    await expect(refused).rejects.toMatchObject({ code: 'rate-limited', retryAfterSeconds: 60 });
    expect((await update.run(request(home, '192.0.2.2'), by({ owner: limited }))).changed).toBe(false);
    const raised = { ...owner, changesPerMinute: 3 };
    expect((await update.run(request(home, '192.0.2.3'), by({ owner: raised }))).changed).toBe(true);
    nowMs += 60_000;
    expect((await update.run(request(home, '192.0.2.4'), by({ owner: limited }))).changed).toBe(true);
  });

  it('moves only those members of a site that the user may change', async () => {
    const [nas, tv] = [apex.prepend('nas'), apex.prepend('tv')];
    const all = new Map(
      [
        {
          ...defaultHostSettings(home),
          ownerId: 'anna',
          members: [nas, tv].map((ownerName) => ({
            ownerName,
            host: { kind: 'interface-id', text: '::10' } as const,
            subnet: 0,
          })),
        },
        { ...defaultHostSettings(nas), ownerId: 'anna' },
        { ...defaultHostSettings(tv), ownerId: 'bert' },
      ].map((settings) => [settings.ownerName.key, settings]),
    );
    const prefix = parseIpPrefix('2001:db8:5::/64')!;
    const choose = () => ({ wanted: {}, prefix });
    const update = useCase({ hosts: { find: ({ key }) => all.get(key) } });
    const { result, leftOut } = await update.run({ ...request(), choose }, by({ owner }));
    expect(result.members.map(({ ownerName }) => `${ownerName}`)).toEqual(['nas.example.com.']);
    expect(leftOut).toMatchObject([{ ownerName: tv, why: expect.stringContaining('may not change') }]);
    expect(memory.answer(tv, RRType.AAAA).kind).not.toBe('rrset');
  });
});

describe('the settings of a host', () => {
  it('switch its updates off', async () => {
    expect(await codeOf(useCase({ hosts: hosts({ enabled: false }) }).run(request(), master))).toBe('host-disabled');
    expect(events).toMatchObject([{ outcome: 'refused', code: 'host-disabled', actor: 'master' }]);
  });

  it('may come as a promise', async () => {
    const later = { find: async () => ({ ...defaultHostSettings(home), enabled: false }) };
    expect(await codeOf(useCase({ hosts: later }).run(request(), master))).toBe('host-disabled');
  });

  it('give the TTL where the request gives none, before the zone', async () => {
    zone = { ...zone, ttl: { default: 300 } };
    const update = useCase({ hosts: hosts({ ttl: 42 }) });
    await update.run(request(), master);
    expect(memory.answer(home, RRType.A)).toMatchObject({ rrset: { ttl: 42 } });
    await update.run({ ...request(), choose: () => ({ wanted: wantedOf({ A: '192.0.2.1' }), ttl: 77 }) }, master);
    expect(memory.answer(home, RRType.A)).toMatchObject({ rrset: { ttl: 77 } });
  });

  it('refuse and re-admit addresses: of host and zone the longest prefix decides', async () => {
    const prefix = (text: string) => parseIpPrefix(text)!;
    const deny = useCase({ hosts: hosts({ addresses: { allow: [], deny: [prefix('192.0.2.0/24')] } }) });
    expect(await codeOf(deny.run(request(), master))).toBe('address-refused');
    zone = { ...zone, addresses: { allow: [], deny: [prefix('192.0.0.0/8')] } };
    const allow = useCase({ hosts: hosts({ addresses: { allow: [prefix('192.0.2.1/32')], deny: [] } }) });
    expect((await allow.run(request(), master)).changed).toBe(true);
  });
});

describe('what is remembered', () => {
  it('is an event for a change and a count for a repeat', async () => {
    await useCase().run(request(), by());
    await useCase().run(request(), by());
    expect(events).toMatchObject([
      {
        actor: 'router1',
        source: '198.51.100.9',
        protocol: 'dyndns2',
        userAgent: 'ddclient',
        outcome: 'changed',
        timeMs: nowMs,
        A: { before: [], after: ['192.0.2.1'] },
        AAAA: { before: [], after: [] },
      },
    ]);
    expect(repeats).toEqual(['home.example.com.']);
  });

  it('is that the token may not touch the name, and whose it is', async () => {
    await codeOf(useCase().run(request(other), by()));
    expect(events).toMatchObject([
      {
        ownerName: other,
        outcome: 'refused',
        code: 'not-permitted',
        actor: 'router1',
        detail: "'other.example.com.' is not in the scope of the token 'router1'.",
      },
    ]);
    expect(repeats).toEqual([]);
  });

  it('is a failure where the primary did not take it', async () => {
    const failing = {
      ...zone.publisher,
      recall: () => undefined,
      read: () => Promise.reject(new AppError('primary-unreachable', 'down')),
    };
    const broken = { ...request(), zone: { ...zone, publisher: failing as unknown as Zone['publisher'] } };
    expect(await codeOf(useCase().run(broken, by()))).toBe('primary-unreachable');
    expect(events).toMatchObject([{ outcome: 'failed', code: 'primary-unreachable' }]);
  });
});

describe('a list of hosts', () => {
  const labels = ['a', 'b', 'c', 'd', 'e'];
  const list = (A: string | null = '192.0.2.1', of = labels) => of.map((label) => request(apex.prepend(label), A));
  const everything = by({ hosts: [apex.prepend('*')] });
  const addCname = (label: string) => {
    const ownerName = apex.prepend(label);
    const rdatas = [{ kind: 'CNAME', target: other } as const];
    const edits = [{ kind: 'add-to-rrset', rrset: { ownerName, type: RRType.CNAME, ttl: 60, rdatas } } as const];
    memory.apply([{ zone: apex, ownerName, prerequisites: [], edits }]);
  };
  const shown = () => memory.contents().filter((text) => text.includes('192.0.2.'));

  it('of one zone is one change, with an event for each host', async () => {
    const door = useCase();
    expect(await door.list(list(), everything)).toEqual(labels.map(() => true));
    expect(memory.serial).toBe(2);
    expect(events.map(({ ownerName, outcome }) => `${ownerName} ${outcome}`)).toEqual(
      labels.map((label) => `${label}.example.com. changed`),
    );
    expect(await door.list(list(), everything)).toEqual(labels.map(() => false));
    expect([memory.serial, repeats.length]).toEqual([2, 5]);
    expect(await door.list([...list('192.0.2.1', ['a', 'b']), ...list('192.0.2.2', ['c'])], everything)).toEqual([
      false,
      false,
      true,
    ]);
  });

  it.each(labels)('changes the others where a CNAME is at %s', async (label) => {
    addCname(label);
    const expected = labels.map((each) => (each === label ? 'conflict' : true));
    expect(await useCase().list(list(), everything)).toEqual(expected);
    expect(shown()).toHaveLength(4);
    expect(events.filter(({ outcome }) => outcome === 'changed')).toHaveLength(4);
    expect(events.filter(({ code }) => code === 'conflict').map(String)).toHaveLength(1);
  });

  it('may name a host twice, and a host with its member: they are changed in this order', async () => {
    const twice = [...list('192.0.2.1', ['a', 'b']), ...list('192.0.2.2', ['a']), ...list('192.0.2.1', ['c'])];
    expect(await useCase().list(twice, everything)).toEqual([true, true, true, true]);
    expect(shown().join()).toContain('192.0.2.2');
    const members: HostMember[] = [
      { ownerName: apex.prepend('b'), host: { kind: 'interface-id', text: '::10' }, subnet: 0 },
    ];
    const settings = (ownerName: DomainName) => ({
      ...defaultHostSettings(ownerName),
      members: ownerName.equals(home) ? members : [],
    });
    const prefix = parseIpPrefix('2001:db8:5::/64')!;
    const withPrefix = { ...request(), choose: () => ({ wanted: wantedOf({ A: '192.0.2.9' }), prefix }) };
    const member = { ...request(apex.prepend('b')), choose: () => ({ wanted: wantedOf({ AAAA: '2001:db8::b' }) }) };
    const door = useCase({ hosts: { find: settings } });
    expect(await door.list([withPrefix, member], everything)).toEqual([true, true]);
    const rrset = memory.rrsetAt(apex.prepend('b'), RRType.AAAA);
    expect(rrsetAddresses(rrset?.rdatas ?? [])).toEqual(['2001:db8::b']);
  });

  it('in two zones is one change for each', async () => {
    const second = DomainName.parse('example.org');
    const memory2 = new MemoryZone(second);
    const zone2 = { ...zone, apex: second, publisher: new MemoryPublisher(memory2) };
    const in2 = ['x', 'y'].map((label) => ({ ...request(second.prepend(label)), zone: zone2 }));
    const [a, b, c] = list();
    expect(await useCase().list([in2[0]!, a!, b!, in2[1]!, c!], master)).toEqual([true, true, true, true, true]);
    expect([memory.serial, memory2.serial]).toEqual([2, 2]);
  });

  it('counts each changed host against the limit of the token; unchanged ones are confirmed beyond it', async () => {
    const changes = new MinuteLimiter(3, () => nowMs);
    const door = useCase({ changes });
    expect(await door.list(list(), everything)).toEqual(labels.map(() => true));
    const mixed = [...list('192.0.2.1', ['a', 'b']), ...list('192.0.2.2', ['c'])];
    expect(await door.list(mixed, everything)).toEqual([false, false, 'rate-limited']);
    expect(memory.serial).toBe(2);
  });

  it.each([
    ['primary-unreachable', undefined],
    ['publish-unknown', undefined],
    ['primary-refused', 'SERVFAIL'],
  ] as const)('that fails with %s %s becomes one group of pending updates', async (code, rcode) => {
    const saved: (readonly FailedUpdate[])[] = [];
    const pending: PendingUpdates = {
      failed: async (updates) => {
        saved.push(updates);
        return 'saved';
      },
      settled: () => undefined,
    };
    const failing = {
      recall: () => undefined,
      read: () => Promise.reject(new AppError(code, 'down', rcode && { rcode })),
    };
    zone = { ...zone, publisher: failing as unknown as Zone['publisher'] };
    expect(await useCase({}, pending).list(list(), everything)).toEqual(labels.map(() => code));
    expect(saved.map((updates) => updates.map(({ ownerName }) => ownerName.toString()))).toEqual([
      labels.map((label) => `${label}.example.com.`),
    ]);
    expect(events).toHaveLength(5);
  });

  it('is refused as a whole where too many requests wait, and recorded for each', async () => {
    let open: () => void = () => undefined;
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    const { publisher } = zone;
    const waits = {
      recall: () => undefined,
      read: async (...given: Parameters<typeof publisher.read>) => {
        await opened;
        return publisher.read(...given);
      },
      publish: (...given: Parameters<typeof publisher.publish>) => publisher.publish(...given),
    };
    zone = { ...zone, publisher: waits as unknown as Zone['publisher'] };
    const door = useCase();
    const waiting = Array.from({ length: 10 }, () => door.run(request(), master));
    await new Promise(setImmediate);
    expect(await door.list(list(), everything)).toEqual(labels.map(() => 'rate-limited'));
    expect(events.map(({ code }) => code)).toEqual(labels.map(() => 'rate-limited'));
    open();
    await Promise.all(waiting);
  });
});

describe('the order of one name', () => {
  it('has the event of an update before the next one starts, and that of a failure as well', async () => {
    const log: string[] = [];
    const publisher = zone.publisher;
    let isDown = false;
    zone = {
      ...zone,
      publisher: {
        recall: () => undefined,
        read: (...given) => publisher.read(...given),
        readRRset: (...given) => publisher.readRRset(...given),
        publish: async (...given) => {
          log.push('publish');
          if (isDown) throw new AppError('primary-unreachable', 'down');
          return publisher.publish(...given);
        },
        close: () => publisher.close(),
      },
    };
    const recorder = {
      record: ({ outcome }: NewHistoryEvent) => void log.push(outcome),
      repeat: () => void log.push('unchanged'),
    };
    const door = useCase({ recorder });
    await Promise.all(['192.0.2.1', '192.0.2.1', '192.0.2.2'].map((A) => door.run(request(home, A), by())));
    expect(log).toEqual(['publish', 'changed', 'publish', 'unchanged', 'publish', 'changed']);
    log.length = 0;
    isDown = true;
    await Promise.allSettled([1, 2].map(() => door.run(request(), by())));
    expect(log).toEqual(['publish', 'failed', 'publish', 'failed']);
  });

  it('is not joined by more requests than may wait: the refusal is recorded', async () => {
    const door = useCase();
    const settled = await Promise.allSettled(Array.from({ length: 11 }, () => door.run(request(), by())));
    expect(settled.filter(({ status }) => status === 'rejected')).toHaveLength(1);
    expect(events.map(({ outcome, code }) => [outcome, code])).toContainEqual(['refused', 'rate-limited']);
  });
});

describe('an update of the operator', () => {
  it('is in the history, and is not a sign of life of the host or of its members', async () => {
    const nas = home.prepend('nas');
    const members: HostMember[] = [{ ownerName: nas, host: { kind: 'interface-id', text: '::10' }, subnet: 1 }];
    const door = useCase({ hosts: hosts({ members }) });
    const prefix = parseIpPrefix('2001:db8:5::/56')!;
    const update = (A: string) => ({ ...request(), choose: () => ({ wanted: wantedOf({ A }), prefix }) });
    await door.run(update('192.0.2.1'), OPERATOR);
    await door.run(update('192.0.2.2'), OPERATOR);
    expect(events.map(({ origin, protocol }) => `${origin} ${protocol}`)).toEqual(Array(3).fill('operator cli'));
    expect(repeats).toEqual([]);
  });
});

describe('refusals', () => {
  it('are counted by their own code until they are throttled', async () => {
    const outcomes: string[] = [];
    const onOutcome = (_protocol: string, outcome: string) => void outcomes.push(outcome);
    const update = useCase({ refusals: new MinuteLimiter(2, () => nowMs), onOutcome });
    for (let i = 0; i < 3; i++) await codeOf(update.run(request(home, '127.0.0.1'), by()));
    expect(outcomes).toEqual(['address-refused', 'address-refused', 'rate-limited']);
    expect(events.map(({ code }) => code)).toEqual(Array(2).fill('address-refused'));
  });

  it('above the limit of a source are throttled; valid updates are not', async () => {
    const update = useCase({ refusals: new MinuteLimiter(2, () => nowMs) });
    const codes: string[] = [];
    for (let i = 0; i < 4; i++) codes.push(await codeOf(update.run(request(other), by())));
    expect(codes).toEqual(['not-permitted', 'not-permitted', 'rate-limited', 'rate-limited']);
    expect(await codeOf(update.run(request(other), by({}, '203.0.113.4')))).toBe('not-permitted');
    expect((await update.run(request(), by())).changed).toBe(true);
    nowMs += 60_000;
    expect(await codeOf(update.run(request(other), by()))).toBe('not-permitted');
  });
});

describe('a host that its members follow', () => {
  const nas = apex.prepend('nas');
  const members: HostMember[] = [
    { ownerName: nas, host: { kind: 'interface-id', text: '::10' }, subnet: 0 },
    { ownerName: apex.prepend('tv'), host: { kind: 'interface-id', text: '::20' }, subnet: 3 },
  ];
  const settingsOf = (
    settings: Partial<HostSettings>,
    others: Readonly<Record<string, Partial<HostSettings>>> = {},
  ) => ({
    find: (ownerName: DomainName) => {
      const label = ownerName.toString().split('.')[0]!;
      return { ...defaultHostSettings(ownerName), ...(label === 'home' ? { members, ...settings } : others[label]) };
    },
  });
  const update = (AAAA: string | null, more: Partial<AddressChoice> = {}) => ({
    ...request(),
    choose: (): AddressChoice => ({ wanted: AAAA === null ? {} : wantedOf({ AAAA }), ...more }),
  });
  const moved = async (settings: Partial<HostSettings>, of: Request, context = master) => {
    const { result, leftOut } = await useCase({ hosts: settingsOf(settings) }).run(of, context);
    const why = leftOut.map(({ ownerName, why: text }) => `${ownerName}: ${text}`);
    return [...result.members.map(({ ownerName, AAAA }) => `${ownerName} ${AAAA.after}`), ...why];
  };
  const from = (userAgent: string) => ({ ...master, userAgent });

  it.each([
    [56, ['nas.example.com. 2001:db8:1:200::10', 'tv.example.com. 2001:db8:1:203::20']],
    [60, ['nas.example.com. 2001:db8:1:230::10', 'tv.example.com. 2001:db8:1:233::20']],
    [
      64,
      [
        'nas.example.com. 2001:db8:1:234::10',
        'tv.example.com.: member of home.example.com.: a /64 has no room for its subnet 3',
      ],
    ],
  ])('by the /%i around its address', async (prefixLength, expected) => {
    expect(await moved({ prefixLength }, update('2001:db8:1:234::99'), from('ddclient/4.0'))).toEqual(expected);
    const texts = rrsetAddresses(memory.rrsetAt(home, RRType.AAAA)?.rdatas ?? []);
    expect(texts).toEqual(['2001:db8:1:234::99']);
  });

  it('only where that is set, and only by an IPv6 address', async () => {
    expect(await moved({}, update('2001:db8:1:234::99'))).toEqual([]);
    expect(await moved({ prefixLength: 56 }, request())).toEqual([]);
    expect(await moved({ prefixLength: 56 }, { ...request(), choose: () => ({ wanted: { AAAA: [] } }) })).toEqual([]);
  });

  it.each(['Fritz!Box DDNS/1.0.1', 'FRITZ!Box', 'fritzbox 7590'])('never by the address of %s', async (userAgent) => {
    expect(await moved({ prefixLength: 56 }, update('2001:db8:1:234::99'), from(userAgent))).toEqual([]);
    const prefix = parseIpPrefix('2001:db8:9::/56')!;
    expect(await moved({ prefixLength: 56 }, update('2001:db8:1:234::99', { prefix }), from(userAgent))).toEqual([
      'nas.example.com. 2001:db8:9::10',
      'tv.example.com. 2001:db8:9:3::20',
    ]);
  });

  it('by the prefix of the request, if that has one', async () => {
    const prefix = parseIpPrefix('2001:db8:9::/60')!;
    expect((await moved({ prefixLength: 56 }, update('2001:db8:1:234::99', { prefix })))[1]).toBe(
      'tv.example.com. 2001:db8:9:3::20',
    );
  });

  it('by several addresses of one prefix; unique local ones do not count beside them', async () => {
    const several = '2001:db8:1:234::99,2001:db8:1:201::1,fd00::99';
    expect((await moved({ prefixLength: 56 }, update(several)))[0]).toBe('nas.example.com. 2001:db8:1:200::10');
    expect((await moved({ prefixLength: 56 }, update('fd00:0:0:1234::99')))[0]).toBe(
      'nas.example.com. fd00:0:0:1200::10',
    );
    const why = 'member of home.example.com.: the addresses of the host are in several /64 prefixes';
    expect(await moved({ prefixLength: 64 }, update(several))).toEqual([
      `nas.example.com.: ${why}`,
      `tv.example.com.: ${why}`,
    ]);
    expect(events.filter(({ outcome }) => outcome === 'refused').map(({ detail }) => detail)).toEqual([why, why]);
  });

  it('unless the address of a member is refused: the host itself is updated', async () => {
    const own = { ...by({ addresses: 'own' }, '2001:db8:1:234::99'), userAgent: 'ddclient' };
    expect(await moved({ prefixLength: 56 }, update('2001:db8:1:234::99'), own)).toEqual([
      expect.stringMatching(/^nas\.example\.com\.: member of home.example.com.: /),
      expect.stringMatching(/^tv\.example\.com\.: member of home.example.com.: /),
    ]);
    const strict = { nas: { addresses: { allow: [], deny: [parseIpPrefix('2001:db8:1::/48')!] } } };
    const door = useCase({ hosts: settingsOf({ prefixLength: 56 }, strict) });
    const { result, changed, leftOut } = await door.run(update('2001:db8:1:235::99'), master);
    expect([changed, result.members.map(String).length, leftOut.map(({ ownerName }) => `${ownerName}`)]).toEqual([
      true,
      1,
      ['nas.example.com.'],
    ]);
  });
});

describe("the host's own interface identifier", () => {
  const prefix = parseIpPrefix('2001:db8:5::/56')!;
  const joined = async (settings: Partial<HostSettings>, choice: AddressChoice) => {
    const { result } = await useCase({ hosts: hosts(settings) }).run({ ...request(), choose: () => choice }, master);
    return result.AAAA.after;
  };

  it('is joined with the prefix of a request, whether an address is published or not', async () => {
    const interfaceId = '::1a2b:3c4d:5e6f:7890';
    expect(await joined({ interfaceId }, { wanted: {}, prefix })).toEqual(['2001:db8:5:0:1a2b:3c4d:5e6f:7890']);
    await useCase().run({ ...request(), choose: () => ({ wanted: wantedOf({ AAAA: '2001:db8:1:2::7' }) }) }, master);
    expect(await joined({}, { wanted: {}, prefix })).toEqual(['2001:db8:5:2::7']);
    expect(await joined({ interfaceId }, { wanted: {}, prefix })).toEqual(['2001:db8:5:0:1a2b:3c4d:5e6f:7890']);
  });

  it('does not replace an address of the request, nor what the prefix is not for', async () => {
    const interfaceId = '::1';
    const wanted = wantedOf({ AAAA: '2001:db8:7::9' });
    expect(await joined({ interfaceId }, { wanted, prefix })).toEqual(['2001:db8:7::9']);
    expect(await joined({ interfaceId }, { wanted: {}, prefix, ownStays: true })).toEqual(['2001:db8:7::9']);
    expect(await joined({ interfaceId }, { wanted: wantedOf({ A: '192.0.2.1' }) })).toEqual(['2001:db8:7::9']);
    const members: HostMember[] = [{ ownerName: home, host: { kind: 'interface-id', text: '::2' }, subnet: 3 }];
    expect(await joined({ interfaceId, members }, { wanted: {}, prefix })).toEqual(['2001:db8:5:3::2']);
  });

  it('is refused where the rules refuse the address', async () => {
    const denied = { interfaceId: '::1', addresses: { allow: [], deny: [parseIpPrefix('2001:db8:5::/48')!] } };
    await expect(joined(denied, { wanted: {}, prefix })).rejects.toMatchObject({ code: 'address-refused' });
  });
});

describe('a prefix', () => {
  const prefix = parseIpPrefix('2001:db8:5::/56')!;

  it('needs a token that may change AAAA, and whose addresses include the result', async () => {
    const updates = useCase();
    const context: RequestContext = { ...OPERATOR, protocol: 'dyndns2', origin: 'client' };
    const request = { zone, ownerName: home, fallbackTtl: 60 };
    await updates.run({ ...request, choose: () => ({ wanted: wantedOf({ AAAA: '2001:db8:1:2::7' }) }) }, context);
    const choose = () => ({ wanted: {}, prefix });
    const by = (fields: Partial<HostToken>) =>
      updates.run({ ...request, choose }, { ...context, principal: { kind: 'token', token: token(fields) } });
    await expect(by({ types: [RRType.A] })).rejects.toMatchObject({ code: 'not-permitted' });
    await expect(by({ addresses: 'own' })).rejects.toMatchObject({ code: 'caller-unknown' });
    await expect(by({ addresses: [parseIpPrefix('2001:db8:1::/48')!] })).rejects.toMatchObject({
      code: 'address-refused',
    });
    expect((await by({ addresses: [parseIpPrefix('2001:db8:5::/48')!] })).result.AAAA.after).toEqual([
      '2001:db8:5:2::7',
    ]);
  });
});

describe('a host with members', () => {
  const nas = home.prepend('nas');
  const far = home.prepend('far');
  const members: HostMember[] = [
    { ownerName: nas, host: { kind: 'interface-id', text: '::10' }, subnet: 1 },
    { ownerName: far, host: { kind: 'mac', text: '00:11:22:33:44:55' }, subnet: 16 },
  ];
  const prefix = parseIpPrefix('2001:db8:5::/56')!;
  const aaaa = (name: DomainName) => {
    const answer = memory.answer(name, RRType.AAAA);
    return answer.kind === 'rrset' ? rrsetAddresses(answer.rrset.rdatas).join() : 'none';
  };
  const move = (update: Door, choice: AddressChoice, context = master) =>
    update.run({ zone, ownerName: home, fallbackTtl: 60, choose: () => choice }, context);

  it('moves them with its prefix, and the history has each of them', async () => {
    const update = useCase({ hosts: hosts({ members }) });
    const { result, leftOut } = await move(update, { wanted: wantedOf({ A: '192.0.2.1' }), prefix });
    expect([aaaa(home), aaaa(nas), aaaa(far)]).toEqual([
      'none',
      '2001:db8:5:1::10',
      '2001:db8:5:10:211:22ff:fe33:4455',
    ]);
    expect([result.changed, result.members.length, leftOut]).toEqual([true, 2, []]);
    expect(events.map(({ ownerName, detail }) => [String(ownerName), detail])).toEqual([
      ['home.example.com.', undefined],
      ['nas.home.example.com.', 'member of home.example.com.'],
      ['far.home.example.com.', 'member of home.example.com.'],
    ]);
    await move(update, { wanted: wantedOf({ A: '192.0.2.1' }), prefix });
    expect(repeats).toEqual(['home.example.com.', 'nas.home.example.com.', 'far.home.example.com.']);
  });

  it('leaves them where no prefix is named, or it has no room for them', async () => {
    const update = useCase({ hosts: hosts({ members }) });
    await move(update, { wanted: wantedOf({ AAAA: '2001:db8:5::7' }) });
    expect(aaaa(nas)).toBe('none');
    const { leftOut } = await move(update, { wanted: {}, prefix: parseIpPrefix('2001:db8:5::/60')! });
    expect([aaaa(home), aaaa(nas), aaaa(far)]).toEqual(['2001:db8:5::7', '2001:db8:5:1::10', 'none']);
    expect(leftOut.map(({ why }) => why)).toEqual(['member of home.example.com.: a /60 has no room for its subnet 16']);
    expect(events.at(-1)).toMatchObject({ outcome: 'refused', detail: leftOut[0]!.why });
  });

  it('gives itself an address where it is a member, unless the request has one or says that it stays', async () => {
    const own = { ownerName: home, host: { kind: 'interface-id', text: '::1' }, subnet: 0 } as const;
    const update = useCase({ hosts: hosts({ members: [own] }) });
    await move(update, { wanted: {}, prefix });
    expect(aaaa(home)).toBe('2001:db8:5::1');
    await move(update, { wanted: wantedOf({ AAAA: '2001:db8:9::9' }), prefix });
    expect(aaaa(home)).toBe('2001:db8:9::9');
    await move(update, { wanted: {}, prefix, ownStays: true });
    expect(aaaa(home)).toBe('2001:db8:9::9');
  });

  it('needs a token that may change AAAA and publish all of their addresses, not one for their names', async () => {
    const update = useCase({ hosts: hosts({ members }) });
    const choice = { wanted: {}, prefix };
    expect(await codeOf(move(update, choice, by({ types: [RRType.A] })))).toBe('not-permitted');
    expect(await codeOf(move(update, choice, by({ addresses: 'own' })))).toBe('address-refused');
    const some = [parseIpPrefix('2001:db8:5:1::/64')!];
    expect(await codeOf(move(update, choice, by({ addresses: some })))).toBe('address-refused');
    expect(memory.serial).toBe(1);
    expect((await move(update, choice, by())).changed).toBe(true);
    expect(await codeOf(update.run({ ...request(nas), zone }, by()))).toBe('not-permitted');
  });

  it('counts as one change of the token, and is throttled as a whole', async () => {
    const update = useCase({ hosts: hosts({ members }), changes: new MinuteLimiter(1, () => nowMs) });
    await move(update, { wanted: {}, prefix }, by());
    const next = { wanted: {}, prefix: parseIpPrefix('2001:db8:6::/56')! };
    expect(await codeOf(move(update, next, by()))).toBe('rate-limited');
    expect(aaaa(nas)).toBe('2001:db8:5:1::10');
    expect((await move(update, { wanted: {}, prefix }, by())).changed).toBe(false);
  });

  it('is reported by a dry run, which changes and records nothing', async () => {
    const update = useCase({ hosts: hosts({ members }) });
    const { result, changed } = await move(update, { wanted: wantedOf({ A: '192.0.2.1' }), prefix, isDryRun: true });
    expect([changed, result.A.after, result.members.map(({ AAAA }) => AAAA.after)]).toEqual([
      false,
      ['192.0.2.1'],
      [['2001:db8:5:1::10'], ['2001:db8:5:10:211:22ff:fe33:4455']],
    ]);
    expect([memory.serial, events, repeats]).toEqual([1, [], []]);
  });
});

describe('a check', () => {
  it.each([
    ['a name outside the scope', request(other), by(), {}, 'not-permitted'],
    ['a type that the token has not', request(), by({ types: [RRType.AAAA] }), {}, 'not-permitted'],
    ['an address that no one may have', request(home, '127.0.0.1'), by(), {}, 'address-refused'],
    ['an address that the token may not', request(), by({ addresses: 'own' }), {}, 'address-refused'],
    ['an address that the host may not', request(), by(), { addresses: DENIED }, 'address-refused'],
    ['a host that is off', request(), by(), { enabled: false }, 'host-disabled'],
    ['a TTL that is none', { ...request(), choose: () => TOO_LONG }, by(), {}, 'request-malformed'],
  ] as const)('%s: throws what a change would, and records it once', async (_what, update, context, settings, code) => {
    const given = { ...update, zone };
    expect(await codeOf(useCase({ hosts: hosts(settings) }).check(given, context))).toBe(code);
    const recorded = events.map((event) => event.code);
    events = [];
    expect(await codeOf(useCase({ hosts: hosts(settings) }).run(given, context))).toBe(code);
    expect(recorded).toEqual(events.map((event) => event.code));
  });

  it('of an update that is allowed changes and records nothing', async () => {
    await useCase().check(request(), by());
    expect(memory.answer(home, RRType.A).kind).not.toBe('rrset');
    expect([events, repeats]).toEqual([[], []]);
  });
});
