/**
 * Everything that one configuration makes: zones with their publishers, settings of hosts, limits, use-cases for the
 * protocols. A generation never changes. A reload builds the next one and swaps it in; requests in flight end on the old
 * one.
 */
import { randomBytes } from 'node:crypto';
import { type Config, type DnsConfig, SWITCHED_PROTOCOLS } from '../config/config.ts';
import { AcmeDns } from '../core/access/acme-dns.ts';
import { Authenticator } from '../core/access/authenticate.ts';
import { KeyAuthenticator } from '../core/access/authenticate-key.ts';
import type { GuessBudget } from '../core/access/guess-budget.ts';
import { MinuteLimiter } from '../core/access/rate-limits.ts';
import { AppError } from '../core/errors.ts';
import type { NewHistoryEvent, UpdateRecorder } from '../core/history/history.ts';
import { HostDirectory } from '../core/hosts/host-directory.ts';
import type { ChangeOfSecondary, ChangeOfSignatures, NoticeMaker, Notices } from '../core/notices/notices.ts';
import type { Observer } from '../core/observer.ts';
import { SessionAuthenticator } from '../core/sign-in/authenticate-session.ts';
import type { Store } from '../core/store.ts';
import type { applyUpdate } from '../core/updates/dns-update.ts';
import type { TextLog } from '../core/updates/publish-texts.ts';
import type { UpdateAddresses } from '../core/updates/update-addresses.ts';
import { UpdateHost } from '../core/updates/update-host.ts';
import type { UpdateLimits, UpdateQueue } from '../core/updates/update-queue.ts';
import { UpdateRecord } from '../core/updates/update-record.ts';
import { UpdateTexts } from '../core/updates/update-texts.ts';
import { CheckZones } from '../core/zones/check-zones.ts';
import type { ParentZone } from '../core/zones/parent-zone.ts';
import type { Receipt } from '../core/zones/secondaries.ts';
import type { ZoneTable } from '../core/zones/zone.ts';
import type { ZoneEdit } from '../dns/zone-change.ts';
import type { Services } from '../http/request/door.ts';
import type { Nameserver } from '../nameserver/nameserver.ts';
import type { Webhooks } from '../notify/webhooks.ts';
import { loadOnce } from './load-once.ts';
import type { ServerMonitoring } from './monitoring.ts';
import { configuredToken, hostSettings, type OpenState, updateLimits } from './state.ts';
import { timers } from './system-timers.ts';
import { VERSION } from './version.ts';
import { openWebhooks } from './webhooks.ts';
import { openNameserver, RemotePrimaries, reconfigureNameserver, zoneTable } from './zones.ts';

const loadParentZone = loadOnce(async () => new (await import('../doctor/parent-zone.ts')).NetworkParentZone());
/** Loaded where a signed zone needs it first. */
const parentZone: ParentZone = {
  readDs: async (zone) => (await loadParentZone()).readDs(zone),
  notifyCds: async (zone) => (await loadParentZone()).notifyCds(zone),
};

/** What outlives generations, as far as a generation is built on it. */
export interface GenerationParts {
  readonly observer: Observer;
  readonly monitoring: ServerMonitoring;
  readonly state: OpenState;
  readonly queue: UpdateQueue;
  readonly updates: UpdateAddresses;
  readonly textLog: TextLog;
  readonly guesses: GuessBudget;
  /** Ends pending updates that edits of records replace. Never rejects. */
  readonly ended: (edits: readonly ZoneEdit[]) => Promise<void>;
  readonly noticeMaker: NoticeMaker;
  /** The use-case for an UPDATE that a client sends to an embedded zone. */
  readonly applyUpdate: typeof applyUpdate;
  /** A part of the server died, so that the process must end. */
  readonly onDeath: (error: Error) => void;
  /** What secondaries of embedded zones serve. */
  readonly onServed: (receipt: Receipt) => void;
}

/** The nameserver and the options that it was opened with. It is handed on from generation to generation. */
export interface EmbeddedServer {
  readonly nameserver: Nameserver;
  readonly dns: DnsConfig;
}

export interface Generation {
  /** Options that need a restart have the values of the start. */
  readonly config: Config;
  readonly limits: UpdateLimits;
  readonly zones: ZoneTable;
  /** Undefined until a configuration has an embedded zone. */
  readonly embedded: EmbeddedServer | undefined;
  readonly hosts: HostDirectory;
  /** Reports updates to the history and to webhooks; undefined if there are neither. */
  readonly recorder: UpdateRecorder | undefined;
  /** Undefined until a configuration has one. Handed on, so that deliveries in flight go on. */
  readonly webhooks: Webhooks | undefined;
  /** The webhooks, if this configuration has some. */
  readonly notices: Notices | undefined;
  readonly services: Services;
  /** Ends the connections to remote primaries. */
  closeConnections(): void;
}

/**
 * Builds a generation. If it fails, everything that it opened is closed and nothing in force has changed.
 * A nameserver that it opens does not listen yet.
 * @param previous the one in force; its nameserver, webhooks and settings of hosts are handed on
 * @throws StartError, AppError store-unreachable
 */
export async function buildGeneration(
  config: Config,
  parts: GenerationParts,
  previous?: Generation,
): Promise<Generation> {
  const { observer, monitoring, state, noticeMaker } = parts;
  const hosts = await hostDirectory(config, state.store, previous);
  const webhooks =
    previous?.webhooks ??
    (config.webhooks.length === 0
      ? undefined
      : await openWebhooks({
          warn: (text) => observer.warn(text),
          onOutcome: (webhook, outcome) => monitoring.activity.webhookCalled(webhook, outcome),
        }));
  const notices = config.webhooks.length === 0 ? undefined : webhooks;
  const primaries = new RemotePrimaries(config, observer, state.store?.published);
  await noteUnusedTokens(config, state, observer);
  // Last: from here on the nameserver has the new configuration, and nothing else can fail.
  const embedded = await embeddedServer(config, parts, previous?.embedded);
  const zones = zoneTable(config, primaries, embedded?.nameserver);
  const recorder = updateRecorder(config, state, zones, notices, noticeMaker);
  const services = makeServices(config, parts, { zones, hosts, recorder });
  const closeConnections = () => primaries.close();
  const limits = updateLimits(config);
  return { config, limits, zones, embedded, hosts, recorder, webhooks, notices, services, closeConnections };
}

/** Begins the time of tokens of the file that end when they are unused, and warns of those that have ended. */
async function noteUnusedTokens(
  { tokens }: Config,
  { store, unusedTokens }: OpenState,
  observer: Observer,
): Promise<void> {
  if (store === undefined) return;
  try {
    for (const { name, maxUnusedDays } of await unusedTokens.note(tokens.map(configuredToken))) {
      observer.warn(`Token '${name}' has ended: it was not used for ${maxUnusedDays} days.`);
    }
  } catch (error) {
    // Their time then begins at the first request.
    if (!(error instanceof AppError)) throw error;
  }
}

async function hostDirectory(config: Config, store: Store | undefined, previous?: Generation): Promise<HostDirectory> {
  const configured = config.hosts.map(hostSettings);
  if (previous !== undefined) return previous.hosts.withConfigured(configured);
  const hosts = new HostDirectory({
    configured,
    store: store?.hosts,
    exclusive: config.store?.kind === 'sqlite',
    nowMs: () => performance.now(),
    after: timers.after,
  });
  await hosts.load();
  return hosts;
}

function updateRecorder(
  { historyDays }: Config,
  state: OpenState,
  zones: ZoneTable,
  notices: Notices | undefined,
  noticeMaker: NoticeMaker,
): UpdateRecorder | undefined {
  const history = historyDays > 0 ? state.recorder : undefined;
  if (history === undefined && notices === undefined) return undefined;
  return {
    record: (event) => {
      history?.record(withSerial(event, zones));
      if (notices !== undefined) noticeMaker.event(event);
    },
    repeat: (ownerName, timeMs) => {
      history?.repeat(ownerName, timeMs);
      if (notices !== undefined) noticeMaker.repeat(ownerName);
    },
  };
}

/** A change of an embedded zone is recorded when it is published: the serial of the zone is that of its commit, or a later one. */
function withSerial(event: NewHistoryEvent, zones: ZoneTable): NewHistoryEvent {
  if (event.outcome !== 'changed') return event;
  const serial = zones.find(event.ownerName)?.secondaries?.serial;
  return serial === undefined ? event : { ...event, serial };
}

/** The nameserver of this configuration. A running one stays open, even while no zone is embedded. @throws StartError */
async function embeddedServer(
  config: Config,
  { observer, applyUpdate, state, noticeMaker, onServed, onDeath }: GenerationParts,
  running: EmbeddedServer | undefined,
): Promise<EmbeddedServer | undefined> {
  if (running !== undefined) {
    await reconfigureNameserver(running.nameserver, config, observer);
    return running;
  }
  const { dns } = config;
  if (dns === undefined) return undefined;
  const surroundings = {
    onServed,
    onSecondary: (change: ChangeOfSecondary) => noticeMaker.secondary(change),
    onSignatures: (change: ChangeOfSignatures) => noticeMaker.signatures(change),
    onDeath,
    knownSerials: state.store?.knownSerials,
    parent: parentZone,
  };
  return { nameserver: await openNameserver(config, dns, observer, applyUpdate, surroundings), dns };
}

function makeServices(
  config: Config,
  { monitoring, state, queue, updates, textLog, guesses, ended }: GenerationParts,
  { zones, hosts, recorder }: Pick<Generation, 'zones' | 'hosts' | 'recorder'>,
): Services {
  const { store, uses, unusedTokens } = state;
  const nowMs = () => performance.now();
  const { timeoutMs } = updateLimits(config);
  const record = new UpdateRecord({
    hosts,
    recorder,
    changes: new MinuteLimiter(config.limits.changesPerMinutePerToken, nowMs),
    refusals: new MinuteLimiter(config.limits.refusedPerMinutePerSource, nowMs),
    now: Date.now,
    onUnrecorded: () => {
      monitoring.activity.unrecordedEvents += 1;
    },
    onOutcome: (protocol, outcome) => monitoring.activity.addressesUpdated(protocol, outcome),
  });
  const acmeTtls = new Map(config.zones.map(({ apex, acmeTtl }) => [apex.key, acmeTtl]));
  return {
    version: VERSION,
    zones,
    authenticator: new Authenticator({
      masterSecret: config.secret?.reveal(),
      tokens: config.tokens.map(configuredToken),
      store: store?.tokens,
      unused: store && unusedTokens,
      now: Date.now,
      guesses,
      onUse: ({ id }) => uses.used(id),
    }),
    keys:
      config.admin &&
      store &&
      new KeyAuthenticator({
        users: store.users,
        guesses,
        unused: unusedTokens,
        now: Date.now,
        onUse: ({ id }) => uses.used(id),
      }),
    sessions:
      config.admin &&
      store &&
      new SessionAuthenticator({
        signIns: store.signIns,
        idleMs: () => config.admin!.sessions.idleMinutes * 60_000,
        now: Date.now,
        onUse: ({ id }) => uses.used(id),
      }),
    record,
    updates: new UpdateHost(updates, record),
    texts: new UpdateTexts({
      queue,
      record,
      log: textLog,
      removeAfterSeconds: ({ apex }) => acmeTtls.get(apex.key)!,
    }),
    acmeDns: store && makeAcmeDns(config, store),
    protocolsOff: new Set(SWITCHED_PROTOCOLS.filter((name) => !config.protocols[name])),
    recordChanges: { ended, clock: nowMs, timeoutMs },
    checks: new CheckZones(() => timeoutMs, nowMs),
    unspecifiedFamily: config.unspecifiedFamily,
    checkIsOpen: config.check === 'open',
    monitoring,
  };
}

const REGISTRATIONS_PER_MINUTE = 10;

function makeAcmeDns({ acmeDns }: Config, { tokens }: Store): AcmeDns | undefined {
  if (acmeDns === undefined) return undefined;
  const registrations = new MinuteLimiter(REGISTRATIONS_PER_MINUTE, () => performance.now());
  const random = (octets: number) => randomBytes(octets);
  return new AcmeDns({ ...acmeDns, store: tokens, registrations, random, now: Date.now });
}
