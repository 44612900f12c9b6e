/**
 * Puts `dyndns doctor` together for one zone of a configuration: facts from the configuration, tools that reach the
 * world, and the rules of core/doctor.ts. An embedded zone is asked like any other primary, at its own listener: the
 * server that has it open is another process.
 */
import { readFileSync } from 'node:fs';
import type { Config, TsigKeyConfig, ZoneConfig } from '../config/config.ts';
import { examine } from '../core/doctor/examine.ts';
import type { DoctorSubject, Finding, PrimaryFacts } from '../core/doctor/ports.ts';
import { makeTsigKey, type TsigKey } from '../dns/tsig.ts';
import type { Endpoint, Exchanger } from '../net/exchange.ts';
import { TcpExchanger } from '../net/tcp.ts';
import { UdpExchanger } from '../net/udp.ts';
import { PrimaryPublisher } from '../primary/publisher.ts';
import { compareClocks } from './clock.ts';
import { reachableHost, tryConnect } from './connect.ts';
import { NameserverLookup } from './nameserver-lookup.ts';
import { parseResolvConf, RESOLV_CONF } from './resolvers.ts';

/** A run ends after this time, with "not checked" for the rest. */
const RUN_MS = 30_000;

export interface DoctorOptions {
  /** Instead of the system's. */
  readonly resolver?: Endpoint | undefined;
  /** Port at which nameservers are asked; 53 everywhere but in a laboratory. */
  readonly nameserverPort: number;
  readonly progress: (text: string) => void;
}

/** Examines a zone. Changes nothing. */
export async function examineZone(config: Config, zone: ZoneConfig, options: DoctorOptions): Promise<Finding[]> {
  const deadlineMs = performance.now() + RUN_MS;
  const now = () => Math.floor(Date.now() / 1000);
  const { endpoint, key, udp, signedReads } = reachPrimary(config, zone);
  const made = key && makeTsigKey(key.name, key.algorithm, key.secret.reveal());
  const open = (): Exchanger => (udp ? new UdpExchanger(endpoint) : new TcpExchanger(endpoint));
  const clockExchanger = open();
  const publisher = new PrimaryPublisher({
    zone: zone.apex,
    endpoint,
    // Without a key nothing is signed and nothing published: the rules know.
    key: made ?? NO_KEY(zone),
    signedReads: made !== undefined && (signedReads || udp),
    reads: open(),
    updates: open(),
    now,
  });
  const subject: DoctorSubject = {
    zone: zone.apex,
    primary: primaryFacts(config, zone),
    key: key && `'${key.name}' (${key.algorithm})`,
    http: config.http,
  };
  try {
    return await examine(subject, {
      lookup: new NameserverLookup({
        resolvers: options.resolver === undefined ? systemResolvers() : [options.resolver],
        nameserverPort: options.nameserverPort,
        deadlineMs,
      }),
      publisher,
      compareClocks: async () =>
        made === undefined
          ? { kind: 'unknown', why: 'the zone has no TSIG key' }
          : compareClocks({
              zone: zone.apex,
              key: made,
              exchanger: clockExchanger,
              now,
              deadlineMs: Math.min(performance.now() + 3000, deadlineMs),
            }),
      connect: tryConnect,
      progress: options.progress,
      clock: () => performance.now(),
      deadlineMs,
    });
  } finally {
    publisher.close();
    clockExchanger.close();
  }
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

const NO_KEY = ({ apex }: ZoneConfig): TsigKey => makeTsigKey(apex, 'hmac-sha512', new Uint8Array(1));

function systemResolvers(): Endpoint[] {
  try {
    return parseResolvConf(readFileSync(RESOLV_CONF, 'utf8'));
  } catch {
    return parseResolvConf('');
  }
}
