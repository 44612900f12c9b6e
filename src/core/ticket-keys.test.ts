/** The key of session tickets: the same at all servers on one store, and replaced in time also where the store does not answer. */
import { expect, it } from 'vitest';
import { ManualTimers } from '../../test/support/manual-timers.ts';
import { AppError } from './errors.ts';
import { TICKET_KEY_MS, TICKET_KEY_OCTETS, type TicketKeyStore, TicketKeys } from './ticket-keys.ts';

const CHECK_MS = 5_000;

/** A store with a clock of its own, which can be away. */
class TestStore implements TicketKeyStore {
  readonly #timers: ManualTimers;
  #secret: Buffer | undefined;
  #createdMs = 0;
  isAway = false;

  constructor(timers: ManualTimers) {
    this.#timers = timers;
  }

  async current(fresh: Buffer, maxAgeMs: number) {
    if (this.isAway) throw new AppError('store-unreachable', 'away');
    if (this.#secret === undefined || this.#timers.nowMs - this.#createdMs >= maxAgeMs) {
      this.#secret = fresh;
      this.#createdMs = this.#timers.nowMs;
    }
    return { secret: this.#secret, ageMs: this.#timers.nowMs - this.#createdMs };
  }
}

function serverOn(store: TicketKeyStore, timers: ManualTimers) {
  const used: string[] = [];
  const use = (secret: Buffer) => {
    expect(secret).toHaveLength(TICKET_KEY_OCTETS);
    used.push(secret.toString('hex'));
  };
  return { used, keys: new TicketKeys({ store, use, clock: timers.now, timers }) };
}

it('servers on one store have one key, and all have the next one within the time of a check', async () => {
  const timers = new ManualTimers();
  const store = new TestStore(timers);
  const [a, b] = [serverOn(store, timers), serverOn(store, timers)];
  await a.keys.start();
  await timers.pass(2_000);
  await b.keys.start();
  timers.nowMs += TICKET_KEY_MS - 2_001 - CHECK_MS;
  await timers.pass(CHECK_MS);
  expect([a.used.length, b.used]).toEqual([1, a.used]);
  await timers.pass(1 + CHECK_MS);
  expect([a.used.length, b.used]).toEqual([2, a.used]);
  expect(new Set(a.used).size).toBe(2);
});

it('has a key of its own while the store does not answer, and that of the store afterwards', async () => {
  const timers = new ManualTimers();
  const store = new TestStore(timers);
  const a = serverOn(store, timers);
  await a.keys.start();
  store.isAway = true;
  const b = serverOn(store, timers);
  await b.keys.start();
  await timers.pass(60_000);
  expect([a.used.length, b.used.length]).toEqual([1, 1]);
  expect(b.used).not.toEqual(a.used);
  store.isAway = false;
  await timers.pass(CHECK_MS);
  expect(b.used.slice(1)).toEqual(a.used);
});

it('no key is used for longer than its time, not even while the store does not answer', async () => {
  const timers = new ManualTimers();
  const store = new TestStore(timers);
  await store.current(Buffer.alloc(TICKET_KEY_OCTETS), TICKET_KEY_MS);
  timers.nowMs += TICKET_KEY_MS / 2;
  const { used, keys } = serverOn(store, timers);
  await keys.start();
  store.isAway = true;
  timers.nowMs += TICKET_KEY_MS / 2 - 1 - CHECK_MS;
  await timers.pass(CHECK_MS);
  expect(used).toHaveLength(1);
  await timers.pass(1 + CHECK_MS);
  expect(used).toHaveLength(2);
  timers.nowMs += TICKET_KEY_MS;
  await timers.pass(CHECK_MS);
  expect(new Set(used).size).toBe(3);
});

it('no more checks after close', async () => {
  const timers = new ManualTimers();
  const { used, keys } = serverOn(new TestStore(timers), timers);
  await keys.start();
  await keys.close();
  timers.nowMs += TICKET_KEY_MS;
  await timers.pass(CHECK_MS);
  expect(used).toHaveLength(1);
});
