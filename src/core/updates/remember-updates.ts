/** DNS UPDATE like the other doors: what it changed is in the history, and takes the place of wishes. */
import type { DomainName } from '../../dns/name.ts';
import { formatRRType, RRType } from '../../dns/rdata.ts';
import type { ZoneEdit } from '../../dns/zone-change.ts';
import type { NewHistoryEvent } from '../history/history.ts';
import type { PublishedAddresses, UpdateOutcome } from '../zones/publisher.ts';
import type { DnsUpdate } from './dns-update.ts';

/** Names of one message that are written down; a message of more is a transfer of data, not the update of a host. */
const MAX_NAMES = 100;

export interface Remembrance {
  readonly record: ((event: NewHistoryEvent) => void) | undefined;
  readonly updated: ((edits: readonly ZoneEdit[]) => Promise<void>) | undefined;
  /** What is published at a name of the zone now. */
  readonly recall: (update: DnsUpdate, ownerName: DomainName) => PublishedAddresses | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** The use-case `apply`, with a memory. */
export function rememberUpdates(
  apply: (update: DnsUpdate) => Promise<UpdateOutcome>,
  memory: () => Remembrance,
): (update: DnsUpdate) => Promise<UpdateOutcome> {
  return async (update) => {
    const { record, updated, recall, now } = memory();
    if (record === undefined && updated === undefined) return apply(update);
    const names = namesOf(update.edits);
    const before = names.map(({ ownerName }) => recall(update, ownerName));
    const outcome = await apply(update);
    if (outcome.kind !== 'applied') return outcome;
    await updated?.(update.edits);
    for (const [index, { ownerName, types }] of names.entries()) {
      const was = before[index];
      const is = recall(update, ownerName);
      const others = [...types].filter((type) => type !== RRType.A && type !== RRType.AAAA && type !== RRType.ANY);
      if (others.length === 0 && (was === undefined || is === undefined || sameAddresses(was, is))) continue;
      record?.({
        ownerName,
        timeMs: now(),
        protocol: 'update',
        actor: update.key.keyName.toString(),
        source: update.source ?? '',
        userAgent: '',
        origin: 'client',
        outcome: 'changed',
        ...(was && is && { A: step(was, is, 'A'), AAAA: step(was, is, 'AAAA') }),
        ...(others.length > 0 && { detail: others.map(formatRRType).join(' ') }),
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
    const ownerName = 'rrset' in edit ? edit.rrset.ownerName : edit.ownerName;
    const type = 'rrset' in edit ? edit.rrset.type : 'type' in edit ? edit.type : RRType.ANY;
    const known = names.get(ownerName.key);
    if (known !== undefined) known.types.add(type);
    else if (names.size < MAX_NAMES) names.set(ownerName.key, { ownerName, types: new Set([type]) });
  }
  return [...names.values()];
}

function step(was: PublishedAddresses, is: PublishedAddresses, family: 'A' | 'AAAA') {
  return { before: was[family].addresses, after: is[family].addresses };
}

function sameAddresses(a: PublishedAddresses, b: PublishedAddresses): boolean {
  return (['A', 'AAAA'] as const).every((family) => a[family].addresses.join() === b[family].addresses.join());
}
