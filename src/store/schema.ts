/**
 * The tables by their rows: owner names in lower-case presentation form with the final dot, times in milliseconds since
 * 1970, lists as JSON. migrations.ts creates the tables; rows.ts converts rows.
 *
 * Pending updates are in the table `wishes`: released tables keep their names.
 */

/** A stored time that is so far ahead of the clock was written by a clock that was wrong. */
export const WRONG_CLOCK_MS = 86_400_000;

export interface TokenRow {
  readonly id: string;
  readonly name: string;
  readonly sha256: string;
  /** JSON: owner-name patterns. */
  readonly hosts: string;
  /** JSON: RR type numbers. */
  readonly types: string;
  /** JSON: "any", "own" or a list of prefixes. */
  readonly addresses: string;
  /** JSON: prefixes from which the token may be used; null: from anywhere. */
  readonly sources: string | null;
  readonly expires: string | null;
  /** 1: it may create accounts of acme-dns. */
  readonly register: number | null;
  readonly max_unused_days: number | null;
  readonly created_ms: number;
  readonly revoked_ms: number | null;
  /** The id of a user; null: the operator. */
  readonly owner_id: string | null;
}

/** A log of changed tokens, by which other processes invalidate their caches. The oldest rows are removed. */
export interface TokenChangeRow {
  readonly version: number;
  readonly sha256: string;
}

/** A table of its own because it is written all the time, while tokens rarely change. */
export interface TokenUseRow {
  readonly token_id: string;
  readonly last_used_ms: number;
}

export interface HostRow {
  readonly name: string;
  /** JSON, see rows.ts. */
  readonly settings: string;
  /** 1: the host has `silentAfterSeconds` or `leaseSeconds`. */
  readonly is_limited: number;
}

/** Who has access to a host: the same as its settings say, to be found by user. */
export interface HostAccessRow {
  readonly name: string;
  readonly user_id: string;
  /** `own`, `change` or `view`. */
  readonly access: string;
}

export interface UserRow {
  readonly id: string;
  readonly name: string;
  readonly role: string;
  readonly max_hosts: number;
  readonly max_tokens: number;
  readonly changes_per_minute: number;
  readonly created_ms: number;
  readonly disabled_ms: number | null;
}

export interface ManagementKeyRow {
  readonly id: string;
  readonly user_id: string;
  readonly name: string;
  readonly sha256: string;
  readonly created_ms: number;
  readonly expires: string | null;
  readonly max_unused_days: number | null;
  readonly revoked_ms: number | null;
}

export interface SessionRow {
  readonly id: string;
  readonly user_id: string;
  readonly sha256: string;
  readonly created_ms: number;
  readonly ends_ms: number;
  readonly method: string;
  readonly source: string;
  readonly user_agent: string;
}

export interface LinkRow {
  readonly id: string;
  readonly kind: string;
  readonly sha256: string;
  /** Null: of an invitation. */
  readonly user_id: string | null;
  /** JSON: Invitation; null: of a sign-in link. */
  readonly invitation: string | null;
  readonly created_by: string;
  readonly created_ms: number;
  readonly ends_ms: number;
}

export interface UserSecretsRow {
  readonly user_id: string;
  readonly password: string | null;
  readonly totp: string | null;
  readonly pending_totp: string | null;
  /** The last time step of which a code was used. */
  readonly totp_step: number | null;
}

export interface RecoveryCodeRow {
  readonly user_id: string;
  readonly sha256: string;
}

export interface IdentityRow {
  readonly issuer: string;
  readonly subject: string;
  readonly user_id: string;
}

export interface AuditRow {
  readonly id: string;
  readonly time_ms: number;
  readonly actor: string;
  /** The name of a management key; null: the operator. */
  readonly key_name: string | null;
  readonly source: string;
  readonly operation: string;
  readonly target: string;
  readonly outcome: string;
}

export interface EventRow {
  readonly id: string;
  readonly name: string;
  readonly time_ms: number;
  readonly protocol: string;
  readonly actor: string;
  readonly source: string;
  readonly user_agent: string;
  readonly outcome: string;
  /** Addresses separated by spaces; null: unknown. */
  readonly a_before: string | null;
  readonly a_after: string | null;
  readonly aaaa_before: string | null;
  readonly aaaa_after: string | null;
  readonly code: string | null;
  readonly detail: string | null;
  /** The SOA serial of the zone after the change; null: not known. */
  readonly serial: number | null;
}

export interface StoredEventRow extends EventRow {
  /** The number of the transaction that stored it, from the counter `events`; null: a version before 0014 did. */
  readonly batch: number | null;
}

/** A secondary answered with a serial that it had not named before. */
export interface ReceiptRow {
  readonly zone: string;
  readonly secondary: string;
  readonly time_ms: number;
  /** Null: from this time on the secondary is asked. */
  readonly serial: number | null;
}

/** How many events a host has. Triggers of `events` keep it (event-counts.ts). */
export interface EventCountRow {
  readonly name: string;
  readonly events: number;
}

export interface ActivityRow {
  readonly name: string;
  readonly repeats: number;
  readonly last_seen_ms: number;
}

/** A host as people look at it. Triggers keep it (overview-schema.ts). Times are 0 for never. */
export interface HostOverviewRow {
  readonly name: string;
  /** 1: its settings refuse updates. */
  readonly is_disabled: number;
  readonly silent_after_ms: number | null;
  readonly last_seen_ms: number;
  /** Addresses separated by spaces; null: unknown. */
  readonly a: string | null;
  readonly a_since_ms: number | null;
  readonly aaaa: string | null;
  readonly aaaa_since_ms: number | null;
  readonly last_change_ms: number;
  /** 1: the last change was the end of its lease. */
  readonly is_lease: number;
  /** The last event that is not a change. It may have been deleted since. */
  readonly fault_ms: number | null;
  readonly fault_id: string | null;
}

/** What happened to a host on one day. Triggers keep it (overview-schema.ts). */
export interface HostDayRow {
  readonly name: string;
  /** `day` modulo 91. */
  readonly slot: number;
  /** Days since 1970. */
  readonly day: number;
  readonly changes: number;
  readonly faults: number;
}

/** Records that a step (`SilenceStep`) was done for a silent host. */
export interface SilenceRow {
  readonly name: string;
  readonly step: string;
  readonly last_seen_ms: number;
}

/** A single row: since when, without a gap, updates could arrive. */
export interface WatchRow {
  readonly name: 'hosts';
  readonly since_ms: number;
  readonly looked_ms: number;
}

export interface PendingRow {
  readonly name: string;
  readonly family: string;
  readonly sequence: number;
  readonly wanted: string | null;
  readonly ttl: number;
  /** JSON: lists of addresses; null: unknown. */
  readonly before: string | null;
  readonly created_ms: number;
  readonly attempts: number;
  readonly next_attempt_ms: number;
  readonly last_error: string | null;
  readonly site: string | null;
}

/** TXT values that this server wrote, with the time at which each is removed. */
export interface TextRow {
  readonly name: string;
  readonly text: string;
  readonly added_ms: number;
  readonly remove_at_ms: number;
}

/** The highest serial of an embedded zone that is known, apart from its database. */
export interface KnownSerialRow {
  readonly zone: string;
  readonly serial: number;
  readonly created_ms: number;
}

/** The last announcement of a live update of a name, and who has claimed the name; times by the clock of the database. */
export interface TurnRow {
  readonly name: string;
  /** 0: never. */
  readonly announced_ms: number;
  readonly holder: string | null;
  readonly claimed_ms: number;
}

/** A single row: the key of TLS session tickets. */
export interface TicketKeyRow {
  readonly name: 'tls';
  /** Base64 of 48 octets. */
  readonly secret: string;
  /** By the clock of the database. */
  readonly created_ms: number;
}

/**
 * Sequence numbers. Incrementing one locks its row until COMMIT, so that changes become visible in the order of their
 * numbers.
 */
export interface CounterRow {
  /**
   * `clock`: the time that was believed last, in milliseconds since 1970. `users`: incremented by every change of users, and
   * of what belongs to whom: such changes wait for one another, and what was read before one can be recognised as outdated.
   */
  readonly name: 'token-changes' | 'wishes' | 'clock' | 'users' | 'events';
  readonly value: number;
}

export interface Schema {
  readonly tokens: TokenRow;
  readonly token_changes: TokenChangeRow;
  readonly token_uses: TokenUseRow;
  readonly hosts: HostRow;
  readonly host_access: HostAccessRow;
  readonly users: UserRow;
  readonly management_keys: ManagementKeyRow;
  readonly sessions: SessionRow;
  readonly links: LinkRow;
  readonly user_secrets: UserSecretsRow;
  readonly recovery_codes: RecoveryCodeRow;
  readonly identities: IdentityRow;
  readonly audit: AuditRow;
  readonly events: StoredEventRow;
  readonly receipts: ReceiptRow;
  readonly event_counts: EventCountRow;
  readonly activity: ActivityRow;
  readonly host_overview: HostOverviewRow;
  readonly host_days: HostDayRow;
  readonly silences: SilenceRow;
  readonly watch: WatchRow;
  readonly wishes: PendingRow;
  readonly texts: TextRow;
  readonly turns: TurnRow;
  readonly ticket_keys: TicketKeyRow;
  readonly counters: CounterRow;
  readonly known_serials: KnownSerialRow;
}
