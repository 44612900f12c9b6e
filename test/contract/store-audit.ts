/** The contract of a store: the audit list (AuditStore). */
import { describe, expect, it } from 'vitest';
import { eventId } from '../../src/core/history/history.ts';
import type { Store } from '../../src/core/store.ts';
import type { AuditEntry } from '../../src/core/users/audit.ts';
import { NOW_MS } from './store-fixtures.ts';

export function describeAuditStore(store: () => Store): void {
  describe('the audit list', () => {
    const entry = (number: number, fields: Partial<AuditEntry> = {}): AuditEntry => ({
      id: eventId(NOW_MS + number, number, new Uint8Array(10)),
      timeMs: NOW_MS + number,
      actor: 'operator',
      source: '',
      operation: 'createToken',
      target: 'router',
      outcome: 'done',
      ...fields,
    });
    const entries = [
      entry(1),
      entry(2, { actor: 'anna', key: 'laptop', source: '2001:db8::7', outcome: 'not-permitted' }),
      entry(3, { operation: 'addHost', target: 'home.example.com' }),
      entry(4, { actor: 'anna', key: 'laptop', operation: 'addHost' }),
    ];

    it('has entries newest first, with filters, page by page', async () => {
      await store().audit.append(entries.slice(2));
      await store().audit.append(entries.slice(0, 2));
      await store().audit.append(entries.slice(0, 1));
      await store().audit.append([]);
      const [one, two, three, four] = entries;
      expect(await store().audit.read({}, 9)).toEqual([four, three, two, one]);
      expect(await store().audit.read({}, 2)).toEqual([four, three]);
      expect(await store().audit.read({}, 9, three!.id)).toEqual([two, one]);
      expect(await store().audit.read({ actor: 'anna' }, 9)).toEqual([four, two]);
      expect(await store().audit.read({ operation: 'addHost' }, 9)).toEqual([four, three]);
      expect(await store().audit.read({ actor: 'anna', operation: 'addHost', sinceMs: NOW_MS }, 9)).toEqual([four]);
      expect(await store().audit.read({ sinceMs: NOW_MS + 3 }, 9)).toEqual([four, three]);
      expect(await store().audit.read({ actor: 'a\0' }, 9)).toEqual([]);
    });

    it('stores what a client sent without NUL, and at most 500 characters of it', async () => {
      const odd = entry(5, { target: `a\0b${'x'.repeat(600)}` });
      await store().audit.append([odd]);
      const [stored] = await store().audit.read({}, 1);
      expect(stored?.target).toBe(`a\ufffdb${'x'.repeat(497)}`);
    });

    it('deletes old entries', async () => {
      const left = async () => (await store().audit.read({}, 9)).map(({ timeMs }) => timeMs - NOW_MS);
      expect(await store().audit.prune(NOW_MS + 3, 9)).toBe(2);
      expect(await store().audit.prune(NOW_MS + 3, 3)).toBe(0);
      expect(await left()).toEqual([5, 4, 3]);
      expect(await store().audit.prune(0, 2)).toBe(1);
      expect(await left()).toEqual([5, 4]);
      expect(await store().audit.prune(NOW_MS + 5, 0)).toBe(2);
      expect(await left()).toEqual([]);
    });
  });
}
