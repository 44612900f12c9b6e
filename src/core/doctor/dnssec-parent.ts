/** `dyndns doctor`: the DS records of a zone at each nameserver of its parent, and what the parent's signatures say of our clock. */
import { periodState } from '../../dns/dnssec/signed-data.ts';
import type { DomainName } from '../../dns/name.ts';
import { type DsFields, RRType } from '../../dns/rdata.ts';
import { timeText } from '../../dns/time-text.ts';
import type { ParentServers } from './delegation.ts';
import { finding } from './dnssec-keys.ts';
import type { Finding, Lookup, LookupReply } from './ports.ts';

export interface ParentView {
  readonly name: DomainName;
  /** At any of its nameservers, each once. */
  readonly ds: readonly DsFields[];
  readonly findings: readonly Finding[];
}

/** Limit of DS records that are read. */
const MAX_DS = 20;

/** @param now seconds since 1970 @returns undefined if no nameserver answered */
export async function askParent(
  zone: DomainName,
  { parent, servers }: ParentServers,
  lookup: Lookup,
  now: number,
): Promise<ParentView | undefined> {
  const results = await Promise.all(servers.map(({ address }) => lookup.query(address, 'udp', zone, RRType.DS, true)));
  // The parent is authoritative for the DS RRset, and for its absence (RFC 4035 §3.1.4.1).
  const replies = results.filter(
    (result) => result.kind === 'reply' && result.authoritative && /^(NOERROR|NXDOMAIN)$/.test(result.rcode),
  ) as LookupReply[];
  if (replies.length === 0) return undefined;
  const sets = replies.map((reply) => dsOf(reply, zone));
  const all = new Map(sets.flatMap((set) => [...set]));
  const findings: Finding[] = [];
  if (sets.some((set) => set.size !== all.size)) {
    const tags = [...new Set([...all.values()].map(({ keyTag }) => keyTag))].join(', ');
    const text = `The nameservers of '${parent}' disagree about the DS records of '${zone}': not all of them have ${tags}.`;
    const advice = 'After a change this is normal for some minutes. If it stays so, contact their operator.';
    findings.push(finding('warning', text, advice));
  }
  const signed = judgeSignatures(parent, replies, now);
  return { name: parent, ds: [...all.values()], findings: all.size > 0 && signed ? [...findings, signed] : findings };
}

function dsOf({ answers }: LookupReply, zone: DomainName): Map<string, DsFields> {
  const found = new Map<string, DsFields>();
  for (const { rdata, type, ownerName } of answers.slice(0, MAX_DS)) {
    if (rdata.kind !== 'DS' || type !== RRType.DS || !ownerName.equals(zone)) continue;
    const { keyTag, algorithm, digestType, digest } = rdata;
    found.set(`${keyTag} ${algorithm} ${digestType} ${Buffer.from(digest).toString('hex')}`, rdata);
  }
  return found;
}

/** The parent's signatures are made by another clock than ours. */
function judgeSignatures(parent: DomainName, replies: readonly LookupReply[], now: number): Finding | undefined {
  const signatures = replies
    .flatMap(({ answers, authority }) => [...answers, ...authority])
    .flatMap(({ rdata }) => (rdata.kind === 'RRSIG' && rdata.signer.equals(parent) ? [rdata] : []));
  if (signatures.length === 0) {
    const text = `'${parent}' has a DS record, but is not signed itself: resolvers cannot verify the DS record.`;
    const advice = `Ask the operator of '${parent}' to sign it. Until then the signatures below are of no use to resolvers.`;
    return finding('warning', text, advice);
  }
  const states = new Set(signatures.map((signature) => periodState(signature, now)));
  if (states.has('valid')) return undefined;
  const when = states.has('expired') ? 'have expired' : 'are not valid yet';
  const text = `The signatures of '${parent}' ${when} by the clock of this machine, which shows ${timeText(now)}.`;
  return finding(
    'problem',
    text,
    `Check this clock: it needs NTP. If it is right, contact the operator of '${parent}'.`,
  );
}
