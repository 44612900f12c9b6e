/** Compares what the primary answers for a name with the prerequisites that a change has for it. Pure. */
import type { PublishedAddresses, ReadOutcome } from '../core/zones/publisher.ts';
import type { DomainName } from '../dns/name.ts';
import { type Rdata, RRType } from '../dns/rdata.ts';
import { type RRset, rrsetAddresses } from '../dns/rrset.ts';
import type { Prerequisite, ZoneChange } from '../dns/zone-change.ts';

type TypedPrerequisite = Extract<Prerequisite, { readonly type: number }>;

/** What is in the way of an address, which an answer for addresses shows, and addresses. */
const SEEN_BY_ADDRESSES: ReadonlySet<number> = new Set([RRType.A, RRType.AAAA, RRType.CNAME, RRType.NS, RRType.DNAME]);

/** Prerequisites of a change that no answer for addresses shows, such as those of TXT values. */
export function otherPrerequisites({ prerequisites }: ZoneChange): readonly TypedPrerequisite[] {
  return prerequisites.filter((prerequisite): prerequisite is TypedPrerequisite => {
    return 'type' in prerequisite && !SEEN_BY_ADDRESSES.has(prerequisite.type);
  });
}

/** Whether the prerequisites of a change about this name hold by an answer for its addresses, as far as that shows. */
export function holdsByAnswer(read: ReadOutcome, ownerName: DomainName, { prerequisites }: ZoneChange): boolean {
  if (read.kind !== 'addresses') return false;
  return prerequisites.every((prerequisite) => {
    if (!('type' in prerequisite) || !prerequisite.ownerName.equals(ownerName)) return true;
    if (prerequisite.type === RRType.A) return holds(prerequisite, read.published.A.addresses);
    if (prerequisite.type === RRType.AAAA) return holds(prerequisite, read.published.AAAA.addresses);
    return true;
  });
}

function holds(prerequisite: TypedPrerequisite, addresses: readonly string[]): boolean {
  if (prerequisite.kind === 'rrset-absent') return addresses.length === 0;
  if (prerequisite.kind === 'rrset-exists') return addresses.length > 0;
  return sameTexts(rrsetAddresses(prerequisite.rdatas).sort(), addresses);
}

/** Whether a prerequisite holds by the RRset that is there. */
export function holdsByRRset(prerequisite: TypedPrerequisite, rrset: RRset | undefined): boolean {
  if (prerequisite.kind === 'rrset-absent') return rrset === undefined;
  if (prerequisite.kind === 'rrset-exists' || rrset === undefined) return rrset !== undefined;
  return sameRdatas(prerequisite.rdatas, rrset.rdatas);
}

export function sameAddresses(left: PublishedAddresses, right: PublishedAddresses): boolean {
  return sameTexts(left.A.addresses, right.A.addresses) && sameTexts(left.AAAA.addresses, right.AAAA.addresses);
}

export function sameRdatas(left: readonly Rdata[], right: readonly Rdata[]): boolean {
  const texts = (rdatas: readonly Rdata[]) => rdatas.map((rdata) => JSON.stringify(rdata)).sort();
  return sameTexts(texts(left), texts(right));
}

function sameTexts(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((text, index) => text === right[index]);
}
