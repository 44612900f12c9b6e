/** One name of an embedded zone, and its records. */
/** The records of one type at one name. */
export interface ZoneRRset {
  readonly type: number;
  /** Seconds. */
  readonly ttl: number;
  /** Uncompressed wire RDATA, one character per octet, without duplicates. */
  readonly rdatas: readonly string[];
  /**
   * In a signed zone, in the form of signatures.ts. An edit makes an RRset without them. Absent where there are none: objects of unsigned
   * zones have one shape.
   */
  readonly signatures?: readonly string[];
}

/** One name of a zone. */
export interface ZoneNode {
  /** `DomainName.key`. */
  readonly key: string;
  /** `DomainName.wireText`: the owner name with its letter case. */
  readonly wireText: string;
  /** Empty at an empty non-terminal (RFC 9499 §7). */
  readonly rrsets: readonly ZoneRRset[];
  /** Number of nodes one label below; not maintained for the apex. */
  readonly children: number;
}
