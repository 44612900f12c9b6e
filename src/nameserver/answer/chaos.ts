/**
 * Name and version of the server in class CH: `version.bind` and its relatives (RFC 4892 §2.1 has `id.server`).
 * Without a configured text the answer is REFUSED.
 */
import { RRClass, RRType } from '../../dns/rdata.ts';
import { Rcode } from '../../dns/wire/message.ts';
import { type Answer, errorAnswer } from './answer.ts';
import type { Question } from './query.ts';

/** A server's texts about itself; undefined: not disclosed. */
export interface ServerIdentity {
  /** Text of the EDNS option NSID (RFC 5001) and of `id.server`. */
  readonly nsid: string | undefined;
  /** Text of `version.bind` and `version.server`. */
  readonly chaosVersion: string | undefined;
}

export function answerChaos({ key, wireText, qtype }: Question, { chaosVersion, nsid }: ServerIdentity): Answer {
  const isVersion = key === '\x07version\x04bind\0' || key === '\x07version\x06server\0';
  const isIdentity = key === '\x02id\x06server\0' || key === '\x08hostname\x04bind\0';
  const text = isVersion ? chaosVersion : isIdentity ? nsid : undefined;
  if (text === undefined || (qtype !== RRType.TXT && qtype !== RRType.ANY)) return errorAnswer(Rcode.REFUSED);
  const octets = Buffer.from(text, 'utf8').subarray(0, 255).toString('latin1');
  const rrset = { type: RRType.TXT, ttl: 0, rdatas: [String.fromCharCode(octets.length) + octets] };
  const answers = [{ owner: wireText, rrset, ttl: 0, rrClass: RRClass.CH }];
  return { ...errorAnswer(Rcode.NOERROR), authoritative: true, kind: 'answer', answers };
}
