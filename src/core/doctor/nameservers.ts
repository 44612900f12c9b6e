/**
 * `dyndns doctor`: checks each address of each nameserver of the zone. It must answer authoritatively over UDP and TCP
 * (RFC 7766 §5), and have the primary's serial (RFC 1982 §3.2).
 */
import type { IpAddress } from '../../dns/address.ts';
import { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { serialIsLater } from '../../dns/serial.ts';
import { findAddresses, MAX_ADDRESSES } from './addresses.ts';
import type { ListedNameserver } from './delegation-findings.ts';
import type { Finding, FindingStatus, Lookup, LookupReply, LookupResult } from './ports.ts';
import { MAX_NAMESERVERS, type ZoneAtPrimary } from './primary.ts';

export interface NameserverCheck {
  readonly findings: readonly Finding[];
  /** The nameservers with each of their addresses. */
  readonly servers: readonly NameserverAt[];
}

export interface NameserverAt {
  readonly name: DomainName;
  readonly address: IpAddress;
}

export async function checkNameservers(
  zone: DomainName,
  listed: readonly ListedNameserver[],
  own: ZoneAtPrimary | undefined,
  lookup: Lookup,
  serialNow: () => Promise<number | undefined>,
): Promise<NameserverCheck> {
  const all = new Map(listed.map((each) => [each.name.key, each]));
  for (const name of own?.nameservers ?? []) if (!all.has(name.key)) all.set(name.key, { name, glue: [] });
  if (all.size === 0) {
    const text = 'No nameservers of the zone are known.';
    return { findings: [finding('not checked', text, 'Fix the problems above first.')], servers: [] };
  }
  const checked = [...all.values()].slice(0, MAX_NAMESERVERS).sort((a, b) => DomainName.compare(a.name, b.name));
  const checks = await Promise.all(checked.map((each) => checkOne(zone, each, own, lookup, serialNow)));
  const findings = checks.flatMap((check) => check.findings);
  if (all.size > checked.length) {
    findings.push(finding('not checked', `Only ${checked.length} of ${all.size} nameservers were checked.`));
  }
  return { findings, servers: checks.flatMap((check) => check.servers) };
}

function finding(status: FindingStatus, text: string, advice?: string): Finding {
  return { check: 'nameservers', status, text, ...(advice === undefined ? {} : { advice }) };
}

async function checkOne(
  zone: DomainName,
  { name, glue }: ListedNameserver,
  own: ZoneAtPrimary | undefined,
  lookup: Lookup,
  serialNow: () => Promise<number | undefined>,
): Promise<NameserverCheck> {
  const findings: Finding[] = [];
  const byText = new Map([...glue, ...(own?.addresses.get(name.key) ?? [])].map((address) => [address.text, address]));
  if (byText.size === 0) {
    const found = await findAddresses(lookup, name);
    for (const address of found.addresses) byText.set(address.text, address);
    if (found.alias) {
      const text = `${name} is an alias (CNAME), which is not allowed for a nameserver (RFC 2181 §10.3).`;
      findings.push(finding('warning', text, 'Use a name that has A or AAAA records.'));
    }
    if (byText.size === 0 && found.failure !== undefined) {
      const text = `The addresses of ${name} could not be resolved: ${found.failure}.`;
      findings.push(finding('not checked', text, "Try another resolver with '--resolver'."));
    } else if (byText.size === 0) {
      const advice = `Add A or AAAA records at ${name}, or remove it from the NS records of '${zone}'.`;
      findings.push(finding('problem', `${name} has no address, so resolvers cannot query it.`, advice));
    }
  }
  const addresses = [...byText.values()].slice(0, MAX_ADDRESSES);
  const results = await Promise.all(
    addresses.map(async (address) => {
      const [udp, tcp] = await Promise.all([
        lookup.query(address, 'udp', zone, RRType.SOA),
        lookup.query(address, 'tcp', zone, RRType.SOA),
      ]);
      return judge(zone, name, address, udp, tcp, own?.serial, serialNow);
    }),
  );
  findings.push(...results.flat());
  return { findings, servers: addresses.map((address) => ({ name, address })) };
}

async function judge(
  zone: DomainName,
  name: DomainName,
  address: IpAddress,
  udp: LookupResult,
  tcp: LookupResult,
  serialBefore: number | undefined,
  serialNow: () => Promise<number | undefined>,
): Promise<Finding[]> {
  const server = `${name} at ${address.text}`;
  const findings: Finding[] = [];
  const reply = udp.kind === 'reply' ? udp : tcp;
  if (reply.kind === 'none') return [...findings, noReply(server, udp, tcp)];
  const lame = lameness(zone, reply);
  if (lame !== undefined) {
    const advice = `Configure '${zone}' there (as a secondary of the primary), or remove it from the NS records and the delegation.`;
    findings.push(finding('problem', `${server} ${lame}: resolvers get no answer from it.`, advice));
  }
  findings.push(...checkTransports(server, udp, tcp), ...checkFlags(server, reply));
  const serial = serialOf(zone, reply);
  if (lame === undefined && serial !== undefined) {
    findings.push(
      await judgeSerial(server, udp.kind === 'reply' && tcp.kind === 'reply', serial, serialBefore, serialNow),
    );
  }
  return findings;
}

function noReply(server: string, udp: LookupResult, tcp: LookupResult): Finding {
  const failures = [udp, tcp].flatMap((result) => (result.kind === 'none' ? [result.failure] : []));
  if (failures.includes('no-route')) {
    const family = server.includes(':') ? 'IPv6' : 'IPv4';
    const text = `${server}: this machine has no ${family} connectivity.`;
    return finding('not checked', text, `Run this on a machine with ${family}.`);
  }
  if (failures.includes('out-of-time'))
    return finding('not checked', `${server} was not queried: the time of the run was used up.`);
  const text = `${server} does not answer over UDP or TCP.`;
  return finding(
    'problem',
    text,
    'Check whether the nameserver is running, and whether a firewall blocks port 53 (UDP and TCP).',
  );
}

/** Why the server is lame: it does not serve the zone (RFC 9499 §7); undefined if it does. */
function lameness(zone: DomainName, reply: LookupReply): string | undefined {
  if (reply.rcode !== 'NOERROR') return `does not serve '${zone}': it answers ${reply.rcode}`;
  if (!reply.authoritative) return `does not answer authoritatively for '${zone}' (AA is not set)`;
  if (serialOf(zone, reply) === undefined) return `answers without the SOA record of '${zone}'`;
  return undefined;
}

function checkTransports(server: string, udp: LookupResult, tcp: LookupResult): Finding[] {
  const silent = udp.kind === 'none' ? udp : tcp.kind === 'none' ? tcp : undefined;
  if (silent === undefined) return [];
  const transport = silent === udp ? 'UDP' : 'TCP';
  if (silent.failure === 'out-of-time') {
    return [finding('not checked', `${server} was not queried over ${transport}: the time of the run was used up.`)];
  }
  const consequence =
    transport === 'TCP'
      ? 'TCP is needed for large answers and under response rate limiting'
      : 'nearly all queries use UDP';
  const text = `${server} does not answer over ${transport} (${silent.text}); ${consequence}.`;
  return [finding('problem', text, `Allow ${transport} port 53 in the firewall, and let the nameserver listen on it.`)];
}

function checkFlags(server: string, reply: LookupReply): Finding[] {
  const findings: Finding[] = [];
  if (reply.recursionAvailable) {
    const text = `${server} offers recursion to this machine (RA is set).`;
    const advice = 'An open resolver can be abused for attacks. Disable recursion, or limit it to your own network.';
    findings.push(finding('warning', text, advice));
  }
  if (!reply.edns) {
    const text = `${server} does not support EDNS (RFC 6891).`;
    findings.push(
      finding('warning', text, 'Update the nameserver, and check for a firewall that modifies DNS messages.'),
    );
  }
  return findings;
}

function serialOf(zone: DomainName, reply: LookupReply): number | undefined {
  const soa = reply.answers.find(({ type, ownerName }) => type === RRType.SOA && ownerName.equals(zone));
  return soa?.rdata.kind === 'SOA' ? soa.rdata.serial : undefined;
}

async function judgeSerial(
  server: string,
  both: boolean,
  serial: number,
  serialBefore: number | undefined,
  serialNow: () => Promise<number | undefined>,
): Promise<Finding> {
  const answers = `${server} answers authoritatively${both ? ' over UDP and TCP' : ''}: serial ${serial}`;
  if (serialBefore === undefined) return finding('ok', `${answers}. The primary's serial is unknown.`);
  if (serial === serialBefore) return finding('ok', `${answers}, same as the primary.`);
  if (serialIsLater(serialBefore, serial)) {
    const text = `${answers}, ${(serialBefore - serial) >>> 0} behind the primary's ${serialBefore}.`;
    const advice =
      'After a change this is normal for some seconds. If it stays so, check that the primary sends NOTIFY to it and allows it zone transfers.';
    return finding('warning', text, advice);
  }
  // The zone may have changed between the two queries.
  const now = await serialNow();
  if (now !== undefined && !serialIsLater(serial, now)) return finding('ok', `${answers}, same as the primary.`);
  const text = `${answers}, which is later than the primary's ${now ?? serialBefore}: it accepts no change until the primary's serial is later.`;
  const advice =
    'Check that it is a secondary of this primary. If the primary was restored from a backup, raise its serial above this one.';
  return finding('problem', text, advice);
}
