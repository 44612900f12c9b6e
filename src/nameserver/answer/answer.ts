/**
 * Finds the answer to a question: the algorithm of RFC 1034 §4.3.2 with wildcards (RFC 4592), DNAME (RFC 6672), negative
 * answers (RFC 2308) and a minimal answer to ANY (RFC 8482).
 *
 * Answers are minimal: without NS records of the zone, and without additional addresses except the glue of a referral.
 *
 * From a signed zone a query with DO gets the signatures of each RRset and the proofs (RFC 4035 §3.1, RFC 5155 §7.2). NSEC3 records are
 * at names that do not exist for queries (RFC 5155 §7.2.8).
 */
import { findNearestAncestor, lowerCaseText, MAX_NAME_OCTETS } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { Rcode } from '../../dns/wire/message.ts';
import { HASH_LABEL_OCTETS } from '../zone/chain-order.ts';
import { allRRsets, findRRset, hasRecords, type ZoneNode, type ZoneRRset } from '../zone/zone-node.ts';
import { parentKey } from '../zone/zone-version.ts';
import type { AnswerableVersion, AnswerableZone, OwnedRRset, ZoneIndex } from './answerable.ts';
import { addOnce, addSigned, type Encloser, Proofs, rrsigRRset, signedSoa, wildcardAt } from './proofs.ts';

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
  /** DO: the reply has signatures and proofs (RFC 3225 §3). */
  readonly dnssecOk: boolean;
}

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
  if (version.cuts === 0 && qtype !== RRType.NSEC3) {
    const rrset = rrsetAt(version, key, qtype);
    const isWhole = rrset !== undefined && (!question.dnssecOk || rrset.signatures === undefined);
    if (isWhole) return positive(key, [{ owner: question.wireText, rrset, ttl: rrset.ttl }]);
  }
  return new Lookup(zones, question).run(zone);
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
  readonly #proven: OwnedRRset[] = [];
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

  run(first: AnswerableZone): Answer {
    let zone: AnswerableZone | undefined = first;
    for (let step = 0; step < MAX_STEPS && zone?.published !== undefined && !this.#seen.has(this.#key); step++) {
      this.#seen.add(this.#key);
      const answer = this.#step(zone, zone.published);
      if (answer !== undefined) return answer;
      zone = findNearestAncestor(this.#zones, this.#key);
    }
    // The chain leaves the zones that we serve, is too long or has a loop: the records so far.
    return this.#positive(this.#source);
  }

  /** The answer, or undefined if the lookup continues with another name. */
  #step(zone: AnswerableZone, version: AnswerableVersion): Answer | undefined {
    const cut = version.cuts > 0 ? this.#findCut(version) : undefined;
    if (cut !== undefined) {
      const dname = findRRset(cut, RRType.DNAME);
      // NS takes precedence over DNAME: names below a delegation are not ours.
      if (cut.key === version.apex.key || findRRset(cut, RRType.NS) === undefined) {
        return this.#followDname(version, cut, dname!);
      }
      return this.#referral(zone, version, cut);
    }
    const own = nameAt(version, this.#key);
    const encloser = own === undefined ? this.#encloser(version) : undefined;
    const node = own ?? nameAt(version, wildcardAt(encloser!.key));
    if (node === undefined) {
      this.#proofs(zone, version)?.noName(this.#key, encloser!);
      return this.#negative(version, Rcode.NXDOMAIN);
    }
    const rrsets = this.#rrsetsAt(version, node);
    const cname = rrsets.length > 0 ? undefined : findRRset(node, RRType.CNAME);
    if (rrsets.length === 0 && (cname === undefined || ALLOWED_BESIDE_CNAME.has(this.#question.qtype))) {
      if (encloser === undefined) this.#proofs(zone, version)?.noData(this.#key);
      else this.#proofs(zone, version)?.noWildcardData(this.#key, encloser);
      return this.#negative(version, Rcode.NOERROR);
    }
    if (encloser !== undefined) this.#proofs(zone, version)?.noCloserName(this.#key, encloser);
    for (const rrset of rrsets) this.#addAnswer(version, rrset);
    if (cname === undefined) return this.#positive(node.key);
    this.#add(this.#answers, version, this.#wireText, cname);
    this.#source = node.key;
    this.#continueAt(cname.rdatas[0]!);
    return undefined;
  }

  /** Without DO signatures are records like others (RFC 4035 §3.1): ANY asks for them, too. */
  #addAnswer(version: AnswerableVersion, rrset: ZoneRRset): void {
    const { qtype, overTcp } = this.#question;
    if (qtype === RRType.ANY && overTcp) addSigned(this.#answers, this.#wireText, rrset, rrset.ttl, version.apex.key);
    else this.#add(this.#answers, version, this.#wireText, rrset);
  }

  /** What a name has of the type that is asked for. */
  #rrsetsAt(version: AnswerableVersion, node: ZoneNode): readonly ZoneRRset[] {
    const { qtype, overTcp } = this.#question;
    if (qtype === RRType.ANY) {
      const rrsets = allRRsets(node).filter((rrset) => rrset.type !== RRType.NSEC3 || version.chain !== 'nsec3');
      // RFC 8482 §4.1: one RRset is enough. The first is the oldest.
      return overTcp ? rrsets : rrsets.slice(0, 1);
    }
    if (qtype === RRType.RRSIG && version.chain !== undefined) return signaturesAt(version, node, overTcp);
    if (qtype === RRType.NSEC3 && version.chain === 'nsec3') return [];
    const rrset = findRRset(node, qtype);
    return rrset === undefined ? [] : [rrset];
  }

  #continueAt(wireText: string): void {
    this.#wireText = wireText;
    this.#key = lowerCaseText(wireText);
  }

  /** Adds an RRset, with DO followed by its signatures. */
  #add(to: OwnedRRset[], version: AnswerableVersion, owner: string, rrset: ZoneRRset): void {
    if (this.#question.dnssecOk) addSigned(to, owner, rrset, rrset.ttl, version.apex.key);
    else addOnce(to, owner, rrset, rrset.ttl);
  }

  /** Undefined where the reply needs none. */
  #proofs(zone: AnswerableZone, version: AnswerableVersion): Proofs | undefined {
    if (!this.#question.dnssecOk || version.chain === undefined || zone.order === undefined) return undefined;
    return new Proofs(version, zone.order, this.#proven);
  }

  /** @param source of Answer */
  #positive(source: string): Answer {
    return { ...positive(source, this.#answers), authority: this.#proven };
  }

  /** RFC 2308 §2.1, §2.2: with the SOA, whose TTL is the TTL of the negative answer. */
  #negative(version: AnswerableVersion, rcode: number): Answer {
    const { apexNode, soa, negativeTtl } = version;
    const authority = this.#question.dnssecOk
      ? signedSoa(version)
      : [{ owner: apexNode.wireText, rrset: soa, ttl: negativeTtl }];
    return {
      rcode,
      authoritative: true,
      kind: rcode === Rcode.NXDOMAIN ? 'nxdomain' : 'nodata',
      source: version.apex.key,
      answers: this.#answers,
      authority: this.#proven.length === 0 ? authority : [...authority, ...this.#proven],
      additional: NOTHING,
    };
  }

  /** The topmost delegation at or above the name, or DNAME above it. DS at a delegation is answered here. */
  #findCut(version: AnswerableVersion): ZoneNode | undefined {
    const { key: apexKey } = version.apex;
    const { qtype } = this.#question;
    // What only the parent's side of a delegation has.
    const isOfParent = qtype === RRType.DS || (qtype === RRType.NSEC && version.chain === 'nsec');
    let found: ZoneNode | undefined;
    for (let key = this.#key; ; key = parentKey(key)) {
      const node = version.find(key);
      if (node !== undefined && node.rrsets.length > 0) {
        const own = key === this.#key;
        const delegates = key !== apexKey && !(own && isOfParent) && findRRset(node, RRType.NS) !== undefined;
        if (delegates || (!own && findRRset(node, RRType.DNAME) !== undefined)) found = node;
      }
      if (key === apexKey) return found;
    }
  }

  /** The closest encloser of a name that is not there: the wildcard for the name would be below it. */
  #encloser(version: AnswerableVersion): Encloser {
    let nextCloser = this.#key;
    for (;;) {
      const key = parentKey(nextCloser);
      if (version.has(key) && (key.charCodeAt(0) !== HASH_LABEL_OCTETS || nameAt(version, key) !== undefined)) {
        return { key, nextCloser };
      }
      nextCloser = key;
    }
  }

  /** RFC 6672 §3.2: adds the DNAME and a synthesized CNAME, and continues with the new name. */
  #followDname(version: AnswerableVersion, node: ZoneNode, dname: ZoneRRset): Answer | undefined {
    this.#add(this.#answers, version, node.wireText, dname);
    this.#source = node.key;
    const target = this.#wireText.slice(0, -node.key.length) + dname.rdatas[0]!;
    if (target.length > MAX_NAME_OCTETS) return { ...this.#positive(node.key), rcode: Rcode.YXDOMAIN };
    const cname: ZoneRRset = { type: RRType.CNAME, ttl: dname.ttl, rdatas: [target] };
    this.#answers.push({ owner: this.#wireText, rrset: cname, ttl: cname.ttl });
    const { qtype } = this.#question;
    if (qtype === RRType.CNAME || qtype === RRType.ANY) return this.#positive(node.key);
    this.#continueAt(target);
    return undefined;
  }

  /** With DO the DS of the delegation, or the proof that it has none (RFC 4035 §3.1.4). */
  #referral(zone: AnswerableZone, version: AnswerableVersion, node: ZoneNode): Answer {
    const ns = findRRset(node, RRType.NS)!;
    const authority: OwnedRRset[] = [{ owner: node.wireText, rrset: ns, ttl: ns.ttl }];
    if (this.#question.dnssecOk && version.chain !== undefined) {
      const ds = findRRset(node, RRType.DS);
      if (ds !== undefined) this.#add(authority, version, node.wireText, ds);
      else this.#proofs(zone, version)?.noData(node.key);
    }
    return {
      rcode: Rcode.NOERROR,
      authoritative: this.#answers.length > 0,
      kind: 'referral',
      source: node.key,
      answers: this.#answers,
      authority: [...authority, ...this.#proven],
      additional: glueOf(version, ns),
    };
  }
}

/** A name that exists: with data, an empty non-terminal, or the apex. The owner name of an NSEC3 record is none. */
function nameAt(version: AnswerableVersion, key: string): ZoneNode | undefined {
  const node = version.find(key);
  return node !== undefined && (node.children > 0 || hasRecords(node)) ? node : undefined;
}

/** The signatures of a name, of one RRset where that is enough (RFC 8482 §7). */
function signaturesAt({ apex, chain }: AnswerableVersion, node: ZoneNode, all: boolean): readonly ZoneRRset[] {
  const signed = allRRsets(node).filter(({ type, signatures }) => {
    return signatures !== undefined && (type !== RRType.NSEC3 || chain !== 'nsec3');
  });
  return (all ? signed : signed.slice(0, 1)).map((rrset) => rrsigRRset(rrset, rrset.signatures!, apex.key));
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
