/**
 * What is stored of clients: tokens and their last use, settings of hosts, history, pending updates, TXT values. Opened
 * once; a reload cannot change where it is stored. Also small conversions from the configuration that commands use.
 */
import type { Config, HostConfig, StoreConfig, TokenConfig } from '../config/config.ts';
import type { HostToken } from '../core/access/token.ts';
import { TokenUseLog } from '../core/access/token-use.ts';
import { UnusedTokens } from '../core/access/unused-tokens.ts';
import type { StoreCopy } from '../core/admin/backup.ts';
import { BelievedClock } from '../core/believed-clock.ts';
import { HistoryRecorder } from '../core/history/history-recorder.ts';
import { defaultHostSettings, type HostSettings } from '../core/hosts/host.ts';
import type { Store, StoreUser } from '../core/store.ts';
import type { TextStore } from '../core/texts/text-store.ts';
import type { TicketKeyStore } from '../core/ticket-keys.ts';
import type { UpdateLimits } from '../core/updates/update-queue.ts';
import { DatabaseLockedError } from '../sqlite/lock.ts';
import { SqliteError } from '../sqlite/sqlite-error.ts';
import { openMemoryStore } from '../store/memory.ts';
import { asStartError } from './start-error.ts';
import { timers } from './system-timers.ts';
import { VERSION } from './version.ts';

export interface OpenState {
  /** Undefined: none is configured. */
  readonly store: Store | undefined;
  /** Writes the history; undefined without a store. */
  readonly recorder: HistoryRecorder | undefined;
  /** Without a store in memory: tokens of the configuration have a last use, too. */
  readonly uses: TokenUseLog;
  /** Of no use without a store: the last use of tokens is then not known after a restart. */
  readonly unusedTokens: UnusedTokens;
  /** Without a store in memory: values are then not removed after the end of the process. */
  readonly texts: TextStore;
  /** Without a store in memory: tickets are then of no use after a restart. */
  readonly ticketKeys: TicketKeyStore;
  /** By which stored data gets old. */
  readonly clock: BelievedClock;
  /** Writes what is buffered. */
  close(): Promise<void>;
}

/** @throws StartError */
export async function openState(
  config: Config,
  warn: (text: string) => void,
  callbacks: Pick<StoreUser, 'onDeath' | 'onChange'>,
): Promise<OpenState> {
  const clock = new BelievedClock({ clock: () => performance.now(), timers, warn });
  const beforeUse = ({ history }: Store) => clock.start(history);
  const store = await openConfiguredStore(config, { ...callbacks, beforeUse });
  const { tokens, texts, ticketKeys } = store ?? openMemoryStore();
  const recorder = store && new HistoryRecorder({ store: store.history, timers, warn });
  const uses = new TokenUseLog(tokens, Date.now, timers.after);
  return {
    store,
    recorder,
    uses,
    unusedTokens: new UnusedTokens(uses, clock.now),
    texts,
    ticketKeys,
    clock,
    close: async () => {
      await clock.close();
      await recorder?.close();
      await uses.close();
      await store?.close();
    },
  };
}

/**
 * Opens the store that the configuration names, if any.
 * @param user of a server: PostgreSQL may be away. @throws StartError, and without a user AppError store-unreachable
 */
export async function openConfiguredStore(
  { store: config }: Pick<Config, 'store'>,
  user?: StoreUser,
): Promise<Store | undefined> {
  if (config === undefined) return undefined;
  // Its packages are loaded only when there is a store: they would slow every start.
  const { openStore } = await import('../store/open-store.ts');
  try {
    return await openStore(storeUrl(config), user, VERSION);
  } catch (error) {
    const { SchemaError } = await import('../store/migrations.ts');
    throw asStartError(error, [
      [DatabaseLockedError, 'locked'],
      [SqliteError, 'database'],
      [SchemaError, 'database'],
    ]);
  }
}

/** Updates that may wait for a primary at the same time; beyond that clients get `rate-limited`. */
const MAX_WAITING = 10_000;

export function updateLimits(config: Config): UpdateLimits {
  return { timeoutMs: config.nameserverTimeoutSeconds * 1000, maxWaiting: MAX_WAITING };
}

/** Opens the store for one task. Undefined if the configuration has none. @throws AppError, StartError */
export async function withStore<Result>(
  config: Pick<Config, 'store'>,
  use: (store: Store) => Promise<Result> | undefined,
): Promise<Result | undefined> {
  const store = await openConfiguredStore(config);
  try {
    return store && (await use(store));
  } finally {
    await store?.close();
  }
}

/** For a backup: copies the SQLite database of the store, which is opened for that if it is not open. */
export function storeCopy(config: Config, open?: Store): StoreCopy | undefined {
  if (config.store?.kind !== 'sqlite') return undefined;
  const copy = async (toFile: string) => {
    if (open?.backup !== undefined) return open.backup(toFile);
    await withStore(config, (store) => store.backup?.(toFile));
  };
  return { from: config.store.path, copy };
}

/** It may hold a password. */
export function storeUrl(store: StoreConfig): string {
  return store.kind === 'sqlite' ? `sqlite:${store.path}` : store.url.reveal();
}

export function configuredToken(token: TokenConfig): HostToken {
  return { ...token, id: `file-${token.sha256.slice(0, 24)}`, createdMs: 0 };
}

export function hostSettings(host: HostConfig): HostSettings {
  return { ...defaultHostSettings(host.ownerName), ...host };
}
