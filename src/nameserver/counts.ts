/**
 * The counters of the nameserver: numbers in typed arrays, so that counting a reply does not allocate. `read` converts
 * them to the form of core/monitoring.ts.
 */
import type { NameserverStatistics, SecondaryLag } from '../core/monitoring.ts';
import { formatEndpoint } from '../dns/endpoint.ts';
import { formatRcode, Rcode } from '../dns/wire/message.ts';
import type { RateVerdict, ResponseLimiter } from './answer/rate-limit.ts';
import type { SecondaryStatus } from './notify/notify.ts';
import { AnswerCount } from './threads/messages.ts';

/** RCODEs up to 23 (BADCOOKIE) have a name (RFC 6895 §2.3); higher ones are never sent. */
const RCODES = 24;

type TransferType = 'axfr' | 'ixfr';
const OUTCOMES = ['started', 'served', 'refused'] as const;

export class NameserverCounts {
  /** By RCODE: first over UDP, then over TCP. */
  readonly #replies = new Float64Array(2 * RCODES);
  readonly #limited = new Float64Array(2);
  readonly #transfers: Readonly<Record<TransferType, Float64Array>> = {
    axfr: new Float64Array(OUTCOMES.length),
    ixfr: new Float64Array(OUTCOMES.length),
  };
  /** Of threads, by AnswerCount. */
  readonly #threads: Float64Array[] = [];
  #notifiesSent = 0;
  #notifiesAcknowledged = 0;
  #failedCommits = 0;

  /** @param rcode of 12 bits */
  readonly reply = (rcode: number, overTcp: boolean): void => {
    if (rcode < RCODES) this.#replies[overTcp ? RCODES + rcode : rcode]! += 1;
  };

  readonly notifySent = (): void => {
    this.#notifiesSent += 1;
  };

  readonly notifyAcknowledged = (): void => {
    this.#notifiesAcknowledged += 1;
  };

  commitFailed(): void {
    this.#failedCommits += 1;
  }

  transfer(type: TransferType, outcome: (typeof OUTCOMES)[number]): void {
    this.#transfers[type][OUTCOMES.indexOf(outcome)]! += 1;
  }

  /** @param counts of an answering thread, by AnswerCount */
  addThread(counts: Float64Array): void {
    this.#threads.push(counts);
  }

  /** Wraps a limiter and counts its verdicts. */
  limiter(limiter: ResponseLimiter): ResponseLimiter {
    return { check: (peerAddress, kind, key) => this.#limit(limiter.check(peerAddress, kind, key)) };
  }

  #limit(verdict: RateVerdict): RateVerdict {
    if (verdict === 'drop') this.#limited[0]! += 1;
    else if (verdict === 'slip') this.#limited[1]! += 1;
    return verdict;
  }

  read(): Omit<NameserverStatistics, 'zones' | 'secondaries'> {
    const sent = Float64Array.from(this.#replies);
    let [dropped = 0, truncated = 0] = this.#limited;
    for (const counts of this.#threads) {
      sent[Rcode.NOERROR]! += counts[AnswerCount.answered]!;
      dropped += counts[AnswerCount.dropped]!;
      truncated += counts[AnswerCount.truncated]!;
    }
    const replies = [...sent]
      .map((count, index) => ({
        transport: index < RCODES ? ('udp' as const) : ('tcp' as const),
        rcode: formatRcode(index % RCODES),
        count,
      }))
      .filter(({ count }) => count > 0);
    const transfers = (['axfr', 'ixfr'] as const).flatMap((type) =>
      OUTCOMES.map((outcome, index) => ({ type, outcome, count: this.#transfers[type][index]! })),
    );
    return {
      replies,
      rateLimited: { dropped, truncated },
      transfers,
      notifies: { sent: this.#notifiesSent, acknowledged: this.#notifiesAcknowledged },
      failedCommits: this.#failedCommits,
    };
  }
}

export function secondaryLag(status: SecondaryStatus): SecondaryLag {
  const { zone, address, port, poll, held, behindSinceMs, answeredMs, condition } = status;
  const { state } = condition;
  return {
    zone: zone.toString(),
    secondary: formatEndpoint({ host: address, port }),
    behindSinceMs,
    wasSeen: held !== undefined,
    serial: held?.serial,
    answeredMs,
    answers: poll ? answeredMs !== undefined && state !== 'not-answering' && state !== 'not-serving' : undefined,
    hasRefused: state === 'refused',
  };
}
