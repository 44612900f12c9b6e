/**
 * Contract: what a zone that this server is the primary of knows of its secondaries. A zone of another primary has none of
 * this: only that primary knows whom it serves.
 */

export interface ServedCount {
  /** Secondaries that serve a serial or a later one (RFC 1982), as they answered themselves. */
  readonly served: number;
  /** Secondaries that are asked. */
  readonly listed: number;
}

export interface ZoneSecondaries {
  /** The serial that is published now: that of a change that was just acknowledged, or a later one. */
  readonly serial: number;
  /**
   * Resolves when all secondaries serve the serial, or with what there is after `timeoutMs`, or earlier: where too many wait, and
   * when the server stops. Never rejects.
   */
  whenServed(serial: number, timeoutMs: number): Promise<ServedCount>;
}

/** A secondary answered with a serial that it had not named before. */
export interface Receipt {
  /** The apex, with the final dot. */
  readonly zone: string;
  /** Its address and port. */
  readonly secondary: string;
  /** Undefined: from this time on it is asked. */
  readonly serial: number | undefined;
  /** Milliseconds since 1970: when the answer arrived. */
  readonly timeMs: number;
}
