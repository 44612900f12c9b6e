/**
 * Checks what a validator requires of a reply of signed zones, for each kind of reply (RFC 4035 §5, RFC 5155 §8, RFC 6840 §4): all data is
 * signed, what does not exist is proven, and no record is there that proves nothing. Replies with TC are not checked.
 */
import { nsec3Covers, nsec3Hash, nsecCovers } from '../../src/dns/dnssec/denial.ts';
import type { Signature, ZoneKeys } from '../../src/dns/dnssec/verify.ts';
import { DomainName } from '../../src/dns/name.ts';
import { formatRRType, type Rdata, type ResourceRecord, RRType } from '../../src/dns/rdata.ts';
import { fullRcode } from '../../src/dns/wire/edns.ts';
import { type Message, Rcode } from '../../src/dns/wire/message.ts';
import { isStrictlyBelow, parentKey, rdataText } from '../../src/nameserver/zone/zone-version.ts';

type RdataOf<Kind extends Rdata['kind']> = Extract<Rdata, { kind: Kind }>;

interface SignedRRset {
  readonly key: string;
  readonly type: number;
  readonly rdatas: readonly Rdata[];
  readonly isSigned: boolean;
  /** Of the name or wildcard that was signed (RFC 4034 §3.1.3). */
  readonly labels: number;
  /** Whose signatures it has. */
  readonly zone: ZoneKeys | undefined;
}

/** What one record of a chain says. */
interface ChainRecord {
  readonly types: readonly number[];
  matches(key: string): boolean;
  covers(key: string): boolean;
  /** The next name of an NSEC record. */
  readonly nextKey: string | undefined;
  readonly ownerKey: string;
}

/** What is wrong with a reply to a query with DO; nothing for a reply with TC. @param zones by the key of the apex */
export function replyFaults(message: Message, zones: ReadonlyMap<string, ZoneKeys>, nowSeconds: number): string[] {
  return message.truncated ? [] : new Validation(message, zones, nowSeconds).run();
}

class Validation {
  readonly #message: Message;
  readonly #zones: ReadonlyMap<string, ZoneKeys>;
  readonly #now: number;
  readonly #faults: string[] = [];
  readonly #answers: readonly SignedRRset[];
  readonly #authority: readonly SignedRRset[];
  readonly #used = new Set<SignedRRset>();

  constructor(message: Message, zones: ReadonlyMap<string, ZoneKeys>, now: number) {
    this.#message = message;
    this.#zones = zones;
    this.#now = now;
    this.#answers = this.#rrsetsOf(message.answers);
    this.#authority = this.#rrsetsOf(message.authority);
  }

  run(): string[] {
    const [{ qname, qtype }] = this.#message.questions as [Message['questions'][number]];
    if (this.#message.authenticData) this.#faults.push('AD is set');
    const target = this.#followAnswers(qname.key, qtype);
    if (target !== undefined) this.#checkEnd(target, qtype);
    for (const rrset of this.#answers) if (!this.#used.has(rrset)) this.#fault(rrset, 'is not part of the answer');
    for (const rrset of this.#authority) if (!this.#used.has(rrset)) this.#fault(rrset, 'proves nothing');
    return this.#faults;
  }

  #fault({ key, type }: Pick<SignedRRset, 'key' | 'type'>, what: string): void {
    this.#faults.push(`${nameOf(key)} ${formatRRType(type)} ${what}`);
  }

  /** The RRsets of a section with their signatures, which are verified. Signatures alone are RRsets of type RRSIG. */
  #rrsetsOf(records: readonly ResourceRecord[]): SignedRRset[] {
    const groups = new Map<string, ResourceRecord[]>();
    for (const record of records) {
      const { ownerName, type, rdata } = record;
      const group = `${ownerName.key} ${rdata.kind === 'RRSIG' ? rdata.typeCovered : type}`;
      groups.set(group, [...(groups.get(group) ?? []), record]);
    }
    return [...groups.values()].map((group) => {
      const signatures = group.filter(({ rdata }) => rdata.kind === 'RRSIG');
      const data = group.filter(({ rdata }) => rdata.kind !== 'RRSIG');
      const { ownerName, type, ttl } = data[0] ?? signatures[0]!;
      const { key } = ownerName;
      const rdatas = data.map(({ rdata }) => rdata);
      const texts = group.map((record) => `${record.type} ${rdataText(record.rdata)}`);
      if (new Set(texts).size < texts.length) this.#fault({ key, type }, 'has a record twice');
      if (group.some((record) => record.ttl !== ttl)) this.#fault({ key, type }, 'has several TTLs');
      const fields = signatures.map(({ rdata }) => rdata as RdataOf<'RRSIG'> & Signature);
      const zone = fields[0] && this.#zones.get(fields[0].signer.key);
      if (fields.length > 0 && zone === undefined) this.#fault({ key, type }, 'is signed by another zone');
      if (data.length > 0 && zone !== undefined) {
        for (const each of fields) {
          if (ttl > each.originalTtl) this.#fault({ key, type }, 'has a TTL above the original one');
          const rrset = { ownerKey: key, type, ttl, rdatas: rdatas.map(rdataText) };
          const outcome = zone.verify(rrset, each, this.#now);
          if (outcome !== 'valid' && outcome !== 'expanded') this.#fault({ key, type }, outcome);
        }
      }
      return { key, type, rdatas, isSigned: fields.length > 0, labels: fields[0]?.labels ?? 0, zone };
    });
  }

  /** Goes through the answer section. @returns the key of a name that has no answer there */
  #followAnswers(qnameKey: string, qtype: number): string | undefined {
    let key = qnameKey;
    for (const seen = new Set<string>(); !seen.has(key); ) {
      seen.add(key);
      const own = this.#answers.filter((rrset) => rrset.key === key);
      const found = own.filter(({ type, isSigned }) => {
        // The signatures may be there already, beside the DNAME that led to this name.
        return type === qtype || qtype === RRType.ANY || (qtype === RRType.RRSIG && isSigned && type !== RRType.CNAME);
      });
      if (found.length > 0 && !found.some((rrset) => this.#isSynthesized(rrset))) {
        for (const rrset of found) this.#checkAnswer(rrset);
        return undefined;
      }
      const cname = own.find(({ type }) => type === RRType.CNAME);
      const dname = this.#answers.find(({ key: owner, type }) => type === RRType.DNAME && isStrictlyBelow(key, owner));
      if (cname === undefined) {
        // A DNAME whose name would be too long.
        if (dname !== undefined && fullRcode(this.#message) === Rcode.YXDOMAIN) {
          this.#checkAnswer(dname);
          return undefined;
        }
        return key;
      }
      if (cname.isSigned) this.#checkAnswer(cname);
      else this.#checkSynthesized(cname, dname);
      if (qtype === RRType.CNAME || qtype === RRType.ANY) return undefined;
      key = targetOf(cname);
    }
    return undefined;
  }

  /** RFC 6672 §5.3.1: a CNAME without signature beside the DNAME that it comes from. */
  #isSynthesized({ key, type, isSigned }: SignedRRset): boolean {
    return (
      type === RRType.CNAME &&
      !isSigned &&
      this.#answers.some((each) => each.type === RRType.DNAME && isStrictlyBelow(key, each.key))
    );
  }

  #checkSynthesized(cname: SignedRRset, dname: SignedRRset | undefined): void {
    this.#used.add(cname);
    if (dname === undefined) {
      this.#fault(cname, 'is not signed');
      return;
    }
    this.#checkAnswer(dname);
    const target = cname.key.slice(0, -dname.key.length) + targetOf(dname);
    if (targetOf(cname) !== target) this.#fault(cname, 'does not follow from the DNAME');
  }

  /** RFC 4035 §5.3.4: the RRset of a wildcard needs the proof that no name is closer. */
  #checkAnswer(rrset: SignedRRset): void {
    this.#used.add(rrset);
    const { key, labels, zone } = rrset;
    if (!rrset.isSigned) this.#fault(rrset, 'is not signed');
    if (zone === undefined || labels >= signedLabels(key)) return;
    if (!this.#covers(zone, ancestor(key, labels + 1))) this.#fault(rrset, 'has no proof that no name is closer');
  }

  #checkEnd(key: string, qtype: number): void {
    const rcode = fullRcode(this.#message);
    const soa = this.#authority.find(({ type }) => type === RRType.SOA);
    if (soa !== undefined) {
      this.#used.add(soa);
      const { zone } = soa;
      if (zone === undefined) this.#fault(soa, 'is not signed');
      else if (rcode === Rcode.NXDOMAIN) {
        if (!this.#isNameError(zone, key)) this.#faults.push(`${nameOf(key)}: NXDOMAIN is not proven`);
      } else if (!this.#isNodata(zone, key, qtype)) this.#faults.push(`${nameOf(key)}: NODATA is not proven`);
      return;
    }
    const ns = this.#authority.find(({ type }) => type === RRType.NS);
    if (ns !== undefined) this.#checkReferral(ns, key, qtype);
    else if ([...this.#zones.keys()].some((apex) => key === apex || isStrictlyBelow(key, apex))) {
      this.#faults.push(`${nameOf(key)}: no answer, no SOA, no NS`);
    }
  }

  /** RFC 4035 §5.2, RFC 5155 §8.9. */
  #checkReferral(ns: SignedRRset, key: string, qtype: number): void {
    this.#used.add(ns);
    const isBelow = isStrictlyBelow(key, ns.key) || (key === ns.key && qtype !== RRType.DS);
    if (!isBelow || ns.isSigned) this.#fault(ns, 'is not a referral');
    const ds = this.#authority.find(({ key: owner, type }) => type === RRType.DS && owner === ns.key);
    if (ds !== undefined) {
      this.#used.add(ds);
      if (!ds.isSigned) this.#fault(ds, 'is not signed');
      return;
    }
    const isProven = [...this.#zones.values()].some((zone) => {
      const match = this.#use(zone, (record) => record.matches(ns.key));
      return match?.types.includes(RRType.NS) && !match.types.includes(RRType.DS) && !match.types.includes(RRType.SOA);
    });
    if (!isProven) this.#fault(ns, 'has neither DS nor the proof that there is none');
  }

  /** The records of the chain of a zone in the authority section. */
  *#chain(zone: ZoneKeys): Generator<readonly [SignedRRset, ChainRecord]> {
    for (const rrset of this.#authority) {
      if (rrset.zone !== zone) continue;
      const [rdata] = rrset.rdatas;
      if (rdata?.kind === 'NSEC') yield [rrset, nsecRecord(rrset.key, rdata)];
      if (rdata?.kind === 'NSEC3') yield [rrset, nsec3Record(rrset.key, rdata)];
    }
  }

  #use(zone: ZoneKeys, is: (record: ChainRecord) => boolean): ChainRecord | undefined {
    for (const [rrset, record] of this.#chain(zone)) {
      if (!is(record)) continue;
      this.#used.add(rrset);
      return record;
    }
    return undefined;
  }

  /** The name and all below it do not exist. */
  #covers(zone: ZoneKeys, key: string): boolean {
    return this.#use(zone, (record) => record.covers(key)) !== undefined;
  }

  /** The closest encloser that is proven (RFC 5155 §8.3; with NSEC it follows from the record that covers the name). */
  #closestEncloser(zone: ZoneKeys, key: string): string | undefined {
    for (let nextCloser = key; nextCloser !== zone.zone.key; nextCloser = parentKey(nextCloser)) {
      const encloser = parentKey(nextCloser);
      const isThere = [...this.#chain(zone)].some(([, record]) => {
        if (record.nextKey === undefined) return record.matches(encloser) && !isCutRecord(record);
        const { ownerKey, nextKey } = record;
        return (
          [ownerKey, nextKey].some((each) => each === encloser || isStrictlyBelow(each, encloser)) && record.covers(key)
        );
      });
      if (!isThere) continue;
      // A record that matches is used where there is no other way to know.
      this.#use(zone, (record) => record.nextKey === undefined && record.matches(encloser));
      return this.#covers(zone, nextCloser) ? encloser : undefined;
    }
    return undefined;
  }

  /** RFC 4035 §5.4, RFC 5155 §8.4. */
  #isNameError(zone: ZoneKeys, key: string): boolean {
    const encloser = this.#closestEncloser(zone, key);
    return encloser !== undefined && this.#covers(zone, `\x01*${encloser}`);
  }

  /** RFC 4035 §5.4, RFC 5155 §8.5 to §8.7. */
  #isNodata(zone: ZoneKeys, key: string, qtype: number): boolean {
    const match = this.#use(zone, (record) => record.matches(key));
    if (match !== undefined) return !hasType(match, qtype) && (qtype === RRType.DS || !isDelegation(match));
    const empty = this.#use(zone, ({ ownerKey, nextKey }) => {
      return nextKey !== undefined && isStrictlyBelow(nextKey, key) && nsecCovers(key, ownerKey, nextKey);
    });
    if (empty !== undefined) return true;
    const encloser = this.#closestEncloser(zone, key);
    if (encloser === undefined) return false;
    const wildcard = `\x01*${encloser}`;
    const source = this.#use(zone, (record) => record.matches(wildcard));
    if (source !== undefined) return !hasType(source, qtype) && !isDelegation(source);
    // The wildcard is an empty non-terminal.
    return this.#use(zone, ({ nextKey }) => nextKey !== undefined && isStrictlyBelow(nextKey, wildcard)) !== undefined;
  }
}

/** A name with a CNAME has no NODATA but for the types beside it (RFC 6840 §4.3). */
function hasType({ types }: ChainRecord, qtype: number): boolean {
  return types.includes(qtype) || (types.includes(RRType.CNAME) && qtype !== RRType.NSEC && qtype !== RRType.RRSIG);
}

/** RFC 6840 §4.1: the record of a delegation or DNAME says nothing of names below. */
function isCutRecord({ types }: Pick<ChainRecord, 'types'>): boolean {
  return types.includes(RRType.DNAME) || isDelegation({ types });
}

/** Its name belongs to the zone below, but for the DS. */
function isDelegation({ types }: Pick<ChainRecord, 'types'>): boolean {
  return types.includes(RRType.NS) && !types.includes(RRType.SOA);
}

/** Of a CNAME or DNAME. */
function targetOf({ rdatas: [rdata] }: SignedRRset): string {
  return (rdata as { readonly target: DomainName }).target.key;
}

function nsecRecord(ownerKey: string, { next, types }: RdataOf<'NSEC'>): ChainRecord {
  const nextKey = next.key;
  return {
    types,
    ownerKey,
    nextKey,
    matches: (key) => key === ownerKey,
    covers: (key) => {
      if (!nsecCovers(key, ownerKey, nextKey) || key === ownerKey || isStrictlyBelow(nextKey, key)) return false;
      return !(isCutRecord({ types }) && isStrictlyBelow(key, ownerKey));
    },
  };
}

function nsec3Record(ownerKey: string, { iterations, salt, nextHashed, flags, types }: RdataOf<'NSEC3'>): ChainRecord {
  const ownerHash = hashOfOwner(ownerKey);
  const hashOf = (key: string) => nsec3Hash(key, { iterations, salt });
  const nextText = Buffer.from(nextHashed).toString('latin1');
  return {
    types,
    ownerKey,
    nextKey: undefined,
    matches: (key) => hashOf(key) === ownerHash,
    // Opt-out proves nothing (RFC 5155 §6), and our zones do not have it.
    covers: (key) => flags === 0 && nsec3Covers(hashOf(key), ownerHash, nextText),
  };
}

const DIGITS = '0123456789abcdefghijklmnopqrstuv';

function hashOfOwner(key: string): string {
  let bits = '';
  for (const digit of key.slice(1, 33)) bits += DIGITS.indexOf(digit).toString(2).padStart(5, '0');
  return String.fromCharCode(...(bits.match(/.{8}/g) ?? []).map((octet) => Number.parseInt(octet, 2)));
}

function labelCount(key: string): number {
  return nameOf(key).labelCount;
}

/** RFC 4034 §3.1.3: without the asterisk of a wildcard. */
function signedLabels(key: string): number {
  return labelCount(key) - (key.startsWith('\x01*') ? 1 : 0);
}

function ancestor(key: string, labels: number): string {
  let at = key;
  for (let count = labelCount(key); count > labels; count--) at = parentKey(at);
  return at;
}

function nameOf(key: string): DomainName {
  return DomainName.ofWire(Buffer.from(key, 'latin1'));
}
