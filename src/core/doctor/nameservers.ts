/**
 * `dyndns doctor`: each nameserver of the zone, at each of its addresses. It must answer over UDP and TCP (RFC 7766 §5)
 * with authority, and hold the primary's serial (RFC 1982).
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
  /** Of all nameservers. */
  readonly addresses: readonly IpAddress[];
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
    const text = 'No nameserver of the zone is known.';
    return { findings: [finding('not checked', text, 'Repair what is above first.')], addresses: [] };
  }
  const asked = [...all.values()].slice(0, MAX_NAMESERVERS).sort((a, b) => DomainName.compare(a.name, b.name));
  const checks = await Promise.all(asked.map((each) => checkOne(zone, each, own, lookup, serialNow)));
  const findings = checks.flatMap((check) => check.findings);
  if (all.size > asked.length) {
    findings.push(finding('not checked', `Only ${asked.length} of ${all.size} nameservers were asked.`));
  }
  return { findings, addresses: checks.flatMap((check) => check.addresses) };
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
  const texts = new Map([...glue, ...(own?.addresses.get(name.key) ?? [])].map((address) => [address.text, address]));
  if (texts.size === 0) {
    const found = await findAddresses(lookup, name);
    for (const address of found.addresses) texts.set(address.text, address);
    if (found.alias) {
      const text = `${name} is an alias (CNAME), which the name of a nameserver must not be (RFC 2181 §10.3).`;
      findings.push(finding('warning', text, 'Name the machine by a name that has addresses of its own.'));
    }
    if (texts.size === 0 && found.failure !== undefined) {
      findings.push(finding('not checked', `${name}: ${found.failure}.`, "Try another resolver by '--resolver'."));
    } else if (texts.size === 0) {
      const advice = `Add A or AAAA records at ${name}, or take it out of the NS records of '${zone}'.`;
      findings.push(finding('problem', `${name} has no address: nobody can ask it.`, advice));
    }
  }
  const addresses = [...texts.values()].slice(0, MAX_ADDRESSES);
  const judged = await Promise.all(
    addresses.map(async (address) => {
      const [udp, tcp] = await Promise.all([
        lookup.ask(address, 'udp', zone, RRType.SOA),
        lookup.ask(address, 'tcp', zone, RRType.SOA),
      ]);
      return judge(zone, name, address, udp, tcp, own?.serial, serialNow);
    }),
  );
  findings.push(...judged.flat());
  return { findings, addresses };
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
    const advice = `Configure '${zone}' there (as a secondary of the primary), or take it out of the NS records and the delegation.`;
    findings.push(finding('problem', `${server} ${lame}: resolvers that ask it get no answer.`, advice));
  }
  findings.push(...oneTransport(server, udp, tcp), ...manners(server, reply));
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
    const text = `${server}: this machine has no way to ${family} addresses.`;
    return finding('not checked', text, `Run this on a machine with ${family}.`);
  }
  if (failures.includes('out-of-time')) return finding('not checked', `${server}: there was no time left to ask it.`);
  const text = `${server} does not answer, neither over UDP nor over TCP.`;
  return finding(
    'problem',
    text,
    'Is the nameserver running there, and does a firewall let port 53 through, UDP and TCP?',
  );
}

/** Why the reply is not one of a nameserver of the zone. */
function lameness(zone: DomainName, reply: LookupReply): string | undefined {
  if (reply.rcode !== 'NOERROR') return `does not serve '${zone}': it answers ${reply.rcode}`;
  if (!reply.authoritative) return `answers for '${zone}' without authority (AA is not set)`;
  if (serialOf(zone, reply) === undefined) return `answers without the SOA record of '${zone}'`;
  return undefined;
}

function oneTransport(server: string, udp: LookupResult, tcp: LookupResult): Finding[] {
  const silent = udp.kind === 'none' ? udp : tcp.kind === 'none' ? tcp : undefined;
  if (silent === undefined) return [];
  const transport = silent === udp ? 'UDP' : 'TCP';
  if (silent.failure === 'out-of-time') {
    return [finding('not checked', `${server}: there was no time left to ask it over ${transport}.`)];
  }
  const why =
    transport === 'TCP'
      ? 'large answers, and answers when it limits its rate, need it'
      : 'nearly all queries come that way';
  const text = `${server} does not answer over ${transport} (${silent.text}): ${why}.`;
  return [finding('problem', text, `Let a firewall pass ${transport} port 53, and let the nameserver listen there.`)];
}

function manners(server: string, reply: LookupReply): Finding[] {
  const findings: Finding[] = [];
  if (reply.recursionAvailable) {
    const text = `${server} offers recursion to this machine (RA is set).`;
    const advice =
      'If it does so for everybody, it can be used in attacks on others: switch recursion off, or limit it to your own network.';
    findings.push(finding('warning', text, advice));
  }
  if (!reply.edns) {
    const text = `${server} does not answer with EDNS (RFC 6891).`;
    findings.push(
      finding('warning', text, 'Update the nameserver, and look for a firewall that changes DNS messages.'),
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
  const answers = `${server} answers${both ? ' over UDP and TCP' : ''} with authority: serial ${serial}`;
  if (serialBefore === undefined) return finding('ok', `${answers}. The primary's is not known.`);
  if (serial === serialBefore) return finding('ok', `${answers}, as the primary.`);
  if (serialIsLater(serialBefore, serial)) {
    const text = `${answers}, ${(serialBefore - serial) >>> 0} behind the primary's ${serialBefore}.`;
    const advice =
      'After a change this passes within seconds; run this again. If it stays so: does the primary send NOTIFY to it, and does it let it transfer the zone?';
    return finding('warning', text, advice);
  }
  // The zone may have changed between the two questions.
  const now = await serialNow();
  if (now !== undefined && !serialIsLater(serial, now)) return finding('ok', `${answers}, as the primary.`);
  const text = `${answers}, which is later than the primary's ${now ?? serialBefore}: it takes no change until the primary is past that.`;
  const advice = 'Is it a secondary of this primary? If the primary was set back, raise its serial above this one.';
  return finding('problem', text, advice);
}
