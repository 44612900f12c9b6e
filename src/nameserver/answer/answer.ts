/**
 * What a query is answered with: the algorithm of RFC 1034 §4.3.2 with wildcards (RFC 4592), DNAME (RFC 6672), negative
 * answers (RFC 2308) and a minimal answer to ANY (RFC 8482).
 *
 * Answers are minimal: no NS records of the zone beside an answer and no addresses beside MX, SRV and NS records, only
 * the glue of a referral. Left out: DNSSEC; the zones are not signed.
 */

import { findNearestAncestor, lowerCaseText, MAX_NAME_OCTETS } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { Rcode } from '../../dns/wire/message.ts';
import type { EmbeddedZone } from '../zone/embedded-zone.ts';
import { findRRset, parentKey, type ZoneNode, type ZoneRRset, type ZoneVersion } from '../zone/zone-version.ts';

/** An RRset as it goes into a section: the owner name may be one that a wildcard stands for. */
export interface OwnedRRset {
  /** `DomainName.wireText`. */
  readonly owner: string;
  readonly rrset: ZoneRRset;
  /** Where it differs from the RRset's: SOA in negative answers. */
  readonly ttl: number;
  /** IN unless given. */
  readonly rrClass?: number;
}

export interface Answer {
  readonly rcode: number;
  /** AA. */
  readonly authoritative: boolean;
  /** What it is, for counting and rate limiting: `error` has no data and no SOA. */
  readonly kind: 'answer' | 'nodata' | 'nxdomain' | 'referral' | 'error';
  /**
   * Key of the name whose data decided: of a wildcard, a delegation, or a DNAME and not of the many names that it stands
   * for; of the apex in negative answers. Empty in errors.
   */
  readonly source: string;
  readonly answers: readonly OwnedRRset[];
  readonly authority: readonly OwnedRRset[];
  readonly additional: readonly OwnedRRset[];
}

export interface AnswerQuestion {
  /** `DomainName.key`. */
  readonly key: string;
  /** `DomainName.wireText`: as it was asked. */
  readonly wireText: string;
  readonly qtype: number;
  /** ANY is answered in full over TCP, where nobody's address is forged. */
  readonly overTcp: boolean;
}

/** Zones by the key of their apex. */
export type ZoneIndex = ReadonlyMap<string, EmbeddedZone>;

/** CNAME and DNAME steps that one answer follows. */
const MAX_STEPS = 12;
const NOTHING: readonly OwnedRRset[] = [];
/** Asked for at a CNAME, these are looked for at that very name (RFC 2181 §10.1, RFC 4034 §3, §4): KEY, RRSIG, NSEC. */
const STAND_BESIDE_CNAME: ReadonlySet<number> = new Set([25, RRType.RRSIG, RRType.NSEC]);

/** The answer to a question of class IN; REFUSED for names in no zone of ours. */
export function answerQuestion(zones: ZoneIndex, question: AnswerQuestion): Answer {
  const { qtype, key } = question;
  let zone = findNearestAncestor(zones, key);
  // DS belongs to the parent's side of a cut (RFC 3658 §2.2.1.1), if that is ours, too.
  if (zone !== undefined && qtype === RRType.DS && key === zone.apex.key && key.length > 1) {
    zone = findNearestAncestor(zones, parentKey(key)) ?? zone;
  }
  if (zone === undefined) return failure(Rcode.REFUSED);
  const version = zone.published;
  // The usual case: the name is there with the type, and nothing above it can take it away.
  if (version.cuts === 0) {
    const rrset = rrsetAt(version, key, qtype);
    if (rrset !== undefined) return positive(key, [{ owner: question.wireText, rrset, ttl: rrset.ttl }]);
  }
  return new Lookup(zones, question).run(version);
}

function rrsetAt(version: ZoneVersion, key: string, type: number): ZoneRRset | undefined {
  const node = version.find(key);
  return node && findRRset(node, type);
}

function failure(rcode: number): Answer {
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

/** One query on its way through CNAMEs and DNAMEs. */
class Lookup {
  readonly #zones: ZoneIndex;
  readonly #question: AnswerQuestion;
  readonly #answers: OwnedRRset[] = [];
  readonly #seen = new Set<string>();
  /** The name that is looked for now. */
  #key: string;
  #wireText: string;
  /** The name whose record was followed last. */
  #source = '';

  constructor(zones: ZoneIndex, question: AnswerQuestion) {
    this.#zones = zones;
    this.#question = question;
    this.#key = question.key;
    this.#wireText = question.wireText;
  }

  run(first: ZoneVersion): Answer {
    let version: ZoneVersion | undefined = first;
    for (let step = 0; step < MAX_STEPS && version !== undefined && !this.#seen.has(this.#key); step++) {
      this.#seen.add(this.#key);
      const answer = this.#step(version);
      if (answer !== undefined) return answer;
      version = findNearestAncestor(this.#zones, this.#key)?.published;
    }
    // A chain that leaves our zones, or a loop: what is known so far.
    return positive(this.#source, this.#answers);
  }

  /** The answer, or undefined when the name was replaced and the search goes on. */
  #step(version: ZoneVersion): Answer | undefined {
    const cut = version.cuts > 0 ? this.#findCut(version) : undefined;
    if (cut !== undefined) {
      const dname = findRRset(cut, RRType.DNAME);
      // NS before DNAME: below a delegation nothing is ours.
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
    if (cname === undefined || STAND_BESIDE_CNAME.has(qtype)) return this.#negative(version, Rcode.NOERROR);
    this.#answers.push({ owner: this.#wireText, rrset: cname, ttl: cname.ttl });
    this.#source = node.key;
    this.#goOn(cname.rdatas[0]!);
    return undefined;
  }

  #goOn(wireText: string): void {
    this.#wireText = wireText;
    this.#key = lowerCaseText(wireText);
  }

  #positive(node: ZoneNode, rrsets: readonly ZoneRRset[]): Answer {
    for (const rrset of rrsets) this.#answers.push({ owner: this.#wireText, rrset, ttl: rrset.ttl });
    return positive(node.key, this.#answers);
  }

  /** RFC 2308 §2.1, §2.2: with the SOA, whose TTL is that of the negative answer. */
  #negative(version: ZoneVersion, rcode: number): Answer {
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

  /** The topmost delegation at or above the name, or DNAME above it. DS at the delegation itself is ours. */
  #findCut(version: ZoneVersion): ZoneNode | undefined {
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
  #wildcard(version: ZoneVersion): ZoneNode | undefined {
    let encloser = parentKey(this.#key);
    while (version.find(encloser) === undefined) encloser = parentKey(encloser);
    return version.find(`\x01*${encloser}`);
  }

  /** RFC 6672 §3.2: the DNAME, a CNAME made from it, and on with the new name. */
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
    this.#goOn(target);
    return undefined;
  }

  #referral(version: ZoneVersion, node: ZoneNode): Answer {
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

/** Addresses of the nameservers that this zone knows (RFC 9471 §3). */
function glueOf(version: ZoneVersion, ns: ZoneRRset): OwnedRRset[] {
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
