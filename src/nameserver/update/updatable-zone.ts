/**
 * UpdatableZone for a zone that this server is the primary of: applies UPDATEs to the draft and commits them.
 *
 * No client can change an RRset that the configuration sets: such a message is refused, except that the removal of the
 * apex's SOA and NS is ignored (RFC 2136 §3.4.2.3, §3.4.2.4). Data below a delegation or a DNAME is refused, except glue.
 */
import type { UpdatableZone, UpdateOutcome } from '../../core/zones/publisher.ts';
import type { DomainName } from '../../dns/name.ts';
import { formatRRType, RRType } from '../../dns/rdata.ts';
import type { Prerequisite, ZoneEdit } from '../../dns/zone-change.ts';
import type { Committer } from '../journal/committer.ts';
import { ZoneWriter } from '../journal/zone-writer.ts';
import type { ZoneDraft } from '../zone/draft.ts';
import { applyEdits, checkPrerequisites } from '../zone/edit.ts';
import type { EmbeddedZone } from '../zone/embedded-zone.ts';
import { cutAbove, isGlue } from '../zone/occlusion.ts';
import { nameOf } from '../zone/zone-version.ts';

type Refusal = Parameters<UpdatableZone['applyUpdate']>[1];

const APPLIED: UpdateOutcome = { kind: 'applied' };

export class EmbeddedUpdates implements UpdatableZone {
  readonly #zone: EmbeddedZone;
  readonly #writer: ZoneWriter;

  constructor(zone: EmbeddedZone, committer: Committer) {
    this.#zone = zone;
    this.#writer = new ZoneWriter(zone, committer);
  }

  async applyUpdate(
    { prerequisites, edits }: { readonly prerequisites: readonly Prerequisite[]; readonly edits: readonly ZoneEdit[] },
    refusal: Refusal,
    deadlineMs: number,
  ): Promise<UpdateOutcome> {
    return this.#writer.change((draft) => {
      const rcode = checkPrerequisites(draft, prerequisites);
      if (rcode !== 'hold') return { kind: 'unmet', rcode };
      const permitted: ZoneEdit[] = [];
      /** Names whose deletion is permitted: another one in the message is not checked for all their types again. */
      const deletedNames = new Set<string>();
      for (const edit of edits) {
        const { key } = editedName(edit);
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
        } else if ('rrset' in edit || key !== draft.apex.key || !isZoneType(staticType)) {
          return refuseStatic(edit, staticType);
        }
      }
      const mark = draft.mark();
      applyEdits(draft, permitted);
      const why = occludedEdit(draft, permitted);
      if (why === undefined) return APPLIED;
      draft.rollBack(mark);
      return { kind: 'refused', why };
    }, deadlineMs);
  }
}

function editedName(edit: ZoneEdit): DomainName {
  return 'rrset' in edit ? edit.rrset.ownerName : edit.ownerName;
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
  const what = `the ${formatRRType(type)} records of '${editedName(edit)}'`;
  const advice = type === RRType.SOA ? "; use 'dyndns zone serial' to raise the serial" : '';
  return { kind: 'refused', why: `${what} are set by the configuration${advice}` };
}

/** Why an added RRset would be occluded. Checked after the edits, because one of them may have added the delegation. */
function occludedEdit(draft: ZoneDraft, edits: readonly ZoneEdit[]): string | undefined {
  if (draft.cuts === 0) return undefined;
  for (const edit of edits) {
    if (!('rrset' in edit)) continue;
    const { ownerName, type } = edit.rrset;
    const cut = cutAbove(draft, ownerName.key);
    // A later edit of the same message may have deleted it.
    if (cut === undefined || draft.findRRset(ownerName.key, type) === undefined) continue;
    if (!isGlue(cut, ownerName.key, type)) {
      return `the name '${ownerName}' is below the delegation or DNAME at '${nameOf(cut.wireText)}'`;
    }
  }
  return undefined;
}
