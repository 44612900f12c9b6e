/**
 * The history of a host's addresses. An update that changed something, was refused or failed is an event; a repeat only
 * increments a counter. This is personal data: it is stored for `history_days` and can be purged.
 */
import type { DomainName } from '../../dns/name.ts';
import type { ErrorCode } from '../errors.ts';
import type { UpdateOrigin } from '../update-origin.ts';
import type { Family } from '../zones/family.ts';

/** Addresses of one family, sorted canonical texts; none is an empty list. */
export interface AddressStep {
  readonly before: readonly string[];
  readonly after: readonly string[];
}

export type EventOutcome = 'changed' | 'refused' | 'failed';

interface EventFacts {
  readonly ownerName: DomainName;
  /** Milliseconds since 1970. */
  readonly timeMs: number;
  /** `dyndns2`, `original`, … or `update` for a DNS UPDATE, `cli`, `retry`, `lease`. */
  readonly protocol: string;
  /** The name of the token or of the TSIG key; `master` for the master secret. Never a secret. */
  readonly actor: string;
  /** The client's address; empty where there is none. */
  readonly source: string;
  readonly userAgent: string;
  readonly outcome: EventOutcome;
  /** The addresses before and after, where they are known; also of a family that did not change. */
  readonly A?: AddressStep;
  readonly AAAA?: AddressStep;
  /** Why it was refused or failed. */
  readonly code?: ErrorCode;
  /** Further facts in a few words, for example other types that were changed. */
  readonly detail?: string;
  /** Of a change in a zone that this server is the primary of: the SOA serial that has it, or a later one. */
  readonly serial?: number;
}

export interface NewHistoryEvent extends EventFacts {
  /** Not stored. It decides whether the event is a sign of life. */
  readonly origin: UpdateOrigin;
}

export interface HistoryEvent extends EventFacts {
  /** Unique. Later events have greater ids, compared as texts. */
  readonly id: string;
}

/** When and how often a host has sent updates. */
export interface HostActivity {
  readonly ownerName: DomainName;
  /** Updates that changed nothing. */
  readonly repeats: number;
  /** The last update of a client that was accepted, even if it failed at the primary. */
  readonly lastSeenMs: number;
}

/** When a secondary first answered with the serial of an event, or with a later one. */
export interface EventReceipt {
  readonly eventId: string;
  /** Its address and port. */
  readonly secondary: string;
  /** Milliseconds since 1970; undefined: not yet. */
  readonly timeMs: number | undefined;
}

/** True where an event shows that the host's client is alive: its update was accepted, also where it failed at the primary. */
export function isSignOfLife({ outcome, origin }: Pick<NewHistoryEvent, 'outcome' | 'origin'>): boolean {
  return origin === 'client' && outcome !== 'refused';
}

/** The protocol of events that result from `lease_seconds`. */
export const LEASE_PROTOCOL = 'lease';

/** The addresses of a host at some time; a family is absent where its addresses are not known. */
export type PastAddresses = Partial<Record<Family, readonly string[]>>;

/** The smallest id that an event of this time can have. */
export function firstIdOf(timeMs: number): string {
  return Math.max(0, timeMs).toString(16).padStart(12, '0');
}

/** An id for an event: its time, then `random` (at least 10 octets), in hexadecimal digits that sort by time. */
export function eventId(timeMs: number, sequence: number, random: Uint8Array): string {
  const time = firstIdOf(timeMs);
  const order = (sequence & 0xffffff).toString(16).padStart(6, '0');
  return `${time}${order}${Buffer.from(random).toString('hex')}`;
}

/** Takes events to be written later; never throws, never waits. */
export interface UpdateRecorder {
  record(event: NewHistoryEvent): void;
  /** An update that changed nothing. */
  repeat(ownerName: DomainName, timeMs: number): void;
}
