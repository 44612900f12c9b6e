/**
 * Outgoing zone transfers: AXFR (RFC 5936) and IXFR (RFC 1995) as a stream of messages, and IXFR in one datagram.
 *
 * A transfer sends one immutable version of the zone and has at most one message in memory. Left out: condensing several
 * diffs into one (RFC 1995 §5).
 */

import type { ResourceRecord } from '../../dns/rdata.ts';
import { RRType } from '../../dns/rdata.ts';
import { serialIsLater } from '../../dns/serial.ts';
import type { Message } from '../../dns/wire/message.ts';
import type { EmbeddedZone } from '../zone/embedded-zone.ts';
import type { ZoneRecord } from '../zone/zone-node.ts';
import type { ZoneDiff, ZoneVersion } from '../zone/zone-version.ts';
import { canApplyDiffs } from './ixfr-check.ts';
import type { TransferQuery } from './transfer-access.ts';
import { TransferWriter } from './transfer-writer.ts';

/**
 * Reads from the journal the diffs from `serial` to the zone's newest version, oldest first. Undefined if some are missing,
 * or if they have more than `maxRecords` records in total.
 */
export type FindDiffs = (
  zone: EmbeddedZone,
  serial: number,
  maxRecords: number,
) => Promise<readonly ZoneDiff[] | undefined>;

/** Signs the next message of the stream; returns it unchanged if the request was not signed. */
export type SignMessage = (octets: Uint8Array) => Uint8Array;

export interface TransferRequest {
  readonly message: Message;
  readonly query: TransferQuery;
  /** The OPT record of the first message, if the request had one. */
  readonly opt?: ResourceRecord | undefined;
  /** Called when the last message has been sent. */
  readonly onSent?: (sent: SentTransfer) => void;
}

export interface SentTransfer {
  /** `soa`: the client already has the newest version. */
  readonly form: TransferForm;
  /** Serial of the version that was sent. */
  readonly serial: number;
  readonly messages: number;
  /** Octets of all messages, without TCP length prefixes. */
  readonly octets: number;
}

export type TransferForm = 'axfr' | 'ixfr' | 'soa';

/** IXFR up to this number of records is used even if the zone is smaller: it fits into one message. */
const FEW_RECORDS = 256;

/**
 * The messages of a transfer over TCP. Yields to the event loop between messages.
 * @throws WireOverflow if a record does not fit into any message
 */
export async function* transfer(
  request: TransferRequest,
  zone: EmbeddedZone,
  findDiffs: FindDiffs,
  sign: SignMessage,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { form, version, records } = await chooseContent(request.query, zone, findDiffs);
  const writer = new TransferWriter(request.message, version.apexNode.wireText, request.opt);
  let messages = 0;
  let octets = 0;
  const finish = () => {
    const message = sign(writer.finish());
    messages += 1;
    octets += message.length;
    return message;
  };
  for (const record of records) {
    if (writer.add(record)) continue;
    yield finish();
    await new Promise((resolve) => setImmediate(resolve));
    writer.add(record);
  }
  yield finish();
  request.onSent?.({ form, serial: version.serial, messages, octets });
}

/**
 * The unsigned reply to IXFR over UDP: the diffs if they fit, else the newest SOA alone, after which the client retries over
 * TCP (RFC 1995 §2).
 * @param maxOctets maximum size of the reply; 0 gives the SOA alone, for a source address that may be forged
 */
export async function transferDatagram(
  request: TransferRequest,
  zone: EmbeddedZone,
  findDiffs: FindDiffs,
  maxOctets: number,
): Promise<Uint8Array> {
  // A record has at least 11 octets, which bounds the number of records that can fit.
  const { form, version, records } = await chooseContent(request.query, zone, findDiffs, Math.floor(maxOctets / 11));
  const write = (content: Iterable<ZoneRecord>) => {
    const writer = new TransferWriter(request.message, version.apexNode.wireText, request.opt);
    for (const record of content) if (!writer.add(record)) return undefined;
    return writer.finish();
  };
  const reply = form === 'ixfr' ? write(records) : undefined;
  return reply !== undefined && reply.length <= maxOctets ? reply : write([soaOf(version)])!;
}

interface Content {
  readonly form: TransferForm;
  readonly version: ZoneVersion;
  readonly records: Iterable<ZoneRecord>;
}

async function chooseContent(
  query: TransferQuery,
  zone: EmbeddedZone,
  findDiffs: FindDiffs,
  maxRecords = Math.max(FEW_RECORDS, leastRecordsOf(zone.published)),
): Promise<Content> {
  const version = zone.published;
  if (query.kind === 'ixfr') {
    const { serial } = query;
    // RFC 1995 §2: a client with this version or a later one gets the SOA alone.
    if (serial === version.serial || serialIsLater(serial, version.serial)) {
      return { form: 'soa', version, records: [soaOf(version)] };
    }
    const chain =
      chainBetween(zone.recent, serial, version.serial) ??
      (maxRecords === 0 ? undefined : chainBetween(await findDiffs(zone, serial, maxRecords), serial, version.serial));
    if (chain !== undefined && countRecords(chain) <= maxRecords && canApplyDiffs(chain, version)) {
      return { form: 'ixfr', version, records: ixfrRecords(version, chain) };
    }
  }
  return { form: 'axfr', version, records: axfrRecords(version) };
}

/**
 * From the number of names, because counting the records of a large zone takes too long. With NSEC a name has two records and their signatures;
 * with NSEC3 the record of the chain is a name of its own.
 */
function leastRecordsOf({ nodes, chain }: ZoneVersion): number {
  return nodes.size * (chain === undefined ? 1 : chain === 'nsec' ? 4 : 2);
}

/** The diffs from one serial to the other without a gap; undefined if some are missing. */
function chainBetween(
  diffs: readonly ZoneDiff[] | undefined,
  from: number,
  to: number,
): readonly ZoneDiff[] | undefined {
  if (diffs === undefined) return undefined;
  const start = diffs.findLastIndex(({ serialBefore }) => serialBefore === from);
  if (start < 0) return undefined;
  let serial = from;
  for (let at = start; at < diffs.length && diffs[at]!.serialBefore === serial; at++) {
    serial = diffs[at]!.serial;
    if (serial === to) return diffs.slice(start, at + 1);
  }
  return undefined;
}

function countRecords(chain: readonly ZoneDiff[]): number {
  return chain.reduce((sum, { removed, added }) => sum + removed.length + added.length, 0);
}

function soaOf({ apexNode, soa }: ZoneVersion): ZoneRecord {
  return { wireText: apexNode.wireText, type: RRType.SOA, ttl: soa.ttl, rdata: soa.rdatas[0]! };
}

/** RFC 5936 §2.2: the SOA, everything else, the SOA again. */
function* axfrRecords(version: ZoneVersion): Generator<ZoneRecord> {
  yield* version.records();
  yield soaOf(version);
}

/** RFC 1995 §4: the newest SOA, each diff with its two SOAs, the newest SOA again. */
function* ixfrRecords(version: ZoneVersion, chain: readonly ZoneDiff[]): Generator<ZoneRecord> {
  yield soaOf(version);
  for (const { removed, added } of chain) {
    yield* removed;
    yield* added;
  }
  yield soaOf(version);
}
