/**
 * The contract of every store (src/core/store.ts). store-memory.test.ts, store-sqlite.test.ts and
 * store-postgres.test.ts run it on their implementation.
 *
 * @example
 * describeStore({
 *   title: 'in memory',
 *   open: async () => openMemoryStore(),
 *   close: (store) => store.close(),
 * });
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultHostSettings } from '../../src/core/hosts/host.ts';
import type { Store } from '../../src/core/store.ts';
import { TICKET_KEY_MS, TICKET_KEY_OCTETS } from '../../src/core/ticket-keys.ts';
import { describeAuditStore } from './store-audit.ts';
import { describeCustomerStore } from './store-customers.ts';
import { NOW_MS, nameOf, newEvent, newPendingUpdate, newToken } from './store-fixtures.ts';
import { describeHistoryStore } from './store-history.ts';
import { describeHostStore } from './store-hosts.ts';
import { describeOverviewStore } from './store-overview.ts';
import { describePendingStore } from './store-pending.ts';
import { describeEventPositions } from './store-positions.ts';
import { describeSignInStore } from './store-sign-ins.ts';
import { describeTextStore } from './store-texts.ts';
import { describeTicketKeyStore } from './store-ticket-keys.ts';
import { describeTokenStore } from './store-tokens.ts';
import { describeTurnStore } from './store-turns.ts';
import { describeUserStore } from './store-users.ts';

export interface StoreSubject {
  readonly title: string;
  /** Opens an empty store. */
  readonly open: () => Promise<Store>;
  /** Closes the store and opens it again; absent: the store ends with the process. */
  readonly reopen?: (store: Store) => Promise<Store>;
  readonly close: (store: Store) => Promise<void>;
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

    describeTokenStore(() => store);
    describeHostStore(() => store);
    describeHistoryStore(() => store);
    describeEventPositions(() => store);
    describeOverviewStore(() => store);
    describeTextStore(() => store);
    describePendingStore(() => store);
    describeTurnStore(() => store);
    describeTicketKeyStore(() => store);
    describeUserStore(() => store);
    describeSignInStore(() => store);
    describeCustomerStore(() => store);
    describeAuditStore(() => store);

    const { reopen } = subject;
    if (reopen !== undefined) {
      it('has all data after it was closed and opened again', async () => {
        const token = newToken();
        await store.tokens.create(token);
        await store.hosts.put(defaultHostSettings(nameOf('reopened.example.com')));
        await store.history.append([newEvent('reopened.example.com', NOW_MS)]);
        await store.pending.put(newPendingUpdate('reopened.example.com'));
        const { sequence } = (await store.pending.get(nameOf('reopened.example.com'), 'A'))!;
        const ticketKey = await store.ticketKeys.current(Buffer.alloc(TICKET_KEY_OCTETS), TICKET_KEY_MS);
        store = await reopen(store);
        const unused = Buffer.alloc(TICKET_KEY_OCTETS, 1);
        expect((await store.ticketKeys.current(unused, TICKET_KEY_MS)).secret).toEqual(ticketKey.secret);
        expect(await store.tokens.findBySha256(token.sha256)).toMatchObject({ id: token.id });
        expect(await store.hosts.get(nameOf('reopened.example.com'))).toBeDefined();
        expect(await store.history.read(nameOf('reopened.example.com'), 9)).toHaveLength(1);
        expect(await store.pending.get(nameOf('reopened.example.com'), 'A')).toMatchObject({ sequence });
        await store.pending.remove(nameOf('reopened.example.com'), 'A');
        await store.pending.put(newPendingUpdate('reopened.example.com'));
        expect((await store.pending.get(nameOf('reopened.example.com'), 'A'))?.sequence).toBeGreaterThan(sequence);
      });
    }
  });
}
