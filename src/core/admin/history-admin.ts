/** The history of hosts as an operator reads and deletes it, and pending updates. */
import type { DomainName } from '../../dns/name.ts';
import { AppError, operatorMessage } from '../errors.ts';
import { firstIdOf, type HistoryEvent } from '../history/history.ts';
import type { EventFilter, HistoryStore } from '../history/history-store.ts';
import { FAMILIES, type Family } from '../zones/family.ts';
import type { WantedTexts } from '../zones/host-answers.ts';
import { type AdminOptions, requireStore } from './admin-options.ts';
import { type AdminCaller, asMember } from './caller.ts';
import type { AllHistoryView, HistoryView } from './history-operations.ts';
import type { PendingView, ServerStatus } from './server-operations.ts';
import { eventView, hostView, isoTime, pendingUpdateView, type ServedBy } from './views.ts';

/** Pending updates that are listed one by one. */
const MAX_LISTED_UPDATES = 100;

export class HistoryAdmin {
  readonly #options: Pick<AdminOptions, 'store' | 'flush' | 'secondariesOf'>;

  constructor(options: Pick<AdminOptions, 'store' | 'flush' | 'secondariesOf'>) {
    this.#options = options;
  }

  /**
   * @param before only events with smaller ids @param atMs also the addresses at this time
   * @throws AppError conflict (no store), store-unreachable
   */
  async history(ownerName: DomainName, limit: number, before?: string, atMs?: number): Promise<HistoryView> {
    const history = await this.#flushed();
    const events = await history.read(ownerName, limit + 1, before);
    const page = events.slice(0, limit);
    const served = await this.#served(ownerName, page, history);
    const { lastSeen, repeats } = hostView(ownerName, undefined, 'none', await history.activity(ownerName));
    return {
      host: ownerName.toString(),
      events: page.map((event) => eventView(event, served.get(event.id))),
      more: events.length > limit,
      ...nextOf(page, events.length > limit),
      ...(atMs !== undefined && { past: { time: isoTime(atMs), ...(await history.stateAt(ownerName, atMs)) } }),
      ...(lastSeen !== undefined && { lastSeen }),
      ...(repeats !== undefined && { repeats }),
    };
  }

  /** Events of all hosts that the caller sees, without their secondaries. @throws AppError as `history` */
  async allHistory(
    filter: EventFilter,
    limit: number,
    { before, untilMs }: { readonly before?: string | undefined; readonly untilMs?: number | undefined },
    caller: AdminCaller,
  ): Promise<AllHistoryView> {
    const history = await this.#flushed();
    const member = asMember(caller);
    const grants = member && (await requireStore(this.#options).hosts.hostsOf(member.user.id));
    const hosts = grants?.map(({ ownerName }) => ownerName);
    const end = untilMs === undefined ? undefined : firstIdOf(untilMs);
    const from = before === undefined || (end !== undefined && end < before) ? end : before;
    const events = await history.readAll({ ...filter, hosts }, limit + 1, from);
    const page = events.slice(0, limit);
    return {
      events: page.map((event) => ({ host: event.ownerName.toString(), ...eventView(event) })),
      more: events.length > limit,
      ...nextOf(page, events.length > limit),
    };
  }

  /** What was asked for last, and where that is known from. Without a store: nothing. @throws AppError store-unreachable */
  async wanted(
    ownerName: DomainName,
    nowMs: number,
  ): Promise<{ readonly wanted: WantedTexts; readonly source: 'pending' | 'history' | 'none' }> {
    const { store } = this.#options;
    if (store === undefined) return { wanted: {}, source: 'none' };
    await this.#options.flush?.();
    const [past, ...pending] = await Promise.all([
      store.history.stateAt(ownerName, nowMs),
      ...FAMILIES.map((family) => store.pending.get(ownerName, family)),
    ]);
    const wanted: { -readonly [F in Family]?: readonly string[] } = { ...past };
    for (const update of pending) if (update !== undefined) wanted[update.family] = update.wanted;
    const isPending = pending.some((update) => update !== undefined);
    return { wanted, source: isPending ? 'pending' : Object.keys(wanted).length > 0 ? 'history' : 'none' };
  }

  /** By the id of an event: the secondaries that were asked then, and when each first served it. */
  async #served(
    ownerName: DomainName,
    events: readonly HistoryEvent[],
    history: HistoryStore,
  ): Promise<ReadonlyMap<string, ServedBy>> {
    const served = new Map<string, { secondary: string; timeMs: number | undefined }[]>();
    const of = this.#options.secondariesOf?.(ownerName);
    if (of === undefined || of.secondaries.length === 0) return served;
    for (const { eventId, secondary, timeMs } of await history.receipts(events, of.zone, of.secondaries)) {
      const list = served.get(eventId) ?? [];
      if (list.length === 0) served.set(eventId, list);
      list.push({ secondary, timeMs });
    }
    return served;
  }

  /** Deletes the events of a host and when it was last seen. Returns the number of events. @throws AppError as `history` */
  async purgeHistory(ownerName: DomainName): Promise<number> {
    return (await this.#flushed()).purge(ownerName);
  }

  /** Updates that were accepted and not yet published, the oldest first. @throws AppError store-unreachable */
  async pending(): Promise<PendingView> {
    const pending = (await this.#options.store?.pending.list()) ?? [];
    return { count: pending.length, oldest: pending.slice(0, MAX_LISTED_UPDATES).map(pendingUpdateView) };
  }

  /** The part of the server's status that needs the store. */
  async pendingStatus(): Promise<Pick<ServerStatus, 'pending' | 'pendingProblem'>> {
    try {
      return { pending: await this.pending() };
    } catch (error) {
      if (error instanceof AppError) return { pendingProblem: operatorMessage(error) };
      throw error;
    }
  }

  /** The history, after buffered events are written. */
  async #flushed() {
    const { history } = requireStore(this.#options);
    await this.#options.flush?.();
    return history;
  }
}

function nextOf(page: readonly HistoryEvent[], isMore: boolean): { readonly next?: string } {
  const last = page.at(-1);
  return isMore && last !== undefined ? { next: last.id } : {};
}
