/** Serves one UPDATE of the nameserver: answers it (update-in.ts) and reports it for the log. */
import type { DnsUpdateEvent } from '../../core/observer.ts';
import { isPrivate } from '../../core/zones/special-addresses.ts';
import type { ResourceRecord } from '../../dns/rdata.ts';
import { formatRcode, type Message, Rcode } from '../../dns/wire/message.ts';
import type { ServiceRequest } from '../answer/service-request.ts';
import { answerUpdate, type UpdateContext } from './update-in.ts';

export interface UpdateServiceContext extends Pick<UpdateContext, 'findZone' | 'applyUpdate'> {
  readonly timeoutMs: number;
  readonly onUpdate: (event: DnsUpdateEvent) => void;
}

/** Resolves to the RCODE of the reply. */
export async function serveUpdate(
  { message, key, peer }: ServiceRequest,
  context: UpdateServiceContext,
): Promise<number> {
  const { findZone, applyUpdate, timeoutMs, onUpdate } = context;
  const { rcode, why, error } = await answerUpdate(message, {
    key,
    findZone,
    applyUpdate,
    source: peer.address,
    deadlineMs: performance.now() + timeoutMs,
  });
  onUpdate({
    keyName: key?.keyName.toString(),
    source: peer.address,
    rcode: formatRcode(rcode),
    detail: why ?? describeUpdate(message),
    error,
    isPrivate: rcode === Rcode.NOERROR && message.authority.some(hasPrivateAddress),
  });
  return rcode;
}

function hasPrivateAddress({ rdata }: ResourceRecord): boolean {
  return 'address' in rdata && isPrivate(rdata.address);
}

/** The first five owner names of the update section. */
function describeUpdate({ authority, questions }: Message): string {
  const names = new Set(authority.slice(0, 100).map(({ ownerName }) => ownerName.toString()));
  const shown = [...names].slice(0, 5).join(', ');
  if (names.size === 0) return `prerequisites of ${questions[0]?.qname ?? '.'} only`;
  return names.size > 5 ? `${shown} and more` : shown;
}
