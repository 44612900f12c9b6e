/**
 * `dyndns doctor`: checks the delegation at the parent zone: its NS RRset against that of the zone (RFC 1034 §4.2.2),
 * and glue (RFC 9471 §3).
 *
 * It queries the parent's nameservers directly: a resolver would answer from the zone itself, or from its cache.
 */
import type { IpAddress } from '../../dns/address.ts';
import { DomainName } from '../../dns/name.ts';
import { type ResourceRecord, RRType } from '../../dns/rdata.ts';
import { addressesAt, findAddresses } from './addresses.ts';
import { compareGlue, compareNames, finding, type ListedNameserver, linesToAdd } from './delegation-findings.ts';
import type { Finding, Lookup, LookupReply } from './ports.ts';
import { MAX_NAMESERVERS, type ZoneAtPrimary } from './primary.ts';

/** Limit of parent nameservers that are queried. */
const MAX_PARENT_SERVERS = 4;
/** Limit of ancestors that are checked for a zone cut. */
const MAX_STEPS = 20;

export interface DelegationCheck {
  readonly findings: readonly Finding[];
  /** Undefined if the parent could not be queried; empty if it does not delegate the zone. */
  readonly listed: readonly ListedNameserver[] | undefined;
  /** Undefined if the parent was not found. */
  readonly parent?: ParentServers;
}

/** The parent zone, and addresses of its nameservers. */
export interface ParentServers {
  readonly parent: DomainName;
  readonly servers: readonly ParentServer[];
}

type ParentReply =
  /** `visible`: a referral. Otherwise the server also serves the zone, and answered from that. */
  | { readonly kind: 'listed'; readonly visible: boolean; readonly listed: readonly ListedNameserver[] }
  | { readonly kind: 'absent'; readonly rcode: string }
  | { readonly kind: 'useless'; readonly reason: string };

export interface ParentServer {
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
  if (typeof found === 'string') return notChecked(found, "Try another resolver with '--resolver'.");
  const { parent, names } = found;
  const servers = await findParentServers(names, lookup);
  const replies = await Promise.all(
    servers.map(async (server) => ({ server, reply: await queryParent(zone, parent, server, lookup) })),
  );
  const best =
    replies.find(({ reply }) => reply.kind === 'listed' && reply.visible) ??
    replies.find(({ reply }) => reply.kind === 'absent') ??
    replies.find(({ reply }) => reply.kind === 'listed');
  if (best === undefined || best.reply.kind === 'useless') {
    const reason = replies.flatMap(({ reply }) => (reply.kind === 'useless' ? [reply.reason] : []))[0];
    return notChecked(
      `no nameserver of the parent zone '${parent}' answered${reason === undefined ? '' : ` (${reason})`}`,
      `Run this again later. If it stays so, contact the operator of '${parent}'.`,
    );
  }
  const answers = new Set(replies.map(({ reply }) => summary(reply)).filter((text) => text !== undefined));
  const findings: Finding[] = [];
  if (answers.size > 1) {
    const text = `The nameservers of '${parent}' disagree about '${zone}'.`;
    const advice =
      'After a change of the delegation this is normal for some minutes. If it stays so, contact their operator.';
    findings.push(finding('warning', text, advice));
  }
  if (best.reply.kind === 'absent') {
    const where = `${best.server.name} at ${best.server.address.text} answers ${best.reply.rcode}`;
    const text = `'${parent}' does not delegate '${zone}' (${where}): resolvers cannot find the zone.`;
    findings.push(finding('problem', text, linesToAdd(zone, parent, own)));
    return { findings, listed: [] };
  }
  const { listed, visible } = best.reply;
  if (!visible) {
    const text = `The nameservers of '${parent}' also serve '${zone}' and answer from it, so its delegation cannot be checked.`;
    const advice = `Make sure that '${parent}' has the same NS records for '${zone}' as the zone itself.`;
    findings.push(finding('not checked', text, advice));
    return { findings, listed, parent: { parent, servers } };
  }
  findings.push(...compareNames(zone, parent, listed, own), ...compareGlue(zone, parent, listed, own));
  return { findings, listed, parent: { parent, servers } };
}

function notChecked(reason: string, advice: string): DelegationCheck {
  return {
    findings: [finding('not checked', `The delegation was not checked: ${reason}.`, advice)],
    listed: undefined,
  };
}

/** Special-use names (RFC 6761 §6 and later), which the public DNS does not delegate. */
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

/** The finding for a zone of a special-use name, which has no parent to query. */
export function specialUse(zone: DomainName): Finding | undefined {
  const text = zone.toString().toLowerCase();
  const found = SPECIAL_USE.find(([suffix]) => text === suffix || text.endsWith(`.${suffix}`));
  if (found === undefined) return undefined;
  const [suffix, source] = found;
  return finding(
    'not checked',
    `Names below '${suffix}' are for private networks (${source}): no parent delegates '${zone}', and the internet cannot find it.`,
    `Let the resolver of your network forward '${zone}' to this nameserver. For public names, use a zone in a registered domain.`,
  );
}

/** Finds the closest ancestor that has NS records. @returns the reason as a string if there is none */
export async function findParent(
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
  const queried = names.slice(0, MAX_PARENT_SERVERS);
  const found = await Promise.all(queried.map((name) => findAddresses(lookup, name)));
  return queried.flatMap((name, index) => {
    // IPv4 comes first: a machine with only one family nearly always has IPv4.
    const address = found[index]!.addresses[0];
    return address === undefined ? [] : [{ name, address }];
  });
}

async function queryParent(
  zone: DomainName,
  parent: DomainName,
  server: ParentServer,
  lookup: Lookup,
): Promise<ParentReply> {
  const where = `${server.name} at ${server.address.text}`;
  const result = await lookup.query(server.address, 'udp', zone, RRType.NS);
  if (result.kind === 'none') return { kind: 'useless', reason: `${where}: ${result.text}` };
  const inAnswer = targets(result.answers, zone);
  if (inAnswer.length > 0) return { kind: 'listed', visible: false, listed: withGlue(inAnswer, zone, result) };
  const inReferral = targets(result.authority, zone);
  if (inReferral.length > 0) return { kind: 'listed', visible: true, listed: withGlue(inReferral, zone, result) };
  const { rcode } = result;
  const fromParent = result.authority.some(({ type, ownerName }) => type === RRType.SOA && ownerName.equals(parent));
  if (result.authoritative && (rcode === 'NXDOMAIN' || (rcode === 'NOERROR' && fromParent))) {
    return { kind: 'absent', rcode: rcode === 'NOERROR' ? 'that it has no NS records' : rcode };
  }
  return { kind: 'useless', reason: `${where} answers ${rcode} and is not authoritative for '${parent}'` };
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

/** Accepts glue only for names in the zone: the parent is not authoritative for others. */
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
