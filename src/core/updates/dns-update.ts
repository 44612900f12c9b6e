/**
 * The use-case of a DNS UPDATE from a client (RFC 2136): what the key may change, and the zone's rules for addresses and
 * TTLs. One refusal refuses the whole message. What was changed is recorded like an update by HTTP.
 *
 * Order: the key's right to change the zone at all, then the prerequisites, then each edit. RFC 2136 §3.3 has the permission
 * after the prerequisites; a key without any must not learn by prerequisites what is in the zone.
 * The options `apex` and `wildcard` of a zone are about HTTP and do not apply here; `reserved` only as far as a key that is
 * limited to some names may not write the ACME challenge of a reserved one.
 */
import type { DomainName } from '../../dns/name.ts';
import { formatRRType, RRType } from '../../dns/rdata.ts';
import { ownerOfEdit, type Prerequisite, type ZoneEdit } from '../../dns/zone-change.ts';
import { challengeSubject } from '../access/acme-challenge.ts';
import { type NameScope, scopeCovers } from '../access/name-scope.ts';
import type { NewHistoryEvent } from '../history/history.ts';
import { FAMILIES, type Family } from '../zones/family.ts';
import type { EditRules, PublishedAddresses, UpdatableZone, UpdateOutcome } from '../zones/publisher.ts';
import type { Zone } from '../zones/zone.ts';
import { challengeRefusal, rrsetRefusal } from './edit-rules.ts';

/** A key of one zone, as configured. */
export interface UpdateKey {
  /** The actor in the history. */
  readonly keyName: DomainName;
  readonly mayUpdate: boolean;
  /** Absent: every name of the zone. */
  readonly hosts?: NameScope;
  /** Absent: every type. */
  readonly types?: ReadonlySet<number>;
}

export interface DnsUpdate {
  readonly zone: Pick<Zone, 'apex' | 'addresses' | 'ttl'> & Partial<Pick<Zone, 'reserved' | 'staticNames'>>;
  readonly target: UpdatableZone;
  readonly key: UpdateKey;
  /** All names are in the zone. */
  readonly prerequisites: readonly Prerequisite[];
  readonly edits: readonly ZoneEdit[];
  /** Where the message came from, canonical IP text. */
  readonly source?: string;
  /** Of the monotonic clock, in ms. */
  readonly deadlineMs: number;
}

/** @throws AppError primary-*, publish-unknown */
export async function applyUpdate(update: DnsUpdate): Promise<UpdateOutcome> {
  const { zone, target, key, deadlineMs } = update;
  if (!key.mayUpdate)
    return { kind: 'refused', why: `the key '${key.keyName}' may not change the zone '${zone.apex}'` };
  return target.applyUpdate(update, keyRules(zone, key), deadlineMs);
}

/** What an UPDATE that is signed with the key must comply with. */
function keyRules(zone: DnsUpdate['zone'], key: UpdateKey): EditRules {
  return {
    refusal: (edit, types) => {
      const why = notCovered(zone, key, ownerOfEdit(edit), types);
      return why ?? ('rrset' in edit ? rrsetRefusal(zone, edit.rrset) : undefined);
    },
  };
}

function notCovered(
  zone: DnsUpdate['zone'],
  { keyName, hosts, types: allowed }: UpdateKey,
  ownerName: DomainName,
  types: readonly number[],
): string | undefined {
  const covered = hosts === undefined || scopeCovers(hosts, ownerName);
  if (!covered) {
    // DNS-01 (RFC 8555 §8.4): who may change a name may prove that.
    const subject = challengeSubject(ownerName);
    const challenge =
      subject !== undefined && scopeCovers(hosts, subject) && types.every((type) => type === RRType.TXT);
    if (!challenge) return `the key '${keyName}' may not change '${ownerName}'`;
  }
  const why = hosts && challengeRefusal(zone, hosts, ownerName, types);
  if (why !== undefined) return `the key '${keyName}' may not change '${ownerName}'${why}`;
  const foreign = allowed && types.find((type) => !allowed.has(type));
  return foreign === undefined
    ? undefined
    : `the key '${keyName}' may not change ${formatRRType(foreign)} records ('${ownerName}')`;
}

/** Names of one message that are recorded; a message of more is a transfer of data, not the update of a host. */
const MAX_NAMES = 100;

/** Where UPDATEs are recorded. */
export interface DnsUpdateRecord {
  readonly record: ((event: NewHistoryEvent) => void) | undefined;
  /** Ends pending updates that the edits replace. */
  readonly updated: ((edits: readonly ZoneEdit[]) => Promise<void>) | undefined;
  /** What is published at a name of the zone now. */
  readonly recall: (update: DnsUpdate, ownerName: DomainName) => PublishedAddresses | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** The use-case `apply`, with its changes recorded. @param parts read at each UPDATE */
export function recordUpdates(
  apply: (update: DnsUpdate) => Promise<UpdateOutcome>,
  parts: () => DnsUpdateRecord,
): (update: DnsUpdate) => Promise<UpdateOutcome> {
  return async (update) => {
    const { record, updated, recall, now } = parts();
    if (record === undefined && updated === undefined) return apply(update);
    const names = namesOf(update.edits);
    const before = names.map(({ ownerName }) => recall(update, ownerName));
    const outcome = await apply(update);
    if (outcome.kind !== 'applied') return outcome;
    await updated?.(update.edits);
    for (const [index, { ownerName, types }] of names.entries()) {
      const older = before[index];
      const newer = recall(update, ownerName);
      const otherTypes = [...types].filter((type) => type !== RRType.A && type !== RRType.AAAA && type !== RRType.ANY);
      if (otherTypes.length === 0 && (older === undefined || newer === undefined || sameAddresses(older, newer)))
        continue;
      record?.({
        ownerName,
        timeMs: now(),
        protocol: 'update',
        actor: update.key.keyName.toString(),
        source: update.source ?? '',
        userAgent: '',
        origin: 'client',
        outcome: 'changed',
        ...(older && newer && { A: step(older, newer, 'A'), AAAA: step(older, newer, 'AAAA') }),
        ...(otherTypes.length > 0 && { detail: otherTypes.map(formatRRType).join(' ') }),
      });
    }
    return outcome;
  };
}

interface EditedName {
  readonly ownerName: DomainName;
  readonly types: Set<number>;
}

function namesOf(edits: readonly ZoneEdit[]): EditedName[] {
  const names = new Map<string, EditedName>();
  for (const edit of edits) {
    const ownerName = ownerOfEdit(edit);
    const type = 'rrset' in edit ? edit.rrset.type : 'type' in edit ? edit.type : RRType.ANY;
    const edited = names.get(ownerName.key);
    if (edited !== undefined) edited.types.add(type);
    else if (names.size < MAX_NAMES) names.set(ownerName.key, { ownerName, types: new Set([type]) });
  }
  return [...names.values()];
}

function step(older: PublishedAddresses, newer: PublishedAddresses, family: Family) {
  return { before: older[family].addresses, after: newer[family].addresses };
}

function sameAddresses(a: PublishedAddresses, b: PublishedAddresses): boolean {
  return FAMILIES.every((family) => a[family].addresses.join() === b[family].addresses.join());
}
