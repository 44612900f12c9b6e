/**
 * Hosts as people look at them. The store has their states ready; hosts of the configuration file, whose settings it does not
 * know, are judged here and merged into its pages.
 */
import type { DomainName } from '../../dns/name.ts';
import { ERROR_CODES } from '../errors.ts';
import type { HistoryEvent } from '../history/history.ts';
import type { HostSettings } from '../hosts/host.ts';
import { accessOf } from '../hosts/host-access.ts';
import {
  comparePlaces,
  HOST_STATES,
  type HostFacts,
  hostState,
  type KnownAddresses,
  type OverviewHost,
  type OverviewPlace,
  type OverviewQuery,
  type OverviewSort,
  placeOf,
} from '../hosts/overview-store.ts';
import type { Family } from '../zones/family.ts';
import { type AdminOptions, requireStore, requireUser } from './admin-options.ts';
import { type AdminCaller, asMember } from './caller.ts';
import { invalidCursor, readCursor, readCursorName, writeCursor } from './cursor.ts';
import type { NormalInput, Result } from './operations.ts';
import type { OverviewHostView } from './overview-operations.ts';
import { isoTime } from './views.ts';

const DAYS = 90;
const DAY_MS = 86_400_000;
const MAX_LISTED = 50;
/** Pages of the store that one reply reads at most: hosts of the configuration are left out of them. */
const MAX_PAGES = 20;

type Options = Pick<AdminOptions, 'store' | 'hosts' | 'flush' | 'now'>;
type Filter = Pick<OverviewQuery, 'userId' | 'access'>;

export class OverviewAdmin {
  readonly #options: Options;

  constructor(options: Options) {
    this.#options = options;
  }

  /** @throws AppError conflict (no store), store-unreachable; InputError */
  async list(
    { search, state, sort = 'name', owner, limit = MAX_LISTED, cursor }: NormalInput<'listOverview'>,
    caller: AdminCaller,
  ): Promise<Result<'listOverview'>> {
    const { overview } = requireStore(this.#options);
    await this.#options.flush?.();
    const nowMs = this.#options.now();
    const lastDay = Math.floor(nowMs / DAY_MS);
    const days = { first: dayText(lastDay - DAYS + 1), last: dayText(lastDay) };
    const filter = await this.#filterOf(owner, caller);
    if (filter === undefined) return { days, hosts: [] };
    let after = readPlace(cursor, sort);
    const configured = (await this.#configured(nowMs))
      .filter((host) => filter.userId === undefined && isShown(host, state, search))
      .filter((host) => after === undefined || comparePlaces(placeOf(host, sort), after, sort) > 0);
    const found: OverviewHost[] = [...configured];
    const isConfigured = new Set(this.#options.hosts.map(({ ownerName }) => ownerName.key));
    /** The page is complete up to here; undefined: it has everything. */
    let end: OverviewPlace | undefined;
    for (let pages = 0, stored = 0; stored <= limit; pages += 1) {
      const page = await overview.page({ ...filter, limit: limit + 1, sort, after, state, search, nowMs });
      const others = page.hosts.filter(({ ownerName }) => !isConfigured.has(ownerName.key));
      found.push(...others);
      stored += others.length;
      after = page.next;
      end = page.next;
      if (after === undefined || pages === MAX_PAGES) break;
    }
    const inOrder = found.sort((a, b) => comparePlaces(placeOf(a, sort), placeOf(b, sort), sort));
    const known = inOrder.filter((host) => end === undefined || comparePlaces(placeOf(host, sort), end, sort) <= 0);
    const page = known.slice(0, limit);
    const last = page.at(-1);
    const isMore = known.length > limit || end !== undefined;
    const next = isMore ? (last === undefined ? end : placeOf(last, sort)) : undefined;
    const owners = await this.#ownersOf(page);
    return {
      days,
      hosts: page.map((host) => overviewHostView(host, isConfigured, { caller, owners, lastDay })),
      ...(next && { next: writeCursor([sort, String(next.key), next.ownerName.toString()]) }),
    };
  }

  /** @throws as `list` */
  async count(owner: string | undefined, caller: AdminCaller): Promise<Result<'countHosts'>> {
    const { overview } = requireStore(this.#options);
    await this.#options.flush?.();
    const nowMs = this.#options.now();
    const filter = await this.#filterOf(owner, caller);
    const states = Object.fromEntries(HOST_STATES.map((state) => [state, 0])) as Record<OverviewHost['state'], number>;
    if (filter !== undefined) {
      const counts = await overview.count({ ...filter, nowMs });
      for (const state of HOST_STATES) states[state] = counts[state];
      if (filter.userId === undefined && this.#options.hosts.length > 0) {
        const names = this.#options.hosts.map(({ ownerName }) => ownerName);
        for (const { state } of await overview.hosts(names, nowMs)) states[state] -= 1;
        for (const { state } of await this.#configured(nowMs)) states[state] += 1;
      }
    }
    return { total: Object.values(states).reduce((sum, hosts) => sum + hosts, 0), states };
  }

  /** Which addresses a host had. @throws AppError conflict (no store), store-unreachable */
  async timeline(
    ownerName: DomainName,
    family: Family,
    limit: number,
    before: string | undefined,
  ): Promise<Result<'readTimeline'>> {
    const { history } = requireStore(this.#options);
    await this.#options.flush?.();
    const moves = await history.readMoves(ownerName, family, limit + 1, before);
    const page = moves.slice(0, limit);
    const last = page.at(-1);
    // An id begins with its time: the newest span of this page ends where the one before it began.
    let untilMs = before === undefined ? undefined : Number.parseInt(before.slice(0, 12), 16);
    const nowMs = this.#options.now();
    const spans = page.map(({ id, timeMs, protocol, actor, source, [family]: step }) => {
      const endMs = untilMs;
      untilMs = timeMs;
      return {
        id,
        addresses: step?.after ?? [],
        from: isoTime(timeMs),
        ...(endMs !== undefined && { until: isoTime(endMs) }),
        seconds: Math.max(0, (endMs ?? nowMs) - timeMs) / 1000,
        protocol,
        actor,
        source,
      };
    });
    const earlier = last?.[family]?.before;
    return {
      host: ownerName.toString(),
      family,
      spans,
      ...(earlier && { earlier }),
      ...(moves.length > limit && last !== undefined && { next: last.id }),
    };
  }

  /** Which hosts of the store the caller sees; undefined: none. */
  async #filterOf(owner: string | undefined, caller: AdminCaller): Promise<Filter | undefined> {
    const member = asMember(caller);
    const user = owner === undefined ? undefined : await requireUser(this.#options, owner, '/owner');
    // A member who asks for another's hosts: those are not there for this member.
    if (member !== undefined && user !== undefined && user.id !== member.user.id) return undefined;
    const userId = member?.user.id ?? user?.id;
    return { ...(userId !== undefined && { userId }), ...(user && { access: 'own' as const }) };
  }

  /** The hosts of the configuration file, judged by its settings. */
  async #configured(nowMs: number): Promise<readonly OverviewHost[]> {
    const { hosts } = this.#options;
    if (hosts.length === 0) return [];
    const { overview } = requireStore(this.#options);
    const names = hosts.map(({ ownerName }) => ownerName);
    const [known, watchedSinceMs] = await Promise.all([overview.hosts(names, nowMs), overview.watchedSinceMs()]);
    const factsOf = new Map<string, HostFacts>(known.map((host) => [host.ownerName.key, host]));
    return hosts.map((settings) => {
      const { ownerName } = settings;
      const facts = factsOf.get(ownerName.key) ?? { ownerName, isLease: false, days: [] };
      return { ...facts, settings, state: hostState(facts, settings, nowMs, watchedSinceMs) };
    });
  }

  async #ownersOf(hosts: readonly OverviewHost[]): Promise<ReadonlyMap<string, string>> {
    const ids = [...new Set(hosts.flatMap(({ settings }) => settings?.ownerId ?? []))];
    if (ids.length === 0) return new Map();
    const users = await requireStore(this.#options).users.byId(ids);
    return new Map([...users].map(([id, { name }]) => [id, name]));
  }
}

function isShown(host: OverviewHost, state: OverviewHost['state'] | undefined, search: string | undefined): boolean {
  const name = host.ownerName.toString().toLowerCase();
  return (state === undefined || host.state === state) && (search === undefined || name.includes(search.toLowerCase()));
}

/** @throws InputError also for the cursor of a list that was sorted otherwise */
function readPlace(cursor: string | undefined, sort: OverviewSort): OverviewPlace | undefined {
  const place = readCursor(cursor, 3);
  if (place === undefined) return undefined;
  const [sorted, key = '', name = ''] = place;
  if (sorted !== sort || !/^\d{1,15}$/.test(key)) throw invalidCursor();
  return { key: Number(key), ownerName: readCursorName(name) };
}

interface Viewer {
  readonly caller: AdminCaller;
  /** Names of users, by id. */
  readonly owners: ReadonlyMap<string, string>;
  /** Days since 1970. */
  readonly lastDay: number;
}

function overviewHostView(
  host: OverviewHost,
  isConfigured: ReadonlySet<string>,
  { caller, owners, lastDay }: Viewer,
): OverviewHostView {
  const { ownerName, settings, state, A, AAAA, lastSeenMs, lastChangeMs, fault } = host;
  const member = asMember(caller);
  const access = member && accessOf(settings, member.user.id);
  const owner = settings?.ownerId && owners.get(settings.ownerId);
  const sinceMs = stateSinceMs(host);
  return {
    host: ownerName.toString(),
    origin: isConfigured.has(ownerName.key) ? 'configuration' : settings === undefined ? 'none' : 'store',
    enabled: settings?.enabled ?? true,
    state,
    ...(sinceMs !== undefined && { since: isoTime(sinceMs) }),
    ...(A && { A: addressesView(A) }),
    ...(AAAA && { AAAA: addressesView(AAAA) }),
    ...(lastSeenMs !== undefined && { lastSeen: isoTime(lastSeenMs) }),
    ...(lastChangeMs !== undefined && { lastChange: isoTime(lastChangeMs) }),
    ...(fault && { fault: faultView(fault) }),
    ...(owner && { owner }),
    ...(access && { access }),
    members: membersBeside(settings),
    ...perDay(host, lastDay),
  };
}

/** A host may be a member of itself. */
function membersBeside(settings: HostSettings | undefined): number {
  return settings?.members.filter(({ ownerName }) => !ownerName.equals(settings.ownerName)).length ?? 0;
}

function stateSinceMs({ state, lastSeenMs, lastChangeMs, waitingSinceMs }: OverviewHost): number | undefined {
  switch (state) {
    case 'silent':
      return lastSeenMs;
    case 'waiting':
      return waitingSinceMs;
    case 'lease-ended':
      return lastChangeMs;
    default:
      return undefined;
  }
}

function addressesView({ addresses, sinceMs }: KnownAddresses) {
  return { addresses, ...(sinceMs !== undefined && { since: isoTime(sinceMs) }) };
}

function faultView({ id, timeMs, outcome, code, detail, actor, source }: HistoryEvent) {
  const isRefusal = outcome === 'refused';
  return {
    id,
    time: isoTime(timeMs),
    outcome: isRefusal ? ('refused' as const) : ('failed' as const),
    text: code === undefined ? `The update ${isRefusal ? 'was refused' : 'failed'}.` : ERROR_CODES[code].means,
    actor,
    source,
    ...(code !== undefined && { code }),
    ...(detail !== undefined && { detail }),
  };
}

function perDay({ days }: OverviewHost, lastDay: number): { changes: number[]; faults: number[] } {
  const changes = new Array<number>(DAYS).fill(0);
  const faults = new Array<number>(DAYS).fill(0);
  for (const count of days) {
    const index = count.day - (lastDay - DAYS + 1);
    if (index < 0 || index >= DAYS) continue;
    changes[index] = count.changes;
    faults[index] = count.faults;
  }
  return { changes, faults };
}

function dayText(day: number): string {
  return isoTime(day * DAY_MS).slice(0, 10);
}
