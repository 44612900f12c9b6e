/**
 * Asks the nameservers of a zone what they answer for a host: the primary as updates reach it, the secondaries of the
 * configuration, and what the NS records of the zone name besides. All at once, each within three seconds.
 */
import { readFileSync } from 'node:fs';
import type { ZoneConfig } from '../config/config.ts';
import { AppError } from '../core/errors.ts';
import { TaskLimit } from '../core/parallel.ts';
import type { Family } from '../core/zones/family.ts';
import type { HostAnswers, QueriedServer, ServerAnswer } from '../core/zones/host-answers.ts';
import type { AddressSet } from '../core/zones/publisher.ts';
import type { Zone } from '../core/zones/zone.ts';
import { formatEndpoint } from '../dns/endpoint.ts';
import type { DomainName } from '../dns/name.ts';
import { formatRdata } from '../dns/presentation/rdata-text.ts';
import { RRClass, RRType } from '../dns/rdata.ts';
import { ednsRecord, fullRcode } from '../dns/wire/edns.ts';
import { encodeMessage, formatRcode, type Message, makeMessage, Rcode } from '../dns/wire/message.ts';
import { type Endpoint, ExchangeError } from '../net/exchange.ts';
import { UdpExchanger } from '../net/udp.ts';
import { NameserverLookup } from './nameserver-lookup.ts';
import { parseResolvConf, RESOLV_CONF } from './resolvers.ts';

/** Of one server. */
const SERVER_MS = 3000;
/** To find the addresses of the NS records; then the servers are queried. */
const NAMES_MS = 2000;
const MAX_NAMES = 8;
const MAX_SERVERS = 20;

/** Requests in all, so that pages that reload do not flood a nameserver. */
const runs = new TaskLimit(4);

export interface AnswersOptions {
  /** The addresses of this machine: a nameserver there is this server, if it is the primary. */
  readonly ownAddresses: readonly string[];
}

interface Target extends QueriedServer {
  readonly endpoint: Endpoint;
}

export function askNameservers(
  config: ZoneConfig,
  zone: Zone,
  ownerName: DomainName,
  options: AnswersOptions,
): Promise<HostAnswers> {
  return runs.run(async () => {
    const { apex, primary } = config;
    const isEmbedded = primary.kind === 'embedded';
    const secondaries: Target[] = isEmbedded
      ? primary.secondaries.map(({ address }) => ({
          server: formatEndpoint(address),
          role: 'secondary',
          endpoint: { host: address.host, port: address.port },
        }))
      : [];
    const first: QueriedServer = isEmbedded
      ? { server: 'this server', role: 'this-server' }
      : { server: formatEndpoint({ host: primary.host.text, port: primary.port }), role: 'primary' };
    const known = new Set(secondaries.map(({ endpoint }) => endpoint.host));
    if (isEmbedded) for (const address of options.ownAddresses) known.add(address);
    else known.add(primary.host.text);
    const ofPrimary = answerOfPrimary(first, zone, ownerName);
    const ofSecondaries = secondaries.slice(0, MAX_SERVERS).map((target) => ask(target, apex, ownerName));
    const named = await namedServers(zone, known);
    const ofNamed = named.map((server) => ('endpoint' in server ? ask(server, apex, ownerName) : server));
    const servers = await Promise.all([ofPrimary, ...ofSecondaries, ...ofNamed]);
    return { zone: apex, zoneKind: isEmbedded ? 'embedded' : 'remote', servers };
  });
}

/** Never rejects for what a primary can do. */
async function answerOfPrimary(server: QueriedServer, zone: Zone, ownerName: DomainName): Promise<ServerAnswer> {
  const startMs = performance.now();
  const deadlineMs = startMs + SERVER_MS;
  try {
    const [A, AAAA, soa] = await Promise.all([
      zone.publisher.readRRset(ownerName, RRType.A, deadlineMs),
      zone.publisher.readRRset(ownerName, RRType.AAAA, deadlineMs),
      zone.publisher.readRRset(zone.apex, RRType.SOA, deadlineMs),
    ]);
    const set = (family: Family, rrset: typeof A): AddressSet => ({
      addresses: rrset?.rdatas.map((rdata) => formatRdata(RRType[family], rdata)).sort() ?? [],
      ttl: rrset?.ttl ?? 0,
    });
    const [rdata] = soa?.rdatas ?? [];
    return {
      ...server,
      A: set('A', A),
      AAAA: set('AAAA', AAAA),
      ...(rdata !== undefined && 'serial' in rdata && { serial: rdata.serial }),
      milliseconds: Math.round(performance.now() - startMs),
    };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { ...server, problem: error.message };
  }
}

/** Nameservers in the NS records that are not known yet, and those without an address. Never rejects. */
async function namedServers(zone: Zone, known: Set<string>): Promise<readonly (Target | ServerAnswer)[]> {
  const deadlineMs = performance.now() + NAMES_MS;
  const lookup = new NameserverLookup({ resolvers: systemResolvers(), nameserverPort: 53, deadlineMs });
  const rrset = await zone.publisher.readRRset(zone.apex, RRType.NS, deadlineMs).catch((error: unknown) => {
    if (error instanceof AppError) return undefined;
    throw error;
  });
  const names = (rrset?.rdatas ?? []).flatMap((rdata) => ('target' in rdata ? [rdata.target] : [])).slice(0, MAX_NAMES);
  const found = await Promise.all(
    names.map(async (name) => {
      const addresses = (await Promise.all([RRType.A, RRType.AAAA].map((type) => addressesOf(name, type)))).flat();
      if (addresses.length > 0) return addresses.map((address) => ({ name, address }));
      const problem = 'No address was found for this name.';
      return [{ server: name.toString(), role: 'nameserver', name: name.toString(), problem } satisfies ServerAnswer];
    }),
  );
  async function addressesOf(name: DomainName, type: number): Promise<readonly string[]> {
    if (name.isAtOrBelow(zone.apex)) {
      const own = await zone.publisher.readRRset(name, type, deadlineMs).catch(() => undefined);
      if (own !== undefined) return own.rdatas.map((rdata) => formatRdata(type, rdata));
    }
    const result = await lookup.resolve(name, type);
    if (result.kind === 'none') return [];
    return result.answers.flatMap((rr) => (rr.type === type && 'address' in rr.rdata ? [rr.rdata.address] : []));
  }
  return found.flat().flatMap((one): (Target | ServerAnswer)[] => {
    if (!('address' in one)) return [one];
    const { name, address } = one;
    if (known.has(address) || known.size >= MAX_SERVERS) return [];
    known.add(address);
    const endpoint = { host: address, port: 53 };
    return [{ server: formatEndpoint(endpoint), role: 'nameserver', name: name.toString(), endpoint }];
  });
}

/** Never rejects. */
async function ask({ endpoint, ...server }: Target, apex: DomainName, ownerName: DomainName): Promise<ServerAnswer> {
  const startMs = performance.now();
  const exchanger = new UdpExchanger(endpoint);
  const query = async (qname: DomainName, qtype: number): Promise<Message> => {
    const message = makeMessage({ questions: [{ qname, qtype, qclass: RRClass.IN }], additional: [ednsRecord({})] });
    return (await exchanger.exchange((id) => encodeMessage({ ...message, id }), startMs + SERVER_MS)).message;
  };
  try {
    const [A, AAAA, soa] = await Promise.all([
      query(ownerName, RRType.A),
      query(ownerName, RRType.AAAA),
      query(apex, RRType.SOA),
    ]);
    const milliseconds = Math.round(performance.now() - startMs);
    const serial = soa.answers.flatMap(({ rdata }) => ('serial' in rdata ? [rdata.serial] : []))[0];
    const problem = problemOf([A, AAAA]);
    return {
      ...server,
      milliseconds,
      ...(serial !== undefined && { serial }),
      ...(problem === undefined ? { A: setOf(A, RRType.A), AAAA: setOf(AAAA, RRType.AAAA) } : { problem }),
    };
  } catch (error) {
    if (!(error instanceof ExchangeError)) throw error;
    const isLate = error.failure === 'timeout';
    return { ...server, problem: isLate ? `No answer within ${SERVER_MS / 1000} seconds.` : sentence(error.message) };
  } finally {
    exchanger.close();
  }
}

function problemOf(replies: readonly Message[]): string | undefined {
  for (const reply of replies) {
    const rcode = fullRcode(reply);
    if (rcode !== Rcode.NOERROR && rcode !== Rcode.NXDOMAIN) return `It answers ${formatRcode(rcode)}.`;
    if (!reply.authoritative) return 'It does not serve the zone: its answer is not authoritative.';
  }
  return undefined;
}

function setOf(reply: Message, type: number): AddressSet {
  const records = reply.answers.filter((record) => record.type === type);
  const addresses = records.flatMap(({ rdata }) => ('address' in rdata ? [rdata.address] : []));
  return { addresses: addresses.sort(), ttl: records[0]?.ttl ?? 0 };
}

function sentence(text: string): string {
  return `${text[0]?.toUpperCase() ?? ''}${text.slice(1).replace(/\.$/, '')}.`;
}

function systemResolvers(): Endpoint[] {
  try {
    return parseResolvConf(readFileSync(RESOLV_CONF, 'utf8'));
  } catch {
    return parseResolvConf('');
  }
}
