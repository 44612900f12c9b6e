/**
 * Finds the answer to a question: the algorithm of RFC 1034 §4.3.2 with wildcards (RFC 4592), DNAME (RFC 6672), negative
 * answers (RFC 2308) and a minimal answer to ANY (RFC 8482).
 *
 * Answers are minimal: without NS records of the zone, and without additional addresses except the glue of a referral.
 * Left out: DNSSEC; the zones are not signed.
 */
import { type DomainName, findNearestAncestor, lowerCaseText, MAX_NAME_OCTETS } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { Rcode } from '../../dns/wire/message.ts';
import type { PackedOctets } from '../zone/packed-octets.ts';
import type { ZoneNode, ZoneRRset } from '../zone/zone-node.ts';
import { findRRset, parentKey } from '../zone/zone-version.ts';

/** An RRset in a section of a reply. Its owner name may be synthesized from a wildcard. */
export interface OwnedRRset {
  /** `DomainName.wireText`. */
  readonly owner: string;
  readonly rrset: ZoneRRset;
  /** Differs from the TTL of the RRset for the SOA of negative answers. */
  readonly ttl: number;
  /** IN unless given. */
  readonly rrClass?: number;
}

export interface Answer {
  readonly rcode: number;
  /** AA. */
  readonly authoritative: boolean;
  /** For rate limiting; `error` has no data and no SOA. */
  readonly kind: 'answer' | 'nodata' | 'nxdomain' | 'referral' | 'error';
  /**
   * Key of the name that the answer was found at: for names covered by a wildcard, delegation or DNAME the key of that
   * one; the apex for negative answers; empty for errors.
   */
  readonly source: string;
  readonly answers: readonly OwnedRRset[];
  readonly authority: readonly OwnedRRset[];
  readonly additional: readonly OwnedRRset[];
}

export interface AnswerQuestion {
  /** `DomainName.key`. */
  readonly key: string;
  /** `DomainName.wireText` with the letter case of the query. */
  readonly wireText: string;
  readonly qtype: number;
  /** ANY gets a full answer over TCP, where the source address cannot be forged. */
  readonly overTcp: boolean;
}

/** What answers need of a ZoneVersion. */
export interface AnswerableVersion {
  readonly apex: DomainName;
  readonly apexNode: ZoneNode;
  readonly soa: ZoneRRset;
  readonly negativeTtl: number;
  readonly cuts: number;
  /** For direct answers. */
  readonly octets: PackedOctets | undefined;
  find(key: string): ZoneNode | undefined;
  has(key: string): boolean;
}

export interface AnswerableZone {
  readonly apex: DomainName;
  /** Undefined: this server has the zone, and does not serve it (journal/withheld-zone.ts). */
  readonly published: AnswerableVersion | undefined;
}

/** Zones by the key of their apex. */
export type ZoneIndex = ReadonlyMap<string, AnswerableZone>;

/** Maximum number of CNAMEs and DNAMEs that one answer follows. */
const MAX_STEPS = 12;
const NOTHING: readonly OwnedRRset[] = [];
/** Types that may exist beside a CNAME (RFC 2181 §10.1, RFC 4034 §3, §4), so that it is not followed: KEY, RRSIG, NSEC. */
const ALLOWED_BESIDE_CNAME: ReadonlySet<number> = new Set([25, RRType.RRSIG, RRType.NSEC]);

/** The answer to a question of class IN; REFUSED for names outside of our zones, SERVFAIL for a zone that is not served. */
export function answerQuestion(zones: ZoneIndex, question: AnswerQuestion): Answer {
  const { qtype, key } = question;
  let zone = findNearestAncestor(zones, key);
  // DS belongs to the parent side of a zone cut (RFC 3658 §2.2.1.1), if that zone is also ours.
  if (zone !== undefined && qtype === RRType.DS && key === zone.apex.key && key.length > 1) {
    zone = findNearestAncestor(zones, parentKey(key)) ?? zone;
  }
  if (zone === undefined) return errorAnswer(Rcode.REFUSED);
  const version = zone.published;
  if (version === undefined) return errorAnswer(Rcode.SERVFAIL);
  // The fast path: the name has the type, and no zone cut can occlude it.
  if (version.cuts === 0) {
    const rrset = rrsetAt(version, key, qtype);
    if (rrset !== undefined) return positive(key, [{ owner: question.wireText, rrset, ttl: rrset.ttl }]);
  }
  return new Lookup(zones, question).run(version);
}

function rrsetAt(version: AnswerableVersion, key: string, type: number): ZoneRRset | undefined {
  const node = version.find(key);
  return node && findRRset(node, type);
}

/** A reply without data. */
export function errorAnswer(rcode: number): Answer {
  return {
    rcode,
    authoritative: false,
    kind: 'error',
    source: '',
    answers: NOTHING,
    authority: NOTHING,
    additional: NOTHING,
  };
}

function positive(source: string, answers: readonly OwnedRRset[]): Answer {
  return {
    rcode: Rcode.NOERROR,
    authoritative: true,
    kind: 'answer',
    source,
    answers,
    authority: NOTHING,
    additional: NOTHING,
  };
}

/** The state of one lookup that follows CNAMEs and DNAMEs. */
class Lookup {
  readonly #zones: ZoneIndex;
  readonly #question: AnswerQuestion;
  readonly #answers: OwnedRRset[] = [];
  readonly #seen = new Set<string>();
  /** The current name of the lookup. */
  #key: string;
  #wireText: string;
  /** Key of the name whose CNAME or DNAME was followed last. */
  #source = '';

  constructor(zones: ZoneIndex, question: AnswerQuestion) {
    this.#zones = zones;
    this.#question = question;
    this.#key = question.key;
    this.#wireText = question.wireText;
  }

  run(first: AnswerableVersion): Answer {
    let version: AnswerableVersion | undefined = first;
    for (let step = 0; step < MAX_STEPS && version !== undefined && !this.#seen.has(this.#key); step++) {
      this.#seen.add(this.#key);
      const answer = this.#step(version);
      if (answer !== undefined) return answer;
      version = findNearestAncestor(this.#zones, this.#key)?.published;
    }
    // The chain leaves the zones that we serve, is too long or has a loop: the records so far.
    return positive(this.#source, this.#answers);
  }

  /** The answer, or undefined if the lookup continues with another name. */
  #step(version: AnswerableVersion): Answer | undefined {
    const cut = version.cuts > 0 ? this.#findCut(version) : undefined;
    if (cut !== undefined) {
      const dname = findRRset(cut, RRType.DNAME);
      // NS takes precedence over DNAME: names below a delegation are not ours.
      if (cut.key === version.apex.key || findRRset(cut, RRType.NS) === undefined) {
        return this.#followDname(cut, dname!);
      }
      return this.#referral(version, cut);
    }
    const node = version.find(this.#key) ?? this.#wildcard(version);
    if (node === undefined) return this.#negative(version, Rcode.NXDOMAIN);
    const { qtype, overTcp } = this.#question;
    if (qtype === RRType.ANY && node.rrsets.length > 0) {
      // RFC 8482 §4.1: one RRset is enough. The first is the oldest.
      const rrsets = overTcp ? node.rrsets : node.rrsets.slice(0, 1);
      return this.#positive(node, rrsets);
    }
    const rrset = findRRset(node, qtype);
    if (rrset !== undefined) return this.#positive(node, [rrset]);
    const cname = findRRset(node, RRType.CNAME);
    if (cname === undefined || ALLOWED_BESIDE_CNAME.has(qtype)) return this.#negative(version, Rcode.NOERROR);
    this.#answers.push({ owner: this.#wireText, rrset: cname, ttl: cname.ttl });
    this.#source = node.key;
    this.#continueAt(cname.rdatas[0]!);
    return undefined;
  }

  #continueAt(wireText: string): void {
    this.#wireText = wireText;
    this.#key = lowerCaseText(wireText);
  }

  #positive(node: ZoneNode, rrsets: readonly ZoneRRset[]): Answer {
    for (const rrset of rrsets) this.#answers.push({ owner: this.#wireText, rrset, ttl: rrset.ttl });
    return positive(node.key, this.#answers);
  }

  /** RFC 2308 §2.1, §2.2: with the SOA, whose TTL is the TTL of the negative answer. */
  #negative(version: AnswerableVersion, rcode: number): Answer {
    return {
      rcode,
      authoritative: true,
      kind: rcode === Rcode.NXDOMAIN ? 'nxdomain' : 'nodata',
      source: version.apex.key,
      answers: this.#answers,
      authority: [{ owner: version.apexNode.wireText, rrset: version.soa, ttl: version.negativeTtl }],
      additional: NOTHING,
    };
  }

  /** The topmost delegation at or above the name, or DNAME above it. DS at a delegation is answered here. */
  #findCut(version: AnswerableVersion): ZoneNode | undefined {
    const { key: apexKey } = version.apex;
    let found: ZoneNode | undefined;
    for (let key = this.#key; ; key = parentKey(key)) {
      const node = version.find(key);
      if (node !== undefined && node.rrsets.length > 0) {
        const own = key === this.#key;
        const delegates =
          key !== apexKey && !(own && this.#question.qtype === RRType.DS) && findRRset(node, RRType.NS) !== undefined;
        if (delegates || (!own && findRRset(node, RRType.DNAME) !== undefined)) found = node;
      }
      if (key === apexKey) return found;
    }
  }

  /** RFC 4592 §3.3.1: the wildcard below the closest encloser. */
  #wildcard(version: AnswerableVersion): ZoneNode | undefined {
    let encloser = parentKey(this.#key);
    while (!version.has(encloser)) encloser = parentKey(encloser);
    return version.find(`\x01*${encloser}`);
  }

  /** RFC 6672 §3.2: adds the DNAME and a synthesized CNAME, and continues with the new name. */
  #followDname(node: ZoneNode, dname: ZoneRRset): Answer | undefined {
    this.#answers.push({ owner: node.wireText, rrset: dname, ttl: dname.ttl });
    this.#source = node.key;
    const target = this.#wireText.slice(0, -node.key.length) + dname.rdatas[0]!;
    if (target.length > MAX_NAME_OCTETS) {
      return { ...positive(node.key, this.#answers), rcode: Rcode.YXDOMAIN };
    }
    const cname: ZoneRRset = { type: RRType.CNAME, ttl: dname.ttl, rdatas: [target] };
    this.#answers.push({ owner: this.#wireText, rrset: cname, ttl: cname.ttl });
    const { qtype } = this.#question;
    if (qtype === RRType.CNAME || qtype === RRType.ANY) return positive(node.key, this.#answers);
    this.#continueAt(target);
    return undefined;
  }

  #referral(version: AnswerableVersion, node: ZoneNode): Answer {
    const ns = findRRset(node, RRType.NS)!;
    return {
      rcode: Rcode.NOERROR,
      authoritative: this.#answers.length > 0,
      kind: 'referral',
      source: node.key,
      answers: this.#answers,
      authority: [{ owner: node.wireText, rrset: ns, ttl: ns.ttl }],
      additional: glueOf(version, ns),
    };
  }
}

/** Glue: the addresses in this zone of the delegation's nameservers (RFC 9471 §3). */
function glueOf(version: AnswerableVersion, ns: ZoneRRset): OwnedRRset[] {
  const glue: OwnedRRset[] = [];
  for (const target of ns.rdatas) {
    const node = version.find(lowerCaseText(target));
    if (node === undefined) continue;
    for (const type of [RRType.A, RRType.AAAA]) {
      const rrset = findRRset(node, type);
      if (rrset !== undefined) glue.push({ owner: node.wireText, rrset, ttl: rrset.ttl });
    }
  }
  return glue;
}
