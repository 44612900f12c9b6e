/**
 * UpdatableZone for a zone that this server is the primary of: applies UPDATEs to the draft and commits them.
 *
 * No client can change an RRset that the configuration sets: such a message is refused, except that the removal of the
 * apex's SOA and of its last NS is ignored (RFC 2136 §3.4.2.3, §3.4.2.4). A message is refused if the zone after it would
 * have more hidden data, or more records than the limits allow (judge-change.ts).
 */
import type { UpdatableZone, UpdateOutcome } from '../../core/zones/publisher.ts';
import { formatRRType, RRType } from '../../dns/rdata.ts';
import { rdataKey } from '../../dns/rdata-canonical.ts';
import { ownerOfEdit, type Prerequisite, type ZoneEdit } from '../../dns/zone-change.ts';
import type { Committer } from '../journal/committer.ts';
import { ZoneWriter } from '../journal/zone-writer.ts';
import type { ZoneDraft } from '../zone/draft.ts';
import { applyEdits, checkPrerequisites } from '../zone/edit.ts';
import type { EmbeddedZone } from '../zone/embedded-zone.ts';
import { whyForbidden } from '../zone/judge-change.ts';
import type { ZoneLimits } from '../zone/limits.ts';
import { rdataText } from '../zone/zone-version.ts';

type Refusal = Parameters<UpdatableZone['applyUpdate']>[1];

const APPLIED: UpdateOutcome = { kind: 'applied' };

export class EmbeddedUpdates implements UpdatableZone {
  readonly #zone: EmbeddedZone;
  readonly #writer: ZoneWriter;
  readonly #limits: ZoneLimits;

  constructor(zone: EmbeddedZone, committer: Committer, limits: ZoneLimits) {
    this.#zone = zone;
    this.#limits = limits;
    this.#writer = new ZoneWriter(zone, committer);
  }

  async applyUpdate(
    { prerequisites, edits }: { readonly prerequisites: readonly Prerequisite[]; readonly edits: readonly ZoneEdit[] },
    refusal: Refusal,
    deadlineMs: number,
  ): Promise<UpdateOutcome> {
    return this.#writer.change(
      (draft) => {
        const rcode = checkPrerequisites(draft, prerequisites);
        if (rcode !== 'hold') return { kind: 'unmet', rcode };
        const permitted: ZoneEdit[] = [];
        /** Names whose deletion is permitted: another one in the message is not checked for all their types again. */
        const deletedNames = new Set<string>();
        for (const edit of edits) {
          const { key } = ownerOfEdit(edit);
          if (edit.kind === 'delete-name' && deletedNames.has(key)) {
            permitted.push(edit);
            continue;
          }
          const types = touchedTypes(draft, edit);
          const why = refusal(edit, types);
          if (why !== undefined) return { kind: 'refused', why };
          const staticType = types.find((type) => this.#zone.isStatic(key, type));
          if (staticType === undefined) {
            permitted.push(edit);
            if (edit.kind === 'delete-name') deletedNames.add(key);
          } else if (!isPassedOver(draft, edit, staticType)) {
            return refuseStatic(edit, staticType);
          }
        }
        const mark = draft.mark();
        applyEdits(draft, permitted);
        const keys = new Set(permitted.map((edit) => ownerOfEdit(edit).key));
        const why = whyForbidden(mark, draft, keys, this.#limits);
        if (why === undefined) return APPLIED;
        draft.rollBack(mark);
        return { kind: 'refused', why };
      },
      deadlineMs,
      'wait',
    );
  }
}

/**
 * True for removals of static data that RFC 2136 ignores: of the apex's SOA and NS RRsets (§3.4.2.3), of the SOA as a record
 * and of the last NS (§3.4.2.4).
 */
function isPassedOver(draft: ZoneDraft, edit: ZoneEdit, type: number): boolean {
  if ('rrset' in edit || edit.ownerName.key !== draft.apex.key || !isZoneType(type)) return false;
  if (edit.kind !== 'delete-from-rrset' || type === RRType.SOA) return true;
  const ns = draft.findRRset(draft.apex.key, RRType.NS)?.rdatas.map((rdata) => rdataKey(type, rdata)) ?? [];
  return (
    edit.rdatas.length === ns.length && edit.rdatas.every((rdata) => ns.includes(rdataKey(type, rdataText(rdata))))
  );
}

/** Types that the removal of all RRsets at the apex does not delete (RFC 2136 §3.4.2.3). */
function isZoneType(type: number): boolean {
  return type === RRType.SOA || type === RRType.NS;
}

function touchedTypes(draft: ZoneDraft, edit: ZoneEdit): readonly number[] {
  if ('rrset' in edit) return [edit.rrset.type];
  if (edit.kind !== 'delete-name') return [edit.type];
  const { key } = edit.ownerName;
  const types = draft.find(key)?.rrsets.map(({ type }) => type) ?? [];
  return key === draft.apex.key ? types.filter((type) => !isZoneType(type)) : types;
}

function refuseStatic(edit: ZoneEdit, type: number): UpdateOutcome {
  const what = `the ${formatRRType(type)} records of '${ownerOfEdit(edit)}'`;
  const advice = type === RRType.SOA ? "; use 'dyndns zone serial' to raise the serial" : '';
  return { kind: 'refused', why: `${what} are set by the configuration${advice}` };
}
