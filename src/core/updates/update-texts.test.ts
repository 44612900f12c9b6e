import { beforeEach, describe, expect, it } from 'vitest';
import { testQueue } from '../../../test/support/address-updates.ts';
import { MemoryPublisher, MemoryZone } from '../../../test/support/memory-publisher.ts';
import { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { type RRset, readTextRdata, textRdata } from '../../dns/rrset.ts';
import { openMemoryStore } from '../../store/memory.ts';
import { MASTER } from '../access/principal.ts';
import { MinuteLimiter } from '../access/rate-limits.ts';
import type { RequestContext } from '../access/request-context.ts';
import type { HostToken } from '../access/token.ts';
import { AppError } from '../errors.ts';
import type { NewHistoryEvent } from '../history/history.ts';
import { defaultHostSettings } from '../hosts/host.ts';
import { TextRecords } from '../texts/text-records.ts';
import type { TextStore } from '../texts/text-store.ts';
import type { Zone } from '../zones/zone.ts';
import type { TextEdit } from './publish-texts.ts';
import { UpdateRecord, type UpdateRecordOptions } from './update-record.ts';
import { type TextUpdate, UpdateTexts } from './update-texts.ts';

const apex = DomainName.parse('example.com');
const home = apex.prepend('home');
const challenge = home.prepend('_acme-challenge');

let memory: MemoryZone;
let zone: Zone;
let nowMs: number;
let events: NewHistoryEvent[];
let store: TextStore;

beforeEach(() => {
  memory = new MemoryZone(apex);
  zone = zoneOf(memory);
  nowMs = 1_000_000;
  events = [];
  store = openMemoryStore().texts;
});

function zoneOf(content: MemoryZone): Zone {
  return {
    apex,
    publisher: new MemoryPublisher(content),
    ttl: {},
    apexAllowed: false,
    wildcardAllowed: false,
    reserved: new Set([apex.prepend('www').key]),
    addresses: { allow: [], deny: [] },
    emptyValue: 'keep',
  };
}

function useCase(options: Partial<UpdateRecordOptions> = {}, log: TextRecords | undefined = records()): UpdateTexts {
  const recorder = { record: (event: NewHistoryEvent) => void events.push(event), repeat: () => undefined };
  const record = new UpdateRecord({ recorder, now: () => nowMs, ...options });
  const queue = testQueue({ timeoutMs: 1000, maxWaiting: 100 });
  return new UpdateTexts({ queue, record, log, removeAfterSeconds: () => 60 });
}

const records = () => new TextRecords(store, () => nowMs);
const by = (fields: Partial<HostToken> = {}): RequestContext => ({
  principal: {
    kind: 'token',
    token: {
      id: 't1',
      name: 'lego',
      sha256: '',
      hosts: [home],
      types: [RRType.TXT],
      addresses: 'any',
      createdMs: 0,
      ...fields,
    },
  },
  caller: undefined,
  protocol: 'httpreq',
  userAgent: 'lego',
  origin: 'client',
});
const master: RequestContext = { ...by(), principal: MASTER };
const add = (text: string): TextEdit => ({ kind: 'add', text });
const remove = (text: string): TextEdit => ({ kind: 'remove', text });
const update = (edit: TextEdit, ownerName = challenge, more: Partial<TextUpdate> = {}) => ({
  zone,
  ownerName,
  edit,
  ...more,
});
const texts = (ownerName = challenge) =>
  (memory.rrsetAt(ownerName, RRType.TXT)?.rdatas ?? []).map((rdata) => readTextRdata(rdata)).sort();
const put = (rrset: Omit<RRset, 'ttl'>) =>
  memory.apply([
    {
      zone: apex,
      ownerName: rrset.ownerName,
      prerequisites: [],
      edits: [{ kind: 'add-to-rrset', rrset: { ...rrset, ttl: 60 } }],
    },
  ]);
const putText = (text: string, ownerName = challenge) =>
  put({ ownerName, type: RRType.TXT, rdatas: [textRdata(text)] });

async function errorOf(promise: Promise<unknown>): Promise<{ code: string; message: string }> {
  const error = await promise.then(
    () => new AppError('internal', 'no error'),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof AppError)) throw error;
  return { code: error.code, message: error.message };
}
const codeOf = async (promise: Promise<unknown>) => (await errorOf(promise)).code;

describe('the values of a name', () => {
  it('stand side by side, sorted, each once', async () => {
    const use = useCase();
    expect(await use.run(update(add('b')), by())).toEqual({ changed: true, texts: ['b'] });
    expect(await use.run(update(add('a')), by())).toEqual({ changed: true, texts: ['a', 'b'] });
    const { serial } = memory;
    expect(await use.run(update(add('b')), by())).toEqual({ changed: false, texts: ['a', 'b'] });
    expect(memory.serial).toBe(serial);
    expect(texts()).toEqual(['a', 'b']);
  });

  it('are removed one by one; a missing one is not a change', async () => {
    const use = useCase();
    for (const text of ['a', 'b']) await use.run(update(add(text)), by());
    expect(await use.run(update(remove('a')), by())).toEqual({ changed: true, texts: ['b'] });
    expect(await use.run(update(remove('a')), by())).toEqual({ changed: false, texts: ['b'] });
    expect(await use.run(update(remove('b')), by())).toEqual({ changed: true, texts: [] });
    expect(memory.rrsetAt(challenge, RRType.TXT)).toBeUndefined();
    expect(await use.run(update(remove('b')), by())).toEqual({ changed: false, texts: [] });
  });

  it('are replaced by one, or cleared', async () => {
    const use = useCase();
    for (const text of ['a', 'b']) await use.run(update(add(text)), by());
    expect(await use.run(update({ kind: 'replace', text: 'c' }), by())).toEqual({ changed: true, texts: ['c'] });
    expect(await use.run(update({ kind: 'clear' }), by())).toEqual({ changed: true, texts: [] });
    expect(await use.run(update({ kind: 'clear' }), by())).toEqual({ changed: false, texts: [] });
  });

  it('roll: the newest stay, in the order in which they were written, one of another writer counts as the oldest', async () => {
    const use = useCase();
    const roll = (text: string, keep = 2) => use.run(update({ kind: 'roll', text, keep }), by());
    putText('foreign');
    await roll('z');
    expect(texts()).toEqual(['foreign', 'z']);
    await roll('y');
    expect(texts()).toEqual(['y', 'z']);
    await roll('z');
    await roll('a');
    expect(texts()).toEqual(['a', 'z']);
    await roll('b', 1);
    expect(texts()).toEqual(['b']);
  });

  it('come from many at the same time, and all are there', async () => {
    const both = [useCase({}), useCase({})];
    const many = Array.from({ length: 20 }, (_, index) => `v${index}`);
    await Promise.all(many.map((text, index) => both[index % 2]!.run(update(add(text)), by())));
    expect(texts()).toEqual([...many].sort());
  });

  it('are 50 at most', async () => {
    const use = useCase();
    for (let index = 0; index < 50; index++) putText(`v${index}`);
    expect(await codeOf(use.run(update(add('more')), by()))).toBe('conflict');
    expect(texts()).toHaveLength(50);
  });

  it('of others that are no text stay as they are', async () => {
    const rdata = { kind: 'TXT' as const, strings: [Uint8Array.of(0xff, 0), Uint8Array.of(65)] };
    put({ ownerName: challenge, type: RRType.TXT, rdatas: [rdata] });
    await useCase().run(update(add('ours')), by());
    expect(memory.rrsetAt(challenge, RRType.TXT)?.rdatas).toContainEqual(rdata);
  });

  it('a longer one is cut into character-strings of 255 octets, RFC 1035 §3.3.14', async () => {
    await useCase().run(update(add('x'.repeat(600))), by());
    const [rdata] = memory.rrsetAt(challenge, RRType.TXT)!.rdatas;
    expect(rdata?.kind === 'TXT' && rdata.strings.map(({ length }) => length)).toEqual([255, 255, 90]);
  });

  it.each(['', 'x'.repeat(1025), 'a\0', 'a\nb', '\x7f', '\ud800', 'ä'.repeat(513)])('%j is none', async (text) => {
    expect(await codeOf(useCase().run(update(add(text)), master))).toBe('request-malformed');
    expect(texts()).toEqual([]);
  });
});

describe('a name under a wildcard', () => {
  it('of TXT: what the wildcard answers is not the name itself', async () => {
    putText('wild', apex.prepend('*'));
    const use = useCase();
    expect(await use.run(update(remove('wild')), by())).toEqual({ changed: false, texts: [] });
    expect(await use.run(update(add('a')), by())).toEqual({ changed: true, texts: ['a'] });
    expect(texts()).toEqual(['a']);
  });

  it('of CNAME: the challenge gets a name of its own', async () => {
    put({ ownerName: apex.prepend('*'), type: RRType.CNAME, rdatas: [{ kind: 'CNAME', target: apex }] });
    expect(await useCase().run(update(add('a')), by())).toEqual({ changed: true, texts: ['a'] });
  });
});

it('others that change the name again and again: it gives up for now, and writes nothing', async () => {
  let last = 0;
  class Racing extends MemoryPublisher {
    override publish(...args: Parameters<MemoryPublisher['publish']>) {
      const rrset = { ownerName: challenge, type: RRType.TXT, ttl: 60, rdatas: [textRdata(`other${last++}`)] };
      memory.apply([
        { zone: apex, ownerName: challenge, prerequisites: [], edits: [{ kind: 'replace-rrset', rrset }] },
      ]);
      return super.publish(...args);
    }
  }
  const racing = { ...zone, publisher: new Racing(memory) };
  expect(await errorOf(useCase().run(update(add('a'), challenge, { zone: racing }), by()))).toMatchObject({
    code: 'contended',
    message: expect.stringContaining('changed by others again and again'),
  });
  expect(texts()).not.toContain('a');
});

describe('data in the way', () => {
  it('a CNAME at a challenge is reported as a delegation, with its target', async () => {
    const target = DomainName.parse('x.elsewhere.example');
    put({ ownerName: challenge, type: RRType.CNAME, rdatas: [{ kind: 'CNAME', target }] });
    expect(await errorOf(useCase().run(update(add('a')), by()))).toEqual({
      code: 'conflict',
      message:
        "A CNAME record at '_acme-challenge.home.example.com.' delegates this challenge to 'x.elsewhere.example.': the TXT record " +
        'belongs there. Let the ACME client write that name, or remove the CNAME.',
    });
    put({ ownerName: home, type: RRType.CNAME, rdatas: [{ kind: 'CNAME', target }] });
    expect((await errorOf(useCase().run(update(add('a'), home), master))).message).toMatch(
      /^A CNAME record to 'x\.else/,
    );
  });

  it('a delegation above', async () => {
    put({ ownerName: home, type: RRType.NS, rdatas: [{ kind: 'NS', target: DomainName.parse('ns.example') }] });
    const { code, message } = await errorOf(useCase().run(update(add('a')), by()));
    expect([code, message]).toEqual(['conflict', expect.stringContaining('would not be seen: the name')]);
    expect(memory.rrsetAt(challenge, RRType.TXT)).toBeUndefined();
  });
});

describe('who may write what', () => {
  const [below, other] = [home.prepend('x'), apex.prepend('other')];
  const of = (name: DomainName) => name.prepend('_acme-challenge');

  it.each([
    ['TXT alone', {}, challenge, true],
    ['TXT alone, the name itself', {}, home, false],
    ['TXT alone, another name', {}, of(other), false],
    ['TXT alone, a name below', {}, of(below), false],
    ['TXT alone, a longer name', {}, of(apex.prepend('nothome')), false],
    ['TXT and A, the name itself', { types: [RRType.A, RRType.TXT] }, home, true],
    ['A alone', { types: [RRType.A] }, challenge, false],
    ['a pattern', { hosts: [home.prepend('*')] }, of(below), true],
    ['a pattern, the name above it: its wildcard is validated there', { hosts: [home.prepend('*')] }, challenge, true],
    ['a pattern, another name', { hosts: [home.prepend('*')] }, of(other), false],
    ['the challenge as the name of the scope', { hosts: [challenge] }, challenge, true],
  ])('a token: %s', async (_what, fields, ownerName, may) => {
    const outcome = await codeOf(useCase().run(update(add('a'), ownerName), by(fields)));
    expect(outcome).toBe(may ? 'internal' : 'not-permitted');
    expect(texts(ownerName)).toEqual(may ? ['a'] : []);
  });

  it('a name that is a challenge by its nature is open to a token of TXT alone, others are not', async () => {
    const use = useCase();
    const isChallenge = true;
    expect((await use.run(update(add('a'), home, { isChallenge }), by())).changed).toBe(true);
    expect(await codeOf(use.run(update(add('a'), other, { isChallenge }), by()))).toBe('not-permitted');
    expect(await codeOf(use.run(update(add('a'), home, { isChallenge }), by({ types: [RRType.A] })))).toBe(
      'not-permitted',
    );
  });

  it('the master may write every name but those that are reserved, wildcards and the apex', async () => {
    const use = useCase();
    expect((await use.run(update(add('a'), other), master)).changed).toBe(true);
    expect((await use.run(update(add('a'), of(apex)), master)).changed).toBe(true);
    for (const name of [apex, apex.prepend('www'), of(apex.prepend('www')), apex.prepend('*')]) {
      expect(await codeOf(use.run(update(add('a'), name), master))).toBe('name-invalid');
      expect(texts(name)).toEqual([]);
    }
  });
});

describe('limits and history', () => {
  it('a host that is switched off, and its challenge', async () => {
    const hosts = { find: (name: DomainName) => ({ ...defaultHostSettings(name), enabled: !name.equals(home) }) };
    expect(await codeOf(useCase({ hosts }).run(update(add('a')), by()))).toBe('host-disabled');
    expect(texts()).toEqual([]);
  });

  it('a limited number of changes a minute, and any number of repeats', async () => {
    const use = useCase({ changes: new MinuteLimiter(1, () => nowMs) });
    await use.run(update(add('a')), by());
    expect(await codeOf(use.run(update(add('b')), by()))).toBe('rate-limited');
    expect((await use.run(update(add('a')), by())).changed).toBe(false);
    expect(texts()).toEqual(['a']);
  });

  it('a change is in the history, without its value; a repeat is not', async () => {
    const use = useCase();
    await use.run(update(add('value')), by());
    await use.run(update(add('value')), by());
    await use.run(update(remove('value')), by());
    expect(events.map(({ detail }) => detail)).toEqual(['TXT added', 'TXT removed']);
    expect(JSON.stringify(events)).not.toContain('value');
  });
});

describe('what is known of values', () => {
  const known = async () =>
    (await store.at(challenge)).map(({ text, removeAtMs }) => [text, (removeAtMs - 1_000_000) / 1000]);

  it('is written before they are published, with the time of their removal', async () => {
    const publish = zone.publisher.publish.bind(zone.publisher);
    let before: unknown;
    zone.publisher.publish = async (change, deadlineMs) => {
      before ??= await known();
      return publish(change, deadlineMs);
    };
    await useCase().run(update(add('a')), by());
    expect(before).toEqual([['a', 60]]);
  });

  it('is put off when a client of ours writes the value again', async () => {
    const use = useCase();
    await use.run(update(add('a')), by());
    nowMs += 30_000;
    await use.run(update(add('a')), by());
    expect(await known()).toEqual([['a', 90]]);
  });

  it('is nothing of values that others have written, also if a client of ours wants them, too', async () => {
    putText('foreign');
    await useCase().run(update(add('foreign')), by());
    expect(await known()).toEqual([]);
  });

  it('ends with the value', async () => {
    const use = useCase();
    for (const text of ['a', 'b', 'c']) await use.run(update(add(text)), by());
    await use.run(update(remove('a')), by());
    await use.run(update({ kind: 'replace', text: 'c' }), by());
    expect(await known()).toEqual([['c', 60]]);
    await use.run(update({ kind: 'clear' }), by());
    expect(await known()).toEqual([]);
  });

  it('a value that could not be noted is not published', async () => {
    store.put = () => Promise.reject(new AppError('store-unreachable', 'away'));
    expect(await codeOf(useCase().run(update(add('a')), by()))).toBe('store-unreachable');
    expect(texts()).toEqual([]);
  });

  it('a removal does not wait for a store that is away', async () => {
    const use = useCase();
    await use.run(update(add('a')), by());
    store.remove = () => Promise.reject(new AppError('store-unreachable', 'away'));
    expect((await use.run(update(remove('a')), by())).changed).toBe(true);
  });
});

describe('a token of a user', () => {
  const owner = { id: 'anna', name: 'anna', role: 'member', isDisabled: false, changesPerMinute: 0 } as const;

  it.each([
    ['a host that the user may change', 'change', 'internal'],
    ['a host that the user may see', 'view', 'not-permitted'],
  ] as const)('proves control of %s: %s', async (_, access, code) => {
    const settings = { ...defaultHostSettings(home), shares: [{ userId: 'anna', access }] };
    const find = (ownerName: DomainName) => (ownerName.equals(home) ? settings : undefined);
    const { code: found } = await errorOf(useCase({ hosts: { find } }).run(update(add('x')), by({ owner })));
    expect(found).toBe(code);
    expect(texts()).toEqual(code === 'internal' ? ['x'] : []);
  });
});
