/**
 * Signs a zone as it changes: between the edits of a draft and its commit, the chain is brought up to date, and what has no signature
 * gets one. The last state of each RRset is signed, whatever the number of changes in the commit.
 */

import { CDNSKEY_DELETE, CDS_DELETE, dsOfKey } from '../../dns/dnssec/delegation.ts';
import type { SigningKey } from '../../dns/dnssec/signing-key.ts';
import type { Rdata } from '../../dns/rdata.ts';
import { RRType } from '../../dns/rdata.ts';
import type { ChainOrder } from '../zone/chain-order.ts';
import type { DraftSigner, ZoneDraft } from '../zone/draft.ts';
import { cutAbove } from '../zone/occlusion.ts';
import { sameData } from '../zone/same-rrset.ts';
import { expirationOf, inceptionOf, keyTagOf, withSignatures } from '../zone/signatures.ts';
import { isChainType } from '../zone/signer-types.ts';
import { allRRsets, type ZoneNode, type ZoneRRset } from '../zone/zone-node.ts';
import { negativeTtlOf, rdataText, type ZoneVersion } from '../zone/zone-version.ts';
import { Chain } from './chain.ts';
import { INCEPTION_BEFORE_SECONDS, mapAuthoritative, signatureBy } from './name-signer.ts';
import type { SignatureTimes } from './signed-table.ts';

export interface SigningPolicy {
  /** Each signs every RRset. */
  readonly keys: readonly SigningKey[];
  /** Those of the DNSKEY RRset; absent: `keys`. In a change of the algorithm signatures come first and go last (RFC 6781 §4.1.4). */
  readonly published?: readonly SigningKey[] | undefined;
  /** Those whose DS the parent should have, for CDS and CDNSKEY (RFC 7344); `delete`: none (RFC 8078 §4); absent: no such records. */
  readonly announced?: readonly SigningKey[] | 'delete' | undefined;
  readonly chain: 'nsec' | 'nsec3';
  readonly validitySeconds: number;
  /** Seconds since 1970. */
  readonly now: () => number;
  /** TTL of DNSKEY, CDS, CDNSKEY and NSEC3PARAM, in seconds. */
  readonly keyTtl: number;
}

/** When a signature of ours was made, in seconds since 1970, modulo 2^32. */
export function signedAt(signature: string): number {
  return inceptionOf(signature) + INCEPTION_BEFORE_SECONDS;
}

/** A zone that is restored from a backup must not be served with signatures that end sooner. */
const URGENT_SECONDS = 3 * 86_400;

export class ZoneSigner implements DraftSigner {
  #chain: Chain;
  #policy: SigningPolicy;
  /** Signatures made since the start, also of commits that failed. */
  made = 0;

  /** Of the signatures that the version had; undefined if it was not signed. */
  readonly loaded: SignatureTimes | undefined;

  /** @param version the chain that it has is continued */
  constructor(policy: SigningPolicy, version: ZoneVersion) {
    this.#policy = policy;
    this.#chain = Chain.of(policy.chain, version.apex);
    if (version.isSigned) this.loaded = this.#chain.load(version, policy.now());
  }

  /** Of the published version, for proofs. */
  get order(): ChainOrder {
    return this.#chain;
  }

  get policy(): SigningPolicy {
    return this.#policy;
  }

  /** Drafts that are sealed from now on follow it. It has the chain of before. */
  set policy(policy: SigningPolicy) {
    this.#policy = policy;
  }

  /** The chain of a zone that was signed in another way (first-signing.ts). */
  useChain(chain: Chain): void {
    this.#chain = chain;
  }

  setKeys(draft: ZoneDraft): void {
    const { keys, published = keys, announced, chain } = this.#policy;
    const parameters = { hashAlgorithm: 1, flags: 0, iterations: 0, salt: new Uint8Array(0) };
    this.#setApex(
      draft,
      RRType.DNSKEY,
      published.map(({ dnskey }) => ({ kind: 'DNSKEY', ...dnskey })),
    );
    this.#setApex(draft, RRType.NSEC3PARAM, chain === 'nsec3' ? [{ kind: 'NSEC3PARAM', ...parameters }] : []);
    this.#setApex(draft, RRType.CDS, announced === 'delete' ? [CDS_DELETE] : (announced ?? []).map(cdsOf));
    this.#setApex(
      draft,
      RRType.CDNSKEY,
      announced === 'delete'
        ? [CDNSKEY_DELETE]
        : (announced ?? []).map(({ dnskey }) => ({ kind: 'CDNSKEY', ...dnskey })),
    );
  }

  #setApex(draft: ZoneDraft, type: number, rdatas: readonly Rdata[]): void {
    const rrset = { type, ttl: this.#policy.keyTtl, rdatas: rdatas.map(rdataText) };
    const present = draft.findRRset(draft.apex.key, type);
    if (present === undefined ? rdatas.length > 0 : !sameData(present, rrset)) draft.setSignerRRset(draft.apex, rrset);
  }

  sign(draft: ZoneDraft): void {
    if (draft.base.isSigned) {
      const uncovered = this.#chain.update(draft);
      for (const key of [...draft.touched.keys()]) this.#signName(draft, key);
      for (const key of uncovered) this.#signName(draft, key);
    } else {
      this.#chain.build(draft);
      for (const { key } of draft.nodes.values()) this.#signName(draft, key);
    }
    this.#chain.seal();
  }

  /** For a version that was written without its signer: makes the chain true. The caller has names without signatures signed. */
  rebuildChain(draft: ZoneDraft): void {
    this.#chain = Chain.of(this.#policy.chain, draft.apex);
    this.#chain.rebuild(draft);
  }

  /** The draft that `sign` completed is published. */
  publish(): void {
    this.#chain.publish();
  }

  /** No draft since the published one will be published. */
  abandon(): void {
    this.#chain.abandon();
  }

  /** Signs what has not the signatures that it should have. */
  #signName(draft: ZoneDraft, key: string): void {
    const node = draft.find(key);
    if (node === undefined) return;
    const place = { isApex: key === draft.apex.key, isCovered: cutAbove(draft, key) !== undefined };
    const signed = mapAuthoritative(node, place, (rrset) => this.#signed(withChainTtl(rrset, draft), key));
    if (signed !== node) draft.setSigned(signed);
  }

  /** With a signature of each key. Those that need not be renewed stay: a rollover adds those of a key, and removes those of another. */
  #signed(rrset: ZoneRRset, ownerKey: string): ZoneRRset {
    if (this.#dueOf(rrset) === undefined) return rrset;
    const { keys, now, validitySeconds } = this.#policy;
    const validity = { nowSeconds: now(), validitySeconds };
    const signatures = keys.map((key) => {
      const present = rrset.signatures?.find((signature) => keyTagOf(signature) === key.keyTag);
      const isKept = present !== undefined && this.#dueByTime(present) === undefined;
      if (isKept) return present;
      this.made += 1;
      return signatureBy(key, rrset, ownerKey, validity);
    });
    return withSignatures(rrset, signatures);
  }

  /** Why a signed RRset should be signed again; undefined: not yet. */
  #dueOf({ signatures }: ZoneRRset): Due | undefined {
    const { keys } = this.#policy;
    if (signatures?.length !== keys.length) return 'now';
    let due: Due | undefined;
    for (const signature of signatures) {
      const tag = keyTagOf(signature);
      if (!keys.some(({ keyTag }) => keyTag === tag)) return 'now';
      const next = this.#dueByTime(signature);
      if (next === 'now') return next;
      due ??= next;
    }
    return due;
  }

  /** In serial number arithmetic (RFC 4034 §3.1.5). */
  #dueByTime(signature: string): Due | undefined {
    const { now, validitySeconds } = this.#policy;
    const left = (expirationOf(signature) - now()) | 0;
    const age = (now() - inceptionOf(signature)) | 0;
    if (age < 0 || left < urgentSeconds(validitySeconds)) return 'now';
    return left < validitySeconds / 2 ? 'soon' : undefined;
  }

  /**
   * Why the signatures of a name should be renewed; undefined: not yet. Names below a cut have none; the apex has them all, its SOA may have
   * lost them in a recovery.
   * @param chainTtl that records of the chain should have
   */
  dueAt(node: ZoneNode, isApex: boolean, chainTtl: number): Due | undefined {
    let due: Due | undefined;
    for (const rrset of allRRsets(node)) {
      if (rrset.ttl !== chainTtl && isChainType(rrset.type)) return 'now';
      if (rrset.signatures === undefined && !isApex) continue;
      const next = this.#dueOf(rrset);
      if (next === 'now') return next;
      due ??= next;
    }
    return due;
  }
}

/** A signature with less left is renewed at once. */
export function urgentSeconds(validitySeconds: number): number {
  return Math.max(validitySeconds / 4, Math.min(URGENT_SECONDS, validitySeconds / 2));
}

/** `soon`: in the second half of its validity; `now`: in the last quarter or the last three days, or wrong. */
export type Due = 'soon' | 'now';

function cdsOf({ zone, dnskey }: SigningKey): Rdata {
  return { kind: 'CDS', ...dsOfKey(zone, dnskey) };
}

/** RFC 9077 §3: a record of the chain has the TTL of negative answers, which an edit of the SOA can change. */
function withChainTtl(rrset: ZoneRRset, draft: ZoneDraft): ZoneRRset {
  if (!isChainType(rrset.type)) return rrset;
  const ttl = negativeTtlOf(draft.findRRset(draft.apex.key, RRType.SOA)!);
  return rrset.ttl === ttl ? rrset : { type: rrset.type, ttl, rdatas: rrset.rdatas };
}
