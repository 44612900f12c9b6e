/**
 * ZonePublisher for a remote primary (BIND, Knot, PowerDNS, …): reads by queries, publishes by signed DNS UPDATE
 * (RFC 2136, RFC 8945). One publisher per zone; the zones of a primary share its connections.
 *
 * Reads and updates use separate connections, so that a read never waits for an fsync.
 */
import { setBounded } from '../core/bounded-map.ts';
import type { AppError } from '../core/errors.ts';
import type { PublishedFeed } from '../core/zones/published-feed.ts';
import type {
  AddressSet,
  PublishedAddresses,
  PublishOutcome,
  ReadOutcome,
  StaleNames,
  ZonePublisher,
} from '../core/zones/publisher.ts';
import type { DomainName } from '../dns/name.ts';
import { type ResourceRecord, RRClass, RRType } from '../dns/rdata.ts';
import { type AddressType, type RRset, rrsetAddresses } from '../dns/rrset.ts';
import { ClientTransaction, TsigError } from '../dns/tsig.ts';
import type { TsigKey } from '../dns/tsig-key.ts';
import { updateMessage } from '../dns/update.ts';
import { encodeMessage, type Message, makeMessage, Rcode } from '../dns/wire/message.ts';
import { WireOverflow } from '../dns/wire/writer.ts';
import { changedNames, ownerOfEdit, type ZoneChange } from '../dns/zone-change.ts';
import { type Endpoint, ExchangeError, type Exchanger } from '../net/exchange.ts';
import { BeliefTrust } from './belief-trust.ts';
import { explainStale, type PrimaryReader, samePublished } from './explain-stale.ts';
import { GroupCommit, type MessageOutcome } from './group-commit.ts';
import {
  keyRejected,
  notAuthoritative,
  type PrimaryContext,
  queryRefused,
  staleOrApplied,
  unknownOutcome,
  unreachable,
  updateRefused,
} from './outcome.ts';

export interface PrimaryPublisherOptions {
  readonly zone: DomainName;
  readonly endpoint: Endpoint;
  readonly key: TsigKey;
  /** Signs queries, too: for primaries whose views select by key, and for UDP, where an unsigned reply can be forged. */
  readonly signedReads: boolean;
  readonly reads: Exchanger;
  readonly updates: Exchanger;
  /** Seconds since 1970. */
  readonly now: () => number;
  readonly onBatch?: (changes: number, outcome: string, durationMs: number) => void;
  /** Servers that share the store, which may change the zone, too. */
  readonly feed?: PublishedFeed | undefined;
}

/** Names whose published addresses are cached; the oldest are evicted first. */
const MAX_CACHED_NAMES = 100_000;
/** After this other servers are no longer counted on to change the zone. */
const SHARED_MS = 250;

/** RCODEs of failed prerequisites (RFC 2136 §3.2). */
const STALE: ReadonlySet<number> = new Set([Rcode.YXDOMAIN, Rcode.YXRRSET, Rcode.NXRRSET, Rcode.NXDOMAIN]);
/** RCODEs that do not depend on a single change of the message. */
const WHOLE_MESSAGE: ReadonlySet<number> = new Set([Rcode.NOTAUTH, Rcode.NOTIMP]);

export class PrimaryPublisher implements ZonePublisher {
  readonly #options: PrimaryPublisherOptions;
  readonly #context: PrimaryContext;
  readonly #groupCommit: GroupCommit;
  readonly #cache = new Map<string, PublishedAddresses>();
  readonly #trust = new BeliefTrust();
  /** What it reads is not counted as right or wrong: the outcome of the change is. */
  readonly #reader: PrimaryReader = {
    read: (ownerName, deadlineMs) => this.#ask(ownerName, deadlineMs),
    readRRset: (ownerName, type, deadlineMs) => this.readRRset(ownerName, type, deadlineMs),
  };
  readonly #unfollow: (() => void) | undefined;
  /** When another server last said that it has published something. */
  #newsMs = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(options: PrimaryPublisherOptions) {
    this.#options = options;
    this.#context = options;
    this.#groupCommit = new GroupCommit({
      send: (changes, deadlineMs) => this.#send(changes, deadlineMs),
      explain: (changes, deadlineMs) => explainStale(changes, this.#reader, deadlineMs),
      makeTimeoutError: () =>
        unreachable(this.#context, new ExchangeError('timeout', false, 'the changes before this one took too long')),
      onBatch: options.onBatch ?? (() => undefined),
      isShared: () => performance.now() - this.#newsMs < SHARED_MS,
    });
    this.#unfollow = options.feed?.follow(options.zone, (nameKey, published) => this.#learn(nameKey, published));
  }

  recall({ key }: DomainName): PublishedAddresses | undefined {
    return this.#trust.believes(key) ? this.#cache.get(key) : undefined;
  }

  async read(ownerName: DomainName, deadlineMs: number): Promise<ReadOutcome> {
    const read = await this.#ask(ownerName, deadlineMs);
    this.#judgeBelief(ownerName, read);
    return read;
  }

  /** Notes whether the cache would have been right. */
  #judgeBelief({ key }: DomainName, read: ReadOutcome): void {
    const cached = this.#cache.get(key);
    if (cached === undefined) return;
    if (read.kind === 'addresses' && samePublished(read.published, cached)) this.#trust.right(key);
    else {
      this.#trust.wrong(key);
      this.#cache.delete(key);
    }
  }

  async #ask(ownerName: DomainName, deadlineMs: number): Promise<ReadOutcome> {
    const [a, aaaa] = await Promise.all([
      this.#query(ownerName, RRType.A, deadlineMs),
      this.#query(ownerName, RRType.AAAA, deadlineMs),
    ]);
    for (const message of [a, aaaa]) {
      const by = this.#occlusion(message, ownerName);
      if (by !== undefined) return { kind: 'occluded', by };
      if (hasCname(message, ownerName)) return { kind: 'cname' };
    }
    return {
      kind: 'addresses',
      published: { A: addressSet(a, ownerName, RRType.A), AAAA: addressSet(aaaa, ownerName, RRType.AAAA) },
    };
  }

  async readRRset(ownerName: DomainName, type: number, deadlineMs: number): Promise<RRset | undefined> {
    const message = await this.#query(ownerName, type, deadlineMs);
    const records = recordsAt(message, ownerName, type);
    if (records.length === 0) return undefined;
    return { ownerName, type, ttl: records[0]!.ttl, rdatas: records.map((record) => record.rdata) };
  }

  async publish(change: ZoneChange, deadlineMs: number): Promise<PublishOutcome> {
    const names = changedNames(change);
    try {
      const outcome = await this.#groupCommit.submit(change, deadlineMs);
      if (outcome === 'published') for (const name of names) this.#confirmed(name, change);
      else this.#refuted(names, outcome);
      return outcome;
    } catch (error) {
      for (const { key } of names) this.#cache.delete(key);
      throw error;
    }
  }

  close(): void {
    this.#closed = true;
    this.#unfollow?.();
    this.#options.reads.close();
    this.#options.updates.close();
  }

  /** Another server has published this. */
  #learn(nameKey: string, published: PublishedAddresses): void {
    this.#newsMs = performance.now();
    setBounded(this.#cache, nameKey, published, MAX_CACHED_NAMES);
    this.#groupCommit.refute(nameKey, published);
  }

  #confirmed(ownerName: DomainName, change: ZoneChange): void {
    const { key } = ownerName;
    // Where it was read first, that has been counted.
    if (this.#trust.believes(key) && this.#cache.has(key)) this.#trust.right(key);
    this.#updateCache(ownerName, change);
  }

  #refuted(names: readonly DomainName[], outcome: 'stale' | StaleNames): void {
    if (outcome !== 'stale')
      for (const [index, name] of names.entries()) this.#judgeBelief(name, outcome.reads[index]!);
    // Which of several names it was is not known.
    else if (this.#cache.has(names[0]!.key)) this.#trust.wrong(names[0]!.key);
    for (const { key } of names) this.#cache.delete(key);
  }

  /** Sends one signed UPDATE message. */
  async #send(changes: readonly ZoneChange[], deadlineMs: number): Promise<MessageOutcome> {
    const { zone, key, updates, now } = this.#options;
    const message = updateMessage(zone, changes);
    const transaction = new ClientTransaction(key);
    try {
      this.#checkOpen();
      const reply = await updates.exchange(
        (id) => transaction.sign(encodeMessage({ ...message, id }), now()),
        deadlineMs,
      );
      transaction.verify(reply.octets, reply.message, now());
      const { rcode } = reply.message;
      if (rcode === Rcode.NOERROR) return { kind: 'published' };
      if (STALE.has(rcode))
        return reply.resent ? { kind: 'lost', error: staleOrApplied(this.#context) } : { kind: 'stale' };
      const error = updateRefused(this.#context, rcode);
      return { kind: WHOLE_MESSAGE.has(rcode) ? 'failed' : 'refused', error };
    } catch (error) {
      if (error instanceof TsigError) return this.#unverifiedOutcome(error);
      if (error instanceof WireOverflow) {
        return { kind: 'too-large', error: updateRefused(this.#context, Rcode.FORMERR) };
      }
      if (!(error instanceof ExchangeError)) throw error;
      return error.sent
        ? { kind: 'lost', error: unknownOutcome(this.#context, error) }
        : { kind: 'failed', error: unreachable(this.#context, error) };
    }
  }

  /** Prevents that a closed publisher opens a connection. */
  #checkOpen(): void {
    if (this.#closed) throw new ExchangeError('closed', false, 'this server is stopping');
  }

  /** The outcome of an unverified reply: an error is reported, a success is not trusted. */
  #unverifiedOutcome(error: TsigError): MessageOutcome {
    const rejected = keyRejected(this.#context, error, this.#options.now());
    const claimsSuccess = error.failure.side === 'ours' && error.rcode === Rcode.NOERROR;
    return claimsSuccess ? { kind: 'lost', error: rejected } : { kind: 'failed', error: rejected };
  }

  /** @throws AppError */
  async #query(qname: DomainName, qtype: number, deadlineMs: number): Promise<Message> {
    const { reads, key, signedReads, now } = this.#options;
    const query = makeMessage({ questions: [{ qname, qtype, qclass: RRClass.IN }] });
    const transaction = signedReads ? new ClientTransaction(key) : undefined;
    const build = (id: number) => {
      const octets = encodeMessage({ ...query, id });
      return transaction === undefined ? octets : transaction.sign(octets, now());
    };
    try {
      const reply = await retryIfClosed(() => {
        this.#checkOpen();
        return reads.exchange(build, deadlineMs);
      });
      transaction?.verify(reply.octets, reply.message, now());
      this.#checkAnswer(reply.message);
      return reply.message;
    } catch (error) {
      if (error instanceof ExchangeError) throw unreachable(this.#context, error);
      if (error instanceof TsigError) throw keyRejected(this.#context, error, now());
      throw error;
    }
  }

  #checkAnswer(message: Message): AppError | undefined {
    if (message.rcode !== Rcode.NOERROR && message.rcode !== Rcode.NXDOMAIN) {
      throw queryRefused(this.#context, message.rcode);
    }
    if (!message.authoritative && this.#referral(message) === undefined) throw notAuthoritative(this.#context);
    return undefined;
  }

  /** The zone cut of a referral: NS records below the apex in a reply without answers. */
  #referral(message: Message): DomainName | undefined {
    const { zone } = this.#options;
    if (message.answers.length > 0) return undefined;
    return message.authority.find(({ type, ownerName }) => {
      return type === RRType.NS && ownerName.isAtOrBelow(zone) && !ownerName.equals(zone);
    })?.ownerName;
  }

  #occlusion(message: Message, ownerName: DomainName): string | undefined {
    const referral = this.#referral(message);
    if (referral !== undefined) return `the name '${referral}' is delegated to other nameservers`;
    const dname = message.answers.find((record) => record.type === RRType.DNAME && !record.ownerName.equals(ownerName));
    return dname && `a DNAME record is at '${dname.ownerName}'`;
  }

  #updateCache(ownerName: DomainName, change: ZoneChange): void {
    const { key } = ownerName;
    const state = stateAfter(ownerName, change);
    if (state === undefined) {
      this.#cache.delete(key);
      return;
    }
    setBounded(this.#cache, key, state, MAX_CACHED_NAMES);
    if (change.edits.length > 0) this.#options.feed?.announce(this.#options.zone, ownerName, state);
  }
}

/** Retries a query, which is idempotent, if the server closed the persistent connection just then. */
async function retryIfClosed<T>(query: () => Promise<T>): Promise<T> {
  try {
    return await query();
  } catch (error) {
    if (error instanceof ExchangeError && error.failure === 'closed' && error.sent) return query();
    throw error;
  }
}

function recordsAt(message: Message, ownerName: DomainName, type: number): ResourceRecord[] {
  return message.answers.filter((record) => record.type === type && record.ownerName.equals(ownerName));
}

function hasCname(message: Message, ownerName: DomainName): boolean {
  return recordsAt(message, ownerName, RRType.CNAME).length > 0;
}

function addressSet(message: Message, ownerName: DomainName, type: AddressType): AddressSet {
  const records = recordsAt(message, ownerName, type);
  return { addresses: rrsetAddresses(records.map((record) => record.rdata)).sort(), ttl: records[0]?.ttl ?? 0 };
}

/** The addresses of a name after a published change; undefined if prerequisites and edits do not determine them. */
function stateAfter(ownerName: DomainName, change: ZoneChange): PublishedAddresses | undefined {
  let A: AddressSet | undefined;
  let AAAA: AddressSet | undefined;
  const assign = (type: number, set: AddressSet) => {
    if (type === RRType.A) A = set;
    else if (type === RRType.AAAA) AAAA = set;
  };
  for (const prerequisite of change.prerequisites) {
    if (!prerequisite.ownerName.equals(ownerName)) continue;
    if (prerequisite.kind === 'rrset-absent') assign(prerequisite.type, NO_ADDRESSES);
    else if (prerequisite.kind === 'rrset-equals') {
      assign(prerequisite.type, { addresses: rrsetAddresses(prerequisite.rdatas), ttl: 0 });
    }
  }
  for (const edit of change.edits) {
    if (!ownerOfEdit(edit).equals(ownerName)) continue;
    if (edit.kind === 'replace-rrset') {
      assign(edit.rrset.type, { addresses: rrsetAddresses(edit.rrset.rdatas), ttl: edit.rrset.ttl });
    } else if (edit.kind === 'delete-rrset') assign(edit.type, NO_ADDRESSES);
  }
  return A && AAAA && { A, AAAA };
}

const NO_ADDRESSES: AddressSet = { addresses: [], ttl: 0 };
