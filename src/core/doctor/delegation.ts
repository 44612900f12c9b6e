/**
 * `dyndns doctor`: what the parent zone says about the zone. Its NS RRset there against the zone's own (RFC 1034 §4.2.2),
 * glue (RFC 9471), a DS record of a zone that is not signed (RFC 4035 §5.2).
 *
 * The parent's nameservers are asked themselves: a resolver would answer from the zone, or from its cache.
 */
import type { IpAddress } from '../../dns/address.ts';
import { DomainName } from '../../dns/name.ts';
import { type ResourceRecord, RRType } from '../../dns/rdata.ts';
import { addressesAt, findAddresses } from './addresses.ts';
import { compareGlue, compareNames, finding, type ListedNameserver, linesToAdd } from './delegation-findings.ts';
import type { Finding, Lookup, LookupReply } from './ports.ts';
import { MAX_NAMESERVERS, type ZoneAtPrimary } from './primary.ts';

/** Nameservers of the parent that are asked. */
const MAX_PARENT_SERVERS = 4;
/** Ancestors of the zone that are looked at. */
const MAX_STEPS = 20;

export interface DelegationCheck {
  readonly findings: readonly Finding[];
  /** Undefined if the parent could not be asked; empty if it does not delegate the zone. */
  readonly listed: readonly ListedNameserver[] | undefined;
}

type ParentReply =
  /** `visible`: it is the parent's own data, and not that of the zone, which may be at the same server. */
  | { readonly kind: 'listed'; readonly visible: boolean; readonly listed: readonly ListedNameserver[] }
  | { readonly kind: 'absent'; readonly rcode: string }
  | { readonly kind: 'useless'; readonly why: string };

interface ParentServer {
  readonly name: DomainName;
  readonly address: IpAddress;
}

export async function checkDelegation(
  zone: DomainName,
  own: ZoneAtPrimary | undefined,
  lookup: Lookup,
): Promise<DelegationCheck> {
  const special = specialUse(zone);
  if (special !== undefined) return { findings: [special], listed: undefined };
  const found = await findParent(zone, lookup);
  if (typeof found === 'string') return unasked(found, "Name another resolver by '--resolver', and run this again.");
  const { parent, names } = found;
  const servers = await findParentServers(names, lookup);
  const replies = await Promise.all(
    servers.map(async (server) => ({ server, reply: await askParent(zone, parent, server, lookup) })),
  );
  const best =
    replies.find(({ reply }) => reply.kind === 'listed' && reply.visible) ??
    replies.find(({ reply }) => reply.kind === 'absent') ??
    replies.find(({ reply }) => reply.kind === 'listed');
  if (best === undefined || best.reply.kind === 'useless') {
    const why = replies.flatMap(({ reply }) => (reply.kind === 'useless' ? [reply.why] : []))[0];
    return unasked(
      `no nameserver of the zone '${parent}' above told what it delegates${why === undefined ? '' : ` (${why})`}`,
      `Run this again later; if it stays so, ask whoever runs '${parent}'.`,
    );
  }
  const said = new Set(replies.map(({ reply }) => summary(reply)).filter((text) => text !== undefined));
  const findings: Finding[] = [];
  if (said.size > 1) {
    const text = `The nameservers of '${parent}' do not say the same about '${zone}'.`;
    const advice =
      'After a change of the delegation this passes within minutes. If it stays so, ask whoever runs them.';
    findings.push(finding('warning', text, advice));
  }
  if (best.reply.kind === 'absent') {
    const where = `${best.server.name} at ${best.server.address.text} answers ${best.reply.rcode}`;
    const text = `'${parent}' does not delegate '${zone}' (${where}): nobody finds the zone.`;
    findings.push(finding('problem', text, linesToAdd(zone, parent, own)));
    return { findings, listed: [] };
  }
  const { listed, visible } = best.reply;
  if (!visible) {
    const text = `The nameservers of '${parent}' serve '${zone}' too and answer from it: its delegation there cannot be seen.`;
    const advice = `See that '${parent}' holds the same NS records for '${zone}' as the zone itself.`;
    findings.push(finding('not checked', text, advice));
    return { findings, listed };
  }
  findings.push(...compareNames(zone, parent, listed, own), ...compareGlue(zone, parent, listed, own));
  findings.push(...(await checkDs(zone, parent, best.server, listed, lookup)));
  return { findings, listed };
}

function unasked(why: string, advice: string): DelegationCheck {
  return { findings: [finding('not checked', `The delegation: ${why}.`, advice)], listed: undefined };
}

/** Names that the public DNS does not delegate. */
const SPECIAL_USE: readonly (readonly [string, string])[] = [
  ['home.arpa.', 'RFC 8375'],
  ['internal.', 'reserved for private use'],
  ['local.', 'RFC 6762'],
  ['test.', 'RFC 6761'],
  ['localhost.', 'RFC 6761'],
  ['invalid.', 'RFC 6761'],
  ['alt.', 'RFC 9476'],
  ['onion.', 'RFC 7686'],
];

/** A zone of a name that is for private use: nothing above it can be asked. */
export function specialUse(zone: DomainName): Finding | undefined {
  const text = zone.toString().toLowerCase();
  const found = SPECIAL_USE.find(([suffix]) => text === suffix || text.endsWith(`.${suffix}`));
  if (found === undefined) return undefined;
  const [suffix, source] = found;
  return finding(
    'not checked',
    `Names below '${suffix}' are for private networks (${source}): no parent delegates '${zone}', and the outside cannot find it.`,
    `Let the resolver of your network forward '${zone}' to this nameserver. For names that the internet sees, use a zone of a registered domain.`,
  );
}

/** The closest ancestor with NS records, as the resolver knows it; else why it was not found. */
async function findParent(
  zone: DomainName,
  lookup: Lookup,
): Promise<{ readonly parent: DomainName; readonly names: readonly DomainName[] } | string> {
  let name = zone.parent();
  for (let step = 0; name !== undefined && step < MAX_STEPS; step++) {
    const result = await lookup.resolve(name, RRType.NS);
    if (result.kind === 'none') return result.text;
    if (result.rcode !== 'NOERROR' && result.rcode !== 'NXDOMAIN') {
      return `the resolver answered ${result.rcode} for the nameservers of '${name}'`;
    }
    const names = targets(result.answers, name);
    if (names.length > 0) return { parent: name, names };
    name = name.parent();
  }
  return 'the resolver knows no zone above it, not even the root';
}

async function findParentServers(names: readonly DomainName[], lookup: Lookup): Promise<ParentServer[]> {
  const asked = names.slice(0, MAX_PARENT_SERVERS);
  const found = await Promise.all(asked.map((name) => findAddresses(lookup, name)));
  return asked.flatMap((name, index) => {
    // IPv4 first: it is there on every machine that has only one of both.
    const address = found[index]!.addresses[0];
    return address === undefined ? [] : [{ name, address }];
  });
}

async function askParent(
  zone: DomainName,
  parent: DomainName,
  server: ParentServer,
  lookup: Lookup,
): Promise<ParentReply> {
  const where = `${server.name} at ${server.address.text}`;
  const result = await lookup.ask(server.address, 'udp', zone, RRType.NS);
  if (result.kind === 'none') return { kind: 'useless', why: `${where}: ${result.text}` };
  const inAnswer = targets(result.answers, zone);
  if (inAnswer.length > 0) return { kind: 'listed', visible: false, listed: withGlue(inAnswer, zone, result) };
  const inReferral = targets(result.authority, zone);
  if (inReferral.length > 0) return { kind: 'listed', visible: true, listed: withGlue(inReferral, zone, result) };
  const { rcode } = result;
  const fromParent = result.authority.some(({ type, ownerName }) => type === RRType.SOA && ownerName.equals(parent));
  if (result.authoritative && (rcode === 'NXDOMAIN' || (rcode === 'NOERROR' && fromParent))) {
    return { kind: 'absent', rcode: rcode === 'NOERROR' ? 'that it has no NS records' : rcode };
  }
  return { kind: 'useless', why: `${where} answers ${rcode} without authority for '${parent}'` };
}

function targets(records: readonly ResourceRecord[], ownerName: DomainName): DomainName[] {
  const names = new Map<string, DomainName>();
  for (const record of records) {
    if (record.rdata.kind !== 'NS' || record.type !== RRType.NS || !record.ownerName.equals(ownerName)) continue;
    names.set(record.rdata.target.key, record.rdata.target);
    if (names.size === MAX_NAMESERVERS) break;
  }
  return [...names.values()].sort(DomainName.compare);
}

/** Addresses beside the NS records count only for names in the zone itself: others are not the parent's to tell. */
function withGlue(names: readonly DomainName[], zone: DomainName, reply: LookupReply): ListedNameserver[] {
  return names.map((name) => {
    if (!name.isAtOrBelow(zone)) return { name, glue: [] };
    const glue = [RRType.A, RRType.AAAA].flatMap((type) => addressesAt(reply.additional, name, type));
    return { name, glue };
  });
}

function summary(reply: ParentReply): string | undefined {
  if (reply.kind === 'absent') return 'absent';
  if (reply.kind === 'useless' || !reply.visible) return undefined;
  return keysOf(reply.listed.map(({ name }) => name)).join(' ');
}

function keysOf(names: readonly DomainName[]): string[] {
  return names.map(({ key }) => key).sort();
}

/** A DS record says that the zone is signed: without DNSKEY there, validating resolvers give no answer at all. */
async function checkDs(
  zone: DomainName,
  parent: DomainName,
  server: ParentServer,
  listed: readonly ListedNameserver[],
  lookup: Lookup,
): Promise<Finding[]> {
  const ds = await lookup.ask(server.address, 'udp', zone, RRType.DS);
  if (ds.kind === 'none' || !ds.answers.some(({ type, ownerName }) => type === RRType.DS && ownerName.equals(zone)))
    return [];
  const address = listed.flatMap(({ glue }) => glue)[0] ?? (await findAddresses(lookup, listed[0]!.name)).addresses[0];
  const keys = address && (await lookup.ask(address, 'udp', zone, RRType.DNSKEY));
  if (keys === undefined || keys.kind === 'none' || keys.rcode !== 'NOERROR') return [];
  if (keys.answers.some(({ type }) => type === RRType.DNSKEY)) return [];
  const text = `'${parent}' has a DS record for '${zone}', and the zone is not signed: resolvers that validate answer SERVFAIL for all of it.`;
  return [finding('problem', text, `Remove the DS record from '${parent}'.`)];
}
