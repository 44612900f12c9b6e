/**
 * Work that runs without a request, as long as the process: retries of pending updates, removal of expired TXT values,
 * the check for silent hosts, and the removal of old history. Each reads the generation in force when it runs.
 */

import type { StoreConfig } from '../config/config.ts';
import { errorText } from '../core/errors.ts';
import type { NewHistoryEvent } from '../core/history/history.ts';
import type { HistoryRecorder } from '../core/history/history-recorder.ts';
import { HistoryTrim } from '../core/history/history-trim.ts';
import type { HostSettings } from '../core/hosts/host.ts';
import { HostWatch } from '../core/leases/host-watch.ts';
import type { NoticeMaker } from '../core/notices/notices.ts';
import { PendingRetry } from '../core/pending/retry.ts';
import type { Store } from '../core/store.ts';
import { TextKeeper } from '../core/texts/text-expiry.ts';
import { TextRecords } from '../core/texts/text-records.ts';
import type { TextLog } from '../core/updates/publish-texts.ts';
import { Turns } from '../core/updates/turns.ts';
import { type Announce, UpdateAddresses } from '../core/updates/update-addresses.ts';
import type { UpdateQueue } from '../core/updates/update-queue.ts';
import type { DomainName } from '../dns/name.ts';
import type { Activity } from '../observe/activity.ts';
import type { Generation } from './generation.ts';
import { hostSettings, type OpenState } from './state.ts';
import { timers } from './system-timers.ts';

const DAY_MS = 86_400_000;
const PRUNE_MS = 3_600_000;
/** With one of each secondary ten times a second, a million last a day. */
const MAX_RECEIPTS = 1_000_000;
/** Without the HTTP API: commands of the operator are in the audit list as well. */
const DEFAULT_AUDIT_DAYS = 365;
const MAX_AUDIT_ENTRIES = 1_000_000;
/** A name that no update has announced and no server has claimed for so long is not in their order any more. */
const TURNS_MS = 7 * DAY_MS;

export interface WorkerParts {
  readonly state: OpenState;
  readonly queue: UpdateQueue;
  readonly noticeMaker: NoticeMaker;
  readonly warn: (text: string) => void;
  readonly activity: Pick<Activity, 'storedEvents' | 'trimmedEvents'>;
  /** The generation in force. Not called before `start`. */
  readonly current: () => Generation;
}

export interface Workers {
  /** Undefined without a store. */
  readonly pending: PendingRetry | undefined;
  /** Saves what cannot be published as pending updates. */
  readonly updates: UpdateAddresses;
  /** Records TXT values. */
  readonly textLog: TextLog;
  /** Call when the zones are open. */
  start(): void;
  /** Ends them: quickly, once connections to primaries are closed. */
  close(): Promise<void>;
}

export function makeWorkers(parts: WorkerParts, storeConfig: StoreConfig | undefined): Workers {
  const { state, queue, warn, activity, current } = parts;
  const { store, recorder } = state;
  const turns = storeConfig?.kind === 'postgres' && store !== undefined ? makeTurns(parts, store) : undefined;
  /** For what is deleted or given up by its age. */
  const ageTimers = { ...timers, now: state.clock.now };
  const textLog = new TextRecords(state.texts, ageTimers.now, turns);
  const textKeeper = new TextKeeper({
    store: state.texts,
    queue,
    zones: () => current().zones,
    timeoutMs: () => current().limits.timeoutMs,
    warn,
    timers: ageTimers,
    turns,
  });
  if (store === undefined || recorder === undefined) {
    const updates = new UpdateAddresses(queue);
    const start = () => textKeeper.start();
    return { pending: undefined, updates, textLog, start, close: () => textKeeper.close() };
  }
  const record = (event: NewHistoryEvent) => current().recorder?.record(event);
  const pending = makePendingRetry(parts, store, storeConfig?.kind === 'postgres', record, turns);
  const updates = new UpdateAddresses(queue, pending, announceBy(turns, pending, current));
  const watch = makeHostWatch(parts, store, recorder, updates, record, turns);
  const prune = () => {
    const oldestMs = state.clock.now() - current().config.historyDays * DAY_MS;
    const { auditDays = DEFAULT_AUDIT_DAYS } = current().config.admin ?? {};
    const pruned = Promise.all([
      store.history.prune(oldestMs),
      store.history.pruneReceipts(oldestMs, MAX_RECEIPTS),
      store.audit.prune(state.clock.now() - auditDays * DAY_MS, MAX_AUDIT_ENTRIES),
      store.signIns.prune(state.clock.now()),
    ]).then(() => store.turns.forget(TURNS_MS));
    pruned.catch((error: unknown) => {
      warn(`Old history could not be removed: ${errorText(error)}`);
    });
  };
  const trimming = new HistoryTrim({
    store: store.history,
    maxEvents: () => current().config.historyMaxEvents,
    onStep: ({ stored, deleted }) => {
      activity.storedEvents = stored;
      activity.trimmedEvents += deleted;
    },
    warn,
    timers,
  });
  let pruning: NodeJS.Timeout | undefined;
  return {
    pending,
    updates,
    textLog,
    start: () => {
      pending.start();
      textKeeper.start();
      watch.start();
      prune();
      pruning = setInterval(prune, PRUNE_MS).unref();
      trimming.start();
    },
    close: async () => {
      clearInterval(pruning);
      await Promise.all([textKeeper.close(), pending.close(), watch.close(), trimming.close()]);
    },
  };
}

function makePendingRetry(
  { state, queue, warn, current }: WorkerParts,
  store: Store,
  shared: boolean,
  record: (event: NewHistoryEvent) => void,
  turns: Turns | undefined,
): PendingRetry {
  return new PendingRetry({
    store: store.pending,
    shared,
    queue,
    zones: () => current().zones,
    reconcile: () => current().config.reconcile,
    timeoutMs: () => current().limits.timeoutMs,
    isDisabled: async (ownerName) => (await current().hosts.find(ownerName))?.enabled === false,
    record,
    warn,
    timers: { ...timers, now: state.clock.now },
    turns,
  });
}

function makeTurns({ current, queue }: WorkerParts, { turns: store }: Store): Turns {
  return new Turns({ store, timeoutMs: () => current().limits.timeoutMs, clock: queue.clock, timers });
}

/** Updates of hosts with a lease, and all while updates are pending, have a turn among the servers that share the store. */
function announceBy(
  turns: Turns | undefined,
  pending: PendingRetry,
  current: WorkerParts['current'],
): Announce | undefined {
  const hasLease = (settings: HostSettings | undefined) => settings?.leaseSeconds !== undefined;
  const mayBeClaimed = (ownerName: DomainName) => {
    if (pending.mayExist) return true;
    const found = current().hosts.find(ownerName);
    return found instanceof Promise ? found.then(hasLease) : hasLease(found);
  };
  return turns && ((ownerNames) => turns.announce(ownerNames, mayBeClaimed));
}

function makeHostWatch(
  { noticeMaker, warn, current }: WorkerParts,
  store: Store,
  recorder: HistoryRecorder,
  updates: UpdateAddresses,
  record: (event: NewHistoryEvent) => void,
  turns: Turns | undefined,
): HostWatch {
  return new HostWatch({
    history: store.history,
    hosts: store.hosts,
    pending: store.pending,
    configured: () => current().config.hosts.map(hostSettings),
    isOn: () => current().config.historyDays > 0,
    flush: async (ownerName) => {
      await recorder.flush();
      return !recorder.hasUnwritten(ownerName);
    },
    zones: () => current().zones,
    updates,
    record,
    silent: (ownerName, lastSeenMs, nowMs) => noticeMaker.silent(ownerName, lastSeenMs, nowMs),
    turns,
    warn,
    timers,
  });
}
