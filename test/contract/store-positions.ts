/** The contract of a store: the order in which readers of a stream get events (HistoryStore). */
import { describe, expect, it } from 'vitest';
import type { EventPosition, PlacedEvent } from '../../src/core/history/history-store.ts';
import type { Store } from '../../src/core/store.ts';
import { NOW_MS, nameOf, newEvent, plain } from './store-fixtures.ts';

export function describeEventPositions(store: () => Store): void {
  describe('positions of events', () => {
    const idsOf = (placed: readonly PlacedEvent[]) => placed.map(({ event }) => event.id);
    const last = (placed: readonly PlacedEvent[]): EventPosition => {
      const { batch, event } = placed.at(-1)!;
      return { batch, id: event.id };
    };

    it('returns events in the order in which they were stored, not in that of their ids', async () => {
      const { history } = store();
      const start = await history.newestPosition();
      const [late, early, first, second] = [9_000, 1_000, 5_000, 5_001].map((ms) =>
        newEvent('order.example.com', NOW_MS + ms),
      ) as [ReturnType<typeof newEvent>, ...ReturnType<typeof newEvent>[]];
      await history.append([late]);
      await history.append([early!]);
      await history.append([second!, first!]);
      const placed = await history.readAfter(start, 10);
      expect(idsOf(placed)).toEqual([late, early, first, second].map((event) => event!.id));
      expect(plain(placed[0]!.event)).toEqual(plain(late));
      expect(await history.newestPosition()).toEqual(last(placed));
    });

    it('continues after any event, page by page', async () => {
      const { history } = store();
      const start = await history.newestPosition();
      const events = Array.from({ length: 150 }, (_, index) => newEvent(`p${index % 7}.example.com`, NOW_MS + index));
      await history.append(events.slice(0, 100));
      await history.append(events.slice(100));
      const seen: string[] = [];
      for (let position = start; ; ) {
        const page = await history.readAfter(position, 40);
        seen.push(...idsOf(page));
        if (page.length < 40) break;
        position = last(page);
      }
      expect(seen).toEqual(events.map(({ id }) => id));
      const middle = await history.positionOf(events[70]!.id);
      expect(middle?.id).toBe(events[70]!.id);
      expect(idsOf(await history.readAfter(middle!, 1_000))).toEqual(events.slice(71).map(({ id }) => id));
      expect([await history.hasMoreAfter(middle!, 78), await history.hasMoreAfter(middle!, 79)]).toEqual([true, false]);
    });

    it('starts before the first event of a batch where the id is empty', async () => {
      const { history } = store();
      const event = newEvent('empty.example.com', NOW_MS);
      await history.append([event]);
      const { batch } = await history.newestPosition();
      expect(idsOf(await history.readAfter({ batch, id: '' }, 10))).toEqual([event.id]);
      expect(await history.readAfter({ batch: batch + 1, id: '' }, 10)).toEqual([]);
    });

    it('an event that is stored again stays where it was', async () => {
      const { history } = store();
      const [known, later] = [newEvent('again.example.com', NOW_MS), newEvent('again.example.com', NOW_MS + 1)];
      await history.append([known]);
      const position = await history.positionOf(known.id);
      await history.append([known, later]);
      expect(await history.positionOf(known.id)).toEqual(position);
      expect(idsOf(await history.readAfter(position!, 10))).toEqual([later.id]);
    });

    it('an event that is not stored has none', async () => {
      const { history } = store();
      const event = newEvent('gone.example.com', NOW_MS);
      expect(await history.positionOf(event.id)).toBeUndefined();
      await history.append([event]);
      await history.purge(nameOf('gone.example.com'));
      expect(await history.positionOf(event.id)).toBeUndefined();
    });

    it('none that becomes visible later is before one that was visible', async () => {
      const { history } = store();
      const start = await history.newestPosition();
      let isAppending = true;
      const seen: string[] = [];
      const appended: string[] = [];
      const append = async (writer: number) => {
        for (let round = 0; round < 15; round++) {
          // Ids of later rounds are smaller.
          const events = Array.from({ length: 80 }, (_, index) =>
            newEvent(`w${writer}-${index}.race.example.com`, NOW_MS - round * 1_000 + index),
          );
          await history.append(events);
          appended.push(...events.map(({ id }) => id));
        }
      };
      const read = async () => {
        for (let position = start; ; ) {
          const isLast = !isAppending;
          const page = await history.readAfter(position, 1_000);
          seen.push(...idsOf(page));
          if (page.length > 0) position = last(page);
          else if (isLast) break;
        }
      };
      const reading = read();
      await Promise.all([append(1), append(2), append(3)]);
      isAppending = false;
      await reading;
      expect(seen.length).toBe(appended.length);
      expect(new Set(seen)).toEqual(new Set(appended));
    });
  });
}
