/**
 * Reads the primary's clock: Time Signed of its reply to a signed query, or Other Data of a BADTIME reply
 * (RFC 8945 §5.2.3). Only a time under a verified MAC is used.
 */
import type { ClockComparison } from '../core/doctor/ports.ts';
import type { DomainName } from '../dns/name.ts';
import { RRClass, RRType } from '../dns/rdata.ts';
import { ClientTransaction, TsigError } from '../dns/tsig.ts';
import type { TsigKey } from '../dns/tsig-key.ts';
import { type DecodedMessage, encodeMessage, makeMessage } from '../dns/wire/message.ts';
import { ExchangeError, type Exchanger } from '../net/exchange.ts';

export interface CompareClocksOptions {
  readonly zone: DomainName;
  readonly key: TsigKey;
  readonly exchanger: Exchanger;
  /** Seconds since 1970. */
  readonly now: () => number;
  /** On the monotonic clock. */
  readonly deadlineMs: number;
}

export async function compareClocks(options: CompareClocksOptions): Promise<ClockComparison> {
  const { zone, key, exchanger, now, deadlineMs } = options;
  const transaction = new ClientTransaction(key);
  const query = makeMessage({ questions: [{ qname: zone, qtype: RRType.SOA, qclass: RRClass.IN }] });
  let message: DecodedMessage;
  try {
    const reply = await exchanger.exchange(
      (id) => transaction.sign(encodeMessage({ ...query, id }), now()),
      deadlineMs,
    );
    message = reply.message;
    transaction.verify(reply.octets, message, now());
    return compared(now(), timeSigned(message));
  } catch (error) {
    if (error instanceof ExchangeError) return { kind: 'unknown', reason: error.message };
    if (!(error instanceof TsigError)) throw error;
    const { failure } = error;
    if (failure.side === 'theirs' && failure.peerTime !== undefined) return compared(now(), failure.peerTime);
    // The MAC is verified before the time, so this time is the primary's.
    if (failure.side === 'ours' && failure.reason === 'time') return compared(now(), timeSigned(message!));
    return { kind: 'unknown', reason: 'the primary sent no reply that the key verifies' };
  }
}

function compared(ourTime: number, primaryTime: number | undefined): ClockComparison {
  if (primaryTime === undefined) return { kind: 'unknown', reason: 'the reply has no time' };
  return { kind: 'compared', aheadSeconds: ourTime - primaryTime };
}

function timeSigned(message: DecodedMessage): number | undefined {
  const rdata = message.additional.at(-1)?.rdata;
  return rdata?.kind === 'TSIG' ? rdata.timeSigned : undefined;
}
