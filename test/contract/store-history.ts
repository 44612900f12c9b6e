/** The contract of a store: events, activity and silences (HistoryStore). */
import { describe, expect, it } from 'vitest';
import { HistoryRecorder } from '../../src/core/history/history-recorder.ts';
import type { Store } from '../../src/core/store.ts';
import { NOW_MS, nameOf, newEvent, plain } from './store-fixtures.ts';

export function describeHistoryStore(store: () => Store): void {
  describe('history', () => {
    it('stores events with all their fields', async () => {
      const ownerName = nameOf('full.example.com');
      const events = [
        newEvent('full.example.com', NOW_MS, {
          A: { before: [], after: ['192.0.2.1'] },
          AAAA: { before: ['2001:db8::1', '2001:db8::2'], after: [] },
        }),
        newEvent('full.example.com', NOW_MS + 1, { outcome: 'refused', code: 'address-refused', userAgent: '' }),
        newEvent('full.example.com', NOW_MS + 2, { outcome: 'failed', code: 'publish-unknown', detail: 'ä "x" \\' }),
        newEvent('full.example.com', NOW_MS + 3, { serial: 0 }),
        newEvent('full.example.com', NOW_MS + 4, { serial: 4_294_967_295 }),
      ];
      await store().history.append(events);
      expect(plain(await store().history.read(ownerName, 10))).toEqual(plain([...events].reverse()));
    });

    it('stores an event whatever text a client sent, and truncates long text', async () => {
      const userAgent = `\0 \ud800 ${'x'.repeat(100_000)}`;
      await store().history.append([newEvent('odd.example.com', NOW_MS, { userAgent, detail: '\0', actor: '\0' })]);
      const [event] = await store().history.read(nameOf('odd.example.com'), 1);
      expect(event?.userAgent.length).toBeLessThanOrEqual(500);
      expect(event?.userAgent).toMatch(/x{100}$/);
      expect(event?.detail).not.toContain('\0');
    });

    it('takes a batch of any size, and stores an event with the same id once', async () => {
      const events = Array.from({ length: 301 }, (_, index) => newEvent('many.example.com', NOW_MS + index));
      await store().history.append(events);
      await store().history.append(events.slice(0, 100));
      await store().history.append([]);
      expect(await store().history.read(nameOf('many.example.com'), 1_000)).toHaveLength(301);
    });

    it('returns the newest events first, page by page', async () => {
      const times: number[] = [];
      for (let before: string | undefined; ; ) {
        const page = await store().history.read(nameOf('Many.example.com'), 100, before);
        times.push(...page.map(({ timeMs }) => timeMs));
        before = page.at(-1)?.id;
        if (page.length < 100) break;
      }
      expect(times).toEqual(Array.from({ length: 301 }, (_, index) => NOW_MS + 300 - index));
    });

    it('returns the events of all hosts newest first, page by page, by outcome, token and time', async () => {
      const { history } = store();
      // Later than those of every other test.
      const startMs = NOW_MS + 40 * 86_400_000;
      const outcomes = ['changed', 'refused', 'failed'] as const;
      const events = Array.from({ length: 30 }, (_, index) =>
        newEvent(`h${index % 4}.all.example.com`, startMs + index, {
          outcome: outcomes[index % 3]!,
          actor: index % 2 === 0 ? 'even' : 'odd',
        }),
      );
      await history.append(events);
      const times = async (...args: Parameters<typeof history.readAll>) =>
        (await history.readAll(...args)).map(({ timeMs }) => timeMs - startMs);
      const since = { sinceMs: startMs };
      expect(await times(since, 100)).toEqual(Array.from({ length: 30 }, (_, index) => 29 - index));
      expect(await times({ sinceMs: startMs + 28 }, 100)).toEqual([29, 28]);
      expect(await times({ ...since, outcome: 'refused' }, 3)).toEqual([28, 25, 22]);
      expect(await times({ ...since, outcome: 'failed', actor: 'odd' }, 100)).toEqual([29, 23, 17, 11, 5]);
      expect(await times({ outcome: 'changed', actor: 'even' }, 2)).toEqual([24, 18]);
      const [last] = (await history.readAll(since, 10)).slice(-1);
      expect(await times(since, 2, last!.id)).toEqual([19, 18]);
      expect((await history.readAll(since, 1))[0]?.ownerName.toString()).toBe('h1.all.example.com.');
      for (const index of [0, 1, 2, 3]) await history.purge(nameOf(`h${index}.all.example.com`));
    });

    it('reads the changes of one family that gave it other addresses', async () => {
      const { history } = store();
      const ownerName = nameOf('moves.example.com');
      const step = (before: string, after: string) => ({ before: [before], after: [after] });
      await history.append([
        newEvent('moves.example.com', NOW_MS, { A: step('192.0.2.1', '192.0.2.2') }),
        newEvent('moves.example.com', NOW_MS + 1, {
          A: step('192.0.2.2', '192.0.2.2'),
          AAAA: step('2001:db8::1', '2001:db8::2'),
        }),
        newEvent('moves.example.com', NOW_MS + 2, { A: { before: ['192.0.2.2'], after: [] } }),
        newEvent('moves.example.com', NOW_MS + 3, {
          outcome: 'failed',
          code: 'publish-unknown',
          A: step('192.0.2.2', '192.0.2.9'),
        }),
        newEvent('moves.example.com', NOW_MS + 4, { detail: 'TXT' }),
      ]);
      const times = async (...args: Parameters<typeof history.readMoves>) =>
        (await history.readMoves(...args)).map(({ timeMs }) => timeMs - NOW_MS);
      expect(await times(ownerName, 'A', 9)).toEqual([2, 0]);
      expect(await times(ownerName, 'AAAA', 9)).toEqual([1]);
      const [newest] = await history.readMoves(ownerName, 'A', 1);
      expect(await times(ownerName, 'A', 9, newest!.id)).toEqual([0]);
    });

    describe('receipts', () => {
      const [a, b, late, unasked] = ['192.0.2.53:53', '[2001:db8::53]:53', '192.0.2.54:53', '192.0.2.55:53'];
      const zone = 'Served.example.com.';
      const host = 'home.served.example.com';
      const event = (afterMs: number, serial?: number) =>
        newEvent(host, NOW_MS + afterMs, serial === undefined ? {} : { serial });
      const receipt = (secondary: string, afterMs: number, serial: number | undefined) => {
        return { zone, secondary, serial, timeMs: NOW_MS + afterMs };
      };

      it('say when each secondary first served the serial of an event, or a later one (RFC 1982 §3.2)', async () => {
        const { history } = store();
        // The serial wraps around between the second and the third.
        const events = [
          event(0, 4_294_967_290),
          event(1000, 4_294_967_295),
          event(2000, 3),
          event(3000, 4),
          event(3500),
        ];
        await history.append(events);
        await history.append([newEvent('other.served.example.com', NOW_MS + 1, { serial: 4_294_967_290 })]);
        await history.appendReceipts([
          receipt(a, -5000, undefined),
          receipt(a, -4000, 4_294_967_289),
          receipt(a, 40, 4_294_967_290),
          receipt(a, 1020, 4_294_967_295),
          receipt(a, 2100, 3),
        ]);
        await history.appendReceipts([
          receipt(b, -5000, undefined),
          receipt(b, 1500, 4_294_967_290),
          receipt(b, 3010, 4),
          // It was configured later.
          receipt(late, 1500, undefined),
          receipt(late, 2500, 3),
          { ...receipt(a, 5, 4), zone: 'example.net.' },
        ]);
        await history.appendReceipts([]);
        const found = await history.receipts(events, 'served.example.com.', [a, b, late, unasked]);
        const lags = (secondary: string) =>
          events.map(({ id, timeMs }) => {
            const own = found.filter((each) => each.eventId === id && each.secondary === secondary);
            expect(own.length).toBeLessThanOrEqual(1);
            if (own[0] === undefined) return 'unknown';
            return own[0].timeMs === undefined ? 'not yet' : own[0].timeMs - timeMs;
          });
        expect(lags(a)).toEqual([40, 20, 100, 'not yet', 'unknown']);
        expect(lags(b)).toEqual([1500, 2010, 1010, 10, 'unknown']);
        expect(lags(late)).toEqual(['unknown', 'unknown', 500, 'not yet', 'unknown']);
        expect(lags(unasked)).toEqual(Array(5).fill('unknown'));
        expect(found).toHaveLength(10);
        expect(await history.receipts([], zone, [a])).toEqual([]);
      });

      it('are deleted with old events, and beyond a number the oldest: then nothing is known of events before', async () => {
        const { history } = store();
        const [before] = (await history.read(nameOf(host), 10)).filter(({ serial }) => serial === 4_294_967_290);
        expect(await history.receipts([before!], zone, [a])).toHaveLength(1);
        await history.pruneReceipts(0, 3);
        expect(await history.receipts([before!], zone, [a])).toEqual([]);
        expect(await history.pruneReceipts(NOW_MS + 1_000_000, 1000)).toBe(3);
        const many = Array.from({ length: 12_000 }, (_, index) => receipt(a, index, index));
        await history.appendReceipts(many);
        expect(await history.pruneReceipts(NOW_MS + 11_000, 1_000_000)).toBe(11_000);
        expect(await history.pruneReceipts(NOW_MS + 1_000_000, 1000)).toBe(1000);
      });
    });

    it('counts repeats and stores when a host was last seen', async () => {
      const [a, b] = [nameOf('a.seen.example.com'), nameOf('b.seen.example.com')];
      expect(await store().history.activity(a)).toBeUndefined();
      await store().history.countRepeats([
        { ownerName: b, repeats: 1, lastSeenMs: NOW_MS },
        { ownerName: a, repeats: 2, lastSeenMs: NOW_MS + 9 },
        { ownerName: nameOf('A.seen.example.com'), repeats: 3, lastSeenMs: NOW_MS + 3 },
      ]);
      await store().history.countRepeats([
        { ownerName: a, repeats: 0, lastSeenMs: NOW_MS + 5 },
        { ownerName: b, repeats: 4, lastSeenMs: NOW_MS + 20 },
      ]);
      await store().history.countRepeats([]);
      expect(plain(await store().history.activity(a))).toMatchObject({ repeats: 5, lastSeenMs: NOW_MS + 9 });
      const some = [
        ...Array.from({ length: 100 }, (_, n) => nameOf(`unknown${n}.example.com`)),
        nameOf('B.seen.example.com'),
      ];
      expect((await store().history.activitiesOf(some)).map(({ ownerName }) => String(ownerName))).toEqual([
        'b.seen.example.com.',
      ]);
      expect(await store().history.activitiesOf([])).toEqual([]);
      const all = (await store().history.activities()).filter(({ ownerName }) =>
        ownerName.isAtOrBelow(nameOf('seen.example.com')),
      );
      expect(all.map(({ ownerName, repeats, lastSeenMs }) => [ownerName.key, repeats, lastSeenMs])).toEqual([
        [a.key, 5, NOW_MS + 9],
        [b.key, 5, NOW_MS + 20],
      ]);
    });

    it('a retry by the server is not a sign of life of a silent host, nor is a change by the operator', async () => {
      const ownerName = nameOf('retried.example.com');
      const { id: _, ...facts } = newEvent('retried.example.com', NOW_MS);
      const timers = { after: () => () => undefined };
      const recorder = new HistoryRecorder({ store: store().history, timers, warn: () => undefined });
      recorder.record({ ...facts, origin: 'client' });
      await recorder.flush();
      for (const outcome of ['changed', 'failed'] as const) {
        recorder.record({ ...facts, timeMs: NOW_MS + 1_000, outcome, protocol: 'retry', origin: 'server' });
        recorder.record({ ...facts, timeMs: NOW_MS + 2_000, outcome, protocol: 'cli', origin: 'operator' });
      }
      await recorder.flush();
      expect(await store().history.read(ownerName, 10)).toHaveLength(5);
      expect(plain(await store().history.activity(ownerName))).toEqual(
        plain({ ownerName, repeats: 0, lastSeenMs: NOW_MS }),
      );
      recorder.record({ ...facts, timeMs: NOW_MS + 3_000, origin: 'client' });
      await recorder.close();
      expect((await store().history.activity(ownerName))?.lastSeenMs).toBe(NOW_MS + 3_000);
    });

    it('believes a later time than before only if it is not more than a day later: then a clock was wrong', async () => {
      const ownerName = nameOf('ahead.example.com');
      const DAY_MS = 86_400_000;
      const seen = async (lastSeenMs: number) => {
        await store().history.countRepeats([{ ownerName, repeats: 1, lastSeenMs }]);
        return (await store().history.activity(ownerName))?.lastSeenMs;
      };
      expect(await seen(NOW_MS + 365 * DAY_MS)).toBe(NOW_MS + 365 * DAY_MS);
      expect(await seen(NOW_MS)).toBe(NOW_MS);
      expect(await seen(NOW_MS - 1_000)).toBe(NOW_MS);
    });

    it('has the time that was noted last', async () => {
      await store().history.noteTime(NOW_MS + 5);
      expect(await store().history.lastTime()).toBe(NOW_MS + 5);
      await store().history.noteTime(NOW_MS);
      expect(await store().history.lastTime()).toBe(NOW_MS);
    });

    it('counts repeats that are added at the same time', async () => {
      const names = Array.from({ length: 20 }, (_, index) => nameOf(`h${index}.count.example.com`));
      await Promise.all(
        Array.from({ length: 10 }, (_, round) => {
          const order = round % 2 ? names : [...names].reverse();
          return store().history.countRepeats(
            order.map((ownerName) => ({ ownerName, repeats: 1, lastSeenMs: NOW_MS })),
          );
        }),
      );
      for (const ownerName of names) expect((await store().history.activity(ownerName))?.repeats).toBe(10);
    });

    it('returns the addresses of a host at any time, for each family separately', async () => {
      const host = 'past.example.com';
      const step = (before: string[], after: string[]) => ({ before, after });
      await store().history.append([
        newEvent(host, 1_000, { A: step([], ['192.0.2.1']) }),
        newEvent(host, 2_000, { A: step(['192.0.2.1'], ['192.0.2.2']), AAAA: step(['2001:db8::1'], []) }),
        newEvent(host, 2_500, { outcome: 'failed', A: step(['192.0.2.2'], ['192.0.2.9']) }),
        newEvent(host, 3_000, { A: step(['192.0.2.2'], []) }),
      ]);
      const at = (timeMs: number) => store().history.stateAt(nameOf(host), timeMs);
      expect(await at(999)).toEqual({ A: [], AAAA: ['2001:db8::1'] });
      expect(await at(1_000)).toEqual({ A: ['192.0.2.1'], AAAA: ['2001:db8::1'] });
      expect(await at(2_999)).toEqual({ A: ['192.0.2.2'], AAAA: [] });
      expect(await at(3_000)).toEqual({ A: [], AAAA: [] });
      expect(await store().history.stateAt(nameOf('nothing.example.com'), 1)).toEqual({});
    });

    it('records a step once for each silence, and returns `first` to one of several concurrent callers', async () => {
      const host = nameOf('silent.example.com');
      expect(await store().history.notedSilence(host, 'told')).toBeUndefined();
      const outcomes = await Promise.all(
        Array.from({ length: 8 }, () => store().history.noteSilence(host, 'told', NOW_MS)),
      );
      expect(outcomes.filter((outcome) => outcome === 'first')).toHaveLength(1);
      expect(await store().history.noteSilence(nameOf('SILENT.example.com'), 'told', NOW_MS)).toBe('known');
      expect(await store().history.noteSilence(host, 'told', NOW_MS - 1)).toBe('known');
      expect(await store().history.notedSilence(host, 'told')).toBe(NOW_MS);
      // Another step, another host and the next silence are independent of it.
      expect(await store().history.noteSilence(host, 'lease-ended', NOW_MS)).toBe('first');
      expect(await store().history.noteSilence(nameOf('x.silent.example.com'), 'told', NOW_MS)).toBe('first');
      expect(await store().history.noteSilence(host, 'told', NOW_MS + 1)).toBe('first');
      expect(await store().history.notedSilence(host, 'told')).toBe(NOW_MS + 1);
      expect(await store().history.notedSilence(host, 'lease-ended')).toBe(NOW_MS);
    });

    it('deletes the silences of a host with its history', async () => {
      const host = nameOf('purged.silent.example.com');
      await store().history.noteSilence(host, 'told', NOW_MS);
      await store().history.noteSilence(host, 'lease-ended', NOW_MS);
      await store().history.purge(host);
      expect(await store().history.notedSilence(host, 'told')).toBeUndefined();
      expect(await store().history.notedSilence(host, 'lease-ended')).toBeUndefined();
      expect(await store().history.notedSilence(nameOf('silent.example.com'), 'told')).toBeDefined();
    });

    it('knows since when updates could arrive without a gap', async () => {
      const note = (afterMs: number) => store().history.noteWatch(NOW_MS + afterMs, 1_000);
      expect(await note(0)).toBe(NOW_MS);
      expect(await note(900)).toBe(NOW_MS);
      // A process whose clock is behind does not cause a gap.
      expect(await note(100)).toBe(NOW_MS);
      expect(await note(1_900)).toBe(NOW_MS);
      expect(await note(2_901)).toBe(NOW_MS + 2_901);
      expect(await note(3_000)).toBe(NOW_MS + 2_901);
      // A clock was a year ahead, and is right again: the time of every host begins now, not in a year.
      const yearMs = 365 * 86_400_000;
      expect(await note(yearMs)).toBe(NOW_MS + yearMs);
      expect(await note(3_100)).toBe(NOW_MS + 3_100);
      expect(await note(3_200)).toBe(NOW_MS + 3_100);
    });

    it('prunes the events of all hosts that are older than a time, and nothing else', async () => {
      const olderMs = NOW_MS - 86_400_000;
      const before = await store().history.prune(olderMs);
      expect(before).toBe(4);
      await store().history.append([
        newEvent('x.prune.example.com', olderMs - 1),
        newEvent('y.prune.example.com', olderMs - 2),
        newEvent('y.prune.example.com', olderMs),
      ]);
      expect(await store().history.prune(olderMs)).toBe(2);
      expect(await store().history.read(nameOf('x.prune.example.com'), 9)).toEqual([]);
      expect(await store().history.read(nameOf('y.prune.example.com'), 9)).toHaveLength(1);
    });

    it('trims the oldest events of the hosts with the most', async () => {
      const { history } = store();
      const { stored: others } = await history.trim(1e9);
      const hosts = { a: 40, b: 25, c: 20 };
      for (const [host, count] of Object.entries(hosts)) {
        const added = Array.from({ length: count }, (_, index) => newEvent(`${host}.trim.example.com`, NOW_MS + index));
        await history.append(added);
        // Once more: it is stored and counted already.
        await history.append(added.slice(0, 5));
      }
      // Hosts of other tests have fewer events than these, but one.
      await history.purge(nameOf('many.example.com'));
      const { stored } = await history.trim(1e9);
      expect(stored).toBe(others - 301 + 85);
      const left = async () => {
        const events = await Promise.all(
          Object.keys(hosts).map((host) => history.read(nameOf(`${host}.trim.example.com`), 100)),
        );
        return events.map((list) => [list.length, list.at(-1)?.timeMs]);
      };
      expect(await history.trim(stored)).toEqual({ stored, deleted: 0 });
      expect(await history.trim(stored - 10)).toEqual({ stored: stored - 10, deleted: 10 });
      expect(await left()).toEqual([
        [30, NOW_MS + 10],
        [25, NOW_MS],
        [20, NOW_MS],
      ]);
      expect(await history.trim(stored - 25)).toEqual({ stored: stored - 25, deleted: 15 });
      expect(await left()).toEqual([
        [20, NOW_MS + 20],
        [20, NOW_MS + 5],
        [20, NOW_MS],
      ]);
      await history.purge(nameOf('b.trim.example.com'));
      expect(await history.trim(1e9)).toEqual({ stored: stored - 45, deleted: 0 });
    });

    it('trims at the same time as others do no more than one', async () => {
      const { history } = store();
      const { stored: before } = await history.trim(1e9);
      await history.append(Array.from({ length: 500 }, (_, n) => newEvent('twice.trim.example.com', NOW_MS + n)));
      await Promise.all(Array.from({ length: 8 }, () => history.trim(before + 400)));
      expect((await history.trim(1e9)).stored).toBe(before + 400);
      await history.purge(nameOf('twice.trim.example.com'));
    });

    it('trims while others add, delete and trim, and counts right in the end', async () => {
      const { history } = store();
      const { stored: before } = await history.trim(1e9);
      const hosts = Array.from({ length: 20 }, (_, index) => `h${index}.busy.example.com`);
      const events = (round: number, reverse: boolean) => {
        const names = reverse ? [...hosts].reverse() : hosts;
        return names.flatMap((host) => Array.from({ length: 10 }, (_, n) => newEvent(host, NOW_MS + round * 10 + n)));
      };
      await Promise.all(
        Array.from({ length: 8 }, async (_, round) => {
          await history.append(events(round, round % 2 === 1));
          await history.trim(before + 1_000);
          await history.purge(nameOf(hosts[round]!));
        }),
      );
      await history.append(Array.from({ length: 300 }, (_, n) => newEvent(hosts[0]!, NOW_MS + n)));
      while ((await history.trim(before + 200)).deleted > 0);
      const { stored } = await history.trim(1e9);
      expect(stored).toBe(before + 200);
      let counted = 0;
      for (const host of hosts) counted += await history.purge(nameOf(host));
      expect((await history.trim(1e9)).stored).toBe(stored - counted);
    });

    it('purges the events and the activity of one host', async () => {
      const [purged, other] = [nameOf('gone.example.com'), nameOf('x.gone.example.com')];
      await store().history.append([newEvent('gone.example.com', NOW_MS), newEvent('GONE.example.com', NOW_MS + 1)]);
      await store().history.append([newEvent('x.gone.example.com', NOW_MS)]);
      await store().history.countRepeats(
        [purged, other].map((ownerName) => ({ ownerName, repeats: 1, lastSeenMs: NOW_MS })),
      );
      expect(await store().history.purge(purged)).toBe(2);
      expect(await store().history.read(purged, 9)).toEqual([]);
      expect(await store().history.activity(purged)).toBeUndefined();
      expect(await store().history.read(other, 9)).toHaveLength(1);
      expect(await store().history.activity(other)).toBeDefined();
    });
  });
}
