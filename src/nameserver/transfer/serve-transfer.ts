/**
 * Serves one request for a zone transfer: checks it (transfer-access.ts), then sends the zone or an error (transfer.ts).
 * A secondary that requests IXFR names the serial that it holds. What it was sent it may still refuse.
 */
import type { DomainName } from '../../dns/name.ts';
import { RRClass, RRType } from '../../dns/rdata.ts';
import { encodeMessage, makeMessage, Rcode } from '../../dns/wire/message.ts';
import type { ServiceRequest } from '../answer/service-request.ts';
import type { EmbeddedZone } from '../zone/embedded-zone.ts';
import { type FindDiffs, type SentTransfer, transfer, transferDatagram } from './transfer.ts';
import { judgeTransfer, type TransferAccess } from './transfer-access.ts';

export interface TransferContext {
  /**
   * Without `embedded` the zone is not served (journal/withheld-zone.ts).
   * @param apexKey `DomainName.key` of the zone
   */
  readonly findZone: (
    apexKey: string,
  ) => { readonly embedded?: EmbeddedZone | undefined; readonly access: TransferAccess } | undefined;
  readonly findDiffs: FindDiffs;
  readonly onTransfer: (type: 'axfr' | 'ixfr', outcome: 'started' | 'served' | 'refused') => void;
  /** The client has named the serial that it holds, in its IXFR. */
  readonly onNamed: (zone: EmbeddedZone, client: TransferClient, serial: number) => void;
  /** The client took the last message. @param from the serial in its IXFR; undefined for AXFR */
  readonly onSent: (zone: EmbeddedZone, client: TransferClient, sent: SentTransfer, from: number | undefined) => void;
}

export interface TransferClient {
  /** Canonical IP text. */
  readonly address: string;
  /** The key of the verified signature. */
  readonly keyName: DomainName | undefined;
  /** False for an unsigned datagram, whose source address may be forged. */
  readonly isProven: boolean;
}

/** The reply messages, signed as the request was. @param request one with the QTYPE AXFR or IXFR */
export async function* serveTransfer(
  request: ServiceRequest,
  { findZone, findDiffs, onTransfer, onNamed, onSent: onSentTo }: TransferContext,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { message, peer, overTcp, key, limit } = request;
  const { qname, qtype, qclass } = message.questions[0]!;
  const type = qtype === RRType.AXFR ? 'axfr' : 'ixfr';
  const zone = qclass === RRClass.IN ? findZone(qname.key) : undefined;
  const ruling = judgeTransfer({
    message,
    overUdp: !overTcp,
    access: zone?.access,
    address: peer.address,
    keyName: key?.keyName,
  });
  const embedded = zone?.embedded;
  if (ruling.kind === 'refuse' || embedded === undefined) {
    onTransfer(type, 'refused');
    const { id, opcode, recursionDesired, checkingDisabled, questions } = message;
    const rcode = ruling.kind === 'refuse' ? ruling.rcode : Rcode.SERVFAIL;
    const copied = { id, opcode, recursionDesired, checkingDisabled, questions };
    // RFC 6891 §7: a reply to a request with OPT has OPT.
    const opt = request.opt();
    const additional = opt === undefined ? [] : [opt];
    yield request.sign(encodeMessage(makeMessage({ ...copied, response: true, rcode, additional })));
    return;
  }
  const { query } = ruling;
  const client = { address: peer.address, keyName: key?.keyName, isProven: overTcp || key !== undefined };
  const from = query.kind === 'ixfr' ? query.serial : undefined;
  if (from !== undefined) onNamed(embedded, client, from);
  onTransfer(type, 'started');
  const onSent = (sent: SentTransfer) => {
    onTransfer(type, 'served');
    if (sent.form !== 'soa') onSentTo(embedded, client, sent, from);
  };
  const content = { message, query, opt: request.opt(embedded.published.soa.rdatas[0]), onSent };
  if (overTcp) {
    yield* transfer(content, embedded, findDiffs, (octets) => request.sign(octets));
  } else {
    // The source address of an unsigned datagram may be forged: its reply is no larger than the request.
    const maxOctets = key === undefined ? 0 : limit;
    yield request.sign(await transferDatagram(content, embedded, findDiffs, maxOctets));
  }
}
