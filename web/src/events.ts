/**
 * Events of the server as they happen: one stream for a visible page, which a hidden page closes. Screens listen with `useEvents`;
 * `onResync` says that events may have been missed, and that what is shown must be read again. The end of the stream is also how a
 * page learns that its session has ended, or that the server does not answer.
 */
import { effect, signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { apiUrl } from './api.ts';
import type { EventWithItsHostView } from './api-types.ts';
import { plainName } from './names.ts';
import { isSigningOut, reloadMe, session } from './session.ts';

/** Its host is in lower case, without a final dot. */
export type HostEvent = EventWithItsHostView;

/** Updates of one second. */
export interface Rate {
  readonly time: string;
  readonly changed: number;
  readonly refused: number;
  readonly failed: number;
  readonly unchanged: number;
  /** `watched`: there are so many that only events of watched hosts are sent. */
  readonly events: 'all' | 'watched';
}

export type StreamState = 'off' | 'connecting' | 'open' | 'lost';

export const streamState = signal<StreamState>('off');
/** The stream was lost, and the server did not answer since. */
export const isServerAway = signal(false);

export interface Listener {
  readonly event?: (event: HostEvent) => void;
  readonly rate?: (rate: Rate) => void;
}

interface Subscription {
  readonly listener: Listener;
  readonly watched: readonly string[];
}

const subscriptions = new Set<Subscription>();
const resyncs = new Set<() => void>();
/** From a stream that was lost until the next attempt, where the browser makes none itself. */
const RETRY_MS = 5_000;

let source: EventSource | undefined;
let watched = '';
let lastEventId = '';
let retryTimer: ReturnType<typeof setTimeout> | undefined;
/** The next connection may have missed events: a page was hidden, or it was lost. */
let isStale = false;
/** The same, and for longer than it takes to open another one: changes without events may have been missed, too. */
let wasAway = false;

/** Calls `callback` when what is shown may be out of date. @returns ends it */
export function onResync(callback: () => void): () => void {
  resyncs.add(callback);
  return () => resyncs.delete(callback);
}

/** @returns ends it */
export function listen(listener: Listener, hosts: readonly string[] = []): () => void {
  const subscription = { listener, watched: hosts };
  subscriptions.add(subscription);
  adjust();
  return () => {
    subscriptions.delete(subscription);
    adjust();
  };
}

/** Listens while the component is shown. @param hosts their events are always sent, however many there are */
export function useEvents(listener: Listener, hosts: readonly string[] = []): void {
  const latest = useRef(listener);
  latest.current = listener;
  const key = hosts.join(' ');
  useEffect(
    () =>
      listen(
        { event: (event) => latest.current.event?.(event), rate: (rate) => latest.current.rate?.(rate) },
        key === '' ? [] : key.split(' '),
      ),
    [key],
  );
}

/** Calls all who show something: it may be out of date. */
function resync(): void {
  for (const callback of [...resyncs]) callback();
}

/** Opens, closes or changes the stream as it is needed now. */
function adjust(): void {
  const isSignedIn = session.peek().state === 'signed-in' && !isSigningOut.peek();
  const isNeeded = subscriptions.size > 0 && isSignedIn && document.visibilityState === 'visible';
  const hosts = [...new Set([...subscriptions].flatMap((one) => one.watched))].sort().slice(0, 50);
  if (!isNeeded) {
    wasAway ||= source !== undefined;
    isServerAway.value = false;
    close();
    return;
  }
  if (retryTimer !== undefined || (source !== undefined && hosts.join(' ') === watched)) return;
  close();
  watched = hosts.join(' ');
  open(hosts);
}

function open(hosts: readonly string[]): void {
  streamState.value = 'connecting';
  const opened = new EventSource(apiUrl('/v1/stream', { host: hosts, last_event_id: lastEventId || undefined }));
  source = opened;
  opened.addEventListener('open', () => {
    streamState.value = 'open';
    isServerAway.value = false;
    if (wasAway || (isStale && lastEventId === '')) resync();
    isStale = false;
    wasAway = false;
  });
  opened.addEventListener('history', (message) => {
    note(message);
    const sent = JSON.parse(message.data) as HostEvent;
    const event = { ...sent, host: plainName(sent.host).toLowerCase() };
    for (const { listener } of [...subscriptions]) listener.event?.(event);
  });
  opened.addEventListener('rate', (message) => {
    note(message);
    const rate = JSON.parse(message.data) as Rate;
    for (const { listener } of [...subscriptions]) listener.rate?.(rate);
  });
  opened.addEventListener('resync', (message) => {
    note(message);
    resync();
  });
  opened.addEventListener('error', () => {
    if (source !== opened) return;
    // Otherwise the browser connects again by itself.
    const isClosed = opened.readyState === EventSource.CLOSED;
    if (isClosed) close();
    isStale = true;
    wasAway = true;
    streamState.value = 'lost';
    void findReason();
    if (isClosed) retryTimer = setTimeout(retry, RETRY_MS);
  });
}

function retry(): void {
  retryTimer = undefined;
  adjust();
}

/** The browser does not say why the stream ended. If the session has ended, this finds out. */
async function findReason(): Promise<void> {
  try {
    await reloadMe();
    isServerAway.value = false;
  } catch {
    isServerAway.value = streamState.value !== 'open' && session.peek().state === 'signed-in';
  }
}

function note({ lastEventId: id }: MessageEvent): void {
  if (id !== '') lastEventId = id;
}

function close(): void {
  clearTimeout(retryTimer);
  retryTimer = undefined;
  if (source === undefined) return;
  source.close();
  source = undefined;
  isStale = true;
  streamState.value = 'off';
}

document.addEventListener('visibilitychange', adjust);
effect(() => {
  const { state } = session.value;
  // The server ends the stream together with the session, before its reply is here.
  void isSigningOut.value;
  if (state === 'signed-out') lastEventId = '';
  adjust();
});
