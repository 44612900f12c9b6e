/**
 * What the answering thread does with a datagram: the usual query is answered from the shared octets of the zones, everything else
 * is sent to the main thread.
 */
import { DirectAnswers, type DirectZone } from '../answer/direct-answer.ts';
import type { DnsPeer } from '../answer/dns-service.ts';
import { RateLimiter, type SharedRateLimit } from '../answer/rate-limit.ts';
import { OctetsReader, type SharedOctets } from '../zone/packed-octets.ts';
import { TurnCounter } from '../zone/read-turns.ts';
import {
  AnswerCount,
  type ForwardedReply,
  type ForwardedRequest,
  ownOctets,
  type SharedZone,
  type ThreadStart,
} from './messages.ts';
import { monotonicMs } from './monotonic.ts';

class ThreadZone implements DirectZone {
  readonly apex: Uint8Array;
  #reader: OctetsReader | undefined;

  constructor({ apex, octets }: SharedZone) {
    this.apex = apex;
    this.share(octets);
  }

  share(octets: SharedOctets | undefined): void {
    this.#reader = octets && new OctetsReader(octets);
  }

  get octets(): OctetsReader | undefined {
    return this.#reader?.isCurrent ? this.#reader : undefined;
  }
}

export class DirectService {
  readonly #turns: TurnCounter;
  readonly #counts: Float64Array;
  readonly #forward: (requests: readonly ForwardedRequest[]) => void;
  #zones = new Map<string, ThreadZone>();
  #direct = new DirectAnswers([]);
  #limiter: RateLimiter | undefined;
  readonly #waiting = new Map<number, (reply: Uint8Array | undefined) => void>();
  #lastId = 0;
  #requests: ForwardedRequest[] = [];

  constructor({ turns, counts }: ThreadStart, forward: (requests: readonly ForwardedRequest[]) => void) {
    this.#turns = new TurnCounter(turns);
    this.#counts = new Float64Array(counts);
    this.#forward = forward;
  }

  setZones(zones: readonly SharedZone[], limiter: SharedRateLimit | undefined): void {
    this.#zones = new Map(zones.map((zone) => [keyOf(zone), new ThreadZone(zone)]));
    this.#limiter = limiter && new RateLimiter({ ...limiter.options, now: monotonicMs }, limiter);
    this.#direct = new DirectAnswers(this.#zones.values());
  }

  setOctets(zone: SharedZone): void {
    this.#zones.get(keyOf(zone))?.share(zone.octets);
  }

  /** As DnsService.answerDatagram. */
  answerDatagram(octets: Uint8Array, peer: DnsPeer): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    this.#turns.begin();
    try {
      const size = this.#direct.find(octets, false);
      if (size > 0) return this.#answer(octets, size, peer);
    } finally {
      this.#turns.end();
    }
    return this.#ask(octets, peer);
  }

  #answer(octets: Uint8Array, size: number, { address }: DnsPeer): Uint8Array | undefined {
    const verdict = this.#limiter?.check(address, 'answer', this.#direct.keyOf(octets)) ?? 'send';
    if (verdict === 'drop') {
      this.#counts[AnswerCount.dropped]! += 1;
      return undefined;
    }
    this.#counts[AnswerCount.answered]! += 1;
    if (verdict === 'send') return this.#direct.reply(octets, size);
    this.#counts[AnswerCount.truncated]! += 1;
    return this.#direct.truncated(octets);
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

function keyOf({ apex }: SharedZone): string {
  return Buffer.from(apex).toString('latin1');
}
