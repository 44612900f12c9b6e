// The tables, as rows hold them: names as lower-case presentation text with the final dot, times as milliseconds since
// 1970, lists as JSON. migrations.ts makes them; rows.ts turns them into what the core knows.

export interface TokenRow {
  readonly id: string;
  readonly name: string;
  readonly sha256: string;
  /** JSON: owner-name patterns. */
  readonly hosts: string;
  /** JSON: numbers of RR types. */
  readonly types: string;
  /** JSON: "any", "own" or a list of prefixes. */
  readonly addresses: string;
  /** JSON: prefixes; null: anywhere. */
  readonly sources: string | null;
  readonly expires: string | null;
  readonly created_ms: number;
  readonly revoked_ms: number | null;
}

/** Which secrets have changed their meaning: what the caches of other processes ask for. The oldest are removed. */
export interface TokenChangeRow {
  readonly version: number;
  readonly sha256: string;
}

/** Apart from the tokens, which change seldom: this is written all the time. */
export interface TokenUseRow {
  readonly token_id: string;
  readonly last_used_ms: number;
}

export interface HostRow {
  readonly name: string;
  /** JSON, see rows.ts. */
  readonly settings: string;
  /** 1: the time that it may be silent is limited. */
  readonly is_limited: number;
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
  /** Addresses with a space between them; null: not known. */
  readonly a_before: string | null;
  readonly a_after: string | null;
  readonly aaaa_before: string | null;
  readonly aaaa_after: string | null;
  readonly code: string | null;
  readonly detail: string | null;
}

export interface ActivityRow {
  readonly name: string;
  readonly repeats: number;
  readonly last_seen_ms: number;
}

/** What was done about a host that is silent. */
export interface SilenceRow {
  readonly name: string;
  readonly step: string;
  readonly last_seen_ms: number;
}

/** One row, `hosts`. */
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
  /** JSON: lists of addresses; null: not known. */
  readonly before: string | null;
  readonly created_ms: number;
  readonly attempts: number;
  readonly next_attempt_ms: number;
  readonly last_error: string | null;
  readonly site: string | null;
}

/** Values of TXT records that are to be removed some day. */
export interface TextRow {
  readonly name: string;
  readonly text: string;
  readonly added_ms: number;
  readonly remove_at_ms: number;
}

/** Numbers that only grow. Whoever raises one holds its row until COMMIT, so that they become visible in order. */
export interface CounterRow {
  readonly name: 'token-changes' | 'wishes';
  readonly value: number;
}

export interface Schema {
  readonly tokens: TokenRow;
  readonly token_changes: TokenChangeRow;
  readonly token_uses: TokenUseRow;
  readonly hosts: HostRow;
  readonly events: EventRow;
  readonly activity: ActivityRow;
  readonly silences: SilenceRow;
  readonly watch: WatchRow;
  readonly wishes: PendingRow;
  readonly texts: TextRow;
  readonly counters: CounterRow;
}
