/**
 * Serves one request for a zone transfer: checks it (transfer-access.ts), then sends the zone or an error (transfer.ts).
 * A secondary that requests or completes a transfer thereby shows which serial it holds.
 */
import type { DomainName } from '../../dns/name.ts';
import { RRClass, RRType } from '../../dns/rdata.ts';
import { ednsRecord, findEdns } from '../../dns/wire/edns.ts';
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
  /** The client at this address holds this serial of the zone. */
  readonly onSerialSeen: (zone: EmbeddedZone, address: string, serial: number, keyName: DomainName | undefined) => void;
}

/** The reply messages, signed as the request was. @param request one with the QTYPE AXFR or IXFR */
export async function* serveTransfer(
  request: ServiceRequest,
  { findZone, findDiffs, onTransfer, onSerialSeen }: TransferContext,
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
  const edns = findEdns(message);
  const opt = edns && ednsRecord({ dnssecOk: edns.dnssecOk });
  const embedded = zone?.embedded;
  if (ruling.kind === 'refuse' || embedded === undefined) {
    onTransfer(type, 'refused');
    const { id, opcode, recursionDesired, checkingDisabled, questions } = message;
    const rcode = ruling.kind === 'refuse' ? ruling.rcode : Rcode.SERVFAIL;
    const copied = { id, opcode, recursionDesired, checkingDisabled, questions };
    // RFC 6891 §7: a reply to a request with OPT has OPT.
    const additional = opt === undefined ? [] : [opt];
    yield request.sign(encodeMessage(makeMessage({ ...copied, response: true, rcode, additional })));
    return;
  }
  const { query } = ruling;
  if (query.kind === 'ixfr') onSerialSeen(embedded, peer.address, query.serial, key?.keyName);
  onTransfer(type, 'started');
  const onSent = ({ serial }: SentTransfer) => {
    onTransfer(type, 'served');
    onSerialSeen(embedded, peer.address, serial, key?.keyName);
  };
  const content = { message, query, opt, onSent };
  if (overTcp) {
    yield* transfer(content, embedded, findDiffs, (octets) => request.sign(octets));
  } else {
    // The source address of an unsigned datagram may be forged: its reply is no larger than the request.
    const maxOctets = key === undefined ? 0 : limit;
    yield request.sign(await transferDatagram(content, embedded, findDiffs, maxOctets));
  }
}
