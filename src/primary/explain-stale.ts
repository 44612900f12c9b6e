/**
 * Which changes of a refused UPDATE message rest on something that is not there: the RCODE does not say it (RFC 2136 §3.2.5), so the
 * primary is asked for all of their names, and its answers are compared with their prerequisites.
 */
import { sameAddresses } from '../core/zones/family.ts';
import type { PublishedAddresses, ReadOutcome, StaleNames, ZonePublisher } from '../core/zones/publisher.ts';
import { type DomainName, NameError } from '../dns/name.ts';
import { type Rdata, RRType } from '../dns/rdata.ts';
import { type RRset, rrsetAddresses } from '../dns/rrset.ts';
import { changedNames, type Prerequisite, type ZoneChange } from '../dns/zone-change.ts';

/** Why prerequisites of a change failed. */
export type Explanation =
  /** The primary answers as the prerequisites have it: they are not the reason, as far as its answers show. */
  | 'as-believed'
  /** They do not hold, or the answers may be those of a wildcard: the name itself may have nothing. */
  | 'stale'
  | StaleNames;

/** Asks the primary. Both methods throw AppError. */
export type PrimaryReader = Pick<ZonePublisher, 'read' | 'readRRset'>;

type TypedPrerequisite = Extract<Prerequisite, { readonly type: number }>;

/** Addresses, and what is in their way: an answer for addresses shows it. */
const SEEN_BY_ADDRESSES: ReadonlySet<number> = new Set([RRType.A, RRType.AAAA, RRType.CNAME, RRType.NS, RRType.DNAME]);

/**
 * Explains a failed prerequisite of a message with these changes. Only if the answers explain nothing are the wildcards above the
 * names asked for. Never rejects: what the primary does not answer explains nothing.
 * @returns for each change
 */
export async function explainStale(
  changes: readonly ZoneChange[],
  reader: PrimaryReader,
  deadlineMs: number,
): Promise<readonly Explanation[]> {
  const compared = await Promise.all(
    changes.map((change) => compareAnswers(change, reader, deadlineMs).catch(() => undefined)),
  );
  if (compared.some((found) => found !== undefined && found.explanation !== 'as-believed')) {
    return compared.map((found) => found?.explanation ?? 'as-believed');
  }
  return Promise.all(
    changes.map(async (change, index) => {
      const areWildcards = changedNames(change).map((name, at) =>
        mayBeWildcard(change.zone, name, compared[index]?.reads[at], reader, deadlineMs).catch(() => false),
      );
      return (await Promise.all(areWildcards)).includes(true) ? 'stale' : 'as-believed';
    }),
  );
}

/** @throws AppError */
async function compareAnswers(
  change: ZoneChange,
  reader: PrimaryReader,
  deadlineMs: number,
): Promise<{ readonly explanation: Explanation; readonly reads: readonly ReadOutcome[] }> {
  const names = changedNames(change);
  // Such as those of TXT values.
  const others = change.prerequisites.filter((prerequisite): prerequisite is TypedPrerequisite => {
    return 'type' in prerequisite && !SEEN_BY_ADDRESSES.has(prerequisite.type);
  });
  const [reads, rrsets] = await Promise.all([
    Promise.all(names.map((name) => reader.read(name, deadlineMs))),
    Promise.all(others.map(({ ownerName, type }) => reader.readRRset(ownerName, type, deadlineMs))),
  ]);
  if (!others.every((prerequisite, index) => holdsByRRset(prerequisite, rrsets[index]))) {
    return { explanation: 'stale', reads };
  }
  if (reads.every((read, index) => holdsByAnswer(read, names[index]!, change))) {
    return { explanation: 'as-believed', reads };
  }
  return { explanation: others.length > 0 ? 'stale' : { kind: 'stale', reads }, reads };
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
  return sameAddresses(rrsetAddresses(prerequisite.rdatas).sort(), addresses);
}

function holdsByRRset(prerequisite: TypedPrerequisite, rrset: RRset | undefined): boolean {
  if (prerequisite.kind === 'rrset-absent') return rrset === undefined;
  if (prerequisite.kind === 'rrset-exists' || rrset === undefined) return rrset !== undefined;
  return sameRdatas(prerequisite.rdatas, rrset.rdatas);
}

/** Whether an answer may be that of a wildcard above the name. @throws AppError */
async function mayBeWildcard(
  zone: DomainName,
  ownerName: DomainName,
  answer: ReadOutcome | undefined,
  reader: PrimaryReader,
  deadlineMs: number,
): Promise<boolean> {
  if (answer?.kind !== 'addresses') return answer?.kind === 'cname';
  const { A, AAAA } = answer.published;
  if (A.addresses.length + AAAA.addresses.length === 0) return false;
  for (let above = ownerName.parent(); above?.isAtOrBelow(zone); above = above.parent()) {
    const wildcard = wildcardBelow(above);
    if (wildcard === undefined || wildcard.equals(ownerName)) continue;
    const read = await reader.read(wildcard, deadlineMs);
    if (read.kind === 'addresses' && samePublished(read.published, answer.published)) return true;
  }
  return false;
}

/** Undefined: it would be too long. */
function wildcardBelow(name: DomainName): DomainName | undefined {
  try {
    return name.prepend('*');
  } catch (error) {
    if (error instanceof NameError) return undefined;
    throw error;
  }
}

/** TTLs are not compared. */
export function samePublished(left: PublishedAddresses, right: PublishedAddresses): boolean {
  return sameAddresses(left.A.addresses, right.A.addresses) && sameAddresses(left.AAAA.addresses, right.AAAA.addresses);
}

export function sameRdatas(left: readonly Rdata[], right: readonly Rdata[]): boolean {
  const text = (rdatas: readonly Rdata[]) =>
    rdatas
      .map((rdata) => JSON.stringify(rdata))
      .sort()
      .join();
  return text(left) === text(right);
}
