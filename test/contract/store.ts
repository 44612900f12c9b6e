// What every store must do (src/core/store.ts), whatever it is made of. Run by store-memory.test.ts,
// store-sqlite.test.ts and store-postgres.test.ts.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HostToken, tokenSha256 } from '../../src/core/access/token.ts';
import type { HistoryEvent } from '../../src/core/history/history.ts';
import { eventId } from '../../src/core/history/history.ts';
import { HistoryRecorder } from '../../src/core/history/history-recorder.ts';
import { defaultHostSettings, type HostSettings } from '../../src/core/hosts/host.ts';
import type { NewPendingUpdate } from '../../src/core/pending/pending-update.ts';
import type { Store } from '../../src/core/store.ts';
import { parseIpPrefix } from '../../src/dns/address.ts';
import { DomainName } from '../../src/dns/name.ts';
import { RRType } from '../../src/dns/rdata.ts';

export interface StoreSubject {
  readonly title: string;
  /** An empty store. */
  readonly open: () => Promise<Store>;
  /** Closes it and opens it again; absent: nothing outlasts it. */
  readonly reopen?: (store: Store) => Promise<Store>;
  readonly close: (store: Store) => Promise<void>;
}

export const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

export function nameOf(text: string): DomainName {
  return DomainName.parse(text);
}

let made = 0;

/** A token that nobody else has. */
export function newToken(fields: Partial<HostToken> = {}): HostToken {
  made += 1;
  return {
    id: `id-${made}`,
    name: `router${made}`,
    sha256: tokenSha256(`secret ${made}`),
    hosts: [nameOf('home.example.com')],
    types: [RRType.A, RRType.AAAA],
    addresses: 'any',
    createdMs: NOW_MS + made,
    ...fields,
  };
}

export function newEvent(host: string, timeMs: number, fields: Partial<HistoryEvent> = {}): HistoryEvent {
  made += 1;
  return {
    id: eventId(timeMs, made, new Uint8Array(10).fill(made)),
    ownerName: nameOf(host),
    timeMs,
    protocol: 'dyndns2',
    actor: 'router1',
    source: '203.0.113.7',
    userAgent: 'ddclient/3.10.0',
    outcome: 'changed',
    ...fields,
  };
}

export function newPendingUpdate(host: string, fields: Partial<NewPendingUpdate> = {}): NewPendingUpdate {
  return {
    ownerName: nameOf(host),
    family: 'A',
    wanted: '192.0.2.2',
    ttl: 60,
    before: [['192.0.2.1']],
    createdMs: NOW_MS,
    nextAttemptMs: NOW_MS + 2_000,
    lastError: 'primary-unreachable',
    ...fields,
  };
}

export function describeStore(subject: StoreSubject): void {
  describe(`a store ${subject.title}`, () => {
    let store: Store;

    beforeAll(async () => {
      store = await subject.open();
    });
    afterAll(() => subject.close(store));

    it('answers', async () => {
      await store.ping();
    });

    describe('of tokens', () => {
      it('finds a token by the SHA-256 of its secret, with everything that it was made with', async () => {
        const token = newToken({
          hosts: [nameOf('Home.example.com'), nameOf('*.lab.example.com'), nameOf('a\\032b\\.c.example.com')],
          types: [RRType.TXT, RRType.A],
          addresses: [parseIpPrefix('198.51.100.0/24')!, parseIpPrefix('2001:db8::/32')!],
          sources: [parseIpPrefix('203.0.113.0/24')!, parseIpPrefix('2001:db8:1::/48')!],
          expires: '2027-12-31',
        });
        expect(await store.tokens.create(token)).toBe('created');
        expect(plain(await store.tokens.findBySha256(token.sha256))).toEqual(plain(token));
        for (const addresses of ['any', 'own'] as const) {
          const simple = newToken({ addresses });
          await store.tokens.create(simple);
          expect(plain(await store.tokens.findBySha256(simple.sha256))).toEqual(plain(simple));
        }
      });

      it('knows no token of another secret, and knows it once it is made', async () => {
        const token = newToken();
        for (let round = 0; round < 3; round += 1) {
          expect(await store.tokens.findBySha256(token.sha256)).toBeUndefined();
        }
        await store.tokens.create(token);
        expect(await store.tokens.findBySha256(token.sha256)).toMatchObject({ id: token.id });
      });

      it('has no two valid tokens of one name, and no two of one secret', async () => {
        const token = newToken();
        const again = newToken({ name: token.name });
        expect(await store.tokens.create(token)).toBe('created');
        expect(await store.tokens.create(again)).toBe('name-taken');
        expect(await store.tokens.create(newToken({ sha256: token.sha256 }))).toBe('secret-taken');
        expect(await store.tokens.findBySha256(again.sha256)).toBeUndefined();
        await store.tokens.revoke(token.name, NOW_MS);
        expect(await store.tokens.create(again)).toBe('created');
        expect(await store.tokens.create(newToken({ sha256: token.sha256 }))).toBe('secret-taken');
      });

      it('revokes a token at once and keeps it, so that its name in the history still means something', async () => {
        const token = newToken();
        await store.tokens.create(token);
        expect((await store.tokens.findBySha256(token.sha256))?.revokedMs).toBeUndefined();
        expect(await store.tokens.revoke(token.name, NOW_MS + 5)).toBe('revoked');
        expect(await store.tokens.findBySha256(token.sha256)).toMatchObject({ id: token.id, revokedMs: NOW_MS + 5 });
        expect(await store.tokens.revoke(token.name, NOW_MS + 6)).toBe('unknown');
        expect(await store.tokens.revoke('no such token', NOW_MS)).toBe('unknown');
        expect((await store.tokens.list()).find(({ id }) => id === token.id)?.revokedMs).toBe(NOW_MS + 5);
      });

      it('rotates a secret: the old one ends at once, everything else stays', async () => {
        const token = newToken({ expires: '2027-01-01' });
        const sha256 = tokenSha256(`rotated ${token.name}`);
        await store.tokens.create(token);
        expect(await store.tokens.findBySha256(token.sha256)).toBeDefined();
        expect(await store.tokens.findBySha256(sha256)).toBeUndefined();
        expect(plain(await store.tokens.rotate(token.name, sha256))).toEqual(plain({ ...token, sha256 }));
        expect(await store.tokens.findBySha256(token.sha256)).toBeUndefined();
        expect(await store.tokens.findBySha256(sha256)).toMatchObject({ id: token.id });
        await store.tokens.revoke(token.name, NOW_MS);
        expect(await store.tokens.rotate(token.name, tokenSha256('x'))).toBeUndefined();
        expect(await store.tokens.rotate('no such token', tokenSha256('y'))).toBeUndefined();
      });

      it('lists tokens by name and then by age, with their last use', async () => {
        const [old, young, other] = [
          newToken({ name: 'zz-one' }),
          newToken({ name: 'zz-one' }),
          newToken({ name: 'zz' }),
        ];
        await store.tokens.create(old);
        await store.tokens.revoke('zz-one', NOW_MS);
        await store.tokens.create(young);
        await store.tokens.create(other);
        await store.tokens.touchLastUsed([
          { tokenId: young.id, lastUsedMs: NOW_MS + 20 },
          { tokenId: young.id, lastUsedMs: NOW_MS + 10 },
          { tokenId: 'not in the store', lastUsedMs: NOW_MS },
        ]);
        await store.tokens.touchLastUsed([{ tokenId: young.id, lastUsedMs: NOW_MS }]);
        await store.tokens.touchLastUsed([]);
        const listed = (await store.tokens.list()).filter(({ name }) => name.startsWith('zz'));
        expect(listed.map(({ id, lastUsedMs }) => [id, lastUsedMs])).toEqual([
          [other.id, undefined],
          [old.id, undefined],
          [young.id, NOW_MS + 20],
        ]);
        const many = Array.from({ length: 200 }, (_, index) => ({
          tokenId: `file-${index}`,
          lastUsedMs: NOW_MS + index,
        }));
        await store.tokens.touchLastUsed(many);
        const asked = [young.id, other.id, ...many.map(({ tokenId }) => tokenId)];
        expect(await store.tokens.lastUses(asked)).toEqual(
          new Map([[young.id, NOW_MS + 20], ...many.map(({ tokenId, lastUsedMs }) => [tokenId, lastUsedMs] as const)]),
        );
        expect(await store.tokens.lastUses([])).toEqual(new Map());
      });

      it('counts the valid tokens whose names begin so, with their case', async () => {
        expect(await store.tokens.countNamed('count_me-')).toBe(0);
        const names = ['count_me-1', 'count_me-2', 'count_me-3', 'Count_me-4', 'countXme-5', 'count_me', 'a count_me-'];
        for (const name of names) await store.tokens.create(newToken({ name }));
        await store.tokens.revoke('count_me-2', NOW_MS);
        expect(await store.tokens.countNamed('count_me-')).toBe(2);
      });

      it('gives one of many at the same time the name', async () => {
        const outcomes = await Promise.all(
          Array.from({ length: 8 }, () => store.tokens.create(newToken({ name: 'wanted by many' }))),
        );
        expect(outcomes.filter((outcome) => outcome === 'created')).toHaveLength(1);
        expect(outcomes.filter((outcome) => outcome === 'name-taken')).toHaveLength(7);
      });
    });

    describe('of hosts', () => {
      const full: HostSettings = {
        ownerName: nameOf('home.example.com'),
        ttl: 60,
        enabled: false,
        addresses: { allow: [parseIpPrefix('10.0.0.0/8')!], deny: [parseIpPrefix('2001:db8::/32')!] },
        silentAfterSeconds: 86_400,
        leaseSeconds: 3_600,
        fallback: ['192.0.2.99', '2001:db8::99'],
        members: [
          { ownerName: nameOf('nas.home.example.com'), host: { kind: 'interface-id', text: '::10' }, subnet: 3 },
          { ownerName: nameOf('tv.home.example.com'), host: { kind: 'mac', text: '00:11:22:33:44:55' }, subnet: 0 },
        ],
      };

      it('keeps all settings, under the name in any case', async () => {
        await store.hosts.put(full);
        expect(plain(await store.hosts.get(nameOf('HOME.example.com')))).toEqual(plain(full));
        expect(await store.hosts.get(nameOf('other.example.com'))).toBeUndefined();
      });

      it('sets all settings anew', async () => {
        const simple = defaultHostSettings(full.ownerName);
        await store.hosts.put(simple);
        expect(plain(await store.hosts.get(full.ownerName))).toEqual(plain(simple));
      });

      it('RFC 4034 §6.1: lists hosts in canonical order', async () => {
        const names = ['z.a.example.net', 'a.example.net', '*.a.example.net', 'b.example.net', 'b-c.example.net'];
        for (const name of names) await store.hosts.put(defaultHostSettings(nameOf(name)));
        const listed = (await store.hosts.list()).map(({ ownerName }) => String(ownerName));
        expect(listed.filter((name) => name.endsWith('net.'))).toEqual([
          'a.example.net.',
          '*.a.example.net.',
          'z.a.example.net.',
          'b.example.net.',
          'b-c.example.net.',
        ]);
      });

      it('lists those whose silence is limited, without the others', async () => {
        const limited = async () => (await store.hosts.listLimited()).map(({ ownerName }) => String(ownerName));
        const put = (name: string, more: object) => store.hosts.put({ ...defaultHostSettings(nameOf(name)), ...more });
        expect(await limited()).toEqual([]);
        await put('leased.example.net', { leaseSeconds: 60 });
        await put('told.example.net', { silentAfterSeconds: 60 });
        expect(await limited()).toEqual(['leased.example.net.', 'told.example.net.']);
        await put('told.example.net', {});
        expect(await limited()).toEqual(['leased.example.net.']);
        for (const name of ['leased', 'told']) await store.hosts.remove(nameOf(`${name}.example.net`));
        expect(await limited()).toEqual([]);
      });

      it('removes a host', async () => {
        expect(await store.hosts.remove(nameOf('B.example.net'))).toBe('removed');
        expect(await store.hosts.remove(nameOf('b.example.net'))).toBe('unknown');
        expect(await store.hosts.get(nameOf('b.example.net'))).toBeUndefined();
      });
    });

    describe('of the history', () => {
      it('keeps events with everything in them', async () => {
        const ownerName = nameOf('full.example.com');
        const events = [
          newEvent('full.example.com', NOW_MS, {
            A: { before: [], after: ['192.0.2.1'] },
            AAAA: { before: ['2001:db8::1', '2001:db8::2'], after: [] },
          }),
          newEvent('full.example.com', NOW_MS + 1, { outcome: 'refused', code: 'address-refused', userAgent: '' }),
          newEvent('full.example.com', NOW_MS + 2, { outcome: 'failed', code: 'publish-unknown', detail: 'ä "x" \\' }),
        ];
        await store.history.append(events);
        expect(plain(await store.history.read(ownerName, 10))).toEqual(plain([...events].reverse()));
      });

      it('stores an event whatever a stranger has put into it, cut off where it is long', async () => {
        const userAgent = `\0 \ud800 ${'x'.repeat(100_000)}`;
        await store.history.append([newEvent('odd.example.com', NOW_MS, { userAgent, detail: '\0', actor: '\0' })]);
        const [event] = await store.history.read(nameOf('odd.example.com'), 1);
        expect(event?.userAgent.length).toBeLessThanOrEqual(500);
        expect(event?.userAgent).toMatch(/x{100}$/);
        expect(event?.detail).not.toContain('\0');
      });

      it('takes a batch of any size, and an event twice only once', async () => {
        const events = Array.from({ length: 301 }, (_, index) => newEvent('many.example.com', NOW_MS + index));
        await store.history.append(events);
        await store.history.append(events.slice(0, 100));
        await store.history.append([]);
        expect(await store.history.read(nameOf('many.example.com'), 1_000)).toHaveLength(301);
      });

      it('gives the newest first, page by page', async () => {
        const times: number[] = [];
        for (let before: string | undefined; ; ) {
          const page = await store.history.read(nameOf('Many.example.com'), 100, before);
          times.push(...page.map(({ timeMs }) => timeMs));
          before = page.at(-1)?.id;
          if (page.length < 100) break;
        }
        expect(times).toEqual(Array.from({ length: 301 }, (_, index) => NOW_MS + 300 - index));
      });

      it('counts repeats and remembers when a host was last seen', async () => {
        const [a, b] = [nameOf('a.seen.example.com'), nameOf('b.seen.example.com')];
        expect(await store.history.activity(a)).toBeUndefined();
        await store.history.countRepeats([
          { ownerName: b, repeats: 1, lastSeenMs: NOW_MS },
          { ownerName: a, repeats: 2, lastSeenMs: NOW_MS + 9 },
          { ownerName: nameOf('A.seen.example.com'), repeats: 3, lastSeenMs: NOW_MS + 3 },
        ]);
        await store.history.countRepeats([
          { ownerName: a, repeats: 0, lastSeenMs: NOW_MS + 5 },
          { ownerName: b, repeats: 4, lastSeenMs: NOW_MS + 20 },
        ]);
        await store.history.countRepeats([]);
        expect(plain(await store.history.activity(a))).toMatchObject({ repeats: 5, lastSeenMs: NOW_MS + 9 });
        const some = [
          ...Array.from({ length: 100 }, (_, n) => nameOf(`nobody${n}.example.com`)),
          nameOf('B.seen.example.com'),
        ];
        expect((await store.history.activitiesOf(some)).map(({ ownerName }) => String(ownerName))).toEqual([
          'b.seen.example.com.',
        ]);
        expect(await store.history.activitiesOf([])).toEqual([]);
        const all = (await store.history.activities()).filter(({ ownerName }) =>
          ownerName.isAtOrBelow(nameOf('seen.example.com')),
        );
        expect(all.map(({ ownerName, repeats, lastSeenMs }) => [ownerName.key, repeats, lastSeenMs])).toEqual([
          [a.key, 5, NOW_MS + 9],
          [b.key, 5, NOW_MS + 20],
        ]);
      });

      it('a retry by the server is no sign of life of a silent host, and what the operator does is none', async () => {
        const ownerName = nameOf('retried.example.com');
        const { id: _, ...facts } = newEvent('retried.example.com', NOW_MS);
        const timers = { after: () => () => undefined };
        const recorder = new HistoryRecorder({ store: store.history, timers, warn: () => undefined });
        recorder.record({ ...facts, origin: 'client' });
        await recorder.flush();
        for (const outcome of ['changed', 'failed'] as const) {
          recorder.record({ ...facts, timeMs: NOW_MS + 1_000, outcome, protocol: 'retry', origin: 'server' });
          recorder.record({ ...facts, timeMs: NOW_MS + 2_000, outcome, protocol: 'cli', origin: 'operator' });
        }
        await recorder.flush();
        expect(await store.history.read(ownerName, 10)).toHaveLength(5);
        expect(plain(await store.history.activity(ownerName))).toEqual(
          plain({ ownerName, repeats: 0, lastSeenMs: NOW_MS }),
        );
        recorder.record({ ...facts, timeMs: NOW_MS + 3_000, origin: 'client' });
        await recorder.close();
        expect((await store.history.activity(ownerName))?.lastSeenMs).toBe(NOW_MS + 3_000);
      });

      it('counts the repeats of many at the same time', async () => {
        const names = Array.from({ length: 20 }, (_, index) => nameOf(`h${index}.count.example.com`));
        await Promise.all(
          Array.from({ length: 10 }, (_, round) => {
            const order = round % 2 ? names : [...names].reverse();
            return store.history.countRepeats(
              order.map((ownerName) => ({ ownerName, repeats: 1, lastSeenMs: NOW_MS })),
            );
          }),
        );
        for (const ownerName of names) expect((await store.history.activity(ownerName))?.repeats).toBe(10);
      });

      it('knows what was there at any time, each family by itself', async () => {
        const host = 'past.example.com';
        const step = (before: string[], after: string[]) => ({ before, after });
        await store.history.append([
          newEvent(host, 1_000, { A: step([], ['192.0.2.1']) }),
          newEvent(host, 2_000, { A: step(['192.0.2.1'], ['192.0.2.2']), AAAA: step(['2001:db8::1'], []) }),
          newEvent(host, 2_500, { outcome: 'failed', A: step(['192.0.2.2'], ['192.0.2.9']) }),
          newEvent(host, 3_000, { A: step(['192.0.2.2'], []) }),
        ]);
        const at = (timeMs: number) => store.history.stateAt(nameOf(host), timeMs);
        expect(await at(999)).toEqual({ A: [], AAAA: ['2001:db8::1'] });
        expect(await at(1_000)).toEqual({ A: ['192.0.2.1'], AAAA: ['2001:db8::1'] });
        expect(await at(2_999)).toEqual({ A: ['192.0.2.2'], AAAA: [] });
        expect(await at(3_000)).toEqual({ A: [], AAAA: [] });
        expect(await store.history.stateAt(nameOf('nothing.example.com'), 1)).toEqual({});
      });

      it('notes a step for each silence once, and of many at the same time tells one that it was the first', async () => {
        const host = nameOf('silent.example.com');
        expect(await store.history.notedSilence(host, 'told')).toBeUndefined();
        const outcomes = await Promise.all(
          Array.from({ length: 8 }, () => store.history.noteSilence(host, 'told', NOW_MS)),
        );
        expect(outcomes.filter((outcome) => outcome === 'first')).toHaveLength(1);
        expect(await store.history.noteSilence(nameOf('SILENT.example.com'), 'told', NOW_MS)).toBe('known');
        expect(await store.history.noteSilence(host, 'told', NOW_MS - 1)).toBe('known');
        expect(await store.history.notedSilence(host, 'told')).toBe(NOW_MS);
        // Another step, another host, and the next silence have nothing to do with it.
        expect(await store.history.noteSilence(host, 'lease-ended', NOW_MS)).toBe('first');
        expect(await store.history.noteSilence(nameOf('x.silent.example.com'), 'told', NOW_MS)).toBe('first');
        expect(await store.history.noteSilence(host, 'told', NOW_MS + 1)).toBe('first');
        expect(await store.history.notedSilence(host, 'told')).toBe(NOW_MS + 1);
        expect(await store.history.notedSilence(host, 'lease-ended')).toBe(NOW_MS);
      });

      it('forgets the silences of a host with its history', async () => {
        const host = nameOf('purged.silent.example.com');
        await store.history.noteSilence(host, 'told', NOW_MS);
        await store.history.noteSilence(host, 'lease-ended', NOW_MS);
        await store.history.purge(host);
        expect(await store.history.notedSilence(host, 'told')).toBeUndefined();
        expect(await store.history.notedSilence(host, 'lease-ended')).toBeUndefined();
        expect(await store.history.notedSilence(nameOf('silent.example.com'), 'told')).toBeDefined();
      });

      it('knows since when hosts could be heard without a pause', async () => {
        const note = (afterMs: number) => store.history.noteWatch(NOW_MS + afterMs, 1_000);
        expect(await note(0)).toBe(NOW_MS);
        expect(await note(900)).toBe(NOW_MS);
        // A process whose clock is behind makes no pause.
        expect(await note(100)).toBe(NOW_MS);
        expect(await note(1_900)).toBe(NOW_MS);
        expect(await note(2_901)).toBe(NOW_MS + 2_901);
        expect(await note(3_000)).toBe(NOW_MS + 2_901);
      });

      it('prunes what is older than a time, of all hosts, and nothing else', async () => {
        const olderMs = NOW_MS - 86_400_000;
        const before = await store.history.prune(olderMs);
        expect(before).toBe(4);
        await store.history.append([
          newEvent('x.prune.example.com', olderMs - 1),
          newEvent('y.prune.example.com', olderMs - 2),
          newEvent('y.prune.example.com', olderMs),
        ]);
        expect(await store.history.prune(olderMs)).toBe(2);
        expect(await store.history.read(nameOf('x.prune.example.com'), 9)).toEqual([]);
        expect(await store.history.read(nameOf('y.prune.example.com'), 9)).toHaveLength(1);
      });

      it('purges a host: its events and its activity, not those of others', async () => {
        const [gone, kept] = [nameOf('gone.example.com'), nameOf('x.gone.example.com')];
        await store.history.append([newEvent('gone.example.com', NOW_MS), newEvent('GONE.example.com', NOW_MS + 1)]);
        await store.history.append([newEvent('x.gone.example.com', NOW_MS)]);
        await store.history.countRepeats(
          [gone, kept].map((ownerName) => ({ ownerName, repeats: 1, lastSeenMs: NOW_MS })),
        );
        expect(await store.history.purge(gone)).toBe(2);
        expect(await store.history.read(gone, 9)).toEqual([]);
        expect(await store.history.activity(gone)).toBeUndefined();
        expect(await store.history.read(kept, 9)).toHaveLength(1);
        expect(await store.history.activity(kept)).toBeDefined();
      });
    });

    describe('of TXT values', () => {
      const [name, other] = [nameOf('_acme-challenge.Home.example.com'), nameOf('_acme-challenge.x.example.com')];
      const value = (text: string, addedMs: number, removeAtMs: number, ownerName = name) => ({
        ownerName,
        text,
        addedMs,
        removeAtMs,
      });

      it('keeps them for each name, the oldest first, each once', async () => {
        await store.texts.put(value('b', NOW_MS + 2, NOW_MS + 90));
        await store.texts.put(value('a', NOW_MS + 1, NOW_MS + 100));
        await store.texts.put(value('A "\\ä', NOW_MS, NOW_MS + 100));
        await store.texts.put(value('b', NOW_MS + 3, NOW_MS + 95, nameOf('_ACME-challenge.home.example.com')));
        await store.texts.put(value('x'.repeat(1024), NOW_MS, NOW_MS + 1000, other));
        const [first, ...rest] = await store.texts.at(name);
        expect(first).toMatchObject({ text: 'A "\\ä', addedMs: NOW_MS, removeAtMs: NOW_MS + 100 });
        expect(first?.ownerName.equals(name)).toBe(true);
        expect(rest).toMatchObject([{ text: 'a' }, { text: 'b', addedMs: NOW_MS + 3, removeAtMs: NOW_MS + 95 }]);
        expect((await store.texts.at(other)).map(({ text }) => text.length)).toEqual([1024]);
        expect(await store.texts.at(nameOf('home.example.com'))).toEqual([]);
      });

      it('gives out those that are due, the most overdue first, each once until its time has come again', async () => {
        expect(await store.texts.takeDue(NOW_MS + 94, NOW_MS + 200, 10)).toEqual([]);
        const first = await store.texts.takeDue(NOW_MS + 100, NOW_MS + 200, 1);
        expect(first).toMatchObject([{ text: 'b', addedMs: NOW_MS + 3, removeAtMs: NOW_MS + 200 }]);
        const rest = await Promise.all(
          Array.from({ length: 4 }, () => store.texts.takeDue(NOW_MS + 100, NOW_MS + 200, 10)),
        );
        expect(
          rest
            .flat()
            .map(({ text }) => text)
            .sort(),
        ).toEqual(['A "\\ä', 'a']);
        expect(await store.texts.takeDue(NOW_MS + 199, NOW_MS + 300, 10)).toEqual([]);
        expect(await store.texts.takeDue(NOW_MS + 200, NOW_MS + 300, 10)).toHaveLength(3);
      });

      it('forgets values, those of that name alone', async () => {
        await store.texts.put(value('a', NOW_MS, NOW_MS, other));
        await store.texts.remove(name, ['a', 'A "\\ä', 'never there']);
        await store.texts.remove(nameOf('nothing.example.com'), ['a']);
        await store.texts.remove(other, []);
        expect((await store.texts.at(name)).map(({ text }) => text)).toEqual(['b']);
        expect(await store.texts.at(other)).toHaveLength(2);
      });
    });

    describe('of wishes', () => {
      it('keeps one for each name and family, with everything in it', async () => {
        const wish = newPendingUpdate('wish.example.com', { before: [['192.0.2.1'], []], wanted: '192.0.2.9' });
        const other = newPendingUpdate('wish.example.com', { family: 'AAAA', wanted: null, before: undefined });
        await store.pending.put(wish);
        await store.pending.put(other);
        expect(plain(await store.pending.get(nameOf('WISH.example.com'), 'A'))).toMatchObject(
          plain({ ...wish, attempts: 0 }),
        );
        const kept = await store.pending.get(nameOf('wish.example.com'), 'AAAA');
        expect(kept).toMatchObject({ wanted: null, attempts: 0 });
        expect(kept?.before).toBeUndefined();
        expect(await store.pending.count()).toBe(2);
      });

      it('replaces a wish by a newer one, with a greater sequence number and no attempts', async () => {
        const first = (await store.pending.get(nameOf('wish.example.com'), 'A'))!;
        await store.pending.postpone(first, NOW_MS + 9_000, 'publish-unknown');
        expect(await store.pending.get(first.ownerName, 'A')).toMatchObject({
          attempts: 1,
          nextAttemptMs: NOW_MS + 9_000,
          lastError: 'publish-unknown',
          sequence: first.sequence,
        });
        await store.pending.put(newPendingUpdate('wish.example.com', { wanted: '192.0.2.3' }));
        const second = (await store.pending.get(first.ownerName, 'A'))!;
        expect(second).toMatchObject({ wanted: '192.0.2.3', attempts: 0 });
        expect(second.sequence).toBeGreaterThan(first.sequence);
        expect((await store.pending.list()).map(({ family }) => family)).toEqual(['AAAA', 'A']);
        // What still holds the first one does nothing to the second.
        await store.pending.postpone(first, NOW_MS, 'internal');
        expect(await store.pending.remove(first.ownerName, 'A', first.sequence)).toBe('unknown');
        expect(plain(await store.pending.get(first.ownerName, 'A'))).toEqual(plain(second));
      });

      it('keeps the wishes of a site together', async () => {
        const names = ['s1', 's2', 's3'].map((label) => `${label}.site.example.com`);
        await store.pending.put(...names.map((name) => newPendingUpdate(name, { site: 'one site' })));
        await store.pending.put(newPendingUpdate('other.site.example.com', { site: 'another' }));
        const site = await store.pending.listSite('one site');
        expect(site.map(({ ownerName, site }) => [String(ownerName), site])).toEqual(
          names.map((name) => [`${name}.`, 'one site']),
        );
        expect(new Set(site.map(({ sequence }) => sequence)).size).toBe(3);
        // A newer wish of one of them is no part of it.
        await store.pending.put(newPendingUpdate(names[1]!));
        expect((await store.pending.listSite('one site')).map(({ ownerName }) => String(ownerName))).toEqual([
          `${names[0]}.`,
          `${names[2]}.`,
        ]);
        for (const { ownerName, family } of await store.pending.list()) {
          if (String(ownerName).includes('.site.')) await store.pending.remove(ownerName, family);
        }
      });

      it('removes a wish, the one that is meant or whichever is there', async () => {
        const ownerName = nameOf('wish.example.com');
        const { sequence } = (await store.pending.get(ownerName, 'A'))!;
        expect(await store.pending.remove(ownerName, 'A', sequence)).toBe('removed');
        expect(await store.pending.remove(ownerName, 'AAAA')).toBe('removed');
        expect(await store.pending.remove(ownerName, 'AAAA')).toBe('unknown');
        expect(await store.pending.count()).toBe(0);
        await store.pending.put(newPendingUpdate('wish.example.com'));
        expect((await store.pending.get(ownerName, 'A'))?.sequence).toBeGreaterThan(sequence);
        await store.pending.remove(ownerName, 'A');
      });

      it('gives out what is due, the most overdue first, and to nobody else meanwhile', async () => {
        for (const [name, dueMs] of [
          ['c', 300],
          ['a', 100],
          ['b', 200],
          ['d', 400],
        ] as const) {
          await store.pending.put(newPendingUpdate(`${name}.due.example.com`, { nextAttemptMs: dueMs }));
        }
        const labels = (wishes: readonly { readonly ownerName: DomainName }[]) =>
          wishes.map(({ ownerName }) => String(ownerName)[0]).sort();
        expect(labels(await store.pending.takeDue(99, 1_000, 10))).toEqual([]);
        const taken = await store.pending.takeDue(300, 1_000, 2);
        expect(labels(taken)).toEqual(['a', 'b']);
        expect(taken.map(({ nextAttemptMs }) => nextAttemptMs)).toEqual([1_000, 1_000]);
        expect(labels(await store.pending.takeDue(300, 1_000, 10))).toEqual(['c']);
        expect(labels(await store.pending.takeDue(300, 1_000, 10))).toEqual([]);
        expect(labels(await store.pending.takeDue(1_000, 2_000, 10))).toEqual(['a', 'b', 'c', 'd']);
        for (const wish of await store.pending.list()) await store.pending.remove(wish.ownerName, wish.family);
      });

      it('gives each wish to one of many that ask at the same time', async () => {
        for (let index = 0; index < 50; index += 1)
          await store.pending.put(newPendingUpdate(`w${index}.example.com`, { nextAttemptMs: 1 }));
        const taken = await Promise.all(Array.from({ length: 8 }, () => store.pending.takeDue(1, 2, 10)));
        const names = taken.flat().map(({ ownerName }) => ownerName.key);
        expect(new Set(names).size).toBe(names.length);
        for (const wish of await store.pending.list()) await store.pending.remove(wish.ownerName, wish.family);
      });
    });

    const { reopen } = subject;
    if (reopen !== undefined) {
      it('has everything after it was closed and opened again', async () => {
        const token = newToken();
        await store.tokens.create(token);
        await store.hosts.put(defaultHostSettings(nameOf('kept.example.com')));
        await store.history.append([newEvent('kept.example.com', NOW_MS)]);
        await store.pending.put(newPendingUpdate('kept.example.com'));
        const { sequence } = (await store.pending.get(nameOf('kept.example.com'), 'A'))!;
        store = await reopen(store);
        expect(await store.tokens.findBySha256(token.sha256)).toMatchObject({ id: token.id });
        expect(await store.hosts.get(nameOf('kept.example.com'))).toBeDefined();
        expect(await store.history.read(nameOf('kept.example.com'), 9)).toHaveLength(1);
        expect(await store.pending.get(nameOf('kept.example.com'), 'A')).toMatchObject({ sequence });
        await store.pending.remove(nameOf('kept.example.com'), 'A');
        await store.pending.put(newPendingUpdate('kept.example.com'));
        expect((await store.pending.get(nameOf('kept.example.com'), 'A'))?.sequence).toBeGreaterThan(sequence);
      });
    }
  });
}

/** With names and octets as texts, and without fields that are undefined: what can be compared. */
function plain(value: unknown): object {
  return JSON.parse(
    JSON.stringify(value, (key, field: unknown) =>
      key === 'ownerName' || key === 'hosts' ? String(field).toLowerCase() : field,
    ) ?? 'null',
  );
}
