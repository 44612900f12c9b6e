/** The history of hosts as an operator reads and deletes it, and pending updates. */
import type { DomainName } from '../../dns/name.ts';
import { AppError } from '../errors.ts';
import { type AdminOptions, requireStore } from './admin-options.ts';
import type { HistoryView, PastView } from './history-operations.ts';
import type { PendingView, ServerStatus } from './server-operations.ts';
import { eventView, hostView, isoTime, pendingUpdateView } from './views.ts';

/** Pending updates that are listed one by one. */
const MAX_LISTED_UPDATES = 100;

export class HistoryAdmin {
  readonly #options: Pick<AdminOptions, 'store' | 'flush'>;

  constructor(options: Pick<AdminOptions, 'store' | 'flush'>) {
    this.#options = options;
  }

  /** @param before only events with smaller ids @throws AppError conflict (no store), store-unreachable */
  async history(ownerName: DomainName, limit: number, before?: string): Promise<HistoryView> {
    const history = await this.#flushed();
    const events = await history.read(ownerName, limit + 1, before);
    const { lastSeen, repeats } = hostView(ownerName, undefined, 'none', await history.activity(ownerName));
    return {
      host: ownerName.toString(),
      events: events.slice(0, limit).map(eventView),
      more: events.length > limit,
      ...(lastSeen !== undefined && { lastSeen }),
      ...(repeats !== undefined && { repeats }),
    };
  }

  /** The addresses that the host had at a time. @throws AppError as `history` */
  async historyAt(ownerName: DomainName, timeMs: number): Promise<PastView> {
    const history = await this.#flushed();
    return { host: ownerName.toString(), time: isoTime(timeMs), ...(await history.stateAt(ownerName, timeMs)) };
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
      if (error instanceof AppError) return { pendingProblem: error.message };
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
