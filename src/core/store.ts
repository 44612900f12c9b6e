/**
 * Contract of a store. Every implementation passes test/contract/store.ts.
 *
 * A promise that resolves means: on disk, or committed. Every method throws AppError store-unreachable when the store does
 * not answer in time; whether the change was made is not known then, and making it again is safe. A store that was
 * unreachable is used again as soon as it answers.
 */
import type { TokenStore } from './access/token-store.ts';
import type { CustomerStore } from './customers.ts';
import type { HistoryStore } from './history/history-store.ts';
import type { HostStore } from './hosts/host-store.ts';
import type { OverviewStore } from './hosts/overview-store.ts';
import type { PendingStore } from './pending/pending-store.ts';
import type { TextStore } from './texts/text-store.ts';
import type { TicketKeyStore } from './ticket-keys.ts';
import type { TurnStore } from './updates/turn-store.ts';
import type { AuditStore } from './users/audit.ts';
import type { SignInStore } from './users/sign-in-store.ts';
import type { UserStore } from './users/user-store.ts';
import type { KnownSerialStore } from './zones/known-serials.ts';
import type { PublishedFeed } from './zones/published-feed.ts';

/** Why a store does not answer. */
export interface StoreProblem {
  /** For the operator: where, why, and what to do, in full sentences. Never a secret. */
  readonly text: string;
  /** A few words without names, which anyone may read. */
  readonly brief: string;
}

export interface Store {
  readonly tokens: TokenStore;
  readonly hosts: HostStore;
  readonly history: HistoryStore;
  readonly overview: OverviewStore;
  readonly pending: PendingStore;
  readonly texts: TextStore;
  readonly knownSerials: KnownSerialStore;
  readonly turns: TurnStore;
  readonly ticketKeys: TicketKeyStore;
  readonly users: UserStore;
  readonly signIns: SignInStore;
  readonly customers: CustomerStore;
  readonly audit: AuditStore;

  /** Absent where no other process can use the database. */
  readonly published?: PublishedFeed;

  /** Resolves when the store answers. */
  ping(): Promise<void>;

  /** Undefined while it answers. Absent where it cannot know. */
  problem?(): StoreProblem | undefined;

  /** Copies the database, consistent while changes go on. Absent where the database has tools of its own for that. */
  backup?(toFile: string): Promise<void>;

  /** Finishes the calls in flight. Further calls fail. */
  close(): Promise<void>;
}

/** What a server wants to know of its store, and a command does not. */
export interface StoreUser {
  /** The thread of an SQLite database died: no call will succeed any more. */
  readonly onDeath?: ((error: Error) => void) | undefined;
  /** Called with the open store once, before anyone else uses it. It may fail: a store that is away is then opened again. */
  beforeUse(store: Store): Promise<void>;
  /** PostgreSQL does not answer, for another reason than before, or answers again (undefined). */
  onChange(problem: StoreProblem | undefined): void;
}
