/**
 * Who may publish at a name, among servers that share a store (turn-store.ts). Within one process the queue orders the tasks of a
 * name; this orders them across processes, and is called within that order.
 *
 * Live updates pay for it only where a server may work by itself: names with a lease, and all while updates are pending. They do
 * not depend on the store: if it does not answer, they are published without.
 */
import { randomUUID } from 'node:crypto';
import type { DomainName } from '../../dns/name.ts';
import type { Clock, Timers } from '../timers.ts';
import type { TurnStore } from './turn-store.ts';

export interface TurnsOptions {
  readonly store: TurnStore;
  /** Of an update: `nameserver_timeout_seconds`. */
  readonly timeoutMs: () => number;
  readonly clock: Clock;
  readonly timers: Pick<Timers, 'after'>;
}

/** What a task of the server gets. */
export interface Turn {
  /** For its messages: an update that waits behind it has time left then. */
  readonly deadlineMs: number;
  /** Milliseconds since the last live update announced itself, by the name's key. */
  readonly announcedMs: ReadonlyMap<string, number>;
}

const POLL_MS = 20;
/** How long an update waits for the store. */
const STORE_WAIT_MS = 500;
/** After a failure the store is left alone for this time. */
const SILENCE_MS = 1_000;
/** An update that has announced itself is over after its time limit and this: the reply, and what the store needs. */
const MARGIN_MS = 2_000;
const LIMIT_MS = 60_000;

export class Turns {
  readonly #options: TurnsOptions;
  #silentUntilMs = Number.NEGATIVE_INFINITY;

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  /**
   * Before a live update of these names is published: resolves when no other server works on them, at the latest after half of
   * the time limit. Never rejects. No promise where there is nothing to wait for.
   * @param mayBeClaimed whether a server that shares the store may work on the name by itself; absent: on all of them
   */
  announce(
    ownerNames: readonly DomainName[],
    mayBeClaimed?: (ownerName: DomainName) => boolean | Promise<boolean>,
  ): Promise<void> | undefined {
    if (this.#options.clock() < this.#silentUntilMs) return undefined;
    if (mayBeClaimed === undefined) return this.#announce(ownerNames);
    const answers = ownerNames.map((name) => mayBeClaimed(name));
    if (answers.every((answer) => answer === false)) return undefined;
    return this.#announceClaimable(ownerNames, answers);
  }

  /**
   * Runs a task of the server itself. What the task decides on must be read by the task: no live update can be published
   * between that and its end.
   * @returns `taken` if a live update or another server works on one of the names
   * @throws AppError store-unreachable, and what the task throws
   */
  async run<Result>(
    ownerNames: readonly DomainName[],
    task: (turn: Turn) => Promise<Result>,
  ): Promise<Result | 'taken'> {
    const { store, clock, timeoutMs } = this.#options;
    const claim = { holder: randomUUID(), quietMs: timeoutMs() + MARGIN_MS, limitMs: LIMIT_MS };
    const announcedMs = new Map<string, number>();
    try {
      for (const ownerName of ownerNames) {
        const claimed = await store.claim(ownerName, claim);
        if (claimed === 'taken') return 'taken';
        if (claimed.announcedMs !== undefined) announcedMs.set(ownerName.key, claimed.announcedMs);
      }
      return await task({ deadlineMs: clock() + timeoutMs() / 2, announcedMs });
    } finally {
      // Otherwise the claim is void after some time.
      await store.release(claim.holder).catch(() => undefined);
    }
  }

  async #announceClaimable(
    ownerNames: readonly DomainName[],
    answers: readonly (boolean | Promise<boolean>)[],
  ): Promise<void> {
    const claimable = await Promise.all(answers).catch(() => ownerNames.map(() => true));
    const names = ownerNames.filter((_, index) => claimable[index]);
    if (names.length > 0) await this.#announce(names);
  }

  async #announce(ownerNames: readonly DomainName[]): Promise<void> {
    const { store, clock, timeoutMs } = this.#options;
    const untilMs = clock() + timeoutMs() / 2;
    for (;;) {
      const holders = await this.#patiently(store.announce(ownerNames, LIMIT_MS));
      if (holders === undefined || holders.length === 0) return;
      if (clock() >= untilMs) {
        // The work has ended by its own time limit: its server could not release the claim.
        for (const holder of holders) await this.#patiently(store.release(holder));
        return;
      }
      await new Promise<void>((resolve) => this.#options.timers.after(POLL_MS, resolve));
    }
  }

  /** Undefined: the store failed, or takes too long. */
  #patiently<Result>(work: Promise<Result>): Promise<Result | undefined> {
    return new Promise((resolve) => {
      const failed = () => {
        this.#silentUntilMs = this.#options.clock() + SILENCE_MS;
        resolve(undefined);
      };
      const cancel = this.#options.timers.after(STORE_WAIT_MS, failed);
      work.then(resolve, failed).finally(cancel);
    });
  }
}

/** Runs a task of the server itself in its turn. @param turns undefined: the store is not shared */
export async function inTurn<Result>(
  turns: Turns | undefined,
  ownerNames: readonly DomainName[],
  task: (turn: Turn | undefined) => Promise<Result>,
): Promise<Result | 'taken'> {
  return turns === undefined ? task(undefined) : turns.run(ownerNames, task);
}
