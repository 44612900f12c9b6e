/**
 * PublishedFeed by NOTIFY and LISTEN of PostgreSQL, over one connection of its own. It is a hint and no more: while the database
 * cannot be reached nothing is announced, and nothing waits for it.
 */
import type { Client } from 'pg';
import { setBounded } from '../core/bounded-map.ts';
import type { OnNews, PublishedFeed } from '../core/zones/published-feed.ts';
import type { PublishedAddresses } from '../core/zones/publisher.ts';
import type { DomainName } from '../dns/name.ts';
import { decodeNews, encodeNews } from './published-news.ts';

const CHANNEL = 'dyndns_published';
/** Names that wait to be told; the oldest are forgotten. */
const MAX_WAITING = 2_000;
/** Until it is tried to connect again; doubled after each failure. */
const RECONNECT_MS = 500;
const MAX_RECONNECT_MS = 30_000;
/** A server says so often that it is there, and as an answer to one that has just come. Without others nothing is announced. */
const HELLO_EVERY_MS = 20_000;
const ALONE_AFTER_MS = 50_000;
const LEAVE_MS = 1_000;
const [HELLO, ANSWER] = ['hello', 'here'];

export class PostgresFeed implements PublishedFeed {
  readonly #makeClient: () => Client;
  readonly #followers = new Map<string, Set<OnNews>>();
  /** By the key of the apex, then of the name. */
  #waiting = new Map<string, Map<string, PublishedAddresses>>();
  #flushing = false;
  #client: Client | undefined;
  #isListening = false;
  #reconnectMs = RECONNECT_MS;
  #timer: NodeJS.Timeout | undefined;
  /** When others were last heard of. */
  #othersMs = Number.NEGATIVE_INFINITY;
  #helloTimer: NodeJS.Timeout | undefined;
  #closed = false;

  /** Connects when someone follows. @param makeClient not connected yet */
  constructor(makeClient: () => Client) {
    this.#makeClient = makeClient;
  }

  get hasOthers(): boolean {
    return performance.now() - this.#othersMs < ALONE_AFTER_MS;
  }

  announce({ key: apexKey }: DomainName, { key }: DomainName, published: PublishedAddresses): void {
    if (!this.#isListening || !this.hasOthers) return;
    const names = this.#waiting.get(apexKey) ?? new Map<string, PublishedAddresses>();
    this.#waiting.set(apexKey, names);
    setBounded(names, key, published, MAX_WAITING);
    if (this.#flushing) return;
    this.#flushing = true;
    // All names of one UPDATE message are announced in the same turn.
    queueMicrotask(() => void this.#flush());
  }

  follow({ key }: DomainName, onNews: OnNews): () => void {
    const followers = this.#followers.get(key) ?? new Set();
    this.#followers.set(key, followers.add(onNews));
    if (this.#client === undefined && this.#timer === undefined && !this.#closed) void this.#connect();
    return () => {
      followers.delete(onNews);
      if (followers.size === 0 && this.#followers.get(key) === followers) this.#followers.delete(key);
    };
  }

  /** Waits for no one: a database that does not answer keeps no process. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    const client = this.#client;
    if (client === undefined) return;
    this.#lost(client);
  }

  /** One statement at a time: what is announced meanwhile is in the next one. */
  async #flush(): Promise<void> {
    const client = this.#client;
    while (client !== undefined && client === this.#client && this.#waiting.size > 0) {
      const waiting = this.#waiting;
      this.#waiting = new Map();
      const texts = [...waiting].flatMap(([apexKey, names]) => encodeNews({ apexKey, names }));
      try {
        for (const text of texts) {
          await notify(client, text);
        }
      } catch {
        this.#lost(client);
      }
    }
    this.#flushing = false;
  }

  async #connect(): Promise<void> {
    const client = this.#makeClient();
    this.#timer = undefined;
    this.#client = client;
    client.on('error', () => this.#lost(client));
    client.on('end', () => this.#lost(client));
    client.on('notification', ({ processId, payload }) => {
      if (processId !== untyped(client).processID) this.#received(client, payload ?? '');
    });
    try {
      await client.connect();
      untyped(client).unref();
      // Nothing is written: its commit need not wait for the disk, and holds a lock that the others wait for.
      await client.query('set synchronous_commit = off');
      await client.query(`listen ${CHANNEL}`);
      if (client !== this.#client) return;
      this.#isListening = true;
      this.#reconnectMs = RECONNECT_MS;
      this.#hello(client, HELLO);
      this.#helloTimer = setInterval(() => this.#hello(client, ANSWER), HELLO_EVERY_MS).unref();
    } catch {
      this.#lost(client);
    }
  }

  #lost(client: Client): void {
    if (client !== this.#client) return;
    this.#client = undefined;
    this.#isListening = false;
    clearInterval(this.#helloTimer);
    this.#waiting.clear();
    untyped(client).unref();
    client.end().catch(() => undefined);
    // A database that is frozen never takes its leave.
    setTimeout(() => untyped(client).connection.stream.destroy(), LEAVE_MS).unref();
    if (this.#closed) return;
    this.#timer = setTimeout(() => void this.#connect(), this.#reconnectMs);
    this.#timer.unref();
    this.#reconnectMs = Math.min(this.#reconnectMs * 2, MAX_RECONNECT_MS);
  }

  #hello(client: Client, text: string): void {
    notify(client, text).catch(() => this.#lost(client));
  }

  #received(client: Client, text: string): void {
    this.#othersMs = performance.now();
    if (text === HELLO) this.#hello(client, ANSWER);
    const news = decodeNews(text);
    const followers = news && this.#followers.get(news.apexKey);
    if (news === undefined || followers === undefined) return;
    for (const [nameKey, published] of news.names) for (const onNews of followers) onNews(nameKey, published);
  }
}

function notify(client: Client, text: string): Promise<unknown> {
  return client.query({ name: 'announce', text: 'select pg_notify($1, $2)', values: [CHANNEL, text] });
}

/** What the types of pg leave out. */
interface UntypedClient {
  /** The process of the database that serves the connection. */
  readonly processID?: number;
  /** The connection keeps no process alive. */
  unref(): void;
  readonly connection: { readonly stream: { destroy(): void } };
}

function untyped(client: Client): UntypedClient {
  return client as unknown as UntypedClient;
}
