/** Replies of a secondary to NOTIFY and to our queries: reading them, and their TSIG errors in words (RFC 8945 §5.3). */
import type { ClientTransaction } from '../../dns/tsig.ts';
import { TsigError, TsigErrorCode } from '../../dns/tsig.ts';
import { formatRcode } from '../../dns/wire/message.ts';
import { WireError } from '../../dns/wire/reader.ts';
import { type Reply, readReply } from '../../net/exchange.ts';

/** Undefined for octets that are not a reply to the request: they may be forged. */
export function readOrIgnore(request: Uint8Array, octets: Uint8Array): Reply | undefined {
  try {
    return readReply(request, octets);
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

/**
 * What is wrong with the signature of a reply; undefined if it verifies, or if the request was not signed.
 * @param what the signed request, in the plural: "queries"
 * @returns completes the sentence "The secondary …"
 */
export function signatureProblem(
  transaction: ClientTransaction | undefined,
  { octets, message }: Reply,
  nowMs: number,
  what: string,
): string | undefined {
  try {
    transaction?.verify(octets, message, Math.floor(nowMs / 1000));
    return undefined;
  } catch (error) {
    if (!(error instanceof TsigError)) throw error;
    return tsigProblem(error, what);
  }
}

function tsigProblem({ failure, rcode }: TsigError, what: string): string {
  if (failure.side === 'theirs') {
    const name = Object.entries(TsigErrorCode).find(([, code]) => code === failure.error)?.[0] ?? failure.error;
    return `rejects the signature of ${what} (${formatRcode(rcode)}, ${name})`;
  }
  if (failure.reason === 'unsigned') return `answers signed ${what} without a signature (${formatRcode(rcode)})`;
  return `answers ${what} with a signature that does not verify (${failure.reason})`;
}
