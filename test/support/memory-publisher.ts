/**
 * A zone in memory that answers and takes changes as a nameserver does (RFC 1034 §4.3.2 with wildcards and delegations,
 * RFC 2136 §3), and a ZonePublisher on it. It passes the contract of a publisher; unit tests of the core use it.
 */
import { AppError } from '../../src/core/errors.ts';
import type { Clock } from '../../src/core/timers.ts';
import type {
  AddressSet,
  PublishedAddresses,
  PublishOutcome,
  ReadOutcome,
  ZonePublisher,
} from '../../src/core/zones/publisher.ts';
import { DomainName } from '../../src/dns/name.ts';
import { type Rdata, RRType } from '../../src/dns/rdata.ts';
import { type RRset, rrsetAddresses } from '../../src/dns/rrset.ts';
import { changedNames, type Prerequisite, type ZoneChange, type ZoneEdit } from '../../src/dns/zone-change.ts';

type Node = ReadonlyMap<number, RRset>;

export type ZoneAnswer =
  | { readonly kind: 'rrset'; readonly rrset: RRset }
  | { readonly kind: 'none' }
  | { readonly kind: 'cname' }
  | { readonly kind: 'occluded'; readonly by: string };

/** An RDATA as text that is equal exactly where the RDATAs are; names are compared without case. */
function rdataText(rdata: Rdata): string {
  return JSON.stringify(rdata, (_, value) => (value instanceof DomainName ? value.key : value));
}

function sameMembers(left: readonly Rdata[], right: readonly Rdata[]): boolean {
  const texts = (rdatas: readonly Rdata[]) => [...new Set(rdatas.map(rdataText))].sort().join();
  return texts(left) === texts(right);
}

export class MemoryZone {
  readonly apex: DomainName;
  serial = 1;
  #nodes = new Map<string, Node>();
  /** Keys of all names that have data or are above data; computed at the first use. */
  #names: Set<string> | undefined;

  constructor(apex: DomainName, rrsets: readonly RRset[] = []) {
    this.apex = apex;
    for (const rrset of rrsets) this.#nodes = edited(this.#nodes, { kind: 'add-to-rrset', rrset });
  }

  /** One UPDATE message with these changes: all of it, or nothing. */
  apply(changes: readonly ZoneChange[]): 'published' | 'stale' {
    const prerequisites = changes.flatMap((change) => change.prerequisites);
    if (!prerequisites.every((prerequisite) => this.#holds(prerequisite))) return 'stale';
    const edits = changes.flatMap((change) => change.edits);
    const nodes = edits.reduce(edited, this.#nodes);
    const touched = edits.map((edit) => ('rrset' in edit ? edit.rrset.ownerName : edit.ownerName).key);
    const shown = (of: ReadonlyMap<string, Node>) =>
      plain(new Map(touched.map((key) => [key, of.get(key) ?? new Map()])));
    if (shown(nodes).join() !== shown(this.#nodes).join()) this.serial += 1;
    if (touched.some((key) => nodes.has(key) !== this.#nodes.has(key))) this.#names = undefined;
    this.#nodes = nodes;
    return 'published';
  }

  /** The RRset that is at the name itself, whatever a reader is answered. */
  rrsetAt(ownerName: DomainName, type: number): RRset | undefined {
    return this.#nodes.get(ownerName.key)?.get(type);
  }

  /** All of the zone as texts, sorted. */
  contents(): string[] {
    return plain(this.#nodes);
  }

  answer(qname: DomainName, qtype: number): ZoneAnswer {
    const path: DomainName[] = [];
    for (let name: DomainName | undefined = qname; name?.isAtOrBelow(this.apex); name = name.parent())
      path.unshift(name);
    let node: Node | undefined;
    let closest = this.apex;
    for (const name of path) {
      node = this.#nodes.get(name.key);
      if (!name.equals(this.apex) && node?.has(RRType.NS)) {
        return { kind: 'occluded', by: `the name '${name}' is delegated to other nameservers` };
      }
      if (!name.equals(qname) && node?.has(RRType.DNAME)) {
        return { kind: 'occluded', by: `a DNAME record is at '${name}'` };
      }
      if (this.#exists(name)) closest = name;
    }
    if (!this.#exists(qname)) node = this.#nodes.get(closest.prepend('*').key);
    const rrset = node?.get(qtype);
    if (rrset) return { kind: 'rrset', rrset: { ...rrset, ownerName: qname } };
    return { kind: node?.has(RRType.CNAME) ? 'cname' : 'none' };
  }

  /** A name exists if it has data or is above data (RFC 4592 §2.2.2). */
  #exists(name: DomainName): boolean {
    if (this.#names === undefined) {
      this.#names = new Set();
      for (const key of this.#nodes.keys()) {
        let above: DomainName | undefined = DomainName.ofWire(Buffer.from(key, 'latin1'));
        for (; above !== undefined; above = above.parent()) this.#names.add(above.key);
      }
    }
    return this.#names.has(name.key);
  }

  #holds(prerequisite: Prerequisite): boolean {
    const node = this.#nodes.get(prerequisite.ownerName.key);
    switch (prerequisite.kind) {
      case 'name-in-use':
        return node !== undefined;
      case 'name-not-in-use':
        return node === undefined;
      case 'rrset-exists':
        return node?.has(prerequisite.type) ?? false;
      case 'rrset-absent':
        return !node?.has(prerequisite.type);
      case 'rrset-equals':
        return sameMembers(node?.get(prerequisite.type)?.rdatas ?? [], prerequisite.rdatas);
    }
  }
}

function plain(nodes: ReadonlyMap<string, Node>): string[] {
  const rrsets = [...nodes.values()].flatMap((node) => [...node.values()]);
  return rrsets
    .map(({ ownerName, type, ttl, rdatas }) => `${ownerName} ${ttl} ${type} ${rdatas.map(rdataText).sort()}`)
    .sort();
}

/** The zone after one edit (RFC 2136 §3.4.2). */
function edited(nodes: Map<string, Node>, edit: ZoneEdit): Map<string, Node> {
  const ownerName = 'rrset' in edit ? edit.rrset.ownerName : edit.ownerName;
  const node = new Map(nodes.get(ownerName.key));
  switch (edit.kind) {
    case 'delete-name':
      node.clear();
      break;
    case 'delete-rrset':
      node.delete(edit.type);
      break;
    case 'delete-from-rrset': {
      const gone = new Set(edit.rdatas.map(rdataText));
      const rdatas = node.get(edit.type)?.rdatas.filter((rdata) => !gone.has(rdataText(rdata))) ?? [];
      if (rdatas.length === 0) node.delete(edit.type);
      else node.set(edit.type, { ...node.get(edit.type)!, rdatas });
      break;
    }
    case 'replace-rrset':
    case 'add-to-rrset': {
      const { type } = edit.rrset;
      if (edit.kind === 'replace-rrset') node.delete(type);
      // §3.4.2.2: what cannot be beside a CNAME is silently ignored.
      const clash = type === RRType.CNAME ? [...node.keys()].some((other) => other !== type) : node.has(RRType.CNAME);
      if (clash) break;
      const members = new Map([...(node.get(type)?.rdatas ?? []), ...edit.rrset.rdatas].map((r) => [rdataText(r), r]));
      node.set(type, { ...edit.rrset, rdatas: [...members.values()] });
      break;
    }
  }
  const after = new Map(nodes);
  if (node.size === 0) after.delete(ownerName.key);
  else after.set(ownerName.key, node);
  return after;
}

export class MemoryPublisher implements ZonePublisher {
  readonly #zone: MemoryZone;
  readonly #seen = new Map<string, PublishedAddresses>();
  readonly #clock: Clock;
  #closed = false;

  /** @param clock of deadlines */
  constructor(zone: MemoryZone, clock: Clock = () => performance.now()) {
    this.#zone = zone;
    this.#clock = clock;
  }

  recall(ownerName: DomainName): PublishedAddresses | undefined {
    return this.#seen.get(ownerName.key);
  }

  async read(ownerName: DomainName, deadlineMs: number): Promise<ReadOutcome> {
    await this.#turn(deadlineMs);
    const sets: AddressSet[] = [];
    for (const type of [RRType.A, RRType.AAAA]) {
      const answer = this.#zone.answer(ownerName, type);
      if (answer.kind === 'occluded' || answer.kind === 'cname') return answer;
      sets.push(addressSet(answer.kind === 'rrset' ? answer.rrset : undefined));
    }
    return { kind: 'addresses', published: { A: sets[0]!, AAAA: sets[1]! } };
  }

  async readRRset(ownerName: DomainName, type: number, deadlineMs: number): Promise<RRset | undefined> {
    await this.#turn(deadlineMs);
    const answer = this.#zone.answer(ownerName, type);
    return answer.kind === 'rrset' ? answer.rrset : undefined;
  }

  async publish(change: ZoneChange, deadlineMs: number): Promise<PublishOutcome> {
    await this.#turn(deadlineMs);
    const outcome = this.#zone.apply([change]);
    for (const ownerName of changedNames(change)) {
      const [A, AAAA] = [RRType.A, RRType.AAAA].map((type) => addressSet(this.#zone.rrsetAt(ownerName, type)));
      if (outcome === 'published') this.#seen.set(ownerName.key, { A: A!, AAAA: AAAA! });
      else this.#seen.delete(ownerName.key);
    }
    return outcome;
  }

  close(): void {
    this.#closed = true;
  }

  /** As a primary would, it acts in a later turn of the event loop, or not at all. */
  async #turn(deadlineMs: number): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    if (this.#closed || this.#clock() >= deadlineMs) throw new AppError('primary-unreachable', 'No answer in time.');
  }
}

function addressSet(rrset: RRset | undefined): AddressSet {
  return { addresses: rrsetAddresses(rrset?.rdatas ?? []).sort(), ttl: rrset?.ttl ?? 0 };
}
