/**
 * Makes zones with their publishers from a configuration: remote primaries, whose connections open at the first use, and
 * the embedded nameserver with its database. Commands that run without a server use it too.
 */

import { randomBytes } from 'node:crypto';
import type {
  Config,
  DnsConfig,
  EmbeddedPrimary,
  RemotePrimary,
  StaticRecords,
  ZoneConfig,
  ZoneKeyConfig,
} from '../config/config.ts';
import { AppError } from '../core/errors.ts';
import type { Observer } from '../core/observer.ts';
import { applyUpdate } from '../core/updates/dns-update.ts';
import type { KnownSerial, KnownSerialStore } from '../core/zones/known-serials.ts';
import type { PublishedFeed } from '../core/zones/published-feed.ts';
import type { ZonePublisher } from '../core/zones/publisher.ts';
import { type FilePlace, type Zone, ZoneTable } from '../core/zones/zone.ts';
import { formatEndpoint } from '../dns/endpoint.ts';
import type { DomainName } from '../dns/name.ts';
import { formatRRType, type ResourceRecord } from '../dns/rdata.ts';
import { makeTsigKey } from '../dns/tsig-key.ts';
import { checkZoneRecords } from '../dns/zone-file/zone-check.ts';
import { parseZoneFile, ZoneFileError } from '../dns/zone-file/zone-file.ts';
import { RateLimiter } from '../nameserver/answer/rate-limit.ts';
import { KeyStoreError } from '../nameserver/keys/key-store-error.ts';
import type { Nameserver } from '../nameserver/nameserver.ts';
import type {
  NameserverKey,
  NameserverOptions,
  NameserverSettings,
  NameserverZone,
} from '../nameserver/nameserver-options.ts';
import { monotonicMs } from '../nameserver/threads/monotonic.ts';
import { isSignerType } from '../nameserver/zone/signer-types.ts';
import { StaticConflict, type StaticContent, staticOwnerNames } from '../nameserver/zone/static-records.ts';
import type { Exchanger } from '../net/exchange.ts';
import { TcpPool } from '../net/tcp-pool.ts';
import { UdpExchanger } from '../net/udp.ts';
import { KeylessPublisher } from '../primary/keyless-publisher.ts';
import { PrimaryPublisher } from '../primary/publisher.ts';
import { DatabaseLockedError } from '../sqlite/lock.ts';
import { SqliteError } from '../sqlite/sqlite-error.ts';
import { asStartError } from './start-error.ts';
import { VERSION } from './version.ts';

/** Seconds: the TTL of static records that have none. */
const STATIC_TTL = 300;

/** The zones of a configuration, opened for one command. */
export interface OpenZones {
  readonly table: ZoneTable;
  /** The primary of the embedded zones, if there are any. It does not listen. */
  readonly nameserver: Nameserver | undefined;
  /** Ends connections and closes the database. @throws StartError where it could not be written */
  close(): Promise<void>;
}

/** @throws StartError; remote primaries need not be up */
export async function openZones(config: Config, observer: Observer): Promise<OpenZones> {
  const primaries = new RemotePrimaries(config, observer);
  const nameserver = config.dns && (await openNameserver(config, config.dns, observer, applyUpdate));
  return {
    table: zoneTable(config, primaries, nameserver),
    nameserver,
    close: async () => {
      primaries.close();
      await nameserver?.close().catch((error: unknown) => {
        throw asStartError(error, ZONE_ERRORS);
      });
    },
  };
}

/** What `openNameserver`, Nameserver.apply and prepareRestore throw. */
export const ZONE_ERRORS = [
  [DatabaseLockedError, 'locked'],
  [SqliteError, 'database'],
  [StaticConflict, 'zone'],
  [KeyStoreError, 'database'],
  [ZoneFileError, 'zone'],
] as const;

/** What a server has besides, and a command does not need. */
export interface NameserverSurroundings
  extends Pick<NameserverOptions, 'onServed' | 'onSecondary' | 'onSignatures' | 'onDeath' | 'parent'> {
  /** Where the known serials of the zones are copied to. */
  readonly knownSerials?: KnownSerialStore | undefined;
}

/**
 * Opens the embedded nameserver with its database; it does not listen yet.
 * @param apply the use-case for an UPDATE that a client sends
 * @throws StartError
 */
export async function openNameserver(
  config: Config,
  { database }: Pick<DnsConfig, 'database'>,
  observer: Observer,
  apply: typeof applyUpdate,
  surroundings: NameserverSurroundings = {},
): Promise<Nameserver> {
  const { knownSerials, ...callbacks } = surroundings;
  // A tenth of the start: it is loaded where a zone is embedded.
  const { Nameserver } = await import('../nameserver/nameserver.ts');
  try {
    return await Nameserver.open({
      database,
      version: VERSION,
      ...(knownSerials && {
        copied: await readKnownSerials(knownSerials, observer),
        copyKnown: (known) => knownSerials.put(known),
      }),
      settings: nameserverSettings(config, observer),
      cookieKey: randomBytes(16),
      applyUpdate: apply,
      onBatch: (event) => observer.batchPublished(event),
      onUpdate: (event) => observer.dnsUpdateAnswered(event),
      onWarning: (text) => observer.warn(text),
      onProgress: (text) => observer.info?.(text),
      ...callbacks,
    });
  } catch (error) {
    throw asStartError(error, ZONE_ERRORS);
  }
}

async function readKnownSerials(store: KnownSerialStore, observer: Observer): Promise<readonly KnownSerial[]> {
  try {
    return await store.all();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    observer.warn(`The known serials of the zones could not be read from the store: ${error.message}`);
    return [];
  }
}

/** Puts a configuration in force in an open nameserver. If it fails, nothing has changed. @throws StartError */
export async function reconfigureNameserver(nameserver: Nameserver, config: Config, observer: Observer): Promise<void> {
  try {
    await nameserver.apply(nameserverSettings(config, observer));
  } catch (error) {
    throw asStartError(error, ZONE_ERRORS);
  }
}

/** @param nameserver has the embedded zones of this configuration */
export function zoneTable(config: Config, primaries: RemotePrimaries, nameserver: Nameserver | undefined): ZoneTable {
  const publisherOf = ({ apex, primary }: ZoneConfig): ZonePublisher =>
    primary.kind === 'embedded' ? nameserver!.publisher(apex) : primaries.publisher(apex);
  const embeddedParts = ({
    apex,
    primary,
  }: ZoneConfig): Pick<Zone, 'staticNames' | 'staticPlace' | 'secondaries' | 'records'> =>
    primary.kind === 'embedded'
      ? {
          staticNames: nameserver!.staticNames(apex),
          secondaries: nameserver!.secondariesOf(apex),
          records: nameserver!.recordsOf(apex),
          staticPlace: staticPlaces(apex, primary),
        }
      : {};
  return new ZoneTable(
    config.zones.map((zone): Zone => ({ ...rulesOf(zone), ...embeddedParts(zone), publisher: publisherOf(zone) })),
  );
}

function rulesOf(zone: ZoneConfig): Omit<Zone, 'publisher'> {
  const { apex, ttl, apexAllowed, wildcardAllowed, addresses, emptyValue, members } = zone;
  const reserved = new Set(zone.reserved.map((name) => name.key));
  return { apex, ttl, apexAllowed, wildcardAllowed, reserved, addresses, emptyValue, members };
}

/** Publishers to the remote primaries of one configuration. Zones with the same primary share connections. */
export class RemotePrimaries {
  readonly #exchangers = new Map<string, { reads: Exchanger; updates: Exchanger }>();
  readonly #publishers = new Map<string, ZonePublisher>();
  readonly #feed: PublishedFeed | undefined;

  /** @param feed to other servers that change the same zones */
  constructor({ zones }: Config, observer: Observer, feed?: PublishedFeed) {
    this.#feed = feed;
    for (const { apex, primary } of zones) {
      if (primary.kind === 'remote') this.#publishers.set(apex.key, this.#open(apex, primary, observer));
    }
  }

  /** @throws Error if the zone has no remote primary */
  publisher(apex: DomainName): ZonePublisher {
    const publisher = this.#publishers.get(apex.key);
    if (publisher === undefined) throw new Error(`no remote primary for ${apex}`);
    return publisher;
  }

  close(): void {
    for (const publisher of this.#publishers.values()) publisher.close();
    for (const { reads, updates } of this.#exchangers.values()) {
      reads.close();
      updates.close();
    }
  }

  #open(apex: DomainName, primary: RemotePrimary, observer: Observer): ZonePublisher {
    const { tsigKey, transport } = primary;
    const endpoint = { host: primary.host.text, port: primary.port };
    const id = `${transport} ${formatEndpoint(endpoint)}`;
    let exchangers = this.#exchangers.get(id);
    if (exchangers === undefined) {
      const isShared = () => this.#feed?.hasOthers === true;
      exchangers =
        transport === 'udp'
          ? { reads: new UdpExchanger(endpoint), updates: new UdpExchanger(endpoint) }
          : { reads: new TcpPool(endpoint, isShared), updates: new TcpPool(endpoint, isShared) };
      this.#exchangers.set(id, exchangers);
    }
    const { unread } = tsigKey.secret;
    const secret = unread === undefined ? tsigKey.secret.reveal() : new Uint8Array(1);
    // Over UDP an attacker who guesses port and message id could forge a reply.
    const signedReads = primary.signedReads || transport === 'udp';
    const publisher = new PrimaryPublisher({
      zone: apex,
      key: makeTsigKey(tsigKey.name, tsigKey.algorithm, secret),
      signedReads,
      now: () => Math.floor(Date.now() / 1000),
      onBatch: (changes, outcome, durationMs) => observer.batchPublished({ zone: apex, changes, outcome, durationMs }),
      endpoint,
      feed: this.#feed,
      ...exchangers,
    });
    return unread === undefined ? publisher : new KeylessPublisher(publisher, unread, signedReads);
  }
}

/** The static content of the embedded zones. @throws StartError */
export function staticContents(config: Config, observer: Observer): StaticContent[] {
  try {
    return nameserverSettings(config, observer).zones.map(({ content }) => content);
  } catch (error) {
    throw asStartError(error, ZONE_ERRORS);
  }
}

/** @throws ZoneFileError, StaticConflict */
function nameserverSettings(config: Config, observer: Observer): NameserverSettings {
  const zones = config.zones.flatMap((zone) =>
    zone.primary.kind === 'embedded' ? [nameserverZone(zone, zone.primary, observer)] : [],
  );
  const { rateLimit, nsid, chaosVersion, tcpIdleSeconds, tsigFudgeMax } = config.dns ?? {};
  return {
    zones,
    limiter: rateLimit && new RateLimiter({ ...rateLimit, key: randomBytes(16), now: monotonicMs }),
    nsid,
    chaosVersion,
    timeoutMs: config.nameserverTimeoutSeconds * 1000,
    limits: config.limits,
    tcpIdleSeconds,
    tsigFudgeMax,
  };
}

function nameserverZone(zone: ZoneConfig, primary: EmbeddedPrimary, observer: Observer): NameserverZone {
  const { apex, addresses, ttl, reserved } = rulesOf(zone);
  const { keys, secondaries, transferPrefixes, dnssec } = primary;
  // Only a command may have keys without a secret, and no client signs a message to it.
  const tsigKeys = keys.filter(({ secret }) => secret.unread === undefined).map(nameserverKey);
  const content = contentOfZone(zone, primary, (text) => observer.warn(text));
  return {
    content,
    ...(dnssec && { dnssec }),
    keys: tsigKeys,
    secondaries: secondaries.map(({ address: { host, port }, keyName, notify, poll }) => ({
      address: host,
      port,
      key: keyName && tsigKeys.find((key) => key.keyName.equals(keyName))?.tsig,
      notify,
      poll,
    })),
    ...(transferPrefixes && { transferPrefixes }),
    rules: { apex, addresses, ttl, reserved, staticNames: staticOwnerNames(content) },
  };
}

/** The static content of an embedded zone. @throws ZoneFileError, StaticConflict */
export function contentOfZone(
  { apex }: ZoneConfig,
  { ns, nsTtl, contact, soa, records, dnssec }: EmbeddedPrimary,
  warn: (text: string) => void,
): StaticContent {
  const parsed = records === undefined ? [] : staticRecords(records, apex, warn);
  const ofSigner = dnssec && parsed.find(({ type }) => isSignerType(type));
  if (ofSigner) {
    throw new StaticConflict(
      `The 'records' of the zone '${apex}' have ${formatRRType(ofSigner.type)} records at '${ofSigner.ownerName}', which its signer makes ('dnssec'). Remove them.`,
    );
  }
  return { apex, ns, nsTtl, contact, soa, records: parsed };
}

/** Where the configuration has each static RRset. Its records are read again when someone asks first. */
function staticPlaces(apex: DomainName, { records }: EmbeddedPrimary): NonNullable<Zone['staticPlace']> {
  let places: ReadonlyMap<string, FilePlace> | undefined;
  return (ownerName, type) => {
    if (records === undefined) return undefined;
    places ??= new Map(
      parsedRecords(records, apex)
        .toReversed()
        .flatMap((record) => {
          const { file = records.origin.file, line } = record;
          return [[`${record.type} ${record.ownerName.key}`, { file, line }]];
        }),
    );
    return places.get(`${type} ${ownerName.key}`);
  };
}

function parsedRecords({ text, origin }: StaticRecords, apex: DomainName) {
  const { file, line } = origin;
  return parseZoneFile(text, { origin: apex, defaultTtl: STATIC_TTL, fileName: file, firstLine: line });
}

/** @throws ZoneFileError, StaticConflict */
function staticRecords(configured: StaticRecords, apex: DomainName, warn: (text: string) => void): ResourceRecord[] {
  const parsed = parsedRecords(configured, apex);
  const { records, errors, warnings } = checkZoneRecords(parsed, { apex, content: 'part' });
  if (errors.length > 0) throw new StaticConflict(`The 'records' of the zone '${apex}': ${errors.join(' ')}`);
  for (const warning of warnings) warn(warning);
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
