/**
 * The use-case of changing records of a zone that this server is the primary of, by a token or a user: many edits as one step of the
 * serial, all or none. What an UPDATE may do with a key is in core/updates/dns-update.ts; both share edit-rules.ts.
 *
 * Nothing is read before the change: the zone is in memory, and judges the edits when it makes them.
 */
import type { DomainName } from '../../dns/name.ts';
import { formatRRType } from '../../dns/rdata.ts';
import { ownerOfEdit, type ZoneEdit } from '../../dns/zone-change.ts';
import type { RequestContext } from '../access/request-context.ts';
import { AppError } from '../errors.ts';
import type { HostSettings } from '../hosts/host.ts';
import { forEachInParallel } from '../parallel.ts';
import type { Clock } from '../timers.ts';
import { MAX_TTL, rrsetRefusal } from '../updates/edit-rules.ts';
import type { UpdateRecord } from '../updates/update-record.ts';
import type { Family } from '../zones/family.ts';
import type { ChangedName } from '../zones/publisher.ts';
import type { ZoneTable } from '../zones/zone.ts';
import { checkContent, checkPlace } from './client-rules.ts';
import type { RecordZone } from './read-records.ts';
import { hostOf, isAddressType, type RecordScope } from './record-scope.ts';

export interface RecordChange {
  readonly zone: RecordZone;
  readonly scope: RecordScope;
  /** In their order. */
  readonly edits: readonly ZoneEdit[];
  /** The serial that the zone must have; absent: any. */
  readonly serial?: number | undefined;
  /** Checks everything, and changes nothing. */
  readonly isDryRun?: boolean;
}

export interface RecordChangeParts {
  readonly zones: ZoneTable;
  readonly record: UpdateRecord;
  /** Ends pending updates that the edits replace. Never rejects. */
  readonly ended: (edits: readonly ZoneEdit[]) => Promise<void>;
  readonly clock: Clock;
  readonly timeoutMs: number;
}

export interface RecordsChanged {
  /** Empty: everything was so already. */
  readonly changed: readonly ChangedName[];
  /** The serial that has the change, or a later one. */
  readonly serial: number;
}

/** RRsets of one change: queries wait while it is made. */
export const MAX_EDITS = 5000;
/** Names of one change that are recorded; a change of more is a transfer of data, not the update of a host. */
const MAX_RECORDED = 100;
/** Hosts whose settings are read at the same time. */
const PARALLEL_READS = 20;

/**
 * Checks all edits, then makes them all, or none.
 * @throws AppError not-permitted, name-invalid, address-refused, request-malformed, host-disabled, rate-limited, conflict, primary-*,
 *   publish-unknown; PreconditionFailed
 */
export async function changeRecords(
  change: RecordChange,
  context: RequestContext,
  parts: RecordChangeParts,
): Promise<RecordsChanged> {
  const { zone, edits } = change;
  const { record } = parts;
  const [first] = edits;
  if (first === undefined) return { changed: [], serial: zone.records.snapshot().serial };
  if (edits.length > MAX_EDITS) {
    throw new AppError('request-malformed', `A request may change at most ${MAX_EDITS} RRsets.`);
  }
  const place = { ownerName: ownerOfEdit(first) };
  try {
    const deadlineMs = parts.clock() + parts.timeoutMs;
    await checkEdits(change, context, parts, place);
    const changed = await publish(change, context, record, deadlineMs, place);
    if (change.isDryRun) return { changed, serial: zone.records.snapshot().serial };
    await parts.ended(edits);
    recordChange(changed, edits, context, record);
    return { changed, serial: zone.records.snapshot().serial };
  } catch (error) {
    record.failed(place.ownerName, context, error);
    throw error;
  }
}

/** The name that an error is about. */
interface Place {
  ownerName: DomainName;
}

/** Everything that does not depend on what is in the zone. @throws AppError */
async function checkEdits(
  { zone, scope, edits }: RecordChange,
  context: RequestContext,
  { zones, record }: RecordChangeParts,
  place: Place,
): Promise<void> {
  for (const edit of edits) {
    place.ownerName = ownerOfEdit(edit);
    if (zones.find(place.ownerName) !== zone) {
      // Not in the log: a name in no zone of this server may be a secret in the wrong place.
      const logText = 'A name in the request is not in the zone.';
      throw new AppError('name-invalid', `RRset ${place.ownerName}: Name is out of zone.`, { logText });
    }
    const type = typeOfEdit(edit);
    if (type !== undefined) checkPlace(zone, scope, place.ownerName, type);
  }
  /** With a name that is edited, for each host. */
  const hosts = new Map<string, { readonly host: DomainName; readonly ownerName: DomainName }>();
  for (const edit of edits) {
    const ownerName = ownerOfEdit(edit);
    const host = hostOf(ownerName, typeOfEdit(edit));
    hosts.set(host.key, { host, ownerName });
  }
  const settings = new Map<string, HostSettings | undefined>();
  if (scope.isClient) {
    await forEachInParallel([...hosts.values()], PARALLEL_READS, async ({ host, ownerName }) => {
      try {
        settings.set(host.key, await record.settings(host, context, zone, ownerName));
      } catch (error) {
        place.ownerName = host;
        throw error;
      }
    });
  }
  for (const edit of edits) {
    if (!('rrset' in edit)) continue;
    const { rrset } = edit;
    place.ownerName = rrset.ownerName;
    if (rrset.ttl > MAX_TTL) throw new AppError('request-malformed', `RRset ${place.ownerName}: the TTL is too large.`);
    if (scope.isClient) checkContent(zone, rrset, settings.get(hostOf(rrset.ownerName, rrset.type).key), context);
    else {
      const why = rrsetRefusal(zone, rrset);
      if (why !== undefined) throw new AppError('address-refused', why);
    }
  }
}

/** Undoes a change that was made to see whether it can be. */
class DryRun extends AppError {
  constructor() {
    super('conflict', 'A dry run.');
  }
}

/** @throws AppError */
async function publish(
  { zone, scope, edits, serial, isDryRun = false }: RecordChange,
  context: RequestContext,
  record: UpdateRecord,
  deadlineMs: number,
  place: Place,
): Promise<readonly ChangedName[]> {
  let changed: readonly ChangedName[] = [];
  const updated = zone.records.updates.applyUpdate(
    { prerequisites: [], edits },
    {
      isStrict: true,
      serial,
      refusal: (edit, types) => {
        place.ownerName = ownerOfEdit(edit);
        // Only now it is known which types the deletion of a name touches.
        if (edit.kind === 'delete-name') for (const type of types) checkPlace(zone, scope, edit.ownerName, type);
        return undefined;
      },
      accept: (made) => {
        changed = made;
        const refused = made.length > 0 ? record.changeRefused(context) : undefined;
        if (refused !== undefined) {
          place.ownerName = made[0]!.ownerName;
          throw refused;
        }
        if (isDryRun) throw new DryRun();
      },
    },
    deadlineMs,
  );
  const outcome = await updated.catch((error: unknown) => {
    if (error instanceof DryRun) return { kind: 'applied' } as const;
    throw error;
  });
  if (outcome.kind === 'applied') return changed;
  const why = outcome.kind === 'refused' ? outcome.why : 'the zone has changed meanwhile';
  throw new AppError('conflict', `${why[0]?.toUpperCase()}${why.slice(1)}.`);
}

/** Undefined: the deletion of all types at a name. */
function typeOfEdit(edit: ZoneEdit): number | undefined {
  if ('rrset' in edit) return edit.rrset.type;
  return edit.kind === 'delete-name' ? undefined : edit.type;
}

/** Into the history and the counters, as an update of hosts. */
function recordChange(
  changed: readonly ChangedName[],
  edits: readonly ZoneEdit[],
  context: RequestContext,
  record: UpdateRecord,
): void {
  for (const { ownerName, types, before, after } of changed.slice(0, MAX_RECORDED)) {
    const others = types.filter((type) => !isAddressType(type)).map(formatRRType);
    const step = (family: Family) => ({ before: before[family].addresses, after: after[family].addresses });
    record.changed(ownerName, context, {
      ...(others.length < types.length && { A: step('A'), AAAA: step('AAAA') }),
      ...(others.length > 0 && { detail: others.join(' ') }),
    });
  }
  // Addresses that are sent again show that the client is there.
  const names = new Set(changed.map(({ ownerName }) => ownerName.key));
  const repeated = new Map<string, DomainName>();
  for (const edit of edits) {
    if (!('rrset' in edit) || !isAddressType(edit.rrset.type)) continue;
    const { ownerName } = edit.rrset;
    if (!names.has(ownerName.key) && repeated.size < MAX_RECORDED) repeated.set(ownerName.key, ownerName);
  }
  for (const ownerName of repeated.values()) record.unchanged(ownerName, context);
  record.succeeded(context, changed.length > 0);
}
