/**
 * What an answering thread does with a datagram: it answers queries from the shared octets of the zones, and sends everything
 * else to the main thread.
 */

import { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import type { AnswerableVersion, AnswerableZone } from '../answer/answerable.ts';
import { cookieAnswers, dailySecrets } from '../answer/cookie-answers.ts';
import type { DnsPeer } from '../answer/dns-service.ts';
import { type QueryReply, QueryService } from '../answer/query-service.ts';
import { RateLimiter } from '../answer/rate-limit.ts';
import { ReplyCounts } from '../answer/reply-counts.ts';
import { ChainReader } from '../signing/chain-reader.ts';
import { NotShared, OctetsReader } from '../zone/packed-octets.ts';
import { TurnCounter } from '../zone/read-turns.ts';
import { findRRset, type ZoneNode, type ZoneRRset } from '../zone/zone-node.ts';
import { chainOf, negativeTtlOf } from '../zone/zone-version.ts';
import {
  type AnswerSettings,
  type ForwardedReply,
  type ForwardedRequest,
  ownOctets,
  type SharedZone,
  type ThreadStart,
} from './messages.ts';
import { monotonicMs } from './monotonic.ts';

/** How long a query waits for the end of a publication before the main thread must answer it. */
const PUBLICATION_MS = 0.5;

/** The version that the octets show between two publications. @throws NotShared where they cannot be read */
class SharedVersion implements AnswerableVersion {
  readonly apex: DomainName;
  /** Of the time when it was first asked for; see TurnCounter.publication. */
  readonly publication: number;
  readonly #reader: OctetsReader;
  #apexNode: ZoneNode | undefined;

  constructor(apex: DomainName, reader: OctetsReader, publication: number) {
    this.apex = apex;
    this.#reader = reader;
    this.publication = publication;
  }

  get #current(): OctetsReader {
    if (!this.#reader.isCurrent) throw new NotShared();
    return this.#reader;
  }

  get octets(): OctetsReader | undefined {
    return this.#reader.isCurrent && this.#reader.cuts === 0 ? this.#reader : undefined;
  }

  get cuts(): number {
    return this.#current.cuts;
  }

  get apexNode(): ZoneNode {
    this.#apexNode ??= this.find(this.apex.key);
    if (this.#apexNode === undefined) throw new NotShared();
    return this.#apexNode;
  }

  get soa(): ZoneRRset {
    const soa = findRRset(this.apexNode, RRType.SOA);
    if (soa === undefined) throw new NotShared();
    return soa;
  }

  get negativeTtl(): number {
    return negativeTtlOf(this.soa);
  }

  find(key: string): ZoneNode | undefined {
    return this.#current.find(key);
  }

  has(key: string): boolean {
    return this.#current.has(key);
  }

  get chain(): 'nsec' | 'nsec3' | undefined {
    return chainOf(this.apexNode);
  }
}

class ThreadZone implements AnswerableZone {
  readonly apex: DomainName;
  readonly #publication: () => number;
  #reader: OctetsReader | undefined;
  #version: SharedVersion | undefined;
  #order: ChainReader | undefined;

  /** @param publication when the answer that is being made began; see TurnCounter.publication */
  constructor(zone: SharedZone, publication: () => number) {
    this.apex = DomainName.ofWire(zone.apex);
    this.#publication = publication;
    this.share(zone);
  }

  share({ octets, chain }: SharedZone): void {
    this.#reader = octets && new OctetsReader(octets);
    this.#version = undefined;
    this.#order = chain && new ChainReader(this.apex, chain);
  }

  /** @throws NotShared if the zone is withheld, or not shared yet */
  get published(): SharedVersion {
    if (this.#reader === undefined) throw new NotShared();
    const publication = this.#publication();
    if (this.#version?.publication !== publication)
      this.#version = new SharedVersion(this.apex, this.#reader, publication);
    return this.#version;
  }

  /** @throws NotShared if the zone is signed in another way than when it was shared */
  get order(): ChainReader {
    if (this.#order === undefined || this.#order.chain !== this.published.chain) throw new NotShared();
    return this.#order;
  }
}

export class ThreadService {
  readonly #turns: TurnCounter;
  readonly #counts: ReplyCounts;
  readonly #forward: (requests: readonly ForwardedRequest[]) => void;
  #zones = new Map<string, ThreadZone>();
  #queries: QueryService | undefined;
  /** When the answer that is being made began; see TurnCounter.publication. */
  #publication = 0;
  readonly #waiting = new Map<number, (reply: Uint8Array | undefined) => void>();
  #lastId = 0;
  #requests: ForwardedRequest[] = [];

  constructor({ turns, publications, counts }: ThreadStart, forward: (requests: readonly ForwardedRequest[]) => void) {
    this.#turns = new TurnCounter(turns, publications);
    this.#counts = new ReplyCounts(counts);
    this.#forward = forward;
  }

  setZones(zones: readonly SharedZone[], { limiter, cookieKey, ...settings }: AnswerSettings): void {
    const publication = () => this.#publication;
    this.#zones = new Map(zones.map((zone) => [DomainName.ofWire(zone.apex).key, new ThreadZone(zone, publication)]));
    this.#queries = new QueryService({
      ...settings,
      zones: this.#zones,
      now: () => Math.floor(Date.now() / 1000),
      cookies: cookieAnswers(dailySecrets(cookieKey)),
      limiter: limiter && this.#counts.limiter(new RateLimiter({ ...limiter.options, now: monotonicMs }, limiter)),
      onReply: this.#counts.reply,
      onFound: () => {
        if (this.#turns.publication !== this.#publication) throw new NotShared();
      },
    });
  }

  setOctets(zone: SharedZone): void {
    this.#zones.get(DomainName.ofWire(zone.apex).key)?.share(zone);
  }

  /** As DnsService.answerDatagram. */
  answerDatagram(octets: Uint8Array, peer: DnsPeer): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    this.#turns.begin();
    try {
      const reply = this.#answer(octets, peer);
      if (reply !== 'other') return reply;
    } finally {
      this.#turns.end();
    }
    return this.#ask(octets, peer);
  }

  #answer(octets: Uint8Array, peer: DnsPeer): QueryReply {
    const queries = this.#queries!;
    try {
      const direct = queries.answerDirectly(octets, peer, false);
      if (direct !== 'other') return direct;
    } catch (error) {
      if (error instanceof NotShared) return 'other';
      throw error;
    }
    // An answer of several names must not be of two versions.
    const untilMs = performance.now() + PUBLICATION_MS;
    do {
      this.#publication = this.#turns.publication;
      if (this.#publication % 2 !== 0) continue;
      try {
        return queries.answerPlain(octets, peer, false);
      } catch (error) {
        // What is read during a publication may be in no order.
        if (this.#turns.publication !== this.#publication) continue;
        if (error instanceof NotShared) return 'other';
        throw error;
      }
    } while (performance.now() < untilMs);
    return 'other';
  }

  /** Sends what arrived in one turn of the event loop together. */
  #ask(octets: Uint8Array, { address, port }: DnsPeer): Promise<Uint8Array | undefined> {
    this.#lastId = (this.#lastId + 1) >>> 0;
    const id = this.#lastId;
    if (this.#requests.length === 0) setImmediate(() => this.#flush());
    this.#requests.push({ id, octets: ownOctets(octets), address, port });
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  #flush(): void {
    const requests = this.#requests;
    this.#requests = [];
    this.#forward(requests);
  }

  receive(replies: readonly ForwardedReply[]): void {
    for (const { id, octets } of replies) {
      this.#waiting.get(id)?.(octets);
      this.#waiting.delete(id);
    }
  }
}
