/**
 * Configuration -> who may change what, and what is remembered of it: the store, tokens, settings of hosts, limits,
 * history and wishes. The part of the composition root beside open-zones.ts.
 */

import { randomBytes } from 'node:crypto';
import { type Config, formatStoreUrl, type HostConfig, type StoreConfig, type TokenConfig } from '../config/config.ts';
import { AcmeDns } from '../core/access/acme-dns.ts';
import { Authenticator } from '../core/access/authenticate.ts';
import { MinuteLimiter } from '../core/access/rate-limits.ts';
import type { HostToken } from '../core/access/token.ts';
import { TokenUseLog } from '../core/access/token-use.ts';
import type { StoreCopy } from '../core/admin/backup.ts';
import type { UpdateRecorder } from '../core/history/history.ts';
import { HistoryRecorder } from '../core/history/history-recorder.ts';
import { defaultHostSettings, type HostSettings } from '../core/hosts/host.ts';
import { HostDirectory } from '../core/hosts/host-directory.ts';
import { HostWatch } from '../core/leases/host-watch.ts';
import { NoticeMaker } from '../core/notices/notices.ts';
import type { Observer } from '../core/observer.ts';
import { PendingRetry } from '../core/pending/retry.ts';
import type { Store } from '../core/store.ts';
import { TextKeeper } from '../core/texts/text-expiry.ts';
import { TextRecords } from '../core/texts/text-records.ts';
import type { TextStore } from '../core/texts/text-store.ts';
import { UpdateAddresses } from '../core/updates/update-addresses.ts';
import { UpdateHost } from '../core/updates/update-host.ts';
import type { UpdateLimits, UpdateQueue } from '../core/updates/update-queue.ts';
import { UpdateRecord, type UpdateRecordOptions } from '../core/updates/update-record.ts';
import { UpdateTexts } from '../core/updates/update-texts.ts';
import type { ZoneTable } from '../core/zones/zone.ts';
import { openMemoryStore } from '../store/memory.ts';
import { timers } from './system-timers.ts';
import { NoticeOutlet, type NoticeParts } from './webhooks.ts';

/** What is open as long as the server: a reload changes the settings around it. */
export interface OpenClients {
  readonly store: Store | undefined;
  readonly recorder: HistoryRecorder | undefined;
  readonly updates: UpdateAddresses;
  /** To be started when the zones are open. */
  readonly pending: PendingRetry | undefined;
  /** To be started then, too. */
  readonly textKeeper: TextKeeper;
  readonly textRecords: TextRecords;
  /** Without a store, for as long as the server runs: tokens of the configuration are used all the same. */
  readonly uses: TokenUseLog;
  readonly watch: HostWatch | undefined;
  /** Is told of every update: for the history and for webhooks. Undefined while nobody wants to know. */
  readonly events: () => UpdateRecorder | undefined;
  readonly notices: NoticeOutlet;
  close(): Promise<void>;
}

/** What a reload makes anew. */
export interface ClientServices {
  readonly authenticator: Authenticator;
  readonly hosts: HostDirectory;
  readonly record: UpdateRecord;
  readonly updates: UpdateHost;
  readonly texts: UpdateTexts;
  readonly acmeDns: AcmeDns | undefined;
}

export interface ClientParts {
  readonly config: () => Config;
  readonly zones: () => ZoneTable;
  readonly hosts: () => HostDirectory | undefined;
  readonly queue: UpdateQueue;
  readonly observer: Observer;
  /** For counting. */
  readonly onOutcome: NonNullable<UpdateRecordOptions['onOutcome']>;
  readonly onDelivery: NoticeParts['onDelivery'];
}

const DAY_MS = 86_400_000;
const PRUNE_MS = 3_600_000;

/** @throws AppError store-unreachable, DatabaseLockedError, SqliteError, SchemaError */
export async function openClients(parts: ClientParts): Promise<OpenClients> {
  const { config, zones, hosts, queue, observer, onDelivery } = parts;
  const { store: storeConfig } = config();
  const warn = (text: string) => observer.warn(text);
  const notices = new NoticeOutlet({ warn, timers, onDelivery });
  const maker = new NoticeMaker(() => notices.notices);
  if (storeConfig === undefined) {
    const memory = openMemoryStore();
    const texts = openTexts(memory.texts, parts);
    const uses = new TokenUseLog(memory.tokens, Date.now, timers.after);
    return {
      ...texts,
      store: undefined,
      recorder: undefined,
      updates: new UpdateAddresses(queue),
      pending: undefined,
      watch: undefined,
      notices,
      events: eventsFor(config, undefined, notices, maker),
      uses,
      close: async () => {
        await texts.textKeeper.close();
        await uses.close();
        await notices.close();
      },
    };
  }
  // Loaded only where there is one: its packages cost every start.
  const { openStore } = await import('../store/open-store.ts');
  const store = await openStore(storeUrl(storeConfig));
  const recorder = new HistoryRecorder({ store: store.history, timers, warn });
  const events = eventsFor(config, recorder, notices, maker);
  const record: UpdateRecorder['record'] = (event) => events()?.record(event);
  const pending = new PendingRetry({
    store: store.pending,
    shared: storeConfig.kind === 'postgres',
    queue,
    zones,
    reconcile: () => config().reconcile,
    timeoutMs: () => config().nameserverTimeoutSeconds * 1000,
    isDisabled: async (ownerName) => (await hosts()?.find(ownerName))?.enabled === false,
    record,
    warn,
    timers,
  });
  const updates = new UpdateAddresses(queue, pending);
  const texts = openTexts(store.texts, parts);
  const uses = new TokenUseLog(store.tokens, Date.now, timers.after);
  const watch = new HostWatch({
    history: store.history,
    hosts: store.hosts,
    pending: store.pending,
    configured: () => config().hosts.map(hostSettings),
    isOn: () => config().historyDays > 0,
    flush: async (ownerName) => {
      await recorder.flush();
      return !recorder.hasUnwritten(ownerName);
    },
    zones,
    updates,
    record,
    silent: (ownerName, lastSeenMs, nowMs) => maker.silent(ownerName, lastSeenMs, nowMs),
    warn,
    timers,
  });
  const prune = () => {
    const { historyDays } = config();
    store.history.prune(Date.now() - historyDays * DAY_MS).catch((error: unknown) => {
      warn(`Old history could not be removed: ${error instanceof Error ? error.message : String(error)}`);
    });
  };
  const pruning = setInterval(prune, PRUNE_MS).unref();
  prune();
  return {
    store,
    recorder,
    updates,
    pending,
    ...texts,
    uses,
    watch,
    events,
    notices,
    close: async () => {
      clearInterval(pruning);
      await Promise.all([texts.textKeeper.close(), pending.close(), watch.close()]);
      await recorder.close();
      await uses.close();
      await notices.close();
      await store.close();
    },
  };
}

/** @param store in memory, what is written lasts as long as the process, and is not removed later */
function openTexts(store: TextStore, { config, zones, queue, observer }: ClientParts) {
  const timeoutMs = () => config().nameserverTimeoutSeconds * 1000;
  const warn = (text: string) => observer.warn(text);
  return {
    textRecords: new TextRecords(store, timers.now),
    textKeeper: new TextKeeper({ store, queue, zones, timeoutMs, warn, timers }),
  };
}

/** Tells the history, where one is kept, and those who want notices. */
function eventsFor(
  config: () => Config,
  recorder: HistoryRecorder | undefined,
  notices: NoticeOutlet,
  maker: NoticeMaker,
): () => UpdateRecorder | undefined {
  const kept = () => (config().historyDays > 0 ? recorder : undefined);
  const both: UpdateRecorder = {
    record: (event) => {
      kept()?.record(event);
      maker.event(event);
    },
    repeat: (ownerName, timeMs) => {
      kept()?.repeat(ownerName, timeMs);
      maker.repeat(ownerName);
    },
  };
  return () => (notices.notices === undefined ? kept() : both);
}

/** Settings of hosts are read from a store of our own here. @throws AppError store-unreachable */
export async function makeClientServices(open: OpenClients, parts: ClientParts): Promise<ClientServices> {
  const config = parts.config();
  const { store, uses, events, notices } = open;
  await notices.configure(config.webhooks);
  const nowMs = () => performance.now();
  const hosts = new HostDirectory({
    configured: config.hosts.map(hostSettings),
    store: store?.hosts,
    exclusive: config.store?.kind === 'sqlite',
    nowMs,
    after: timers.after,
  });
  await hosts.load();
  const record = new UpdateRecord({
    hosts,
    recorder: events(),
    changes: new MinuteLimiter(config.limits.changesPerMinutePerToken, nowMs),
    refusals: new MinuteLimiter(config.limits.refusedPerMinutePerSource, nowMs),
    now: Date.now,
    onOutcome: parts.onOutcome,
  });
  const acmeTtls = new Map(config.zones.map(({ apex, acmeTtl }) => [apex.key, acmeTtl]));
  return {
    hosts,
    authenticator: new Authenticator({
      masterSecret: config.secret?.reveal(),
      tokens: config.tokens.map(configuredToken),
      store: store?.tokens,
      now: Date.now,
      onUse: ({ id }) => uses.used(id),
    }),
    record,
    updates: new UpdateHost(open.updates, record),
    texts: new UpdateTexts({
      queue: parts.queue,
      record,
      log: open.textRecords,
      removeAfterSeconds: ({ apex }) => acmeTtls.get(apex.key) ?? DAY_MS / 1000,
    }),
    acmeDns: store && makeAcmeDns(config, store),
  };
}

const REGISTRATIONS_PER_MINUTE = 10;

function makeAcmeDns({ acmeDns }: Config, { tokens }: Store): AcmeDns | undefined {
  if (acmeDns === undefined) return undefined;
  const registrations = new MinuteLimiter(REGISTRATIONS_PER_MINUTE, () => performance.now());
  const random = (octets: number) => randomBytes(octets);
  return new AcmeDns({ ...acmeDns, store: tokens, registrations, random, now: Date.now });
}

/** Requests that may wait for a primary at the same time; beyond that clients are told to come back. */
const MAX_WAITING = 10_000;

export function updateLimits(config: Config): UpdateLimits {
  return { timeoutMs: config.nameserverTimeoutSeconds * 1000, maxWaiting: MAX_WAITING };
}

/** The database of the store, for a backup; opened for it where it is not open. */
export function storeCopy({ store: config }: Config, open?: Store): StoreCopy | undefined {
  if (config?.kind !== 'sqlite') return undefined;
  const copy = async (toFile: string) => {
    if (open?.backup !== undefined) return open.backup(toFile);
    const { openStore } = await import('../store/open-store.ts');
    const store = await openStore(storeUrl(config));
    try {
      await store.backup?.(toFile);
    } finally {
      await store.close();
    }
  };
  return { from: config.path, copy };
}

export function storeUrl(store: StoreConfig): string {
  return store.kind === 'sqlite' ? `sqlite:${store.path}` : store.url.reveal();
}

/** For the log. */
export function describeStore(config: Config): string {
  return config.store === undefined
    ? 'no store: tokens other than those of the configuration, history and wishes are off'
    : `store: ${formatStoreUrl(config.store)}`;
}

export function configuredToken(token: TokenConfig): HostToken {
  return { ...token, id: `file-${token.sha256.slice(0, 24)}`, createdMs: 0 };
}

export function hostSettings(host: HostConfig): HostSettings {
  return { ...defaultHostSettings(host.ownerName), ...host };
}
