/**
 * The DS RRset of a zone as each nameserver of its parent answers (RFC 4035 §3.1.4.1), and whom the parent wants to be notified of changed
 * CDS records (DSYNC, RFC 9859 §4.1). A resolver finds the parent and the addresses; the DS is queried directly.
 */
import { DomainName } from '../../dns/name.ts';
import { type ResourceRecord, RRType } from '../../dns/rdata.ts';
import { TaskLimit } from '../parallel.ts';
import type { ParentReport, ParentServer } from '../zones/parent-zone.ts';
import { findAddresses } from './addresses.ts';
import { findParent } from './delegation.ts';
import type { Lookup, LookupReply, LookupResult } from './ports.ts';

/** Queries in flight. */
const MAX_IN_FLIGHT = 8;
/** DSYNC records that are followed. */
const MAX_TARGETS = 4;
const DSYNC = 66;
const CDS = 59;
/** The scheme of DSYNC that means NOTIFY. */
const NOTIFY_SCHEME = 1;

export async function readParentDs(zone: DomainName, lookup: Lookup): Promise<ParentReport> {
  const found = await findParent(zone, lookup);
  if (typeof found === 'string') return { kind: 'unknown', reason: found };
  const { parent, names } = found;
  const limit = new TaskLimit(MAX_IN_FLIGHT);
  const servers = await Promise.all(names.map((name) => limit.run(() => queryNameserver(zone, parent, name, lookup))));
  return { kind: 'asked', parent, servers: servers.flat() };
}

/** All addresses of one nameserver; those of a family that this machine does not have are left out if another one answers. */
async function queryNameserver(
  zone: DomainName,
  parent: DomainName,
  name: DomainName,
  lookup: Lookup,
): Promise<readonly ParentServer[]> {
  const { addresses, failure } = await findAddresses(lookup, name);
  if (addresses.length === 0)
    return [withProblem(`${name}`, `has no address that is known here (${failure ?? 'no A or AAAA'})`)];
  const results: { readonly place: string; readonly result: LookupResult }[] = [];
  for (const address of addresses) {
    const result = await lookup.query(address, 'udp', zone, RRType.DS);
    results.push({ place: `${name} at ${address.text}`, result });
  }
  const hasAnswer = results.some(({ result }) => result.kind === 'reply');
  return results
    .filter(({ result }) => !hasAnswer || result.kind === 'reply' || result.failure !== 'no-route')
    .map(({ place, result }) => readAnswer(place, zone, parent, result));
}

/** Only an answer of the parent counts: with authority, and where there is no DS with the SOA of the parent. */
function readAnswer(place: string, zone: DomainName, parent: DomainName, result: LookupResult): ParentServer {
  if (result.kind === 'none') return withProblem(place, `does not answer (${result.text})`);
  const { rcode, authoritative, answers, authority } = result;
  if (!authoritative || (rcode !== 'NOERROR' && rcode !== 'NXDOMAIN')) {
    return withProblem(place, `answers ${rcode}${authoritative ? '' : ' without authority'}`);
  }
  const records = answers.filter(({ type, ownerName }) => type === RRType.DS && ownerName.equals(zone));
  const ds = records.flatMap(({ rdata }) => (rdata.kind === 'DS' ? [rdata] : []));
  if (ds.length > 0) return { place, ds, ttl: Math.max(...records.map(({ ttl }) => ttl)) };
  const isOfParent = authority.some(({ type, ownerName }) => type === RRType.SOA && ownerName.equals(parent));
  if (answers.length > 0 || !isOfParent) return withProblem(place, 'gives an answer that is not of the parent');
  return { place, ds: [], ttl: 0 };
}

function withProblem(place: string, problem: string): ParentServer {
  return { place, ds: [], ttl: 0, problem };
}

/** Where NOTIFY(CDS) of a zone is sent. */
export interface NotifyTargetName {
  readonly target: DomainName;
  readonly port: number;
}

/** Those that the parent publishes for the zone, else those for all its delegations; none: it publishes none. */
export async function findDsync(zone: DomainName, lookup: Lookup): Promise<readonly NotifyTargetName[]> {
  const found = await findParent(zone, lookup);
  if (typeof found === 'string') return [];
  const { parent } = found;
  const suffix = Buffer.concat([Buffer.from('\x06_dsync', 'latin1'), parent.octets]);
  const own = zone.octets.subarray(0, zone.octets.length - parent.octets.length);
  for (const octets of [Buffer.concat([own, suffix]), suffix]) {
    if (octets.length > 255) continue;
    const result = await lookup.resolve(DomainName.ofWire(octets), DSYNC);
    const targets = result.kind === 'reply' ? targetsOf(result) : [];
    if (targets.length > 0) return targets;
  }
  return [];
}

function targetsOf({ rcode, answers }: LookupReply): readonly NotifyTargetName[] {
  if (rcode !== 'NOERROR') return [];
  return answers.flatMap((record) => readDsync(record) ?? []).slice(0, MAX_TARGETS);
}

/** Type covered (2), scheme (1), port (2), target (RFC 9859 §3). */
function readDsync({ type, rdata }: ResourceRecord): NotifyTargetName | undefined {
  if (type !== DSYNC || rdata.kind !== 'unknown' || rdata.octets.length < 6) return undefined;
  const { octets } = rdata;
  if (((octets[0]! << 8) | octets[1]!) !== CDS || octets[2] !== NOTIFY_SCHEME) return undefined;
  const target = readName(octets.subarray(5));
  const port = (octets[3]! << 8) | octets[4]!;
  return target === undefined || port === 0 ? undefined : { target, port };
}

/** An uncompressed name; undefined if the octets are not exactly one. */
function readName(octets: Uint8Array): DomainName | undefined {
  let at = 0;
  while (octets[at] !== undefined && octets[at] !== 0 && octets[at]! < 64) at += octets[at]! + 1;
  return octets[at] === 0 && at + 1 === octets.length && at < 255 ? DomainName.ofWire(octets) : undefined;
}
