/**
 * Runs `dyndns doctor` for one zone: combines the configuration, access to the network, and the rules of
 * src/core/doctor. An embedded zone is queried at its listener like a remote primary, because another process has it
 * open.
 */
import type { Config, TsigKeyConfig, ZoneConfig } from '../config/config.ts';
import { examine } from '../core/doctor/examine.ts';
import type {
  CertificateFacts,
  DoctorSubject,
  DoctorTools,
  Finding,
  PrimaryFacts,
  UnservedData,
} from '../core/doctor/ports.ts';
import { checkPrimary } from '../core/doctor/primary.ts';
import { type DomainName, findNearestAncestor } from '../dns/name.ts';
import { makeTsigKey, type TsigKey } from '../dns/tsig-key.ts';
import type { Endpoint, Exchanger } from '../net/exchange.ts';
import { TcpExchanger } from '../net/tcp.ts';
import { UdpExchanger } from '../net/udp.ts';
import { PrimaryPublisher } from '../primary/publisher.ts';
import { compareClocks } from './clock.ts';
import { reachableHost, tryConnect } from './connect.ts';
import { NameserverLookup } from './nameserver-lookup.ts';
import { systemResolvers } from './resolvers.ts';

/** Time limit of a run; what is left is "not checked". */
const RUN_MS = 30_000;

export interface DoctorOptions {
  /** Replaces the system's resolvers. */
  readonly resolver?: Endpoint | undefined;
  /** Port of all nameservers: 53, except in a laboratory. */
  readonly nameserverPort: number;
  readonly progress: (text: string) => void;
  /** Hosts that the running server knows besides those of the configuration; in any zone. */
  readonly hosts?: readonly DomainName[];
  readonly certificate?: CertificateFacts | undefined;
  /** What the running server says of the zone, if it does not serve it. */
  readonly notServed?: string | undefined;
  /** What the running server tells of the zone. */
  readonly unserved?: readonly UnservedData[];
  /** What the running server knows of the secondaries. */
  readonly secondaries?: DoctorSubject['secondaries'];
  readonly signing?: DoctorSubject['signing'];
}

/** Checks a zone, without changing anything. */
export function examineZone(config: Config, zone: ZoneConfig, options: DoctorOptions): Promise<Finding[]> {
  return withTools(config, zone, options, examine);
}

/** Checks only whether the primary answers, accepts the key, and has the same time. */
export async function examinePrimary(
  config: Config,
  zone: ZoneConfig,
  options: DoctorOptions,
): Promise<readonly Finding[]> {
  const { findings } = await withTools(config, zone, options, checkPrimary);
  return findings;
}

async function withTools<Result>(
  config: Config,
  zone: ZoneConfig,
  options: DoctorOptions,
  check: (subject: DoctorSubject, tools: DoctorTools) => Promise<Result>,
): Promise<Result> {
  const deadlineMs = performance.now() + RUN_MS;
  const now = () => Math.floor(Date.now() / 1000);
  const { endpoint, key, udp, signedReads } = reachPrimary(config, zone);
  const unread = key?.secret.unread;
  const tsigKey = key && unread === undefined ? makeTsigKey(key.name, key.algorithm, key.secret.reveal()) : undefined;
  const open = (): Exchanger => (udp ? new UdpExchanger(endpoint) : new TcpExchanger(endpoint));
  const clockExchanger = open();
  const publisher = new PrimaryPublisher({
    zone: zone.apex,
    endpoint,
    // Without a key, nothing is signed or published: the rules check for it.
    key: tsigKey ?? unusedKey(zone),
    signedReads: tsigKey !== undefined && (signedReads || udp),
    reads: open(),
    updates: open(),
    now,
  });
  const subject: DoctorSubject = {
    zone: zone.apex,
    primary: primaryFacts(config, zone),
    key: key && `'${key.name}' (${key.algorithm})`,
    keyUnread: unread,
    http: config.http,
    certificate: options.certificate,
    notServed: options.notServed,
    hosts: hostsOf(config, zone, options.hosts ?? []),
    ...(options.unserved && { unserved: options.unserved }),
    secondaries: options.secondaries,
    signing: options.signing,
  };
  try {
    return await check(subject, {
      lookup: new NameserverLookup({
        resolvers: options.resolver === undefined ? systemResolvers() : [options.resolver],
        nameserverPort: options.nameserverPort,
        deadlineMs,
      }),
      publisher,
      compareClocks: async () =>
        tsigKey === undefined
          ? { kind: 'unknown', reason: key === undefined ? 'the zone has no TSIG key' : 'the TSIG key cannot be read' }
          : compareClocks({
              zone: zone.apex,
              key: tsigKey,
              exchanger: clockExchanger,
              now,
              deadlineMs: Math.min(performance.now() + 3000, deadlineMs),
            }),
      connect: tryConnect,
      progress: options.progress,
      clock: () => performance.now(),
      now,
      deadlineMs,
    });
  } finally {
    publisher.close();
    clockExchanger.close();
  }
}

/** The literal names in a zone that clients can change, each once. */
function hostsOf(config: Config, { apex }: ZoneConfig, others: readonly DomainName[]): readonly DomainName[] {
  const named = [
    ...config.hosts.flatMap(({ ownerName, members }) => [ownerName, ...members.map((member) => member.ownerName)]),
    ...config.tokens.flatMap(({ hosts }) => hosts),
    ...others,
  ];
  const byApex = new Map(config.zones.map((zone) => [zone.apex.key, zone]));
  const isHost = (name: DomainName) => !name.isWildcard && findNearestAncestor(byApex, name.key)?.apex.equals(apex);
  return [...new Map(named.filter(isHost).map((name) => [name.key, name])).values()];
}

interface PrimaryAccess {
  readonly endpoint: Endpoint;
  readonly key: TsigKeyConfig | undefined;
  readonly udp: boolean;
  readonly signedReads: boolean;
}

function reachPrimary(config: Config, { primary }: ZoneConfig): PrimaryAccess {
  if (primary.kind === 'remote') {
    const { host, port, tsigKey, transport, signedReads } = primary;
    return { endpoint: { host: host.text, port }, key: tsigKey, udp: transport === 'udp', signedReads };
  }
  const { host, port } = config.dns!.listen[0]!;
  const key = primary.keys.find(({ allow }) => allow.update);
  return { endpoint: { host: reachableHost(host), port }, key, udp: false, signedReads: false };
}

function primaryFacts(config: Config, { primary }: ZoneConfig): PrimaryFacts {
  if (primary.kind === 'remote') return { kind: 'remote', address: primary.host, port: primary.port };
  return { kind: 'embedded', listen: config.dns!.listen };
}

function unusedKey({ apex }: ZoneConfig): TsigKey {
  return makeTsigKey(apex, 'hmac-sha512', new Uint8Array(1));
}
