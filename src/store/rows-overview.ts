/** Converts the rows of overview-schema.ts to the types of the core. */
import type { HostState, KnownAddresses, OverviewHost } from '../core/hosts/overview-store.ts';
import { eventOf, hostOf, nameOf } from './rows.ts';
import type { EventRow, HostDayRow, HostOverviewRow } from './schema.ts';

interface Others {
  /** Null: it has none. */
  readonly settings: string | null;
  readonly days: readonly HostDayRow[];
  readonly waiting: readonly { readonly created_ms: number }[];
  readonly fault: EventRow | undefined;
}

export function overviewHostOf(row: HostOverviewRow, state: HostState, others: Others): OverviewHost {
  const { name, last_seen_ms: lastSeenMs, last_change_ms: lastChangeMs, is_lease: isLease } = row;
  const { settings, days, waiting, fault } = others;
  const A = knownAddresses(row.a, row.a_since_ms);
  const AAAA = knownAddresses(row.aaaa, row.aaaa_since_ms);
  return {
    ownerName: nameOf(name),
    state,
    isLease: isLease === 1,
    days: days.map(({ day, changes, faults }) => ({ day, changes, faults })),
    ...(settings !== null && { settings: hostOf({ name, settings }) }),
    ...(A && { A }),
    ...(AAAA && { AAAA }),
    ...(lastSeenMs > 0 && { lastSeenMs }),
    ...(lastChangeMs > 0 && { lastChangeMs }),
    ...(fault && { fault: eventOf(fault) }),
    ...(waiting.length > 0 && { waitingSinceMs: Math.min(...waiting.map(({ created_ms: createdMs }) => createdMs)) }),
  };
}

function knownAddresses(text: string | null, sinceMs: number | null): KnownAddresses | undefined {
  if (text === null) return undefined;
  const addresses = text === '' ? [] : text.split(' ');
  return sinceMs === null ? { addresses } : { addresses, sinceMs };
}
