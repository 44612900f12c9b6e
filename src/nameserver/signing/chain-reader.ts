/** The chain of a signed zone (chain.ts) in a thread that only reads. Every use is between `begin` and `end` of its TurnCounter. */
import type { DomainName } from '../../dns/name.ts';
import type { ProofOrder, SharedChain } from '../zone/chain-order.ts';
import { NotShared } from '../zone/packed-octets.ts';
import { type ChainKind, Nsec3Kind, NsecKind, ownerFoundBy } from './chain-kind.ts';
import { OrderReader } from './ordered-octets.ts';

export class ChainReader implements ProofOrder {
  readonly chain: SharedChain['chain'];
  readonly #kind: ChainKind;
  readonly #reader: OrderReader;

  constructor(apex: DomainName, { chain, order }: SharedChain) {
    this.chain = chain;
    this.#kind = chain === 'nsec' ? new NsecKind() : new Nsec3Kind(apex);
    this.#reader = new OrderReader(order);
  }

  /** @throws NotShared since the chain has more memory */
  ownerAtOrBefore(key: string): string | undefined {
    const reader = this.#reader;
    if (!reader.isCurrent) throw new NotShared();
    return ownerFoundBy(this.#kind, key, (orderKey) => reader.floor(reader.root, orderKey));
  }
}
