/** The audit list: every administrative change, by whom, when, from where, and what. See core/store.ts for durability. */

export interface AuditEntry {
  /** Unique. Later entries have greater ids, compared as texts: see eventId in core/history/history.ts. */
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly timeMs: number;
  /** The name of the user; `operator` for the control socket and for commands on this machine; empty for a sign-in that failed. */
  readonly actor: string;
  /** The name of the management key; absent for the operator and for browsers. */
  readonly key?: string;
  /** The address that the request came from; empty where there is none. */
  readonly source: string;
  /** The name of the operation, as in the table of operations. */
  readonly operation: string;
  /** What it was done to: names of hosts, tokens, users or zones. Never a secret. */
  readonly target: string;
  /** `done`, or the code of the error. */
  readonly outcome: string;
}

export interface AuditFilter {
  readonly actor?: string | undefined;
  readonly operation?: string | undefined;
  /** Milliseconds since 1970: entries at this time or later. */
  readonly sinceMs?: number | undefined;
}

export interface AuditStore {
  append(entries: readonly AuditEntry[]): Promise<void>;
  /** Newest first. @param before only entries with smaller ids: the next page */
  read(filter: AuditFilter, limit: number, before?: string): Promise<readonly AuditEntry[]>;
  /** Deletes entries that are older, and the oldest ones beyond `maxEntries`. @returns their number */
  prune(olderThanMs: number, maxEntries: number): Promise<number>;
}
