/**
 * Checks prerequisites (RFC 2136 §3.2) and applies edits (RFC 2136 §3.4.2) of one change to a draft. Changes over HTTP and
 * by UPDATE both come through here.
 *
 * As the RFC requires, some edits are ignored without an error: data beside a CNAME, an old SOA, the removal of the
 * apex's SOA and of its last NS.
 */
import type { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { rdataKey } from '../../dns/rdata-canonical.ts';
import type { RRset } from '../../dns/rrset.ts';
import { ownerOfEdit, type Prerequisite, type ZoneEdit } from '../../dns/zone-change.ts';
import type { ZoneDraft } from './draft.ts';
import { NodeEditor } from './node-editor.ts';
import { findRRset, hasRecords, type ZoneRRset } from './zone-node.ts';
import { rdataText } from './zone-version.ts';

/** The RCODE of the first prerequisite that fails (RFC 2136 §3.2.5), or 'hold'. */
export type PrerequisiteOutcome = 'hold' | 'YXDOMAIN' | 'YXRRSET' | 'NXDOMAIN' | 'NXRRSET';

/** RFC 2136 §3.2, in the order of the message. */
export function checkPrerequisites(draft: ZoneDraft, prerequisites: readonly Prerequisite[]): PrerequisiteOutcome {
  for (const prerequisite of prerequisites) {
    const { kind, ownerName } = prerequisite;
    const node = draft.find(ownerName.key);
    switch (kind) {
      case 'name-in-use':
        if (node === undefined || !hasRecords(node)) return 'NXDOMAIN';
        break;
      case 'name-not-in-use':
        if (node !== undefined && hasRecords(node)) return 'YXDOMAIN';
        break;
      case 'rrset-exists':
        if (node === undefined || findRRset(node, prerequisite.type) === undefined) return 'NXRRSET';
        break;
      case 'rrset-absent':
        if (node !== undefined && findRRset(node, prerequisite.type) !== undefined) return 'YXRRSET';
        break;
      case 'rrset-equals': {
        const { type } = prerequisite;
        const rrset = node && findRRset(node, type);
        if (rrset === undefined || !hasMembers(rrset, prerequisite.rdatas.map(rdataText))) return 'NXRRSET';
        break;
      }
    }
  }
  return 'hold';
}

/** Equality as sets, without the TTL (RFC 2136 §2.4.2). */
function hasMembers({ type, rdatas }: ZoneRRset, expected: readonly string[]): boolean {
  if (rdatas.length === 1 && expected.length === 1) return sameRdata(type, rdatas[0]!, expected[0]!);
  const present = new Set(rdatas.map((rdata) => rdataKey(type, rdata)));
  const required = new Set(expected.map((rdata) => rdataKey(type, rdata)));
  return present.size === required.size && [...required].every((rdata) => present.has(rdata));
}

function sameRdata(type: number, a: string, b: string): boolean {
  return a === b || rdataKey(type, a) === rdataKey(type, b);
}

/** Changes with at most this number of edits are not grouped by name: nearly all have one or two. */
const FEW = 4;

/** RFC 2136 §3.4.2, for each name in the order of the message. */
export function applyEdits(draft: ZoneDraft, edits: readonly ZoneEdit[]): void {
  if (edits.length > FEW) {
    for (const { owner, ofName } of groupByName(edits)) {
      const editor = new NodeEditor(draft, owner);
      for (const edit of ofName) applyEdit(editor, edit);
      editor.write();
    }
    return;
  }
  for (let i = 0; i < edits.length; i++) {
    const edit = edits[i]!;
    const next = edits[i + 1];
    const isPair = edit.kind === 'delete-rrset' && next?.kind === 'add-to-rrset' && isReplacement(edit, next.rrset);
    // Clients write a replacement as a deletion followed by an addition.
    if (isPair && replaceAddress(draft, next.rrset)) i += 1;
    else if (edit.kind !== 'replace-rrset' || !replaceAddress(draft, edit.rrset)) {
      const editor = new NodeEditor(draft, ownerOfEdit(edit));
      applyEdit(editor, edit);
      editor.write();
    }
  }
}

function applyEdit(editor: NodeEditor, edit: ZoneEdit): void {
  switch (edit.kind) {
    case 'replace-rrset':
      editor.deleteRRset(edit.rrset.type);
      editor.add(edit.rrset);
      break;
    case 'add-to-rrset':
      editor.add(edit.rrset);
      break;
    case 'delete-rrset':
      editor.deleteRRset(edit.type);
      break;
    case 'delete-name':
      editor.deleteAll();
      break;
    case 'delete-from-rrset':
      editor.deleteMembers(edit.type, edit.rdatas.map(rdataText));
      break;
  }
}

/** Edits of different names do not depend on each other. */
function groupByName(edits: readonly ZoneEdit[]): Iterable<{ owner: DomainName; ofName: ZoneEdit[] }> {
  const groups = new Map<string, { owner: DomainName; ofName: ZoneEdit[] }>();
  for (const edit of edits) {
    const owner = ownerOfEdit(edit);
    const group = groups.get(owner.key);
    if (group === undefined) groups.set(owner.key, { owner, ofName: [edit] });
    else group.ofName.push(edit);
  }
  return groups.values();
}

function isReplacement(deletion: { readonly ownerName: DomainName; readonly type: number }, rrset: RRset): boolean {
  return rrset.type === deletion.type && rrset.ownerName.key === deletion.ownerName.key;
}

/** Deletion and addition in one step, for the usual case of a single address; false: not that case. */
function replaceAddress(draft: ZoneDraft, { ownerName, type, ttl, rdatas }: RRset): boolean {
  if ((type !== RRType.A && type !== RRType.AAAA) || rdatas.length !== 1) return false;
  const node = draft.find(ownerName.key);
  if (node !== undefined && findRRset(node, RRType.CNAME) !== undefined) return false;
  draft.setRRset(ownerName, { type, ttl, rdatas: [rdataText(rdatas[0]!)] });
  return true;
}
