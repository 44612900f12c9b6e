/**
 * The store in memory: for tests, and for state that may end with the process. It holds values by reference and never
 * fails.
 */

import {
  type EventReceipt,
  firstIdOf,
  type HistoryEvent,
  type HostActivity,
  type PastAddresses,
} from '../core/history/history.ts';
import type { EventPosition, HistoryStore, SilenceStep } from '../core/history/history-store.ts';
import type { PendingStore } from '../core/pending/pending-store.ts';
import type { PendingUpdate } from '../core/pending/pending-update.ts';
import type { Store } from '../core/store.ts';
import type { StoredText, TextStore } from '../core/texts/text-store.ts';
import type { TicketKeyStore } from '../core/ticket-keys.ts';
import type { TurnStore } from '../core/updates/turn-store.ts';
import { FAMILIES, type Family, sameAddresses } from '../core/zones/family.ts';
import type { KnownSerial, KnownSerialStore } from '../core/zones/known-serials.ts';
import type { Receipt } from '../core/zones/secondaries.ts';
import type { DomainName } from '../dns/name.ts';
import { serialIsLater } from '../dns/serial.ts';
import { type Clients, memoryAuditStore, memoryHostStore, memoryTokenStore } from './memory-clients.ts';
import { memoryOverviewStore } from './memory-overview.ts';
import { forgetSignIns, memorySignInStore, newSignIns } from './memory-sign-ins.ts';
import { memoryCustomerStore, memoryUserStore } from './memory-users.ts';
import { byName, eventOf, eventRow } from './rows.ts';
import { WRONG_CLOCK_MS } from './schema.ts';
import { trimPlan } from './trim-plan.ts';

export function openMemoryStore(): Store {
  const { watchedSinceMs, ...history } = memoryHistoryStore();
  const pending = memoryPendingStore();
  const signIns = newSignIns();
  const clients: Clients = {
    tokens: new Map(),
    lastUses: new Map(),
    hosts: new Map(),
    users: new Map(),
    keys: new Map(),
    history,
    forgetUser: (userId) => forgetSignIns(signIns, userId),
  };
  return {
    tokens: memoryTokenStore(clients),
    hosts: memoryHostStore(clients),
    users: memoryUserStore(clients),
    signIns: memorySignInStore(clients, signIns),
    customers: memoryCustomerStore(clients),
    audit: memoryAuditStore(),
    history,
    overview: memoryOverviewStore(clients, pending, watchedSinceMs),
    pending,
    texts: memoryTextStore(),
    knownSerials: memoryKnownSerials(),
    turns: memoryTurnStore(),
    ticketKeys: memoryTicketKeys(),
    ping: async () => {},
    close: async () => {},
  };
}

function memoryKnownSerials(): KnownSerialStore {
  const byZone = new Map<string, KnownSerial>();
  return {
    all: async () => [...byZone.values()],
    async put(known) {
      for (const each of known) byZone.set(each.apex.key, each);
    },
  };
}

function memoryTicketKeys(): TicketKeyStore {
  let stored: { readonly secret: Buffer; readonly sinceMs: number } | undefined;
  return {
    async current(fresh, maxAgeMs) {
      const nowMs = performance.now();
      if (stored === undefined || nowMs - stored.sinceMs >= maxAgeMs) stored = { secret: fresh, sinceMs: nowMs };
      return { secret: stored.secret, ageMs: nowMs - stored.sinceMs };
    },
  };
}

/** Receipts, oldest first. */
function memoryReceipts(): Pick<HistoryStore, 'appendReceipts' | 'receipts' | 'pruneReceipts'> {
  let stored: readonly Receipt[] = [];
  return {
    async appendReceipts(receipts) {
      stored = [...stored, ...receipts].sort((a, b) => a.timeMs - b.timeMs);
    },
    async receipts(events, zone, secondaries) {
      return secondaries.flatMap((secondary) => {
        const own = stored.filter(
          (each) => each.zone.toLowerCase() === zone.toLowerCase() && each.secondary === secondary,
        );
        return events.flatMap(({ id, timeMs, serial }): EventReceipt[] => {
          if (serial === undefined || own[0] === undefined || timeMs < own[0].timeMs) return [];
          const isReceipt = (each: Receipt) =>
            each.timeMs >= timeMs - 1_000 && each.serial !== undefined && !serialIsLater(serial, each.serial);
          return [{ eventId: id, secondary, timeMs: own.find(isReceipt)?.timeMs }];
        });
      });
    },
    async pruneReceipts(olderThanMs, maxReceipts) {
      const before = stored.length;
      stored = stored.filter(({ timeMs }) => timeMs >= olderThanMs).slice(-maxReceipts);
      return before - stored.length;
    },
  };
}

const SILENCE_STEPS: readonly SilenceStep[] = ['told', 'lease-ended'];

function memoryHistoryStore(): HistoryStore & { readonly watchedSinceMs: () => number } {
  const events = new Map<string, HistoryEvent>();
  /** By the id of the event. */
  const batches = new Map<string, number>();
  let batch = 0;
  const after = ({ batch: from, id }: EventPosition) =>
    [...events.values()]
      .map((event) => ({ batch: batches.get(event.id)!, event }))
      .filter((placed) => placed.batch > from || (placed.batch === from && placed.event.id > id))
      .sort((a, b) => a.batch - b.batch || (a.event.id < b.event.id ? -1 : 1));
  const activities = new Map<string, HostActivity>();
  /** By step and host: when the host was last seen before that silence. */
  const silences = new Map<string, number>();
  let notedMs: number | undefined;
  let watch: { readonly sinceMs: number; readonly lookedMs: number } | undefined;
  /** Oldest first. */
  const eventsOf = (ownerName: DomainName) =>
    [...events.values()].filter((event) => event.ownerName.equals(ownerName)).sort((a, b) => (a.id < b.id ? -1 : 1));
  const remove = (condition: (event: HistoryEvent) => boolean) => {
    const ids = [...events.values()].filter(condition).map(({ id }) => id);
    for (const id of ids) {
      events.delete(id);
      batches.delete(id);
    }
    return ids.length;
  };
  return {
    ...memoryReceipts(),
    watchedSinceMs: () => watch?.sinceMs ?? 0,
    async append(added) {
      batch += 1;
      for (const event of added) {
        if (events.has(event.id)) continue;
        events.set(event.id, eventOf(eventRow(event)));
        batches.set(event.id, batch);
      }
    },
    async newestPosition() {
      const newest = after({ batch: 0, id: '' }).at(-1);
      return newest === undefined ? { batch: 0, id: '' } : { batch: newest.batch, id: newest.event.id };
    },
    async positionOf(id) {
      const found = batches.get(id);
      return found === undefined ? undefined : { batch: found, id };
    },
    readAfter: async (position, limit) => after(position).slice(0, limit),
    hasMoreAfter: async (position, count) => after(position).length > count,
    async countRepeats(counts) {
      for (const { ownerName, repeats, lastSeenMs } of counts) {
        const activity = activities.get(ownerName.key);
        activities.set(ownerName.key, {
          ownerName,
          repeats: repeats + (activity?.repeats ?? 0),
          lastSeenMs: later(activity?.lastSeenMs ?? 0, lastSeenMs),
        });
      }
    },
    async read(ownerName, limit, before) {
      const older = eventsOf(ownerName).filter(({ id }) => before === undefined || id < before);
      return older.reverse().slice(0, limit);
    },
    async readAll({ outcome, actor, source, sinceMs, hosts }, limit, before) {
      const keys = hosts && new Set(hosts.map(({ key }) => key));
      const found = [...events.values()].filter(
        (event) =>
          (before === undefined || event.id < before) &&
          (outcome === undefined || event.outcome === outcome) &&
          (actor === undefined || event.actor === actor) &&
          (source === undefined || event.source === source) &&
          (keys === undefined || keys.has(event.ownerName.key)) &&
          (sinceMs === undefined || event.id >= firstIdOf(sinceMs)),
      );
      return found.sort((a, b) => (a.id < b.id ? 1 : -1)).slice(0, limit);
    },
    async readMoves(ownerName, family, limit, before) {
      const moves = eventsOf(ownerName).filter(
        ({ id, outcome, [family]: step }) =>
          outcome === 'changed' &&
          step !== undefined &&
          !sameAddresses(step.before, step.after) &&
          (before === undefined || id < before),
      );
      return moves.reverse().slice(0, limit);
    },
    lastTime: async () =>
      notedMs ?? (events.size === 0 ? undefined : Math.max(...[...events.values()].map(({ timeMs }) => timeMs))),
    async noteTime(timeMs) {
      notedMs = timeMs;
    },
    activity: async (ownerName) => activities.get(ownerName.key),
    activities: async () => [...activities.values()].sort(byName),
    activitiesOf: async (ownerNames) => ownerNames.flatMap(({ key }) => activities.get(key) ?? []),
    async stateAt(ownerName, timeMs) {
      const state: { -readonly [F in keyof PastAddresses]: PastAddresses[F] } = {};
      for (const family of FAMILIES) {
        const changes = eventsOf(ownerName).filter((event) => event.outcome === 'changed' && event[family]);
        const last = changes.filter((event) => event.timeMs <= timeMs).at(-1)?.[family]?.after;
        const addresses = last ?? changes.find((event) => event.timeMs > timeMs)?.[family]?.before;
        if (addresses !== undefined) state[family] = addresses;
      }
      return state;
    },
    async noteSilence(ownerName, step, lastSeenMs) {
      const key = `${step} ${ownerName.key}`;
      if ((silences.get(key) ?? Number.NEGATIVE_INFINITY) >= lastSeenMs) return 'known';
      silences.set(key, lastSeenMs);
      return 'first';
    },
    notedSilence: async (ownerName, step) => silences.get(`${step} ${ownerName.key}`),
    async noteWatch(nowMs, pauseMs) {
      const isAhead = Math.max(watch?.lookedMs ?? 0, watch?.sinceMs ?? 0) > nowMs + WRONG_CLOCK_MS;
      const isGap = watch === undefined || isAhead || watch.lookedMs < nowMs - pauseMs;
      const sinceMs = watch === undefined || isGap ? nowMs : watch.sinceMs;
      watch = { sinceMs, lookedMs: later(watch?.lookedMs ?? nowMs, nowMs) };
      return sinceMs;
    },
    async purge(ownerName) {
      activities.delete(ownerName.key);
      for (const step of SILENCE_STEPS) silences.delete(`${step} ${ownerName.key}`);
      return remove((event) => event.ownerName.equals(ownerName));
    },
    prune: async (olderThanMs) => remove((event) => event.timeMs < olderThanMs),
    async trim(maxEvents) {
      const counts = new Map<string, number>();
      for (const { ownerName } of events.values()) counts.set(ownerName.key, (counts.get(ownerName.key) ?? 0) + 1);
      const descending = [...counts]
        .map(([name, count]) => ({ name, events: count }))
        .sort((a, b) => b.events - a.events);
      const ids = trimPlan(descending, Math.max(0, events.size - maxEvents)).flatMap(({ name, events: count }) =>
        [...events.values()]
          .filter(({ ownerName }) => ownerName.key === name)
          .map(({ id }) => id)
          .sort()
          .slice(0, count),
      );
      for (const id of ids) events.delete(id);
      return { stored: events.size, deleted: ids.length };
    },
  };
}

/** The later of two times; the second where the first was written by a clock that was ahead. */
function later(stored: number, added: number): number {
  return stored > added && stored <= added + WRONG_CLOCK_MS ? stored : added;
}

function memoryPendingStore(): PendingStore {
  const updates = new Map<string, PendingUpdate>();
  let sequence = 0;
  const keyOf = (ownerName: DomainName, family: Family) => `${family} ${ownerName.key}`;
  const bySequence = (a: PendingUpdate, b: PendingUpdate) => a.sequence - b.sequence;
  return {
    async put(...added) {
      for (const update of added) {
        sequence += 1;
        updates.set(keyOf(update.ownerName, update.family), { ...update, sequence, attempts: 0 });
      }
    },
    get: async (ownerName, family) => updates.get(keyOf(ownerName, family)),
    list: async () => [...updates.values()].sort(bySequence),
    listSite: async (site) => [...updates.values()].filter((update) => update.site === site).sort(bySequence),
    count: async () => updates.size,
    async takeDue(nowMs, untilMs, limit) {
      const due = [...updates]
        .filter(([, update]) => update.nextAttemptMs <= nowMs)
        .sort(([, a], [, b]) => a.nextAttemptMs - b.nextAttemptMs || bySequence(a, b))
        .slice(0, limit);
      for (const [key, update] of due) updates.set(key, { ...update, nextAttemptMs: untilMs });
      return due.map(([key]) => updates.get(key) as PendingUpdate).sort(bySequence);
    },
    async postpone({ ownerName, family, sequence: expected }, nextAttemptMs, lastError) {
      const key = keyOf(ownerName, family);
      const stored = updates.get(key);
      if (stored?.sequence !== expected) return;
      updates.set(key, { ...stored, attempts: stored.attempts + 1, nextAttemptMs, lastError });
    },
    async remove(ownerName, family, only) {
      const key = keyOf(ownerName, family);
      if (only !== undefined && updates.get(key)?.sequence !== only) return 'unknown';
      return updates.delete(key) ? 'removed' : 'unknown';
    },
  };
}

function memoryTextStore(): TextStore {
  const byName = new Map<string, Map<string, StoredText>>();
  return {
    async put(stored) {
      const { key } = stored.ownerName;
      byName.set(key, (byName.get(key) ?? new Map()).set(stored.text, stored));
    },
    async at(ownerName) {
      return [...(byName.get(ownerName.key)?.values() ?? [])].sort((a, b) => a.addedMs - b.addedMs);
    },
    async takeDue(nowMs, untilMs, limit) {
      const due = [...byName.values()]
        .flatMap((texts) => [...texts.values()])
        .filter(({ removeAtMs }) => removeAtMs <= nowMs)
        .sort((a, b) => a.removeAtMs - b.removeAtMs)
        .slice(0, limit)
        .map((stored) => ({ ...stored, removeAtMs: untilMs }));
      for (const taken of due) byName.get(taken.ownerName.key)?.set(taken.text, taken);
      return due;
    },
    async remove(ownerName, texts) {
      const stored = byName.get(ownerName.key);
      for (const text of texts) stored?.delete(text);
      if (stored?.size === 0) byName.delete(ownerName.key);
    },
  };
}

function memoryTurnStore(): TurnStore {
  const turns = new Map<string, { announcedMs: number; holder: string | undefined; claimedMs: number }>();
  const at = ({ key }: DomainName) => {
    const turn = turns.get(key) ?? { announcedMs: Number.NEGATIVE_INFINITY, holder: undefined, claimedMs: 0 };
    turns.set(key, turn);
    return turn;
  };
  const now = () => performance.now();
  return {
    async announce(ownerNames, limitMs) {
      const holders = ownerNames.map(at).map((turn) => {
        turn.announcedMs = now();
        return now() - turn.claimedMs < limitMs ? turn.holder : undefined;
      });
      return [...new Set(holders.filter((holder) => holder !== undefined))];
    },
    async claim(ownerName, { holder, quietMs, limitMs }) {
      const turn = at(ownerName);
      const announcedMs = now() - turn.announcedMs;
      const isHeld = turn.holder !== undefined && now() - turn.claimedMs < limitMs;
      if (isHeld || announcedMs < quietMs) return 'taken';
      Object.assign(turn, { holder, claimedMs: now() });
      return { announcedMs: Number.isFinite(announcedMs) ? announcedMs : undefined };
    },
    async release(holder) {
      for (const turn of turns.values()) if (turn.holder === holder) turn.holder = undefined;
    },
    async forget(unusedMs) {
      const unused = [...turns].filter(
        ([, turn]) => now() - turn.announcedMs > unusedMs && now() - turn.claimedMs > unusedMs,
      );
      for (const [key] of unused) turns.delete(key);
      return unused.length;
    },
  };
}
