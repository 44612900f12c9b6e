/**
 * ZoneChange <-> UPDATE message (RFC 2136). `Message` has the section names of a query: `questions` is the zone section,
 * `answers` the prerequisites, `authority` the updates (RFC 2136 §2).
 */
import type { DomainName } from './name.ts';
import { isMetaType, type Rdata, type ResourceRecord, RRClass, RRType } from './rdata.ts';
import { type RRset, rrsetRecords } from './rrset.ts';
import { type Message, makeMessage, Opcode } from './wire/message.ts';
import { decodeRdata } from './wire/rdata-codec.ts';
import { WireError, WireReader } from './wire/reader.ts';
import type { Prerequisite, ZoneChange, ZoneEdit } from './zone-change.ts';

/**
 * One UPDATE message for several changes of one zone, which the primary applies atomically (RFC 2136 §3.4.2.1,
 * §3.7). The id is 0; the sender sets it.
 */
export function updateMessage(zone: DomainName, changes: readonly ZoneChange[]): Message {
  const prerequisites: ResourceRecord[] = [];
  const updates: ResourceRecord[] = [];
  for (const change of changes) {
    for (const prerequisite of change.prerequisites) pushPrerequisite(prerequisites, prerequisite);
    for (const edit of change.edits) pushEdit(updates, edit);
  }
  return makeMessage({
    opcode: Opcode.UPDATE,
    questions: [{ qname: zone, qtype: RRType.SOA, qclass: RRClass.IN }],
    answers: prerequisites,
    authority: updates,
  });
}

/** A record of class ANY or NONE with TTL 0 and empty RDATA (RFC 2136 §2.4, §2.5). */
function markerRecord(ownerName: DomainName, type: number, rrClass: number): ResourceRecord {
  return { ownerName, type, class: rrClass, ttl: 0, rdata: { kind: 'empty' } };
}

function pushPrerequisite(records: ResourceRecord[], prerequisite: Prerequisite): void {
  const { ownerName } = prerequisite;
  switch (prerequisite.kind) {
    case 'rrset-exists':
      records.push(markerRecord(ownerName, prerequisite.type, RRClass.ANY));
      return;
    case 'rrset-equals':
      records.push(...rrsetRecords({ ownerName, type: prerequisite.type, ttl: 0, rdatas: prerequisite.rdatas }));
      return;
    case 'rrset-absent':
      records.push(markerRecord(ownerName, prerequisite.type, RRClass.NONE));
      return;
    case 'name-in-use':
      records.push(markerRecord(ownerName, RRType.ANY, RRClass.ANY));
      return;
    case 'name-not-in-use':
      records.push(markerRecord(ownerName, RRType.ANY, RRClass.NONE));
      return;
  }
}

function pushEdit(records: ResourceRecord[], edit: ZoneEdit): void {
  switch (edit.kind) {
    case 'replace-rrset':
      records.push(markerRecord(edit.rrset.ownerName, edit.rrset.type, RRClass.ANY), ...rrsetRecords(edit.rrset));
      return;
    case 'add-to-rrset':
      records.push(...rrsetRecords(edit.rrset));
      return;
    case 'delete-rrset':
      records.push(markerRecord(edit.ownerName, edit.type, RRClass.ANY));
      return;
    case 'delete-name':
      records.push(markerRecord(edit.ownerName, RRType.ANY, RRClass.ANY));
      return;
    case 'delete-from-rrset':
      for (const rdata of edit.rdatas) {
        records.push({ ownerName: edit.ownerName, type: edit.type, class: RRClass.NONE, ttl: 0, rdata });
      }
      return;
  }
}

/** The content of an UPDATE message, in its order: deletion and addition of one RRset are two edits. */
export interface UpdateContent {
  readonly zone: DomainName;
  readonly prerequisites: readonly Prerequisite[];
  readonly edits: readonly ZoneEdit[];
}

/**
 * Parses an UPDATE message, with the format checks of RFC 2136 §3.1.1, §3.2.5 and §3.4.1.2 that do not need the zone.
 * @throws WireError if the RCODE of the reply is FORMERR
 */
export function parseUpdate(message: Message): UpdateContent {
  const question = message.questions[0];
  if (message.opcode !== Opcode.UPDATE) throw new WireError('not an UPDATE', 2);
  if (message.questions.length !== 1 || question === undefined || question.qtype !== RRType.SOA) {
    throw new WireError('zone section is not one SOA record', 12);
  }
  return {
    zone: question.qname,
    prerequisites: parsePrerequisites(message.answers, question.qclass),
    edits: message.authority.map((record) => parseEdit(record, question.qclass)),
  };
}

function parsePrerequisites(records: readonly ResourceRecord[], zoneClass: number): Prerequisite[] {
  const prerequisites: Prerequisite[] = [];
  const requiredRRsets = new Map<string, { ownerName: DomainName; type: number; rdatas: Rdata[] }>();
  for (const { ownerName, type, class: rrClass, ttl, rdata } of records) {
    const fail = (reason: string): never => {
      throw new WireError(`prerequisite at ${ownerName}: ${reason}`, 12);
    };
    if (ttl !== 0) fail('TTL is not 0');
    if (rrClass === RRClass.ANY || rrClass === RRClass.NONE) {
      if (rdata.kind !== 'empty') fail('RDATA is not empty');
      if (type !== RRType.ANY && isMetaType(type)) fail('meta type');
      const exists = rrClass === RRClass.ANY;
      if (type === RRType.ANY) prerequisites.push({ kind: exists ? 'name-in-use' : 'name-not-in-use', ownerName });
      else prerequisites.push({ kind: exists ? 'rrset-exists' : 'rrset-absent', ownerName, type });
    } else if (rrClass === zoneClass) {
      if (isMetaType(type)) fail('meta type');
      // RFC 2136 §3.2.3: all records of one name and type form one RRset, adjacent or not.
      const id = `${type}/${ownerName.key}`;
      const rrset = requiredRRsets.get(id);
      if (rrset !== undefined) {
        rrset.rdatas.push(rdata);
      } else {
        requiredRRsets.set(id, { ownerName, type, rdatas: [rdata] });
      }
    } else {
      fail('unknown class');
    }
  }
  // RFC 2136 §3.2.5 compares RRsets last: the order decides the RCODE if several prerequisites fail.
  for (const rrset of requiredRRsets.values()) prerequisites.push({ kind: 'rrset-equals', ...rrset });
  return prerequisites;
}

function parseEdit({ ownerName, type, class: rrClass, ttl, rdata }: ResourceRecord, zoneClass: number): ZoneEdit {
  const fail = (reason: string): never => {
    throw new WireError(`update at ${ownerName}: ${reason}`, 12);
  };
  if (rrClass === zoneClass) {
    if (isMetaType(type)) fail('meta type');
    const rrset: RRset = { ownerName, type, ttl, rdatas: [rdata] };
    return { kind: 'add-to-rrset', rrset };
  }
  if (ttl !== 0) fail('TTL is not 0');
  if (rrClass === RRClass.ANY) {
    if (rdata.kind !== 'empty') fail('RDATA is not empty');
    if (type === RRType.ANY) return { kind: 'delete-name', ownerName };
    if (isMetaType(type)) fail('meta type');
    return { kind: 'delete-rrset', ownerName, type };
  }
  if (rrClass !== RRClass.NONE) fail('unknown class');
  if (isMetaType(type)) fail('meta type');
  // Empty RDATA is valid only for a type that allows it (RFC 2136 §2.5.4).
  const member = rdata.kind === 'empty' ? decodeRdata(new WireReader(new Uint8Array(0)), type) : rdata;
  return { kind: 'delete-from-rrset', ownerName, type, rdatas: [member] };
}
