/**
 * Signs a zone as it changes: between the edits of a draft and its commit, the chain is brought up to date, and what has no signature
 * gets one. The last state of each RRset is signed, whatever the number of changes in the commit.
 */

import type { SigningKey } from '../../dns/dnssec/signing-key.ts';
import type { DnskeyFields, Rdata } from '../../dns/rdata.ts';
import { RRType } from '../../dns/rdata.ts';
import type { ZoneDraft } from '../zone/draft.ts';
import type { ChainOrder, DraftSigner } from '../zone/draft-signer.ts';
import { cutAbove } from '../zone/occlusion.ts';
import { keyTagOf, mapRRsets, signatureOf, withSignatures } from '../zone/signatures.ts';
import type { ZoneNode, ZoneRRset } from '../zone/zone-node.ts';
import { findRRset, rdataText, type ZoneVersion } from '../zone/zone-version.ts';
import { Chain } from './chain.ts';
import { Nsec3Kind, NsecKind } from './chain-kind.ts';

export interface SigningPolicy {
  /** Those that sign; each signs every RRset. */
  readonly keys: readonly SigningKey[];
  readonly chain: 'nsec' | 'nsec3';
  readonly validitySeconds: number;
  /** Seconds since 1970. */
  readonly now: () => number;
  /** TTL of DNSKEY, CDS, CDNSKEY and NSEC3PARAM, in seconds. */
  readonly keyTtl: number;
}

/** Clocks of validators may be behind. */
const INCEPTION_BEFORE_SECONDS = 3_600;

export class ZoneSigner implements DraftSigner {
  readonly #policy: SigningPolicy;
  readonly #chain: Chain;

  /** @param version the chain that it has is continued */
  constructor(policy: SigningPolicy, version: ZoneVersion) {
    this.#policy = policy;
    this.#chain = new Chain(policy.chain === 'nsec' ? new NsecKind() : new Nsec3Kind(version.apex));
    if (version.isSigned) this.#chain.load(version.nodes.values());
  }

  /** Of the published version, for proofs. */
  get order(): ChainOrder {
    return this.#chain;
  }

  /** An edit: makes a zone a signed one. */
  signAll(draft: ZoneDraft): void {
    const { keys, chain, keyTtl } = this.#policy;
    const set = (type: number, rdatas: readonly Rdata[]) =>
      draft.setSignerRRset(draft.apex, { type, ttl: keyTtl, rdatas: rdatas.map(rdataText) });
    set(
      RRType.DNSKEY,
      keys.map(({ dnskey }): Rdata & DnskeyFields => ({ kind: 'DNSKEY', ...dnskey })),
    );
    if (chain === 'nsec3') {
      set(RRType.NSEC3PARAM, [
        { kind: 'NSEC3PARAM', hashAlgorithm: 1, flags: 0, iterations: 0, salt: new Uint8Array(0) },
      ]);
    }
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
    const isCovered = cutAbove(draft, key) !== undefined;
    const isDelegation = key !== draft.apex.key && findRRset(node, RRType.NS) !== undefined;
    const signed = mapRRsets(node, (rrset) => {
      const isAuthoritative = !isCovered && (!isDelegation || rrset.type === RRType.DS || isChainType(rrset.type));
      return isAuthoritative ? this.#signed(rrset, node) : withoutSignatures(rrset);
    });
    if (signed !== node) draft.setSigned(signed);
  }

  #signed(rrset: ZoneRRset, { key }: ZoneNode): ZoneRRset {
    const { keys, now, validitySeconds } = this.#policy;
    const { type, ttl, rdatas, signatures } = rrset;
    if (signatures?.length === keys.length && keys.every((each, at) => keyTagOf(signatures[at]!) === each.keyTag))
      return rrset;
    const period = { inception: now() - INCEPTION_BEFORE_SECONDS, expiration: now() + validitySeconds };
    const signable = { ownerKey: key, type, ttl, rdatas };
    return withSignatures(
      rrset,
      keys.map((each) => signatureOf(each.sign(signable, period), each.zone.octets.length)),
    );
  }
}

function isChainType(type: number): boolean {
  return type === RRType.NSEC || type === RRType.NSEC3;
}

function withoutSignatures(rrset: ZoneRRset): ZoneRRset {
  return rrset.signatures === undefined ? rrset : withSignatures(rrset, []);
}
