/**
 * Received UPDATE messages: checks the zone section (RFC 2136 §3.1), prescans the other sections (RFC 2136 §3.2.5, §3.4.1),
 * applies the update, and gives the RCODE. The permissions of keys and the rules of zones are in
 * core/updates/dns-update.ts, prerequisites and edits in zone/edit.ts.
 *
 * A requestor is identified by its TSIG key alone, never by its address (RFC 3007 §3). The caller verifies the signature
 * and signs the reply. Left out: forwarding to another primary (RFC 2136 §6).
 */

import { AppError } from '../../core/errors.ts';
import type { DnsUpdate, UpdateKey } from '../../core/updates/dns-update.ts';
import type { UpdateOutcome } from '../../core/zones/publisher.ts';
import type { DomainName } from '../../dns/name.ts';
import { formatRRType, type Rdata, RRClass, RRType } from '../../dns/rdata.ts';
import type { TsigKey } from '../../dns/tsig-key.ts';
import { parseUpdate, type UpdateContent } from '../../dns/update.ts';
import { type Message, Rcode } from '../../dns/wire/message.ts';
import { findDecodedRdataFault, isTooLong, MAX_RDATA_OCTETS } from '../../dns/wire/rdata-check.ts';
import { WireError } from '../../dns/wire/reader.ts';
import type { Prerequisite, ZoneEdit } from '../../dns/zone-change.ts';

/** A zone that accepts UPDATEs. */
export interface UpdateZone extends Pick<DnsUpdate, 'zone' | 'target'> {
  /** By `DomainName.key` of the TSIG key's name. */
  readonly keys: ReadonlyMap<string, UpdateKey>;
}

export interface UpdateContext {
  /** The TSIG key of the verified signature; undefined for an unsigned message. */
  readonly key: TsigKey | undefined;
  readonly findZone: (apex: DomainName) => UpdateZone | undefined;
  readonly applyUpdate: (update: DnsUpdate) => Promise<UpdateOutcome>;
  /** Source address of the message, canonical IP text. */
  readonly source?: string;
  /** In terms of `performance.now()`. */
  readonly deadlineMs: number;
}

export interface UpdateAnswer {
  readonly rcode: number;
  /** The reason, for the log only. */
  readonly why?: string;
  /** The failure behind SERVFAIL. */
  readonly error?: AppError;
}

/** Applies an UPDATE. @param message with the opcode UPDATE */
export async function answerUpdate(message: Message, context: UpdateContext): Promise<UpdateAnswer> {
  const question = message.questions[0];
  if (message.questions.length !== 1 || question === undefined || question.qtype !== RRType.SOA) {
    return { rcode: Rcode.FORMERR, why: 'the zone section does not have exactly one SOA question' };
  }
  const { qname, qclass } = question;
  const updateZone = qclass === RRClass.IN ? context.findZone(qname) : undefined;
  if (updateZone === undefined) return { rcode: Rcode.NOTAUTH, why: `'${qname}' is not a zone of this server` };
  if (context.key === undefined)
    return { rcode: Rcode.REFUSED, why: `the update of the zone '${qname}' is not signed` };
  const key = updateZone.keys.get(context.key.keyName.key);
  if (!key?.mayUpdate) {
    return { rcode: Rcode.REFUSED, why: `the key '${context.key.keyName}' may not change the zone '${qname}'` };
  }
  let content: UpdateContent;
  try {
    content = parseUpdate(message);
  } catch (error) {
    if (error instanceof WireError) return { rcode: Rcode.FORMERR, why: error.message };
    throw error;
  }
  const fault = findFault(content);
  if (fault !== undefined) return fault;
  const outside = nameOutside(message, updateZone.zone.apex);
  if (outside !== undefined) return { rcode: Rcode.NOTZONE, why: `'${outside}' is not in the zone '${qname}'` };
  try {
    const { prerequisites, edits } = content;
    const { zone, target } = updateZone;
    const { deadlineMs, source } = context;
    const update = { zone, target, key, prerequisites, edits, deadlineMs, ...(source && { source }) };
    return answerOf(await context.applyUpdate(update));
  } catch (error) {
    // RFC 2136 §3.5: the zone was not written, or possibly not.
    if (error instanceof AppError) return { rcode: Rcode.SERVFAIL, why: error.logText, error };
    throw error;
  }
}

/** Types that the signer of a zone generates, which are not added by UPDATE; BIND refuses them, too (RRSIG: except at the apex). */
export const SIGNER_TYPES: ReadonlySet<number> = new Set([24, 30, RRType.RRSIG, RRType.NSEC, RRType.NSEC3]);

/**
 * Malformed RDATA where it is added or required (RFC 2136 §3.2, §3.4.1.2), and records that no transfer could carry. RDATA
 * that is deleted is not checked: a zone may still have such a record from before these checks, and must lose it.
 */
function findFault({ zone, prerequisites, edits }: UpdateContent): UpdateAnswer | undefined {
  for (const { type, rdatas } of rrsetsWithRdata(prerequisites, edits)) {
    for (const rdata of rdatas) {
      const fault = findDecodedRdataFault(type, rdata);
      if (fault !== undefined) {
        return { rcode: Rcode.FORMERR, why: `malformed RDATA of ${formatRRType(type)}: ${fault}` };
      }
      if (isTooLong(rdata)) {
        const why = `the RDATA of a ${formatRRType(type)} record is longer than ${MAX_RDATA_OCTETS} octets`;
        return { rcode: Rcode.REFUSED, why: `${why}: no transfer could carry it` };
      }
    }
  }
  for (const edit of edits) {
    if (!('rrset' in edit) || !SIGNER_TYPES.has(edit.rrset.type)) continue;
    const { ownerName, type } = edit.rrset;
    if (type === RRType.RRSIG && ownerName.equals(zone)) continue;
    return { rcode: Rcode.REFUSED, why: `${formatRRType(type)} records are not added by UPDATE` };
  }
  return undefined;
}

function* rrsetsWithRdata(
  prerequisites: readonly Prerequisite[],
  edits: readonly ZoneEdit[],
): Generator<{ readonly type: number; readonly rdatas: readonly Rdata[] }> {
  for (const prerequisite of prerequisites) if (prerequisite.kind === 'rrset-equals') yield prerequisite;
  for (const edit of edits) if ('rrset' in edit) yield edit.rrset;
}

/** RFC 2136 §3.2.5, §3.4.1.3: the first name that is not at or below the apex. */
function nameOutside({ answers, authority }: Message, apex: DomainName): DomainName | undefined {
  for (const records of [answers, authority]) {
    for (const { ownerName } of records) if (!ownerName.isAtOrBelow(apex)) return ownerName;
  }
  return undefined;
}

function answerOf(outcome: UpdateOutcome): UpdateAnswer {
  switch (outcome.kind) {
    case 'applied':
      return { rcode: Rcode.NOERROR };
    case 'unmet':
      return { rcode: Rcode[outcome.rcode] };
    case 'refused':
      return { rcode: Rcode.REFUSED, why: outcome.why };
  }
}
