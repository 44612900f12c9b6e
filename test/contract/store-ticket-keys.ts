/** The contract of a store: the key of TLS session tickets (TicketKeyStore). */
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Store } from '../../src/core/store.ts';
import { TICKET_KEY_OCTETS } from '../../src/core/ticket-keys.ts';
import { waitUntil } from '../support/process.ts';

const LONG_MS = 3_600_000;

export function describeTicketKeyStore(store: () => Store): void {
  describe('the key of session tickets', () => {
    const current = (maxAgeMs: number, fresh = randomBytes(TICKET_KEY_OCTETS)) =>
      store().ticketKeys.current(fresh, maxAgeMs);

    it('is that of the first of several callers at once, and stays', async () => {
      const fresh = Array.from({ length: 8 }, () => randomBytes(TICKET_KEY_OCTETS));
      const keys = await Promise.all(fresh.map((secret) => current(LONG_MS, secret)));
      const [first] = keys;
      expect(fresh.map((secret) => secret.toString('hex'))).toContain(first!.secret.toString('hex'));
      for (const { secret, ageMs } of [...keys, await current(LONG_MS)]) {
        expect(secret).toEqual(first!.secret);
        expect(ageMs).toBeGreaterThanOrEqual(0);
        expect(ageMs).toBeLessThan(LONG_MS);
      }
    });

    it('is replaced at its age, by one of several callers', async () => {
      const { secret: old } = await current(LONG_MS);
      await waitUntil('the age', async () => (await current(LONG_MS)).ageMs >= 500);
      const maxAgeMs = (await current(LONG_MS)).ageMs;
      const keys = await Promise.all(Array.from({ length: 8 }, () => current(maxAgeMs)));
      expect(keys[0]!.secret).not.toEqual(old);
      for (const { secret } of [...keys, await current(LONG_MS)]) expect(secret).toEqual(keys[0]!.secret);
    });
  });
}
