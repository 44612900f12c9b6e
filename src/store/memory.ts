// The store in memory: for tests, and for what lasts no longer than the process. Values are kept as they are given; nothing
// here waits or fails.

import type { HostToken } from '../core/access/token.ts';
import type { TokenStore } from '../core/access/token-store.ts';
import type { HistoryEvent, HostActivity, PastAddresses } from '../core/history/history.ts';
import type { HistoryStore, SilenceStep } from '../core/history/history-store.ts';
import { type HostSettings, isLimited } from '../core/hosts/host.ts';
import type { HostStore } from '../core/hosts/host-store.ts';
import type { PendingStore } from '../core/pending/pending-store.ts';
import type { PendingUpdate } from '../core/pending/pending-update.ts';
import type { Store } from '../core/store.ts';
import { FAMILIES, type Family } from '../core/zones/family.ts';
import type { DomainName } from '../dns/name.ts';
import { memoryTexts } from './memory-texts.ts';
import { byName, eventOf, eventRow } from './rows.ts';

export function openMemoryStore(): Store {
  return {
    tokens: memoryTokens(),
    hosts: memoryHosts(),
    history: memoryHistory(),
    pending: memoryPendingStore(),
    texts: memoryTexts(),
    ping: async () => {},
    close: async () => {},
  };
}

function memoryTokens(): TokenStore {
  const bySha256 = new Map<string, HostToken>();
  const used = new Map<string, number>();
  const findByName = (name: string) =>
    [...bySha256.values()].find((token) => token.name === name && token.revokedMs === undefined);
  return {
    findBySha256: (sha256) => bySha256.get(sha256),
    async create(token) {
      if (bySha256.has(token.sha256)) return 'secret-taken';
      if (findByName(token.name) !== undefined) return 'name-taken';
      bySha256.set(token.sha256, token);
      return 'created';
    },
    async list() {
      const tokens = [...bySha256.values()].map((token) => {
        const lastUsedMs = used.get(token.id);
        return lastUsedMs === undefined ? token : { ...token, lastUsedMs };
      });
      return tokens.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.createdMs - b.createdMs));
    },
    async revoke(name, nowMs) {
      const token = findByName(name);
      if (token === undefined) return 'unknown';
      bySha256.set(token.sha256, { ...token, revokedMs: nowMs });
      return 'revoked';
    },
    async rotate(name, sha256) {
      const token = findByName(name);
      if (token === undefined) return undefined;
      const rotated = { ...token, sha256 };
      bySha256.delete(token.sha256);
      bySha256.set(sha256, rotated);
      return rotated;
    },
    async countNamed(prefix) {
      const valid = [...bySha256.values()].filter(({ revokedMs }) => revokedMs === undefined);
      return valid.filter(({ name }) => name.startsWith(prefix)).length;
    },
    async touchLastUsed(uses) {
      for (const { tokenId, lastUsedMs } of uses) used.set(tokenId, Math.max(lastUsedMs, used.get(tokenId) ?? 0));
    },
    async lastUses(tokenIds) {
      return new Map(tokenIds.flatMap((id) => (used.has(id) ? [[id, used.get(id) as number]] : [])));
    },
  };
}

function memoryHosts(): HostStore {
  const byKey = new Map<string, HostSettings>();
  return {
    put: async (settings) => void byKey.set(settings.ownerName.key, settings),
    get: async (ownerName) => byKey.get(ownerName.key),
    list: async () => [...byKey.values()].sort(byName),
    listLimited: async () => [...byKey.values()].filter(isLimited).sort(byName),
    remove: async (ownerName) => (byKey.delete(ownerName.key) ? 'removed' : 'unknown'),
  };
}

const SILENCE_STEPS: readonly SilenceStep[] = ['told', 'lease-ended'];

function memoryHistory(): HistoryStore {
  const events = new Map<string, HistoryEvent>();
  const activities = new Map<string, HostActivity>();
  /** By step and host: when it was last seen. */
  const silences = new Map<string, number>();
  let watch: { readonly sinceMs: number; readonly lookedMs: number } | undefined;
  /** Oldest first. */
  const eventsOf = (ownerName: DomainName) =>
    [...events.values()].filter((event) => event.ownerName.equals(ownerName)).sort((a, b) => (a.id < b.id ? -1 : 1));
  const remove = (condition: (event: HistoryEvent) => boolean) => {
    const ids = [...events.values()].filter(condition).map(({ id }) => id);
    for (const id of ids) events.delete(id);
    return ids.length;
  };
  return {
    async append(added) {
      for (const event of added) if (!events.has(event.id)) events.set(event.id, eventOf(eventRow(event)));
    },
    async countRepeats(counts) {
      for (const { ownerName, repeats, lastSeenMs } of counts) {
        const known = activities.get(ownerName.key);
        activities.set(ownerName.key, {
          ownerName,
          repeats: repeats + (known?.repeats ?? 0),
          lastSeenMs: Math.max(lastSeenMs, known?.lastSeenMs ?? 0),
        });
      }
    },
    async read(ownerName, limit, before) {
      const older = eventsOf(ownerName).filter(({ id }) => before === undefined || id < before);
      return older.reverse().slice(0, limit);
    },
    activity: async (ownerName) => activities.get(ownerName.key),
    activities: async () => [...activities.values()].sort(byName),
    activitiesOf: async (ownerNames) => ownerNames.flatMap(({ key }) => activities.get(key) ?? []),
    async stateAt(ownerName, timeMs) {
      const state: { -readonly [F in keyof PastAddresses]: PastAddresses[F] } = {};
      for (const family of FAMILIES) {
        const known = eventsOf(ownerName).filter((event) => event.outcome === 'changed' && event[family]);
        const last = known.filter((event) => event.timeMs <= timeMs).at(-1)?.[family]?.after;
        const addresses = last ?? known.find((event) => event.timeMs > timeMs)?.[family]?.before;
        if (addresses !== undefined) state[family] = addresses;
      }
      return state;
    },
    async noteSilence(ownerName, step, lastSeenMs) {
      const place = `${step} ${ownerName.key}`;
      if ((silences.get(place) ?? Number.NEGATIVE_INFINITY) >= lastSeenMs) return 'known';
      silences.set(place, lastSeenMs);
      return 'first';
    },
    notedSilence: async (ownerName, step) => silences.get(`${step} ${ownerName.key}`),
    async noteWatch(nowMs, pauseMs) {
      const sinceMs = watch === undefined || watch.lookedMs < nowMs - pauseMs ? nowMs : watch.sinceMs;
      watch = { sinceMs, lookedMs: Math.max(nowMs, watch?.lookedMs ?? nowMs) };
      return sinceMs;
    },
    async purge(ownerName) {
      activities.delete(ownerName.key);
      for (const step of SILENCE_STEPS) silences.delete(`${step} ${ownerName.key}`);
      return remove((event) => event.ownerName.equals(ownerName));
    },
    prune: async (olderThanMs) => remove((event) => event.timeMs < olderThanMs),
  };
}

function memoryPendingStore(): PendingStore {
  const wishes = new Map<string, PendingUpdate>();
  let sequence = 0;
  const keyOf = (ownerName: DomainName, family: Family) => `${family} ${ownerName.key}`;
  const bySequence = (a: PendingUpdate, b: PendingUpdate) => a.sequence - b.sequence;
  return {
    async put(...added) {
      for (const wish of added) {
        sequence += 1;
        wishes.set(keyOf(wish.ownerName, wish.family), { ...wish, sequence, attempts: 0 });
      }
    },
    get: async (ownerName, family) => wishes.get(keyOf(ownerName, family)),
    list: async () => [...wishes.values()].sort(bySequence),
    listSite: async (site) => [...wishes.values()].filter((wish) => wish.site === site).sort(bySequence),
    count: async () => wishes.size,
    async takeDue(nowMs, untilMs, limit) {
      const due = [...wishes]
        .filter(([, wish]) => wish.nextAttemptMs <= nowMs)
        .sort(([, a], [, b]) => a.nextAttemptMs - b.nextAttemptMs || bySequence(a, b))
        .slice(0, limit);
      for (const [key, wish] of due) wishes.set(key, { ...wish, nextAttemptMs: untilMs });
      return due.map(([key]) => wishes.get(key) as PendingUpdate).sort(bySequence);
    },
    async postpone(wish, nextAttemptMs, lastError) {
      const key = keyOf(wish.ownerName, wish.family);
      const kept = wishes.get(key);
      if (kept?.sequence !== wish.sequence) return;
      wishes.set(key, { ...kept, attempts: kept.attempts + 1, nextAttemptMs, lastError });
    },
    async remove(ownerName, family, only) {
      const key = keyOf(ownerName, family);
      if (only !== undefined && wishes.get(key)?.sequence !== only) return 'unknown';
      return wishes.delete(key) ? 'removed' : 'unknown';
    },
  };
}
