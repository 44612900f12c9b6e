/**
 * What servers that share a store tell each other: the addresses that each has just published, so that the others believe them
 * (docs/decisions/0023). News may come late, twice or not at all: the prerequisites of the next change decide what is true.
 */
import type { DomainName } from '../../dns/name.ts';
import type { PublishedAddresses } from './publisher.ts';

/** @param nameKey the `key` of the owner name */
export type OnNews = (nameKey: string, published: PublishedAddresses) => void;

export interface PublishedFeed {
  /** Whether other servers were heard of lately. */
  readonly hasOthers: boolean;

  /** Tells the other servers. Neither waits nor fails. */
  announce(apex: DomainName, ownerName: DomainName, published: PublishedAddresses): void;

  /** Calls back for what other servers publish in a zone, until the function that it returns is called. */
  follow(apex: DomainName, onNews: OnNews): () => void;
}
