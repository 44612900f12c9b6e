/**
 * The counters of the nameserver: numbers in typed arrays, so that counting a reply does not allocate. `read` converts
 * them to the form of core/monitoring.ts.
 */
import type { NameserverStatistics, SecondaryLag } from '../core/monitoring.ts';
import { formatEndpoint } from '../dns/endpoint.ts';
import { formatRcode } from '../dns/wire/message.ts';
import type { ResponseLimiter } from './answer/rate-limit.ts';
import { COUNTED_RCODES, ReplyCounts } from './answer/reply-counts.ts';
import type { SecondaryStatus } from './notify/notify.ts';

type TransferType = 'axfr' | 'ixfr';
const OUTCOMES = ['started', 'served', 'refused'] as const;

export class NameserverCounts {
  readonly #replies = new ReplyCounts();
  /** Of threads. */
  readonly #others: ReplyCounts[] = [];
  readonly #transfers: Readonly<Record<TransferType, Float64Array>> = {
    axfr: new Float64Array(OUTCOMES.length),
    ixfr: new Float64Array(OUTCOMES.length),
  };
  #notifiesSent = 0;
  #notifiesAcknowledged = 0;
  #failedCommits = 0;

  readonly reply = this.#replies.reply;

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

  /** @returns memory for the ReplyCounts of an answering thread */
  addThread(): SharedArrayBuffer {
    const counts = new ReplyCounts();
    this.#others.push(counts);
    return counts.memory;
  }

  limiter(limiter: ResponseLimiter): ResponseLimiter {
    return this.#replies.limiter(limiter);
  }

  read(): Omit<NameserverStatistics, 'zones' | 'secondaries' | 'signings'> {
    const all = [this.#replies, ...this.#others];
    const sum = (of: (counts: ReplyCounts) => number) => all.reduce((total, counts) => total + of(counts), 0);
    const replies = [false, true].flatMap((overTcp) =>
      Array.from({ length: COUNTED_RCODES }, (_, rcode) => ({
        transport: overTcp ? ('tcp' as const) : ('udp' as const),
        rcode: formatRcode(rcode),
        count: sum((counts) => counts.sent(rcode, overTcp)),
      })).filter(({ count }) => count > 0),
    );
    const transfers = (['axfr', 'ixfr'] as const).flatMap((type) =>
      OUTCOMES.map((outcome, index) => ({ type, outcome, count: this.#transfers[type][index]! })),
    );
    return {
      replies,
      rateLimited: { dropped: sum(({ dropped }) => dropped), truncated: sum(({ truncated }) => truncated) },
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
