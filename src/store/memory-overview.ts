/** Hosts as people look at them, from the other stores in memory: at each call, from all events. */
import { type HistoryEvent, LEASE_PROTOCOL } from '../core/history/history.ts';
import type { HistoryStore } from '../core/history/history-store.ts';
import {
  comparePlaces,
  HOST_STATES,
  type HostCounts,
  type HostFacts,
  hostState,
  type KnownAddresses,
  type OverviewHost,
  type OverviewStore,
  placeOf,
} from '../core/hosts/overview-store.ts';
import type { PendingStore } from '../core/pending/pending-store.ts';
import { type Family, sameAddresses } from '../core/zones/family.ts';
import type { DomainName } from '../dns/name.ts';
import { type Clients, hasPart } from './memory-clients.ts';

const DAY_MS = 86_400_000;

export function memoryOverviewStore(
  { hosts, history }: Pick<Clients, 'hosts'> & { readonly history: HistoryStore },
  pending: Pick<PendingStore, 'list'>,
  watchedSinceMs: () => number,
): OverviewStore {
  async function all(nowMs: number): Promise<readonly OverviewHost[]> {
    const events = await history.readAll({}, Number.POSITIVE_INFINITY);
    const eventsOf = new Map<string, HistoryEvent[]>();
    for (const event of events) {
      const own = eventsOf.get(event.ownerName.key) ?? [];
      if (own.length === 0) eventsOf.set(event.ownerName.key, own);
      own.push(event);
    }
    const activities = await history.activities();
    const updates = await pending.list();
    const names = new Map<string, DomainName>();
    const shown = events.filter(({ outcome }) => outcome !== 'refused');
    for (const { ownerName } of [...hosts.values(), ...activities, ...shown]) names.set(ownerName.key, ownerName);
    return [...names.values()].map((ownerName) => {
      const settings = [...hosts.values()].find((host) => host.ownerName.equals(ownerName));
      const lastSeenMs = activities.find((activity) => activity.ownerName.equals(ownerName))?.lastSeenMs;
      const waiting = updates.filter((update) => update.ownerName.equals(ownerName));
      const facts: HostFacts = {
        ownerName,
        ...(settings && { settings }),
        ...(lastSeenMs !== undefined && { lastSeenMs }),
        ...factsOf(eventsOf.get(ownerName.key) ?? []),
        ...(waiting.length > 0 && { waitingSinceMs: Math.min(...waiting.map(({ createdMs }) => createdMs)) }),
      };
      return { ...facts, state: hostState(facts, settings, nowMs, watchedSinceMs()) };
    });
  }

  const isVisible = ({ settings }: OverviewHost, userId: string | undefined, access: string | undefined): boolean => {
    if (userId === undefined) return true;
    const has =
      settings?.ownerId === userId ? 'own' : settings?.shares?.find((share) => share.userId === userId)?.access;
    return has !== undefined && (access === undefined || access === has);
  };

  return {
    async page({ limit, sort, after, state, userId, access, search, nowMs }) {
      const found = (await all(nowMs))
        .filter(
          (host) =>
            isVisible(host, userId, access) &&
            (state === undefined || host.state === state) &&
            hasPart(host.ownerName.toString(), search) &&
            (after === undefined || comparePlaces(placeOf(host, sort), after, sort) > 0),
        )
        .sort((a, b) => comparePlaces(placeOf(a, sort), placeOf(b, sort), sort));
      const page = found.slice(0, limit);
      const last = page.at(-1);
      return found.length > limit && last !== undefined ? { hosts: page, next: placeOf(last, sort) } : { hosts: page };
    },
    async hosts(ownerNames, nowMs) {
      const wanted = new Set(ownerNames.map(({ key }) => key));
      return (await all(nowMs)).filter(({ ownerName }) => wanted.has(ownerName.key));
    },
    async count({ userId, access, nowMs }) {
      const shown = (await all(nowMs)).filter((host) => isVisible(host, userId, access));
      const counts = HOST_STATES.map((state) => [state, shown.filter((host) => host.state === state).length]);
      return Object.fromEntries(counts) as HostCounts;
    },
    watchedSinceMs: async () => watchedSinceMs(),
  };
}

/** @param events of one host, newest first */
function factsOf(events: readonly HistoryEvent[]): Omit<HostFacts, 'ownerName'> {
  const changes = events.filter(({ outcome }) => outcome === 'changed');
  const [last] = changes;
  const fault = events.find(({ outcome }) => outcome !== 'changed');
  const days = new Map<number, { day: number; changes: number; faults: number }>();
  for (const { timeMs, outcome } of events) {
    const day = Math.floor(timeMs / DAY_MS);
    const count = days.get(day) ?? { day, changes: 0, faults: 0 };
    days.set(day, count);
    if (outcome === 'changed') count.changes += 1;
    else count.faults += 1;
  }
  const A = knownAddresses(changes, 'A');
  const AAAA = knownAddresses(changes, 'AAAA');
  return {
    isLease: last?.protocol === LEASE_PROTOCOL,
    days: [...days.values()],
    ...(A && { A }),
    ...(AAAA && { AAAA }),
    ...(last && { lastChangeMs: last.timeMs }),
    ...(fault && { fault }),
  };
}

function knownAddresses(changes: readonly HistoryEvent[], family: Family): KnownAddresses | undefined {
  const steps = changes.flatMap((event) => {
    const step = event[family];
    return step === undefined ? [] : [{ step, timeMs: event.timeMs }];
  });
  const addresses = steps[0]?.step.after;
  if (addresses === undefined) return undefined;
  const moved = steps.find(({ step }) => !sameAddresses(step.before, step.after));
  return moved === undefined ? { addresses } : { addresses, sinceMs: moved.timeMs };
}
