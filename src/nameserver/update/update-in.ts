/**
 * UPDATE messages that come in (RFC 2136 §3): the checks of the zone section (§3.1), the prescans of the other sections
 * (§3.2.5, §3.4.1), and the RCODE of what became of it. The rules of keys and zones are in core/apply-update.ts, those of
 * §3.2 and §3.4.2 in edit.ts.
 *
 * Who asks is known by the TSIG key alone, never by the address (RFC 3007 §3). The caller verifies the signature before
 * and signs the reply after; the reply has the zone section and nothing else.
 * Left out: forwarding to another primary (§6).
 */

import { AppError } from '../../core/errors.ts';
import type { DnsUpdate, UpdateKey } from '../../core/updates/dns-update.ts';
import type { UpdateOutcome } from '../../core/zones/publisher.ts';
import type { DomainName } from '../../dns/name.ts';
import { RRClass, RRType } from '../../dns/rdata.ts';
import type { TsigKey } from '../../dns/tsig-key.ts';
import { parseUpdate, type UpdateContent } from '../../dns/update.ts';
import { type Message, Rcode } from '../../dns/wire/message.ts';
import { WireError } from '../../dns/wire/reader.ts';

/** A zone that takes UPDATEs. */
export interface UpdateZone extends Pick<DnsUpdate, 'zone' | 'target'> {
  /** By the key of the key's name. */
  readonly keys: ReadonlyMap<string, UpdateKey>;
}

export interface UpdateContext {
  /** The key whose signature of the message verified. */
  readonly key: TsigKey | undefined;
  readonly findZone: (apex: DomainName) => UpdateZone | undefined;
  readonly applyUpdate: (update: DnsUpdate) => Promise<UpdateOutcome>;
  /** Where the message came from, canonical IP text. */
  readonly source?: string;
  /** Of `performance.now()`. */
  readonly deadlineMs: number;
}

export interface UpdateAnswer {
  readonly rcode: number;
  /** What the log says of it; not for the requestor. */
  readonly why?: string;
  /** The failure behind SERVFAIL. */
  readonly error?: AppError;
}

/** @param message one with the opcode UPDATE */
export async function answerUpdate(message: Message, context: UpdateContext): Promise<UpdateAnswer> {
  const question = message.questions[0];
  if (message.questions.length !== 1 || question === undefined || question.qtype !== RRType.SOA) {
    return { rcode: Rcode.FORMERR, why: 'the zone section is not one SOA' };
  }
  const { qname, qclass } = question;
  const found = qclass === RRClass.IN ? context.findZone(qname) : undefined;
  if (found === undefined) return { rcode: Rcode.NOTAUTH, why: `'${qname}' is not a zone of this server` };
  if (context.key === undefined) return { rcode: Rcode.REFUSED, why: `an unsigned update of the zone '${qname}'` };
  const key = found.keys.get(context.key.keyName.key);
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
  const stranger = nameOutside(message, found.zone.apex);
  if (stranger !== undefined) return { rcode: Rcode.NOTZONE, why: `'${stranger}' is not in the zone '${qname}'` };
  try {
    const { prerequisites, edits } = content;
    const { zone, target } = found;
    const { deadlineMs, source } = context;
    const update = { zone, target, key, prerequisites, edits, deadlineMs, ...(source && { source }) };
    return answerOf(await context.applyUpdate(update));
  } catch (error) {
    // §3.5: the zone could not be written, or it is not known whether it was.
    if (error instanceof AppError) return { rcode: Rcode.SERVFAIL, why: error.logText, error };
    throw error;
  }
}

/** §3.2.5, §3.4.1.3: the first name that is not at or below the apex. */
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
