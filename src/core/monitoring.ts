/** Contracts of monitoring: counters of the embedded nameserver, and the sources of `/metrics` and `/readyz`. */

/** Counted since the start of the process; read at each scrape. */
export interface NameserverStatistics {
  /** Replies to queries and to UPDATE, by RFC spelling of the RCODE; only those that occurred. */
  readonly replies: readonly { readonly transport: 'udp' | 'tcp'; readonly rcode: string; readonly count: number }[];
  /** What response rate limiting did to replies. */
  readonly rateLimited: { readonly dropped: number; readonly truncated: number };
  readonly transfers: readonly {
    readonly type: 'axfr' | 'ixfr';
    /** `served`: its last message was taken by the client. */
    readonly outcome: 'served' | 'refused' | 'started';
    readonly count: number;
  }[];
  readonly notifies: { readonly sent: number; readonly acknowledged: number };
  /** Transactions that could not be written. */
  readonly failedCommits: number;
  readonly zones: readonly { readonly zone: string; readonly serial: number }[];
  readonly secondaries: readonly SecondaryLag[];
  /** Of each signed zone. */
  readonly signings: readonly SigningFigures[];
}

/** The signatures of a zone, counted at the last renewal. */
export interface SigningFigures {
  readonly zone: string;
  readonly signatures: number;
  readonly expired: number;
  /** Seconds since 1970: when the first signature expires. Undefined: they were not counted yet. */
  readonly firstExpiration: number | undefined;
  /** A key that the zone is signed with is not readable on disk. */
  readonly isKeyMissing: boolean;
  /** Signatures made since the start. */
  readonly made: number;
  readonly failedRenewals: number;
}

export interface SecondaryLag {
  readonly zone: string;
  /** Address and port, as configured. */
  readonly secondary: string;
  /** Milliseconds since 1970: the oldest commit that it is not known to hold. Undefined: none, if it `wasSeen`. */
  readonly behindSinceMs: number | undefined;
  /** It has named the serial that it holds, since the start of the process. */
  readonly wasSeen: boolean;
  /** The serial that it named last. */
  readonly serial: number | undefined;
  /** Milliseconds since 1970: its last answer to a query. */
  readonly answeredMs: number | undefined;
  /** It is asked, and neither silent nor without the zone. Undefined: it is not asked. */
  readonly answers: boolean | undefined;
  /** It was sent a serial, and still names an older one. */
  readonly hasRefused: boolean;
}

/** For the HTTP listeners. */
export interface Monitoring {
  /** Metrics in the text format of Prometheus, 0.0.4. */
  metrics(): Promise<{ readonly contentType: string; readonly body: string }>;
  /** Parts of this process that do not work, in a fixed word each; none: it is ready. Never rejects. */
  notReady(): Promise<readonly string[]>;
  /** Metrics have a listener of their own, and are not served by the others. */
  readonly isApart: boolean;
}
