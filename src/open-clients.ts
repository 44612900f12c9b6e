/**
 * Configuration -> who may change what, and what is remembered of it: the store, tokens, settings of hosts, limits,
 * history and wishes. The part of the composition root beside open-zones.ts.
 */
import { type Config, formatStoreUrl, type HostConfig, type StoreConfig, type TokenConfig } from './config/config.ts';
import { Authenticator } from './core/authenticate.ts';
import type { StoreCopy } from './core/backup.ts';
import { HistoryRecorder } from './core/history-recorder.ts';
import { defaultHostSettings, type HostSettings } from './core/host.ts';
import { HostDirectory } from './core/host-directory.ts';
import { HostWatch } from './core/host-watch.ts';
import { MinuteLimiter } from './core/minute-limits.ts';
import { NoticeMaker } from './core/notices.ts';
import type { Observer } from './core/ports.ts';
import type { Store } from './core/store-ports.ts';
import type { HostToken } from './core/token.ts';
import { TokenUseLog } from './core/token-use.ts';
import type { UpdateAddresses } from './core/update-addresses.ts';
import { UpdateHost, type UpdateHostOptions, type UpdateRecorder } from './core/update-host.ts';
import { WishKeeper } from './core/wish-keeper.ts';
import type { ZoneTable } from './core/zone.ts';
import { NoticeOutlet, type NoticeParts } from './open-notices.ts';

/** What is open as long as the server: a reload changes the settings around it. */
export interface OpenClients {
  readonly store: Store | undefined;
  readonly recorder: HistoryRecorder | undefined;
  /** To be started when the zones are open. */
  readonly wishes: WishKeeper | undefined;
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
  readonly updates: UpdateHost;
}

export interface ClientParts {
  readonly config: () => Config;
  readonly zones: () => ZoneTable;
  readonly hosts: () => HostDirectory | undefined;
  readonly updates: UpdateAddresses;
  readonly observer: Observer;
  /** For counting. */
  readonly onOutcome: NonNullable<UpdateHostOptions['onOutcome']>;
  readonly onDelivery: NoticeParts['onDelivery'];
}

const DAY_MS = 86_400_000;
const PRUNE_MS = 3_600_000;

const timers = {
  now: Date.now,
  after(delayMs: number, call: () => void): () => void {
    const timer = setTimeout(call, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** @throws AppError store-unreachable, DatabaseLockedError, SqliteError, SchemaError */
export async function openClients(parts: ClientParts): Promise<OpenClients> {
  const { config, zones, hosts, updates, observer, onDelivery } = parts;
  const { store: storeConfig } = config();
  const warn = (text: string) => observer.warn(text);
  const notices = new NoticeOutlet({ warn, timers, onDelivery });
  const maker = new NoticeMaker(() => notices.notices);
  if (storeConfig === undefined) {
    const nothing = { store: undefined, recorder: undefined, wishes: undefined, watch: undefined };
    return { ...nothing, notices, events: eventsFor(config, undefined, notices, maker), close: () => notices.close() };
  }
  // Loaded only where there is one: its packages cost every start.
  const { openStore } = await import('./store/open-store.ts');
  const store = await openStore(storeUrl(storeConfig));
  const recorder = new HistoryRecorder({ store: store.history, timers, warn });
  const events = eventsFor(config, recorder, notices, maker);
  const record: UpdateRecorder['record'] = (event) => events()?.record(event);
  const wishes = new WishKeeper({
    store: store.wishes,
    shared: storeConfig.kind === 'postgres',
    order: updates.order,
    zones,
    reconcile: () => config().reconcile,
    timeoutMs: () => config().nameserverTimeoutSeconds * 1000,
    isDisabled: async (ownerName) => (await hosts()?.find(ownerName))?.enabled === false,
    record,
    warn,
    timers,
  });
  updates.unpublished = wishes;
  const watch = new HostWatch({
    history: store.history,
    hosts: store.hosts,
    wishes: store.wishes,
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
    wishes,
    watch,
    events,
    notices,
    close: async () => {
      clearInterval(pruning);
      await Promise.all([wishes.close(), watch.close()]);
      await recorder.close();
      await notices.close();
      await store.close();
    },
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
  const { store, events, notices } = open;
  await notices.configure(config.webhooks);
  const nowMs = () => performance.now();
  const hosts = new HostDirectory({
    configured: config.hosts.map(hostSettings),
    store: store?.hosts,
    exclusive: config.store?.kind === 'sqlite',
    nowMs,
  });
  await hosts.load();
  const uses = store && new TokenUseLog(store.tokens, Date.now, timers.after);
  return {
    hosts,
    authenticator: new Authenticator({
      masterSecret: config.secret?.reveal(),
      tokens: config.tokens.map(configuredToken),
      store: store?.tokens,
      now: Date.now,
      onUse: ({ id }) => uses?.used(id),
    }),
    updates: new UpdateHost({
      updates: parts.updates,
      hosts,
      recorder: events(),
      changes: new MinuteLimiter(config.limits.changesPerMinutePerToken, nowMs),
      refusals: new MinuteLimiter(config.limits.refusedPerMinutePerSource, nowMs),
      now: Date.now,
      onOutcome: parts.onOutcome,
    }),
  };
}

/** The database of the store, for a backup; opened for it where it is not open. */
export function storeCopy({ store: config }: Config, open?: Store): StoreCopy | undefined {
  if (config?.kind !== 'sqlite') return undefined;
  const copy = async (toFile: string) => {
    if (open?.backup !== undefined) return open.backup(toFile);
    const { openStore } = await import('./store/open-store.ts');
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
