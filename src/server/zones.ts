/**
 * Configuration -> zones with their publishers: remote primaries behind connections that are opened at the first use, and
 * the embedded nameserver with its database. The part of the composition root that commands without a server use, too.
 */

import { randomBytes } from 'node:crypto';
import type {
  Config,
  EmbeddedPrimary,
  RemotePrimary,
  StaticRecords,
  ZoneConfig,
  ZoneKeyConfig,
} from '../config/config.ts';
import type { Observer } from '../core/observer.ts';
import { applyUpdate } from '../core/updates/dns-update.ts';
import type { ZonePublisher } from '../core/zones/publisher.ts';
import { type Zone, ZoneTable } from '../core/zones/zone.ts';
import { formatEndpoint } from '../dns/endpoint.ts';
import type { DomainName } from '../dns/name.ts';
import type { ResourceRecord } from '../dns/rdata.ts';
import { makeTsigKey } from '../dns/tsig-key.ts';
import { checkZoneRecords } from '../dns/zone-file/zone-check.ts';
import { parseZoneFile } from '../dns/zone-file/zone-file.ts';
import { cookieAnswers } from '../nameserver/answer/cookie-answers.ts';
import { RateLimiter } from '../nameserver/answer/rate-limit.ts';
import {
  Nameserver,
  type NameserverKey,
  type NameserverSettings,
  type NameserverZone,
} from '../nameserver/nameserver.ts';
import { StaticConflict } from '../nameserver/zone/static-records.ts';
import type { Exchanger } from '../net/exchange.ts';
import { TcpExchanger } from '../net/tcp.ts';
import { TcpPool } from '../net/tcp-pool.ts';
import { UdpExchanger } from '../net/udp.ts';
import { PrimaryPublisher } from '../primary/publisher.ts';

/** Seconds, for static records without a TTL. */
const STATIC_TTL = 300;

/** The zones of a configuration. */
export interface OpenZones {
  readonly table: ZoneTable;
  /** The primary of the embedded zones, where there are some. It is not listening yet. */
  readonly nameserver: Nameserver | undefined;
  /** Ends connections to remote primaries; the nameserver goes on. */
  closeConnections(): void;
}

/**
 * @param running the nameserver of the configuration before, which is kept and gets the new settings
 * @param remember puts a memory around UPDATEs of embedded zones
 * @throws DatabaseLockedError, SqliteError, StaticConflict, ZoneFileError for embedded zones; remote primaries need not be up
 */
export async function openZones(
  config: Config,
  observer: Observer,
  running?: Nameserver,
  remember = (apply: typeof applyUpdate) => apply,
): Promise<OpenZones> {
  const connections = new PrimaryConnections();
  const settings = nameserverSettings(config, observer);
  let nameserver = running;
  if (nameserver !== undefined) await nameserver.apply(settings);
  else if (config.dns !== undefined) {
    nameserver = await Nameserver.open({
      database: config.dns.database,
      settings,
      applyUpdate: remember(applyUpdate),
      onBatch: (event) => observer.batchPublished(event),
      onUpdate: (event) => observer.dnsUpdateAnswered(event),
      onWarning: (text) => observer.warn(text),
    });
  }
  const publisherOf = ({ apex, primary }: ZoneConfig): ZonePublisher => {
    if (primary.kind === 'embedded') return nameserver!.publisher(apex);
    const { tsigKey } = primary;
    return new PrimaryPublisher({
      zone: apex,
      key: makeTsigKey(tsigKey.name, tsigKey.algorithm, tsigKey.secret.reveal()),
      // Without a connection an answer could be forged by someone who guesses port and id.
      signedReads: primary.signedReads || primary.transport === 'udp',
      now: () => Math.floor(Date.now() / 1000),
      onBatch: (changes, outcome, durationMs) => observer.batchPublished({ zone: apex, changes, outcome, durationMs }),
      ...connections.to(primary),
    });
  };
  const zones = config.zones.map((zone): Zone => ({ ...rulesOf(zone), publisher: publisherOf(zone) }));
  return { table: new ZoneTable(zones), nameserver, closeConnections: () => connections.close() };
}

function rulesOf(zone: ZoneConfig): Omit<Zone, 'publisher'> {
  const { apex, ttl, apexAllowed, wildcardAllowed, addresses, emptyValue } = zone;
  const reserved = new Set(zone.reserved.map((name) => name.key));
  return { apex, ttl, apexAllowed, wildcardAllowed, reserved, addresses, emptyValue };
}

/** Zones with the same primary share connections. */
class PrimaryConnections {
  readonly #exchangers = new Map<string, { reads: Exchanger; updates: Exchanger }>();

  to(primary: RemotePrimary) {
    const endpoint = { host: primary.host.text, port: primary.port };
    const id = `${primary.transport} ${formatEndpoint(endpoint)}`;
    const known = this.#exchangers.get(id);
    if (known !== undefined) return { endpoint, ...known };
    const made =
      primary.transport === 'udp'
        ? { reads: new UdpExchanger(endpoint), updates: new UdpExchanger(endpoint) }
        : { reads: new TcpPool(endpoint), updates: new TcpExchanger(endpoint) };
    this.#exchangers.set(id, made);
    return { endpoint, ...made };
  }

  close(): void {
    for (const { reads, updates } of this.#exchangers.values()) {
      reads.close();
      updates.close();
    }
  }
}

function nameserverSettings(config: Config, observer: Observer): NameserverSettings {
  const zones = config.zones.flatMap((zone) =>
    zone.primary.kind === 'embedded' ? [nameserverZone(zone, zone.primary, observer)] : [],
  );
  const { rateLimit, nsid, chaosVersion } = config.dns ?? {};
  return {
    zones,
    cookies: cookieAnswers(randomBytes(16)),
    limiter: rateLimit && new RateLimiter({ ...rateLimit, key: randomBytes(16), now: () => performance.now() }),
    nsid,
    chaosVersion,
    timeoutMs: config.nameserverTimeoutSeconds * 1000,
  };
}

function nameserverZone(zone: ZoneConfig, primary: EmbeddedPrimary, observer: Observer): NameserverZone {
  const { apex, addresses, ttl } = zone;
  const { ns, contact, records, keys, secondaries } = primary;
  const tsigKeys = keys.map(nameserverKey);
  return {
    content: { apex, ns, contact, records: records === undefined ? [] : staticRecords(records, apex, observer) },
    keys: tsigKeys,
    secondaries: secondaries.map(({ address: { host, port }, keyName, notify }) => ({
      address: host,
      port,
      key: keyName && tsigKeys.find((key) => key.keyName.equals(keyName))?.tsig,
      notify,
    })),
    rules: { apex, addresses, ttl },
  };
}

/** @throws ZoneFileError, StaticConflict */
function staticRecords({ text, origin }: StaticRecords, apex: DomainName, observer: Observer): ResourceRecord[] {
  const { file, line } = origin;
  const parsed = parseZoneFile(text, { origin: apex, defaultTtl: STATIC_TTL, fileName: file, firstLine: line });
  const { records, errors, warnings } = checkZoneRecords(parsed, { apex, content: 'part' });
  if (errors.length > 0) throw new StaticConflict(`The 'records' of the zone '${apex}': ${errors.join(' ')}`);
  for (const warning of warnings) observer.warn(warning);
  return [...records];
}

function nameserverKey({ name, algorithm, secret, allow, hosts, types }: ZoneKeyConfig): NameserverKey {
  return {
    keyName: name,
    tsig: makeTsigKey(name, algorithm, secret.reveal()),
    mayUpdate: allow.update,
    mayTransfer: allow.transfer,
    ...(hosts && { hosts }),
    ...(types && { types: new Set(types) }),
  };
}
