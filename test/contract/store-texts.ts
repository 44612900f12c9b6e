/** The contract of a store: TXT values (TextStore). */
import { describe, expect, it } from 'vitest';
import type { Store } from '../../src/core/store.ts';
import { NOW_MS, nameOf } from './store-fixtures.ts';

export function describeTextStore(store: () => Store): void {
  describe('TXT values', () => {
    const [name, other] = [nameOf('_acme-challenge.Home.example.com'), nameOf('_acme-challenge.x.example.com')];
    const value = (text: string, addedMs: number, removeAtMs: number, ownerName = name) => ({
      ownerName,
      text,
      addedMs,
      removeAtMs,
    });

    it('stores each value of a name once, and returns the oldest first', async () => {
      await store().texts.put(value('b', NOW_MS + 2, NOW_MS + 90));
      await store().texts.put(value('a', NOW_MS + 1, NOW_MS + 100));
      await store().texts.put(value('A "\\ä', NOW_MS, NOW_MS + 100));
      await store().texts.put(value('b', NOW_MS + 3, NOW_MS + 95, nameOf('_ACME-challenge.home.example.com')));
      await store().texts.put(value('x'.repeat(1024), NOW_MS, NOW_MS + 1000, other));
      const [first, ...rest] = await store().texts.at(name);
      expect(first).toMatchObject({ text: 'A "\\ä', addedMs: NOW_MS, removeAtMs: NOW_MS + 100 });
      expect(first?.ownerName.equals(name)).toBe(true);
      expect(rest).toMatchObject([{ text: 'a' }, { text: 'b', addedMs: NOW_MS + 3, removeAtMs: NOW_MS + 95 }]);
      expect((await store().texts.at(other)).map(({ text }) => text.length)).toEqual([1024]);
      expect(await store().texts.at(nameOf('home.example.com'))).toEqual([]);
    });

    it('returns due values, the most overdue first, each to one caller until it is due again', async () => {
      expect(await store().texts.takeDue(NOW_MS + 94, NOW_MS + 200, 10)).toEqual([]);
      const first = await store().texts.takeDue(NOW_MS + 100, NOW_MS + 200, 1);
      expect(first).toMatchObject([{ text: 'b', addedMs: NOW_MS + 3, removeAtMs: NOW_MS + 200 }]);
      const rest = await Promise.all(
        Array.from({ length: 4 }, () => store().texts.takeDue(NOW_MS + 100, NOW_MS + 200, 10)),
      );
      expect(
        rest
          .flat()
          .map(({ text }) => text)
          .sort(),
      ).toEqual(['A "\\ä', 'a']);
      expect(await store().texts.takeDue(NOW_MS + 199, NOW_MS + 300, 10)).toEqual([]);
      expect(await store().texts.takeDue(NOW_MS + 200, NOW_MS + 300, 10)).toHaveLength(3);
    });

    it('deletes values of one name', async () => {
      await store().texts.put(value('a', NOW_MS, NOW_MS, other));
      await store().texts.remove(name, ['a', 'A "\\ä', 'never there']);
      await store().texts.remove(nameOf('nothing.example.com'), ['a']);
      await store().texts.remove(other, []);
      expect((await store().texts.at(name)).map(({ text }) => text)).toEqual(['b']);
      expect(await store().texts.at(other)).toHaveLength(2);
    });
  });
}
