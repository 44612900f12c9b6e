/**
 * UpdatableZone for a zone that this server is the primary of: applies UPDATEs to the draft and commits them.
 *
 * No client can change an RRset that the configuration sets: such a message is refused, except that the removal of the
 * apex's SOA and of its last NS is ignored (RFC 2136 §3.4.2.3, §3.4.2.4). A message is refused if the zone after it would
 * have more hidden data, or more records than the limits allow (judge-change.ts).
 */
import { PreconditionFailed } from '../../core/errors.ts';
import type { ChangedName, EditRules, UpdatableZone, UpdateOutcome } from '../../core/zones/publisher.ts';
import type { DomainName } from '../../dns/name.ts';
import { formatRRType, RRType, SINGLE_TYPES } from '../../dns/rdata.ts';
import { rdataKey } from '../../dns/rdata-canonical.ts';
import { findDecodedRdataFault, isTooLong } from '../../dns/wire/rdata-check.ts';
import { ownerOfEdit, type Prerequisite, type ZoneEdit } from '../../dns/zone-change.ts';
import type { Committer } from '../journal/committer.ts';
import { ZoneWriter } from '../journal/zone-writer.ts';
import type { DraftMark, ZoneDraft } from '../zone/draft.ts';
import { applyEdits, checkPrerequisites } from '../zone/edit.ts';
import type { EmbeddedZone } from '../zone/embedded-zone.ts';
import { whyForbidden } from '../zone/judge-change.ts';
import type { ZoneLimits } from '../zone/limits.ts';
import { isSameRRset } from '../zone/rrset-members.ts';
import { isSignerType } from '../zone/signer-types.ts';
import { findRRset, type ZoneRRset } from '../zone/zone-node.ts';
import { rdataText } from '../zone/zone-version.ts';
import { addressesOf } from './publisher.ts';
import { SIGNER_TYPES } from './update-in.ts';

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
    rules: EditRules,
    deadlineMs: number,
  ): Promise<UpdateOutcome> {
    const { isStrict = false } = rules;
    const fault = isStrict ? findFault(edits) : undefined;
    if (fault !== undefined) return { kind: 'refused', why: fault };
    return this.#writer.change(
      (draft) => {
        if (rules.serial !== undefined) this.#requireSerial(draft, rules.serial);
        const rcode = checkPrerequisites(draft, prerequisites);
        if (rcode !== 'hold') return { kind: 'unmet', rcode };
        const permitted: ZoneEdit[] = [];
        /** Names whose deletion is permitted: another one in the message is not checked for all their types again. */
        const deletedNames = new Set<string>();
        for (const edit of edits) {
          const { key } = ownerOfEdit(edit);
          const signerType = signerTypeOf(edit);
          if (signerType !== undefined && draft.isSigned)
            return { kind: 'refused', why: refusedSignerType(signerType) };
          if (edit.kind === 'delete-name' && deletedNames.has(key)) {
            permitted.push(edit);
            continue;
          }
          const types = touchedTypes(draft, edit);
          const why = rules.refusal(edit, types);
          if (why !== undefined) return { kind: 'refused', why };
          const staticType = types.find((type) => this.#zone.isStatic(key, type));
          if (staticType === undefined) {
            permitted.push(edit);
            if (edit.kind === 'delete-name') deletedNames.add(key);
          } else if (isStrict || !isPassedOver(draft, edit, staticType)) {
            return refuseStatic(edit, staticType);
          }
        }
        const mark = draft.mark();
        applyEdits(draft, permitted);
        const owners = new Map(permitted.map((edit) => [ownerOfEdit(edit).key, ownerOfEdit(edit)]));
        const ignored = isStrict ? findIgnored(mark, draft, permitted) : undefined;
        const why = ignored ?? whyForbidden(mark, draft, [...owners.keys()], this.#limits);
        if (why === undefined) {
          rules.accept?.(changedNames(mark, draft, owners.values()));
          return APPLIED;
        }
        draft.rollBack(mark);
        return { kind: 'refused', why };
      },
      deadlineMs,
      isStrict ? 'error' : 'wait',
    );
  }

  /** @throws PreconditionFailed */
  #requireSerial({ base, changed }: ZoneDraft, required: number): void {
    if (base.serial === required && !changed) return;
    throw new PreconditionFailed(`The zone '${this.#zone.apex}' was changed since the serial ${required}.`);
  }
}

/** The type of an edit that only the signer of a zone may make. */
function signerTypeOf(edit: ZoneEdit): number | undefined {
  if (edit.kind === 'delete-name') return undefined;
  const type = 'rrset' in edit ? edit.rrset.type : edit.type;
  return isSignerType(type) ? type : undefined;
}

function refusedSignerType(type: number): string {
  return `${formatRRType(type)} records of this zone are made by its signer (option 'dnssec')`;
}

/** RDATA that may not become zone data. A received UPDATE was checked before (update-in.ts). */
function findFault(edits: readonly ZoneEdit[]): string | undefined {
  for (const edit of edits) {
    if (!('rrset' in edit)) continue;
    const { type, rdatas } = edit.rrset;
    if (SIGNER_TYPES.has(type)) return `${formatRRType(type)} records belong to the signer of a zone`;
    for (const rdata of rdatas) {
      const fault = findDecodedRdataFault(type, rdata) ?? (isTooLong(rdata) ? 'it is too long' : undefined);
      if (fault !== undefined) return `malformed RDATA of ${formatRRType(type)} at '${edit.rrset.ownerName}': ${fault}`;
    }
  }
  return undefined;
}

/** The first edit that RFC 2136 §3.4.2 has ignored: why; undefined where there is none. */
function findIgnored(before: DraftMark, draft: ZoneDraft, edits: readonly ZoneEdit[]): string | undefined {
  /** The last edit of each type, by name. */
  const last = new Map<string, Map<number, ZoneEdit>>();
  for (const edit of edits) {
    const { key } = ownerOfEdit(edit);
    if (edit.kind === 'delete-name') last.delete(key);
    else last.set(key, (last.get(key) ?? new Map()).set('rrset' in edit ? edit.rrset.type : edit.type, edit));
  }
  for (const ofName of last.values()) {
    for (const edit of ofName.values()) {
      const why = 'rrset' in edit ? whyIgnored(before, draft, edit) : undefined;
      if (why !== undefined) return why;
    }
  }
  return undefined;
}

function whyIgnored(
  before: DraftMark,
  draft: ZoneDraft,
  { kind, rrset: { ownerName, type, rdatas } }: Extract<ZoneEdit, { readonly rrset: unknown }>,
): string | undefined {
  const what = `RRset ${ownerName} IN ${formatRRType(type)}`;
  const members = draft.findRRset(ownerName.key, type)?.rdatas ?? [];
  const isThere = new Set(members.map((rdata) => rdataKey(type, rdata)));
  if (!rdatas.every((rdata) => isThere.has(rdataKey(type, rdataText(rdata))))) {
    const hasAlias = type === RRType.CNAME || draft.findRRset(ownerName.key, RRType.CNAME) !== undefined;
    return hasAlias
      ? `${what}: Conflicts with pre-existing RRset: a name with a CNAME has no other records`
      : `${what}: this name cannot have it`;
  }
  if (kind !== 'add-to-rrset' || !SINGLE_TYPES.has(type)) return undefined;
  const older = before.nodes.get(ownerName.key);
  const replaced = older && findRRset(older, type)?.rdatas[0];
  return replaced === undefined || isThere.has(rdataKey(type, replaced))
    ? undefined
    : `${what} has more than one record`;
}

function changedNames(before: DraftMark, draft: ZoneDraft, owners: Iterable<DomainName>): ChangedName[] {
  const changed: ChangedName[] = [];
  for (const ownerName of owners) {
    const older = before.nodes.get(ownerName.key);
    const newer = draft.find(ownerName.key);
    if (older === newer) continue;
    const types = new Set([...(older?.rrsets ?? []), ...(newer?.rrsets ?? [])].map(({ type }) => type));
    const others = [...types].filter(
      (type) => !isSame(older && findRRset(older, type), newer && findRRset(newer, type)),
    );
    if (others.length === 0) continue;
    changed.push({ ownerName, types: others, before: addressesOf(older), after: addressesOf(newer) });
  }
  return changed;
}

function isSame(a: ZoneRRset | undefined, b: ZoneRRset | undefined): boolean {
  return a === undefined || b === undefined ? a === b : isSameRRset(a, b);
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
