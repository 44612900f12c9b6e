/**
 * The names of a signed zone before they have signatures, made of a version that is not signed: with the keys at the apex, and with the
 * chain. The version is gone through twice, name by name, so that the caller can pause: first all names get their place in the order
 * of the chain, then the records are made, which have the next name in it.
 */
import { RRType } from '../../dns/rdata.ts';
import { ZoneDraft } from '../zone/draft.ts';
import { serialBehind } from '../zone/embedded-zone.ts';
import { MAX_RRSETS } from '../zone/node-octets.ts';
import { cutAbove, type ZoneNames } from '../zone/occlusion.ts';
import { isSignerType } from '../zone/signer-types.ts';
import type { ZoneNode, ZoneRRset } from '../zone/zone-node.ts';
import type { ZoneVersion } from '../zone/zone-version.ts';
import { Chain, chainTypes } from './chain.ts';
import type { NamePlace } from './name-signer.ts';
import type { ZoneSigner } from './zone-signer.ts';

export interface PlacedName extends NamePlace {
  readonly node: ZoneNode;
  /** It cannot be signed as it is: it has data of a signer, or more types than octets hold. An edit has to do that. */
  readonly isIrregular: boolean;
}

/** Room for records of the signer. */
const MANY_RRSETS = MAX_RRSETS - 8;

export class WholeZone {
  /** Complete when `order` has ended. */
  readonly chain: Chain;
  readonly #version: ZoneVersion;
  readonly #names: ZoneNames;
  readonly #apexNode: ZoneNode;

  constructor(version: ZoneVersion, signer: ZoneSigner) {
    const { apex, nodes, cuts, apexNode } = version;
    const draft = new ZoneDraft(version);
    draft.setRRsets(
      apexNode,
      apexNode.rrsets.filter(({ type }) => !isSignerType(type)),
    );
    signer.setKeys(draft);
    draft.setSerial(serialBehind(version.serial));
    this.chain = Chain.of(signer.policy.chain, apex);
    this.#version = version;
    this.#names = { apex, nodes, cuts };
    this.#apexNode = draft.find(apex.key)!;
  }

  /** Gives all names their place in the order of the chain. Yields for each name. */
  *order(): Generator<void> {
    const { chain } = this;
    for (const node of this.#nodes()) {
      if (chainTypes(this.#names, node, chain.kind) !== undefined) chain.add(chain.kind.orderKey(node.key));
      yield;
    }
    chain.seal();
    chain.publish();
  }

  /** All names. */
  *names(): Generator<PlacedName> {
    const { kind } = this.chain;
    for (const node of this.#nodes()) {
      const types = chainTypes(this.#names, node, kind);
      const orderKey = types && kind.orderKey(node.key);
      const record = orderKey === undefined ? undefined : this.#chainRRset(orderKey, types!);
      if (kind.type === RRType.NSEC) yield this.#placed(record === undefined ? node : withSignerRRset(node, record));
      else {
        if (!this.#isOwner(node.key)) yield this.#placed(node);
        if (record !== undefined) yield this.#placed(this.#ownerOf(orderKey!, record));
      }
    }
  }

  /** Keys of all names: with data as the version has them, those of NSEC3 records in the order of their hashes. A key can be there twice. */
  *keys(): Generator<string> {
    const { kind } = this.chain;
    for (const { key } of this.#version.nodes.values()) yield key;
    if (kind.type === RRType.NSEC3) for (const orderKey of this.chain.orderKeys()) yield kind.owner(orderKey).key;
  }

  *#nodes(): Generator<ZoneNode> {
    const apexKey = this.#names.apex.key;
    for (const node of this.#version.nodes.values()) yield node.key === apexKey ? this.#apexNode : node;
  }

  #chainRRset(orderKey: string, types: readonly number[]): ZoneRRset {
    const { kind } = this.chain;
    return { type: kind.type, ttl: this.#version.negativeTtl, rdatas: [this.chain.recordOf(orderKey, types)] };
  }

  /** The name of an NSEC3 record, which may have data, too. */
  #ownerOf(orderKey: string, record: ZoneRRset): ZoneNode {
    const owner = this.chain.kind.owner(orderKey);
    return withSignerRRset(this.#version.find(owner.key) ?? { ...owner, rrsets: [], children: 0 }, record);
  }

  /** True for a name with data where an NSEC3 record is. */
  #isOwner(key: string): boolean {
    const orderKey = this.chain.kind.orderKeyOfOwner(key);
    return orderKey !== undefined && this.chain.has(orderKey);
  }

  #placed(node: ZoneNode): PlacedName {
    const { rrsets, key } = node;
    return {
      node,
      isApex: key === this.#names.apex.key,
      isCovered: cutAbove(this.#names, key) !== undefined,
      isIrregular: rrsets.length > MANY_RRSETS || rrsets.some(({ type }) => isSignerType(type)),
    };
  }
}

function withSignerRRset(node: ZoneNode, rrset: ZoneRRset): ZoneNode {
  const { key, wireText, rrsets, children, signerRRsets = [] } = node;
  return { key, wireText, rrsets, signerRRsets: [...signerRRsets, rrset], children };
}
