/**
 * Applies the edits of one change to one name (RFC 2136 §3.4.2), and writes the result to the draft in one step. Linear in the
 * RRsets of the name and the edits: an UPDATE may add 4,000 records to one RRset, or remove them one by one.
 */
import type { DomainName } from '../../dns/name.ts';
import { RRType, SINGLE_TYPES } from '../../dns/rdata.ts';
import { rdataKey } from '../../dns/rdata-canonical.ts';
import type { RRset } from '../../dns/rrset.ts';
import { serialIsLater } from '../../dns/serial.ts';
import type { ZoneDraft } from './draft.ts';
import { isSignerType } from './signer-types.ts';
import type { ZoneNode, ZoneRRset } from './zone-node.ts';
import { rdataText, soaSerial } from './zone-version.ts';

/** RFC 1035 §3.4.2. */
const WKS = 11;
/** Address and protocol. */
const WKS_KEY_OCTETS = 5;

/** RDATA by its key, in their order. */
type Members = Map<string, string>;

/** An RRset of the name. `members` are read when an edit needs them, and are valid from then on. */
interface EditedRRset {
  readonly original: ZoneRRset;
  ttl: number;
  members: Members | undefined;
}

export class NodeEditor {
  readonly #draft: ZoneDraft;
  readonly #key: string;
  readonly #node: ZoneNode | undefined;
  /** By type. */
  readonly #rrsets = new Map<number, EditedRRset>();
  #wireText: string;
  #changed = false;

  constructor(draft: ZoneDraft, { key, wireText }: Pick<DomainName, 'key' | 'wireText'>) {
    this.#draft = draft;
    this.#key = key;
    this.#node = draft.find(key);
    this.#wireText = this.#node?.wireText ?? wireText;
    for (const original of this.#node?.rrsets ?? []) {
      this.#rrsets.set(original.type, { original, ttl: original.ttl, members: undefined });
    }
  }

  get #isApex(): boolean {
    return this.#key === this.#draft.apex.key;
  }

  add({ ownerName, type, ttl, rdatas }: RRset): void {
    // Who sends it gets an error (update/updatable-zone.ts).
    if (isSignerType(type) && this.#draft.isSigned) return;
    const rrset = this.#rrsets.get(type);
    // RFC 2136 §3.4.2.2: data beside a CNAME, and a CNAME beside data, are ignored.
    const isAlias = type === RRType.CNAME;
    if (isAlias ? this.#rrsets.size > (rrset === undefined ? 0 : 1) : this.#rrsets.has(RRType.CNAME)) return;
    // NS and DNAME at a wildcard are undefined (RFC 4592 §4.2, §4.4); a DS belongs to the parent (RFC 4035 §2.4).
    if ((type === RRType.NS || type === RRType.DNAME) && ownerName.isWildcard) return;
    if (type === RRType.DS && this.#isApex) return;
    const isSingle = SINGLE_TYPES.has(type) || type === RRType.SOA;
    const members = rrset === undefined ? new Map<string, string>() : membersOf(rrset);
    let applies = false;
    let changes = rrset === undefined || rrset.ttl !== ttl;
    for (const rdata of rdatas.map(rdataText)) {
      if (type === RRType.SOA && !this.#isLaterSoa(members, rdata)) continue;
      const memberKey = memberKeyOf(type, rdata);
      applies = true;
      // Already present, possibly in another letter case: only the TTL can change.
      if (type !== RRType.SOA && isMember(members, type, rdata)) continue;
      if (isSingle) members.clear();
      members.set(memberKey, rdata);
      changes = true;
    }
    if (!applies || !changes) return;
    this.#changed = true;
    // All members of an RRset have one TTL (RFC 2181 §5.2): the newest.
    if (rrset !== undefined) rrset.ttl = ttl;
    else {
      if (this.#isGone) this.#wireText = ownerName.wireText;
      this.#rrsets.set(type, { original: { type, ttl, rdatas: [] }, ttl, members });
    }
  }

  /** The serial must also be later than the published one: several steps in one commit could wrap (RFC 1982 §3.2). */
  #isLaterSoa(members: Members, rdata: string): boolean {
    const [current] = members.values();
    const serial = soaSerial(rdata);
    if (current === undefined || !serialIsLater(serial, soaSerial(current))) return false;
    return serialIsLater(serial, this.#draft.base.serial);
  }

  /** The name would be removed now; a record that is added has the letter case of the new owner name. */
  get #isGone(): boolean {
    return this.#rrsets.size === 0 && (this.#node?.children ?? 0) === 0 && !this.#isApex;
  }

  deleteRRset(type: number): void {
    if (this.#isApex && (type === RRType.SOA || type === RRType.NS)) return;
    if (this.#rrsets.delete(type)) this.#changed = true;
  }

  deleteAll(): void {
    for (const type of this.#rrsets.keys()) this.deleteRRset(type);
  }

  deleteMembers(type: number, rdatas: readonly string[]): void {
    const rrset = this.#rrsets.get(type);
    if (rrset === undefined || type === RRType.SOA) return;
    const members = membersOf(rrset);
    const present = new Set(
      rdatas.filter((rdata) => isMember(members, type, rdata)).map((rdata) => memberKeyOf(type, rdata)),
    );
    if (present.size === 0) return;
    // RFC 2136 §3.4.2.4: the last NS of the zone stays.
    if (type === RRType.NS && this.#isApex && present.size === members.size) return;
    this.#changed = true;
    for (const key of present) members.delete(key);
    if (members.size === 0) this.#rrsets.delete(type);
  }

  /** Writes what the edits have changed. */
  write(): void {
    if (!this.#changed) return;
    const rrsets = [...this.#rrsets.values()].map(({ original, ttl, members }) =>
      members === undefined ? original : { type: original.type, ttl, rdatas: [...members.values()] },
    );
    this.#draft.setRRsets({ key: this.#key, wireText: this.#wireText }, rrsets);
  }
}

function membersOf(rrset: EditedRRset): Members {
  const { type, rdatas } = rrset.original;
  rrset.members ??= new Map(rdatas.map((rdata) => [memberKeyOf(type, rdata), rdata]));
  return rrset.members;
}

/** An RRset has one member of each key. A WKS takes the place of the one with its address and protocol (RFC 2136 §3.4.2.2). */
function memberKeyOf(type: number, rdata: string): string {
  return type === WKS ? rdata.slice(0, WKS_KEY_OCTETS) : rdataKey(type, rdata);
}

function isMember(members: Members, type: number, rdata: string): boolean {
  const member = members.get(memberKeyOf(type, rdata));
  return member !== undefined && (type !== WKS || member === rdata);
}
