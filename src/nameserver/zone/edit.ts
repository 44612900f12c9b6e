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
import { serialIsLater } from '../../dns/serial.ts';
import type { Prerequisite, ZoneEdit } from '../../dns/zone-change.ts';
import type { ZoneDraft } from './draft.ts';
import { findRRset, rdataText, soaSerial, type ZoneRRset } from './zone-version.ts';

/** The RCODE of the first prerequisite that fails (RFC 2136 §3.2.5), or 'hold'. */
export type PrerequisiteOutcome = 'hold' | 'YXDOMAIN' | 'YXRRSET' | 'NXDOMAIN' | 'NXRRSET';

/** RFC 2136 §3.2, in the order of the message. */
export function checkPrerequisites(draft: ZoneDraft, prerequisites: readonly Prerequisite[]): PrerequisiteOutcome {
  for (const prerequisite of prerequisites) {
    const { kind, ownerName } = prerequisite;
    const node = draft.find(ownerName.key);
    switch (kind) {
      case 'name-in-use':
        if (node === undefined || node.rrsets.length === 0) return 'NXDOMAIN';
        break;
      case 'name-not-in-use':
        if (node !== undefined && node.rrsets.length > 0) return 'YXDOMAIN';
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

/** RFC 2136 §3.4.2, in the order of the message. */
export function applyEdits(draft: ZoneDraft, edits: readonly ZoneEdit[]): void {
  for (let i = 0; i < edits.length; i++) {
    const edit = edits[i]!;
    switch (edit.kind) {
      case 'replace-rrset':
        replaceRRset(draft, edit.rrset);
        break;
      case 'add-to-rrset':
        addToRRset(draft, edit.rrset);
        break;
      case 'delete-rrset': {
        // Clients write a replacement as a deletion followed by an addition.
        const next = edits[i + 1];
        if (next?.kind === 'add-to-rrset' && next.rrset.type === edit.type && isSameName(next.rrset, edit)) {
          replaceRRset(draft, next.rrset);
          i += 1;
        } else deleteRRset(draft, edit.ownerName.key, edit.type);
        break;
      }
      case 'delete-name':
        for (const { type } of draft.find(edit.ownerName.key)?.rrsets ?? []) {
          deleteRRset(draft, edit.ownerName.key, type);
        }
        break;
      case 'delete-from-rrset':
        deleteFromRRset(draft, edit.ownerName.key, edit.type, edit.rdatas.map(rdataText));
        break;
    }
  }
}

function isSameName(a: { readonly ownerName: DomainName }, b: { readonly ownerName: DomainName }): boolean {
  return a.ownerName.key === b.ownerName.key;
}

/** Deletion and addition, in one step for the usual case of a single address. */
function replaceRRset(draft: ZoneDraft, rrset: RRset): void {
  const { ownerName, type, ttl, rdatas } = rrset;
  if ((type === RRType.A || type === RRType.AAAA) && rdatas.length === 1) {
    const node = draft.find(ownerName.key);
    if (node === undefined || findRRset(node, RRType.CNAME) === undefined) {
      draft.setRRset(ownerName, { type, ttl, rdatas: [rdataText(rdatas[0]!)] });
      return;
    }
  }
  deleteRRset(draft, ownerName.key, type);
  addToRRset(draft, rrset);
}

function addToRRset(draft: ZoneDraft, { ownerName, type, ttl, rdatas }: RRset): void {
  const node = draft.find(ownerName.key);
  // RFC 2136 §3.4.2.2: data beside a CNAME, and a CNAME beside data, are ignored.
  if (node?.rrsets.some((rrset) => (rrset.type === RRType.CNAME) !== (type === RRType.CNAME))) return;
  // NS and DNAME at a wildcard are undefined (RFC 4592 §4.2, §4.4); a DS belongs to the parent (RFC 4035 §2.4).
  if ((type === RRType.NS || type === RRType.DNAME) && ownerName.isWildcard) return;
  if (type === RRType.DS && ownerName.key === draft.apex.key) return;
  const current = node && findRRset(node, type);
  let members = current?.rdatas ?? [];
  let applies = false;
  for (const rdata of rdatas.map(rdataText)) {
    if (type === RRType.SOA) {
      // Also later than the published serial: several steps in one commit could wrap around it (RFC 1982 §3.2).
      const serial = soaSerial(rdata);
      if (current === undefined || !serialIsLater(serial, soaSerial(members[0]!))) continue;
      if (!serialIsLater(serial, draft.base.serial)) continue;
      members = [rdata];
    } else if (members.some((member) => sameRdata(type, member, rdata))) {
      // Already present, possibly in another letter case: only the TTL can change.
    } else if (type === RRType.CNAME || type === RRType.DNAME) members = [rdata];
    else members = [...members, rdata];
    applies = true;
  }
  if (!applies || (current?.rdatas === members && current.ttl === ttl)) return;
  // All members of an RRset have one TTL (RFC 2181 §5.2): the newest.
  draft.setRRset(ownerName, { type, ttl, rdatas: members });
}

function deleteRRset(draft: ZoneDraft, key: string, type: number): void {
  if (key === draft.apex.key && (type === RRType.SOA || type === RRType.NS)) return;
  draft.deleteRRset(key, type);
}

function deleteFromRRset(draft: ZoneDraft, key: string, type: number, rdatas: readonly string[]): void {
  const node = draft.find(key);
  const rrset = node && findRRset(node, type);
  if (rrset === undefined || type === RRType.SOA) return;
  const rest = rrset.rdatas.filter((member) => !rdatas.some((rdata) => sameRdata(type, member, rdata)));
  if (rest.length === rrset.rdatas.length) return;
  // RFC 2136 §3.4.2.4: the last NS of the zone stays.
  if (type === RRType.NS && key === draft.apex.key && rest.length === 0) return;
  draft.setRRset(node!, { ...rrset, rdatas: rest });
}
